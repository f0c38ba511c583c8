package durabletest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/durabletest"
)

// nothing is an activity that does nothing.
func nothing(context.Context) error { return nil }

// call calls an activity and waits for it.
func call(o *durable.Orchestration, name string, input any) error {
	_, err := durable.CallActivity[any](o, name, input).Await()
	return err
}

// What is not deterministic fails the test with both sides and the episode.
func TestNonDeterminism(t *testing.T) {
	t.Parallel()
	runs := func() func() int { n := 0; return func() int { n++; return n } }
	for name, c := range map[string]struct {
		fn    func() any
		parts []string
	}{
		"another activity": {
			func() any {
				run := runs()
				return func(o *durable.Orchestration) error {
					if run() > 1 {
						return call(o, "B", nil)
					}
					return call(o, "A", nil)
				}
			},
			[]string{"instance 'X-1' of 'X' is not deterministic. In episode 1\n", "the history has:  a call of activity 'A'\n", "its replay has:   a call of activity 'B'\n",
				"The history before:\n\t0s  ExecutionStarted X\n", "An orchestrator that is run again"},
		},
		"another input": {
			func() any {
				run := runs()
				return func(o *durable.Orchestration) error { return call(o, "A", run()) }
			},
			[]string{"In episode 1\n", "the history has:  a call of activity 'A' with 1\n", "its replay has:   a call of activity 'A' with 2\n", "At run time the recorded one would count"},
		},
		"another time": {
			func() any {
				run := runs()
				return func(o *durable.Orchestration) error { o.Sleep(time.Duration(run()) * time.Hour); return nil }
			},
			[]string{"the history has:  a timer until 1h0m0s\n", "its replay has:   a timer until 2h0m0s\n"},
		},
		"an action more, in its episode": {
			func() any {
				return func(o *durable.Orchestration) error {
					err := call(o, "A", nil)
					o.Sleep(time.Hour)
					if o.IsReplaying() {
						durable.CallActivity[any](o, "B", nil)
					}
					return errors.Join(err, call(o, "A", nil))
				}
			},
			[]string{"In episode 3\n", "the history has:  a call of activity 'A'\n", "its replay has:   a call of activity 'B'\n", "1h0m0s  TimerFired #1\n"},
		},
		"an action less": {
			func() any {
				return func(o *durable.Orchestration) error {
					if !o.IsReplaying() {
						durable.CallActivity[any](o, "B", nil)
					}
					_, err := durable.WaitForEvent[any](o, "E").Await()
					return err
				}
			},
			[]string{"In episode 1\n", "the history has:  a call of activity 'B'\n", "its replay has:   nothing\n"},
		},
		"an action more at the end": {
			func() any {
				return func(o *durable.Orchestration) error {
					if o.IsReplaying() {
						durable.CallActivity[any](o, "B", nil)
					}
					return nil
				}
			},
			[]string{"In episode 1\n", "the history has:  nothing\n", "its replay has:   a call of activity 'B'\n"},
		},
		"another event": {
			func() any {
				run := runs()
				return func(o *durable.Orchestration) error {
					_, err := durable.WaitForEvent[any](o, strings.Repeat("E", run())).Await()
					return err
				}
			},
			[]string{"the history has:  waiting for event 'E'\n", "its replay has:   waiting for event 'EE'\n"},
		},
		"another output": {
			func() any {
				run := runs()
				return func(*durable.Orchestration) (int, error) { return run(), nil }
			},
			[]string{"the history has:  the end of the orchestrator with output 1\n", "its replay has:   the end of the orchestrator with output 2\n"},
		},
		"another start": {
			func() any {
				return func(o *durable.Orchestration) error {
					id := map[bool]string{false: "one", true: "two"}[o.IsReplaying()]
					_, err := o.StartDetached("Other", nil, durable.StartOptions{InstanceID: id})
					return err
				}
			},
			[]string{"the start of 'Other' as instance 'one'", "the start of 'Other' as instance 'two'"},
		},
		"another end": {
			func() any {
				run := runs()
				return func(o *durable.Orchestration) error {
					if run() > 1 {
						return errors.New("no")
					}
					return o.ContinueAsNew(7)
				}
			},
			[]string{"the history has:  a new execution with input 7\n", "its replay has:   the failure of the orchestrator: no\n"},
		},
		"a side effect more": {
			func() any {
				return func(o *durable.Orchestration) error {
					if o.IsReplaying() {
						_, _ = durable.SideEffect(o, func() (int, error) { return 1, nil })
					}
					return call(o, "A", nil)
				}
			},
			[]string{"the history has:  a call of activity 'A'\n", "its replay has:   a side effect\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test := func(tb durabletest.TB, check bool) {
				env := durabletest.New(tb)
				if !check {
					env.SkipReplayCheck()
				}
				env.Orchestrator("X", c.fn())
				env.Orchestrator("Other", func(*durable.Orchestration) error { return nil })
				env.Activity("A", nothing)
				env.Activity("B", nothing)
				env.Start("X", nil)
			}
			requireFailure(t, func(tb durabletest.TB) { test(tb, true) }, c.parts...)
			if name == "another end" {
				return // it never ends without the check
			}
			require.Empty(t, record(func(tb durabletest.TB) { test(tb, false) }).failures)
		})
	}
}

func TestRestartFindsNonDeterminism(t *testing.T) {
	t.Parallel()
	requireFailure(t, func(tb durabletest.TB) {
		env := durabletest.New(tb)
		env.SkipReplayCheck()
		names := []string{"A", "B"}
		env.Orchestrator("X", func(o *durable.Orchestration) error {
			durable.CallActivity[any](o, names[0], nil)
			names = names[1:]
			_, err := durable.WaitForEvent[any](o, "E").Await()
			return err
		})
		env.Activity("A", nothing)
		run := env.Start("X", nil)
		env.Restart()
		run.RaiseEvent("E", nil)
	}, "instance 'X-1' of 'X' was rebuilt from its history and is not deterministic", "recorded as a call of activity 'A', but this replay asks for a call of activity 'B'")
}

// An orchestrator that blocks on something else than its orchestration is named with its place, and ends when it can.
func TestBlocked(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	for name, block := range map[string]func(o *durable.Orchestration){
		"channel":        func(*durable.Orchestration) { <-release },
		"channel, check": func(o *durable.Orchestration) { blockInReplay(o, release) },
		"context":        func(o *durable.Orchestration) { <-o.Context().Done() },
		"deferred function": func(o *durable.Orchestration) {
			defer func() { <-release }()
			o.Sleep(time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireFailure(t, func(tb durabletest.TB) {
				env := durabletest.New(tb)
				env.ManualTime()
				if name != "channel, check" {
					env.SkipReplayCheck()
				}
				env.Orchestrator("X", func(o *durable.Orchestration) error { block(o); return nil })
				env.Start("X", nil)
			}, "instance 'X-1' of 'X' does not", "at github.com/durango-functions/durango/durable/durabletest_test.", "check_test.go:",
				"An orchestrator must not sleep, do I/O, or wait for channels, locks or goroutines: that is for activities")
		})
	}
}

func blockInReplay(o *durable.Orchestration, release chan struct{}) {
	if o.IsReplaying() {
		<-release
	}
}

func TestEndless(t *testing.T) {
	t.Parallel()
	for name, fn := range map[string]func(o *durable.Orchestration) error{
		"eternal":  func(o *durable.Orchestration) error { o.Sleep(time.Hour); return o.ContinueAsNew(nil) },
		"restless": func(o *durable.Orchestration) error { return o.ContinueAsNew(nil) },
		"loop": func(o *durable.Orchestration) error {
			for {
				o.Sleep(time.Hour)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireFailure(t, func(tb durabletest.TB) {
				env := durabletest.New(tb)
				env.MaxEpisodes(2000)
				env.Orchestrator("X", fn)
				env.Start("X", nil)
			}, "2000 episodes have followed one step of the test, the last one of instance 'X-1' of 'X'", "Call ManualTime")
		})
	}
}

func TestEternalByHand(t *testing.T) {
	t.Parallel()
	env := durabletest.New(t)
	env.ManualTime()
	env.Orchestrator("Monitor", func(o *durable.Orchestration, n int) error {
		if err := call(o, "Check", n); err != nil {
			return err
		}
		o.Sleep(time.Hour)
		return o.ContinueAsNew(n + 1)
	})
	env.Activity("Check", nothing)
	run := env.Start("Monitor", 1)
	env.Advance(3*time.Hour + 30*time.Minute)
	require.Equal(t, []int{1, 2, 3, 4}, durabletest.Inputs[int](env, "Check"))
	require.Equal(t, 4, run.Executions())
	require.Equal(t, durable.Running, run.Status())
	run.AssertHistory(`
		0s  ExecutionStarted Monitor 4
		0s  TaskScheduled #0 Check 4
		0s  TaskCompleted #0
		0s  TimerCreated #1 until 1h0m0s`)
}

// Nothing is left when a test ends while orchestrations wait, and their deferred functions know why.
func TestCleanup(t *testing.T) {
	t.Parallel()
	var cause error
	r := record(func(tb durabletest.TB) {
		env := durabletest.New(tb)
		env.SkipReplayCheck()
		env.Orchestrator("X", func(o *durable.Orchestration) error {
			defer func() { cause = context.Cause(o.Context()); o.Logger().Info("ends") }()
			_, err := durable.WaitForEvent[any](o, "E").Await()
			return err
		})
		env.Start("X", nil)
		require.NoError(t, cause)
	})
	require.Empty(t, r.failures)
	require.ErrorIs(t, cause, durable.ErrHostStops)
	require.Equal(t, []string{"level=INFO msg=ends function=X instance_id=X-1"}, r.log)
}
