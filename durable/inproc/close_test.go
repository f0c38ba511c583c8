package inproc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

var errStop = errors.New("stop")

func TestCloseWhileParked(t *testing.T) {
	t.Parallel()
	var deferred []error
	returned := false
	r := newRig(t, program(func(s *inproc.Session) {
		ctx := s.Context()
		defer func() {
			deferred = append(deferred, context.Cause(ctx), context.Cause(s.Context()))
			await1(s, activity(s, "Cleanup")) // ends the goroutine
			returned = true
		}()
		defer func() { deferred = append(deferred, ctx.Err()) }()
		require.NoError(t, ctx.Err())
		await1(s, activity(s, "A"))
		returned = true
	}).function())
	r.step()
	r.close(fmt.Errorf("wrapped: %w", errStop))
	require.Len(t, deferred, 3)
	require.ErrorIs(t, deferred[0], context.Canceled)
	require.ErrorIs(t, deferred[1], errStop)
	require.ErrorIs(t, deferred[2], errStop)
	require.False(t, returned)
}

// The methods that begin or await something end the goroutine once the session is closed, also one by one in deferred functions.
func TestNothingBeginsAfterClose(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(s *inproc.Session){
		"Activity":         func(s *inproc.Session) { activity(s, "A") },
		"SubOrchestration": func(s *inproc.Session) { sub(s, "S", "s") },
		"Timer":            func(s *inproc.Session) { s.Timer(0) },
		"Wait":             func(s *inproc.Session) { s.Wait("E") },
		"Await":            func(s *inproc.Session) { s.Await(s.All(nil)) },
		"Detach":           func(s *inproc.Session) { s.Detach(inproc.Call{Name: "S"}) },
		"SideEffect":       effect,
		"SetCustomStatus":  func(s *inproc.Session) { s.SetCustomStatus(json.RawMessage("1")) },
		"ContinueAsNew":    func(s *inproc.Session) { _ = s.ContinueAsNew(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reached, ran := false, false
			r := newRig(t, program(func(s *inproc.Session) {
				defer func() {
					reached = true
					begin(s)
					ran = true
				}()
				s.Await(s.Wait("E"))
			}).function())
			r.step()
			r.close(errStop)
			require.True(t, reached)
			require.False(t, ran)
		})
	}
}

func TestCloseWhileRunning(t *testing.T) {
	t.Parallel()
	began, deferred := make(chan struct{}), false
	fn := program(func(s *inproc.Session) {
		defer func() { deferred = true }()
		close(began)
		<-s.Context().Done() // it ends at once, so that the orchestrator comes to its await
		require.ErrorIs(t, context.Cause(s.Context()), errStop)
		await1(s, activity(s, "A"))
		t.Error("the orchestrator went on")
	}).function()
	s := inproc.New(fn, inproc.Start{InstanceID: "one"})
	s.Step(&inproc.Step{Now: epoch}, func(*inproc.Outcome) { t.Error("done was called") })
	<-began
	s.Close(errStop)
	gone(t, s)
	require.True(t, deferred)
}

func TestCloseBeforeTheFirstStep(t *testing.T) {
	t.Parallel()
	s := inproc.New(program(func(*inproc.Session) { t.Error("it ran") }).function(), inproc.Start{})
	s.Close(errStop)
	gone(t, s)
	require.ErrorIs(t, context.Cause(s.Context()), errStop)
}

func TestCloseTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t, program(func(s *inproc.Session) { s.Context(); await1(s, activity(s, "A")) }).function())
	r.step()
	s := r.session
	r.close(errStop)
	s.Close(fmt.Errorf("another type: %w", inproc.ErrEvicted))
	s.Close(nil)
	require.ErrorIs(t, context.Cause(s.Context()), errStop)
}

func TestCloseWithoutCause(t *testing.T) {
	t.Parallel()
	r := newRig(t, program(func(s *inproc.Session) { await1(s, activity(s, "A")) }).function())
	r.step()
	s := r.session
	r.close(nil)
	require.ErrorIs(t, context.Cause(s.Context()), context.Canceled)
}

func TestCloseAfterTheEnd(t *testing.T) {
	t.Parallel()
	var ctx context.Context
	r := newRig(t, program(func(s *inproc.Session) { ctx = s.Context() }).function())
	requireEnd(t, r.step(), replay.Completed, "")
	gone(t, r.session)
	r.session.Close(errStop)
	require.ErrorIs(t, context.Cause(ctx), context.Canceled)
}

// What a deferred function panics with when its session was closed concerns nobody.
func TestPanicAfterClose(t *testing.T) {
	t.Parallel()
	r := newRig(t, program(func(s *inproc.Session) {
		defer func() { panic("too late") }()
		await1(s, activity(s, "A"))
	}).function())
	r.step()
	r.close(errStop)
}

func TestPanics(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fn   program
		want string
	}{
		"value": {func(*inproc.Session) { panic("broken") }, "panic: broken"},
		"error": {func(*inproc.Session) { panic(errStop) }, "panic: stop"},
		"nil": {func(*inproc.Session) { panic(nil) }, //nolint:govet // that is the case
			"panic: " + new(runtime.PanicNilError).Error()},
		"runtime": {func(*inproc.Session) { _ = []int{}[len(t.Name())] }, "panic: runtime error: index out of range [10] with length 0"},
		"Goexit":  {func(*inproc.Session) { runtime.Goexit() }, "the orchestrator ended its goroutine (runtime.Goexit, or FailNow of a test)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.fn.function())
			out := r.step()
			require.Equal(t, replay.Failed, out.Decisions.Outcome)
			require.Equal(t, c.want, out.Decisions.FailureReason)
			gone(t, r.session)
		})
	}
}

// A deferred function of an orchestrator that panics may still await something, such as a compensation.
func TestCompensationAfterPanic(t *testing.T) {
	t.Parallel()
	fn := program(func(s *inproc.Session) {
		defer func() { await1(s, activity(s, "Compensate")) }()
		await1(s, activity(s, "A"))
		panic("broken")
	}).function()
	r := newRig(t, fn)
	r.step()
	require.Equal(t, []string{"TaskScheduled Compensate"}, names(r.step(completed(0, "1")).Decisions.Events))
	r.evict() // in the middle of the panic
	requireEnd(t, r.step(completed(1, "1")), replay.Failed, "panic: broken")
}

// After a divergence nothing more is asked for, and done is not called again.
func TestDeferredFunctionAfterDivergence(t *testing.T) {
	t.Parallel()
	name, cause := "A", error(nil)
	r := newRig(t, program(func(s *inproc.Session) {
		defer func() {
			cause = context.Cause(s.Context())
			await1(s, activity(s, "Cleanup"))
			t.Error("the orchestrator went on")
		}()
		await1(s, activity(s, name))
	}).function())
	r.step()
	r.evict()
	require.ErrorIs(t, cause, inproc.ErrEvicted)
	name = "B"
	s, calls := inproc.New(r.fn, r.start), make(chan *inproc.Outcome, 9)
	s.Step(&inproc.Step{Now: r.now, Replay: r.history}, func(out *inproc.Outcome) { calls <- out })
	gone(t, s)
	require.Len(t, calls, 1)
	var diverged *replay.DivergenceError
	require.ErrorAs(t, (<-calls).Err, &diverged)
	require.ErrorAs(t, cause, &diverged)
}
