package durabletest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/internal/gofunc"
)

// Run is an orchestration instance of the world.
type Run struct {
	env     *Env
	id      string
	fn      *function
	version string
	parent  *parent // nil: none waits for it
	input   json.RawMessage

	execution  string // ID of the present execution
	generation int    // its number among all of the ID
	executions int    // those since the start
	started    bool   // the present execution has had an episode
	history    []history.Event
	checked    int             // length of the history at the last replay check
	session    *inproc.Session // nil: it is not in memory
	awaited    string          // what it awaited after its last episode

	status       durable.RuntimeStatus
	customStatus json.RawMessage
	output       json.RawMessage
	failure      error // what the orchestrator returned; nil: it did not fail, or panicked

	arrived []history.Event // that no episode has shown
	others  int             // of them, that are not the plain completion of a task
	fresh   bool            // something has come since the last episode
	queued  bool            // it is among the ready runs
	waits   bool            // it is among those that wait for more
	event   bool            // it awaits an external event
	blocked bool            // only the test can get it on
	open    map[int]bool    // ids of tasks that have no outcome
}

// parent is the orchestration that waits for a run.
type parent struct {
	run       *Run
	execution string
	taskID    int
}

// Start starts an orchestration and lets it run until it has ended, or waits for an external event, or for the clock when that is moved by
// hand. input is marshalled as JSON; nil is none.
func (e *Env) Start(name string, input any) *Run {
	e.t.Helper()
	return e.StartWith(name, input, durable.StartOptions{})
}

// StartWith is Start with an instance ID or a version. Without an ID it is made of the name and a number: Order-1.
func (e *Env) StartWith(name string, input any, opts durable.StartOptions) *Run {
	e.t.Helper()
	f, err := e.function(name)
	if err == nil && f.kind != orchestrator {
		err = fmt.Errorf("'%s' is registered as an activity, or in place of an orchestrator: it cannot be started", name)
	}
	if err == nil && opts.InstanceID != "" {
		err = durable.ValidateInstanceID(opts.InstanceID)
	}
	var raw json.RawMessage
	if err == nil {
		raw, err = encode("the input of orchestrator '"+name+"'", input)
	}
	if err != nil {
		e.fatal(err)
	}
	id := opts.InstanceID
	for n := 1; id == ""; n++ {
		if free := fmt.Sprintf("%s-%d", f.name, n); e.runs[free] == nil {
			id = free
		}
	}
	if live := e.runs[id]; live != nil && live.runs() {
		e.fatal(fmt.Errorf("starting '%s': %s runs", name, live.title()))
	}
	f.calls = append(f.calls, Call{TaskID: -1, Input: raw, At: e.now})
	r := e.begin(f, id, opts.Version, raw, nil)
	e.settle(nil)
	return r
}

// Run returns the instance of an ID, such as that of a sub-orchestration.
func (e *Env) Run(instanceID string) *Run {
	e.t.Helper()
	r := e.runs[instanceID]
	if r == nil {
		ids := make([]string, len(e.order))
		for i := range e.order {
			ids[i] = e.order[i].id
		}
		e.fatal(fmt.Errorf("there is no instance '%s', only: %s", instanceID, strings.Join(ids, ", ")))
	}
	return r
}

// Runs returns all instances in the order in which they were first started.
func (e *Env) Runs() []*Run { return slices.Clone(e.order) }

// ID is the instance ID.
func (r *Run) ID() string { return r.id }

// Name is the name of the orchestrator.
func (r *Run) Name() string { return r.fn.name }

// Status is the runtime status.
func (r *Run) Status() durable.RuntimeStatus { return r.status }

// Executions is how many executions the instance has had: one, and another for each continue-as-new.
func (r *Run) Executions() int { return r.executions }

// History returns the events of the present execution.
func (r *Run) History() []history.Event { return slices.Clone(r.history) }

// String says how it stands, for messages.
func (r *Run) String() string {
	text := r.title() + " is " + r.status.String()
	if r.runs() && r.awaited != "" {
		text += " and waits for " + r.awaited
	}
	return text
}

func (r *Run) title() string { return fmt.Sprintf("instance '%s' of '%s'", r.id, r.fn.name) }

func (r *Run) runs() bool { return !r.status.IsFinished() }

func (r *Run) suspended() bool { return r.status == durable.Suspended }

// RunError tells that an orchestration failed or was terminated. It wraps the error that the orchestrator returned, or ErrTerminated.
type RunError struct {
	InstanceID string
	Status     durable.RuntimeStatus
	// Reason is the text that clients see as the instance's output.
	Reason string
	err    error
}

func (e *RunError) Error() string {
	if e.Status == durable.Terminated {
		return fmt.Sprintf("instance '%s' was terminated: %s", e.InstanceID, e.Reason)
	}
	return e.Reason
}

// Unwrap returns the error that the orchestrator returned, or durable.ErrTerminated.
func (e *RunError) Unwrap() error { return e.err }

// Output returns the output of an orchestration that has completed. The error is a *RunError when it failed or was terminated. One that
// still runs fails the test.
func Output[T any](r *Run) (T, error) {
	r.env.t.Helper()
	var out T
	switch {
	case r.runs():
		r.env.fatal(errors.New(r.env.standstill(r)))
	case r.status != durable.Completed:
		return out, &RunError{InstanceID: r.id, Status: r.status, Reason: r.reason(), err: r.failure}
	}
	if err := gofunc.Decode(r.output, &out); err != nil {
		r.env.fatal(fmt.Errorf("the output of %s does not fit %T: %w: %s", r.title(), out, err, r.output))
	}
	return out, nil
}

// reason is the text of a failure's or a termination's output.
func (r *Run) reason() string {
	var reason string
	_ = gofunc.Decode(r.output, &reason) // it is a text
	return reason
}

// CustomStatus returns the custom status, the zero value when none was set.
func CustomStatus[T any](r *Run) T {
	r.env.t.Helper()
	var status T
	if err := gofunc.Decode(r.customStatus, &status); err != nil {
		r.env.fatal(fmt.Errorf("the custom status of %s does not fit %T: %w: %s", r.title(), status, err, r.customStatus))
	}
	return status
}

// standstill says why a run has not ended, and what may get it on.
func (e *Env) standstill(r *Run) string {
	text := r.String() + "; it has not ended"
	next := e.next()
	var others []string
	for _, other := range e.order {
		if other != r && other.blocked && len(others) < 3 {
			others = append(others, other.String())
		}
	}
	switch {
	case r.suspended():
		text += ": call Resume"
	case r.blocked && next != nil:
		text += fmt.Sprintf(": raise an event, or move the clock by %s with Advance", next.due.Sub(e.now))
	case r.blocked:
		text += ": raise the event"
	case next != nil && e.manual:
		text += fmt.Sprintf(": move the clock by %s with Advance", next.due.Sub(e.now))
	case next != nil && len(others) > 0:
		text += fmt.Sprintf(": the clock does not go on by itself (Advance moves it), because %s", strings.Join(others, ", and "))
	}
	return text
}

// encode makes JSON of a value, nil of nil.
func encode(what string, value any) (json.RawMessage, error) {
	raw, err := gofunc.Encode(value)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be written as JSON: %w", what, err)
	}
	return bytes.TrimSpace(raw), nil
}
