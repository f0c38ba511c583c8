package durable

import (
	"errors"
	"fmt"

	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
)

// What an orchestrator branches on, with errors.Is.
var (
	// ErrTimeout: an event has not come in time.
	ErrTimeout = errors.New("timed out")
	// ErrNoTasks: WhenAny was given no tasks.
	ErrNoTasks = errors.New("there are no tasks to wait for")
	// ErrTerminated is the cause with which the context of a terminated orchestration, and those of its activities, end.
	ErrTerminated = errors.New("the orchestration was terminated")
	// ErrHostStops is the cause with which the contexts of what runs in a host end when it stops. The work goes on elsewhere, or later.
	ErrHostStops = errors.New("the host stops")
	// ErrEvicted is the cause with which the context of an orchestration ends that makes room in memory, or whose partition went to
	// another host. It goes on when something comes for it.
	ErrEvicted = inproc.ErrEvicted
)

// ErrorType is a kind of failure that survives the history. An activity returns an error that wraps it, and the orchestrator that called
// the activity, on whatever host and after whatever time, finds it with errors.Is:
//
//	const ErrCardDeclined = durable.ErrorType("CardDeclined")
type ErrorType string //nolint:errname // its values are errors, it is their kind

func (t ErrorType) Error() string { return string(t) }

// NonRetriable marks an error of an activity, so that no RetryPolicy tries again.
func NonRetriable(err error) error {
	if err == nil {
		return nil
	}
	return &nonRetriableError{err}
}

type nonRetriableError struct{ err error }

func (e *nonRetriableError) Error() string { return e.err.Error() }
func (e *nonRetriableError) Unwrap() error { return e.err }

// FailureOf describes an error for the history.
func FailureOf(err error) *history.FailureDetails {
	named := err
	if marked, ok := err.(*nonRetriableError); ok { //nolint:errorlint // the mark itself, which tells nothing about the error
		named = marked.err
	}
	d := &history.FailureDetails{ErrorType: fmt.Sprintf("%T", named), ErrorMessage: err.Error()}
	var known ErrorType
	var failed *TaskFailedError
	switch {
	case errors.As(err, &known):
		d.ErrorType = string(known)
	case errors.As(err, &failed) && failed.Type != "":
		d.ErrorType = failed.Type
	}
	d.IsNonRetriable = errors.As(err, new(*nonRetriableError))
	return d
}

// TaskFailedError tells that an activity or a sub-orchestration failed.
type TaskFailedError struct {
	// Name is the name of the function that failed; TaskID the task's id in the history.
	Name   string
	TaskID int
	// Reason says what went wrong, in a sentence that names the function; Details may hold a stack.
	Reason, Details string
	// Type is the ErrorType that the function's error wrapped, else the name of its type in the function's language; "" when it is not
	// known.
	Type string
	// Message is the function's own error text, "" when it is not known apart from Reason.
	Message string
	// NonRetriable says that trying again would not help.
	NonRetriable bool
}

func (e *TaskFailedError) Error() string { return e.Reason }

// Is makes errors.Is(err, ErrorType(...)) true for the failure's type.
func (e *TaskFailedError) Is(target error) bool {
	t, ok := target.(ErrorType)
	return ok && e.Type == string(t)
}

func taskFailed(t *inproc.Task) error { return failedError(t.Name(), t.Event()) }

func failedError(name string, ev *history.Event) error {
	e := &TaskFailedError{Name: name, TaskID: ev.TaskID, Reason: ev.Reason, Details: ev.Details}
	if f := ev.Failure; f != nil {
		e.Type, e.Message, e.NonRetriable = f.ErrorType, f.ErrorMessage, f.IsNonRetriable
	}
	return e
}
