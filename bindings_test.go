package durango_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango"
	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/internal/redistest"
)

// byHand runs a function by the admin API and returns its output, or its error.
func byHand(t *testing.T, h *durango.Host, name, input string) (output, failure string) {
	t.Helper()
	raw, err := json.Marshal(map[string]string{"input": input})
	require.NoError(t, err)
	var outcome struct {
		Output json.RawMessage
		Error  string
	}
	a := call(t, "POST", h.URL()+"/admin/functions/"+name+"?wait=true", string(raw), "Content-Type: application/json")
	require.NoError(t, json.Unmarshal([]byte(a.body), &outcome), a.body)
	return string(outcome.Output), outcome.Error
}

func TestTimer(t *testing.T) {
	t.Parallel()
	infos, quick := make(chan durango.TimerInfo, 1), make(chan struct{}, 1)
	app := durango.NewApp()
	app.Function("Monitored", func(_ context.Context, info durango.TimerInfo) error {
		infos <- info
		return nil
	}, durango.TimerTrigger{Schedule: "0 0 5 * * *", RunOnStartup: true})
	app.Function("Quick", func(context.Context) error {
		select {
		case quick <- struct{}{}:
		default:
		}
		return nil
	}, durango.TimerTrigger{Schedule: "* * * * * *", Unmonitored: true})
	start(t, app, durango.Config{})
	info := <-infos
	require.False(t, info.IsPastDue)
	require.NotNil(t, info.ScheduleStatus)
	require.True(t, info.ScheduleStatus.Last.IsZero())
	require.True(t, info.ScheduleStatus.Next.After(time.Now()))
	<-quick
}

func TestManual(t *testing.T) {
	t.Parallel()
	app := durango.NewApp()
	app.Function("Text", func(_ context.Context, text string) (string, error) { return text + "!", nil }, durango.ManualTrigger{})
	app.Function("Object", func(_ context.Context, in struct{ ID int }) (int, error) { return in.ID, nil }, durango.ManualTrigger{})
	app.Function("Bare", func(context.Context) error { return errors.New("no luck") }, durango.ManualTrigger{}, durango.FixedDelayRetry{MaxRetryCount: 1})
	app.Function("Off", func(context.Context) error { return nil }, durango.ManualTrigger{}, durango.Disabled(true))
	app.Function("OffBySetting", func(context.Context) error { return nil }, durango.ManualTrigger{}, durango.DisabledBy("NO_SEED"))
	logger, log := logTo(t)
	h := start(t, app, durango.Config{Addr: "127.0.0.1:0", Logger: logger, Settings: map[string]string{"NO_SEED": "1"}})
	for _, c := range [][4]string{
		{"Text", "plain words", `"plain words!"`, ""},
		{"Text", `"JSON"`, `"JSON!"`, ""},
		{"Object", `{"id": 5}`, "5", ""},
		{"Object", `{"id": "five"}`, "", "the input does not fit struct { ID int }: json: cannot unmarshal string into Go struct field .ID of type int"},
		{"Bare", "", "", "no luck"},
	} {
		output, failure := byHand(t, h, c[0], c[1])
		require.Equal(t, c[2], output, c)
		require.Equal(t, c[3], failure, c)
	}
	require.Equal(t, 2, strings.Count(log.String(), "Executing 'Functions.Bare'"))
	require.Contains(t, log.String(), "Function Off is disabled.")
	require.Contains(t, log.String(), "Function OffBySetting is disabled.")
}

type customer struct {
	Name string `json:"name"`
}

func TestRedisBindings(t *testing.T) {
	t.Parallel()
	server := redistest.Mini(t)
	client := redis.NewClient(server)
	defer client.Close()
	ctx := t.Context()
	require.NoError(t, client.MSet(ctx, "customer:5", `{"name": "Ada"}`, "note", "plain").Err())

	app := durango.NewApp()
	app.Function("Copy", func(ctx context.Context, in struct{ ID int }) (string, error) {
		c, err := durango.Input[customer](ctx, "customer")
		if err != nil {
			return "", err
		}
		note, err := durango.Input[string](ctx, "NOTE")
		if err != nil {
			return "", err
		}
		none, err := durango.Input[*string](ctx, "none")
		if err != nil || none != nil {
			return "", errors.New("a key that is not there has no value")
		}
		if err := durango.SetOutput(ctx, "list", []string{"overwritten"}); err != nil {
			return "", err
		}
		if err := durango.SetOutput(ctx, "list", [][]string{{"first"}, {"second one"}}); err != nil {
			return "", err
		}
		return c.Name + "/" + note, durango.SetOutput(ctx, "object", c)
	},
		durango.ManualTrigger{},
		durango.RedisInput{Name: "customer", Command: "GET customer:{ID}"},
		durango.RedisInput{Name: "note", Command: "GET note"},
		durango.RedisInput{Name: "none", Command: "GET none"},
		durango.RedisOutput{Name: "list", Command: "RPUSH list"},
		durango.RedisOutput{Name: "object", Command: "SET object"},
		durango.RedisOutput{Name: "$return", Command: "SET returned"},
	)
	contexts := make(chan context.Context, 10)
	app.Function("Mistakes", func(ctx context.Context, what string) error {
		contexts <- ctx
		switch what {
		case "no input":
			_, err := durango.Input[string](ctx, "cusomer")
			return err
		case "no output":
			return durango.SetOutput(ctx, "customer", 1)
		case "misfit":
			_, err := durango.Input[int](ctx, "customer")
			return err
		case "no JSON":
			return durango.SetOutput(ctx, "out", func() {})
		case "fails":
			return errors.Join(durango.SetOutput(ctx, "out", "value"), errors.New("after the output"))
		}
		return durango.SetOutput(ctx, "out", "value")
	}, durango.ManualTrigger{}, durango.RedisInput{Name: "customer", Command: "GET customer:5"}, durango.RedisOutput{Name: "out", Command: "SET mistake"})
	app.Function("Own", func(context.Context) error { return nil }, durango.ManualTrigger{},
		durango.Binding{Name: "starter", Type: "durableClient", Direction: "out"}, durango.Binding{Name: "client", Type: "durableClient"})
	h := start(t, app, durango.Config{Addr: "127.0.0.1:0", RedisURL: "redis://" + server.Addr})

	output, failure := byHand(t, h, "Copy", `{"ID": 5}`)
	require.Empty(t, failure)
	require.Equal(t, `"Ada/plain"`, output)
	require.Equal(t, []string{"first", "second one"}, client.LRange(ctx, "list", 0, -1).Val())
	require.JSONEq(t, `{"name":"Ada"}`, client.Get(ctx, "object").Val())
	require.Equal(t, "Ada/plain", client.Get(ctx, "returned").Val())

	for what, want := range map[string]string{
		"no input":  `function Mistakes has no input binding "cusomer": bindings_test.go:`,
		"no output": `declares out`,
		"misfit":    "the value of input binding 'customer' of function Mistakes: the text does not fit *int",
		"no JSON":   "the value for output binding 'out' of function Mistakes cannot be written as JSON",
		"fails":     "after the output",
	} {
		_, failure := byHand(t, h, "Mistakes", what)
		require.Contains(t, failure, want)
	}
	require.ErrorIs(t, client.Get(ctx, "mistake").Err(), redis.Nil, "a failed function has no outputs")
	_, failure = byHand(t, h, "Mistakes", "")
	require.Empty(t, failure)
	require.Equal(t, "value", client.Get(ctx, "mistake").Val())
	require.ErrorContains(t, durango.SetOutput(<-contexts, "out", "x"), "comes too late")
	_, failure = byHand(t, h, "Own", "")
	require.Empty(t, failure)
	_, err := durango.Input[string](ctx, "x")
	require.ErrorContains(t, err, "none of a function's invocation")
	require.Nil(t, durango.Client(ctx))
}

// TestHandlersEnd is about handlers that end otherwise than by returning in time.
func TestHandlersEnd(t *testing.T) {
	t.Parallel()
	logger, log := logTo(t)
	var deaf atomic.Int32
	release := make(chan struct{})
	app := durango.NewApp()
	app.Function("Slow", func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}, durango.ManualTrigger{})
	app.Function("Deaf", func(context.Context) error {
		deaf.Add(1)
		<-release
		return nil
	}, durango.ManualTrigger{})
	app.Function("Goexit", func(context.Context) error {
		runtime.Goexit()
		return nil
	}, durango.ManualTrigger{})
	app.Function("Panics", func(context.Context) error { panic(errors.New("an error")) }, durango.ManualTrigger{})
	h := start(t, app, durango.Config{Addr: "127.0.0.1:0", Logger: logger, FunctionTimeout: time.Second})
	for name, want := range map[string]string{
		"Slow":   "Timeout value of 00:00:01 exceeded by function 'Functions.Slow'",
		"Deaf":   "Timeout value of 00:00:01 exceeded by function 'Functions.Deaf'",
		"Goexit": "the handler ended its goroutine",
		"Panics": "panic: an error",
	} {
		_, failure := byHand(t, h, name, "")
		require.Contains(t, failure, want)
	}
	require.Contains(t, log.String(), "Function Deaf goes on although its context has ended")
	require.Equal(t, int32(1), deaf.Load())
	close(release)
}

// TestStopCancels ends the contexts of what runs with the reason, and runs it again elsewhere.
func TestStopCancels(t *testing.T) {
	t.Parallel()
	server := redistest.Mini(t)
	began, causes := make(chan string, 10), make(chan error, 10)
	var again atomic.Bool
	app := durango.NewApp()
	app.Activity("Wait", func(ctx context.Context) (string, error) {
		if again.Load() {
			return "done", nil
		}
		began <- "activity"
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return "", ctx.Err()
	})
	app.Orchestrator("Waits", func(o *durable.Orchestration) (string, error) {
		return durable.CallActivity[string](o, "Wait", nil).Await()
	})
	app.Function("Timer", func(ctx context.Context) error {
		if again.Load() {
			return nil
		}
		began <- "timer"
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return nil
	}, durango.TimerTrigger{Schedule: "0 0 5 * * *", RunOnStartup: true})
	config := durango.Config{RedisURL: "redis://" + server.Addr}
	h := start(t, app, config)
	id, err := h.Client().StartNew(t.Context(), "Waits", nil, durable.StartOptions{})
	require.NoError(t, err)
	<-began
	<-began
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.NoError(t, h.Stop(ctx))
	require.ErrorIs(t, <-causes, durable.ErrHostStops)
	require.ErrorIs(t, <-causes, durable.ErrHostStops)

	again.Store(true)
	h = start(t, app, config)
	wait, cancelWait := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancelWait()
	s, err := h.Client().WaitForCompletion(wait, id)
	require.NoError(t, err)
	require.JSONEq(t, `"done"`, string(s.Output))
}
