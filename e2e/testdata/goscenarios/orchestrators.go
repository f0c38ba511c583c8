package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/durango-functions/durango/durable"
)

type object = map[string]any

func steps(o *durable.Orchestration, in struct {
	Steps int    `json:"steps"`
	File  string `json:"file"`
}) (int, error) {
	output := 0
	for i := range in.Steps {
		line := fmt.Sprintf("%s %d", o.InstanceID(), i)
		if _, err := durable.CallActivity[string](o, "Mark", marking{File: in.File, Line: line}).Await(); err != nil {
			return 0, err
		}
		output++
	}
	squares, err := squaresOf(o, 1, 2, 3)
	return output + squares, err
}

// squaresOf sums the squares, reckoned side by side.
func squaresOf(o *durable.Orchestration, numbers ...int) (int, error) {
	tasks := make([]*durable.Task[int], len(numbers))
	for i, n := range numbers {
		tasks[i] = durable.CallActivity[int](o, "Square", n)
	}
	squares, err := durable.WhenAll(o, tasks...).Await()
	sum := 0
	for _, n := range squares {
		sum += n
	}
	return sum, err
}

func sequence(o *durable.Orchestration, _ any) ([]string, error) {
	var output []string
	for _, name := range []string{"Tokyo", "Seattle", "London"} {
		greeting, err := durable.CallActivity[string](o, "Echo", "Hello "+name+"!").Await()
		if err != nil {
			return nil, err
		}
		output = append(output, greeting)
	}
	return output, nil
}

func fanOut(o *durable.Orchestration, n int) (int, error) {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	return squaresOf(o, numbers...)
}

func fanOutFailFast(o *durable.Orchestration, _ any) (string, error) {
	never := durable.CallActivity[any](o, "Gate", "never-"+o.InstanceID())
	if _, err := durable.WhenAll(o, never, durable.CallActivity[any](o, "Fail", "quick")).Await(); err != nil {
		return "caught", nil
	}
	return "", nil
}

func nested(o *durable.Orchestration, _ any) ([]any, error) {
	call := func(value string) *durable.Task[string] { return durable.CallActivity[string](o, "Echo", value) }
	never, first := durable.WaitForEvent[any](o, "Never"), call("any")
	either := durable.WhenAny(o, never, first)
	all := durable.WhenAll(o, call("c"))
	inner := durable.WhenAll(o, call("d"), call("e"))
	c, err := all.Await()
	d, err2 := inner.Await()
	winner, err3 := either.Await()
	if err := errors.Join(err, err2, err3); err != nil || winner != 1 {
		return nil, fmt.Errorf("winner %d: %w", winner, err)
	}
	text, err := first.Await()
	return []any{text, []any{c[0], d}}, err
}

func values(o *durable.Orchestration, in []any) ([]any, error) {
	var output []any
	for _, value := range in {
		v, err := durable.CallActivity[any](o, "Echo", value).Await()
		if err != nil {
			return nil, err
		}
		output = append(output, v)
	}
	return output, nil
}

func gated(o *durable.Orchestration, _ any) ([]string, error) {
	name, err := durable.CallActivity[string](o, "Gate", o.InstanceID()).Await()
	if err != nil {
		return nil, err
	}
	after, err := durable.CallActivity[string](o, "Echo", "after").Await()
	return []string{name, after}, err
}

func long(o *durable.Orchestration, n int) (string, error) {
	for i := range n {
		if _, err := durable.CallActivity[int](o, "Square", i).Await(); err != nil {
			return "", err
		}
	}
	return "done", nil
}

func deterministic(o *durable.Orchestration, _ any) (object, error) {
	now := func() object {
		return object{"guid": o.NewGUID().String(), "time": o.Now().Format("2006-01-02T15:04:05.000Z07:00")}
	}
	first := now()
	if err := o.SetCustomStatus(first); err != nil {
		return nil, err
	}
	if _, err := durable.CallActivity[int](o, "Echo", 1).Await(); err != nil {
		return nil, err
	}
	second := now()
	o.Sleep(30 * time.Millisecond)
	return object{"first": first, "second": second, "third": now()}, nil
}

func counter(o *durable.Orchestration, in struct {
	N int `json:"n"`
}) (int, error) {
	if _, err := durable.CallActivity[int](o, "Echo", in.N).Await(); err != nil {
		return 0, err
	}
	if err := o.SetCustomStatus(in); err != nil {
		return 0, err
	}
	if in.N < 5 {
		in.N++
		return 0, o.ContinueAsNew(in)
	}
	return in.N, nil
}

func timerWins(o *durable.Orchestration, _ any) (string, error) {
	_, err := durable.WaitForEventWithin[any](o, "Never", 100*time.Millisecond)
	if errors.Is(err, durable.ErrTimeout) {
		return "timer", nil
	}
	return "event", err
}

func timerLoses(o *durable.Orchestration, _ any) (string, error) {
	timer, activity := o.CreateTimer(time.Hour), durable.CallActivity[string](o, "Echo", "quick")
	if first, err := durable.WhenAny(o, activity, timer).Await(); err != nil || first != 0 {
		return "timer", err
	}
	timer.Cancel()
	return activity.Await()
}

func twoTimers(o *durable.Orchestration, _ any) (string, error) {
	o.Sleep(50 * time.Millisecond)
	o.Sleep(-40 * time.Millisecond) // in the past
	return "fired", nil
}
