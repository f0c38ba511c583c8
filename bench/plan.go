package main

import (
	"regexp"
	"slices"
	"time"

	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/workload"
)

// plan says what is measured.
type plan struct {
	rounds int
	sizes  workload.Sizes
	// core are the durabilities of the core workloads, rest those of the others.
	core, rest []engine.Durability
	// only chooses workloads by name.
	only *regexp.Regexp
	// pollers are the numbers that go-workflows is tried with; the best is used.
	pollers []int
	// retries leaves go-workflows' retry options at their defaults.
	retries bool
}

// full is the plan of "make bench".
func full() *plan {
	return &plan{
		rounds: 3,
		sizes: workload.Sizes{
			WarmUp: 30, Hellos: 200, Recorded: 5000, InFlight: [2]int{100, 1000}, Window: 3 * time.Second,
			FanOut: [3]int{100, 1000, 10_000}, Children: 1000,
			TimerInstances: 100, Timers: [2]engine.TimersInput{
				{Count: 10, Lead: 2 * time.Second, Spread: time.Second}, {Count: 100, Lead: 2 * time.Second, Spread: time.Second},
			},
			Events: 10_000, EventInstances: 1000, Turns: 1000, Steps: 10_000, Edge: 1000,
			Payload: 1_000_000, Payloads: 20, Repeat: 3 * time.Second, Limit: 30 * time.Second,
		},
		core: engine.Durabilities(), rest: []engine.Durability{engine.EverySecond},
		only: regexp.MustCompile(""), pollers: []int{8, 16, 32, 64},
	}
}

// smoke is the plan of "make bench-smoke": everything runs, and its figures say nothing.
func smoke() *plan {
	return &plan{
		rounds: 1,
		sizes: workload.Sizes{
			WarmUp: 10, Hellos: 5, Recorded: 50, InFlight: [2]int{10, 50}, Window: 300 * time.Millisecond,
			FanOut: [3]int{10, 50, 100}, Children: 20,
			TimerInstances: 5, Timers: [2]engine.TimersInput{
				{Count: 2, Lead: 300 * time.Millisecond, Spread: 200 * time.Millisecond},
				{Count: 5, Lead: 300 * time.Millisecond, Spread: 200 * time.Millisecond},
			},
			Events: 100, EventInstances: 10, Turns: 10, Steps: 30, Edge: 10,
			Payload: 100_000, Payloads: 2, Repeat: 500 * time.Millisecond, Limit: 10 * time.Second,
		},
		core: []engine.Durability{engine.EverySecond}, rest: []engine.Durability{engine.EverySecond},
		only: regexp.MustCompile(""), pollers: []int{16},
	}
}

// workloads lists those that are measured with a durability.
func (p *plan) workloads(d engine.Durability) []*workload.Workload {
	var out []*workload.Workload
	for _, w := range workload.List(p.sizes) {
		ds := p.rest
		if w.Core {
			ds = p.core
		}
		if p.only.MatchString(w.Name) && slices.Contains(ds, d) {
			out = append(out, w)
		}
	}
	return out
}
