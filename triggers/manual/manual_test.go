package manual_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/triggers"
	"github.com/durango-functions/durango/triggers/manual"
	"github.com/durango-functions/durango/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type invoker func(ctx context.Context, fn *functions.Function, ev triggers.Event) (*worker.Result, error)

func (i invoker) Invoke(ctx context.Context, fn *functions.Function, ev triggers.Event) (*worker.Result, error) {
	return i(ctx, fn, ev)
}

func function(typ string) *functions.Function {
	return &functions.Function{Name: "F", Bindings: []functions.Binding{
		{Name: "in", Type: typ, Direction: functions.In}, {Name: "$return", Type: "http", Direction: functions.Out},
	}}
}

func ptr(s string) *string { return &s }

// TestEvents shows what functions of each kind receive.
func TestEvents(t *testing.T) {
	t.Parallel()
	var got triggers.Event
	r := manual.NewRunner(manual.Options{
		Invoker: invoker(func(_ context.Context, _ *functions.Function, ev triggers.Event) (*worker.Result, error) {
			got = ev
			return &worker.Result{}, nil
		}),
		URL: func(fn *functions.Function) string { return "http://host:1/api/" + fn.Name },
	})
	defer func() { require.NoError(t, r.Stop(t.Context())) }()

	_, err := r.Run(t.Context(), function("manualTrigger"), ptr(`{"id": "x", "list": [1]}`))
	require.NoError(t, err)
	require.Equal(t, worker.StringValue(`{"id": "x", "list": [1]}`), got.Value)
	require.Equal(t, map[string]json.RawMessage{"id": json.RawMessage(`"x"`)}, got.Metadata)
	require.Equal(t, "This function was programmatically called via the host APIs.", got.Reason)

	_, err = r.Run(t.Context(), function("ActivityTrigger"), nil)
	require.NoError(t, err)
	require.Equal(t, worker.None, got.Value.Kind)

	_, err = r.Run(t.Context(), function("timerTrigger"), ptr("ignored"))
	require.NoError(t, err)
	require.JSONEq(t, `{"Schedule": {"AdjustForDST": true}, "ScheduleStatus": null, "IsPastDue": false}`, string(got.Value.Data))

	_, err = r.Run(t.Context(), function("httpTrigger"), ptr(`{"a": 1}`))
	require.NoError(t, err)
	require.Equal(t, &worker.HTTPRequest{Method: "POST", URL: "http://host:1/api/F", Query: map[string]string{}, Params: map[string]string{},
		Headers: map[string]string{"host": "host:1", "content-type": "application/json", "content-length": "8"}, Body: []byte(`{"a": 1}`)}, got.Value.Request)

	_, err = r.Run(t.Context(), function("httpTrigger"), nil)
	require.NoError(t, err)
	require.Nil(t, got.Value.Request.Body)

	require.ErrorContains(t, r.Start(function("orchestrationTrigger"), nil), "POST /runtime/webhooks/durabletask/orchestrators/F")
	require.ErrorContains(t, r.Start(function("entityTrigger"), nil), "entity")
	require.ErrorContains(t, r.Start(&functions.Function{Name: "F"}, nil), "no trigger")
}

func TestTriggerValue(t *testing.T) {
	t.Parallel()
	var got triggers.Event
	r := manual.NewRunner(manual.Options{
		Invoker: invoker(func(_ context.Context, _ *functions.Function, ev triggers.Event) (*worker.Result, error) {
			got = ev
			return &worker.Result{}, nil
		}),
		TriggerValue: func(*functions.Function, *string) (worker.Value, error) { return worker.StringValue("mine"), nil },
	})
	_, err := r.Run(t.Context(), function("timerTrigger"), nil)
	require.NoError(t, err)
	require.Equal(t, "mine", string(got.Value.Data))
	require.NoError(t, r.Stop(t.Context()))
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, trigger string
		result        *worker.Result
		err           error
		want          manual.Outcome
	}{
		{"nothing", "manualTrigger", &worker.Result{}, nil, manual.Outcome{Status: "Succeeded"}},
		{"no result", "manualTrigger", nil, nil, manual.Outcome{Status: "Succeeded"}},
		{"text", "manualTrigger", &worker.Result{ReturnValue: worker.StringValue("a\"b")}, nil, manual.Outcome{Status: "Succeeded", Output: json.RawMessage(`"a\"b"`)}},
		{"object", "manualTrigger", &worker.Result{ReturnValue: worker.JSONValue([]byte(`{"a":1}`))}, nil, manual.Outcome{Status: "Succeeded", Output: json.RawMessage(`{"a":1}`)}},
		{"no JSON", "manualTrigger", &worker.Result{ReturnValue: worker.JSONValue([]byte(`{a`))}, nil, manual.Outcome{Status: "Succeeded", Output: json.RawMessage(`"{a"`)}},
		{"bytes", "manualTrigger", &worker.Result{ReturnValue: worker.Value{Kind: worker.Bytes, Data: []byte("ab")}}, nil, manual.Outcome{Status: "Succeeded", Output: json.RawMessage(`"YWI="`)}},
		{"response", "httpTrigger", &worker.Result{ReturnValue: worker.JSONValue([]byte(`{"body":{"a":1},"status":201,"headers":{"x-a":"b"}}`))}, nil,
			manual.Outcome{Status: "Succeeded", Output: json.RawMessage(`{"status":201,"headers":{"x-a":"b"},"body":{"a":1}}`)}},
		{"bad response", "httpTrigger", &worker.Result{ReturnValue: worker.JSONValue([]byte(`{"body":1,"status":5}`))}, nil,
			manual.Outcome{Status: "Failed", Error: "status 5 is no final HTTP status, expected 200 to 999"}},
		{"failure", "manualTrigger", nil, &worker.FunctionError{Message: "boom", Stack: "at x"}, manual.Outcome{Status: "Failed", Error: "boom"}},
		{"other failure", "manualTrigger", nil, &worker.CrashError{Reason: "exit 1"}, manual.Outcome{Status: "Failed", Error: "worker process ended: exit 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			id := ""
			r := manual.NewRunner(manual.Options{Invoker: invoker(func(_ context.Context, _ *functions.Function, ev triggers.Event) (*worker.Result, error) {
				id = ev.InvocationID
				return c.result, c.err
			})})
			got, err := r.Run(t.Context(), function(c.trigger), nil)
			require.NoError(t, err)
			require.NotEmpty(t, id)
			c.want.FunctionName, c.want.InvocationID, c.want.DurationMS = "F", id, got.DurationMS
			require.Equal(t, c.want, got)
			require.NoError(t, r.Stop(t.Context()))
		})
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	entered, cause := make(chan struct{}), make(chan error, 1)
	r := manual.NewRunner(manual.Options{Invoker: invoker(func(ctx context.Context, _ *functions.Function, _ triggers.Event) (*worker.Result, error) {
		close(entered)
		<-ctx.Done()
		cause <- context.Cause(ctx)
		return nil, ctx.Err()
	})})
	// Run gives up with its context; the function runs on.
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	go func() { <-entered; cancel(gone) }()
	_, err := r.Run(ctx, function("manualTrigger"), nil)
	require.ErrorIs(t, err, gone)
	require.Empty(t, cause)

	require.ErrorIs(t, r.Stop(ctx), gone)
	require.ErrorIs(t, <-cause, manual.ErrStopped)
	require.ErrorIs(t, r.Start(function("manualTrigger"), nil), manual.ErrStopped)
	require.NoError(t, r.Stop(t.Context()))
}
