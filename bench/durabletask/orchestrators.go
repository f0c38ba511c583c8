package durabletask

import (
	"errors"

	"github.com/microsoft/durabletask-go/task"

	"github.com/durango-functions/durango/bench/engine"
)

func register(r *task.TaskRegistry, functions *engine.Functions) error {
	return errors.Join(
		r.AddActivityN(engine.SayHello, activity(functions.SayHello)),
		r.AddActivityN(engine.Double, activity(functions.Double)),
		r.AddActivityN(engine.Step, activity(functions.Step)),
		r.AddActivityN(engine.Reverse, activity(functions.Reverse)),

		r.AddOrchestratorN(engine.HelloSequence5, helloSequence5),
		r.AddOrchestratorN(engine.FanOut, fanOut),
		r.AddOrchestratorN(engine.FanOutChildren, fanOutChildren),
		r.AddOrchestratorN(engine.Child, child),
		r.AddOrchestratorN(engine.Timers, timers),
		r.AddOrchestratorN(engine.CountEvents, countEvents),
		r.AddOrchestratorN(engine.Countdown, countdown),
		r.AddOrchestratorN(engine.Sequence, sequence),
		r.AddOrchestratorN(engine.SendPayload, sendPayload),
	)
}

// activity is a plain function in the form that durabletask-go calls.
func activity[In, Out any](f func(In) Out) task.Activity {
	return func(ctx task.ActivityContext) (any, error) {
		var input In
		if err := ctx.GetInput(&input); err != nil {
			return nil, err
		}
		return f(input), nil
	}
}

func helloSequence5(ctx *task.OrchestrationContext) (any, error) {
	var out []string
	for _, city := range engine.Cities() {
		var greeting string
		if err := ctx.CallActivity(engine.SayHello, task.WithActivityInput(city)).Await(&greeting); err != nil {
			return nil, err
		}
		out = append(out, greeting)
	}
	return out, nil
}

func fanOut(ctx *task.OrchestrationContext) (any, error) {
	var n int
	if err := ctx.GetInput(&n); err != nil {
		return nil, err
	}
	tasks := make([]task.Task, n)
	for i := range tasks {
		tasks[i] = ctx.CallActivity(engine.Double, task.WithActivityInput(i))
	}
	return sum(tasks)
}

func fanOutChildren(ctx *task.OrchestrationContext) (any, error) {
	var n int
	if err := ctx.GetInput(&n); err != nil {
		return nil, err
	}
	tasks := make([]task.Task, n)
	for i := range tasks {
		tasks[i] = ctx.CallSubOrchestrator(engine.Child, task.WithSubOrchestratorInput(i))
	}
	return sum(tasks)
}

func child(ctx *task.OrchestrationContext) (any, error) {
	var n int
	if err := ctx.GetInput(&n); err != nil {
		return nil, err
	}
	return 2 * n, nil
}

func sum(tasks []task.Task) (int, error) {
	total := 0
	for _, t := range tasks {
		var n int
		if err := t.Await(&n); err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func timers(ctx *task.OrchestrationContext) (any, error) {
	var input engine.TimersInput
	if err := ctx.GetInput(&input); err != nil {
		return nil, err
	}
	var tasks []task.Task
	for _, delay := range input.Delays() {
		tasks = append(tasks, ctx.CreateTimer(delay))
	}
	for _, t := range tasks {
		if err := t.Await(nil); err != nil {
			return nil, err
		}
	}
	return len(tasks), nil
}

func countEvents(ctx *task.OrchestrationContext) (any, error) {
	var n int
	if err := ctx.GetInput(&n); err != nil {
		return nil, err
	}
	total := 0
	for range n {
		var v int
		if err := ctx.WaitForSingleEvent(engine.EventName, -1).Await(&v); err != nil {
			return nil, err
		}
		total += v
	}
	return total, nil
}

func countdown(ctx *task.OrchestrationContext) (any, error) {
	var turn engine.Turn
	if err := ctx.GetInput(&turn); err != nil {
		return nil, err
	}
	if turn.Left > 0 {
		ctx.ContinueAsNew(engine.Turn{Left: turn.Left - 1, Done: turn.Done + 1})
	}
	return turn.Done, nil
}

func sequence(ctx *task.OrchestrationContext) (any, error) {
	var n int
	if err := ctx.GetInput(&n); err != nil {
		return nil, err
	}
	x := 0
	for range n {
		if err := ctx.CallActivity(engine.Step, task.WithActivityInput(x)).Await(&x); err != nil {
			return nil, err
		}
	}
	return x, nil
}

func sendPayload(ctx *task.OrchestrationContext) (any, error) {
	var size int
	if err := ctx.GetInput(&size); err != nil {
		return nil, err
	}
	var text string
	if err := ctx.CallActivity(engine.Reverse, task.WithActivityInput(engine.Payload(size))).Await(&text); err != nil {
		return nil, err
	}
	return engine.CheckReversed(size, text), nil
}
