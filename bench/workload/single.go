package workload

import (
	"context"
	"time"

	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/measure"
)

// repeated measures an orchestration of n items that is long by itself: a few runs, one after the other.
func repeated(ctx context.Context, r *Run, runs, n int, what string, run func() error) (Metrics, error) {
	m := Metrics{}
	var times []time.Duration
	calls := r.Functions.Calls()
	costs, err := r.metered(ctx, func() (err error) {
		times, err = r.repeat(runs, run)
		return err
	})
	// A run that the limit has cut short does not count when there are others.
	if err != nil && (len(times) == 0 || !overtime(ctx)) {
		return nil, r.outOfTime(ctx, err, r.Functions.Calls()-calls, n, what)
	}
	m.times(times)
	m[Total] = m[P50]
	m[PerItem] = 1000 * m[P50] / float64(n)
	m[PerSecond] = 1e6 / m[PerItem]
	m.perOne(costs, len(times))
	return m, nil
}

// fanOut runs n activities at once in one orchestration.
func fanOut(n int) func(context.Context, *Run) (Metrics, error) {
	return func(ctx context.Context, r *Run) (Metrics, error) {
		if err := runOne(ctx, r, engine.FanOut, 10, 90); err != nil {
			return nil, err
		}
		return repeated(ctx, r, 10, n, "activities", func() error { return runOne(ctx, r, engine.FanOut, n, n*(n-1)) })
	}
}

// children runs n sub-orchestrations at once in one orchestration.
func children(n int) func(context.Context, *Run) (Metrics, error) {
	return func(ctx context.Context, r *Run) (Metrics, error) {
		if err := runOne(ctx, r, engine.FanOutChildren, 10, 90); err != nil {
			return nil, err
		}
		return repeated(ctx, r, 5, n, "sub-orchestrations", func() error { return runOne(ctx, r, engine.FanOutChildren, n, n*(n-1)) })
	}
}

// continueAsNew lets one orchestration continue as new n times.
func continueAsNew(n int) func(context.Context, *Run) (Metrics, error) {
	return func(ctx context.Context, r *Run) (Metrics, error) {
		if err := runOne(ctx, r, engine.Countdown, engine.Turn{Left: 2}, 2); err != nil {
			return nil, err
		}
		return repeated(ctx, r, 5, n, "turns", func() error { return runOne(ctx, r, engine.Countdown, engine.Turn{Left: n}, n) })
	}
}

// payload sends a large text to an activity and back.
func payload(ctx context.Context, r *Run) (Metrics, error) {
	if err := runOne(ctx, r, engine.SendPayload, 1000, 1000); err != nil {
		return nil, err
	}
	size := r.Sizes.Payload
	return repeated(ctx, r, r.Sizes.Payloads, 1, "payloads", func() error { return runOne(ctx, r, engine.SendPayload, size, size) })
}

// sequence runs n activities one after the other in one orchestration, and compares the first with the last.
func sequence(ctx context.Context, r *Run) (Metrics, error) {
	n, edge := r.Sizes.Steps, r.Sizes.Edge
	m := Metrics{}
	costs, err := r.metered(ctx, func() error { return runOne(ctx, r, engine.Sequence, n, n) })
	steps := r.Functions.Steps()
	if len(steps) > edge {
		m[FirstEdge] = measure.Micros(steps[edge].Sub(steps[0])) / float64(edge)
		m[LastEdge] = measure.Micros(steps[len(steps)-1].Sub(steps[len(steps)-1-edge])) / float64(edge)
	}
	if err != nil {
		return m, r.outOfTime(ctx, err, len(steps), n, "activities")
	}
	m[Runs] = 1
	m[Total] = measure.Millis(costs.Elapsed)
	m[PerItem] = measure.Micros(costs.Elapsed) / float64(n)
	m[PerSecond] = float64(n) / costs.Elapsed.Seconds()
	m.perOne(costs, 1)
	return m, nil
}
