package host

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/entity"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/triggers"
	"github.com/durango-functions/durango/worker"
	"github.com/durango-functions/durango/worker/node"
)

// HasEntity implements engine.Executor. A broken function counts: its operations wait until it is mended.
func (x *executor) HasEntity(name string) bool {
	return x.has(name, func(a *app) map[string]*functions.Function { return a.entities })
}

// ExecuteEntity implements engine.Executor.
func (x *executor) ExecuteEntity(ctx context.Context, w *engine.EntityWork) (*entity.Result, error) {
	a := x.acquire()
	if a == nil {
		return nil, engine.ErrNotReady
	}
	defer a.release()
	name := strings.ToLower(w.ID.Name)
	fn := a.entities[name]
	if fn == nil {
		if broken := a.broken[name]; broken != nil {
			return nil, &engine.FunctionUnavailableError{Name: w.ID.Name, Reason: strings.Join(broken.Reasons, " ")}
		}
		return nil, fmt.Errorf("entity function '%s' is gone", w.ID.Name)
	}
	payload, err := entity.BuildPayload(w.ID, w.State, w.Batch)
	if err != nil {
		return nil, err
	}
	result, err := a.invoker.invoke(ctx, fn,
		triggers.Event{Value: worker.Value{Kind: worker.String, Data: payload}, Reason: "Entity operations"},
		mode{quiet: true, once: true, pure: true, instanceID: w.ID.String()})
	return entityOutcome(ctx, fn.Name, len(w.Batch), result, err)
}

// entityOutcome reads what an entity function handed back for a batch of n operations, or how it failed as a whole.
func entityOutcome(ctx context.Context, name string, n int, result *worker.Result, err error) (*entity.Result, error) {
	var userErr *worker.FunctionError
	var loadErr *worker.LoadError
	var crash *worker.CrashError
	switch {
	case err == nil:
		r, err := entity.ParseResult(result.ReturnValue.Data, n)
		if err != nil {
			return nil, &engine.TaskFailure{Reason: err.Error()}
		}
		return r, nil
	case errors.As(err, &userErr):
		return nil, &engine.TaskFailure{Reason: userErr.Message, Details: userErr.Stack}
	case errors.As(err, &loadErr):
		return nil, &engine.FunctionUnavailableError{Name: name, Reason: loadErr.Error()}
	case errors.Is(err, node.ErrStopped):
		return nil, fmt.Errorf("%w: %w", engine.ErrNotReady, err)
	case errors.As(err, &crash), ctx.Err() != nil:
		return nil, err
	}
	return nil, &engine.TaskFailure{Reason: err.Error()} // the timeout, an input binding that refuses
}
