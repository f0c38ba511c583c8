package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

// local is what an instance has whose orchestrator is a Go function of this process.
type local struct {
	fn      inproc.Function // of the session
	session *inproc.Session // nil: the next episode makes one
	// stored is the history that the next session replays; nil when the history is not in memory.
	stored []history.Event
	// spare is an empty list for the next arrivals.
	spare []arrival
	// needs is what the last session needed when it was evicted (Session.Needs).
	needs int
}

// maxSpare is the size of the largest list that is kept for its memory.
const maxSpare = 16

// close ends the session.
func (l *local) close(cause error) {
	if l != nil && l.session != nil {
		l.session.Close(cause)
		l.session = nil
	}
}

// awaitsMore is tooFew for instances in process.
func (l *local) awaitsMore(as *arrivals) bool {
	needs := l.needs
	if l.session != nil {
		needs = l.session.Needs()
	}
	return as.others == 0 && len(as.list) < needs
}

// stepInProcess runs an episode on the instance's session if something has come.
//
// Completions that do not get the orchestrator on wait in memory for more. When there are many, or a commit is due anyway, they are
// recorded in an episode in which the orchestrator does not run, so that nothing is stored twice.
func (p *partition) stepInProcess(in *instance, fn inproc.Function) {
	if in.local == nil {
		in.local = &local{}
	}
	switch {
	case !in.started:
	case !in.arrived.fresh:
		if in.gathered() {
			p.hold(in)
		}
		return
	case in.local.awaitsMore(&in.arrived) && in.arrived.unstored <= maxWaiting && !in.gathered():
		return
	case in.local.session == nil && in.local.stored == nil:
		p.rehydrate(in)
		return
	}
	ep := &episode{now: p.clockOf(in), first: !in.started}
	ep.offers = eventsOf(in.arrived.list)
	step := &inproc.Step{Now: ep.now, Offers: ep.offers}
	if in.local.session == nil {
		in.local.session, in.local.fn = inproc.New(fn, p.sessionStart(in)), fn
		step.Replay, in.local.stored = in.local.stored, nil
		in.rec.History, in.cached.history = nil, 0 // the session has what it needs of it
	}
	if ep.first {
		ev := executionStarted(in.rec, ep.now)
		ev.Runtime = history.RuntimeGo
		ep.show = []history.Event{ev}
	}
	in.arrived.fresh = false
	in.busy = true
	p.active++
	p.stepping[in] = time.Now()
	in.local.session.Step(step, func(out *inproc.Outcome) {
		p.mail.put(func() {
			in.busy = false
			p.active--
			delete(p.stepping, in)
			p.stepped(in, ep, out)
		})
	})
}

// clockOf is the clock of the instance's next episode: it never stands still.
func (p *partition) clockOf(in *instance) time.Time {
	now := p.e.now().Truncate(time.Millisecond)
	if !now.After(in.clock) {
		now = in.clock.Add(time.Millisecond)
	}
	return now
}

func (p *partition) sessionStart(in *instance) inproc.Start {
	s := inproc.Start{
		Name: in.rec.Name, Version: in.rec.Version, InstanceID: in.id, ExecutionID: in.rec.ExecutionID, Input: in.rec.Input,
		MaxActions: p.e.cfg.MaxActions, Reuse: true, Logger: p.e.cfg.OrchestratorLogger(in.rec.Name),
	}
	if in.rec.Parent != nil {
		s.ParentInstanceID = in.rec.Parent.InstanceID
	}
	return s
}

// stepped turns what the orchestrator did into a commit.
func (p *partition) stepped(in *instance, ep *episode, out *inproc.Outcome) {
	if p.ctx.Err() != nil {
		return
	}
	in.settle(ep, out)
	dec := out.Decisions
	err := out.Err
	if err == nil {
		err = p.check(dec)
	}
	if err == nil {
		err = p.checkDetached(out.Detached)
	}
	switch {
	case err != nil:
		p.finish(in, ep, nil, durable.Failed, failureText(orchestratorFailed(in.rec.Name, err.Error())))
	case dec.Outcome == replay.Completed:
		p.finishWith(in, ep, dec, durable.Completed, dec.Output, func(d *draft) { p.detach(out.Detached, d) })
	case dec.Outcome == replay.Failed:
		p.finishWith(in, ep, dec, durable.Failed, failureText(orchestratorFailed(in.rec.Name, dec.FailureReason)), func(d *draft) {
			p.detach(out.Detached, d)
			if out.Failure != nil {
				d.explain(durable.FailureOf(out.Failure))
			}
		})
	case dec.Outcome == replay.ContinuedAsNew:
		in.carry(out.Carry)
		p.continueAsNew(in, ep, dec, func(d *draft) { p.detach(out.Detached, d) })
	case len(ep.show)+len(dec.Events)+len(dec.CancelTimers) == 0 && dec.CustomStatus == nil:
		if in.gathered() || in.arrived.raised {
			p.hold(in)
		} else {
			p.advance(in) // something may have come meanwhile
		}
	default:
		p.goOnInProcess(in, ep, out)
	}
}

// carry puts events before the arrivals that were given to waits nobody looked at: they came first.
func (in *instance) carry(events []history.Event) {
	if len(events) == 0 {
		return
	}
	list := make([]arrival, 0, len(events)+len(in.arrived.list))
	for _, ev := range events {
		list = append(list, arrival{event: ev, seq: -1})
	}
	for _, a := range in.arrived.list {
		if a.seq >= 0 { // stored anew, behind the others
			in.ackPending = append(in.ackPending, a.seq)
			a.seq = -1
		}
		list = append(list, a)
	}
	in.arrived.set(list)
}

// settle moves the offers that were shown from the arrivals to the episode, and drops those that mean nothing.
func (in *instance) settle(ep *episode, out *inproc.Outcome) {
	if len(out.Shown)+len(out.Stale) == 0 {
		return
	}
	list := in.arrived.list
	if len(out.Shown) == len(list) && slices.IsSorted(out.Shown) {
		if ep.show == nil {
			ep.show = ep.offers
		} else {
			ep.show = append(ep.show, ep.offers...)
		}
		// The two lists take turns: what is shown is looked at until the episode's commit is made, and nothing else comes before.
		ep.shown = list
		in.arrived.set(in.local.spare[:0])
		in.local.spare = nil
		if cap(list) <= maxSpare {
			in.local.spare = list
		}
		return
	}
	taken := make([]bool, len(list))
	for _, i := range out.Shown {
		taken[i] = true
		ep.show = append(ep.show, list[i].event)
		ep.shown = append(ep.shown, list[i])
	}
	if len(out.Stale) > 0 {
		var dropped draft
		for _, i := range out.Stale {
			taken[i] = true
			in.drop(list[i], &dropped)
		}
		in.gather(&dropped)
	}
	rest := list[:0]
	for i := range list {
		if !taken[i] {
			rest = append(rest, list[i])
		}
	}
	clear(list[len(rest):])
	in.arrived.set(rest)
}

// gather lets the next commit take along what a draft removes.
func (in *instance) gather(dropped *draft) {
	in.acks = append(in.acks, dropped.change.Consumed...)
	in.ackActs = append(in.ackActs, dropped.change.ActivitiesRemove...)
	in.ackClaim = append(in.ackClaim, dropped.change.ClaimsRemove...)
	in.ackTimer = append(in.ackTimer, dropped.change.TimersRemove...)
	in.ackPending = append(in.ackPending, dropped.change.PendingRemove...)
	in.replies = append(in.replies, dropped.replies...)
}

// goOnInProcess commits an episode after which the orchestrator waits. External events that it has not asked for become durable with it.
func (p *partition) goOnInProcess(in *instance, ep *episode, out *inproc.Outcome) {
	in.setStatus(durable.Running)
	d := in.newDraft(p.e.now())
	p.record(in, ep, out.Decisions, d)
	p.schedule(in, out.Decisions, d)
	p.detach(out.Detached, d)
	p.setReady(in, d, false)
	if in.arrived.raised {
		for i := range in.arrived.list {
			in.store(&in.arrived.list[i], d)
		}
		in.arrived.unstored, in.arrived.raised = 0, false
	}
	p.put(d)
}

// explain tells the parent of a failed orchestration what its error was, beyond the text.
func (d *draft) explain(failure *history.FailureDetails) {
	for i := range d.change.Send {
		if m := &d.change.Send[i]; m.Kind == MessageSubDone {
			m.Failure = failure
		}
	}
}

// detach sends the starts of orchestrations that nobody waits for.
func (p *partition) detach(starts []inproc.Detached, d *draft) {
	now := p.e.now().UnixMilli()
	for _, s := range starts {
		d.change.Send = append(d.change.Send, Message{
			Kind: MessageStartSub, InstanceID: s.InstanceID, Name: s.Name, Version: s.Version, Data: s.Input, At: now,
		})
	}
}

func (p *partition) checkDetached(starts []inproc.Detached) error {
	for _, s := range starts {
		if !p.e.cfg.Executor.HasOrchestrator(s.Name) {
			return errors.New(missingFunction(s.Name, "an orchestrator"))
		}
		if len(s.Input) > p.e.cfg.MaxPayload {
			return fmt.Errorf("the input of orchestrator '%s' is %d bytes, the task hub takes at most %d (extensions.durableTask.maxPayloadSize)",
				s.Name, len(s.Input), p.e.cfg.MaxPayload)
		}
	}
	return nil
}

// rehydrate reads the history of an instance whose session is to be rebuilt.
func (p *partition) rehydrate(in *instance) {
	in.loading = true
	revision, execution := in.rec.Revision, in.rec.ExecutionID
	p.wg.Go(func() {
		p.readRecord(in, func(rec *Record) {
			in.loading = false
			if rec == nil || rec.Revision != revision || rec.ExecutionID != execution {
				p.fail(fmt.Errorf("instance %q: %w", in.id, ErrStale))
				return
			}
			events, err := decodeHistory(rec.History)
			if err != nil {
				p.spoiled(in, err)
				return
			}
			in.local.stored = events
			p.advance(in)
		})
	})
}

func decodeHistory(raw [][]byte) ([]history.Event, error) {
	events := make([]history.Event, len(raw))
	for i := range raw {
		var err error
		if events[i], err = history.Decode(raw[i]); err != nil {
			return nil, fmt.Errorf("history event %d: %w", i, err)
		}
	}
	return events, nil
}

// patience is how long an orchestrator may run without waiting for something before the log names it.
const patience = 2 * time.Second

// nameBlocked logs orchestrators that have run for too long: they block on something that is not the orchestration's.
func (p *partition) nameBlocked() {
	if p.lookAt.IsZero() || p.lookAt.After(p.e.now()) {
		return
	}
	p.lookAt = time.Time{}
	now := time.Now()
	for in, since := range p.stepping {
		if now.Sub(since) < patience {
			continue
		}
		p.stepping[in] = now.Add(8 * patience) // again after a while
		p.logger.Warn(fmt.Sprintf("orchestrator '%s' has run for %s without awaiting anything of its orchestration. It must not sleep, do I/O, or wait for "+
			"channels, locks or goroutines: that is for activities. It is\n%s", in.rec.Name, now.Sub(since).Round(100*time.Millisecond), inproc.WhereIs(in.id)),
			"function", in.rec.Name, "instance_id", in.id)
	}
}

// endSessions ends the sessions of a partition that is given up and waits for those that are parked.
func (p *partition) endSessions(cause error) {
	var parked []*inproc.Session
	for _, in := range p.instances {
		if in.local == nil || in.local.session == nil {
			continue
		}
		s := in.local.session
		in.local.close(cause)
		if _, running := p.stepping[in]; !running {
			parked = append(parked, s)
		}
	}
	deadline := time.NewTimer(time.Second) // deferred functions of users may block
	defer deadline.Stop()
	for _, s := range slices.Backward(parked) {
		select {
		case <-s.Gone():
		case <-deadline.C:
			return
		}
	}
}

// misplaced fails an instance that began as a Go function and cannot go on as anything else.
func (p *partition) misplaced(in *instance) {
	p.finish(in, nil, nil, durable.Failed, failureText(orchestratorFailed(in.rec.Name,
		"it began as a Go function, and this host has no Go function of that name: its history is of no use to another language")))
}
