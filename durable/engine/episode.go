package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/replay"
)

// episode is one run of an orchestrator over its history and the events that are new.
type episode struct {
	now   time.Time // its clock
	first bool      // it starts the execution
	learn bool      // it only replays what is stored, to learn what the orchestrator awaits
	// generation is that of the history that it continues.
	generation uint64
	// show are the events that it shows, in order; shown are the arrivals that they stand for.
	show  []history.Event
	shown []arrival
	// offers are the events that an orchestrator in process was offered.
	offers []history.Event
	// unseen are arrivals that were chosen, but the orchestrator started anew before it saw them.
	unseen []arrival

	result *replay.Result
	err    error
}

// events are the episode's own events so far: its start and what it shows.
func (ep *episode) events() []history.Event {
	if ep.learn {
		return nil
	}
	return append([]history.Event{ep.started()}, ep.show...)
}

// started is the event that begins the episode.
func (ep *episode) started() history.Event {
	return history.Event{Type: history.OrchestratorStarted, ID: -1, Timestamp: ep.now, Action: history.NoAction}
}

func executionStarted(rec *Record, now time.Time) history.Event {
	ev := history.Event{
		Type: history.ExecutionStarted, ID: -1, Timestamp: now, Action: history.NoAction,
		Name: rec.Name, Version: rec.Version, ExecutionID: rec.ExecutionID, OwnInstanceID: rec.InstanceID, Input: text(rec.Input),
	}
	if rec.Parent != nil {
		ev.Parent = &history.ParentInstance{
			Name: rec.Parent.Name, InstanceID: rec.Parent.InstanceID, ExecutionID: rec.Parent.ExecutionID, TaskScheduledID: rec.Parent.TaskID,
		}
	}
	return ev
}

// text is JSON as the text in which events carry it, nil for none.
func text(raw json.RawMessage) *string {
	if raw == nil {
		return nil
	}
	s := string(raw)
	return &s
}

// maxWaiting is how many arrivals wait in memory for an episode that can get the orchestrator on; more are made durable on their own.
const maxWaiting = 256

// choose takes the arrivals that the next episode shows out of those that wait, and drops those that mean nothing. It returns false when
// no episode is to be run.
func (in *instance) choose(ep *episode) bool {
	var dropped draft
	kept := make([]arrival, 0, len(in.arrived.list))
	for _, a := range in.arrived.list {
		if in.orch.Stale(a.event) {
			in.drop(a, &dropped)
		} else {
			kept = append(kept, a)
		}
	}
	in.arrived.set(kept)
	in.gather(&dropped)

	events := eventsOf(kept)
	if in.orch.NeedsReplay(events) {
		ep.learn = true
		return true
	}
	choices := in.orch.Select(events)
	show := make([]history.Event, len(choices))
	for i, c := range choices {
		show[i] = c.Event
	}
	if len(show) == 0 || !in.orch.Wakes(show) {
		return false
	}
	ep.show = show
	taken := make(map[int]bool, len(choices))
	for _, c := range choices {
		ep.shown = append(ep.shown, kept[c.Index])
		taken[c.Index] = true
	}
	rest := make([]arrival, 0, len(kept)-len(choices))
	for i, a := range kept {
		if !taken[i] {
			rest = append(rest, a)
		}
	}
	in.arrived.set(rest)
	return true
}

// runEpisode runs an episode if there is something to show that gets the orchestrator on.
func (p *partition) runEpisode(in *instance) {
	if in.local != nil && in.local.session != nil {
		p.stepInProcess(in, in.local.fn)
		return
	}
	fn := p.e.cfg.Executor.InProcess(in.rec.Name)
	switch {
	case fn != nil && (in.local != nil || !in.started):
		p.stepInProcess(in, fn)
		return
	case fn == nil && in.local != nil:
		p.misplaced(in)
		return
	}
	ep := &episode{now: p.clockOf(in), first: !in.started, generation: in.generation}
	switch {
	case ep.first:
		ep.show = []history.Event{executionStarted(in.rec, ep.now)}
	case in.tooFew() || !in.choose(ep):
		if p.mustStore(in) {
			p.hold(in)
		}
		return
	}
	if !p.e.cfg.Executor.HasOrchestrator(in.rec.Name) {
		p.finish(in, ep, nil, durable.Failed, failureText(missingFunction(in.rec.Name, "an orchestrator")))
		return
	}
	in.busy, in.running = true, true
	p.active++
	rec := *in.rec
	p.wg.Add(1)
	p.e.runEpisode(func() {
		defer p.wg.Done()
		p.execute(&rec, ep)
		p.mail.put(func() {
			p.active--
			in.running = false
			if in.storing {
				in.ended = ep
				return
			}
			in.busy = false
			if !in.refused {
				p.episodeDone(in, ep)
			}
		})
	})
}

// mustStore reports whether what has arrived should become durable although no episode shows it. Completions of activities that ran here
// may wait for others: a crash only runs them again. What others know to be accepted may not.
func (p *partition) mustStore(in *instance) bool {
	if in.gathered() {
		return true
	}
	return in.arrived.unstored > maxWaiting || in.arrived.raised
}

// tooFew reports whether so few completions have arrived that the orchestrator cannot get on, without looking at them one by one.
func (in *instance) tooFew() bool {
	return in.arrived.others == 0 && len(in.arrived.list) < in.orch.AtLeast()
}

// execute runs the orchestrator. It is called on a goroutine of its own.
func (p *partition) execute(rec *Record, ep *episode) {
	select {
	case p.e.episodes <- struct{}{}:
		defer func() { <-p.e.episodes }()
	case <-p.ctx.Done():
		ep.err = context.Cause(p.ctx)
		return
	}
	ep.result, ep.err = p.replay(rec, ep)
	if ep.err != nil || len(ep.show) < 2 || len(ep.show) != len(ep.shown) || !continuesAsNew(ep.result) {
		return
	}
	// The orchestrator started anew at one of the shown events; it has not seen those behind it, and they belong to the new execution.
	// Find the shortest beginning that leads to the new start.
	show, shown := ep.show, ep.shown
	low, high := 0, len(show) // the result of high is known
	for low < high {
		mid := (low + high) / 2
		ep.show = show[:mid]
		result, err := p.replay(rec, ep)
		if err != nil {
			ep.show, ep.err = show, err
			return
		}
		if continuesAsNew(result) {
			high, ep.result = mid, result
		} else {
			low = mid + 1
		}
	}
	ep.show, ep.shown, ep.unseen = show[:high], shown[:high], shown[high:]
}

// continuesAsNew reports whether the orchestrator asked to start anew.
func continuesAsNew(r *replay.Result) bool {
	if !r.IsDone || r.Failed || len(r.Actions) == 0 {
		return false
	}
	last := r.Actions[len(r.Actions)-1]
	return len(last) > 0 && last[len(last)-1].Type == replay.ContinueAsNewAction
}

func (p *partition) replay(rec *Record, ep *episode) (*replay.Result, error) {
	work := &OrchestratorWork{
		Name: rec.Name, InstanceID: rec.InstanceID, ExecutionID: rec.ExecutionID, Input: rec.Input,
		Generation: ep.generation, Past: rec.History, IsReplaying: !ep.first,
	}
	events := ep.events()
	work.New = make([][]byte, len(events))
	for i := range events {
		work.New[i] = events[i].AppendJSON(make([]byte, 0, 256), false)
	}
	if rec.Parent != nil {
		work.ParentInstanceID = rec.Parent.InstanceID
	}
	return p.e.cfg.Executor.ExecuteOrchestrator(p.ctx, work)
}

// episodeDone turns what the orchestrator did into a commit.
func (p *partition) episodeDone(in *instance, ep *episode) {
	var failure *TaskFailure
	var unavailable *FunctionUnavailableError
	delay := time.Second
	switch {
	case p.ctx.Err() != nil:
		return
	case ep.err == nil && ep.learn:
		in.crashes = 0
		if err := in.orch.Learn(ep.result); err != nil {
			p.finish(in, nil, nil, durable.Failed, failureText(orchestratorFailed(in.rec.Name, err.Error())))
			return
		}
		p.advance(in)
		return
	case ep.err == nil:
		in.crashes = 0
		p.apply(in, ep)
		return
	case errors.As(ep.err, &failure):
		p.finish(in, ep, nil, durable.Failed, failureText(orchestratorFailed(in.rec.Name, failure.Reason)))
		return
	case errors.As(ep.err, &unavailable):
		if !in.started {
			p.finish(in, ep, nil, durable.Failed, failureText(orchestratorFailed(in.rec.Name, unavailable.Reason)))
			return
		}
	case errors.Is(ep.err, ErrNotReady):
	default:
		in.crashes++
		delay = backoff(in.crashes)
		if in.crashes >= p.e.cfg.MaxCrashes {
			in.crashes = 0
			p.finish(in, ep, nil, durable.Failed, failureText(orchestratorFailed(in.rec.Name,
				fmt.Sprintf("%d attempts to run it had no outcome: %v", p.e.cfg.MaxCrashes, ep.err))))
			return
		}
	}
	p.e.troubles.warn(p.logger, "orchestrator had no outcome, running it again", "function", in.rec.Name, "instance_id", in.id, "error", ep.err)
	in.arrived.set(append(append(ep.shown, ep.unseen...), in.arrived.list...))
	in.delayed = true
	p.storeStart(in)
	p.wg.Go(func() {
		if p.pause(delay) {
			p.mail.put(func() {
				in.delayed = false
				p.advance(in)
			})
		}
	})
}

// apply turns an orchestrator's result into a commit.
func (p *partition) apply(in *instance, ep *episode) {
	if len(ep.unseen) > 0 {
		in.arrived.set(append(ep.unseen, in.arrived.list...))
	}
	dec, err := in.orch.Apply(ep.now, ep.show, ep.result)
	if err == nil {
		err = p.check(dec)
	}
	if err != nil {
		p.finish(in, ep, nil, durable.Failed, failureText(orchestratorFailed(in.rec.Name, err.Error())))
		return
	}
	switch dec.Outcome {
	case replay.Completed:
		p.finish(in, ep, dec, durable.Completed, dec.Output)
	case replay.Failed:
		p.finishWith(in, ep, dec, durable.Failed, failureText(orchestratorFailed(in.rec.Name, dec.FailureReason)), func(d *draft) { d.explain(dec.Failure) })
	case replay.ContinuedAsNew:
		p.continueAsNew(in, ep, dec, nil)
	case replay.Waiting:
		p.goOn(in, ep, dec)
	}
}

// check refuses what the hub or the app cannot do, before anything is written.
func (p *partition) check(dec *replay.Decisions) error {
	x := p.e.cfg.Executor
	if err := errors.Join(p.tooLarge("the output", "", dec.Output), p.tooLarge("the input of continueAsNew", "", dec.NewInput),
		p.tooLarge("the custom status", "", dec.CustomStatus)); err != nil {
		return err
	}
	for i := range dec.Activities {
		a := &dec.Activities[i]
		if a.Name != replay.HTTPActivityName && !x.HasActivity(a.Name) {
			return errors.New(missingFunction(a.Name, "an activity"))
		}
		if err := p.tooLarge("the input of activity function", a.Name, a.Input); err != nil {
			return err
		}
	}
	for i := range dec.SubOrchestration {
		s := &dec.SubOrchestration[i]
		if !x.HasOrchestrator(s.Name) {
			return errors.New(missingFunction(s.Name, "an orchestrator"))
		}
		if err := p.tooLarge("the input of sub-orchestration", s.Name, s.Input); err != nil {
			return err
		}
	}
	return p.checkRequests(dec.Requests)
}

// tooLarge refuses a payload that the hub does not take. name is that of the function whose it is, "" for none.
func (p *partition) tooLarge(what, name string, raw json.RawMessage) error {
	if len(raw) <= p.e.cfg.MaxPayload {
		return nil
	}
	if name != "" {
		what += " '" + name + "'"
	}
	return fmt.Errorf("%s is %d bytes, the task hub takes at most %d (extensions.durableTask.maxPayloadSize)", what, len(raw), p.e.cfg.MaxPayload)
}

// goOn commits an episode after which the orchestrator waits for something.
func (p *partition) goOn(in *instance, ep *episode, dec *replay.Decisions) {
	in.setStatus(durable.Running)
	d := in.newDraft(p.e.now())
	p.record(in, ep, dec, d)
	p.schedule(in, dec, d)
	for _, ev := range dec.Followups {
		a := arrival{event: ev, seq: -1}
		in.store(&a, d)
		in.arrive(a)
	}
	d.append(&history.Event{Type: history.OrchestratorCompleted, ID: -1, Timestamp: ep.now, Action: history.NoAction})
	p.setReady(in, d, len(in.arrived.list) > 0 && !in.tooFew() && len(in.orch.Select(eventsOf(in.arrived.list))) > 0)
	p.put(d)
}

func eventsOf(arrivals []arrival) []history.Event {
	out := make([]history.Event, len(arrivals))
	for i := range arrivals {
		out[i] = arrivals[i].event
	}
	return out
}
