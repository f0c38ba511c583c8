package durable_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/durabletest"
)

// orchestrate runs an orchestrator in a world with some activities.
func orchestrate(t *testing.T, fn any, input any) (*durabletest.Env, *durabletest.Run) {
	t.Helper()
	env := world(t)
	env.Orchestrator("X", fn)
	return env, env.Start("X", input)
}

func world(t *testing.T) *durabletest.Env {
	t.Helper()
	env := durabletest.New(t)
	env.Activity("Echo", func(_ context.Context, in json.RawMessage) (json.RawMessage, error) { return in, nil })
	env.Activity("Fail", func(_ context.Context, text string) error { return errors.New(text) })
	return env
}

// output is what an orchestration returned, or the text of its failure.
func output[T any](t *testing.T, run *durabletest.Run) T {
	t.Helper()
	out, err := durabletest.Output[T](run)
	require.NoError(t, err)
	return out
}

func TestNewOrchestrator(t *testing.T) {
	t.Parallel()
	const tail = "; expected func(o *durable.Orchestration, in In) (Out, error) (In and Out are types that JSON can carry, and may be left out)"
	for name, c := range map[string]struct {
		fn   any
		want string
	}{
		"no input, no output": {func(*durable.Orchestration) error { return nil }, ""},
		"no output":           {func(*durable.Orchestration, int) error { return nil }, ""},
		"no input":            {func(*durable.Orchestration) (int, error) { return 0, nil }, ""},
		"raw":                 {func(*durable.Orchestration, json.RawMessage) (json.RawMessage, error) { return nil, nil }, ""},
		"nil":                 {nil, "the handler is nil, expected func(o *durable.Orchestration, in In) (Out, error)"},
		"no error":            {func(*durable.Orchestration) int { return 0 }, "the handler is func(*durable.Orchestration) int: it does not return a value and an error, or an error alone" + tail},
		"a value":             {func(durable.Orchestration) error { return nil }, "the handler is func(durable.Orchestration) error: its first parameter is not *durable.Orchestration" + tail},
		"channel":             {func(*durable.Orchestration, chan int) error { return nil }, "the handler is func(*durable.Orchestration, chan int) error: its input is of type chan int, which JSON cannot carry" + tail},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := durable.NewOrchestrator(c.fn)
			if c.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, c.want)
			}
		})
	}
}

func TestInputs(t *testing.T) {
	t.Parallel()
	type order struct{ Item string }
	_, run := orchestrate(t, func(_ *durable.Orchestration, in *order) (*order, error) { return in, nil }, nil)
	require.Nil(t, output[*order](t, run))
	_, run = orchestrate(t, func(_ *durable.Orchestration, in order) (order, error) { return in, nil }, order{"<b>"})
	require.Equal(t, order{"<b>"}, output[order](t, run))
	require.JSONEq(t, `{"Item":"<b>"}`, *run.History()[1].Input)
	require.Contains(t, *run.History()[1].Input, "<b>", "is not escaped")
	_, run = orchestrate(t, func(*durable.Orchestration, order) error { return nil }, 7)
	_, err := durabletest.Output[any](run)
	require.EqualError(t, err, "Orchestrator function 'X' failed: the input does not fit durable_test.order: "+
		"json: cannot unmarshal number into Go value of type durable_test.order")
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	env := durabletest.New(t)
	who := func(o *durable.Orchestration) []string {
		return []string{o.Name(), o.InstanceID(), o.ExecutionID(), o.ParentInstanceID(), o.Version()}
	}
	env.Orchestrator("Parent", func(o *durable.Orchestration) ([][]string, error) {
		child, err := durable.CallSubOrchestrator[[]string](o, "child", nil, durable.WithInstanceID("c")).Await()
		return [][]string{who(o), child}, err
	})
	env.Orchestrator("Child", func(o *durable.Orchestration) ([]string, error) { return who(o), nil })
	run := env.StartWith("Parent", nil, durable.StartOptions{InstanceID: "p", Version: "2"})
	require.Equal(t, [][]string{{"Parent", "p", "p.1", "", "2"}, {"Child", "c", "c.1", "p", "2"}}, output[[][]string](t, run))
}

func TestClockAndRandomNumbers(t *testing.T) {
	t.Parallel()
	var seen [][]string
	fn := func(o *durable.Orchestration) error {
		seen = append(seen, nil)
		mine := len(seen) - 1
		note := func() {
			seen[mine] = append(seen[mine], o.Now().Format(time.RFC3339), o.NewGUID().String(), fmt.Sprint(o.Rand().Uint64()), fmt.Sprint(o.Rand().Uint64()))
		}
		note()
		o.Sleep(time.Hour)
		note()
		return nil
	}
	_, run := orchestrate(t, fn, nil)
	require.Equal(t, durable.Completed, run.Status())
	require.Len(t, seen, 3, "the orchestrator, and a replay of each episode")
	require.Equal(t, seen[0], seen[2])
	require.Equal(t, seen[0][:4], seen[1])
	require.Equal(t, "2030-01-01T00:00:00Z", seen[0][0])
	require.Equal(t, "2030-01-01T01:00:00Z", seen[0][4])
	unique := map[string]bool{}
	for _, s := range seen[0] {
		unique[s] = true
	}
	require.Len(t, unique, len(seen[0]))
}

// log is a test whose log is looked at.
type log struct {
	*testing.T
	bytes.Buffer
}

func (l *log) Logf(format string, args ...any) { fmt.Fprintf(l, format+"\n", args...) }

func TestLogger(t *testing.T) {
	t.Parallel()
	l := &log{T: t}
	env := durabletest.New(l)
	env.Orchestrator("X", func(o *durable.Orchestration) error {
		o.Logger().Info("one")
		o.Sleep(time.Hour)
		o.Logger().Info("two", "replaying", o.IsReplaying())
		return nil
	})
	env.Start("X", nil)
	require.Equal(t, "level=INFO msg=one function=X instance_id=X-1\nlevel=INFO msg=two function=X instance_id=X-1 replaying=false\n", l.String())
}

func TestContext(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end   func(env *durabletest.Env, run *durabletest.Run)
		cause error
		text  string
	}{
		"terminated":         {func(_ *durabletest.Env, run *durabletest.Run) { run.Terminate("enough") }, durable.ErrTerminated, "the orchestration was terminated: enough"},
		"the host stops":     {func(env *durabletest.Env, _ *durabletest.Run) { env.Restart() }, durable.ErrHostStops, "the host stops"},
		"the end":            {func(_ *durabletest.Env, run *durabletest.Run) { run.RaiseEvent("E", nil) }, nil, ""},
		"the end, afterward": {func(_ *durabletest.Env, run *durabletest.Run) { run.RaiseEvent("E", nil) }, context.Canceled, "context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ctx context.Context
			var cause error
			env := durabletest.New(t)
			env.SkipReplayCheck()
			env.Orchestrator("X", func(o *durable.Orchestration) error {
				ctx = o.Context()
				defer func() { cause = context.Cause(ctx) }()
				_, err := durable.WaitForEvent[any](o, "E").Await()
				return err
			})
			run := env.Start("X", nil)
			require.NoError(t, ctx.Err())
			c.end(env, run)
			if name == "the end, afterward" {
				cause = context.Cause(ctx)
			}
			require.ErrorIs(t, cause, c.cause)
			if c.cause != nil {
				require.EqualError(t, cause, c.text)
			}
		})
	}
}

func TestCustomStatus(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status  any
		want    string
		refused string
	}{
		"value":   {map[string]int{"a": 1}, `{"a":1}`, ""},
		"nil":     {nil, `null`, ""},
		"raw":     {json.RawMessage(` [1] `), `[1]`, ""},
		"no JSON": {json.RawMessage(`{`), `"set"`, "the custom status is not valid JSON, at byte 1: unexpected end of JSON input"},
		"no data": {func() {}, `"set"`, "the custom status cannot be written as JSON: json: unsupported type: func()"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, run := orchestrate(t, func(o *durable.Orchestration) (string, error) {
				if err := o.SetCustomStatus("set"); err != nil {
					return "", err
				}
				if err := o.SetCustomStatus(c.status); err != nil {
					return err.Error(), nil //nolint:nilerr // the text is the output
				}
				return "", nil
			}, nil)
			require.Equal(t, c.refused, output[string](t, run))
			require.Equal(t, c.want, string(durabletest.CustomStatus[json.RawMessage](run)))
		})
	}
}

func TestContinueAsNew(t *testing.T) {
	t.Parallel()
	_, run := orchestrate(t, func(o *durable.Orchestration, n int) (int, error) {
		if n == 3 {
			return n, nil
		}
		if err := o.SetCustomStatus(n); err != nil {
			return 0, err
		}
		o.CreateTimer(time.Hour) // is dropped
		return 0, o.ContinueAsNew(n + 1)
	}, 0)
	require.Equal(t, 3, output[int](t, run))
	require.Equal(t, 4, run.Executions())
	require.Equal(t, 2, durabletest.CustomStatus[int](run), "it is kept")

	_, run = orchestrate(t, func(o *durable.Orchestration) error { return o.ContinueAsNew(func() {}) }, nil)
	_, err := durabletest.Output[any](run)
	require.EqualError(t, err, "Orchestrator function 'X' failed: the input of ContinueAsNew cannot be written as JSON: json: unsupported type: func()")
}

func TestStartDetached(t *testing.T) {
	t.Parallel()
	env := world(t)
	env.Orchestrator("Child", func(_ *durable.Orchestration, in string) (string, error) { return in, nil })
	env.Orchestrator("X", func(o *durable.Orchestration) ([]string, error) {
		id, err := o.StartDetached("Child", "hello", durable.StartOptions{})
		if err != nil {
			return nil, err
		}
		_, badID := o.StartDetached("Child", nil, durable.StartOptions{InstanceID: "@x"})
		_, badInput := o.StartDetached("Child", func() {}, durable.StartOptions{})
		return []string{id, badID.Error(), badInput.Error()}, nil
	})
	out := output[[]string](t, env.Start("X", nil))
	require.Equal(t, []string{
		"X-1.1:0",
		"'@x' cannot be an instance ID: it begins with '@', which is for entities",
		"the input of orchestrator 'Child' cannot be written as JSON: json: unsupported type: func()",
	}, out)
	require.Equal(t, "hello", output[string](t, env.Run("X-1.1:0")))
	require.Len(t, env.Runs(), 2, "what is refused is not started")
}

func TestSideEffect(t *testing.T) {
	t.Parallel()
	type found struct{ Path string }
	runs := 0
	_, run := orchestrate(t, func(o *durable.Orchestration) ([]string, error) {
		value, err := durable.SideEffect(o, func() (found, error) { runs++; return found{fmt.Sprint("/", runs)}, nil })
		if err != nil {
			return nil, err
		}
		_, failed := durable.SideEffect(o, func() (int, error) { return 7, errors.New("not set") })
		_, panicked := durable.SideEffect(o, func() (int, error) { panic("broken") })
		_, unfit := durable.SideEffect(o, func() (func(), error) { return func() {}, nil })
		o.Sleep(time.Hour)
		return []string{value.Path, failed.Error(), panicked.Error(), unfit.Error()}, nil
	}, nil)
	require.Equal(t, []string{
		"/1", "not set", "panic: broken", "the value of a side effect cannot be written as JSON: json: unsupported type: func()",
	}, output[[]string](t, run))
	require.Equal(t, 1, runs)

	recorded := run.History()
	durabletest.Replay(t, func(o *durable.Orchestration) ([]string, error) { // the code was changed
		_, err := durable.SideEffect(o, func() (int, error) { return 0, nil })
		require.EqualError(t, err, "the recorded value of a side effect does not fit int: json: cannot unmarshal object into Go value of type int")
		for range 3 {
			_, err := durable.SideEffect(o, func() (any, error) { return nil, nil })
			require.Error(t, err)
		}
		o.Sleep(time.Hour)
		return output[[]string](t, run), nil
	}, recorded)
}
