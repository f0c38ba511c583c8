package durable

import (
	"fmt"

	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/internal/gofunc"
)

// Task is something that an orchestrator has begun and can wait for. T is the type of its result.
type Task[T any] struct {
	o *Orchestration
	t *inproc.Task
	// result makes the value of a compound task; nil: the value is decoded from the task's JSON.
	result func() (T, error)
}

// Awaitable is a Task of any type.
type Awaitable interface {
	// Done reports whether the task was complete when the orchestrator last waited.
	Done() bool
	task() *inproc.Task
}

func (t *Task[T]) task() *inproc.Task { return t.t }

// Done reports whether the task was complete when the orchestrator last waited.
func (t *Task[T]) Done() bool { return t.t.Done() }

// Await waits until the task is complete and returns its result. The error of a call that failed is a *TaskFailedError. It may be called
// again and returns the same.
func (t *Task[T]) Await() (T, error) {
	t.o.s.Await(t.t)
	if t.result != nil {
		return t.result()
	}
	var v T
	if t.t.Failed() {
		return v, taskFailed(t.t)
	}
	if err := gofunc.Decode(t.t.Result(), &v); err != nil {
		return v, fmt.Errorf("the result of %s does not fit %T: %w", describe(t.t.Name(), t.t.Event()), v, err)
	}
	return v, nil
}

// Timer is a task that completes at a time.
type Timer struct{ Task[struct{}] }

// Cancel gives the timer up if it has not fired: it never completes then.
func (t *Timer) Cancel() { t.o.s.Cancel(t.t) }

// WhenAll returns a task that completes when all tasks have, with their results in the same order, or as soon as one fails, with its error.
// Without tasks it is complete.
func WhenAll[T any](o *Orchestration, tasks ...*Task[T]) *Task[[]T] {
	parts := make([]*inproc.Task, len(tasks))
	for i, t := range tasks {
		parts[i] = t.t
	}
	all := o.s.All(parts)
	return &Task[[]T]{o: o, t: all, result: func() ([]T, error) {
		if first := all.First(); first >= 0 {
			_, err := tasks[first].Await()
			return nil, err
		}
		out := make([]T, len(tasks))
		for i, t := range tasks {
			var err error
			if out[i], err = t.Await(); err != nil {
				return nil, err
			}
		}
		return out, nil
	}}
}

// WhenAny returns a task that completes when the first of the tasks does, failed or not, with its index. The other tasks go on. Without
// tasks it is an error.
func WhenAny(o *Orchestration, tasks ...Awaitable) *Task[int] {
	parts := make([]*inproc.Task, len(tasks))
	for i, t := range tasks {
		parts[i] = t.task()
	}
	first := o.s.Any(parts)
	return &Task[int]{o: o, t: first, result: func() (int, error) {
		if len(tasks) == 0 {
			return -1, ErrNoTasks
		}
		return first.First(), nil
	}}
}

// describe names what a completed task was, for messages.
func describe(name string, ev *history.Event) string {
	switch ev.Type {
	case history.SubOrchestrationCompleted, history.SubOrchestrationFailed:
		return fmt.Sprintf("sub-orchestration '%s'", name)
	case history.EventRaised:
		return fmt.Sprintf("event '%s'", name)
	default:
		return fmt.Sprintf("activity '%s'", name)
	}
}
