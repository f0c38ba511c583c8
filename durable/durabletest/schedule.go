package durabletest

import (
	"encoding/json"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

// schedule puts the work that an episode asks for on its way.
func (r *Run) schedule(out *inproc.Outcome) error {
	e, dec := r.env, out.Decisions
	for _, a := range dec.Activities {
		f, err := e.callable(r, activity, a.Name)
		if err != nil {
			return err
		}
		r.open[a.ID] = true
		e.calls = append(e.calls, &work{fn: f, run: r, execution: r.execution, taskID: a.ID, input: a.Input})
	}
	for _, t := range dec.Timers {
		r.open[t.ID] = true
		ev := r.newEvent(history.TimerFired)
		ev.TaskID, ev.FireAt = t.ID, t.FireAt
		e.enqueue(&item{due: t.FireAt, run: r, execution: r.execution, event: ev})
	}
	for _, id := range dec.CancelTimers {
		delete(r.open, id)
	}
	for _, s := range dec.SubOrchestration {
		if err := r.startSub(dec, &s); err != nil {
			return err
		}
	}
	for _, d := range out.Detached {
		if err := r.startDetached(&d); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) startSub(dec *replay.Decisions, s *replay.SubOrchestration) error {
	e := r.env
	f, err := e.callable(r, orchestrator, s.Name)
	if err != nil {
		return err
	}
	r.open[s.ID] = true
	if f.kind == fakeOrchestrator {
		e.calls = append(e.calls, &work{fn: f, run: r, execution: r.execution, taskID: s.ID, input: s.Input})
		return nil
	}
	if live := e.runs[s.InstanceID]; live != nil && live.runs() {
		ev := r.newEvent(history.SubOrchestrationFailed)
		ev.TaskID, ev.Reason = s.ID, (&durable.InstanceExistsError{InstanceID: live.id, Status: live.status}).Error()
		e.enqueue(&item{due: e.now, run: r, execution: r.execution, event: ev})
		return nil
	}
	version := r.version
	for i := range dec.Events {
		if ev := &dec.Events[i]; ev.Type == history.SubOrchestrationCreated && ev.ID == s.ID && ev.Version != "" {
			version = ev.Version
		}
	}
	r.noteCall(f, s.ID, s.Input)
	e.begin(f, s.InstanceID, version, s.Input, &parent{run: r, execution: r.execution, taskID: s.ID})
	return nil
}

// startDetached starts an orchestration that nobody waits for.
func (r *Run) startDetached(d *inproc.Detached) error {
	e := r.env
	f, err := e.callable(r, orchestrator, d.Name)
	if err != nil {
		return err
	}
	if f.kind == fakeOrchestrator {
		e.calls = append(e.calls, &work{fn: f, run: r, execution: r.execution, taskID: -1, input: d.Input})
		return nil
	}
	if live := e.runs[d.InstanceID]; live != nil && live.runs() {
		e.t.Logf("%s starts '%s' as instance '%s', which runs: nothing is started", r.title(), d.Name, d.InstanceID)
		return nil
	}
	r.noteCall(f, -1, d.Input)
	e.begin(f, d.InstanceID, d.Version, d.Input, nil)
	return nil
}

// noteCall notes the start of an orchestration as a call.
func (r *Run) noteCall(f *function, taskID int, input json.RawMessage) {
	f.calls = append(f.calls, Call{InstanceID: r.id, TaskID: taskID, Input: input, At: r.env.now})
}
