package durable_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
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

// sayHello is an activity.
func sayHello(_ context.Context, name string) (string, error) { return "Hello " + name + "!", nil }

// An orchestrator calls activities. Each call survives the host: what has completed is not run again.
func ExampleCallActivity() {
	helloSequence := func(o *durable.Orchestration) ([]string, error) {
		var out []string
		for _, city := range []string{"Tokyo", "Seattle", "London"} {
			greeting, err := durable.CallActivity[string](o, "SayHello", city).Await()
			if err != nil {
				return nil, err
			}
			out = append(out, greeting)
		}
		return out, nil
	}

	env := durabletest.New(t)
	env.Orchestrator("HelloSequence", helloSequence)
	env.Activity("SayHello", sayHello)
	fmt.Println(durabletest.Output[[]string](env.Start("HelloSequence", nil)))
	// Output: [Hello Tokyo! Hello Seattle! Hello London!] <nil>
}

// Fan-out and fan-in: activities run side by side, and their results come in the order of the calls.
func ExampleWhenAll() {
	countAll := func(o *durable.Orchestration, files []string) (int, error) {
		var counts []*durable.Task[int]
		for _, file := range files {
			counts = append(counts, durable.CallActivity[int](o, "CountWords", file))
		}
		all, err := durable.WhenAll(o, counts...).Await()
		if err != nil {
			return 0, err
		}
		sum := 0
		for _, n := range all {
			sum += n
		}
		return sum, nil
	}

	env := durabletest.New(t)
	env.Orchestrator("CountAll", countAll)
	env.Activity("CountWords", func(_ context.Context, text string) (int, error) { return len(strings.Fields(text)), nil })
	fmt.Println(durabletest.Output[int](env.Start("CountAll", []string{"to be", "or not to be", ""})))
	// Output: 6 <nil>
}

// The first of several tasks decides. A timer that lost is canceled, so that the orchestration does not wait for it.
func ExampleWhenAny() {
	quote := func(o *durable.Orchestration) (string, error) {
		price := durable.CallActivity[string](o, "AskForPrice", nil)
		tooLate := o.CreateTimer(time.Minute)
		first, err := durable.WhenAny(o, price, tooLate).Await()
		switch {
		case err != nil:
			return "", err
		case first == 1:
			return "no price in time", nil
		}
		tooLate.Cancel()
		return price.Await()
	}

	for _, takes := range []time.Duration{time.Second, time.Hour} {
		env := durabletest.New(t)
		env.Orchestrator("Quote", quote)
		env.Activity("AskForPrice", func(context.Context) (string, error) { return "12 EUR", nil }, durabletest.Takes(takes))
		fmt.Println(durabletest.Output[string](env.Start("Quote", nil)))
	}
	// Output:
	// 12 EUR <nil>
	// no price in time <nil>
}

// A failed call is tried again, with growing intervals.
func ExampleRetryPolicy() {
	pay := func(o *durable.Orchestration) (string, error) {
		return durable.CallActivity[string](o, "Pay", nil, durable.WithRetry(durable.RetryPolicy{
			FirstInterval:      10 * time.Second,
			BackoffCoefficient: 2,
			MaxAttempts:        5,
		})).Await()
	}

	env := durabletest.New(t)
	env.Orchestrator("Order", pay)
	env.Activity("Pay", func(context.Context) (string, error) {
		attempt := len(env.Calls("Pay"))
		fmt.Println("attempt", attempt, "at", env.Now().Format(time.TimeOnly))
		if attempt < 4 {
			return "", errors.New("the bank is busy")
		}
		return "paid", nil
	})
	fmt.Println(durabletest.Output[string](env.Start("Order", nil)))
	// Output:
	// attempt 1 at 00:00:00
	// attempt 2 at 00:00:10
	// attempt 3 at 00:00:30
	// attempt 4 at 00:01:10
	// paid <nil>
}

// An approval that somebody gives, or that expires.
func ExampleWaitForEventWithin() {
	approval := func(o *durable.Orchestration) (string, error) {
		by, err := durable.WaitForEventWithin[string](o, "Approved", 72*time.Hour)
		if errors.Is(err, durable.ErrTimeout) {
			return "expired", nil
		}
		return "approved by " + by, err
	}

	env := durabletest.New(t)
	env.Orchestrator("Approval", approval)

	run := env.Start("Approval", nil)
	run.RaiseEvent("Approved", "Ann")
	fmt.Println(durabletest.Output[string](run))

	run = env.Start("Approval", nil)
	env.Advance(72 * time.Hour)
	fmt.Println(durabletest.Output[string](run))
	// Output:
	// approved by Ann <nil>
	// expired <nil>
}

// An orchestration that goes on for ever starts anew from time to time, so that its history stays short. Events that it has not got yet
// are kept.
func ExampleOrchestration_ContinueAsNew() {
	counter := func(o *durable.Orchestration, sum int) (int, error) {
		n, err := durable.WaitForEvent[int](o, "Add").Await()
		if err != nil {
			return 0, err
		}
		if n == 0 {
			return sum, nil
		}
		return 0, o.ContinueAsNew(sum + n)
	}

	env := durabletest.New(t)
	env.Orchestrator("Counter", counter)
	run := env.Start("Counter", 0)
	for _, n := range []int{1, 2, 3, 0} {
		run.RaiseEvent("Add", n)
	}
	fmt.Println(durabletest.Output[int](run))
	fmt.Println(run.Executions(), "executions")
	// Output:
	// 6 <nil>
	// 4 executions
}

// An orchestration is a part of another one.
func ExampleCallSubOrchestrator() {
	order := func(o *durable.Orchestration, items []string) ([]string, error) {
		var parcels []*durable.Task[string]
		for _, item := range items {
			parcels = append(parcels, durable.CallSubOrchestrator[string](o, "Ship", item, durable.WithInstanceID(o.InstanceID()+"-"+item)))
		}
		return durable.WhenAll(o, parcels...).Await()
	}
	ship := func(o *durable.Orchestration, item string) (string, error) {
		o.Sleep(24 * time.Hour)
		return o.InstanceID() + " shipped", nil
	}

	env := durabletest.New(t)
	env.Orchestrator("Order", order)
	env.Orchestrator("Ship", ship)
	fmt.Println(durabletest.Output[[]string](env.Start("Order", []string{"book", "pen"})))
	// Output: [Order-1-book shipped Order-1-pen shipped] <nil>
}

// What an orchestrator may not do itself, such as reading the environment, is done once and recorded.
func ExampleSideEffect() {
	region := func(o *durable.Orchestration) (string, error) {
		region, err := durable.SideEffect(o, func() (string, error) {
			fmt.Println("reading the environment")
			if value := os.Getenv("DURANGO_EXAMPLE_REGION"); value != "" {
				return value, nil
			}
			return "nowhere", nil
		})
		if err != nil {
			return "", err
		}
		o.Sleep(time.Hour) // after a restart, the recorded value is there
		return region, nil
	}

	env := durabletest.New(t)
	env.Orchestrator("Region", region)
	fmt.Println(durabletest.Output[string](env.Start("Region", nil)))
	// Output:
	// reading the environment
	// nowhere <nil>
}

// A kind of failure is recognised by the orchestrator, on whatever host the activity ran.
func ExampleErrorType() {
	const errCardDeclined = durable.ErrorType("CardDeclined")

	order := func(o *durable.Orchestration, amount int) (string, error) {
		_, err := durable.CallActivity[any](o, "Charge", amount).Await()
		if errors.Is(err, errCardDeclined) {
			return "please pay in cash", nil
		}
		return "thank you", err
	}

	env := durabletest.New(t)
	env.Orchestrator("Order", order)
	env.Activity("Charge", func(_ context.Context, amount int) error {
		if amount > 100 {
			return fmt.Errorf("%w: the limit is 100", errCardDeclined)
		}
		return nil
	})
	fmt.Println(durabletest.Output[string](env.Start("Order", 12)))
	fmt.Println(durabletest.Output[string](env.Start("Order", 120)))
	// Output:
	// thank you <nil>
	// please pay in cash <nil>
}

// An orchestration that nobody waits for.
func ExampleOrchestration_StartDetached() {
	env := durabletest.New(t)
	env.Orchestrator("Order", func(o *durable.Orchestration) (string, error) {
		return o.StartDetached("Survey", "How was it?", durable.StartOptions{InstanceID: o.InstanceID() + "-survey"})
	})
	env.Orchestrator("Survey", func(o *durable.Orchestration, question string) (string, error) {
		o.Sleep(7 * 24 * time.Hour)
		return question, nil
	})
	id, err := durabletest.Output[string](env.Start("Order", nil))
	fmt.Println(id, err)
	fmt.Println(durabletest.Output[string](env.Run(id)))
	// Output:
	// Order-1-survey <nil>
	// How was it? <nil>
}
