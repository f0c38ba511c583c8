package workload

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/measure"
)

// unloaded runs HelloSequence5 one after the other.
func unloaded(ctx context.Context, r *Run) (Metrics, error) {
	m := Metrics{}
	var times []time.Duration
	costs, err := r.metered(ctx, func() (err error) {
		times, err = r.repeat(r.Sizes.Hellos, func() error { return r.hello(ctx) })
		return err
	})
	if err != nil {
		return nil, r.outOfTime(ctx, err, len(times), r.Sizes.Hellos, "runs")
	}
	m.times(times)
	m.perOne(costs, len(times))
	return m, nil
}

// rounds is how often at least each place of a load is used. An engine that serves its queues in order lets all that began together end
// together, so a short stretch of time would show anything between nothing and all.
const rounds = 3

// loaded keeps so many HelloSequence5 in flight: a new one begins when one has completed, until the window is over. The throughput is their
// number by the time from the first start to the last completion.
func loaded(inFlight int) func(context.Context, *Run) (Metrics, error) {
	return func(ctx context.Context, r *Run) (Metrics, error) {
		if err := r.concurrently(ctx, inFlight, inFlight, func(ctx context.Context, _ int) error { return r.hello(ctx) }); err != nil {
			return nil, r.outOfTime(ctx, err, 0, inFlight, "first runs")
		}
		var times []time.Duration
		costs, err := r.metered(ctx, func() (err error) {
			times, err = r.keepBusy(ctx, inFlight)
			return err
		})
		// Too few in too long a time have a throughput all the same.
		if err != nil && (len(times) == 0 || !overtime(ctx)) {
			return nil, r.outOfTime(ctx, err, len(times), rounds*inFlight, "runs")
		}
		m := Metrics{}
		m.times(times)
		m[PerSecond] = float64(len(times)) / costs.Elapsed.Seconds()
		m.perOne(costs, len(times))
		return m, r.outOfTime(ctx, err, len(times), rounds*inFlight, "runs")
	}
}

// keepBusy runs HelloSequence5 in so many places, and returns how long each took.
func (r *Run) keepBusy(ctx context.Context, inFlight int) ([]time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	end := time.Now().Add(r.Sizes.Window)
	var begun atomic.Int64
	var mu sync.Mutex
	var times []time.Duration
	var wg sync.WaitGroup
	for range inFlight {
		wg.Go(func() {
			for begun.Add(1) <= int64(rounds*inFlight) || time.Now().Before(end) {
				began := time.Now()
				if err := r.hello(ctx); err != nil {
					cancel(err)
					return
				}
				took := time.Since(began)
				mu.Lock()
				times = append(times, took)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return times, context.Cause(ctx)
}

// Hellos runs n HelloSequence5, so many in flight.
func Hellos(ctx context.Context, e engine.Engine, n, inFlight int) error {
	r := &Run{Engine: e, prefix: fmt.Sprintf("%d-of-%d-", inFlight, n)}
	return r.concurrently(ctx, inFlight, n, func(ctx context.Context, _ int) error { return r.hello(ctx) })
}

// Replayed are the figures of n HelloSequence5 whose commits were replayed.
func Replayed(c *measure.Costs, n int) Metrics {
	m := Metrics{Runs: float64(n), PerSecond: float64(n) / c.Elapsed.Seconds()}
	m.perOne(c, n)
	return m
}
