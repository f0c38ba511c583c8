package main

import (
	"slices"

	"github.com/durango-functions/durango/durable"
)

func event(o *durable.Orchestration, _ any) (any, error) {
	if err := o.SetCustomStatus("waiting"); err != nil {
		return nil, err
	}
	return durable.WaitForEvent[any](o, "Go").Await()
}

func earlyEvent(o *durable.Orchestration, _ any) (any, error) {
	if _, err := durable.CallActivity[string](o, "Gate", o.InstanceID()).Await(); err != nil {
		return nil, err
	}
	return durable.WaitForEvent[any](o, "Go").Await()
}

func earlyEvents(o *durable.Orchestration, _ any) ([]any, error) {
	first, err := earlyEvent(o, nil)
	if err != nil {
		return nil, err
	}
	second, err := durable.WaitForEvent[any](o, "Go").Await()
	return []any{first, second}, err
}

func twoEvents(o *durable.Orchestration, _ any) ([]any, error) {
	return durable.WhenAll(o, durable.WaitForEvent[any](o, "A"), durable.WaitForEvent[any](o, "B")).Await()
}

func eventRace(o *durable.Orchestration, _ any) ([]any, error) {
	names := []string{"A", "B"}
	tasks := []*durable.Task[any]{durable.WaitForEvent[any](o, names[0]), durable.WaitForEvent[any](o, names[1])}
	winner, err := durable.WhenAny(o, tasks[0], tasks[1]).Await()
	if err != nil {
		return nil, err
	}
	result, err := tasks[winner].Await()
	return []any{names[winner], result}, err
}

func eventSum(o *durable.Orchestration, in struct {
	Sum  int `json:"sum"`
	Seen int `json:"seen"`
	Want int `json:"want"`
}) (int, error) {
	n, err := durable.WaitForEvent[int](o, "Add").Await()
	if err != nil {
		return 0, err
	}
	in.Sum, in.Seen = in.Sum+n, in.Seen+1
	if in.Seen == in.Want {
		return in.Sum, nil
	}
	return 0, o.ContinueAsNew(in)
}

func custom(o *durable.Orchestration, _ any) (string, error) {
	for _, status := range []any{object{"phase": "one", "tags": []string{"a", "b"}}, "two"} {
		if err := o.SetCustomStatus(status); err != nil {
			return "", err
		}
		if _, err := durable.WaitForEvent[any](o, "Go").Await(); err != nil {
			return "", err
		}
	}
	return "done", nil
}

type collection struct {
	// Seen are the events so far.
	Seen []string `json:"seen"`
	// Renew is after how many events the orchestrator starts anew; 0: never.
	Renew int `json:"renew"`
}

// collect gathers the events Add, with an activity for each, until one says "end". Its custom status is what it has.
func collect(o *durable.Orchestration, in collection) ([]string, error) {
	seen := slices.Clone(in.Seen)
	for n := 1; ; n++ {
		name, err := durable.WaitForEvent[string](o, "Add").Await()
		if err != nil {
			return nil, err
		}
		if name == "end" {
			return seen, nil
		}
		if name, err = durable.CallActivity[string](o, "Echo", name).Await(); err != nil {
			return nil, err
		}
		seen = append(seen, name)
		if err := o.SetCustomStatus(seen); err != nil {
			return nil, err
		}
		if n == in.Renew {
			return nil, o.ContinueAsNew(collection{Seen: seen, Renew: in.Renew})
		}
	}
}
