package durable_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/durabletest"
	"github.com/durango-functions/durango/durable/history"
)

func TestFailureOf(t *testing.T) {
	t.Parallel()
	plain := errors.New("plain")
	failed := &durable.TaskFailedError{Name: "A", Reason: "Activity function 'A' failed: no", Type: "Busy"}
	for name, c := range map[string]struct {
		err  error
		want history.FailureDetails
	}{
		"plain":              {plain, history.FailureDetails{ErrorType: "*errors.errorString", ErrorMessage: "plain"}},
		"wrapped":            {fmt.Errorf("outer: %w", plain), history.FailureDetails{ErrorType: "*fmt.wrapError", ErrorMessage: "outer: plain"}},
		"type":               {errBusy, history.FailureDetails{ErrorType: "Busy", ErrorMessage: "Busy"}},
		"wrapped type":       {fmt.Errorf("%w: line 3", errBusy), history.FailureDetails{ErrorType: "Busy", ErrorMessage: "Busy: line 3"}},
		"joined types":       {errors.Join(plain, errBroken, errBusy), history.FailureDetails{ErrorType: "Broken", ErrorMessage: "plain\nBroken\nBusy"}},
		"not retriable":      {durable.NonRetriable(plain), history.FailureDetails{ErrorType: "*errors.errorString", ErrorMessage: "plain", IsNonRetriable: true}},
		"not retriable type": {fmt.Errorf("so: %w", durable.NonRetriable(errBusy)), history.FailureDetails{ErrorType: "Busy", ErrorMessage: "so: Busy", IsNonRetriable: true}},
		"of another task":    {fmt.Errorf("outer: %w", failed), history.FailureDetails{ErrorType: "Busy", ErrorMessage: "outer: Activity function 'A' failed: no"}},
		"type over a task's": {fmt.Errorf("%w: %w", errBroken, failed), history.FailureDetails{ErrorType: "Broken", ErrorMessage: "Broken: Activity function 'A' failed: no"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, &c.want, durable.FailureOf(c.err))
		})
	}
	require.NoError(t, durable.NonRetriable(nil))
	require.ErrorIs(t, durable.NonRetriable(errBusy), errBusy)
	require.EqualError(t, durable.NonRetriable(errBusy), "Busy")
}

func TestTaskFailedError(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("outer: %w", &durable.TaskFailedError{Reason: "reason", Type: "Busy"})
	require.EqualError(t, err, "outer: reason")
	require.ErrorIs(t, err, errBusy)
	require.NotErrorIs(t, err, errBroken)
	require.NotErrorIs(t, err, durable.ErrTimeout)
}

// What is known of a failure, in each way that tasks fail.
func TestFailuresOfTasks(t *testing.T) {
	t.Parallel()
	env := durabletest.New(t)
	env.Activity("A", func(context.Context) error { return durable.NonRetriable(fmt.Errorf("in line 3: %w", errBusy)) })
	env.Activity("Panics", func(context.Context) error { panic("broken") })
	env.Orchestrator("S", func(o *durable.Orchestration) error {
		_, err := durable.CallActivity[any](o, "A", nil).Await()
		return err
	})
	env.Orchestrator("X", func(o *durable.Orchestration) ([]durable.TaskFailedError, error) {
		var out []durable.TaskFailedError
		for _, task := range []*durable.Task[any]{
			durable.CallActivity[any](o, "A", nil), durable.CallActivity[any](o, "Panics", nil), durable.CallSubOrchestrator[any](o, "S", nil),
		} {
			_, err := task.Await()
			var failed *durable.TaskFailedError
			if !errors.As(err, &failed) {
				return nil, err
			}
			failed.Details = "" // a stack
			out = append(out, *failed)
		}
		return out, nil
	})
	require.Equal(t, []durable.TaskFailedError{
		{Name: "A", TaskID: 0, Reason: "Activity function 'A' failed: in line 3: Busy", Type: "Busy", Message: "in line 3: Busy", NonRetriable: true},
		{Name: "Panics", TaskID: 1, Reason: "Activity function 'Panics' failed: panic: broken", Type: "*gofunc.panicError", Message: "panic: broken"},
		{
			Name: "S", TaskID: 2, Reason: "Orchestrator function 'S' failed: Activity function 'A' failed: in line 3: Busy", Type: "Busy",
			Message: "Activity function 'A' failed: in line 3: Busy",
		},
	}, output[[]durable.TaskFailedError](t, env.Start("X", nil)))
}
