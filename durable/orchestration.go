package durable

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/google/uuid"

	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/internal/gofunc"
)

// Orchestration is what an orchestrator in Go gets: its identity, and all that it may do besides reckoning. An orchestrator is a
// func(*Orchestration, In) (Out, error) that is run again from its beginning when its instance has been out of memory, and must then do the
// same again. So it takes time, randomness, GUIDs and logging from here, leaves I/O to activities, and starts no goroutines.
//
// An Orchestration belongs to the goroutine of its orchestrator. Methods that begin something may be called only while the orchestrator
// runs, not in its deferred functions after its instance was taken out of memory: there they end the goroutine.
type Orchestration struct {
	s    *inproc.Session
	rand *rand.Rand
}

// OrchestratorSignature is what orchestrators look like.
const OrchestratorSignature = "func(o *durable.Orchestration, in In) (Out, error)"

// NewOrchestrator checks that fn is an orchestrator and returns it in the form in which package inproc runs it.
func NewOrchestrator(fn any) (inproc.Function, error) {
	f, err := gofunc.New(fn, reflect.TypeFor[*Orchestration](), OrchestratorSignature)
	if err != nil {
		return nil, err
	}
	return func(s *inproc.Session, input json.RawMessage) (json.RawMessage, error) {
		return f.Call(reflect.ValueOf(&Orchestration{s: s}), input)
	}, nil
}

// Name is the name of the orchestrator function.
func (o *Orchestration) Name() string { return o.s.Info().Name }

// InstanceID is the ID of the orchestration instance.
func (o *Orchestration) InstanceID() string { return o.s.Info().InstanceID }

// ExecutionID tells the runs of an instance apart: continue-as-new begins another one.
func (o *Orchestration) ExecutionID() string { return o.s.Info().ExecutionID }

// ParentInstanceID is the ID of the orchestration that called this one as a sub-orchestration, "" when none did.
func (o *Orchestration) ParentInstanceID() string { return o.s.Info().ParentInstanceID }

// Version is what the instance was started with: StartOptions.Version, "" when none was given.
func (o *Orchestration) Version() string { return o.s.Info().Version }

// IsReplaying reports whether the orchestrator is being run again up to where it was.
func (o *Orchestration) IsReplaying() bool { return o.s.Replaying() }

// Now is the time at which the present episode began, in UTC: the same in each replay.
func (o *Orchestration) Now() time.Time { return o.s.Now() }

// NewGUID returns a GUID that is the same in each replay.
func (o *Orchestration) NewGUID() uuid.UUID { return o.s.NewGUID() }

// Rand returns the orchestration's source of random numbers, which are the same in each replay. It is not for secrets.
func (o *Orchestration) Rand() *rand.Rand {
	if o.rand == nil {
		o.rand = o.s.NewRand()
	}
	return o.rand
}

// Logger logs with the function's name and the instance ID, and is silent while the orchestrator is replayed.
func (o *Orchestration) Logger() *slog.Logger { return o.s.Logger() }

// Context is canceled when the orchestrator's goroutine is to end before the orchestrator has returned; its deferred functions find it
// so. context.Cause tells why: an error that is ErrTerminated when the instance was terminated, ErrHostStops when the host stops,
// ErrEvicted when the orchestration goes on elsewhere or later. Only in the first case has the orchestration ended. It carries no deadline
// and no values.
func (o *Orchestration) Context() context.Context { return o.s.Context() }

// SetCustomStatus sets the status that clients see beside the runtime status, to a value that is marshalled as JSON. It becomes visible with the
// episode.
func (o *Orchestration) SetCustomStatus(status any) error {
	raw, err := marshal("the custom status", status)
	if err != nil {
		return err
	}
	if raw == nil {
		raw = json.RawMessage("null")
	}
	o.s.SetCustomStatus(raw)
	return nil
}

// ContinueAsNew lets the orchestration start anew, with an empty history and another input, and returns the error that the orchestrator is to
// return:
//
//	return out, o.ContinueAsNew(next)
//
// External events that the orchestrator has not got yet go on into the new execution. Activities and sub-orchestrations that run are not
// waited for, and timers are dropped.
func (o *Orchestration) ContinueAsNew(input any) error {
	raw, err := marshal("the input of ContinueAsNew", input)
	if err != nil {
		return err
	}
	return o.s.ContinueAsNew(raw)
}

// CreateTimer returns a task that completes after d. A timer that is not needed any more should be canceled.
func (o *Orchestration) CreateTimer(d time.Duration) *Timer {
	return &Timer{Task[struct{}]{o: o, t: o.s.Timer(d)}}
}

// Sleep waits for d. The wait survives the host.
func (o *Orchestration) Sleep(d time.Duration) {
	_, _ = o.CreateTimer(d).Await() // timers do not fail
}

// StartDetached starts an orchestration that this one does not wait for and returns its instance ID. It is started with the
// episode, exactly once; if an instance of that ID runs by then, nothing is started and the host logs so.
func (o *Orchestration) StartDetached(name string, input any, opts StartOptions) (string, error) {
	raw, err := marshal("the input of orchestrator '"+name+"'", input)
	if err != nil {
		return "", err
	}
	if opts.InstanceID != "" {
		if err := ValidateInstanceID(opts.InstanceID); err != nil {
			return "", err
		}
	}
	return o.s.Detach(inproc.Call{Name: name, Input: raw, InstanceID: opts.InstanceID, Version: opts.Version}), nil
}

// SideEffect runs f, which may do what orchestrators may not, such as reading the environment, and records what it returns: a replay gets the recorded
// value and does not run f. It is for what is quick; what may take time or fail is an activity's. f must not use o. When the host dies
// before the episode is stored, f runs once more. An error comes back as one with the same text, and a panic of f as an error.
func SideEffect[T any](o *Orchestration, f func() (T, error)) (T, error) {
	raw, err := o.s.SideEffect(func() (json.RawMessage, error) {
		v, err := f()
		if err != nil {
			return nil, err
		}
		return marshal("the value of a side effect", v)
	})
	var v T
	if err != nil {
		return v, err
	}
	if err := gofunc.Decode(raw, &v); err != nil {
		return v, fmt.Errorf("the recorded value of a side effect does not fit %T: %w", v, err)
	}
	return v, nil
}
