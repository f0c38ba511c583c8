package inproc

import (
	"encoding/json"
	"slices"

	"github.com/durango-functions/durango/durable/history"
)

// Task is something that an orchestrator can wait for.
type Task struct {
	s *Session
	// kind is the type of the scheduling event; EventRaised for a wait, GenericEvent for a compound.
	kind history.EventType
	id   int // of the latest attempt; -1 for waits and compounds
	// name is that of the function or event, for messages.
	name string

	done    bool
	failed  bool
	outcome outcome // of a complete one
	parents []*Task
	parts   *parts // of a compound
	retry   *retrying
}

// parts are those of a compound task.
type parts struct {
	any   bool // one is enough
	tasks []*Task
	open  int
	// shared says that one completion may complete several parts: a part is there twice, or is a compound itself.
	shared bool
	// first is the index of the part that completed the compound: the first one of an any, the first failed one of an all, else -1.
	first int
}

// needs is a lower bound of the completions until the compound completes.
func (p *parts) needs() int {
	if p.any || p.shared {
		return 1
	}
	return max(p.open, 1)
}

// Done reports whether the task is complete.
func (t *Task) Done() bool {
	if t.done {
		t.look()
	}
	return t.done
}

// Failed reports whether a complete task has failed.
func (t *Task) Failed() bool { return t.failed }

// Name is the name of the function or event that the task is about.
func (t *Task) Name() string { return t.name }

// ID is the id of the task's latest attempt.
func (t *Task) ID() int { return t.id }

// outcome is what is kept of the event that completed a task.
type outcome struct {
	typ    history.EventType
	taskID int
	value  *string        // result or data as JSON
	failed *history.Event // of a failure
}

// Event is the event that completed the task, as far as it is kept: its type, task id, and result, data or failure.
func (t *Task) Event() *history.Event {
	if t.outcome.failed != nil {
		return t.outcome.failed
	}
	ev := &history.Event{Type: t.outcome.typ, ID: -1, TaskID: t.outcome.taskID, Name: t.name, Result: t.outcome.value, Action: history.NoAction}
	if ev.Type == history.EventRaised {
		ev.Result, ev.Input = nil, t.outcome.value
	}
	return ev
}

// Result is the task's result as JSON, nil for none.
func (t *Task) Result() json.RawMessage {
	if t.outcome.value == nil {
		return nil
	}
	return json.RawMessage(*t.outcome.value)
}

// First is the index of the part that completed the compound, -1 when all did, and for tasks that are none.
func (t *Task) First() int {
	if t.parts == nil {
		return -1
	}
	return t.parts.first
}

// Part is a part of a compound.
func (t *Task) Part(i int) *Task { return t.parts.tasks[i] }

// look notes that the orchestrator knows the task's outcome.
func (t *Task) look() {
	switch {
	case t.kind == history.EventRaised:
		delete(t.s.unseen, t)
	case t.parts != nil && t.parts.any:
		if t.parts.first >= 0 {
			t.parts.tasks[t.parts.first].look()
		}
	case t.parts != nil && len(t.s.unseen) > 0:
		for _, part := range t.parts.tasks {
			if part.done {
				part.look()
			}
		}
	}
}

// accepts reports whether an event of the type completes the task.
func (t *Task) accepts(typ history.EventType) bool {
	switch typ {
	case history.TaskCompleted, history.TaskFailed:
		return t.kind == history.TaskScheduled
	case history.SubOrchestrationCompleted, history.SubOrchestrationFailed:
		return t.kind == history.SubOrchestrationCreated
	case history.TimerFired:
		return t.kind == history.TimerCreated || t.retry != nil && t.retry.delaying
	default:
		return false
	}
}

// settle completes the task with an event.
func (t *Task) settle(ev *history.Event) {
	t.outcome = outcome{typ: ev.Type, taskID: ev.TaskID, value: ev.Result}
	switch ev.Type {
	case history.EventRaised:
		t.outcome.value = ev.Input
	case history.TaskFailed, history.SubOrchestrationFailed:
		failed := *ev
		t.outcome.failed = &failed
	default:
	}
	t.finish(ev.Type == history.TaskFailed || ev.Type == history.SubOrchestrationFailed)
}

// finish completes the task and tells the compounds that it is a part of.
func (t *Task) finish(failed bool) {
	t.done, t.failed = true, failed
	parents := t.parents
	t.parents = nil
	for _, p := range parents {
		p.partDone(t)
	}
}

// partDone takes account of a part that has completed.
func (t *Task) partDone(part *Task) {
	if t.done {
		return
	}
	t.parts.open--
	switch {
	case t.parts.any:
		t.complete(part, false)
	case part.failed:
		t.complete(part, true)
	case t.parts.open == 0:
		t.finish(false)
	}
}

// complete ends the compound because of one part; the others need not tell it any more.
func (t *Task) complete(part *Task, failed bool) {
	t.parts.first = slices.Index(t.parts.tasks, part)
	for _, other := range t.parts.tasks {
		if !other.done {
			other.parents = slices.DeleteFunc(other.parents, func(p *Task) bool { return p == t })
		}
	}
	t.finish(failed)
}

// All makes a task that completes when all others have, or the first has failed.
func (s *Session) All(tasks []*Task) *Task { return s.compound(tasks, false) }

// Any makes a task that completes when the first of the others has, failed or not.
func (s *Session) Any(tasks []*Task) *Task { return s.compound(tasks, true) }

func (s *Session) compound(tasks []*Task, isAny bool) *Task {
	t := &Task{s: s, kind: history.GenericEvent, id: -1, parts: &parts{any: isAny, tasks: tasks, first: -1}}
	for i, part := range tasks {
		switch {
		case !part.done:
			t.parts.open++
		case (isAny || part.failed) && t.parts.first < 0:
			t.parts.first = i
			t.done, t.failed = true, !isAny
		}
	}
	if t.done {
		return t
	}
	if t.parts.open == 0 {
		t.done = true
		return t
	}
	for _, part := range tasks {
		if part.done {
			continue
		}
		if n := len(part.parents); part.parts != nil || n > 0 && part.parents[n-1] == t {
			t.parts.shared = true
		}
		part.parents = append(part.parents, t)
	}
	return t
}
