package report

import (
	"fmt"

	"github.com/durango-functions/durango/bench/durango"
	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/goworkflows"
	"github.com/durango-functions/durango/bench/workload"
)

// Required is the table of what durango must reach. A row that is not met is said, never a failure: other machines have other figures.
func (r *Results) Required() *Table {
	t := &Table{Header: []string{"required", "wanted", "measured", ""}}
	add := func(what, wanted string, checks ...check) {
		measured, verdict := "", "met"
		for i, c := range checks {
			if i > 0 {
				measured += "; "
			}
			measured += c.measured
			switch {
			case !c.known:
				verdict = "not measured"
			case !c.met && verdict == "met":
				verdict = "not met"
			}
		}
		t.Rows = append(t.Rows, []string{what, wanted, measured, verdict})
	}
	peer := goworkflows.Name
	throughput := func(load string, d engine.Durability) check {
		return r.compare(key{load, d, durango.Name, workload.PerSecond}, key{load, d, peer, workload.PerSecond},
			"/s", func(ratio float64) bool { return ratio >= 10 })
	}
	loaded := r.title(workload.HelloLoaded)
	add(loaded+", everysec", "10 x "+peer+" and 1/6 of the ceiling", throughput(workload.HelloLoaded, engine.EverySecond),
		r.compare(key{workload.HelloLoaded, engine.EverySecond, durango.Name, workload.PerSecond},
			key{workload.HelloLoaded, engine.EverySecond, Ceiling, workload.PerSecond}, "/s", func(ratio float64) bool { return ratio >= 1./6 }))
	add(loaded+", always", "10 x "+peer, throughput(workload.HelloLoaded, engine.Always))
	flooded := r.title(workload.HelloFlooded)
	add(flooded+", everysec", "10 x "+peer, throughput(workload.HelloFlooded, engine.EverySecond))
	add(flooded+", always", "10 x "+peer, throughput(workload.HelloFlooded, engine.Always))
	add(r.title(workload.HelloUnloaded)+", p50", "1/4 of "+peer, r.againstPeer(workload.HelloUnloaded, workload.P50, "ms", 1./4))
	add(r.title(workload.FanOutMedium), "1/10 of "+peer+"' time", r.againstPeer(workload.FanOutMedium, workload.Total, "ms", 1./10))
	add(r.title(workload.FanOutLarge), "1.3 x the time per activity of "+r.title(workload.FanOutMedium),
		r.compare(ours(workload.FanOutLarge, workload.PerItem), ours(workload.FanOutMedium, workload.PerItem), "µs",
			func(ratio float64) bool { return ratio <= 1.3 }))
	// What is flat depends on what one expects, so it is told and not judged.
	heap := r.compare(ours(workload.FanOutLarge, workload.PeakHeap), ours(workload.FanOutMedium, workload.PeakHeap), "MB", func(float64) bool { return true })
	t.Rows = append(t.Rows, []string{r.title(workload.FanOutLarge) + ", peak heap", "flat", heap.measured, "for the reader"})
	add("Round trips per HelloSequence5", "8 unloaded, less than 2 under load",
		r.bound(workload.HelloUnloaded, workload.RoundTrips, func(v float64) bool { return v <= 8 }),
		r.bound(workload.HelloLoaded, workload.RoundTrips, func(v float64) bool { return v < 2 }))
	add("Bytes to Redis per HelloSequence5", "5,000",
		r.bound(workload.HelloUnloaded, workload.BytesIn, func(v float64) bool { return v <= 5000 }),
		r.bound(workload.HelloLoaded, workload.BytesIn, func(v float64) bool { return v <= 5000 }))
	add(r.title(workload.SequenceLong), "the last 1.2 x the time of the first",
		r.compare(ours(workload.SequenceLong, workload.LastEdge), ours(workload.SequenceLong, workload.FirstEdge), "µs",
			func(ratio float64) bool { return ratio <= 1.2 }))
	return t
}

// key names a figure.
type key struct {
	workload   string
	durability engine.Durability
	engine     string
	figure     string
}

func ours(workloadName, figure string) key {
	return key{workloadName, engine.EverySecond, durango.Name, figure}
}

// check is one comparison.
type check struct {
	measured   string
	known, met bool
}

// compare checks the ratio of two figures.
func (r *Results) compare(a, b key, unit string, met func(ratio float64) bool) check {
	x, ok := r.get(a.workload, a.durability, a.engine, a.figure)
	y, ok2 := r.get(b.workload, b.durability, b.engine, b.figure)
	if !ok || !ok2 || y == 0 {
		return check{measured: "-"}
	}
	ratio := x / y
	return check{measured: fmt.Sprintf("%s %s to %s %s, %s x", number(x), unit, number(y), unit, number(ratio)), known: true, met: met(ratio)}
}

func (r *Results) againstPeer(workloadName, figure, unit string, most float64) check {
	theirs := key{workloadName, engine.EverySecond, goworkflows.Name, figure}
	return r.compare(ours(workloadName, figure), theirs, unit, func(ratio float64) bool { return ratio <= most })
}

// bound checks one figure.
func (r *Results) bound(workloadName, figure string, met func(v float64) bool) check {
	v, ok := r.get(workloadName, engine.EverySecond, durango.Name, figure)
	if !ok {
		return check{measured: "-"}
	}
	return check{measured: number(v), known: true, met: met(v)}
}
