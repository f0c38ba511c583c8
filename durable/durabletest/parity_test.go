package durabletest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango"
	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/durabletest"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/internal/redistest"
)

// everything does one thing after another, so that its history has one order only.
func everything(o *durable.Orchestration, in string) ([]string, error) {
	var out []string
	note := func(v any, err error) {
		var failed *durable.TaskFailedError
		if errors.As(err, &failed) {
			v = fmt.Sprintf("%s %s %v %v", failed.Message, failed.Type, failed.NonRetriable, errors.Is(err, errDeclined))
		} else if err != nil {
			v = err
		}
		out = append(out, fmt.Sprint(v))
	}
	if o.Version() == "again" {
		return nil, errors.New("unexpected")
	}
	retry := durable.WithRetry(durable.RetryPolicy{FirstInterval: 10 * time.Millisecond, MaxAttempts: 2})
	note(durable.CallActivity[string](o, "Echo", in).Await())
	note(durable.CallActivity[*string](o, "Echo", nil).Await())
	note(durable.CallActivity[string](o, "Fail", "no").Await())
	note(durable.CallActivity[string](o, "Fail", "twice", retry).Await())
	note(durable.CallActivity[string](o, "Decline", 7, retry).Await())
	note(durable.CallActivity[string](o, "Panic", nil).Await())
	note(durable.CallActivity[string](o, "Echo", struct{ A string }{"<&>\u2028"}).Await())
	note(durable.CallSubOrchestrator[string](o, "Child", "x", durable.WithInstanceID("parity-child-1")).Await())
	note(durable.CallSubOrchestrator[string](o, "Child", "fail", durable.WithInstanceID("parity-child-2")).Await())
	note(durable.CallSubOrchestrator[string](o, "Child", "panic", durable.WithInstanceID("parity-child-3")).Await())
	note(durable.CallSubOrchestrator[string](o, "Child", "again", durable.WithInstanceID("parity-child-4")).Await())
	note(durable.SideEffect(o, func() (int, error) { return 7, nil }))
	note(durable.SideEffect(o, func() (int, error) { return 0, errors.New("no variable") }))
	note(o.StartDetached("Child", "detached", durable.StartOptions{InstanceID: "parity-detached"}))
	o.Sleep(10 * time.Millisecond)
	given := o.CreateTimer(time.Hour)
	given.Cancel()
	note(nil, o.SetCustomStatus("waits"))
	note(durable.WaitForEventWithin[string](o, "Go", 20*time.Millisecond))
	note(durable.WaitForEvent[map[string]int](o, "Go").Await())
	return out, nil
}

func child(o *durable.Orchestration, how string) (string, error) {
	switch how {
	case "fail":
		return "", fmt.Errorf("%w by a child", errDeclined)
	case "panic":
		panic("a child's")
	case "again":
		return "", o.ContinueAsNew("new")
	}
	return how + " of " + o.ParentInstanceID(), nil
}

// activities are registered with a world or an app.
func activities(register func(name string, fn any)) {
	register("Echo", func(_ context.Context, in any) (any, error) { return in, nil })
	register("Fail", func(_ context.Context, text string) error { return errors.New(text) })
	register("Decline", func(_ context.Context, n int) error {
		return durable.NonRetriable(fmt.Errorf("%d: %w", n, errDeclined))
	})
	register("Panic", func(context.Context) error { panic("broken") })
}

var fireAt = regexp.MustCompile(`until \S+`)

// story is a history without times.
func story(events []history.Event) string {
	var out []string
	for line := range strings.Lines(durabletest.Format(events)) {
		_, text, _ := strings.Cut(line, "  ")
		out = append(out, fireAt.ReplaceAllString(strings.TrimSpace(text), "until then"))
	}
	return strings.Join(out, "\n")
}

// A test shows what a host does: the same history, byte for byte but for the times.
func TestWorldIsLikeAHost(t *testing.T) {
	t.Parallel()
	env := durabletest.New(t)
	env.Orchestrator("Everything", everything)
	env.Orchestrator("Child", child)
	activities(func(name string, fn any) { env.Activity(name, fn) })
	opts := durable.StartOptions{InstanceID: "parity", Version: "3"}
	run := env.StartWith("Everything", "hello", opts)
	env.Advance(time.Second)
	run.RaiseEvent("GO", map[string]int{"a": 1})
	out, err := durabletest.Output[[]string](run)
	require.NoError(t, err)

	app := durango.NewApp()
	app.Orchestrator("Everything", everything)
	app.Orchestrator("Child", child)
	activities(app.Activity)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	host, err := app.Start(ctx, durango.Config{RedisURL: "redis://" + redistest.Mini(t).Addr, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer func() { require.NoError(t, host.Stop(ctx)) }()
	client := host.Client()
	_, err = client.StartNew(ctx, "everything", "hello", opts)
	require.NoError(t, err)
	require.Eventually(t, func() bool { // of a retry, a sleep, and a timeout
		events, err := client.History(ctx, "parity")
		return err == nil && strings.Count(durabletest.Format(events), "TimerFired") == 3
	}, 30*time.Second, 5*time.Millisecond)
	require.NoError(t, client.RaiseEvent(ctx, "parity", "GO", map[string]int{"a": 1}))
	st, err := client.WaitForCompletion(ctx, "parity")
	require.NoError(t, err)
	require.Equal(t, durable.Completed, st.RuntimeStatus, "%s", st.Output)

	events, err := client.History(ctx, "parity")
	require.NoError(t, err)
	require.Equal(t, story(events), story(run.History()))
	require.JSONEq(t, string(st.Output), *run.History()[len(run.History())-1].Result)
	require.Len(t, out, 17)
	for _, id := range []string{"parity-child-1", "parity-child-2", "parity-child-3", "parity-child-4", "parity-detached"} {
		events, err := client.History(ctx, id)
		require.NoError(t, err)
		require.Equal(t, story(events), story(env.Run(id).History()))
		durabletest.Replay(t, child, events)
	}
	st, err = client.Status(ctx, "parity", durable.StatusOptions{History: true})
	require.NoError(t, err)
	durabletest.Replay(t, everything, st.History)
}
