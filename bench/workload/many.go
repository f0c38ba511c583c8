package workload

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/measure"
)

// timers starts orchestrations whose timers are all due within one stretch of time, and asks how late the last of each was.
func timers(input engine.TimersInput) func(context.Context, *Run) (Metrics, error) {
	return func(ctx context.Context, r *Run) (Metrics, error) {
		n := r.Sizes.TimerInstances
		delays := input.Delays()
		last := delays[len(delays)-1]
		var done atomic.Int64
		late := make([]time.Duration, n)
		costs, err := r.metered(ctx, func() error {
			return r.concurrently(ctx, n, n, func(ctx context.Context, i int) error {
				began := time.Now()
				if err := runOne(ctx, r, engine.Timers, input, input.Count); err != nil {
					return err
				}
				late[i] = time.Since(began) - last
				done.Add(1)
				return nil
			})
		})
		if err != nil {
			return nil, r.outOfTime(ctx, err, int(done.Load()), n, "instances")
		}
		m := Metrics{
			Runs: float64(n), Total: measure.Millis(costs.Elapsed),
			LateP50: measure.Millis(measure.Percentile(late, 50)), LateMax: measure.Millis(measure.Percentile(late, 100)),
		}
		m.perOne(costs, n*input.Count)
		return m, nil
	}
}

// senders is how many clients raise events at once.
const senders = 32

// events raises the events for so many instances that count them, and waits for all their sums.
func events(instances int) func(context.Context, *Run) (Metrics, error) {
	return func(ctx context.Context, r *Run) (Metrics, error) {
		each := r.Sizes.Events / instances
		ids := make([]string, instances)
		for i := range ids {
			ids[i] = r.newID()
		}
		err := r.concurrently(ctx, senders, instances, func(ctx context.Context, i int) error {
			return r.Engine.Create(ctx, ids[i], engine.CountEvents, each)
		})
		if err != nil {
			return nil, r.outOfTime(ctx, err, 0, r.Sizes.Events, "events")
		}
		var done atomic.Int64
		costs, err := r.metered(ctx, func() error {
			// The numbers are 1 to each, so a lost or doubled one shows in the sum.
			err := r.concurrently(ctx, senders, instances*each, func(ctx context.Context, i int) error {
				return r.Engine.Raise(ctx, ids[i%instances], engine.EventName, i/instances+1)
			})
			if err != nil {
				return err
			}
			return r.concurrently(ctx, senders, instances, func(ctx context.Context, i int) error {
				if err := finish(ctx, r, ids[i], each*(each+1)/2); err != nil {
					return err
				}
				done.Add(1)
				return nil
			})
		})
		if err != nil {
			return nil, r.outOfTime(ctx, err, int(done.Load())*each, instances*each, "events counted")
		}
		m := Metrics{Runs: 1, Total: measure.Millis(costs.Elapsed), PerSecond: float64(instances*each) / costs.Elapsed.Seconds()}
		m.perOne(costs, instances*each)
		return m, nil
	}
}
