package gofunc

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func activity(name string) *functions.Function {
	return &functions.Function{
		Name: name, Handler: name, Language: functions.Go, Source: "main.go:1",
		Bindings: []functions.Binding{{Name: "input", Type: "activityTrigger", Direction: functions.In}, {Name: "out", Type: "redis", Direction: functions.Out}},
	}
}

// channelOf returns a channel with one activity, and a function that invokes it.
func channelOf(t *testing.T, handler any, patience time.Duration) (*Channel, func(ctx context.Context, input string) (*worker.Result, error)) {
	t.Helper()
	c := New(Config{
		Logger: slog.New(slog.DiscardHandler), Patience: patience,
		Registrations: []Registration{{Code: functions.Code{Name: "f", Source: "main.go:1"}, Bind: func(string) (*Handler, error) { return Activity(handler) }}},
	})
	fn := activity("F")
	require.NoError(t, c.Load(t.Context(), fn))
	return c, func(ctx context.Context, input string) (*worker.Result, error) {
		return c.Invoke(ctx, &worker.Invocation{ID: "1", Function: fn, Inputs: []worker.Input{{Name: "input", Value: worker.JSONValue(json.RawMessage(input))}}})
	}
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	c, invoke := channelOf(t, func(ctx context.Context, n int) (int, error) {
		switch n {
		case 0:
			return 0, durable.ErrorType("Zero")
		case 1:
			panic("one")
		case 2:
			runtime.Goexit()
		}
		return n, FromContext(ctx).SetOutput("OUT", n)
	}, 0)
	result, err := invoke(t.Context(), "5")
	require.NoError(t, err)
	require.Equal(t, "5", string(result.ReturnValue.Data))
	require.Equal(t, map[string]worker.Value{"out": worker.JSONValue(json.RawMessage("5"))}, result.Outputs)

	var failed *worker.FunctionError
	_, err = invoke(t.Context(), "0")
	require.ErrorAs(t, err, &failed)
	require.ErrorIs(t, err, durable.ErrorType("Zero"))
	_, err = invoke(t.Context(), "1")
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "panic: one", failed.Message)
	_, err = invoke(t.Context(), "2")
	require.ErrorIs(t, err, errGoexit)
	_, err = invoke(t.Context(), `"text"`)
	require.ErrorContains(t, err, "the input does not fit int")
	require.True(t, durable.FailureOf(errors.Unwrap(err)).IsNonRetriable)

	// The goroutines are used again.
	require.LessOrEqual(t, len(c.runners.idle), 2)
	require.NoError(t, c.Stop(t.Context()))
	require.NoError(t, c.Stop(t.Context()))
	_, err = invoke(t.Context(), "5")
	require.NoError(t, err, "what is under way in a retired generation may still call")
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	reason := errors.New("the reason")
	entered, release := make(chan struct{}, 1), make(chan struct{})
	c, invoke := channelOf(t, func(ctx context.Context, deaf bool) error {
		entered <- struct{}{}
		if deaf {
			<-release
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}, 10*time.Millisecond)
	for _, input := range []string{"false", "true"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := invoke(ctx, input)
			require.ErrorIs(t, err, reason, input)
			require.NotErrorAs(t, err, new(*worker.FunctionError), "it is no outcome")
		})
		<-entered
		cancel(reason)
		wg.Wait()
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.Stop(ended), context.Canceled, "a handler goes on")
	close(release)
	require.NoError(t, c.Stop(t.Context()))
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	c, invoke := channelOf(t, func(_ context.Context, n int) (int, error) { return n, nil }, 0)
	var wg sync.WaitGroup
	for range 2 * maxIdle {
		wg.Go(func() {
			for range 20 {
				result, err := invoke(t.Context(), "7")
				require.NoError(t, err)
				require.Equal(t, "7", string(result.ReturnValue.Data))
			}
		})
	}
	wg.Wait()
	c.runners.mu.Lock()
	require.LessOrEqual(t, len(c.runners.idle), maxIdle)
	c.runners.mu.Unlock()
	require.NoError(t, c.Stop(t.Context()))
}

func TestLoad(t *testing.T) {
	t.Parallel()
	bind := func(string) (*Handler, error) { return Activity(5) }
	c := New(Config{Registrations: []Registration{
		{Code: functions.Code{Name: "Bad", Source: "main.go:3"}, Bind: bind},
		{Code: functions.Code{Name: "Twice"}, Bind: bind}, {Code: functions.Code{Name: "twice"}, Bind: bind},
		{Code: functions.Code{Name: "Orchestrator"}, Bind: func(string) (*Handler, error) {
			return Orchestrator(func(*durable.Orchestration) error { return nil })
		}},
	}})
	var signature *SignatureError
	require.ErrorAs(t, c.Load(t.Context(), activity("bad")), &signature)
	require.ErrorContains(t, signature, "function bad (main.go:3): the handler is int: it is no function")
	require.ErrorAs(t, c.Load(t.Context(), activity("none")), new(*worker.LoadError))
	require.ErrorAs(t, c.Load(t.Context(), activity("Twice")), new(*worker.LoadError))
	require.NotNil(t, c.OrchestratorNamed("ORCHESTRATOR"))
	require.Nil(t, c.OrchestratorNamed("Bad"))
	require.Nil(t, c.OrchestratorNamed("none"))
	fn := activity("Orchestrator")
	require.Nil(t, c.Orchestrator(fn))
	require.NoError(t, c.Load(t.Context(), fn))
	require.NotNil(t, c.Orchestrator(fn))
	_, err := c.Invoke(t.Context(), &worker.Invocation{Function: fn, Inputs: make([]worker.Input, 1)})
	require.ErrorContains(t, err, "run by the engine")
}
