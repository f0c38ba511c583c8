package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/durango-functions/durango/durable/entity"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/replay"
)

// entityBook is what an orchestration instance has to do with entities.
type entityBook struct {
	requests map[string]int      // task ids of calls and lock requests without an answer, by request ID
	locks    map[string][]string // the entities of locks that it has or has asked for, by request ID
	// locksChanged says that the hub has other locks in the instance's record.
	locksChanged bool
}

// requestIn returns the request to an entity that an event is; nil when it is none. Detached starts of orchestrators in Go are EventSent, too.
func requestIn(ev *history.Event) *entity.Request {
	if ev.Type != history.EventSent || !entity.Is(ev.InstanceID) {
		return nil
	}
	return entity.ParseRequest(ev.Input)
}

// noteSent follows what an EventSent of the history says.
func (b *entityBook) noteSent(ev *history.Event) {
	r := requestIn(ev)
	switch {
	case r == nil:
	case ev.Name == entity.ReleaseEvent:
		// Those of one lock are sent together.
		b.locksChanged = b.locksChanged || b.locks[r.ID] != nil
		delete(b.locks, r.ID)
	case r.Signal || r.ID == "":
	default:
		if b.requests == nil {
			b.requests = map[string]int{}
		}
		b.requests[r.ID] = ev.ID
		if len(r.LockSet) > 0 {
			if b.locks == nil {
				b.locks = map[string][]string{}
			}
			b.locks[r.ID] = entity.LockOrder(r.LockSet)
			b.locksChanged = true
		}
	}
}

// noteAnswer follows what an EventRaised of the history says.
func (b *entityBook) noteAnswer(ev *history.Event) {
	if !b.isAnswer(ev) {
		return
	}
	delete(b.requests, ev.Name)
}

// isAnswer reports whether the event answers an open request.
func (b *entityBook) isAnswer(ev *history.Event) bool {
	_, open := b.requests[ev.Name]
	return open && ev.Type == history.EventRaised
}

// storeLocks puts the locks into the draft if the hub has others.
func (in *instance) storeLocks(d *draft) {
	if !in.locksChanged {
		return
	}
	in.locksChanged = false
	var raw json.RawMessage
	if len(in.locks) > 0 {
		raw, _ = json.Marshal(in.locks) // strings always have a JSON form
	}
	d.change.Fields.Locks = &raw
}

// releaseLocks gives up all locks of an execution that ends.
func (p *partition) releaseLocks(in *instance, d *draft) {
	for _, id := range slices.Sorted(maps.Keys(in.locks)) {
		d.change.Send = append(d.change.Send, p.release(id, in.locks[id], &Parent{Name: in.rec.Name, InstanceID: in.id, ExecutionID: in.rec.ExecutionID}))
	}
	in.locksChanged = in.locksChanged || len(in.locks) > 0
	in.locks = nil
	in.storeLocks(d)
}

// release gives up a lock, on the way that its request goes: on each stretch messages keep their order, so it cannot arrive before the request.
func (p *partition) release(request string, set []string, owner *Parent) Message {
	return Message{Kind: MessageRelease, Request: request, InstanceID: set[0], LockSet: set, At: p.e.now().UnixMilli(), Parent: owner}
}

// unlockPurged releases the locks that an instance had when it was purged or replaced. The message is consumed by whatever else it is for, so what
// this sends may be sent twice; the second finds nothing to release.
func (p *partition) unlockPurged(m *Message) {
	var sets map[string][]string
	if err := json.Unmarshal(m.Locks, &sets); err != nil {
		p.logger.Error("task hub: the locks of a purged instance cannot be read", "instance_id", m.InstanceID, "error", err)
		return
	}
	d := &draft{change: Change{AckOnly: true, InstanceID: m.InstanceID}}
	for _, id := range slices.Sorted(maps.Keys(sets)) {
		if len(sets[id]) == 0 {
			continue
		}
		d.change.Send = append(d.change.Send, p.release(id, sets[id], &Parent{InstanceID: m.InstanceID, ExecutionID: m.ExecutionID}))
	}
	if len(d.change.Send) > 0 {
		p.put(d)
	}
}

// sendRequests puts messages to entities into the draft.
func (p *partition) sendRequests(in *instance, requests []replay.EntityRequest, d *draft) {
	now := p.e.now().UnixMilli()
	for i := range requests {
		q := &requests[i]
		m := Message{
			InstanceID: q.EntityID, Name: q.Name, Data: q.Input, Request: q.RequestID, At: now,
			Parent: &Parent{Name: in.rec.Name, InstanceID: in.id, ExecutionID: in.rec.ExecutionID, TaskID: q.TaskID},
		}
		switch q.Kind {
		case replay.EntityCall:
			m.Kind = MessageOperation
		case replay.EntitySignal:
			m.Kind, m.Request = MessageOperation, ""
			if !q.Due.IsZero() {
				m.Due = q.Due.UnixMilli()
			}
		case replay.EntityLock:
			m.Kind, m.LockSet = MessageLock, q.LockSet
		case replay.EntityRelease:
			if len(q.LockSet) == 0 {
				continue // the one before does it
			}
			m.Kind, m.LockSet = MessageRelease, q.LockSet
		}
		d.change.Send = append(d.change.Send, m)
	}
}

// checkRequests refuses requests to entities that the app does not have, and inputs that the hub does not take.
func (p *partition) checkRequests(requests []replay.EntityRequest) error {
	for i := range requests {
		q := &requests[i]
		targets := q.LockSet
		if q.Kind == replay.EntityRelease {
			continue
		}
		if len(targets) == 0 {
			targets = []string{q.EntityID}
		}
		for _, target := range targets {
			id, err := entity.Parse(target)
			if err != nil {
				return err
			}
			if !p.e.cfg.Executor.HasEntity(id.Name) {
				return errors.New(missingFunction(id.Name, "an entity"))
			}
		}
		if err := p.tooLarge("the input of operation", q.Name, q.Input); err != nil {
			return err
		}
	}
	return nil
}

// entityDone takes the answer of an entity.
func (p *partition) entityDone(in *instance, m *Message) {
	if _, open := in.requests[m.Request]; !open || m.ExecutionID != in.rec.ExecutionID {
		in.acks = append(in.acks, m.ID)
		return
	}
	content := entity.Answer(m.Data)
	if m.Failed {
		content = entity.FailedAnswer(m.Reason)
	}
	ev := p.eventAt(history.EventRaised)
	ev.Name, ev.Input = m.Request, &content
	in.arrive(arrival{event: ev, message: m.ID, answer: true, seq: -1})
}

// forgedAnswer reports whether a client's event has the name of an answer that the instance waits for. It is dropped: the SDK would take it for that.
func (p *partition) forgedAnswer(in *instance, m *Message) bool {
	if _, open := in.requests[m.Name]; !open {
		return false
	}
	p.logger.Warn("an event was dropped, since it has the name of an answer that the orchestration waits for", "instance_id", in.id, "event", m.Name)
	if m.ID != "" {
		in.acks = append(in.acks, m.ID)
	}
	if m.reply != nil {
		in.replies = append(in.replies, m.reply)
	}
	return true
}

// requestsOf returns the IDs of the requests that are made in the events.
func requestsOf(events []history.Event) map[string]bool {
	ids := map[string]bool{}
	for i := range events {
		if r := requestIn(&events[i]); r != nil && r.ID != "" && !r.Signal && events[i].Name == entity.OperationEvent {
			ids[r.ID] = true
		}
	}
	return ids
}

// askAgain follows a request to entities in the history of an instance that is rewound. Its locks were released when it failed and are asked for
// again. The answer to a call may have come while the instance was failed, so the call fails: whether the operation took place is not known.
func (p *partition) askAgain(in *instance, ev *history.Event, reason string, d *draft) {
	r := requestIn(ev)
	if r == nil {
		return
	}
	_, open := in.requests[r.ID]
	switch set := in.locks[r.ID]; {
	case set != nil && ev.Name == entity.OperationEvent:
		p.sendRequests(in, []replay.EntityRequest{{Kind: replay.EntityLock, TaskID: ev.ID, EntityID: set[0], RequestID: r.ID, LockSet: set}}, d)
		in.locksChanged = true
		in.storeLocks(d)
	case open:
		content := entity.FailedAnswer(fmt.Sprintf(
			"the orchestration had failed before the entity %s answered, so it is not known whether the operation '%s' took place (rewound: %s)", ev.InstanceID, r.Operation, reason))
		lost := p.eventAt(history.EventRaised)
		lost.Name, lost.Input = r.ID, &content
		a := arrival{event: lost, answer: true, seq: -1}
		in.store(&a, d)
		in.arrive(a)
	}
}
