package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/bindings"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/triggers"
	"github.com/durango-functions/durango/worker"
)

// fakeChannel answers invocations by a function; the rest is there.
type fakeChannel struct {
	invoke func(ctx context.Context, inv *worker.Invocation) (*worker.Result, error)
	load   func(fn *functions.Function) error

	started, stopped atomic.Int32
	recycled         atomic.Int32
}

func (c *fakeChannel) Start(context.Context) error { c.started.Add(1); return nil }
func (c *fakeChannel) Stop(context.Context) error  { c.stopped.Add(1); return nil }
func (c *fakeChannel) Recycle(string)              { c.recycled.Add(1) }
func (c *fakeChannel) Load(_ context.Context, fn *functions.Function) error {
	if c.load == nil {
		return nil
	}
	return c.load(fn)
}

func (c *fakeChannel) Invoke(ctx context.Context, inv *worker.Invocation) (*worker.Result, error) {
	return c.invoke(ctx, inv)
}

// syncBuffer is a buffer that several goroutines may write to.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func testInvoker(ch worker.Channel, r *bindings.Registry) (*invoker, *syncBuffer) {
	log := &syncBuffer{}
	if r == nil {
		r = &bindings.Registry{}
	}
	return &invoker{channel: ch, bindings: r, root: "/app", logger: NewLogger(log, TextLog, NewLogLevels(nil))}, log
}

func function(name string, bs ...functions.Binding) *functions.Function {
	return &functions.Function{Name: name, Bindings: append([]functions.Binding{{Name: "in", Type: "manualTrigger", Direction: functions.In}}, bs...)}
}

func out(name, typ string) functions.Binding {
	return functions.Binding{Name: name, Type: typ, Direction: functions.Out}
}

// recorder is an output and input binding that notes what happens.
type recorder struct {
	mu     sync.Mutex
	events []string
	refuse string // the value that PrepareOutput refuses
	fail   string // the value whose effect fails
}

func (r *recorder) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, fmt.Sprintf(format, args...))
}

func (r *recorder) BindInput(_ context.Context, call *bindings.Call, b *functions.Binding) (worker.Value, error) {
	if b.Name == "bad" {
		return worker.Value{}, errors.New("no such thing")
	}
	return worker.StringValue("input of " + b.Name + " in " + call.Function.Name), nil
}

func (r *recorder) PrepareOutput(_ context.Context, _ *bindings.Call, b *functions.Binding, v worker.Value) (bindings.Effect, error) {
	if string(v.Data) == r.refuse {
		return nil, fmt.Errorf("output binding '%s': %s is refused", b.Name, v.Data)
	}
	r.note("prepare %s=%s", b.Name, v.Data)
	return func(context.Context) error {
		if string(v.Data) == r.fail {
			return errors.New("effect went wrong")
		}
		r.note("effect %s=%s", b.Name, v.Data)
		return nil
	}, nil
}

func recording(r *recorder) *bindings.Registry {
	var reg bindings.Registry
	reg.RegisterInput("rec", r)
	reg.RegisterOutput("rec", r)
	return &reg
}

func TestInvokeLogsOneLineEach(t *testing.T) {
	t.Parallel()
	ch := &fakeChannel{invoke: func(context.Context, *worker.Invocation) (*worker.Result, error) { return &worker.Result{}, nil }}
	v, log := testInvoker(ch, nil)
	_, err := v.Invoke(t.Context(), function("Hello"), triggers.Event{Reason: "manual call"})
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	require.Len(t, lines, 2)
	require.Regexp(t, `^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] Executing 'Functions\.Hello' \(Reason='manual call', Id=[0-9a-f-]{36}\)$`, lines[0])
	require.Regexp(t, `^\[[^]]+\] Executed 'Functions\.Hello' \(Succeeded, Id=[0-9a-f-]{36}, Duration=\d+ms\)$`, lines[1])
}

func TestInvokeLogsFailure(t *testing.T) {
	t.Parallel()
	stack := "Error: boom\n    at helper (/app/lib/helper.js:3:9)\n    at module.exports (/app/Hello/index.js:1:1)\n" +
		"    at other (/app/node_modules/x/index.js:1:1)\n    at process.run (node:internal/process:5:1)"
	ch := &fakeChannel{invoke: func(context.Context, *worker.Invocation) (*worker.Result, error) {
		return nil, &worker.FunctionError{Message: "boom", Stack: stack}
	}}
	v, log := testInvoker(ch, nil)
	_, err := v.Invoke(t.Context(), function("Hello"), triggers.Event{Reason: "x"})
	var userErr *worker.FunctionError
	require.ErrorAs(t, err, &userErr)
	require.Contains(t, log.String(), "Executed 'Functions.Hello' (Failed, Id=")
	require.Contains(t, log.String(), "\n  boom\n  at helper (lib/helper.js:3:9)\n  at module.exports (Hello/index.js:1:1)\n")
	require.NotContains(t, log.String(), "node:internal")
	require.NotContains(t, log.String(), "node_modules")
}

func TestInvokeQuietly(t *testing.T) {
	t.Parallel()
	fail := false
	ch := &fakeChannel{invoke: func(context.Context, *worker.Invocation) (*worker.Result, error) {
		if fail {
			return nil, &worker.FunctionError{Message: "x"}
		}
		return &worker.Result{}, nil
	}}
	v, log := testInvoker(ch, nil)
	_, err := v.invoke(t.Context(), function("Orchestrator"), triggers.Event{}, mode{quiet: true})
	require.NoError(t, err)
	fail = true
	_, err = v.invoke(t.Context(), function("Orchestrator"), triggers.Event{}, mode{quiet: true})
	require.Error(t, err)
	require.Empty(t, log.String())
}

func TestInvokeInputs(t *testing.T) {
	t.Parallel()
	var got []worker.Input
	ch := &fakeChannel{invoke: func(_ context.Context, inv *worker.Invocation) (*worker.Result, error) {
		got = inv.Inputs
		return &worker.Result{}, nil
	}}
	v, _ := testInvoker(ch, recording(&recorder{}))
	fn := &functions.Function{Name: "F", Bindings: []functions.Binding{
		{Name: "first", Type: "rec", Direction: functions.In},
		{Name: "trigger", Type: "manualTrigger", Direction: functions.In},
		out("o", "rec"),
		{Name: "second", Type: "REC", Direction: functions.InOut},
		{Name: "res", Type: "http", Direction: functions.In}, // an author forgot the direction
	}}
	_, err := v.Invoke(t.Context(), fn, triggers.Event{Value: worker.StringValue("t")})
	require.NoError(t, err)
	require.Equal(t, []worker.Input{
		{Name: "trigger", Value: worker.StringValue("t")},
		{Name: "first", Value: worker.StringValue("input of first in F")},
		{Name: "second", Value: worker.StringValue("input of second in F")},
	}, got)

	for name, want := range map[string]string{"bad": "binding input 'bad' (rec): no such thing"} {
		_, err = v.Invoke(t.Context(), function("F", functions.Binding{Name: name, Type: "rec", Direction: functions.In}), triggers.Event{})
		require.EqualError(t, err, want)
	}
	_, err = v.Invoke(t.Context(), function("F", functions.Binding{Name: "x", Type: "blob", Direction: functions.In}), triggers.Event{})
	require.EqualError(t, err, "input binding 'x': nothing makes inputs of type blob")
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	text := worker.StringValue
	for name, c := range map[string]struct {
		fn     *functions.Function
		result worker.Result
		want   []string
	}{
		"by name": {function("F", out("a", "rec"), out("b", "rec")),
			worker.Result{Outputs: map[string]worker.Value{"a": text("1"), "b": text("2")}},
			[]string{"prepare a=1", "prepare b=2", "effect a=1", "effect b=2"}},
		"names in another case": {function("F", out("starter", "rec")),
			worker.Result{Outputs: map[string]worker.Value{"Starter": text("1")}}, []string{"prepare starter=1", "effect starter=1"}},
		"nothing and null are not bound": {function("F", out("a", "rec"), out("b", "rec")),
			worker.Result{Outputs: map[string]worker.Value{"a": {}, "b": worker.JSONValue(json.RawMessage(" null"))}}, nil},
		"$return takes the return value": {function("F", out("$return", "rec")),
			worker.Result{ReturnValue: text("r"), Outputs: map[string]worker.Value{"$return": text("not this")}}, []string{"prepare $return=r", "effect $return=r"}},
		"$return without a return value": {function("F", out("$return", "rec")),
			worker.Result{Outputs: map[string]worker.Value{"$return": text("not this")}}, nil},
		"properties of a returned object": {function("F", out("a", "rec"), out("b", "rec")),
			worker.Result{ReturnValue: worker.JSONValue(json.RawMessage(`{"a": 1, "c": 3}`)), Outputs: map[string]worker.Value{"b": text("2")}},
			[]string{"prepare a=1", "prepare b=2", "effect a=1", "effect b=2"}},
		"http is not ours": {function("F", out("res", "http")), worker.Result{Outputs: map[string]worker.Value{"res": text("1")}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			ch := &fakeChannel{invoke: func(context.Context, *worker.Invocation) (*worker.Result, error) { return &c.result, nil }}
			v, _ := testInvoker(ch, recording(r))
			_, err := v.Invoke(t.Context(), c.fn, triggers.Event{})
			require.NoError(t, err)
			require.ElementsMatch(t, c.want, r.events)
		})
	}
}

func TestOutputsInTwoPhases(t *testing.T) {
	t.Parallel()
	r := &recorder{refuse: "bad"}
	ch := &fakeChannel{invoke: func(context.Context, *worker.Invocation) (*worker.Result, error) {
		return &worker.Result{Outputs: map[string]worker.Value{"a": worker.StringValue("good"), "b": worker.StringValue("bad")}}, nil
	}}
	v, log := testInvoker(ch, recording(r))
	_, err := v.Invoke(t.Context(), function("F", out("a", "rec"), out("b", "rec")), triggers.Event{})
	require.EqualError(t, err, "output binding 'b': bad is refused")
	require.Equal(t, []string{"prepare a=good"}, r.events, "no effect takes place when one output is refused")
	require.Contains(t, log.String(), "(Failed, ")

	r = &recorder{fail: "good"}
	v, _ = testInvoker(ch, recording(r))
	_, err = v.Invoke(t.Context(), function("F", out("a", "rec"), out("b", "rec")), triggers.Event{})
	require.EqualError(t, err, "output binding 'a' (rec): effect went wrong")
	require.Contains(t, r.events, "effect b=bad", "the other effects take place all the same")
}

func TestUndeclaredOutput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value worker.Value
		want  string
	}{
		"start":        {worker.JSONValue(json.RawMessage(`{"functionName": "X"}`)), "nothing is started"},
		"starts":       {worker.JSONValue(json.RawMessage(`[1, {"FunctionName": "X"}]`)), "nothing is started"},
		"text of JSON": {worker.StringValue(`{"FunctionName": "X"}`), "nothing is started"},
		"another":      {worker.StringValue("x"), "nothing is done with it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch := &fakeChannel{invoke: func(context.Context, *worker.Invocation) (*worker.Result, error) {
				return &worker.Result{Outputs: map[string]worker.Value{"starter": c.value}}, nil
			}}
			v, log := testInvoker(ch, nil)
			_, err := v.Invoke(t.Context(), function("Starts"), triggers.Event{})
			require.NoError(t, err)
			require.Contains(t, log.String(), c.want)
			require.Contains(t, log.String(), "Starts")
			require.Contains(t, log.String(), "starter")
		})
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	policy := &functions.RetryPolicy{Strategy: functions.FixedDelay, MaxRetryCount: 2, DelayInterval: 3 * time.Second}
	for name, c := range map[string]struct {
		policy   *functions.RetryPolicy
		failures int
		err      error
		mode     mode
		attempts int
		fails    bool
	}{
		"none":             {nil, 1, &worker.FunctionError{Message: "x"}, mode{}, 1, true},
		"recovers":         {policy, 2, &worker.FunctionError{Message: "x"}, mode{}, 3, false},
		"gives up":         {policy, 9, &worker.FunctionError{Message: "x"}, mode{}, 3, true},
		"crash":            {policy, 1, &worker.CrashError{Reason: "exit code 1"}, mode{}, 2, false},
		"not for load":     {policy, 9, &worker.LoadError{Function: "F", Message: "x"}, mode{}, 1, true},
		"not for activity": {policy, 9, &worker.FunctionError{Message: "x"}, mode{once: true}, 1, true},
		"for ever": {&functions.RetryPolicy{Strategy: functions.FixedDelay, MaxRetryCount: -1, DelayInterval: time.Second}, 50,
			&worker.FunctionError{Message: "x"}, mode{}, 51, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var contexts []*worker.RetryContext
			ch := &fakeChannel{}
			ch.invoke = func(_ context.Context, inv *worker.Invocation) (*worker.Result, error) {
				contexts = append(contexts, inv.Retry)
				if len(contexts) <= c.failures {
					return nil, c.err
				}
				return &worker.Result{}, nil
			}
			v, _ := testInvoker(ch, nil)
			var slept []time.Duration
			v.sleep = func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil }
			fn := function("F")
			fn.Retry = c.policy
			_, err := v.invoke(t.Context(), fn, triggers.Event{}, c.mode)
			require.Equal(t, c.fails, err != nil)
			require.Len(t, contexts, c.attempts)
			require.Len(t, slept, c.attempts-1)
			require.Nil(t, contexts[0])
			for i, rc := range contexts[1:] {
				require.Equal(t, &worker.RetryContext{RetryCount: i + 1, MaxRetryCount: c.policy.MaxRetryCount, Exception: c.err.Error()}, rc)
				require.Equal(t, c.policy.DelayInterval, slept[i])
			}
		})
	}
}

func TestRetryEndsWithTheHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ch := &fakeChannel{invoke: func(context.Context, *worker.Invocation) (*worker.Result, error) {
			return nil, &worker.FunctionError{Message: "boom"}
		}}
		v, _ := testInvoker(ch, nil)
		fn := function("F")
		fn.Retry = &functions.RetryPolicy{Strategy: functions.FixedDelay, MaxRetryCount: -1, DelayInterval: time.Hour}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(30*time.Minute, func() { cancel(errStopping) })
		_, err := v.Invoke(ctx, fn, triggers.Event{})
		require.ErrorIs(t, err, errStopping)
		require.ErrorContains(t, err, "boom")
	})
}

func TestRetryDelay(t *testing.T) {
	t.Parallel()
	p := &functions.RetryPolicy{Strategy: functions.ExponentialBackoff, MinimumInterval: time.Second, MaximumInterval: 20 * time.Second}
	middle := func() float64 { return 0.5 }
	for attempt, want := range []float64{1, 2, 4, 8, 16, 20, 20} {
		require.InDelta(t, want, retryDelay(p, attempt, middle).Seconds(), 1e-9, attempt)
	}
	require.Equal(t, 20*time.Second, retryDelay(p, 1<<30, middle))
	low := retryDelay(p, 3, func() float64 { return 0 })
	high := retryDelay(p, 3, func() float64 { return 1 })
	require.InDelta(t, 6.6, low.Seconds(), 0.01)
	require.InDelta(t, 9.4, high.Seconds(), 0.01)
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ch := &fakeChannel{invoke: func(ctx context.Context, _ *worker.Invocation) (*worker.Result, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		v, log := testInvoker(ch, nil)
		v.timeout = 5 * time.Minute
		var told string
		v.timedOut = func(fn *functions.Function) { told = fn.Name }
		began := time.Now()
		_, err := v.Invoke(t.Context(), function("Slow"), triggers.Event{})
		require.Equal(t, 5*time.Minute, time.Since(began))
		require.ErrorContains(t, err, "Timeout value of 00:05:00 exceeded by function 'Functions.Slow'")
		require.Equal(t, "Slow", told)
		require.Contains(t, log.String(), "(Failed, ")
		require.NoError(t, context.Cause(t.Context()))

		// The caller's end is no timeout.
		told = ""
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(errStopping) })
		_, err = v.Invoke(ctx, function("Slow"), triggers.Event{})
		require.ErrorIs(t, err, errStopping)
		require.Empty(t, told)
	})
}
