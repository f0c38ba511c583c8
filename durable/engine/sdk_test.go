package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

// app is an Executor whose orchestrators are Go functions over a small SDK of the tests' own: it replays like the JavaScript ones,
// numbering tasks as they are awaited and handing back the whole list of actions each time.
type app struct {
	mu            sync.Mutex
	orchestrators map[string]func(o *orch) (any, error)
	activities    map[string]func(ctx context.Context, in json.RawMessage) (any, error)
	episodes      atomic.Int64
	runs          map[string]int // of activities, by name and input
	native        map[string]inproc.Function
	entities      map[string]entityFunction // by name in lower case
	invocations   atomic.Int64              // of entity functions
}

func newApp() *app {
	return &app{
		orchestrators: map[string]func(o *orch) (any, error){},
		activities:    map[string]func(context.Context, json.RawMessage) (any, error){},
		runs:          map[string]int{},
		native:        map[string]inproc.Function{},
		entities:      map[string]entityFunction{},
	}
}

func (a *app) HasOrchestrator(name string) bool {
	return a.orchestrator(name) != nil || a.native[name] != nil
}

func (a *app) orchestrator(name string) func(o *orch) (any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.orchestrators[name]
}

func (a *app) HasActivity(name string) bool { return a.activities[name] != nil }

func (a *app) ran(name, input string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.runs[name+" "+input]
}

func (a *app) ExecuteActivity(ctx context.Context, w *engine.ActivityWork) (json.RawMessage, error) {
	a.mu.Lock()
	a.runs[w.Name+" "+string(w.Input)]++
	a.mu.Unlock()
	out, err := a.activities[w.Name](ctx, w.Input)
	if err != nil {
		if errors.Is(err, errCrash) || ctx.Err() != nil {
			return nil, err
		}
		return nil, &engine.TaskFailure{Reason: fmt.Sprintf("Activity function '%s' failed: %v", w.Name, err), Failure: durable.FailureOf(err)}
	}
	return json.Marshal(out)
}

var errCrash = errors.New("the worker is gone")

func (a *app) ExecuteOrchestrator(_ context.Context, w *engine.OrchestratorWork) (*replay.Result, error) {
	a.episodes.Add(1)
	var raw []json.RawMessage
	if err := json.Unmarshal(w.History(), &raw); err != nil {
		return nil, err
	}
	o := &orch{work: w, results: map[int]history.Event{}, requests: map[string]int{}, answers: map[int]history.Event{}}
	for _, r := range raw {
		ev, err := history.Decode(r)
		if err != nil {
			return nil, err
		}
		if o.noteEntity(&ev) {
			continue
		}
		switch ev.Type {
		case history.TaskCompleted, history.TaskFailed, history.SubOrchestrationCompleted, history.SubOrchestrationFailed, history.TimerFired:
			o.results[ev.TaskID] = ev
		case history.EventRaised:
			o.raised = append(o.raised, ev)
		case history.OrchestratorStarted:
			o.now = ev.Timestamp
		default:
		}
	}
	return o.run(a.orchestrator(w.Name))
}

// orch is the context of an orchestrator.
type orch struct {
	s       *inproc.Session // nil: it is replayed through the Executor
	work    *engine.OrchestratorWork
	results map[int]history.Event
	raised  []history.Event
	// requests are the task ids of requests to entities, answers what has come for them.
	requests map[string]int
	answers  map[int]history.Event
	now      time.Time

	actions []replay.Action
	next    int
	status  json.RawMessage
	again   *json.RawMessage
}

type suspended struct{}

func (o *orch) run(f func(o *orch) (any, error)) (r *replay.Result, err error) {
	r = &replay.Result{SchemaVersion: 2}
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(suspended); !ok {
				panic(p)
			}
		}
		if r == nil {
			return
		}
		r.Actions = [][]replay.Action{o.actions}
		r.CustomStatus = o.status
	}()
	out, failure := f(o)
	switch {
	case errors.Is(failure, errCrash):
		return nil, failure
	case failure != nil:
		r.Failed, r.Error = true, failure.Error()
	case o.again != nil:
		r.IsDone = true
		o.actions = append(o.actions, replay.Action{Type: replay.ContinueAsNewAction, Input: *o.again})
	default:
		r.IsDone = true
		r.Output, err = json.Marshal(out)
	}
	return r, err
}

func raw(v any) json.RawMessage {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return out
}

func (o *orch) input(v any) {
	if err := json.Unmarshal(o.work.Input, v); err != nil {
		panic(err)
	}
}

// task is something to await.
type task struct {
	id   int
	name string // of an external event
}

func (o *orch) ask(a replay.Action) task {
	o.actions = append(o.actions, a)
	o.next++
	return task{id: o.next - 1}
}

func (o *orch) await(t task) (json.RawMessage, error) {
	if t.name != "" {
		for i, ev := range o.raised {
			if ev.Name == t.name {
				o.raised = append(o.raised[:i:i], o.raised[i+1:]...)
				if ev.Input == nil {
					return nil, nil
				}
				return json.RawMessage(*ev.Input), nil
			}
		}
		panic(suspended{})
	}
	ev, ok := o.results[t.id]
	if !ok {
		panic(suspended{})
	}
	if ev.Type == history.TaskFailed || ev.Type == history.SubOrchestrationFailed {
		return nil, errors.New(ev.Reason)
	}
	if ev.Result == nil {
		return nil, nil
	}
	return json.RawMessage(*ev.Result), nil
}

func (o *orch) activity(name string, input any) (json.RawMessage, error) {
	if o.s != nil {
		return o.awaitHere(o.s.Activity(inproc.Call{Name: name, Input: raw(input)}))
	}
	return o.await(o.ask(replay.Action{Type: replay.CallActivity, FunctionName: name, Input: raw(input)}))
}

// begin calls an activity and returns how to wait for it.
func (o *orch) begin(name string, input any) func() (json.RawMessage, error) {
	if o.s != nil {
		t := o.s.Activity(inproc.Call{Name: name, Input: raw(input)})
		return func() (json.RawMessage, error) { return o.awaitHere(t) }
	}
	t := o.ask(replay.Action{Type: replay.CallActivity, FunctionName: name, Input: raw(input)})
	return func() (json.RawMessage, error) { return o.await(t) }
}

// all awaits the activity with each of the inputs.
func (o *orch) all(name string, inputs ...any) ([]json.RawMessage, error) {
	if o.s != nil {
		return o.allHere(name, inputs)
	}
	all := replay.Action{Type: replay.WhenAll}
	var tasks []task
	for _, in := range inputs {
		all.CompoundActions = append(all.CompoundActions, replay.Action{Type: replay.CallActivity, FunctionName: name, Input: raw(in)})
		tasks = append(tasks, task{id: o.next})
		o.next++
	}
	o.actions = append(o.actions, all)
	var out []json.RawMessage
	for _, t := range tasks {
		if ev, ok := o.results[t.id]; ok && ev.Type == history.TaskFailed {
			return nil, errors.New(ev.Reason)
		}
	}
	for _, t := range tasks {
		v, err := o.await(t)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (o *orch) sub(name, id string, input any) (json.RawMessage, error) {
	if o.s != nil {
		return o.subHere(name, id, input)
	}
	return o.await(o.ask(replay.Action{Type: replay.CallSubOrchestrator, FunctionName: name, InstanceID: id, Input: raw(input)}))
}

func (o *orch) sleep(d time.Duration, started time.Time) {
	if o.s != nil {
		o.sleepHere(d, started)
		return
	}
	_, _ = o.await(o.ask(replay.Action{Type: replay.CreateTimer, FireAt: started.Add(d)}))
}

func (o *orch) event(name string) json.RawMessage {
	if o.s != nil {
		v, _ := o.awaitHere(o.s.Wait(name))
		return v
	}
	o.actions = append(o.actions, replay.Action{Type: replay.WaitForExternalEvent, ExternalEventName: name})
	v, _ := o.await(task{name: name})
	return v
}
