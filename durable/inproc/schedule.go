package inproc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/replay"
)

// SideEffectName is the name under which the result of a side effect stands in the history, as that of an activity that no host runs.
const SideEffectName = "BuiltIn::SideEffect"

// Call is a call of an activity or a sub-orchestration.
type Call struct {
	Name  string
	Input json.RawMessage // nil: none
	// InstanceID and Version are for sub-orchestrations; "": made from the execution ID, and the caller's version.
	InstanceID string
	Version    string
	Retry      *Retry // nil: none
}

// Activity schedules an activity.
func (s *Session) Activity(c Call) *Task {
	return s.call(history.TaskScheduled, c)
}

// SubOrchestration starts a sub-orchestration.
func (s *Session) SubOrchestration(c Call) (*Task, error) {
	switch {
	case strings.HasPrefix(c.InstanceID, "@"):
		return nil, fmt.Errorf("the instance ID %q begins with @, which only entities do", c.InstanceID)
	case c.InstanceID != "" && strings.EqualFold(c.InstanceID, s.start.InstanceID):
		return nil, fmt.Errorf("the instance ID %q is the orchestration's own", c.InstanceID)
	case c.InstanceID != "" && strings.EqualFold(c.InstanceID, s.start.ParentInstanceID):
		return nil, fmt.Errorf("the instance ID %q is that of the orchestration's parent", c.InstanceID)
	}
	return s.call(history.SubOrchestrationCreated, c), nil
}

func (s *Session) call(kind history.EventType, c Call) *Task {
	s.check()
	t := &Task{s: s, kind: kind, name: c.Name}
	if c.Retry != nil {
		t.retry = &retrying{policy: c.Retry, call: c}
	}
	s.attempt(t, c)
	return t
}

// attempt schedules a call and makes its id the task's.
func (s *Session) attempt(t *Task, c Call) {
	t.id = s.newID()
	s.tasks[t.id] = t
	ev := history.Event{Type: t.kind, ID: t.id, Name: c.Name, Input: text(c.Input)}
	if t.kind == history.SubOrchestrationCreated {
		ev.InstanceID, ev.Version = c.InstanceID, c.Version
		if ev.InstanceID == "" {
			ev.InstanceID = fmt.Sprintf("%s:%d", s.start.ExecutionID, t.id)
		}
	}
	rec := s.schedule(ev)
	if t.retry != nil && t.retry.firstAt.IsZero() {
		t.retry.firstAt = s.now
	}
	d := s.out.Decisions
	switch {
	case rec != nil:
	case t.kind == history.TaskScheduled:
		d.Activities = append(d.Activities, replay.Activity{ID: t.id, Name: c.Name, Input: c.Input})
	default:
		d.SubOrchestration = append(d.SubOrchestration, replay.SubOrchestration{ID: t.id, Name: c.Name, InstanceID: ev.InstanceID, Version: c.Version, Input: c.Input})
	}
}

// Timer makes a task that completes after d.
func (s *Session) Timer(d time.Duration) *Task {
	s.check()
	t := &Task{s: s, kind: history.TimerCreated}
	s.timer(t, d)
	return t
}

func (s *Session) timer(t *Task, d time.Duration) {
	t.id = s.newID()
	s.tasks[t.id] = t
	// A millisecond is what the hub keeps. Rounded up, a timer never fires early.
	ev := history.Event{Type: history.TimerCreated, ID: t.id, FireAt: s.now.Add(max(d, 0)).Add(time.Millisecond - 1).Truncate(time.Millisecond)}
	if s.schedule(ev) == nil {
		s.out.Decisions.Timers = append(s.out.Decisions.Timers, replay.Timer{ID: t.id, FireAt: ev.FireAt})
	}
}

// Cancel gives up a timer: it never completes.
func (s *Session) Cancel(t *Task) {
	s.check()
	if t.done || s.tasks[t.id] != t || t.kind != history.TimerCreated {
		return
	}
	delete(s.tasks, t.id)
	if s.replaying.Load() {
		return
	}
	d := s.out.Decisions
	if at := slices.IndexFunc(d.Timers, func(timer replay.Timer) bool { return timer.ID == t.id }); at >= 0 {
		d.Timers = slices.Delete(d.Timers, at, at+1)
		return
	}
	d.CancelTimers = append(d.CancelTimers, t.id)
}

// Wait makes a task that completes with the next external event of that name, in any case.
func (s *Session) Wait(name string) *Task {
	s.check()
	t := &Task{s: s, kind: history.EventRaised, id: -1, name: name}
	if s.waits == nil {
		s.waits = map[string][]*Task{}
	}
	key := strings.ToLower(name)
	s.waits[key] = append(s.waits[key], t)
	s.heldAll = false
	return t
}

// GiveUp ends a wait that nobody needs any more, so that it takes no event.
func (s *Session) GiveUp(t *Task) {
	key := strings.ToLower(t.name)
	list := s.waits[key]
	if at := slices.Index(list, t); at >= 0 {
		if len(list) == 1 {
			delete(s.waits, key)
			return
		}
		s.waits[key] = slices.Delete(list, at, at+1)
	}
}

// Detach starts an orchestration that nobody waits for, and returns its instance ID.
func (s *Session) Detach(c Call) string {
	s.check()
	id := s.newID()
	if c.InstanceID == "" {
		c.InstanceID = fmt.Sprintf("%s:%d", s.start.ExecutionID, id)
	}
	rec := s.schedule(history.Event{Type: history.EventSent, ID: id, Name: c.Name, InstanceID: c.InstanceID, Input: text(c.Input)})
	if rec == nil {
		s.out.Detached = append(s.out.Detached, Detached{InstanceID: c.InstanceID, Name: c.Name, Version: c.Version, Input: c.Input})
	}
	return c.InstanceID
}

// SideEffect runs f and records what it returns, so that a replay gets the same and does not run it again. A panic of f is an error.
func (s *Session) SideEffect(f func() (json.RawMessage, error)) (json.RawMessage, error) {
	s.check()
	id := s.newID()
	asked := history.Event{Type: history.TaskScheduled, ID: id, Name: SideEffectName}
	if s.replaying.Load() {
		s.schedule(asked)
		return s.recordedEffect(id)
	}
	value, err := s.effect(f)
	s.schedule(asked)
	ev := history.Event{Type: history.TaskCompleted, ID: -1, Timestamp: s.now, TaskID: id, Result: text(value), Action: history.NoAction}
	if err != nil {
		ev.Type, ev.Result, ev.Reason = history.TaskFailed, nil, err.Error()
		value, err = nil, &SideEffectError{Message: ev.Reason}
	}
	s.out.Decisions.Events = append(s.out.Decisions.Events, ev)
	return value, err
}

// effect runs the function of a side effect. A panic ends there: a replay, which does not run the function, must find the same.
func (s *Session) effect(f func() (json.RawMessage, error)) (value json.RawMessage, err error) {
	s.inEffect = true
	defer func() {
		s.inEffect = false
		if r := recover(); r != nil {
			s.logPanic(fmt.Sprintf("a side effect of orchestrator '%s'", s.start.Name), r)
			value, err = nil, fmt.Errorf("panic: %v", r)
		}
	}()
	return f()
}

// recordedEffect is the outcome of a side effect that was run before.
func (s *Session) recordedEffect(id int) (json.RawMessage, error) {
	ev := s.replay.effects[id]
	switch {
	case ev == nil:
		s.diverge(fmt.Errorf("the history holds no outcome of side effect %d", id))
	case ev.Type == history.TaskFailed:
		return nil, &SideEffectError{Message: ev.Reason}
	case ev.Result != nil:
		return json.RawMessage(*ev.Result), nil
	}
	return nil, nil
}

// SideEffectError is the failure of a side effect, as a replay finds it.
type SideEffectError struct{ Message string }

func (e *SideEffectError) Error() string { return e.Message }

func (s *Session) newID() int {
	id := s.nextID
	s.nextID++
	if s.nextID > s.start.MaxActions {
		s.diverge(fmt.Errorf("the orchestration has asked for more than %d actions in one execution "+
			"(extensions.durableTask.maxOrchestrationActions): continue as new, or divide the work among sub-orchestrations", s.start.MaxActions))
	}
	return id
}

// schedule records a scheduling event, or compares it with the recorded one, which it returns.
func (s *Session) schedule(ev history.Event) *history.Event {
	ev.Timestamp, ev.Action = s.now, history.NoAction
	if s.start.Observe != nil {
		s.start.Observe(ev)
	}
	if !s.replaying.Load() {
		s.out.Decisions.Events = append(s.out.Decisions.Events, ev)
		return nil
	}
	rec := s.replay.recorded[ev.ID]
	switch {
	case rec == nil:
		s.diverge(&replay.DivergenceError{Index: ev.ID, Recorded: nothing, New: describe(&ev)})
	case !same(rec, &ev):
		s.diverge(&replay.DivergenceError{Index: ev.ID, Recorded: describe(rec), New: describe(&ev)})
	}
	return rec
}

// text is JSON as the text in which events carry it.
func text(raw json.RawMessage) *string {
	if raw == nil {
		return nil
	}
	t := string(raw)
	return &t
}
