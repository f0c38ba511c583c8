package goworkflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cschleiden/go-workflows/client"
	"github.com/cschleiden/go-workflows/registry"
	"github.com/cschleiden/go-workflows/worker"
	"github.com/cschleiden/go-workflows/workflow"

	"github.com/durango-functions/durango/bench/engine"
)

// activities are engine.Functions in the form that go-workflows calls.
type activities struct{ functions *engine.Functions }

func (a *activities) SayHello(_ context.Context, name string) (string, error) {
	return a.functions.SayHello(name), nil
}

func (a *activities) Double(_ context.Context, n int) (int, error) { return a.functions.Double(n), nil }

func (a *activities) Step(_ context.Context, n int) (int, error) { return a.functions.Step(n), nil }

func (a *activities) Reverse(_ context.Context, text string) (string, error) {
	return a.functions.Reverse(text), nil
}

// named is the receiver by which workflows name activities.
var named *activities

// workflows call everything with the same retry options.
type workflows struct{ retry workflow.RetryOptions }

func register(w *worker.Worker, functions *engine.Functions, retry workflow.RetryOptions) error {
	all := &workflows{retry}
	errs := []error{w.RegisterActivity(&activities{functions})}
	for name, wf := range map[string]any{
		engine.HelloSequence5: all.helloSequence5, engine.FanOut: all.fanOut, engine.FanOutChildren: all.fanOutChildren, engine.Child: child,
		engine.Timers: timers, engine.CountEvents: countEvents, engine.Countdown: countdown, engine.Sequence: all.sequence,
		engine.SendPayload: all.sendPayload,
	} {
		errs = append(errs, w.RegisterWorkflow(wf, registry.WithName(name)))
	}
	return errors.Join(errs...)
}

func call[T any](ctx workflow.Context, w *workflows, activity workflow.Activity, input any) workflow.Future[T] {
	return workflow.ExecuteActivity[T](ctx, workflow.ActivityOptions{RetryOptions: w.retry}, activity, input)
}

func (w *workflows) helloSequence5(ctx workflow.Context, _ any) ([]string, error) {
	var out []string
	for _, city := range engine.Cities() {
		greeting, err := call[string](ctx, w, named.SayHello, city).Get(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, greeting)
	}
	return out, nil
}

func (w *workflows) fanOut(ctx workflow.Context, n int) (int, error) {
	futures := make([]workflow.Future[int], n)
	for i := range futures {
		futures[i] = call[int](ctx, w, named.Double, i)
	}
	return sum(ctx, futures)
}

func (w *workflows) fanOutChildren(ctx workflow.Context, n int) (int, error) {
	futures := make([]workflow.Future[int], n)
	for i := range futures {
		futures[i] = workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{RetryOptions: w.retry}, engine.Child, i)
	}
	return sum(ctx, futures)
}

func child(_ workflow.Context, n int) (int, error) { return 2 * n, nil }

func sum(ctx workflow.Context, futures []workflow.Future[int]) (int, error) {
	total := 0
	for _, f := range futures {
		n, err := f.Get(ctx)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func timers(ctx workflow.Context, input engine.TimersInput) (int, error) {
	var futures []workflow.Future[any]
	for _, delay := range input.Delays() {
		futures = append(futures, workflow.ScheduleTimer(ctx, delay))
	}
	for _, f := range futures {
		if _, err := f.Get(ctx); err != nil {
			return 0, err
		}
	}
	return len(futures), nil
}

func countEvents(ctx workflow.Context, n int) (int, error) {
	events := workflow.NewSignalChannel[int](ctx, engine.EventName)
	total := 0
	for range n {
		v, _ := events.Receive(ctx)
		total += v
	}
	return total, nil
}

func countdown(ctx workflow.Context, turn engine.Turn) (int, error) {
	if turn.Left == 0 {
		return turn.Done, nil
	}
	return 0, workflow.ContinueAsNew(ctx, engine.Turn{Left: turn.Left - 1, Done: turn.Done + 1})
}

func (w *workflows) sequence(ctx workflow.Context, n int) (int, error) {
	x := 0
	for range n {
		var err error
		if x, err = call[int](ctx, w, named.Step, x).Get(ctx); err != nil {
			return 0, err
		}
	}
	return x, nil
}

func (w *workflows) sendPayload(ctx workflow.Context, size int) (int, error) {
	text, err := call[string](ctx, w, named.Reverse, engine.Payload(size)).Get(ctx)
	if err != nil {
		return 0, err
	}
	return engine.CheckReversed(size, text), nil
}

// result reads a finished workflow's result, as its client does.
func result(ctx context.Context, c *client.Client, instance *workflow.Instance, output any) error {
	raw, err := client.GetWorkflowResult[json.RawMessage](ctx, c, instance, time.Minute)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, output); err != nil {
		return fmt.Errorf("output of '%s': %w", instance.InstanceID, err)
	}
	return nil
}
