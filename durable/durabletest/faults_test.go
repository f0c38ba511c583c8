package durabletest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/durabletest"
)

const carried = " (In and Out are types that JSON can carry, and may be left out)"

// mistakes are those of tests, with what the failure says.
var mistakes = map[string]struct {
	test func(env *durabletest.Env)
	want string
}{
	"no orchestrator": {
		func(env *durabletest.Env) { env.Orchestrator("O", func(context.Context) error { return nil }) },
		"durabletest: orchestrator 'O': the handler is func(context.Context) error: its first parameter is not *durable.Orchestration; " +
			"expected func(o *durable.Orchestration, in In) (Out, error)" + carried,
	},
	"no activity": {
		func(env *durabletest.Env) { env.Activity("A", 7) },
		"durabletest: activity 'A': the handler is int: it is no function; expected func(ctx context.Context, in In) (Out, error)" + carried,
	},
	"no name": {
		func(env *durabletest.Env) { env.Activity("", nothing) },
		"durabletest: the activity has no name",
	},
	"one name twice": {
		func(env *durabletest.Env) { env.Activity("waits", nothing) },
		"durabletest: activity 'waits' has the name of an orchestrator that is registered already",
	},
	"unknown orchestrator": {
		func(env *durabletest.Env) { env.Start("Waitz", nil) },
		"durabletest: no function is registered as 'Waitz'; did you mean 'Waits'?",
	},
	"an activity is started": {
		func(env *durabletest.Env) { env.Start("Nothing", nil) },
		"durabletest: 'Nothing' is registered as an activity, or in place of an orchestrator: it cannot be started",
	},
	"instance ID": {
		func(env *durabletest.Env) { env.StartWith("Waits", nil, durable.StartOptions{InstanceID: "a/b"}) },
		`durabletest: 'a/b' cannot be an instance ID: it contains '/'; the characters / \ # ? are not allowed`,
	},
	"instance runs": {
		func(env *durabletest.Env) { env.StartWith("Waits", nil, durable.StartOptions{InstanceID: "Waits-1"}) },
		"durabletest: starting 'Waits': instance 'Waits-1' of 'Waits' runs",
	},
	"input": {
		func(env *durabletest.Env) { env.Start("Waits", func() {}) },
		"durabletest: the input of orchestrator 'Waits' cannot be written as JSON: json: unsupported type: func()",
	},
	"unknown activity": {
		func(env *durabletest.Env) { env.Start("Calls", "Nothink") },
		"durabletest: instance 'Calls-1' of 'Calls' calls activity 'Nothink': no function is registered as 'Nothink'; did you mean 'Nothing'?",
	},
	"quite unknown activity": {
		func(env *durabletest.Env) { env.Start("Calls", "SomethingElse") },
		"durabletest: instance 'Calls-1' of 'Calls' calls activity 'SomethingElse': no function is registered as 'SomethingElse'; " +
			"register it with Orchestrator, Activity or FakeOrchestrator",
	},
	"an orchestrator as an activity": {
		func(env *durabletest.Env) { env.Start("Calls", "Waits") },
		"durabletest: instance 'Calls-1' of 'Calls' calls activity 'Waits', which is registered as an orchestrator",
	},
	"unknown instance": {
		func(env *durabletest.Env) { env.Run("Waits-2") },
		"durabletest: there is no instance 'Waits-2', only: Waits-1",
	},
	"unknown calls": {
		func(env *durabletest.Env) { env.Calls("Nothin") },
		"durabletest: no function is registered as 'Nothin'; did you mean 'Nothing'?",
	},
	"calls with other inputs": {
		func(env *durabletest.Env) { durabletest.Inputs[int](env, "Waits") },
		"durabletest: the input of call 0 of 'Waits' does not fit int: json: cannot unmarshal string into Go value of type int: \"x\"",
	},
	"output of what waits": {
		func(env *durabletest.Env) { _, _ = durabletest.Output[int](env.Run("Waits-1")) },
		"durabletest: instance 'Waits-1' of 'Waits' is Running and waits for event 'E'; it has not ended: raise the event",
	},
	"output of what could expire": {
		func(env *durabletest.Env) { _, _ = durabletest.Output[int](env.Start("Expires", nil)) },
		"durabletest: instance 'Expires-1' of 'Expires' is Running and waits for any of event 'E', timer #0; it has not ended: " +
			"raise an event, or move the clock by 1h0m0s with Advance",
	},
	"output of what sleeps while another waits": {
		func(env *durabletest.Env) { _, _ = durabletest.Output[int](env.Start("Sleeps", nil)) },
		"durabletest: instance 'Sleeps-1' of 'Sleeps' is Running and waits for timer #0; it has not ended: the clock does not go on by itself " +
			"(Advance moves it), because instance 'Waits-1' of 'Waits' is Running and waits for event 'E'",
	},
	"output of what sleeps by hand": {
		func(env *durabletest.Env) {
			env.ManualTime()
			_, _ = durabletest.Output[int](env.Start("Sleeps", nil))
		},
		"durabletest: instance 'Sleeps-1' of 'Sleeps' is Running and waits for timer #0; it has not ended: move the clock by 1h0m0s with Advance",
	},
	"output of what is suspended": {
		func(env *durabletest.Env) {
			run := env.Run("Waits-1")
			run.Suspend("")
			_, _ = durabletest.Output[int](run)
		},
		"durabletest: instance 'Waits-1' of 'Waits' is Suspended and waits for event 'E'; it has not ended: call Resume",
	},
	"output of another type": {
		func(env *durabletest.Env) {
			run := env.Run("Waits-1")
			run.RaiseEvent("E", "text")
			_, _ = durabletest.Output[int](run)
		},
		"durabletest: the output of instance 'Waits-1' of 'Waits' does not fit int: json: cannot unmarshal string into Go value of type int: \"text\"",
	},
	"custom status of another type": {
		func(env *durabletest.Env) { durabletest.CustomStatus[int](env.Run("Waits-1")) },
		"durabletest: the custom status of instance 'Waits-1' of 'Waits' does not fit int: json: cannot unmarshal string into Go value of type int: \"x\"",
	},
	"event without a name": {
		func(env *durabletest.Env) { env.Run("Waits-1").RaiseEvent("", nil) },
		"durabletest: an event for instance 'Waits-1' has no name; give the name that the orchestrator waits for",
	},
	"event for what has ended": {
		func(env *durabletest.Env) {
			run := env.Run("Waits-1")
			run.RaiseEvent("E", nil)
			run.RaiseEvent("E", nil)
		},
		"durabletest: event 'E': instance 'Waits-1' of 'Waits' has ended as Completed",
	},
	"end of what has ended": {
		func(env *durabletest.Env) { run := env.Run("Waits-1"); run.Terminate(""); run.Terminate("") },
		"durabletest: cannot terminate instance 'Waits-1' of 'Waits': it has ended as Terminated",
	},
	"suspended twice": {
		func(env *durabletest.Env) { run := env.Run("Waits-1"); run.Suspend(""); run.Suspend("") },
		"durabletest: instance 'Waits-1' of 'Waits': orchestration instance is suspended already",
	},
	"not suspended": {
		func(env *durabletest.Env) { env.Run("Waits-1").Resume("") },
		"durabletest: instance 'Waits-1' of 'Waits': orchestration instance is not suspended",
	},
	"the clock is set late": {
		func(env *durabletest.Env) { env.SetTime(time.Now()) },
		"durabletest: the time can be set only before the first orchestration is started; use Advance",
	},
	"the clock goes back": {
		func(env *durabletest.Env) { env.Advance(-time.Second) },
		"durabletest: the clock cannot go back by 1s",
	},
	"an activity moves the clock": {
		func(env *durabletest.Env) { env.Start("Calls", "Advances") },
		"durabletest: an activity, or a function of After, cannot move the clock; let it take its time with Takes",
	},
	"an activity restarts": {
		func(env *durabletest.Env) { env.Start("Calls", "Restarts") },
		"durabletest: an activity, or a function of After, cannot restart its own world",
	},
	"history": {
		func(env *durabletest.Env) {
			env.Run("Waits-1").AssertHistory("0s ExecutionStarted Waits \"y\"\n0s EventRaised E")
		},
		`durabletest: the history of instance 'Waits-1' of 'Waits' is not the wanted one (-wanted +got):
- 0s  ExecutionStarted Waits "y"
- 0s  EventRaised E
+ 0s  ExecutionStarted Waits "x"

The history is:
0s  ExecutionStarted Waits "x"
`,
	},
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range mistakes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(func(tb durabletest.TB) {
				env := durabletest.New(tb)
				env.Orchestrator("Waits", func(o *durable.Orchestration, in string) (any, error) {
					if err := o.SetCustomStatus(in); err != nil {
						return nil, err
					}
					return durable.WaitForEvent[any](o, "E").Await()
				})
				env.Orchestrator("Sleeps", func(o *durable.Orchestration) error { o.Sleep(time.Hour); return nil })
				env.Orchestrator("Expires", func(o *durable.Orchestration) error {
					_, err := durable.WaitForEventWithin[any](o, "E", time.Hour)
					return err
				})
				env.Orchestrator("Calls", func(o *durable.Orchestration, name string) error { return call(o, name, nil) })
				env.Activity("Nothing", nothing)
				env.Activity("Advances", func(context.Context) error { env.Advance(time.Second); return nil })
				env.Activity("Restarts", func(context.Context) error { env.Restart(); return nil })
				env.Start("Waits", "x")
				c.test(env)
			})
			require.Equal(t, []string{c.want}, r.failures)
		})
	}
}

// After a failure of the world, its steps say the same again: they cannot go on.
func TestBroken(t *testing.T) {
	t.Parallel()
	r := record(func(tb durabletest.TB) {
		env := durabletest.New(tb)
		env.Orchestrator("Calls", func(o *durable.Orchestration, name string) error { return call(o, name, nil) })
		tb.Cleanup(func() { env.Advance(time.Second) })
		env.Start("Calls", "Unknown")
	})
	require.Len(t, r.failures, 2)
	require.Equal(t, r.failures[0], r.failures[1])
}
