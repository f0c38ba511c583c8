package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/entity"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/replay"
)

// entityFunction is an entity of the tests. Like one over the JavaScript SDKs it is called once for each operation of a batch, and what a failed operation has
// changed stays: to roll it back is the engine's business.
type entityFunction func(c *operation) error

// operation is the context of an entity function.
type operation struct {
	ctx    context.Context
	id     entity.ID
	name   string
	input  json.RawMessage
	result *entity.Result
	value  json.RawMessage
}

func (c *operation) get(v any) {
	if c.result.State.Value != nil {
		if err := json.Unmarshal(c.result.State.Value, v); err != nil {
			panic(err)
		}
	}
}

func (c *operation) set(v any) { c.result.State = entity.State{Exists: true, Value: raw(v)} }

func (c *operation) in(v any) {
	if err := json.Unmarshal(c.input, v); err != nil {
		panic(err)
	}
}

func (c *operation) signal(id entity.ID, name string, input any) {
	c.result.Signals = append(c.result.Signals, entity.Signal{Target: id, Name: name, Input: raw(input)})
}

func (a *app) HasEntity(name string) bool { return a.entityFunction(name) != nil }

func (a *app) entityFunction(name string) entityFunction {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.entities[strings.ToLower(name)]
}

func (a *app) ExecuteEntity(ctx context.Context, w *engine.EntityWork) (*entity.Result, error) {
	a.invocations.Add(1)
	f := a.entityFunction(w.ID.Name)
	r := &entity.Result{State: w.State}
	for _, op := range w.Batch {
		c := &operation{ctx: ctx, id: w.ID, name: op.Name, input: op.Input, result: r}
		err := f(c)
		var whole *engine.TaskFailure
		var unavailable *engine.FunctionUnavailableError
		switch {
		case errors.Is(err, errCrash), errors.As(err, &whole), errors.As(err, &unavailable):
			return nil, err
		case err != nil:
			r.Results = append(r.Results, entity.OperationResult{Failed: true, Message: err.Error()})
		default:
			r.Results = append(r.Results, entity.OperationResult{Value: c.value})
		}
	}
	return r, nil
}

// call calls an entity.
func (o *orch) call(id, op string, input any) (json.RawMessage, error) {
	return o.answer(o.beginCall(id, op, input))
}

func (o *orch) succeeds(id, op string, input any) bool {
	_, err := o.call(id, op, input)
	return err == nil
}

func (o *orch) beginCall(id, op string, input any) task {
	return o.ask(replay.Action{Type: replay.CallEntity, InstanceID: id, Operation: op, Input: raw(input)})
}

func (o *orch) signal(id, op string, input any) {
	o.ask(replay.Action{Type: replay.SignalEntity, InstanceID: id, Operation: op, Input: raw(input)})
}

// lock asks for the locks of entities, which must be in order.
func (o *orch) lock(ids ...entity.ID) (release func()) {
	request := o.work.InstanceID + ":" + o.work.ExecutionID + ":lock:" + string(raw(o.next))
	t := o.ask(replay.Action{Type: replay.LockEntities, LockRequestID: request, LockSet: ids})
	if _, err := o.answer(t); err != nil {
		panic(err)
	}
	return func() {
		o.actions = append(o.actions, replay.Action{Type: replay.ReleaseEntities})
		o.next += len(ids)
	}
}

// answer waits for the answer to a request, which the history names.
func (o *orch) answer(t task) (json.RawMessage, error) {
	ev, ok := o.answers[t.id]
	if !ok {
		panic(suspended{})
	}
	var a struct {
		Result        *string
		ExceptionType *string
	}
	if err := json.Unmarshal([]byte(*ev.Input), &a); err != nil {
		panic(err)
	}
	if a.ExceptionType != nil {
		var message string
		if err := json.Unmarshal([]byte(*a.Result), &message); err != nil {
			panic(err)
		}
		return nil, errors.New(message)
	}
	if a.Result == nil {
		return nil, nil
	}
	return json.RawMessage(*a.Result), nil
}

// noteEntity follows requests to entities and their answers.
func (o *orch) noteEntity(ev *history.Event) bool {
	switch ev.Type {
	case history.EventSent:
		if r := entity.ParseRequest(ev.Input); r != nil && !r.Signal && ev.Name == entity.OperationEvent {
			o.requests[r.ID] = ev.ID
		}
		return true
	case history.EventRaised:
		if id, ok := o.requests[ev.Name]; ok {
			o.answers[id] = *ev
			return true
		}
	default:
	}
	return false
}
