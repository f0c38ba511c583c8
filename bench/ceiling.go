package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/durango-functions/durango/bench/ceiling"
	"github.com/durango-functions/durango/bench/durango"
	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/measure"
	"github.com/durango-functions/durango/bench/report"
	"github.com/durango-functions/durango/bench/workload"
)

// replays is how often a recording is replayed: one takes but a second.
const replays = 3

// ceiling records durango's commits of HelloSequence5 and replays them without an engine, in the minute in which the engines did the same. A
// recording is not kept for later: so much memory would change how the engines' garbage is collected.
func (r *runner) ceiling(ctx context.Context, round int, w *workload.Workload, d engine.Durability) error {
	at := slices.IndexFunc(r.kinds, func(k engine.Kind) bool { return k.Name == durango.Name })
	n, inFlight := r.plan.sizes.Hellos, 1
	if w.Name == workload.HelloLoaded {
		n, inFlight = r.plan.sizes.Recorded, r.plan.sizes.InFlight[0]
	}
	if at < 0 || w.Name != workload.HelloUnloaded && w.Name != workload.HelloLoaded {
		return nil
	}
	recording, err := ceiling.Record(ctx, r.dir, r.kinds[at], workload.Hellos, n, inFlight)
	if err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	for range replays {
		costs, gap, err := recording.Replay(ctx, r.dir, d)
		if err != nil {
			return fmt.Errorf("replaying: %w", err)
		}
		m := workload.Replayed(costs, n)
		if inFlight == 1 {
			m[workload.P50] = measure.Millis(gap) * float64(len(recording.Commits)) / float64(n)
		}
		r.results.Add(w.Name, d, report.Ceiling, m, "")
		r.say(round, d, w.Name, report.Ceiling, report.Brief(w.Name, m, "")+fmt.Sprintf(", %.2f commits each", float64(len(recording.Commits))/float64(n)))
	}
	return nil
}
