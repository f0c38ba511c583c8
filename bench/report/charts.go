package report

import (
	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/workload"
)

// charts are the report's pictures.
func (r *Results) charts() []*chart {
	throughput := r.byDurability("throughput.svg", r.title(workload.HelloLoaded)+": completed per second", workload.HelloLoaded, workload.PerSecond)
	throughput.more = true
	fanOut := &chart{file: "fan-out.svg", title: "Fan-out: µs per activity"}
	for _, name := range []string{workload.FanOutSmall, workload.FanOutMedium, workload.FanOutLarge} {
		fanOut.groups = append(fanOut.groups, r.group(r.title(name), name, engine.EverySecond, workload.PerItem))
	}
	trips := &chart{file: "round-trips.svg", title: "Round trips to Redis per HelloSequence5"}
	for _, name := range []string{workload.HelloUnloaded, workload.HelloLoaded} {
		trips.groups = append(trips.groups, r.group(r.title(name), name, engine.EverySecond, workload.RoundTrips))
	}
	sequence := &chart{file: "sequence.svg", title: r.title(workload.SequenceLong) + ": µs per activity"}
	for _, edge := range []struct{ label, figure string }{{"the first", workload.FirstEdge}, {"the last", workload.LastEdge}} {
		sequence.groups = append(sequence.groups, r.group(edge.label, workload.SequenceLong, engine.EverySecond, edge.figure))
	}
	return []*chart{
		throughput,
		r.byDurability("latency.svg", r.title(workload.HelloUnloaded)+": median ms", workload.HelloUnloaded, workload.P50),
		fanOut, trips, sequence,
	}
}

// byDurability is a chart of one figure with each durability.
func (r *Results) byDurability(file, title, workloadName, figure string) *chart {
	c := &chart{file: file, title: title}
	for _, d := range engine.Durabilities() {
		c.groups = append(c.groups, r.group("appendonly "+string(d), workloadName, d, figure))
	}
	return c
}

// group is one figure of all engines. An engine without it is left out.
func (r *Results) group(label, workloadName string, d engine.Durability, figure string) group {
	g := group{label: label}
	for i, name := range append(r.engineNames(), Ceiling) {
		if v, ok := r.get(workloadName, d, name, figure); ok {
			g.bars = append(g.bars, bar{name: name, color: i, value: v})
		}
	}
	return g
}
