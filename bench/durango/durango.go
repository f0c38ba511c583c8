package durango

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/durango-functions/durango"
	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/durable"
)

// Kind is durango with its defaults.
func Kind() engine.Kind {
	return engine.Kind{Name: Name, About: "durango " + durango.Version + ", Go API, defaults", Redis: true, MustFinish: true, Begin: begin}
}

type host struct {
	host   *durango.Host
	client *durable.Client
}

func begin(ctx context.Context, store engine.Store, functions *engine.Functions) (engine.Engine, error) {
	app := durango.NewApp()
	register(app, functions)
	h, err := app.Start(ctx, durango.Config{
		RedisURL: "redis://" + store.Redis, HubName: "bench", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	return &host{host: h, client: h.Client()}, nil
}

func (h *host) Create(ctx context.Context, id, orchestrator string, input any) error {
	_, err := h.client.Start(ctx, orchestrator, input, durable.StartOptions{InstanceID: id})
	return err
}

func (h *host) Await(ctx context.Context, id string, output any) error {
	st, err := h.client.WaitForCompletion(ctx, id)
	if err != nil {
		return err
	}
	if st.RuntimeStatus != durable.Completed {
		return fmt.Errorf("instance '%s' is %s: %s", id, st.RuntimeStatus, st.Output)
	}
	if err := json.Unmarshal(st.Output, output); err != nil {
		return fmt.Errorf("output of '%s': %w", id, err)
	}
	return nil
}

func (h *host) Raise(ctx context.Context, id, event string, data any) error {
	return h.client.RaiseEvent(ctx, id, event, data)
}

func (h *host) Stop(ctx context.Context) error { return h.host.Stop(ctx) }

func register(app *durango.App, functions *engine.Functions) {
	app.Activity(engine.SayHello, func(_ context.Context, name string) (string, error) { return functions.SayHello(name), nil })
	app.Activity(engine.Double, func(_ context.Context, n int) (int, error) { return functions.Double(n), nil })
	app.Activity(engine.Step, func(_ context.Context, n int) (int, error) { return functions.Step(n), nil })
	app.Activity(engine.Reverse, func(_ context.Context, text string) (string, error) { return functions.Reverse(text), nil })

	app.Orchestrator(engine.HelloSequence5, helloSequence5)
	app.Orchestrator(engine.FanOut, fanOut)
	app.Orchestrator(engine.FanOutChildren, fanOutChildren)
	app.Orchestrator(engine.Child, func(_ *durable.Orchestration, n int) (int, error) { return 2 * n, nil })
	app.Orchestrator(engine.Timers, timers)
	app.Orchestrator(engine.CountEvents, countEvents)
	app.Orchestrator(engine.Countdown, countdown)
	app.Orchestrator(engine.Sequence, sequence)
	app.Orchestrator(engine.SendPayload, sendPayload)
}

func helloSequence5(o *durable.Orchestration, _ any) ([]string, error) {
	var out []string
	for _, city := range engine.Cities() {
		greeting, err := durable.CallActivity[string](o, engine.SayHello, city).Await()
		if err != nil {
			return nil, err
		}
		out = append(out, greeting)
	}
	return out, nil
}

func fanOut(o *durable.Orchestration, n int) (int, error) {
	tasks := make([]*durable.Task[int], n)
	for i := range tasks {
		tasks[i] = durable.CallActivity[int](o, engine.Double, i)
	}
	return sum(o, tasks)
}

func fanOutChildren(o *durable.Orchestration, n int) (int, error) {
	tasks := make([]*durable.Task[int], n)
	for i := range tasks {
		tasks[i] = durable.CallSubOrchestrator[int](o, engine.Child, i)
	}
	return sum(o, tasks)
}

func sum(o *durable.Orchestration, tasks []*durable.Task[int]) (int, error) {
	results, err := durable.WhenAll(o, tasks...).Await()
	if err != nil {
		return 0, err
	}
	total := 0
	for _, n := range results {
		total += n
	}
	return total, nil
}

func timers(o *durable.Orchestration, input engine.TimersInput) (int, error) {
	var tasks []*durable.Timer
	for _, delay := range input.Delays() {
		tasks = append(tasks, o.CreateTimer(delay))
	}
	var errs []error
	for _, t := range tasks {
		_, err := t.Await()
		errs = append(errs, err)
	}
	return len(tasks), errors.Join(errs...)
}

func countEvents(o *durable.Orchestration, n int) (int, error) {
	total := 0
	for range n {
		v, err := durable.WaitForEvent[int](o, engine.EventName).Await()
		if err != nil {
			return 0, err
		}
		total += v
	}
	return total, nil
}

func countdown(o *durable.Orchestration, turn engine.Turn) (int, error) {
	if turn.Left == 0 {
		return turn.Done, nil
	}
	return 0, o.ContinueAsNew(engine.Turn{Left: turn.Left - 1, Done: turn.Done + 1})
}

func sequence(o *durable.Orchestration, n int) (int, error) {
	x := 0
	for range n {
		var err error
		if x, err = durable.CallActivity[int](o, engine.Step, x).Await(); err != nil {
			return 0, err
		}
	}
	return x, nil
}

func sendPayload(o *durable.Orchestration, size int) (int, error) {
	text, err := durable.CallActivity[string](o, engine.Reverse, engine.Payload(size)).Await()
	if err != nil {
		return 0, err
	}
	return engine.CheckReversed(size, text), nil
}
