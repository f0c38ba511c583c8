package engine

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
)

// advance looks at what has come for the instance and begins the one thing that is to be done next: an episode or a commit. It
// does nothing while one is under way; it is called again when that ends.
func (p *partition) advance(in *instance) {
	if in.loading || in.busy || p.ctx.Err() != nil {
		return
	}
	if len(in.adopted) > 0 {
		p.lookAtAdopted(in)
	}
	if p.quiet.Load() {
		p.handOver(in)
		return
	}
	for len(in.inbox) > 0 && !in.busy && !in.loading {
		m := in.inbox[0]
		in.inbox = in.inbox[1:]
		p.sort(in, &m)
	}
	if in.busy || in.loading {
		return
	}
	p.sortTimers(in)
	switch {
	case !in.runs():
		p.acknowledge(in)
	case in.terminate != nil:
		p.terminate(in, in.terminate)
	case in.rec.Status == durable.Suspended:
		p.hold(in)
	case in.delayed:
	default:
		p.runEpisode(in)
	}
	if !in.busy && !in.loading && in.runs() {
		if !in.notify && !in.create {
			p.tellWaiters(in)
		}
		p.rest(in)
	}
}

// handOver prepares the instance for another owner: what only this host knows becomes durable, the rest is the other's.
func (p *partition) handOver(in *instance) {
	var rest []Message
	for i := range in.inbox {
		if m := &in.inbox[i]; m.ID == "" {
			p.sort(in, m) // what comes from this process has no place in the inbox
		} else {
			rest = append(rest, *m)
		}
	}
	in.inbox = rest
	switch {
	case in.runs() && (!in.stored() || len(in.lag) > 0):
		p.hold(in)
	case !in.runs() && len(in.ackActs) > 0:
		p.acknowledge(in)
	}
}

// sort takes account of one message: it becomes an arrival, an order to follow, or nothing.
func (p *partition) sort(in *instance, m *Message) {
	if !slices.Contains(messageKinds, m.Kind) {
		p.setAside(m, fmt.Sprintf("message kind %q is unknown: a newer durango may have sent it", m.Kind))
		return
	}
	if m.Kind == MessagePurged && len(m.Locks) > 0 {
		p.unlockPurged(m)
	}
	if m.ID != "" && m.Kind != MessageStartSub && !in.runs() && m.Kind != MessageStart && m.Kind != MessageRewind && m.Kind != MessageNudge {
		in.acks = append(in.acks, m.ID)
		if m.Kind == MessageTaskDone {
			in.ackActivity(m)
		}
		return
	}
	if m.reply != nil && !in.runs() {
		err := errElsewhere // it was purged: the hub knows what is there now
		if in.rec != nil {
			err = fmt.Errorf("%w: its status is %s", durable.ErrInstanceFinished, in.rec.Status)
		}
		m.reply(err)
		return
	}
	switch m.Kind {
	case MessageStart:
		p.started(in, m)
	case MessageStartSub:
		p.startSub(in, m)
	case MessageEvent:
		if p.forgedAnswer(in, m) {
			return
		}
		ev := p.eventAt(history.EventRaised)
		ev.Name, ev.Input = m.Name, text(m.Data)
		in.arrive(arrival{event: ev, message: m.ID, reply: m.reply, seq: -1})
	case MessageTaskDone:
		p.taskDone(in, m)
	case MessageSubDone:
		p.subDone(in, m)
	case MessageEntityDone:
		p.entityDone(in, m)
	case MessageTerminate:
		in.acks = append(in.acks, m.ID)
		if in.terminate == nil {
			in.terminate = m
		}
	case MessageSuspend:
		p.suspend(in, m)
	case MessageResume:
		p.resume(in, m)
	case MessageRewind, MessageNudge:
		p.undo(in, m)
	case MessageOperation, MessageLock, MessageRelease: // those of entities do not come here
	case MessagePurged:
		in.acks = append(in.acks, m.ID)
		if in.rec != nil && in.rec.ExecutionID == m.ExecutionID && in.rec.Revision == m.Revision { // else it is another that runs by now
			*in = *in.anew() // a start that came after it reads the instance
			p.tellWaiters(in)
		}
	}
}

// started takes the message that a client has created the instance.
func (p *partition) started(in *instance, m *Message) {
	if in.rec != nil && in.rec.ExecutionID == m.ExecutionID || in.reloadedFor == m.ID {
		in.acks = append(in.acks, m.ID)
		return
	}
	p.reread(in, m)
}

// reread reads an instance again, since what is in memory was read before, and looks at the message once more.
func (p *partition) reread(in *instance, m *Message) {
	fresh := in.anew()
	fresh.loading, fresh.reloadedFor = true, m.ID
	fresh.inbox = append([]Message{*m}, in.inbox...)
	*in = *fresh
	p.wg.Go(func() { p.load(in) })
}

// anew is the instance without what is known of its record; what has come for it is to be acknowledged.
func (in *instance) anew() *instance {
	var dropped draft
	for _, a := range in.arrived.list {
		a.seq = -1 // pending events went with the old execution
		in.drop(a, &dropped)
	}
	in.local.close(inproc.ErrEvicted)
	return &instance{
		id: in.id, inbox: in.inbox, fired: in.fired, adopted: in.adopted,
		acks: append(in.acks, dropped.change.Consumed...), ackActs: slices.Concat(in.ackActs, dropped.change.ActivitiesRemove, in.lag),
		ackClaim: append(in.ackClaim, dropped.change.ClaimsRemove...), replies: append(in.replies, dropped.replies...),
		ackTimer: append(in.ackTimer, dropped.change.TimersRemove...), cached: cached{place: in.cached.place, bytes: in.cached.bytes},
	}
}

// undo takes an order to rewind.
func (p *partition) undo(in *instance, m *Message) {
	switch {
	case in.local != nil && in.rec.History == nil && in.reloadedFor != m.ID:
		p.reread(in, m) // it needs the history, which is not in memory
	case m.Kind == MessageRewind:
		in.acks = append(in.acks, m.ID)
		p.rewind(in, m.Reason)
	default:
		p.nudge(in, m)
	}
}

// setAside takes a message out of the way that cannot be processed, and keeps it with the reason.
func (p *partition) setAside(m *Message, reason string) {
	p.logger.Error("task hub: setting a message aside", "instance_id", m.InstanceID, "message_id", m.ID, "reason", reason)
	d := &draft{change: Change{AckOnly: true, InstanceID: m.InstanceID, Consumed: []string{m.ID}}}
	d.change.SetAside = []AsideMessage{{Message: m.Raw, Reason: reason}}
	p.put(d)
}

// sortTimers turns timers that are due into arrivals.
func (p *partition) sortTimers(in *instance) {
	for _, t := range in.fired {
		open, ok := in.timers[t.TimerID]
		if !in.runs() || t.ExecutionID != in.rec.ExecutionID || !ok {
			in.ackTimer = append(in.ackTimer, t)
			continue
		}
		ev := p.eventAt(history.TimerFired)
		ev.TaskID, ev.FireAt = t.TimerID, open.FireAt
		in.arrive(arrival{event: ev, timer: &t, seq: -1})
	}
	in.fired = nil
}

// taskDone takes the outcome of an activity. m.Name is its key.
func (p *partition) taskDone(in *instance, m *Message) {
	if !in.runs() || m.ExecutionID != in.rec.ExecutionID || !in.tasks[m.TaskID] {
		if m.ID != "" {
			in.acks = append(in.acks, m.ID)
		}
		in.ackActivity(m)
		return
	}
	ev := p.eventAt(history.TaskCompleted)
	ev.TaskID, ev.Result = m.TaskID, text(m.Data)
	if m.Failed {
		ev.Type, ev.Reason, ev.Details, ev.Failure = history.TaskFailed, m.Reason, m.Details, m.Failure
	}
	in.arrive(arrival{event: ev, message: m.ID, act: m.Name, claimed: m.mayBeClaimed(), seq: -1})
}

// ackActivity lets the next commit remove an activity whose outcome means nothing.
func (in *instance) ackActivity(m *Message) {
	in.ackActs = append(in.ackActs, m.Name)
	if m.mayBeClaimed() {
		in.ackClaim = append(in.ackClaim, m.Name)
	}
}

// mayBeClaimed reports of the outcome of an activity whether the hub may hold a claim on it: not when its partition's owner ran it.
func (m *Message) mayBeClaimed() bool { return m.ID != "" || m.Claimed }

// subDone takes the outcome of a sub-orchestration.
func (p *partition) subDone(in *instance, m *Message) {
	if _, open := in.subs[m.TaskID]; !open || m.ExecutionID != in.rec.ExecutionID {
		in.acks = append(in.acks, m.ID)
		return
	}
	ev := p.eventAt(history.SubOrchestrationCompleted)
	ev.TaskID, ev.Result = m.TaskID, text(m.Data)
	if m.Failed {
		ev.Type, ev.Reason, ev.Details, ev.Failure = history.SubOrchestrationFailed, m.Reason, m.Details, m.Failure
	}
	in.arrive(arrival{event: ev, message: m.ID, seq: -1})
}

// startSub makes the instance a sub-orchestration, unless a live one has its ID.
func (p *partition) startSub(in *instance, m *Message) {
	if in.runs() {
		switch {
		case m.Parent == nil:
			p.logger.Warn("an orchestration was not started, since one of its ID runs", "function", m.Name, "instance_id", in.id)
			in.acks = append(in.acks, m.ID)
			return
		case in.rec.Parent != nil && *in.rec.Parent == *m.Parent:
			in.acks = append(in.acks, m.ID) // it is this very start that made it
			return
		}
		p.answer(m, Message{
			Kind: MessageSubDone, InstanceID: m.Parent.InstanceID, ExecutionID: m.Parent.ExecutionID, TaskID: m.Parent.TaskID, Failed: true,
			Reason: (&durable.InstanceExistsError{InstanceID: in.id, Status: in.rec.Status}).Error(), At: p.e.now().UnixMilli(),
		})
		return
	}
	in.acks = append(in.acks, m.ID)
	now := p.e.now()
	rec := &Record{
		InstanceID: in.id, ExecutionID: newExecutionID(), Name: m.Name, Version: m.Version, Status: durable.Pending,
		Created: now, Updated: now, Input: m.Data, Parent: m.Parent,
	}
	if in.rec != nil {
		rec.Revision = in.rec.Revision
		in.replaced = in.rec.ExecutionID
	}
	in.rec, in.create, in.arrived, in.terminate = rec, true, arrivals{}, nil
	if err := in.restore(p.e); err != nil {
		p.fail(fmt.Errorf("instance %q: %w", in.id, err)) // an empty history always restores
	}
}

// answer takes a message out of the inbox and sends the answer to it. It leaves alone what the instance has taken account of but not
// committed.
func (p *partition) answer(m *Message, answer Message) {
	p.put(&draft{change: Change{AckOnly: true, InstanceID: m.InstanceID, Consumed: []string{m.ID}, Send: []Message{answer}}})
}

// ackDraft begins a change that touches no instance and removes what the instance has taken account of.
func (in *instance) ackDraft() *draft {
	d := &draft{replies: in.replies, change: Change{
		AckOnly: true, InstanceID: in.id, Consumed: in.acks, ActivitiesRemove: in.ackActs, ClaimsRemove: in.ackClaim, TimersRemove: in.ackTimer,
	}}
	in.acks, in.ackActs, in.ackClaim, in.ackTimer, in.ackPending, in.replies = nil, nil, nil, nil, nil, nil
	return d
}

// acknowledge removes what came for an instance that does not run, and forgets the instance.
func (p *partition) acknowledge(in *instance) {
	if len(in.arrived.list) == 0 && !in.gathered() {
		p.forget(in)
		return
	}
	d := in.ackDraft()
	for _, a := range in.arrived.list {
		a.seq = -1 // its pending events went with it
		in.drop(a, d)
	}
	in.arrived = arrivals{}
	if len(d.change.Consumed)+len(d.change.ActivitiesRemove)+len(d.change.TimersRemove)+len(d.replies) > 0 {
		p.put(d)
	}
	p.forget(in)
}

// hold commits what has come although no episode can show it now.
func (p *partition) hold(in *instance) {
	if !in.gathered() && in.stored() && len(in.lag) == 0 {
		return
	}
	d := in.newDraft(p.e.now())
	in.removeLag(d)
	// What is stored on the way to another host may be for an episode that is due, and no message tells the next owner.
	p.setReady(in, d, p.quiet.Load() && in.rec.Status != durable.Suspended)
	for i := range in.arrived.list {
		in.store(&in.arrived.list[i], d)
	}
	in.arrived.unstored, in.arrived.raised = 0, false
	p.put(d)
}

// terminate ends the instance at once.
func (p *partition) terminate(in *instance, m *Message) {
	in.terminate = nil
	var output json.RawMessage
	if m.Reason != "" {
		output = failureText(m.Reason)
	}
	ev := p.eventAt(history.ExecutionTerminated)
	ev.Input = text(output)
	in.events = append(in.events, in.encode(nil, &ev))
	children := in.subs
	in.local.close(terminated(m.Reason))
	p.e.pool.terminate(in.id, in.rec.ExecutionID, terminated(m.Reason))
	p.logger.Info("orchestration terminated", "function", in.rec.Name, "instance_id", in.id, "reason", m.Reason)
	p.finishWith(in, nil, nil, durable.Terminated, output, func(d *draft) {
		if !m.Cascade {
			return
		}
		for _, child := range children {
			d.change.Send = append(d.change.Send, Message{
				Kind: MessageTerminate, InstanceID: child, Reason: m.Reason, Cascade: true, At: p.e.now().UnixMilli(),
			})
		}
	})
}

// terminated is the cause with which the contexts of a terminated instance end.
func terminated(reason string) error {
	if reason == "" {
		return durable.ErrTerminated
	}
	return fmt.Errorf("%w: %s", durable.ErrTerminated, reason)
}

// suspend pauses the instance: what comes is kept, and no episode runs.
func (p *partition) suspend(in *instance, m *Message) {
	in.acks = append(in.acks, m.ID)
	if in.rec.Status == durable.Suspended {
		return
	}
	ev := p.eventAt(history.ExecutionSuspended)
	ev.Reason = m.Reason
	in.events = append(in.events, in.encode(nil, &ev))
	in.setStatus(durable.Suspended)
}

// resume lets a suspended instance go on.
func (p *partition) resume(in *instance, m *Message) {
	in.acks = append(in.acks, m.ID)
	if in.rec.Status != durable.Suspended {
		return
	}
	ev := p.eventAt(history.ExecutionResumed)
	ev.Reason = m.Reason
	in.events = append(in.events, in.encode(nil, &ev))
	in.setStatus(durable.Running)
}
