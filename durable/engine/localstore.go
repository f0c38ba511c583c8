package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/replay"
)

// Store returns the store for clients in this process. What concerns an instance whose partition this host owns goes to the partition's owner
// in memory, and is answered when the commit that it leads to is durable: a start with its first episode, an event with the episode that takes account of
// it, the end of an instance without a look at the hub. All else goes to the hub's own store.
func (e *Engine) Store(hub durable.Store) durable.Store { return &localStore{Store: hub, e: e} }

type localStore struct {
	durable.Store
	e *Engine
}

// errElsewhere is the owner's answer when it does not know enough: the hub's store is to be asked.
var errElsewhere = errors.New("the instance is not in memory")

// maxOrders is how many starts and events may wait for the owners of this host's partitions at once; more callers wait.
const maxOrders = 4096

// order hands the partition's owner something to do and waits for its answer. It returns errElsewhere when there is no owner here, and when the
// owner ends before it has answered: then lost is true, and what was to be done may have been done.
func (s *localStore) order(ctx context.Context, id string, give func(p *partition, reply func(error))) (lost bool, err error) {
	p := s.e.partition(s.e.hub.PartitionOf(id))
	if p == nil || p.quiet.Load() || s.e.stopping.Load() {
		return false, errElsewhere
	}
	select {
	case s.e.orders <- struct{}{}:
		defer func() { <-s.e.orders }()
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	answer := make(chan error, 1)
	p.mail.put(func() { give(p, func(err error) { answer <- err }) })
	select {
	case err := <-answer:
		return false, err
	case <-ctx.Done():
		return true, fmt.Errorf("the outcome is unknown: %w", context.Cause(ctx))
	case <-p.ctx.Done():
		select {
		case err := <-answer:
			return false, err
		default:
			return true, errElsewhere
		}
	}
}

// Create implements durable.Store.
func (s *localStore) Create(ctx context.Context, req durable.CreateRequest) error {
	if len(req.Input) > s.e.cfg.MaxPayload {
		return s.Store.Create(ctx, req)
	}
	_, err := s.order(ctx, req.InstanceID, func(p *partition, reply func(error)) { p.startHere(req, reply) })
	if errors.Is(err, errElsewhere) {
		// The hub recognises an execution that was begun after all.
		return s.Store.Create(ctx, req)
	}
	return err
}

// RaiseEvent implements durable.Store.
func (s *localStore) RaiseEvent(ctx context.Context, id, name string, data json.RawMessage) error {
	if len(data) > s.e.cfg.MaxPayload {
		return s.Store.RaiseEvent(ctx, id, name, data)
	}
	lost, err := s.order(ctx, id, func(p *partition, reply func(error)) { p.raiseHere(id, name, data, reply) })
	switch {
	case lost && errors.Is(err, errElsewhere):
		return fmt.Errorf("raising event '%s' for instance '%s': its partition went to another host, so the outcome is unknown", name, id)
	case errors.Is(err, errElsewhere):
		return s.Store.RaiseEvent(ctx, id, name, data)
	}
	return err
}

// Wait implements durable.Store.
func (s *localStore) Wait(ctx context.Context, id string, until func(durable.RuntimeStatus) bool) (*durable.Status, error) {
	p := s.e.partition(s.e.hub.PartitionOf(id))
	if p == nil || p.quiet.Load() {
		return s.Store.Wait(ctx, id, until)
	}
	w := &statusWaiter{until: until, found: make(chan *durable.Status, 1)}
	p.mail.put(func() { p.awaitStatus(id, w) })
	var st *durable.Status
	select {
	case st = <-w.found:
	case <-p.ctx.Done():
	case <-ctx.Done():
		p.mail.put(func() { p.leave(id, w) })
		return nil, fmt.Errorf("waiting for instance %q: %w", id, context.Cause(ctx))
	}
	if st == nil {
		return s.Store.Wait(ctx, id, until)
	}
	return st, nil
}

// startHere begins an instance whose start has not been stored: its first episode is stored with it.
func (p *partition) startHere(req durable.CreateRequest, reply func(error)) {
	if p.instances[req.InstanceID] != nil || p.quiet.Load() || p.ctx.Err() != nil {
		reply(errElsewhere)
		return
	}
	now := p.e.now().Truncate(time.Millisecond)
	in := &instance{
		id: req.InstanceID, create: true, start: &startOrder{anyState: req.AnyState, reply: reply},
		rec: &Record{
			InstanceID: req.InstanceID, ExecutionID: req.ExecutionID, Name: req.Name, Version: req.Version, Status: durable.Pending,
			Created: now, Updated: now, Input: req.Input,
		},
	}
	in.orch, in.generation = replay.New(p.e.replayConfig()), p.e.generations.Add(1)
	p.instances[in.id] = in
	p.advance(in)
	if in.running {
		in.start.patience = time.AfterFunc(startPatience, func() { p.mail.put(func() { p.storeStart(in) }) })
	}
}

// startPatience is how long a start waits for the instance's first episode, if that runs in a worker, which may have much to do, or be held
// up by a debugger.
const startPatience = 200 * time.Millisecond

// startOrder is a start that waits for its commit.
type startOrder struct {
	anyState bool
	reply    func(error)
	patience *time.Timer // nil: it waits for its first episode however long that takes
}

// storeStart commits the start alone. An episode that is under way waits for that, and is committed after it.
func (p *partition) storeStart(in *instance) {
	if in.start == nil || !in.create || in.refused || p.ctx.Err() != nil {
		return
	}
	d := in.newDraft(p.e.now())
	p.setReady(in, d, true) // no message tells another owner of it
	in.storing = true
	p.put(d)
}

// refused follows a start that did not take place, because an instance of that ID is there. What has come for that one meanwhile is given to it.
func (p *partition) refused(d *draft, err error) {
	in := d.in
	in.busy, in.refused = false, true
	p.active--
	p.forget(in)
	if errors.Is(err, ErrStartedBefore) {
		err = nil
	}
	in.start.reply(err)
	for i := range in.inbox {
		p.receive(&in.inbox[i])
	}
	for _, t := range in.fired {
		other := p.instance(t.InstanceID)
		other.fired = append(other.fired, t)
	}
}

// raiseHere takes an event from a client of this process.
func (p *partition) raiseHere(id, name string, data json.RawMessage, reply func(error)) {
	in := p.instances[id]
	if in == nil || in.loading || !in.runs() || in.start != nil || p.quiet.Load() || p.ctx.Err() != nil {
		reply(errElsewhere)
		return
	}
	in.inbox = append(in.inbox, Message{Kind: MessageEvent, InstanceID: id, Name: name, Data: data, reply: reply})
	p.advance(in)
}

// statusWaiter waits for an instance's status; nil says that the hub is to be asked.
type statusWaiter struct {
	until func(durable.RuntimeStatus) bool
	found chan *durable.Status
}

// awaitStatus answers with the status of an instance in memory, now or when it changes.
func (p *partition) awaitStatus(id string, w *statusWaiter) {
	in := p.instances[id]
	if in == nil || in.loading || in.rec == nil || p.ctx.Err() != nil {
		w.found <- nil
		return
	}
	p.waiters[id] = append(p.waiters[id], w)
	if !in.busy && !in.notify && !in.create {
		p.tellWaiters(in)
	}
}

func (p *partition) leave(id string, w *statusWaiter) {
	list := p.waiters[id]
	for i := range list {
		if list[i] == w {
			list = append(list[:i], list[i+1:]...)
			break
		}
	}
	if len(list) == 0 {
		delete(p.waiters, id)
		return
	}
	p.waiters[id] = list
}

// tellWaiters tells those who wait for the instance about its status, which is durable now.
func (p *partition) tellWaiters(in *instance) {
	list := p.waiters[in.id]
	if len(list) == 0 {
		return
	}
	rest := list[:0]
	for _, w := range list {
		switch {
		case in.rec == nil:
			w.found <- nil
		case w.until(in.rec.Status):
			w.found <- in.rec.status()
		case in.rec.Status.IsFinished():
			w.found <- nil
		default:
			rest = append(rest, w)
		}
	}
	if len(rest) == 0 {
		delete(p.waiters, in.id)
		return
	}
	p.waiters[in.id] = rest
}

// status is what clients get to know of the instance.
func (r *Record) status() *durable.Status {
	return &durable.Status{
		Name: r.Name, InstanceID: r.InstanceID, ExecutionID: r.ExecutionID, Version: r.Version, RuntimeStatus: r.Status,
		CreatedTime: r.Created.Truncate(time.Millisecond), LastUpdated: r.Updated.Truncate(time.Millisecond),
		Input: r.Input, CustomStatus: r.CustomStatus, Output: r.Output,
	}
}
