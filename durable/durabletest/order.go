package durabletest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
)

// RaiseEvent sends an external event to the instance. data is marshalled as JSON; nil is none. The instance must run.
func (r *Run) RaiseEvent(name string, data any) {
	r.env.t.Helper()
	raw, err := encode("the data of event '"+name+"'", data)
	switch {
	case err != nil:
	case name == "":
		err = &durable.InvalidEventNameError{InstanceID: r.id}
	case !r.runs():
		err = fmt.Errorf("event '%s': %s has ended as %s", name, r.title(), r.status)
	}
	if err != nil {
		r.env.fatal(err)
	}
	ev := r.newEvent(history.EventRaised)
	ev.Name, ev.Input = name, text(raw)
	r.arrive(ev)
	r.env.settle(nil)
}

// Terminate ends the instance. Its sub-orchestrations run on, and what its activities return is dropped. The instance must run.
func (r *Run) Terminate(reason string) {
	r.env.t.Helper()
	r.mustRun("terminate")
	output := encodeText(reason)
	cause := durable.ErrTerminated
	if reason != "" {
		cause = fmt.Errorf("%w: %s", durable.ErrTerminated, reason)
	} else {
		output = nil
	}
	ev := r.newEvent(history.ExecutionTerminated)
	ev.Input = text(output)
	r.history = append(r.history, ev)
	if err := r.finish(durable.Terminated, output, cause); err != nil {
		r.env.fatal(err)
	}
	r.env.settle(nil)
}

// Suspend pauses the instance: what comes for it waits until Resume. The instance must run, and not be suspended.
func (r *Run) Suspend(reason string) {
	r.env.t.Helper()
	r.mustRun("suspend")
	if r.suspended() {
		r.env.fatal(fmt.Errorf("%s: %w", r.title(), durable.ErrInstanceSuspended))
	}
	r.note(history.ExecutionSuspended, reason)
	r.status = durable.Suspended
	r.block()
	r.env.settle(nil)
}

// Resume lets a suspended instance go on.
func (r *Run) Resume(reason string) {
	r.env.t.Helper()
	r.mustRun("resume")
	if !r.suspended() {
		r.env.fatal(fmt.Errorf("%s: %w", r.title(), durable.ErrInstanceNotSuspended))
	}
	r.note(history.ExecutionResumed, reason)
	r.status = durable.Running
	r.block()
	r.makeReady()
	r.env.settle(nil)
}

func (r *Run) mustRun(order string) {
	r.env.t.Helper()
	if !r.runs() {
		r.env.fatal(errors.New("cannot " + order + " " + r.title() + ": it has ended as " + r.status.String()))
	}
}

func (r *Run) note(typ history.EventType, reason string) {
	ev := r.newEvent(typ)
	ev.Reason = reason
	r.history = append(r.history, ev)
}

// newEvent begins an event of the present time.
func (r *Run) newEvent(typ history.EventType) history.Event {
	return history.Event{Type: typ, ID: -1, Timestamp: r.env.now, Action: history.NoAction}
}

func encodeText(s string) json.RawMessage {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err) // a text always encodes
	}
	return raw
}
