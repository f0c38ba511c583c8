package durabletest

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

// begin starts an instance, in the place of a finished one of its ID.
func (e *Env) begin(f *function, id, version string, input json.RawMessage, by *parent) *Run {
	r := e.runs[id]
	if r == nil {
		r = &Run{env: e, id: id}
		e.runs[id] = r
		e.order = append(e.order, r)
	}
	r.fn, r.version, r.parent, r.executions = f, version, by, 0
	r.status, r.customStatus, r.output, r.failure = durable.Pending, nil, nil, nil
	r.beginExecution(input)
	return r
}

func (r *Run) beginExecution(input json.RawMessage) {
	r.generation++
	r.executions++
	r.execution = fmt.Sprintf("%s.%d", r.id, r.generation)
	r.input, r.history, r.checked, r.started, r.awaited, r.event = input, nil, 0, false, "", false
	r.open = map[int]bool{}
	r.makeReady()
}

// makeReady lets the run have an episode as soon as possible.
func (r *Run) makeReady() {
	r.fresh = true
	if !r.queued {
		r.queued = true
		r.env.ready = append(r.env.ready, r)
	}
}

// expects reports whether an event still means something to an execution.
func (r *Run) expects(execution string, ev *history.Event) bool {
	return r.runs() && r.execution == execution && r.open[ev.TaskID]
}

// arrive accepts an event for the next episode.
func (r *Run) arrive(ev history.Event) {
	if ev.Type.IsCompletion() {
		delete(r.open, ev.TaskID)
	}
	r.setArrived(append(r.arrived, ev))
	r.makeReady()
}

func (r *Run) setArrived(events []history.Event) {
	r.arrived, r.others = events, 0
	for i := range events {
		if events[i].Type != history.TaskCompleted && events[i].Type != history.SubOrchestrationCompleted {
			r.others++
		}
	}
}

// awaitsMore reports whether what has come cannot get the orchestrator on.
func (r *Run) awaitsMore() bool {
	return r.others == 0 && r.session != nil && len(r.arrived) < r.session.Needs()
}

// block notes whether only the test can get the run on.
func (r *Run) block() {
	blocked := r.runs() && (r.suspended() || r.event)
	switch {
	case blocked && !r.blocked:
		r.env.blocked++
	case !blocked && r.blocked:
		r.env.blocked--
	}
	r.blocked = blocked
}

// start is what a session is told of the execution.
func (r *Run) start() inproc.Start {
	s := inproc.Start{
		Name: r.fn.name, Version: r.version, InstanceID: r.id, ExecutionID: r.execution, Input: r.input, Logger: r.env.logger,
	}
	if r.parent != nil {
		s.ParentInstanceID = r.parent.run.id
	}
	return s
}

// episode shows the orchestrator what has come, and does what it decides.
func (r *Run) episode() error {
	step := &inproc.Step{Now: r.env.now.Truncate(time.Millisecond), Offers: r.arrived}
	if r.session == nil {
		r.session = inproc.New(r.fn.run, r.start())
		if r.started {
			step.Replay = r.history
		}
	}
	r.fresh = false
	out, err := stepSession(r.session, step)
	if err != nil {
		r.session.Close(durable.ErrHostStops) // it ends when it can
		r.session = nil
		return err
	}
	r.keep(step.Offers, out)
	first := !r.started
	r.record(step, out)
	switch {
	case errors.As(out.Err, new(*replay.DivergenceError)): // after a restart
		return fmt.Errorf("%s was rebuilt from its history and is not deterministic: %w", r.title(), out.Err)
	case out.Err != nil:
		return r.finish(durable.Failed, encodeText(orchestratorFailed(r.fn.name, out.Err.Error())), out.Err)
	}
	if err := r.check(first, out); err != nil {
		return err
	}
	return r.follow(out)
}

// keep takes out of the arrivals what was shown and what means nothing.
func (r *Run) keep(offers []history.Event, out *inproc.Outcome) {
	gone := make([]bool, len(offers))
	for _, list := range [][]int{out.Shown, out.Stale} {
		for _, i := range list {
			gone[i] = true
		}
	}
	var rest []history.Event
	for i := range offers {
		if !gone[i] {
			rest = append(rest, offers[i])
		}
	}
	r.setArrived(rest)
}

// record puts an episode into the history, unless nothing has happened in it.
func (r *Run) record(step *inproc.Step, out *inproc.Outcome) {
	dec := out.Decisions
	if dec.CustomStatus != nil {
		r.customStatus = dec.CustomStatus
	}
	if r.started && dec.Outcome == replay.Waiting && len(out.Shown)+len(dec.Events)+len(dec.CancelTimers) == 0 {
		return
	}
	r.history = append(r.history, history.Event{Type: history.OrchestratorStarted, ID: -1, Timestamp: step.Now, Action: history.NoAction})
	if !r.started {
		r.started, r.status = true, durable.Running
		r.history = append(r.history, r.executionStarted(step.Now))
	}
	for _, i := range out.Shown {
		r.history = append(r.history, step.Offers[i])
	}
	if out.Err == nil {
		r.history = append(r.history, dec.Events...)
	}
}

func (r *Run) executionStarted(now time.Time) history.Event {
	ev := history.Event{
		Type: history.ExecutionStarted, ID: -1, Timestamp: now, Action: history.NoAction, Runtime: history.RuntimeGo,
		Name: r.fn.name, Version: r.version, ExecutionID: r.execution, OwnInstanceID: r.id, Input: text(r.input),
	}
	if p := r.parent; p != nil {
		ev.Parent = &history.ParentInstance{Name: p.run.fn.name, InstanceID: p.run.id, ExecutionID: p.execution, TaskScheduledID: p.taskID}
	}
	return ev
}

// follow does what an episode has decided.
func (r *Run) follow(out *inproc.Outcome) error {
	if err := r.schedule(out); err != nil {
		return err
	}
	dec := out.Decisions
	switch dec.Outcome {
	case replay.Completed:
		return r.finish(durable.Completed, dec.Output, nil)
	case replay.Failed:
		return r.finish(durable.Failed, encodeText(orchestratorFailed(r.fn.name, dec.FailureReason)), out.Failure)
	case replay.ContinuedAsNew:
		return r.continueAsNew(out)
	case replay.Waiting:
		r.awaited, r.event = r.session.Awaited(), r.session.AwaitsEvent()
		r.block()
	}
	return nil
}

// continueAsNew begins another execution. External events go on into it, first those that the orchestrator had got and not looked at.
func (r *Run) continueAsNew(out *inproc.Outcome) error {
	events := out.Carry
	for _, ev := range r.arrived {
		if ev.Type == history.EventRaised {
			events = append(events, ev)
		}
	}
	err := r.evict(durable.ErrEvicted)
	r.beginExecution(out.Decisions.NewInput)
	r.setArrived(events)
	r.block()
	return err
}

// finish ends the instance.
func (r *Run) finish(status durable.RuntimeStatus, output json.RawMessage, failure error) error {
	ev := r.newEvent(history.ExecutionCompleted)
	ev.Status, ev.Result = int(status), text(output)
	r.history = append(r.history, ev)
	r.status, r.output, r.failure, r.awaited, r.event = status, output, failure, "", false
	r.setArrived(nil)
	r.block()
	r.tellParent()
	return r.evict(failure)
}

// tellParent sends the outcome to the orchestration that waits for it.
func (r *Run) tellParent() {
	p := r.parent
	if p == nil {
		return
	}
	ev := r.newEvent(history.SubOrchestrationCompleted)
	ev.TaskID, ev.Result = p.taskID, text(r.output)
	if r.status != durable.Completed {
		ev.Type, ev.Result, ev.Reason = history.SubOrchestrationFailed, nil, r.reason()
		if ev.Reason == "" {
			ev.Reason = fmt.Sprintf("the sub-orchestration '%s' ended as %s", r.id, r.status)
		}
		if r.status == durable.Failed && r.failure != nil {
			ev.Failure = durable.FailureOf(r.failure)
		}
	}
	r.env.enqueue(&item{due: r.env.now, run: p.run, execution: p.execution, event: ev})
}
