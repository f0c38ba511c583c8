package durable_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/durabletest"
)

func echo[T any](o *durable.Orchestration, in T) *durable.Task[T] {
	return durable.CallActivity[T](o, "Echo", in)
}

func fail(o *durable.Orchestration, text string) *durable.Task[int] {
	return durable.CallActivity[int](o, "Fail", text)
}

func TestAwait(t *testing.T) {
	t.Parallel()
	_, run := orchestrate(t, func(o *durable.Orchestration) error {
		task := echo(o, "hello")
		require.False(t, task.Done())
		for range 2 { // the same again
			out, err := task.Await()
			require.NoError(t, err)
			require.Equal(t, "hello", out)
			require.True(t, task.Done())
		}
		failing := fail(o, "no")
		for range 2 {
			out, err := failing.Await()
			require.EqualError(t, err, "Activity function 'Fail' failed: no")
			require.Zero(t, out)
		}
		nothing, err := durable.CallActivity[*int](o, "Echo", nil).Await()
		require.NoError(t, err)
		require.Nil(t, nothing)
		raw, err := durable.CallActivity[json.RawMessage](o, "Echo", map[string]int{"a": 1}).Await()
		require.NoError(t, err)
		require.JSONEq(t, `{"a":1}`, string(raw))
		return nil
	}, nil)
	output[any](t, run)
}

func TestResultsOfAnotherType(t *testing.T) {
	t.Parallel()
	env := world(t)
	env.Orchestrator("Child", func(*durable.Orchestration) (string, error) { return "x", nil })
	env.Orchestrator("X", func(o *durable.Orchestration) ([]string, error) {
		_, a := durable.CallActivity[int](o, "Echo", "x").Await()
		_, b := durable.CallSubOrchestrator[int](o, "Child", nil).Await()
		_, c := durable.WaitForEvent[int](o, "E").Await()
		_, d := durable.WhenAll(o, durable.CallActivity[int](o, "Echo", 1), durable.CallActivity[int](o, "Echo", "x")).Await()
		return []string{a.Error(), b.Error(), c.Error(), d.Error()}, nil
	})
	run := env.Start("X", nil)
	run.RaiseEvent("E", "x")
	const tail = " does not fit int: json: cannot unmarshal string into Go value of type int"
	require.Equal(t, []string{
		"the result of activity 'Echo'" + tail, "the result of sub-orchestration 'Child'" + tail, "the result of event 'E'" + tail, "the result of activity 'Echo'" + tail,
	}, output[[]string](t, run))
}

func TestWhenAll(t *testing.T) {
	t.Parallel()
	for name, fn := range map[string]func(o *durable.Orchestration) ([]int, error){
		"[1,2,3]": func(o *durable.Orchestration) ([]int, error) {
			return durable.WhenAll(o, echo(o, 1), echo(o, 2), echo(o, 3)).Await()
		},
		"[]": func(o *durable.Orchestration) ([]int, error) { return durable.WhenAll[int](o).Await() },
		"[1,1]": func(o *durable.Orchestration) ([]int, error) {
			task := echo(o, 1)
			return durable.WhenAll(o, task, task).Await()
		},
		"[4,5]": func(o *durable.Orchestration) ([]int, error) { // of compounds, and of what is done
			pair := durable.WhenAll(o, echo(o, 4), echo(o, 5))
			if _, err := pair.Await(); err != nil {
				return nil, err
			}
			out, err := durable.WhenAll(o, pair).Await()
			return out[0], err
		},
		`"Activity function 'Fail' failed: first"`: func(o *durable.Orchestration) ([]int, error) { // though another has failed as well
			never := durable.WaitForEvent[int](o, "Never")
			return durable.WhenAll(o, never, fail(o, "first"), fail(o, "second"), echo(o, 1)).Await()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, run := orchestrate(t, func(o *durable.Orchestration) (any, error) {
				out, err := fn(o)
				if err != nil {
					return err.Error(), nil //nolint:nilerr // the text is the output
				}
				return out, nil
			}, nil)
			require.JSONEq(t, name, string(output[json.RawMessage](t, run)))
		})
	}
}

func TestWhenAny(t *testing.T) {
	t.Parallel()
	type tasks = []durable.Awaitable
	for name, c := range map[string]struct {
		tasks func(o *durable.Orchestration) tasks
		want  int
		err   error
	}{
		"the first":    {func(o *durable.Orchestration) tasks { return tasks{o.CreateTimer(time.Hour), echo(o, 1), echo(o, 2)} }, 1, nil},
		"a failed one": {func(o *durable.Orchestration) tasks { return tasks{o.CreateTimer(time.Hour), fail(o, "no")} }, 1, nil},
		"the earlier timer": {func(o *durable.Orchestration) tasks {
			return tasks{o.CreateTimer(2 * time.Hour), o.CreateTimer(time.Hour)}
		}, 1, nil},
		"a compound": {func(o *durable.Orchestration) tasks {
			return tasks{o.CreateTimer(time.Hour), durable.WhenAll(o, echo(o, 1), echo(o, 2))}
		}, 1, nil},
		"what is done": {func(o *durable.Orchestration) tasks { return tasks{o.CreateTimer(0), durable.WhenAll[int](o)} }, 1, nil},
		"what was refused": {func(o *durable.Orchestration) tasks {
			return tasks{o.CreateTimer(0), durable.CallActivity[int](o, "", nil)}
		}, 1, nil},
		"nothing": {func(*durable.Orchestration) tasks { return nil }, -1, durable.ErrNoTasks},
		"what no one awaits": {func(o *durable.Orchestration) tasks {
			return tasks{durable.WhenAny(o, echo(o, 1)), o.CreateTimer(time.Hour)}
		}, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, run := orchestrate(t, func(o *durable.Orchestration) error {
				race := durable.WhenAny(o, c.tasks(o)...)
				for range 2 {
					first, err := race.Await()
					require.Equal(t, c.want, first)
					require.ErrorIs(t, err, c.err)
				}
				return nil
			}, nil)
			output[any](t, run)
		})
	}
}

// What lost a race goes on, and can be awaited later.
func TestLosersGoOn(t *testing.T) {
	t.Parallel()
	env := world(t)
	env.Activity("Slow", func(_ context.Context, n int) (int, error) { return n, nil }, durabletest.Takes(time.Hour))
	env.Orchestrator("X", func(o *durable.Orchestration) (int, error) {
		slow := durable.CallActivity[int](o, "Slow", 7)
		first, err := durable.WhenAny(o, slow, o.CreateTimer(time.Minute)).Await()
		require.NoError(t, err)
		require.Equal(t, 1, first)
		require.False(t, slow.Done())
		return slow.Await()
	})
	require.Equal(t, 7, output[int](t, env.Start("X", nil)))
}

func TestTimers(t *testing.T) {
	t.Parallel()
	env, run := orchestrate(t, func(o *durable.Orchestration) error {
		begin := o.Now()
		long, short := o.CreateTimer(2*time.Hour), o.CreateTimer(time.Hour)
		_, err := short.Await()
		require.NoError(t, err)
		require.Equal(t, time.Hour, o.Now().Sub(begin))
		require.True(t, short.Done())
		short.Cancel() // has no effect any more
		long.Cancel()
		long.Cancel()
		o.Sleep(3 * time.Hour)
		require.False(t, long.Done(), "it never completes")
		require.Equal(t, 4*time.Hour, o.Now().Sub(begin))
		o.Sleep(-time.Hour)
		require.Equal(t, 4*time.Hour, o.Now().Sub(begin))
		return nil
	}, nil)
	output[any](t, run)
	require.Equal(t, 4*time.Hour, env.Now().Sub(run.History()[0].Timestamp))
}
