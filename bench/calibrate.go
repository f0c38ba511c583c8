package main

import (
	"context"
	"fmt"
	"time"

	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/goworkflows"
	"github.com/durango-functions/durango/bench/report"
	"github.com/durango-functions/durango/bench/workload"
)

// calibrated is go-workflows with the number of pollers that suits it best on this machine, in HelloSequence5 and in the fan-out that the
// required table compares.
func (r *runner) calibrated(ctx context.Context) (engine.Kind, error) {
	settings := goworkflows.Settings{Retries: r.plan.retries}
	if len(r.plan.pollers) == 1 {
		settings.Pollers = r.plan.pollers[0]
		return goworkflows.Kind(settings), nil
	}
	sizes := r.plan.sizes
	sizes.Window, sizes.Repeat = time.Second, time.Second
	best, most := settings, 0.
	for _, settings.Pollers = range r.plan.pollers {
		product := 1.
		fmt.Fprintf(r.out, "%s with %d + %d pollers:", goworkflows.Name, settings.Pollers, settings.Pollers)
		for _, w := range workload.List(sizes) {
			if w.Name != workload.HelloLoaded && w.Name != workload.FanOutMedium {
				continue
			}
			m, err := r.measure(ctx, goworkflows.Kind(settings), w, engine.EverySecond, sizes)
			if err != nil {
				return engine.Kind{}, fmt.Errorf("with %d pollers: %w", settings.Pollers, err)
			}
			fmt.Fprintf(r.out, " %s %s;", w.Title, report.Brief(w.Name, m, ""))
			product *= m[workload.PerSecond]
		}
		fmt.Fprintln(r.out)
		if product > most {
			best, most = settings, product
		}
	}
	kind := goworkflows.Kind(best)
	kind.About += fmt.Sprintf(" (the best of %v pollers)", r.plan.pollers)
	return kind, nil
}
