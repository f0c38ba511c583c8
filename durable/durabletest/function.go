package durabletest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/internal/gofunc"
	"github.com/durango-functions/durango/internal/jsonpos"
)

// kind is what a function is.
type kind int

const (
	orchestrator kind = iota
	activity
	fakeOrchestrator
)

func (k kind) String() string {
	if k == activity {
		return "activity"
	}
	return "orchestrator"
}

// function is a registered one.
type function struct {
	name  string
	kind  kind
	run   inproc.Function // of an orchestrator
	call  *gofunc.Func    // of the others
	takes time.Duration
	calls []Call
}

// Call is a call that was made: an attempt of an activity, or the start of an orchestration.
type Call struct {
	// InstanceID is that of the orchestration that made the call, "" for the test itself; TaskID is the id of its task there, -1 when it does
	// not wait for the outcome.
	InstanceID string
	TaskID     int
	// Input is JSON; nil: none.
	Input json.RawMessage
	// At is the virtual time.
	At time.Time
}

// Calls returns the calls of a function so far, in their order.
func (e *Env) Calls(name string) []Call {
	e.t.Helper()
	f, err := e.function(name)
	if err != nil {
		e.fatal(err)
	}
	return f.calls
}

// Inputs returns the inputs of the calls of a function so far, in their order.
func Inputs[T any](e *Env, name string) []T {
	e.t.Helper()
	inputs := []T{}
	for i, call := range e.Calls(name) {
		var in T
		if err := gofunc.Decode(call.Input, &in); err != nil {
			e.fatal(fmt.Errorf("the input of call %d of '%s' does not fit %T: %w: %s", i, name, in, err, call.Input))
		}
		inputs = append(inputs, in)
	}
	return inputs
}

// function returns a function by its name, in any case.
func (e *Env) function(name string) (*function, error) {
	if f := e.functions[strings.ToLower(name)]; f != nil {
		return f, nil
	}
	if near := jsonpos.Nearest(name, e.names); near != "" {
		return nil, fmt.Errorf("no function is registered as '%s'; did you mean '%s'?", name, near)
	}
	return nil, fmt.Errorf("no function is registered as '%s'; register it with Orchestrator, Activity or FakeOrchestrator", name)
}

// callable returns what runs in place of a call of the given kind by an orchestration.
func (e *Env) callable(by *Run, kind kind, name string) (*function, error) {
	f, err := e.function(name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s calls %s '%s': %w", by.title(), kind, name, err)
	case (f.kind == activity) != (kind == activity):
		return nil, fmt.Errorf("%s calls %s '%s', which is registered as an %s", by.title(), kind, name, f.kind)
	}
	return f, nil
}

// work is a call that is to be made.
type work struct {
	fn        *function
	run       *Run
	execution string
	taskID    int // -1: nobody waits for the outcome
	input     json.RawMessage
}

// perform calls a function and puts its outcome into the queue.
func (e *Env) perform(w *work) {
	w.fn.calls = append(w.fn.calls, Call{InstanceID: w.run.id, TaskID: w.taskID, Input: w.input, At: e.now})
	result, err, stack := e.callFunction(w.fn, w.input)
	if w.taskID < 0 {
		return
	}
	completed, failed, reason := history.TaskCompleted, history.TaskFailed, activityFailed
	if w.fn.kind == fakeOrchestrator {
		completed, failed, reason = history.SubOrchestrationCompleted, history.SubOrchestrationFailed, orchestratorFailed
	}
	ev := history.Event{Type: completed, ID: -1, TaskID: w.taskID, Result: text(result), Action: history.NoAction}
	if err != nil {
		ev.Type, ev.Reason, ev.Details, ev.Failure = failed, reason(w.fn.name, err.Error()), stack, durable.FailureOf(err)
	}
	e.enqueue(&item{due: e.now.Add(w.fn.takes), run: w.run, execution: w.execution, event: ev})
}

// callFunction calls a function of an activity's signature on the test's goroutine. A failure of the test in there ends the test.
func (e *Env) callFunction(f *function, input json.RawMessage) (result json.RawMessage, err error, stack string) { //nolint:revive,staticcheck // the stack belongs to the error
	defer func() {
		if r := recover(); r != nil {
			result, err, stack = nil, gofunc.Panicked(r), inproc.ShortStack(debug.Stack())
			e.t.Logf("%s '%s' panicked: %v\n%s", f.kind, f.name, r, stack)
		}
	}()
	result, err = f.call.Call(reflect.ValueOf(e.ctx), input)
	var mismatch *gofunc.InputError
	if errors.As(err, &mismatch) {
		e.t.Logf("%s '%s' was called with what it does not take: %v: %s", f.kind, f.name, err, input)
	}
	return result, err, ""
}

// activityFailed is the reason of a failed activity.
func activityFailed(name, reason string) string {
	return fmt.Sprintf("Activity function '%s' failed: %s", name, reason)
}

// orchestratorFailed is the output of a failed orchestration.
func orchestratorFailed(name, reason string) string {
	return fmt.Sprintf("Orchestrator function '%s' failed: %s", name, reason)
}

// text is JSON as the text in which events carry it, nil for none.
func text(raw json.RawMessage) *string {
	if raw == nil {
		return nil
	}
	s := string(raw)
	return &s
}
