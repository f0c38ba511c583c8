package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/durango-functions/durango/durable/entity"
	"github.com/durango-functions/durango/durable/history"
)

// OperationKind tells what an EntityRequest asks for.
type OperationKind int

// The kinds of requests.
const (
	EntityCall OperationKind = iota
	EntitySignal
	EntityLock
	EntityRelease
)

// EntityRequest asks for a message to an entity.
type EntityRequest struct {
	Kind     OperationKind
	TaskID   int
	EntityID string          // "@name@key"
	Name     string          // of the operation
	Input    json.RawMessage // nil: none
	// RequestID names the answer to a call, the answer to a lock request, and the lock that is released.
	RequestID string
	Due       time.Time // zero: at once
	// LockSet are the entities to lock, in order. The first EntityRelease of a lock has them, too: it goes their way and does all; the others only
	// stand in the history.
	LockSet []string
}

// waitsForAnswer reports whether an EventSent asks for an answer, and by which name that comes.
func waitsForAnswer(e *history.Event) (requestID string, ok bool) {
	if e.Type != history.EventSent || e.Name != entity.OperationEvent {
		return "", false
	}
	r := entity.ParseRequest(e.Input)
	if r == nil || r.Signal || r.ID == "" {
		return "", false
	}
	return r.ID, true
}

// answered returns the task that an external event is the answer for, nil when it is none.
func (o *Orchestration) answered(e *history.Event) *task {
	if e.Type != history.EventRaised || len(o.requests) == 0 {
		return nil
	}
	if id, ok := o.requests[e.Name]; ok {
		return o.tasks[id]
	}
	return nil
}

// taskOf returns the task that an event completes; nil when there is none, or the event completes no task.
func (o *Orchestration) taskOf(e *history.Event) *task {
	if e.Type.IsCompletion() {
		return o.tasks[e.TaskID]
	}
	return o.answered(e)
}

// completes reports whether the event is the completion of a task, which may be unknown.
func (o *Orchestration) completes(e *history.Event) bool {
	return e.Type.IsCompletion() || o.answered(e) != nil
}

// request schedules what a leaf asks of entities.
func (o *Orchestration) request(l *leaf, d *Decisions) error {
	a := &l.action
	switch a.Type {
	case LockEntities:
		return o.lock(l, d)
	case ReleaseEntities:
		return o.release(l, d)
	default:
	}
	if _, err := entity.Parse(a.InstanceID); err != nil {
		return fmt.Errorf("action %d: %s: %w", l.index, a, err)
	}
	input := present(a.input(o.schema))
	q := EntityRequest{Kind: EntityCall, TaskID: o.nextID, EntityID: a.InstanceID, Name: a.Operation, Input: input, RequestID: o.requestID()}
	r := entity.Request{Operation: a.Operation, Input: text(input), ID: q.RequestID, Parent: o.instanceID, ParentExecution: o.executionID}
	name := entity.OperationEvent
	if a.Type != CallEntity {
		q.Kind, r.Signal = EntitySignal, true
	}
	if a.Type == ScheduledSignalEntity {
		due := truncate(a.FireAt)
		q.Due, r.Due = due, &due
		name += "@" + due.Format(time.RFC3339Nano)
	}
	return o.send(l, name, &q, &r, d)
}

// requestID names the request that gets the next task id.
func (o *Orchestration) requestID() string { return fmt.Sprintf("%s:%d", o.executionID, o.nextID) }

func (o *Orchestration) send(l *leaf, name string, q *EntityRequest, r *entity.Request, d *Decisions) error {
	e := o.event(history.EventSent, l)
	content := r.Text()
	e.Name, e.InstanceID, e.Input = name, q.EntityID, &content
	d.Requests = append(d.Requests, *q)
	return o.emit(e, l, d)
}

// lock sends the request for a set of entities to the first of them.
func (o *Orchestration) lock(l *leaf, d *Decisions) error {
	a := &l.action
	if a.LockRequestID == "" || len(a.LockSet) == 0 {
		return fmt.Errorf("action %d: %s: lockRequestId or lockSet is missing", l.index, a)
	}
	set, err := a.lockSet()
	if err != nil {
		return fmt.Errorf("action %d: %s: %w", l.index, a, err)
	}
	q := EntityRequest{Kind: EntityLock, TaskID: o.nextID, EntityID: set[0], RequestID: a.LockRequestID, LockSet: set}
	r := entity.Request{ID: a.LockRequestID, Parent: o.instanceID, ParentExecution: o.executionID, LockSet: a.LockSet}
	return o.send(l, entity.OperationEvent, &q, &r, d)
}

// lockSet is the set of entities to lock, in the order of locking.
func (a *Action) lockSet() ([]string, error) {
	for _, id := range a.LockSet {
		if err := id.Validate(); err != nil {
			return nil, err
		}
	}
	return entity.LockOrder(a.LockSet), nil
}

var errNoLock = errors.New("there is no lock before it that it could release")

// release gives up the lock that was asked for last. The SDK counts an id for each of its entities.
func (o *Orchestration) release(l *leaf, d *Decisions) error {
	var locked *leaf
	for _, before := range o.leaves[:l.index] {
		if before.action.Type == LockEntities {
			locked = before
		}
	}
	if locked == nil {
		return fmt.Errorf("action %d: %s: %w", l.index, &l.action, errNoLock)
	}
	set, err := locked.action.lockSet()
	if err != nil {
		return fmt.Errorf("action %d: %s: %w", l.index, &l.action, err)
	}
	for i, id := range set {
		q := EntityRequest{Kind: EntityRelease, TaskID: o.nextID, EntityID: id, RequestID: locked.action.LockRequestID}
		if i == 0 {
			q.LockSet = set
		}
		r := entity.Request{ID: q.RequestID, Parent: o.instanceID, ParentExecution: o.executionID}
		if err := o.send(l, entity.ReleaseEvent, &q, &r, d); err != nil {
			return err
		}
	}
	return nil
}

// describeRequest names what an EventSent recorded.
func describeRequest(e *history.Event) string {
	r := entity.ParseRequest(e.Input)
	switch {
	case e.Name == entity.ReleaseEvent:
		return ReleaseEntities.String()
	case r == nil:
		return fmt.Sprintf("%s %q", e.Type, e.Name)
	case len(r.LockSet) > 0:
		return LockEntities.String()
	}
	a := Action{Type: CallEntity, InstanceID: e.InstanceID, Operation: r.Operation}
	if r.Signal {
		a.Type = SignalEntity
	}
	return a.String()
}

// ofEntities reports whether actions of the type are about entities.
func (t ActionType) ofEntities() bool {
	switch t {
	case CallEntity, SignalEntity, ScheduledSignalEntity, LockEntities, ReleaseEntities:
		return true
	default:
		return false
	}
}

// fitsRequest reports whether an EventSent can belong to the leaf.
func (l *leaf) fitsRequest(e *history.Event) bool {
	a := &l.action
	if !a.Type.ofEntities() {
		return false
	}
	r := entity.ParseRequest(e.Input)
	switch a.Type {
	case ReleaseEntities:
		return e.Name == entity.ReleaseEvent
	case LockEntities:
		return r != nil && len(r.LockSet) == len(a.LockSet)
	default:
		return e.InstanceID == a.InstanceID && r != nil && len(r.LockSet) == 0 && r.Operation == a.Operation && r.Signal == (a.Type != CallEntity)
	}
}
