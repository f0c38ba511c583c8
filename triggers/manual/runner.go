package manual

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/triggers"
	"github.com/durango-functions/durango/worker"
)

// ErrStopped means that a Runner takes no more functions, and is the cause of the contexts of those that it cancels.
var ErrStopped = durable.ErrHostStops

// Options configure a Runner.
type Options struct {
	// Invoker runs the functions. Required.
	Invoker triggers.Invoker
	// TriggerValue makes the trigger value of functions that are not HTTP functions. nil: the TriggerValue of this package.
	TriggerValue func(fn *functions.Function, input *string) (worker.Value, error)
	// URL returns the URL of an HTTP function, for its request. nil: one on localhost that ends in the function's name.
	URL func(fn *functions.Function) string
}

// Runner runs functions in the background and owns their goroutines.
type Runner struct {
	opts   Options
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	stopped bool
	running sync.WaitGroup
}

// NewRunner returns a Runner. It runs until Stop.
func NewRunner(opts Options) *Runner {
	if opts.TriggerValue == nil {
		opts.TriggerValue = TriggerValue
	}
	if opts.URL == nil {
		opts.URL = func(fn *functions.Function) string { return "http://localhost/" + fn.Name }
	}
	r := &Runner{opts: opts}
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	return r
}

// Start runs a function in the background; its outcome is in the log only. The error says why it has not been started.
func (r *Runner) Start(fn *functions.Function, input *string) error {
	_, err := r.start(fn, input)
	return err
}

// Run runs a function and waits for its outcome. When ctx ends before, the error is its cause, and the function runs on.
func (r *Runner) Run(ctx context.Context, fn *functions.Function, input *string) (Outcome, error) {
	done, err := r.start(fn, input)
	if err != nil {
		return Outcome{}, err
	}
	select {
	case outcome := <-done:
		return outcome, nil
	case <-ctx.Done():
		return Outcome{}, context.Cause(ctx)
	}
}

func (r *Runner) start(fn *functions.Function, input *string) (<-chan Outcome, error) {
	ev, err := NewEvent(fn, input, r.opts.URL(fn), r.opts.TriggerValue)
	if err != nil {
		return nil, err
	}
	ev.InvocationID = uuid.NewString()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return nil, ErrStopped
	}
	done := make(chan Outcome, 1)
	r.running.Go(func() {
		began := time.Now()
		result, err := r.opts.Invoker.Invoke(r.ctx, fn, ev)
		done <- newOutcome(fn, ev.InvocationID, time.Since(began), result, err)
	})
	return done, nil
}

// Stop takes no more functions and waits for those that run. When ctx ends before, their contexts end with ErrStopped, and it waits for
// what then remains. It may be called twice.
func (r *Runner) Stop(ctx context.Context) error {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	ended := make(chan struct{})
	go func() { // ends with the functions, for which Stop waits
		r.running.Wait()
		close(ended)
	}()
	defer r.cancel(ErrStopped)
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		r.cancel(ErrStopped)
		<-ended
		return context.Cause(ctx)
	}
}
