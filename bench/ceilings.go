package main

import (
	"context"
	"fmt"

	"github.com/durango-functions/durango/bench/ceiling"
	"github.com/durango-functions/durango/bench/durango"
	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/report"
	"github.com/durango-functions/durango/bench/workload"
)

// ceilings records durango's commits of HelloSequence5 and replays them without an engine, with each durability of the core workloads. A
// recording is not kept from round to round: so much memory would change how the engines' garbage is collected.
func (r *runner) ceilings(ctx context.Context, round int) error {
	sizes := r.plan.sizes
	for _, c := range []struct {
		workload    string
		n, inFlight int
	}{{workload.HelloUnloaded, sizes.Hellos, 1}, {workload.HelloLoaded, sizes.Recorded, sizes.InFlight[0]}} {
		if !r.plan.only.MatchString(c.workload) {
			continue
		}
		for _, kind := range r.kinds {
			if kind.Name != durango.Name {
				continue
			}
			if err := r.ceiling(ctx, round, kind, c.workload, c.n, c.inFlight); err != nil {
				return fmt.Errorf("ceiling of %s: %w", c.workload, err)
			}
		}
	}
	return nil
}

func (r *runner) ceiling(ctx context.Context, round int, kind engine.Kind, name string, n, inFlight int) error {
	recording, err := ceiling.Record(ctx, r.dir, kind, workload.Hellos, n, inFlight)
	if err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	for _, d := range r.plan.core {
		costs, err := recording.Replay(ctx, r.dir, d)
		if err != nil {
			return fmt.Errorf("replaying with appendonly %s: %w", d, err)
		}
		m := workload.Replayed(costs, n)
		r.results.Add(name, d, report.Ceiling, m, "")
		r.say(round, d, name, report.Ceiling, report.Brief(name, m, "")+fmt.Sprintf(", %.2f commits each", float64(len(recording.Commits))/float64(n)))
	}
	return nil
}
