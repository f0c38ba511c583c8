package durable_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/durabletest"
	"github.com/durango-functions/durango/durable/history"
)

// A call that is wrong fails when it is awaited, and takes no place in the history.
func TestRefusedCalls(t *testing.T) {
	t.Parallel()
	retry := func(change func(p *durable.RetryPolicy)) durable.CallOption {
		p := durable.RetryPolicy{FirstInterval: time.Second, MaxAttempts: 3}
		change(&p)
		return durable.WithRetry(p)
	}
	activity := func(opts ...durable.CallOption) func(o *durable.Orchestration) *durable.Task[any] {
		return func(o *durable.Orchestration) *durable.Task[any] {
			return durable.CallActivity[any](o, "A", nil, opts...)
		}
	}
	sub := func(opts ...durable.CallOption) func(o *durable.Orchestration) *durable.Task[any] {
		return func(o *durable.Orchestration) *durable.Task[any] {
			return durable.CallSubOrchestrator[any](o, "S", nil, opts...)
		}
	}
	for name, c := range map[string]struct {
		task func(o *durable.Orchestration) *durable.Task[any]
		want string
	}{
		"activity without a name": {
			func(o *durable.Orchestration) *durable.Task[any] { return durable.CallActivity[any](o, "", nil) }, "activity without a name was called",
		},
		"sub-orchestration without a name": {
			func(o *durable.Orchestration) *durable.Task[any] { return durable.CallSubOrchestrator[any](o, "", nil) },
			"sub-orchestration without a name was called",
		},
		"event without a name": {
			func(o *durable.Orchestration) *durable.Task[any] { return durable.WaitForEvent[any](o, "") },
			"an event without a name was waited for, and none can be raised",
		},
		"input": {
			func(o *durable.Orchestration) *durable.Task[any] { return durable.CallActivity[any](o, "A", func() {}) },
			"the input of activity 'A' cannot be written as JSON: json: unsupported type: func()",
		},
		"instance ID of an activity": {activity(durable.WithInstanceID("a")), "calling activity 'A': WithInstanceID and WithVersion are for sub-orchestrations"},
		"version of an activity":     {activity(durable.WithVersion("1")), "calling activity 'A': WithInstanceID and WithVersion are for sub-orchestrations"},
		"instance ID": {
			sub(durable.WithInstanceID("a/b")), `calling sub-orchestration 'S': 'a/b' cannot be an instance ID: it contains '/'; the characters / \ # ? are not allowed`,
		},
		"own instance ID": {sub(durable.WithInstanceID("x-1")), `calling sub-orchestration 'S': the instance ID "x-1" is the orchestration's own`},
		"first interval": {
			activity(retry(func(p *durable.RetryPolicy) { p.FirstInterval = 0 })), "calling activity 'A': RetryPolicy.FirstInterval is 0s, expected more than 0",
		},
		"attempts": {
			activity(retry(func(p *durable.RetryPolicy) { p.MaxAttempts = 0 })), "calling activity 'A': RetryPolicy.MaxAttempts is 0, expected at least 1",
		},
		"coefficient": {
			activity(retry(func(p *durable.RetryPolicy) { p.BackoffCoefficient = -1 })),
			"calling activity 'A': RetryPolicy.BackoffCoefficient is -1, expected more than 0, or 0 for 1",
		},
		"max interval": {
			sub(retry(func(p *durable.RetryPolicy) { p.MaxInterval = -time.Second })),
			"calling sub-orchestration 'S': RetryPolicy.MaxInterval is -1s, expected more than 0, or 0 for no bound",
		},
		"timeout": {
			sub(retry(func(p *durable.RetryPolicy) { p.Timeout = -time.Second })),
			"calling sub-orchestration 'S': RetryPolicy.Timeout is -1s, expected more than 0, or 0 for no bound",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, run := orchestrate(t, func(o *durable.Orchestration) error {
				task := c.task(o)
				require.True(t, task.Done())
				_, err := task.Await()
				require.EqualError(t, err, c.want)
				return nil
			}, nil)
			output[any](t, run)
			for _, ev := range run.History() {
				require.False(t, ev.Type.IsScheduling())
			}
		})
	}
}

const (
	errBusy   = durable.ErrorType("Busy")
	errBroken = durable.ErrorType("Broken")
)

func TestRetryPolicy(t *testing.T) {
	t.Parallel()
	policy := durable.RetryPolicy{FirstInterval: time.Second, MaxAttempts: 4, BackoffCoefficient: 2}
	for name, c := range map[string]struct {
		errs   []error // of the attempts; nil: it succeeds
		handle func(err error) bool
		calls  int
		takes  time.Duration
		want   string
	}{
		"success at last":  {errs: []error{errBusy, errBusy, errBusy, nil}, calls: 4, takes: 7 * time.Second},
		"given up":         {errs: []error{errBusy, errBusy, errBusy, errBroken}, calls: 4, takes: 7 * time.Second, want: "Broken"},
		"not retriable":    {errs: []error{errBusy, durable.NonRetriable(errBroken)}, calls: 2, takes: time.Second, want: "Broken"},
		"handled":          {errs: []error{errBusy, errBroken}, handle: func(err error) bool { return errors.Is(err, errBusy) }, calls: 2, takes: time.Second, want: "Broken"},
		"success at first": {errs: []error{nil}, calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := durabletest.New(t)
			env.Activity("Flaky", func(context.Context) (string, error) {
				return "done", c.errs[len(env.Calls("Flaky"))-1]
			})
			env.Orchestrator("X", func(o *durable.Orchestration) (string, error) {
				p := policy
				if p.Handle = c.handle; c.handle != nil {
					p.Handle = func(err error) bool {
						var failed *durable.TaskFailedError
						require.ErrorAs(t, err, &failed)
						require.Equal(t, "Flaky", failed.Name)
						return c.handle(err)
					}
				}
				return durable.CallActivity[string](o, "Flaky", nil, durable.WithRetry(p)).Await()
			})
			run := env.Start("X", nil)
			out, err := durabletest.Output[string](run)
			if c.want == "" {
				require.NoError(t, err)
				require.Equal(t, "done", out)
			} else {
				require.ErrorContains(t, err, "Activity function 'Flaky' failed: "+c.want)
			}
			require.Len(t, env.Calls("Flaky"), c.calls)
			require.Equal(t, c.takes, env.Now().Sub(run.History()[0].Timestamp))
		})
	}
}

func TestRetryOfASubOrchestration(t *testing.T) {
	t.Parallel()
	env := durabletest.New(t)
	env.Orchestrator("Child", func(o *durable.Orchestration) (string, error) {
		if len(env.Calls("Child")) < 3 {
			return "", errBusy
		}
		return o.InstanceID(), nil
	})
	env.Orchestrator("X", func(o *durable.Orchestration, id string) (string, error) {
		opts := []durable.CallOption{durable.WithRetry(durable.RetryPolicy{FirstInterval: time.Minute, MaxAttempts: 3})}
		if id != "" {
			opts = append(opts, durable.WithInstanceID(id))
		}
		return durable.CallSubOrchestrator[string](o, "Child", nil, opts...).Await()
	})
	require.Equal(t, "X-1.1:4", output[string](t, env.Start("X", "")), "each attempt has an instance of its own")
	require.Equal(t, "mine", output[string](t, env.Start("X", "mine")))
}

func TestWaitForEventWithin(t *testing.T) {
	t.Parallel()
	fn := func(o *durable.Orchestration) (string, error) {
		first, err := durable.WaitForEventWithin[string](o, "E", time.Hour)
		if err != nil {
			if !errors.Is(err, durable.ErrTimeout) {
				return "", err
			}
			first = err.Error()
		}
		second, err := durable.WaitForEvent[string](o, "E").Await()
		return first + "|" + second, err
	}
	env, run := orchestrate(t, fn, nil)
	run.RaiseEvent("e", "one")
	run.RaiseEvent("E", "two")
	require.Equal(t, "one|two", output[string](t, run))
	require.Zero(t, env.Now().Sub(run.History()[0].Timestamp), "the timer was canceled")

	env, run = orchestrate(t, fn, nil)
	env.Advance(time.Hour)
	run.RaiseEvent("E", "late")
	require.Equal(t, "waiting for event 'E': timed out after 1h0m0s|late", output[string](t, run), "a wait that is over takes no event")

	env, run = orchestrate(t, func(o *durable.Orchestration) (string, error) {
		_, err := durable.WaitForEventWithin[string](o, "", time.Hour)
		return fmt.Sprint(err), nil
	}, nil)
	require.Equal(t, "an event without a name was waited for, and none can be raised", output[string](t, run))
	require.Zero(t, env.Now().Sub(run.History()[0].Timestamp))
}

// Several waits of one name get the events in the order in which they were made, early events first.
func TestEventsInOrder(t *testing.T) {
	t.Parallel()
	_, run := orchestrate(t, func(o *durable.Orchestration) ([]int, error) {
		if _, err := durable.WaitForEvent[any](o, "Go").Await(); err != nil {
			return nil, err
		}
		a, b, c := durable.WaitForEvent[int](o, "N"), durable.WaitForEvent[int](o, "n"), durable.WaitForEvent[int](o, "N")
		return durable.WhenAll(o, c, b, a).Await()
	}, nil)
	run.RaiseEvent("N", 1)
	run.RaiseEvent("n", 2)
	run.RaiseEvent("go", nil)
	require.Equal(t, durable.Running, run.Status())
	run.RaiseEvent("N", 3)
	require.Equal(t, []int{3, 2, 1}, output[[]int](t, run))
	raised := 0
	for _, ev := range run.History() {
		if ev.Type == history.EventRaised {
			raised++
		}
	}
	require.Equal(t, 4, raised)
}
