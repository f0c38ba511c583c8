package main

import (
	"errors"
	"time"

	"github.com/durango-functions/durango/durable"
)

func caught(o *durable.Orchestration, _ any) (string, error) {
	_, err := durable.CallActivity[any](o, "Fail", "the reason").Await()
	if err == nil {
		return "", nil
	}
	return err.Error(), nil
}

func uncaught(o *durable.Orchestration, _ any) (any, error) {
	return durable.CallActivity[any](o, "Fail", "nobody catches this").Await()
}

func throwError(o *durable.Orchestration, _ any) (any, error) {
	if _, err := durable.CallActivity[int](o, "Echo", 1).Await(); err != nil {
		return nil, err
	}
	return nil, errors.New("boom")
}

func unknownActivity(o *durable.Orchestration, _ any) (any, error) {
	return durable.CallActivity[any](o, "Nope", 1).Await()
}

func threeTimes() durable.CallOption {
	return durable.WithRetry(durable.RetryPolicy{FirstInterval: 20 * time.Millisecond, MaxAttempts: 3})
}

func retry(o *durable.Orchestration, in flakiness) (object, error) {
	attempt, err := durable.CallActivity[int](o, "Flaky", in, threeTimes()).Await()
	if err != nil {
		return nil, err
	}
	after, err := durable.CallActivity[string](o, "Echo", "after").Await()
	return object{"attempt": attempt, "after": after}, err
}

func retryBackoff(o *durable.Orchestration, in flakiness) (int, error) {
	return durable.CallActivity[int](o, "Flaky", in, durable.WithRetry(durable.RetryPolicy{
		FirstInterval: 10 * time.Millisecond, MaxAttempts: 4, BackoffCoefficient: 2, MaxInterval: 30 * time.Millisecond,
	})).Await()
}

func retryExhausted(o *durable.Orchestration, _ any) (object, error) {
	_, failure := durable.CallActivity[any](o, "Fail", "always",
		durable.WithRetry(durable.RetryPolicy{FirstInterval: 10 * time.Millisecond, MaxAttempts: 2})).Await()
	if failure == nil {
		return nil, nil
	}
	after, err := durable.CallActivity[string](o, "Echo", "after").Await()
	return object{"message": failure.Error(), "after": after}, err
}

func retriesSideBySide(o *durable.Orchestration, _ any) (object, error) {
	attempts, err := durable.WhenAll(o,
		durable.CallActivity[int](o, "Flaky", flakiness{o.InstanceID() + "-a", 2}, threeTimes()),
		durable.CallActivity[int](o, "Flaky", flakiness{o.InstanceID() + "-b", 1}, threeTimes()),
		durable.CallActivity[int](o, "Echo", 1)).Await()
	if err != nil {
		return nil, err
	}
	last, err := durable.CallActivity[string](o, "Echo", "last").Await()
	return object{"attempts": attempts, "last": last}, err
}

func subRetry(o *durable.Orchestration, _ any) (int, error) {
	return durable.CallSubOrchestrator[int](o, "FlakySub", flakiness{o.InstanceID(), 1}, threeTimes()).Await()
}

func flakySub(o *durable.Orchestration, in flakiness) (int, error) {
	return durable.CallActivity[int](o, "Flaky", in).Await()
}

func sub(o *durable.Orchestration, _ any) (object, error) {
	given, err := durable.CallSubOrchestrator[any](o, "Child", "given", durable.WithInstanceID(o.InstanceID()+"-child")).Await()
	if err != nil {
		return nil, err
	}
	generated, err := durable.CallSubOrchestrator[any](o, "Child", "generated").Await()
	return object{"given": given, "generated": generated}, err
}

func child(o *durable.Orchestration, _ any) (any, error) {
	return durable.CallActivity[any](o, "Echo", object{"instanceId": o.InstanceID(), "parentInstanceId": o.ParentInstanceID()}).Await()
}

func subFanOut(o *durable.Orchestration, _ any) ([]int, error) {
	var tasks []*durable.Task[int]
	for n := 1; n <= 5; n++ {
		tasks = append(tasks, durable.CallSubOrchestrator[int](o, "FanOut", n))
	}
	return durable.WhenAll(o, tasks...).Await()
}

func subFails(o *durable.Orchestration, _ any) (string, error) {
	if _, err := durable.CallSubOrchestrator[any](o, "Uncaught", nil).Await(); err != nil {
		return err.Error(), nil
	}
	return "", nil
}

func subWaits(o *durable.Orchestration, _ any) (any, error) {
	return durable.CallSubOrchestrator[any](o, "Event", nil, durable.WithInstanceID(o.InstanceID()+"-child")).Await()
}

func subFixable(o *durable.Orchestration, _ any) ([]string, error) {
	before, err := durable.CallActivity[string](o, "Mark", marking{File: "marks-" + o.InstanceID(), Line: "before"}).Await()
	if err != nil {
		return nil, err
	}
	o.Sleep(20 * time.Millisecond)
	result, err := durable.CallSubOrchestrator[string](o, "FixableChild", object{"name": o.InstanceID()}).Await()
	return []string{before, result}, err
}

func fixableChild(o *durable.Orchestration, in struct {
	Name string `json:"name"`
}) (string, error) {
	return durable.CallActivity[string](o, "Fixable", in.Name).Await()
}

// family waits for three sub-orchestrations, in other partitions, and a timer.
func family(o *durable.Orchestration, _ any) (int, error) {
	timer := o.CreateTimer(50 * time.Millisecond)
	var children []*durable.Task[int]
	for n := 1; n <= 3; n++ {
		children = append(children, durable.CallSubOrchestrator[int](o, "FanOut", n+2))
	}
	sums, err := durable.WhenAll(o, children...).Await()
	if err != nil {
		return 0, err
	}
	_, err = timer.Await()
	return sums[0] + sums[1] + sums[2], err
}
