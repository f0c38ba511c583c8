package durabletest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/durabletest"
)

func identity(_ context.Context, n int) (int, error) { return n, nil }

// fanOut calls an activity n times and waits for all.
func fanOut(o *durable.Orchestration, n int) (int, error) {
	tasks := make([]*durable.Task[int], n)
	for i := range tasks {
		tasks[i] = durable.CallActivity[int](o, "Identity", i)
	}
	results, err := durable.WhenAll(o, tasks...).Await()
	sum := 0
	for _, r := range results {
		sum += r
	}
	return sum, err
}

// inOrder waits for each of n activities in turn.
func inOrder(o *durable.Orchestration, n int) (int, error) {
	tasks := make([]*durable.Task[int], n)
	for i := range tasks {
		tasks[i] = durable.CallActivity[int](o, "Identity", i)
	}
	sum := 0
	for _, t := range tasks {
		r, err := t.Await()
		if err != nil {
			return 0, err
		}
		sum += r
	}
	return sum, nil
}

// oneByOne runs n activities, each after the last.
func oneByOne(o *durable.Orchestration, n int) (int, error) {
	sum := 0
	for i := range n {
		r, err := durable.CallActivity[int](o, "Identity", i).Await()
		if err != nil {
			return 0, err
		}
		sum += r
	}
	return sum, nil
}

func TestManyActivities(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fn      func(o *durable.Orchestration, n int) (int, error)
		n       int
		shuffle bool
	}{
		"at once":           {fn: fanOut, n: 10_000},
		"shuffled":          {fn: fanOut, n: 10_000, shuffle: true},
		"in order":          {fn: inOrder, n: 10_000},
		"in order shuffled": {fn: inOrder, n: 1000, shuffle: true},
		"one by one":        {fn: oneByOne, n: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := durabletest.New(t)
			if c.shuffle {
				env.Shuffle(7)
			}
			env.Orchestrator("X", c.fn)
			env.Activity("Identity", identity, durabletest.Takes(time.Second))
			out, err := durabletest.Output[int](env.Start("X", c.n))
			require.NoError(t, err)
			require.Equal(t, c.n*(c.n-1)/2, out)
		})
	}
}

func BenchmarkFanOut(b *testing.B) {
	for b.Loop() {
		env := durabletest.New(b)
		env.Orchestrator("X", fanOut)
		env.Activity("Identity", identity)
		env.Start("X", 10_000)
	}
}

// completions is the order in which five activities complete.
func completions(t *testing.T, shuffle func(env *durabletest.Env)) []int {
	env := durabletest.New(t)
	shuffle(env)
	env.Orchestrator("X", func(o *durable.Orchestration) ([]int, error) {
		var tasks []durable.Awaitable
		for i := range 5 {
			tasks = append(tasks, durable.CallActivity[int](o, "Identity", i))
		}
		open := []int{0, 1, 2, 3, 4}
		var order []int
		for len(tasks) > 0 {
			i, err := durable.WhenAny(o, tasks...).Await()
			if err != nil {
				return nil, err
			}
			order = append(order, open[i])
			tasks, open = slices.Delete(tasks, i, i+1), slices.Delete(open, i, i+1)
		}
		return order, nil
	})
	env.Activity("Identity", identity)
	order, err := durabletest.Output[[]int](env.Start("X", nil))
	require.NoError(t, err)
	return order
}

func TestShuffle(t *testing.T) {
	t.Parallel()
	require.Equal(t, []int{0, 1, 2, 3, 4}, completions(t, func(*durabletest.Env) {}))
	orders := map[string]bool{}
	for seed := range uint64(30) {
		order := completions(t, func(env *durabletest.Env) { env.Shuffle(seed) })
		require.Equal(t, order, completions(t, func(env *durabletest.Env) { env.Shuffle(seed) }), "the seed decides")
		orders[fmt.Sprint(order)] = true
	}
	require.Greater(t, len(orders), 15)
}

func TestTakes(t *testing.T) {
	t.Parallel()
	env := durabletest.New(t)
	env.Orchestrator("X", func(o *durable.Orchestration) (int, error) {
		return durable.WhenAny(o, durable.CallActivity[any](o, "Slow", nil), durable.CallActivity[any](o, "Fast", nil), o.CreateTimer(2*time.Second)).Await()
	})
	env.Activity("Slow", nothing, durabletest.Takes(3*time.Second))
	env.Activity("Fast", nothing, durabletest.Takes(time.Second))
	run := env.Start("X", nil)
	first, err := durabletest.Output[int](run)
	require.NoError(t, err)
	require.Equal(t, 1, first)
	require.Equal(t, time.Second, env.Now().Sub(run.History()[0].Timestamp), "nobody waits for the others")
}

func TestRetry(t *testing.T) {
	t.Parallel()
	env := durabletest.New(t)
	env.Orchestrator("X", func(o *durable.Orchestration) (string, error) {
		return durable.CallActivity[string](o, "Flaky", nil, durable.WithRetry(durable.RetryPolicy{
			FirstInterval: time.Minute, MaxAttempts: 5, BackoffCoefficient: 2, MaxInterval: 3 * time.Minute,
		})).Await()
	})
	env.Activity("Flaky", func(context.Context) (string, error) {
		if n := len(env.Calls("Flaky")); n < 4 {
			return "", fmt.Errorf("attempt %d", n)
		}
		return "done", nil
	})
	run := env.Start("X", nil)
	run.AssertHistory(`
		0s     ExecutionStarted X
		0s     TaskScheduled #0 Flaky
		0s     TaskFailed #0 Activity function 'Flaky' failed: attempt 1 (*errors.errorString)
		0s     TimerCreated #1 until 1m0s
		1m0s   TimerFired #1
		1m0s   TaskScheduled #2 Flaky
		1m0s   TaskFailed #2 Activity function 'Flaky' failed: attempt 2 (*errors.errorString)
		1m0s   TimerCreated #3 until 3m0s
		3m0s   TimerFired #3
		3m0s   TaskScheduled #4 Flaky
		3m0s   TaskFailed #4 Activity function 'Flaky' failed: attempt 3 (*errors.errorString)
		3m0s   TimerCreated #5 until 6m0s
		6m0s   TimerFired #5
		6m0s   TaskScheduled #6 Flaky
		6m0s   TaskCompleted #6 "done"
		6m0s   ExecutionCompleted Completed "done"`)
}

func TestEarlyEvents(t *testing.T) {
	t.Parallel()
	env := durabletest.New(t)
	env.Orchestrator("X", func(o *durable.Orchestration) ([]int, error) {
		if err := call(o, "A", nil); err != nil {
			return nil, err
		}
		var got []int
		for range 3 {
			n, err := durable.WaitForEvent[int](o, "N").Await()
			if err != nil {
				return nil, err
			}
			got = append(got, n)
		}
		return got, nil
	})
	var run *durabletest.Run
	env.Activity("A", func(context.Context) error { // events that come while the activity runs
		run = env.Run("X-1")
		run.RaiseEvent("n", 1)
		run.RaiseEvent("N", 2)
		run.RaiseEvent("Other", 3)
		return nil
	})
	env.Start("X", nil)
	require.Equal(t, durable.Running, run.Status())
	run.RaiseEvent("N", 4)
	got, err := durabletest.Output[[]int](run)
	require.NoError(t, err)
	require.Equal(t, []int{1, 2, 4}, got)
}

func TestContinueAsNewCarriesEvents(t *testing.T) {
	t.Parallel()
	env := durabletest.New(t)
	env.Orchestrator("Sum", func(o *durable.Orchestration, sum int) (int, error) {
		n, err := durable.WaitForEvent[int](o, "Add").Await()
		if err != nil || n == 0 {
			return sum, err
		}
		_ = o.SetCustomStatus(sum + n)
		durable.WaitForEvent[int](o, "Add") // is given up by the new start, with the event that it may have got
		return sum, o.ContinueAsNew(sum + n)
	})
	env.Orchestrator("Raise", func(o *durable.Orchestration) error { return call(o, "Raise", nil) })
	run := env.Start("Sum", 0)
	for i := range 10 {
		run.RaiseEvent("Add", i+1)
	}
	require.Equal(t, 11, run.Executions())
	require.Equal(t, 55, durabletest.CustomStatus[int](run))
	run.RaiseEvent("Add", 0)
	out, err := durabletest.Output[int](run)
	require.NoError(t, err)
	require.Equal(t, 55, out)
}

func TestDetachedStarts(t *testing.T) {
	t.Parallel()
	r := record(func(tb durabletest.TB) {
		env := durabletest.New(tb)
		env.Orchestrator("X", func(o *durable.Orchestration) (string, error) {
			if _, err := o.StartDetached("Audit", "fake", durable.StartOptions{InstanceID: "f"}); err != nil {
				return "", err
			}
			for range 2 {
				if _, err := o.StartDetached("Child", o.InstanceID(), durable.StartOptions{InstanceID: "child", Version: "3"}); err != nil {
					return "", err
				}
			}
			return o.StartDetached("Child", nil, durable.StartOptions{})
		})
		env.Orchestrator("Child", func(o *durable.Orchestration) (string, error) {
			o.Sleep(time.Hour)
			return o.ParentInstanceID() + "|" + o.Version(), nil
		})
		env.FakeOrchestrator("Audit", func(context.Context, string) error { return errors.New("nobody hears of it") })
		run := env.Start("X", nil)
		id, err := durabletest.Output[string](run)
		require.NoError(t, err)
		require.Equal(t, "X-1.1:3", id)
		out, err := durabletest.Output[string](env.Run("child"))
		require.NoError(t, err)
		require.Equal(t, "|3", out, "it has no parent, and the version that it was given")
		require.Len(t, env.Calls("Audit"), 1)
		require.Len(t, env.Calls("Child"), 2)
		require.Equal(t, -1, env.Calls("Child")[0].TaskID)
	})
	require.Empty(t, r.failures)
	require.Equal(t, []string{"instance 'X-1' of 'X' starts 'Child' as instance 'child', which runs: nothing is started"}, r.log)
}

func TestSubOrchestrations(t *testing.T) {
	t.Parallel()
	const errNoStock = durable.ErrorType("NoStock")
	env := durabletest.New(t)
	env.Orchestrator("Parent", func(o *durable.Orchestration, how string) (string, error) {
		opts := []durable.CallOption{durable.WithInstanceID("child")}
		if how == "version" {
			opts = append(opts, durable.WithVersion("9"))
		}
		out, err := durable.CallSubOrchestrator[string](o, "Child", how, opts...).Await()
		if errors.Is(err, errNoStock) {
			return "no stock", nil
		}
		return out, err
	})
	env.Orchestrator("Child", func(o *durable.Orchestration, how string) (string, error) {
		switch how {
		case "fail":
			return "", fmt.Errorf("%w in Rome", errNoStock)
		case "panic":
			panic("broken")
		case "wait":
			durable.WaitForEvent[any](o, "E").Await()
		case "again":
			return "", o.ContinueAsNew("then")
		}
		return how + " of " + o.ParentInstanceID() + " " + o.Version(), nil
	})
	start := func(how string) (*durabletest.Run, *durabletest.Run) {
		run := env.StartWith("Parent", how, durable.StartOptions{Version: "1"})
		return run, env.Run("child")
	}
	output := func(run *durabletest.Run) string {
		out, err := durabletest.Output[string](run)
		if err != nil {
			return err.Error()
		}
		return out
	}
	run, _ := start("x")
	require.Equal(t, "x of Parent-1 1", output(run))
	run, _ = start("version")
	require.Equal(t, "version of Parent-2 9", output(run))
	run, child := start("fail")
	require.Equal(t, "no stock", output(run), "the type of a failure survives")
	require.Equal(t, durable.Failed, child.Status())
	run, _ = start("panic")
	require.Equal(t, "Orchestrator function 'Parent' failed: Orchestrator function 'Child' failed: panic: broken", output(run))
	run, child = start("again")
	require.Equal(t, "then of Parent-5 1", output(run))
	require.Equal(t, 2, child.Executions())
	run, child = start("wait")
	child.Terminate("")
	require.Equal(t, "Orchestrator function 'Parent' failed: the sub-orchestration 'child' ended as Terminated", output(run))
	first, _ := start("wait")
	run, child = start("x")
	require.Equal(t, "Orchestrator function 'Parent' failed: An Orchestration instance with the status Running already exists.", output(run))
	first.Terminate("the child runs on")
	require.Equal(t, durable.Running, child.Status())
}

func TestPanicsAndFailuresOfActivities(t *testing.T) {
	t.Parallel()
	env := durabletest.New(t)
	env.Orchestrator("X", func(o *durable.Orchestration, name string) (string, error) {
		_, err := durable.CallActivity[any](o, name, 7, durable.WithRetry(durable.RetryPolicy{FirstInterval: time.Second, MaxAttempts: 2})).Await()
		var failed *durable.TaskFailedError
		if !errors.As(err, &failed) {
			return "", err
		}
		return fmt.Sprintf("%s|%s|%v|%v", failed.Message, failed.Type, failed.NonRetriable, errors.Is(err, errDeclined)), nil
	})
	env.Activity("Panic", func(context.Context) error { panic(errDeclined) })
	env.Activity("Final", func(context.Context) error { return durable.NonRetriable(fmt.Errorf("so: %w", errDeclined)) })
	env.Activity("Plain", func(context.Context) error { return errors.New("plain") })
	env.Activity("Text", func(context.Context, string) error { return nil })
	for name, c := range map[string]struct {
		want  string
		calls int
	}{
		"Panic": {"panic: CardDeclined|CardDeclined|false|true", 2},
		"Final": {"so: CardDeclined|CardDeclined|true|true", 1},
		"Plain": {"plain|*errors.errorString|false|false", 2},
		"Text":  {"the input does not fit string: json: cannot unmarshal number into Go value of type string|*gofunc.InputError|false|false", 2},
	} {
		out, err := durabletest.Output[string](env.Start("X", name))
		require.NoError(t, err)
		require.Equal(t, c.want, out)
		require.Len(t, env.Calls(name), c.calls)
	}
}
