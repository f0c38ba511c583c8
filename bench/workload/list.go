package workload

import (
	"fmt"

	"github.com/durango-functions/durango/bench/engine"
)

// The workloads' names. They do not change with the sizes, so that reports of short and long runs have the same rows.
const (
	HelloUnloaded = "hello-1"
	HelloLoaded   = "hello-100"
	HelloFlooded  = "hello-1000"
	FanOutSmall   = "fan-out-100"
	FanOutMedium  = "fan-out-1000"
	FanOutLarge   = "fan-out-10000"
	Children      = "children"
	TimersFew     = "timers-1000"
	TimersMany    = "timers-10000"
	EventsToOne   = "events-to-one"
	EventsToMany  = "events-to-many"
	ContinueAsNew = "continue-as-new"
	SequenceLong  = "sequence"
	PayloadLarge  = "payload"
)

// List is all workloads of those sizes, in the order of the report.
func List(s Sizes) []*Workload {
	return []*Workload{
		{Name: HelloUnloaded, Title: "HelloSequence5, one in flight", Core: true, Run: unloaded},
		{Name: HelloLoaded, Title: fmt.Sprintf("HelloSequence5, %d in flight", s.InFlight[0]), Core: true, Run: loaded(s.InFlight[0])},
		{Name: HelloFlooded, Title: fmt.Sprintf("HelloSequence5, %d in flight", s.InFlight[1]), Core: true, Run: loaded(s.InFlight[1])},
		{Name: FanOutSmall, Title: fmt.Sprintf("Fan-out of %d activities", s.FanOut[0]), Run: fanOut(s.FanOut[0])},
		{Name: FanOutMedium, Title: fmt.Sprintf("Fan-out of %d activities", s.FanOut[1]), Core: true, Run: fanOut(s.FanOut[1])},
		{Name: FanOutLarge, Title: fmt.Sprintf("Fan-out of %d activities", s.FanOut[2]), Run: fanOut(s.FanOut[2])},
		{Name: Children, Title: fmt.Sprintf("Fan-out of %d sub-orchestrations", s.Children), Run: children(s.Children)},
		{Name: TimersFew, Title: s.timers(s.Timers[0]), Timers: true, Run: timers(s.Timers[0])},
		{Name: TimersMany, Title: s.timers(s.Timers[1]), Timers: true, Run: timers(s.Timers[1])},
		{Name: EventsToOne, Title: fmt.Sprintf("%d events to one instance", s.Events), Run: events(1)},
		{Name: EventsToMany, Title: fmt.Sprintf("%d events to %d instances", s.Events, s.EventInstances), Run: events(s.EventInstances)},
		{Name: ContinueAsNew, Title: fmt.Sprintf("Continue as new, %d turns", s.Turns), Run: continueAsNew(s.Turns)},
		{Name: SequenceLong, Title: fmt.Sprintf("%d activities in sequence", s.Steps), Run: sequence},
		{Name: PayloadLarge, Title: fmt.Sprintf("Activity with %d KB in and out", s.Payload/1000), Run: payload},
	}
}

func (s Sizes) timers(each engine.TimersInput) string {
	return fmt.Sprintf("%d timers due within %v", s.TimerInstances*each.Count, each.Spread)
}
