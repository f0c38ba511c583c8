package engine

import (
	"container/list"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/entity"
	"github.com/durango-functions/durango/durable/history"
)

// partition is one partition that this host owns. Its goroutines:
//
//   - owner: the only one that touches instances, timers and the fields below "owned"; others send it functions to run
//   - reader: reads the inbox
//   - courier: delivers the outbox to other partitions
//
// Episodes, loads and claims run on goroutines of their own and end by a function sent to the owner.
type partition struct {
	e      *Engine
	id     int
	epoch  int64
	logger *slog.Logger

	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup

	mail    *mailbox[func()]
	letters *mailbox[OutboxMessage]
	inbox   InboxReader

	// quiet lets no new episode begin.
	quiet atomic.Bool

	// owned by the owner goroutine
	instances map[string]*instance
	entities  map[string]*entityInstance
	timers    timerQueue
	claims    map[string]time.Time       // activities of other hosts, and when to ask for them
	claimsAt  time.Time                  // when to ask for the first of them at the earliest; zero: there are none
	lookAt    time.Time                  // when to look for orchestrators that run for long; zero: none runs
	active    int                        // instances whose episode or commit is under way
	drained   []chan struct{}            // closed when nothing is active
	drafts    []*draft                   // for the next flush
	waiters   map[string][]*statusWaiter // clients of this process, by instance ID
	ready     map[string]bool            // instances that the hub holds as ready
	// stepping are the instances whose orchestrator runs in process, and since when.
	stepping map[*instance]time.Time
	// lru are the instances in memory, the least recently used first.
	lru *list.List
	// entityLRU are the entities in memory in the same order.
	entityLRU *list.List
	closing   sync.Once
}

func newPartition(e *Engine, id int, epoch int64) *partition {
	p := &partition{
		e: e, id: id, epoch: epoch, logger: e.logger.With("partition", id, "epoch", epoch),
		mail: newMailbox[func()](), letters: newMailbox[OutboxMessage](),
		inbox:     e.hub.Inbox(id),
		instances: map[string]*instance{},
		entities:  map[string]*entityInstance{},
		claims:    map[string]time.Time{},
		stepping:  map[*instance]time.Time{},
		ready:     map[string]bool{},
		waiters:   map[string][]*statusWaiter{},
		lru:       list.New(),
		entityLRU: list.New(),
	}
	p.ctx, p.cancel = context.WithCancelCause(e.ctx)
	return p
}

// start sets the partition to work on what its last owner left.
func (p *partition) start(state *PartitionState) {
	p.timers.add(state.Timers...)
	p.letters.put(state.Outbox...)
	p.mail.put(func() {
		for i := range state.Activities {
			p.adopt(&state.Activities[i])
		}
		for _, id := range state.Ready {
			p.ready[id] = true
			if entity.Is(id) {
				p.advanceEntity(p.entity(id))
				continue
			}
			p.advance(p.instance(id))
		}
	})
	p.wg.Go(p.own)
	p.wg.Go(p.read)
	p.wg.Go(p.deliver)
}

// quiesce lets no new episode begin.
func (p *partition) quiesce() {
	p.quiet.Store(true)
}

// drain waits until no episode or commit is under way, or ctx ends.
func (p *partition) drain(ctx context.Context) {
	done := make(chan struct{})
	p.mail.put(func() {
		for _, in := range p.instances {
			p.advance(in)
		}
		p.drained = append(p.drained, done)
		p.tellDrained()
	})
	select {
	case <-done:
	case <-ctx.Done():
	case <-p.ctx.Done():
	}
}

func (p *partition) tellDrained() {
	if p.active > 0 {
		return
	}
	for _, done := range p.drained {
		close(done)
	}
	p.drained = nil
}

// close ends the partition's goroutines and waits for them.
func (p *partition) close(cause error) {
	p.closing.Do(func() {
		p.cancel(cause)
		_ = p.inbox.Close() // it was only read
		p.wg.Wait()
		p.endSessions(cause)
		for _, in := range p.instances {
			p.e.cached.Add(-int64(in.cached.bytes))
		}
		for _, en := range p.entities {
			p.e.cached.Add(-int64(en.cachedBytes))
		}
	})
}

// fail gives the partition up because its state in memory may be wrong, or is another host's business by now. Nothing is lost: the hub
// has all that was acknowledged, and whoever owns the partition next reads it.
func (p *partition) fail(cause error) {
	if p.ctx.Err() != nil {
		return
	}
	if errors.Is(cause, ErrFenced) {
		p.logger.Info("task hub: partition is another host's now")
	} else {
		p.e.troubles.warn(p.logger, "task hub: reading the partition anew", "error", cause)
	}
	p.cancel(cause)
	p.e.wg.Go(func() {
		p.close(cause)
		p.e.lost(p)
	})
}

// own is the owner goroutine.
func (p *partition) own() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var mail []func()
	var armed time.Time // what the timer is set to; zero: nothing
	for {
		if at := p.nextDue(); !at.Equal(armed) {
			armed = at
			timer.Reset(p.untilNext())
		}
		select {
		case <-p.ctx.Done():
			return
		case <-p.mail.C():
			mail = p.mail.take(mail)
			for _, f := range mail {
				f()
			}
		case <-timer.C:
			armed = time.Time{}
			p.fireTimers()
			p.askForClaims()
			p.nameBlocked()
		}
		p.flush()
		p.tellDrained()
	}
}

// nextDue is when the next timer, claim or look at orchestrators that run for long is due, by the hub's clock; zero: nothing is.
func (p *partition) nextDue() time.Time {
	next := p.claimsAt
	sooner := func(at time.Time) {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	if len(p.timers) > 0 && !p.quiet.Load() {
		sooner(p.timers[0].FireAt)
	}
	if len(p.stepping) > 0 {
		if p.lookAt.IsZero() {
			p.lookAt = p.e.now().Add(patience / 2)
		}
		sooner(p.lookAt)
	}
	return next
}

// untilNext is the time until something is due.
func (p *partition) untilNext() time.Duration {
	at := p.nextDue()
	if at.IsZero() {
		return time.Hour
	}
	return max(at.Sub(p.e.now()), 0)
}

// fireTimers sends TimerFired to the instances whose timers are due.
func (p *partition) fireTimers() {
	if len(p.timers) == 0 || p.quiet.Load() {
		return
	}
	now := p.e.now()
	for _, t := range p.timers.due(now) {
		if entity.Is(t.InstanceID) {
			p.fireEntity(t)
			continue
		}
		in := p.instance(t.InstanceID)
		in.fired = append(in.fired, t)
		p.advance(in)
	}
}

// read is the reader goroutine.
func (p *partition) read() {
	for attempt := 0; p.ctx.Err() == nil; {
		messages, err := p.inbox.Read(p.ctx)
		switch {
		case errors.Is(err, ErrClosed):
			return
		case err != nil:
			attempt++
			p.e.troubles.warn(p.logger, "task hub: reading the inbox failed, trying again", "error", err)
			if !p.pause(backoff(attempt)) {
				return
			}
			continue
		}
		attempt = 0
		looked := make(chan struct{})
		p.mail.put(func() {
			defer close(looked)
			for i := range messages {
				p.receive(&messages[i])
			}
		})
		// Back-pressure: the next batch is read when this one has been looked at.
		select {
		case <-looked:
		case <-p.ctx.Done():
			return
		}
	}
}

func (p *partition) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// receive takes one message from the inbox.
func (p *partition) receive(m *Message) {
	if m.InstanceID == "" {
		p.setAside(m, m.Reason)
		return
	}
	if entity.Is(m.InstanceID) {
		p.receiveForEntity(m)
		return
	}
	in := p.instance(m.InstanceID)
	in.inbox = append(in.inbox, *m)
	p.advance(in)
}

// putOutcome takes the outcome of an activity that ran here. It returns false when the partition is on its way to another host.
func (p *partition) putOutcome(m Message) bool {
	if p.ctx.Err() != nil || p.quiet.Load() {
		return false
	}
	p.mail.put(func() {
		in := p.instance(m.InstanceID)
		in.inbox = append(in.inbox, m)
		p.advance(in)
	})
	return true
}

// instance returns the instance, beginning to load it when it is not in memory.
func (p *partition) instance(id string) *instance {
	in := p.instances[id]
	if in != nil {
		return in
	}
	in = &instance{id: id, loading: true}
	p.instances[id] = in
	p.wg.Go(func() { p.load(in) })
	return in
}

// load reads an instance and hands it to the owner.
func (p *partition) load(in *instance) {
	p.readRecord(in, func(rec *Record) {
		in.loading = false
		if err := in.take(p.e, rec); err != nil {
			p.spoiled(in, err)
			return
		}
		p.advance(in)
	})
}

// readRecord reads an instance, however often it takes, and lets the owner do something with it.
func (p *partition) readRecord(in *instance, then func(*Record)) {
	for attempt := 1; ; attempt++ {
		rec, err := p.e.hub.Load(p.ctx, p.id, in.id)
		if err == nil {
			p.mail.put(func() { then(rec) })
			return
		}
		if p.ctx.Err() != nil {
			return
		}
		p.e.troubles.warn(p.logger, "task hub: loading an instance failed, trying again", "instance_id", in.id, "error", err)
		if !p.pause(backoff(attempt)) {
			return
		}
	}
}

// spoiled ends an instance whose stored history cannot be read, so that it holds up nobody and says why.
func (p *partition) spoiled(in *instance, err error) {
	p.logger.Error("orchestration failed: its history cannot be read", "function", in.rec.Name, "instance_id", in.id, "error", err)
	if in.runs() {
		p.finish(in, nil, nil, durable.Failed, failureText(orchestratorFailed(in.rec.Name, "its history cannot be read: "+err.Error())))
		return
	}
	p.acknowledge(in)
}

// eventAt is an event that happens now.
func (p *partition) eventAt(t history.EventType) history.Event {
	return history.Event{Type: t, ID: -1, Timestamp: p.e.now(), Action: history.NoAction}
}
