package host

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/replay"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
	"github.com/durango-functions/durango/worker/node"
)

// testExecutor runs the orchestrator Orch, the activity Act, and the broken function Broken with a fake worker.
func testExecutor(t *testing.T, invoke func(ctx context.Context, inv *worker.Invocation) (*worker.Result, error)) (*executor, *syncBuffer) {
	t.Helper()
	v, log := testInvoker(&fakeChannel{invoke: invoke}, nil)
	a := newApp(1)
	a.invoker = v
	a.functions = &functions.App{
		Functions: []*functions.Function{
			{Name: "Orch", Bindings: []functions.Binding{{Name: "context", Type: "orchestrationTrigger", Direction: functions.In}}},
			{Name: "Act", Bindings: []functions.Binding{{Name: "input", Type: "activityTrigger", Direction: functions.In}}},
			{Name: "Renamed", Bindings: []functions.Binding{{Name: "input", Type: "activityTrigger", Direction: functions.In,
				Properties: map[string]json.RawMessage{"activity": json.RawMessage(`"Other"`)}}}},
			{Name: "Off", Disabled: true, Bindings: []functions.Binding{{Name: "input", Type: "activityTrigger", Direction: functions.In}}},
		},
		Errors: []*functions.LoadError{{Function: "Broken", Reasons: []string{"It has no trigger."}}},
	}
	a.index()
	return &executor{
		acquire: func() *app {
			require.True(t, a.acquire())
			return a
		},
		httpClient: http.DefaultClient, logger: v.logger,
	}, log
}

func TestExecutorKnows(t *testing.T) {
	t.Parallel()
	x, _ := testExecutor(t, nil)
	require.True(t, x.HasOrchestrator("orch"))
	require.False(t, x.HasOrchestrator("Act"))
	require.True(t, x.HasOrchestrator("broken"), "its orchestrations wait until it is mended")
	require.True(t, x.HasActivity("ACT"))
	require.True(t, x.HasActivity("other"))
	require.False(t, x.HasActivity("Renamed"))
	require.False(t, x.HasActivity("Off"))
	require.False(t, x.HasActivity("Orch"))
	require.True(t, x.HasActivity(replay.HTTPActivityName))

	x.acquire = func() *app { return nil }
	require.True(t, x.HasOrchestrator("Anything"))
	_, err := x.ExecuteOrchestrator(t.Context(), &engine.OrchestratorWork{Name: "Orch"})
	require.ErrorIs(t, err, engine.ErrNotReady)
	_, err = x.ExecuteActivity(t.Context(), &engine.ActivityWork{Name: "Act"})
	require.ErrorIs(t, err, engine.ErrNotReady)
}

func TestExecuteOrchestrator(t *testing.T) {
	t.Parallel()
	crash := &worker.CrashError{Reason: "exit code 1"}
	for name, c := range map[string]struct {
		name   string
		result *worker.Result
		err    error
		check  func(t *testing.T, r *replay.Result, err error)
		log    string
	}{
		"waits": {"Orch", &worker.Result{ReturnValue: worker.JSONValue(json.RawMessage(`{"isDone":false,"actions":[[{"actionType":0,"functionName":"Act"}]],"schemaVersion":2}`))}, nil,
			func(t *testing.T, r *replay.Result, err error) {
				t.Helper()
				require.NoError(t, err)
				require.False(t, r.IsDone)
				require.Len(t, r.Actions, 1)
			}, "Started orchestration 'Orch' (Instance='i')"},
		"completes": {"orch", &worker.Result{ReturnValue: worker.JSONValue(json.RawMessage(`{"isDone":true,"actions":[[]],"output":5,"schemaVersion":2}`))}, nil,
			func(t *testing.T, r *replay.Result, err error) {
				t.Helper()
				require.NoError(t, err)
				require.True(t, r.IsDone)
				require.JSONEq(t, "5", string(r.Output))
			}, "Orchestration 'Orch' completed (Instance='i')"},
		"throws": {"Orch", nil, &worker.FunctionError{Message: "false\n\n$OutOfProcData$:" + `{"isDone":false,"actions":[[]],"error":"oh no","schemaVersion":2}`},
			func(t *testing.T, r *replay.Result, err error) {
				t.Helper()
				require.NoError(t, err)
				require.True(t, r.Failed)
				require.Equal(t, "oh no", r.Error)
			}, "Orchestration 'Orch' failed (Instance='i')\n  oh no\n"},
		"throws outside": {"Orch", nil, &worker.FunctionError{Message: "boom", Stack: "at x"}, func(t *testing.T, _ *replay.Result, err error) {
			t.Helper()
			var failure *engine.TaskFailure
			require.ErrorAs(t, err, &failure)
			require.Equal(t, "boom", failure.Reason)
		}, "boom"},
		"returns nonsense": {"Orch", &worker.Result{ReturnValue: worker.StringValue("hello")}, nil, func(t *testing.T, _ *replay.Result, err error) {
			t.Helper()
			var failure *engine.TaskFailure
			require.ErrorAs(t, err, &failure)
			require.Contains(t, failure.Reason, "durable-functions")
		}, "failed"},
		"does not load": {"Orch", nil, &worker.LoadError{Function: "Orch", Message: "SyntaxError"}, func(t *testing.T, _ *replay.Result, err error) {
			t.Helper()
			var unavailable *engine.FunctionUnavailableError
			require.ErrorAs(t, err, &unavailable)
			require.Contains(t, unavailable.Reason, "SyntaxError")
		}, ""},
		"broken": {"Broken", nil, nil, func(t *testing.T, _ *replay.Result, err error) {
			t.Helper()
			var unavailable *engine.FunctionUnavailableError
			require.ErrorAs(t, err, &unavailable)
			require.Equal(t, "It has no trigger.", unavailable.Reason)
		}, ""},
		"crash": {"Orch", nil, crash, func(t *testing.T, _ *replay.Result, err error) {
			t.Helper()
			require.ErrorIs(t, err, crash)
			require.NotErrorAs(t, err, new(*engine.TaskFailure))
		}, ""},
		"stopped": {"Orch", nil, node.ErrStopped, func(t *testing.T, _ *replay.Result, err error) {
			t.Helper()
			require.ErrorIs(t, err, engine.ErrNotReady)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, log := testExecutor(t, func(_ context.Context, inv *worker.Invocation) (*worker.Result, error) {
				require.Equal(t, worker.Orchestration, inv.Inputs[0].Value.Kind)
				episode := inv.Inputs[0].Value.Episode
				var rest map[string]any
				require.NoError(t, json.Unmarshal(episode.Rest, &rest))
				require.Equal(t, "i", rest["instanceId"])
				require.Equal(t, [][]byte{[]byte(`{"n":1}`)}, episode.Past)
				return c.result, c.err
			})
			r, err := x.ExecuteOrchestrator(t.Context(), &engine.OrchestratorWork{Name: c.name, InstanceID: "i", Past: [][]byte{[]byte(`{"n":1}`)}})
			c.check(t, r, err)
			require.Contains(t, log.String(), c.log)
			require.NotContains(t, log.String(), "OutOfProcData")
			require.NotContains(t, log.String(), "Executing", "episodes are logged at debug level")
		})
	}
}

func TestExecuteActivity(t *testing.T) {
	t.Parallel()
	value := func(v worker.Value) *worker.Result { return &worker.Result{ReturnValue: v} }
	crash := &worker.CrashError{Reason: "exit code 1"}
	for name, c := range map[string]struct {
		name   string
		result *worker.Result
		err    error
		want   string // JSON of the result, "" for none
		reason string // of a failure
		again  error  // it is run again
	}{
		"text":      {name: "Act", result: value(worker.StringValue("Hello")), want: `"Hello"`},
		"JSON":      {name: "act", result: value(worker.JSONValue(json.RawMessage(`{"a":1}`))), want: `{"a":1}`},
		"null":      {name: "Act", result: value(worker.JSONValue(json.RawMessage(`null`)))},
		"nothing":   {name: "Act", result: value(worker.Value{})},
		"bytes":     {name: "Act", result: value(worker.Value{Kind: worker.Bytes, Data: []byte{1, 2, 3}}), want: `"AQID"`},
		"throws":    {name: "Act", err: &worker.FunctionError{Message: "boom"}, reason: "Activity function 'Act' failed: boom"},
		"load":      {name: "Act", err: &worker.LoadError{Function: "Act", Message: "x"}, reason: "Activity function 'Act' failed: Worker was unable to load function Act: 'x'"},
		"timeout":   {name: "Act", err: &timeoutError{Function: "Act", Timeout: 5e9}, reason: "Activity function 'Act' failed: Timeout value of 00:00:05 exceeded"},
		"crash":     {name: "Act", err: crash, again: crash},
		"stopped":   {name: "Act", err: node.ErrStopped, again: engine.ErrNotReady},
		"broken":    {name: "Broken", reason: "Activity function 'Broken' failed: It has no trigger."},
		"not there": {name: "Nobody", reason: "Activity function 'Nobody' failed: it does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, _ := testExecutor(t, func(_ context.Context, inv *worker.Invocation) (*worker.Result, error) {
				require.Equal(t, worker.StringValue(`"Tokyo"`), inv.Inputs[0].Value)
				require.JSONEq(t, `"i"`, string(inv.TriggerMetadata["instanceId"]))
				return c.result, c.err
			})
			got, err := x.ExecuteActivity(t.Context(), &engine.ActivityWork{Name: c.name, InstanceID: "i", Input: json.RawMessage(`"Tokyo"`)})
			switch {
			case c.reason != "":
				var failure *engine.TaskFailure
				require.ErrorAs(t, err, &failure)
				require.Contains(t, failure.Reason, c.reason)
			case c.again != nil:
				require.ErrorIs(t, err, c.again)
				require.NotErrorAs(t, err, new(*engine.TaskFailure))
			default:
				require.NoError(t, err)
				require.Equal(t, c.want, string(got))
			}
		})
	}
}

func TestExecuteHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hi") }))
	defer server.Close()
	x, _ := testExecutor(t, nil)
	x.httpClient = server.Client()
	got, err := x.ExecuteActivity(t.Context(), &engine.ActivityWork{Name: replay.HTTPActivityName,
		Input: json.RawMessage(`{"method":"GET","uri":"` + server.URL + `","asynchronousPatternEnabled":false}`)})
	require.NoError(t, err)
	require.Contains(t, string(got), `"statusCode":200`)

	_, err = x.ExecuteActivity(t.Context(), &engine.ActivityWork{Name: replay.HTTPActivityName, Input: json.RawMessage(`{}`)})
	require.ErrorAs(t, err, new(*engine.TaskFailure))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStopping)
	_, err = x.ExecuteActivity(ctx, &engine.ActivityWork{Name: replay.HTTPActivityName, Input: json.RawMessage(`{"method":"GET","uri":"` + server.URL + `"}`)})
	require.Error(t, err)
	require.NotErrorAs(t, err, new(*engine.TaskFailure), "it is run again")
}
