package durable

import (
	"errors"
	"fmt"
	"time"

	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
)

// CallOption changes a call of an activity or a sub-orchestration.
type CallOption func(*inproc.Call) error

// WithInstanceID gives a sub-orchestration its instance ID. Without it the ID is made from the caller's execution ID.
func WithInstanceID(id string) CallOption {
	return func(c *inproc.Call) error {
		c.InstanceID = id
		return ValidateInstanceID(id)
	}
}

// WithVersion gives a sub-orchestration its version. Without it, it gets the caller's.
func WithVersion(version string) CallOption {
	return func(c *inproc.Call) error {
		c.Version = version
		return nil
	}
}

// WithRetry lets a failed call be tried again.
func WithRetry(p RetryPolicy) CallOption {
	return func(c *inproc.Call) error {
		if err := p.validate(); err != nil {
			return err
		}
		c.Retry = &inproc.Retry{
			First: p.FirstInterval, MaxAttempts: p.MaxAttempts, Coefficient: p.BackoffCoefficient, Max: p.MaxInterval, Timeout: p.Timeout,
		}
		if p.Handle != nil {
			name := c.Name
			c.Retry.Handle = func(ev *history.Event) bool { return p.Handle(failedError(name, ev)) }
		}
		return nil
	}
}

// RetryPolicy tells when a failed call is tried again: after min(FirstInterval × BackoffCoefficient^(n-1), MaxInterval) for the n-th failure
// (Azure/durabletask DurableTask.Core/RetryOptions.cs). Failures that are NonRetriable end it.
type RetryPolicy struct {
	// FirstInterval is the time between the first failure and the second attempt. Required, more than 0.
	FirstInterval time.Duration
	// MaxAttempts is how many attempts are made, the first one among them. Required, at least 1.
	MaxAttempts int
	// BackoffCoefficient multiplies the interval from attempt to attempt. Defaults to 1.
	BackoffCoefficient float64
	// MaxInterval bounds the time between attempts. 0: no bound.
	MaxInterval time.Duration
	// Timeout bounds the time from the first attempt to the beginning of the last. 0: no bound.
	Timeout time.Duration
	// Handle decides by the failure, a *TaskFailedError, whether another attempt is made. nil: yes. It must be deterministic.
	Handle func(err error) bool
}

func (p *RetryPolicy) validate() error {
	switch {
	case p.FirstInterval <= 0:
		return fmt.Errorf("RetryPolicy.FirstInterval is %s, expected more than 0", p.FirstInterval)
	case p.MaxAttempts < 1:
		return fmt.Errorf("RetryPolicy.MaxAttempts is %d, expected at least 1", p.MaxAttempts)
	case p.BackoffCoefficient < 0:
		return fmt.Errorf("RetryPolicy.BackoffCoefficient is %g, expected more than 0, or 0 for 1", p.BackoffCoefficient)
	case p.MaxInterval < 0:
		return fmt.Errorf("RetryPolicy.MaxInterval is %s, expected more than 0, or 0 for no bound", p.MaxInterval)
	case p.Timeout < 0:
		return fmt.Errorf("RetryPolicy.Timeout is %s, expected more than 0, or 0 for no bound", p.Timeout)
	}
	return nil
}

// refused is a task that never begins, because what was asked for is wrong: Await returns err.
func refused[T any](o *Orchestration, err error) *Task[T] {
	return &Task[T]{o: o, t: o.s.All(nil), result: func() (T, error) {
		var none T
		return none, err
	}}
}

func call[T any](o *Orchestration, what, name string, input any, opts []CallOption, begin func(inproc.Call) (*inproc.Task, error)) *Task[T] {
	c := inproc.Call{Name: name}
	var err error
	if name == "" {
		return refused[T](o, fmt.Errorf("%s without a name was called", what))
	}
	if c.Input, err = marshal("the input of "+what+" '"+name+"'", input); err != nil {
		return refused[T](o, err)
	}
	for _, opt := range opts {
		if err := opt(&c); err != nil {
			return refused[T](o, fmt.Errorf("calling %s '%s': %w", what, name, err))
		}
	}
	t, err := begin(c)
	if err != nil {
		return refused[T](o, fmt.Errorf("calling %s '%s': %w", what, name, err))
	}
	return &Task[T]{o: o, t: t}
}

// CallActivity schedules an activity with an input that is marshalled as JSON and returns a task for its result. The activity runs at least
// once, on any host; its result enters the history once.
func CallActivity[T any](o *Orchestration, name string, input any, opts ...CallOption) *Task[T] {
	return call[T](o, "activity", name, input, opts, func(c inproc.Call) (*inproc.Task, error) {
		if c.InstanceID != "" || c.Version != "" {
			return nil, fmt.Errorf("WithInstanceID and WithVersion are for sub-orchestrations")
		}
		return o.s.Activity(c), nil
	})
}

// CallSubOrchestrator starts an orchestration with an input that is marshalled as JSON and returns a task for its output.
func CallSubOrchestrator[T any](o *Orchestration, name string, input any, opts ...CallOption) *Task[T] {
	return call[T](o, "sub-orchestration", name, input, opts, o.s.SubOrchestration)
}

// WaitForEvent returns a task for the data of the next external event of that name, in any case. An event that was raised before is kept
// until a wait of its name exists; several waits of one name get the events in the order in which they were made.
func WaitForEvent[T any](o *Orchestration, name string) *Task[T] {
	if name == "" {
		return refused[T](o, errors.New("an event without a name was waited for, and none can be raised"))
	}
	return &Task[T]{o: o, t: o.s.Wait(name)}
}

// WaitForEventWithin waits for the next external event of that name, for the timeout at most: then the error is ErrTimeout.
func WaitForEventWithin[T any](o *Orchestration, name string, timeout time.Duration) (T, error) {
	event, timer := WaitForEvent[T](o, name), o.CreateTimer(timeout)
	first, err := WhenAny(o, event, timer).Await()
	if err == nil && first == 0 {
		timer.Cancel()
		return event.Await()
	}
	o.s.GiveUp(event.t)
	var none T
	return none, fmt.Errorf("waiting for event '%s': %w after %s", name, ErrTimeout, timeout)
}
