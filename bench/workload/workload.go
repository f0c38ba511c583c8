// Package workload is what each engine is measured with. A workload checks every output that it gets: a wrong or missing one fails the run.
package workload

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/measure"
	"github.com/durango-functions/durango/bench/redisserver"
)

// Sizes say how much is done.
type Sizes struct {
	// WarmUp is how many HelloSequence5 run before each measurement.
	WarmUp int
	// Hellos is how many HelloSequence5 run one after the other, at most for the time Repeat.
	Hellos int
	// InFlight are the numbers of HelloSequence5 that are in flight at once.
	InFlight [2]int
	// Recorded is how many HelloSequence5 the ceiling is made of.
	Recorded int
	// Window is how long new ones begin.
	Window time.Duration
	// FanOut are the numbers of activities of one fan-out.
	FanOut [3]int
	// Children is the number of sub-orchestrations of one fan-out.
	Children int
	// TimerInstances orchestrations have Timers each: a few, and again many.
	TimerInstances int
	Timers         [2]engine.TimersInput
	// Events go to one instance, and again to EventInstances of them.
	Events, EventInstances int
	// Turns is how often an orchestration continues as new.
	Turns int
	// Steps is the number of activities in sequence; the first and the last Edge of them are compared.
	Steps, Edge int
	// Payload is a size in bytes, sent to an activity and back Payloads times.
	Payload, Payloads int
	// Repeat bounds how long something is repeated that is short by itself; it is done once at least.
	Repeat time.Duration
	// Limit bounds one measurement; what has not ended by then is reported as incomplete.
	Limit time.Duration
}

// Run is one measurement: a workload, an engine that was started for it, and the server where that keeps its state.
type Run struct {
	Engine    engine.Engine
	Functions *engine.Functions
	Server    *redisserver.Server // nil for an engine without Redis
	Sizes     Sizes
	// prefix and instances make the instances' IDs.
	prefix    string
	instances atomic.Int64
}

// Workload is one thing to do.
type Workload struct {
	Name  string
	Title string
	// Core workloads are measured with each durability, the others with one.
	Core bool
	// Timers says that it is about timers.
	Timers bool
	Run    func(ctx context.Context, r *Run) (Metrics, error)
}

// IncompleteError is the error of a measurement that ran out of time. It is no mistake of the engine's, and is shown in the report.
type IncompleteError struct {
	Done, Of int
	What     string
	After    time.Duration
}

func (e *IncompleteError) Error() string {
	return fmt.Sprintf("%d of %d %s in %.0f s", e.Done, e.Of, e.What, e.After.Seconds())
}

var errLimit = errors.New("the measurement's time is over")

// Measure runs the workload within the limit of the sizes. Beside an *IncompleteError there may be metrics of the part that was done.
func (w *Workload) Measure(ctx context.Context, r *Run) (Metrics, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.Sizes.Limit, errLimit)
	defer cancel()
	if err := r.warmUp(ctx); err != nil {
		return nil, r.outOfTime(ctx, fmt.Errorf("warming up: %w", err), 0, r.Sizes.WarmUp, "first runs")
	}
	m, err := w.Run(ctx, r)
	if _, known := errors.AsType[*IncompleteError](err); known {
		return m, err
	}
	return m, r.outOfTime(ctx, err, 0, 1, "runs")
}

// overtime reports whether the limit has cut the work short.
func overtime(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errLimit) }

// outOfTime turns the error of work that the limit has cut short into an *IncompleteError.
func (r *Run) outOfTime(ctx context.Context, err error, done, of int, what string) error {
	if err != nil && overtime(ctx) {
		return &IncompleteError{Done: done, Of: of, What: what, After: r.Sizes.Limit}
	}
	return err
}

// warmUp lets the engine open its connections, load its scripts and fill its caches.
func (r *Run) warmUp(ctx context.Context) error {
	return r.concurrently(ctx, 10, r.Sizes.WarmUp, func(ctx context.Context, _ int) error { return r.hello(ctx) })
}

func (r *Run) newID() string { return fmt.Sprintf("%sinstance-%d", r.prefix, r.instances.Add(1)) }

// finish awaits an orchestration and compares its output.
func finish[T any](ctx context.Context, r *Run, id string, want T) error {
	var got T
	if err := r.Engine.Await(ctx, id, &got); err != nil {
		return err
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("instance '%s' returned %v instead of %v", id, got, want)
	}
	return nil
}

// runOne runs an orchestration and compares its output.
func runOne[T any](ctx context.Context, r *Run, orchestrator string, input any, want T) error {
	id := r.newID()
	if err := r.Engine.Create(ctx, id, orchestrator, input); err != nil {
		return err
	}
	return finish(ctx, r, id, want)
}

var greetings = []string{"Hello Tokyo!", "Hello Seattle!", "Hello London!", "Hello Amsterdam!", "Hello Mumbai!"}

func (r *Run) hello(ctx context.Context) error {
	return runOne(ctx, r, engine.HelloSequence5, nil, greetings)
}

// concurrently calls do for 0 to n-1, so many at once. The first error ends it.
func (r *Run) concurrently(ctx context.Context, inFlight, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(inFlight, n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// repeat calls do n times, but no more once the time for repetitions is over, and returns how long each took.
func (r *Run) repeat(n int, do func() error) ([]time.Duration, error) {
	var times []time.Duration
	for began := time.Now(); len(times) < n && (len(times) == 0 || time.Since(began) < r.Sizes.Repeat); {
		start := time.Now()
		if err := do(); err != nil {
			return times, err
		}
		times = append(times, time.Since(start))
	}
	return times, nil
}

// metered measures the costs of some work. They are there also when the work has failed.
func (r *Run) metered(ctx context.Context, work func() error) (*measure.Costs, error) {
	meter, err := measure.Begin(ctx, r.Server)
	if err != nil {
		return nil, err
	}
	failed := work()
	costs, err := meter.End(context.WithoutCancel(ctx))
	return costs, errors.Join(failed, err)
}
