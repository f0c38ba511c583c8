package durango_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango"
	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// logBuffer collects a log.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// logTo returns a logger whose lines are shown when the test fails.
func logTo(t *testing.T) (*slog.Logger, *logBuffer) {
	t.Helper()
	log := &logBuffer{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the host:\n%s", log)
		}
	})
	return slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), log
}

// start starts a host of the app on a Redis of the test's own, unless cfg says otherwise.
func start(t *testing.T, app *durango.App, cfg durango.Config) *durango.Host {
	t.Helper()
	if cfg.RedisURL == "" {
		cfg.RedisURL = "redis://" + redistest.Mini(t).Addr
	}
	if cfg.Logger == nil {
		cfg.Logger, _ = logTo(t)
	}
	h, err := app.Start(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { stop(t, h) })
	return h
}

func stop(t *testing.T, h *durango.Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, h.Stop(ctx))
}

// run runs an orchestration to its end.
func run(t *testing.T, h *durango.Host, name string, input any) *durable.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	id, err := h.Client().StartNew(ctx, name, input, durable.StartOptions{})
	require.NoError(t, err)
	s, err := h.Client().WaitForCompletion(ctx, id)
	require.NoError(t, err)
	return s
}

const errDeclined = durable.ErrorType("Declined")

func helloSequence(o *durable.Orchestration, names []string) ([]string, error) {
	var tasks []*durable.Task[string]
	for _, name := range names {
		tasks = append(tasks, durable.CallActivity[string](o, "SayHello", name))
	}
	return durable.WhenAll(o, tasks...).Await()
}

func sayHello(ctx context.Context, name string) (string, error) {
	if durango.Client(ctx) == nil || durango.InvocationID(ctx) == "" {
		return "", errors.New("the context lacks something")
	}
	durango.Logger(ctx).Info("saying hello", "to", name)
	return "Hello " + name + "!", nil
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	logger, log := logTo(t)
	app := durango.NewApp()
	app.Orchestrator("HelloSequence", helloSequence)
	app.Activity("SayHello", sayHello)
	h := start(t, app, durango.Config{Logger: logger, HubName: "Embedded", MaxConcurrentActivityFunctions: 2})
	require.Empty(t, h.URL())

	s := run(t, h, "hellosequence", []string{"Tokyo", "Seattle"})
	require.Equal(t, durable.Completed, s.RuntimeStatus)
	require.JSONEq(t, `["Hello Tokyo!", "Hello Seattle!"]`, string(s.Output))
	require.Contains(t, log.String(), `msg="Started orchestration 'HelloSequence' (Instance='`+s.InstanceID+`')"`)
	require.Contains(t, log.String(), `msg="Orchestration 'HelloSequence' completed (Instance='`+s.InstanceID+`')"`)
	require.Regexp(t, `msg="saying hello" category=Function.SayHello.User function=SayHello invocation_id=[0-9a-f-]{36} to=Tokyo`, log.String())
	require.Regexp(t, `Executing 'Functions.SayHello' \(Reason='Activity', Id=[0-9a-f-]{36}, Instance='`+s.InstanceID+`', TaskId=\d+\)`, log.String())
	stop(t, h)
	stop(t, h)
}

// TestEmbeddedRedis is a host that is given nothing at all.
func TestEmbeddedRedis(t *testing.T) {
	t.Parallel()
	logger, _ := logTo(t)
	app := durango.NewApp()
	app.Orchestrator("HelloSequence", helloSequence)
	app.Activity("SayHello", sayHello)
	h, err := app.Start(t.Context(), durango.Config{Logger: logger, Settings: map[string]string{"DURANGO_REDIS": ""}})
	require.NoError(t, err)
	defer stop(t, h)
	require.Equal(t, durable.Completed, run(t, h, "HelloSequence", []string{"Oslo"}).RuntimeStatus)
}

func TestActivityFailures(t *testing.T) {
	t.Parallel()
	logger, log := logTo(t)
	app := durango.NewApp()
	attempts := 0
	app.Activity("Declines", func(context.Context) error { return fmt.Errorf("card 5: %w", errDeclined) })
	app.Activity("Panics", func(context.Context, int) (int, error) { panic("out of order") })
	app.Activity("Number", func(_ context.Context, n int) (int, error) { return n, nil })
	app.Activity("Twice", func(context.Context) error {
		if attempts++; attempts < 2 {
			return errors.New("not yet")
		}
		return nil
	})
	app.Orchestrator("Catch", func(o *durable.Orchestration, in struct {
		Name  string
		Input json.RawMessage
	}) (map[string]any, error) {
		policy := durable.RetryPolicy{FirstInterval: time.Millisecond, MaxAttempts: 3}
		_, err := durable.CallActivity[any](o, in.Name, in.Input, durable.WithRetry(policy)).Await()
		var failed *durable.TaskFailedError
		if !errors.As(err, &failed) {
			return map[string]any{"error": fmt.Sprint(err)}, nil
		}
		return map[string]any{
			"reason": failed.Reason, "message": failed.Message, "type": failed.Type, "final": failed.NonRetriable, "declined": errors.Is(err, errDeclined),
		}, nil
	})
	h := start(t, app, durango.Config{Logger: logger})
	outcome := func(name, input string) map[string]any {
		t.Helper()
		s := run(t, h, "Catch", map[string]any{"name": name, "input": json.RawMessage(input)})
		require.Equal(t, durable.Completed, s.RuntimeStatus, string(s.Output))
		var out map[string]any
		require.NoError(t, json.Unmarshal(s.Output, &out))
		return out
	}
	require.Equal(t, map[string]any{
		"reason": "Activity function 'Declines' failed: card 5: Declined", "message": "card 5: Declined", "type": "Declined", "final": false, "declined": true,
	}, outcome("Declines", "null"))
	panicked := outcome("Panics", "1")
	require.Equal(t, "Activity function 'Panics' failed: panic: out of order", panicked["reason"])
	require.Regexp(t, `panic: out of order\\n  at github.com/durango-functions/durango_test.TestActivityFailures.func\d \(.*app_test.go:\d+\)"`, log.String())
	misfit := outcome("Number", `"five"`)
	require.Equal(t, "Activity function 'Number' failed: the input does not fit int: json: cannot unmarshal string into Go value of type int", misfit["reason"])
	require.Equal(t, "*gofunc.InputError", misfit["type"])
	require.Equal(t, true, misfit["final"], "another attempt would be no better")
	require.Equal(t, map[string]any{"error": "<nil>"}, outcome("Twice", "null"))
	require.Equal(t, 2, attempts)
}
