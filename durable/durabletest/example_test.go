package durabletest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/durabletest"
)

// t is the test of the examples: one that fails panics.
var t printer

type printer struct{}

func (printer) Helper()                           {}
func (printer) Cleanup(func())                    {}
func (printer) Logf(format string, args ...any)   { fmt.Printf(format+"\n", args...) }
func (printer) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (printer) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// Approve asks for an approval and reminds after a day.
func Approve(o *durable.Orchestration, what string) (string, error) {
	for reminders := 0; ; reminders++ {
		by, err := durable.WaitForEventWithin[string](o, "Approved", 24*time.Hour)
		switch {
		case err == nil:
			return fmt.Sprintf("%s was approved by %s after %d reminders", what, by, reminders), nil
		case !errors.Is(err, durable.ErrTimeout):
			return "", err
		}
		if _, err := durable.CallActivity[any](o, "Remind", what).Await(); err != nil {
			return "", err
		}
	}
}

// A test starts an orchestration, and decides what happens while it waits. In a test, t is its *testing.T.
func Example() {
	env := durabletest.New(t)
	env.Orchestrator("Approve", Approve)
	env.Activity("Remind", func(_ context.Context, what string) error {
		fmt.Println("reminding of", what, "on", env.Now().Format(time.DateOnly))
		return nil
	})

	run := env.Start("Approve", "the invoice")
	fmt.Println(run)
	env.Advance(48 * time.Hour)
	run.RaiseEvent("Approved", "Ann")

	fmt.Println(durabletest.Output[string](run))
	fmt.Println(len(env.Calls("Remind")), "calls")
	// Output:
	// instance 'Approve-1' of 'Approve' is Running and waits for any of event 'Approved', timer #0
	// reminding of the invoice on 2030-01-02
	// reminding of the invoice on 2030-01-03
	// the invoice was approved by Ann after 2 reminders <nil>
	// 2 calls
}

// What happens later can be said at the beginning.
func ExampleEnv_After() {
	env := durabletest.New(t)
	env.Orchestrator("Approve", Approve)
	env.Activity("Remind", func(context.Context) error { return nil })
	env.After(36*time.Hour, func() { env.Run("Approve-1").RaiseEvent("Approved", "Bob") })
	run := env.Start("Approve", "the offer")
	fmt.Println(durabletest.Output[string](run))
	// Output: the offer was approved by Bob after 1 reminders <nil>
}

// A history in its readable form can be compared with AssertHistory.
func ExampleFormat() {
	env := durabletest.New(t)
	env.Orchestrator("Greet", func(o *durable.Orchestration, name string) (string, error) {
		o.Sleep(time.Minute)
		return durable.CallActivity[string](o, "Hello", name).Await()
	})
	env.Activity("Hello", func(_ context.Context, name string) (string, error) { return "Hello " + name, nil }, durabletest.Takes(time.Second))
	run := env.Start("Greet", "Tokyo")
	fmt.Print(durabletest.Format(run.History()))
	// Output:
	// 0s    ExecutionStarted Greet "Tokyo"
	// 0s    TimerCreated #0 until 1m0s
	// 1m0s  TimerFired #0
	// 1m0s  TaskScheduled #1 Hello "Tokyo"
	// 1m1s  TaskCompleted #1 "Hello Tokyo"
	// 1m1s  ExecutionCompleted Completed "Hello Tokyo"
}

// Changed code is checked against histories that older code has left.
func ExampleReplay() {
	env := durabletest.New(t)
	env.Orchestrator("Greet", func(o *durable.Orchestration, name string) (string, error) {
		return durable.CallActivity[string](o, "Hello", name).Await()
	})
	env.Activity("Hello", func(_ context.Context, name string) (string, error) { return "Hello " + name, nil })
	recorded := env.Start("Greet", "Tokyo").History() // or of a file: durabletest.ReadHistory(t, "testdata/greet.json")

	durabletest.Replay(t, func(o *durable.Orchestration, name string) (string, error) {
		if _, err := durable.CallActivity[any](o, "Log", name).Await(); err != nil {
			return "", err
		}
		return durable.CallActivity[string](o, "Hello", name).Await()
	}, recorded)
	// Output:
	// durabletest: instance 'Greet-1' of 'Greet' is not deterministic. In episode 1
	// 	the history has:  a call of activity 'Hello' with "Tokyo"
	// 	its replay has:   a call of activity 'Log' with "Tokyo"
	// The history before:
	// 	0s  ExecutionStarted Greet "Tokyo"
	// An orchestrator that is run again over its history must ask for the same things in the same order. Take time, random numbers and GUIDs from its Orchestration, leave I/O to activities, range over the sorted keys of maps, and keep nothing in variables that outlive a run; durable.SideEffect records what cannot be repeated.
}
