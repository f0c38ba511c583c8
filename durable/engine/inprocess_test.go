package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/internal/redistest"
)

// native registers an orchestrator in Go, with the API of its authors.
func (a *app) goOrchestrator(t testing.TB, name string, fn any) {
	t.Helper()
	f, err := durable.NewOrchestrator(fn)
	require.NoError(t, err)
	a.native[name] = f
}

// logged is a log that a test looks at.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func startNative(t *testing.T, h *host, name, id string, input any) {
	t.Helper()
	require.NoError(t, h.store.Create(t.Context(), durable.CreateRequest{Name: name, InstanceID: id, ExecutionID: id + "x", Input: raw(input)}))
}

func finished(t *testing.T, h *host, id string) *durable.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	st, err := h.store.Wait(ctx, id, durable.RuntimeStatus.IsFinished)
	require.NoError(t, err)
	return st
}

const errDeclined = durable.ErrorType("CardDeclined")

func TestFailuresKeepTheirType(t *testing.T) {
	t.Parallel()
	a := newApp()
	a.activities["Charge"] = func(context.Context, json.RawMessage) (any, error) {
		return nil, fmt.Errorf("charging: %w", errDeclined)
	}
	a.goOrchestrator(t, "Child", func(o *durable.Orchestration) error {
		_, err := durable.CallActivity[string](o, "Charge", 1).Await()
		return err
	})
	a.goOrchestrator(t, "Parent", func(o *durable.Orchestration) ([]bool, error) {
		_, direct := durable.CallActivity[string](o, "Charge", 1).Await()
		_, nested := durable.CallSubOrchestrator[string](o, "Child", nil).Await()
		var failed *durable.TaskFailedError
		return []bool{errors.Is(direct, errDeclined), errors.Is(nested, errDeclined), errors.As(nested, &failed)}, nil
	})
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", a)
	startNative(t, h, "Parent", "one", nil)
	st := finished(t, h, "one")
	require.JSONEq(t, `[true,true,true]`, string(st.Output))
}

func TestAnIDHasOneWinner(t *testing.T) {
	t.Parallel()
	a := newApp()
	a.goOrchestrator(t, "Wait", func(o *durable.Orchestration) (int, error) { return durable.WaitForEvent[int](o, "go").Await() })
	opts, hub := redistest.Real(t), redistest.HubName(t)
	h := startHost(t, opts, hub, "a", a)
	other := probe(t, opts, hub)
	var won, refused atomic.Int32
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			store := h.store
			if i%4 == 0 {
				store = other // a client of another process
			}
			err := store.Create(t.Context(), durable.CreateRequest{Name: "Wait", InstanceID: "one", ExecutionID: fmt.Sprint("x", i)})
			var exists *durable.InstanceExistsError
			switch {
			case err == nil:
				won.Add(1)
			case errors.As(err, &exists):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, won.Load())
	require.EqualValues(t, 19, refused.Load())
	require.NoError(t, h.store.RaiseEvent(t.Context(), "one", "go", json.RawMessage(`7`)))
	require.Equal(t, "7", string(finished(t, h, "one").Output))

	// A finished one is replaced, and its revision goes on.
	startNative(t, h, "Wait", "one", nil)
	require.NoError(t, other.RaiseEvent(t.Context(), "one", "go", json.RawMessage(`8`)))
	require.Equal(t, "8", string(finished(t, h, "one").Output))
	require.ErrorIs(t, h.store.RaiseEvent(t.Context(), "one", "go", nil), durable.ErrInstanceFinished)
	_, err := h.store.Wait(t.Context(), "nobody", durable.RuntimeStatus.IsFinished)
	require.ErrorIs(t, err, durable.ErrInstanceNotFound)
}

// TestManyEventsToOneInstance counts acknowledged events, over continue-as-new.
func TestManyEventsToOneInstance(t *testing.T) {
	t.Parallel()
	const senders, each = 8, 125
	a := newApp()
	a.goOrchestrator(t, "Count", func(o *durable.Orchestration, n int) (int, error) {
		for range 10 {
			if n == senders*each {
				return n, nil
			}
			if _, err := durable.WaitForEvent[int](o, "add").Await(); err != nil {
				return 0, err
			}
			n++
		}
		return 0, o.ContinueAsNew(n)
	})
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", a)
	startNative(t, h, "Count", "one", 0)
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for i := range each {
				if err := h.store.RaiseEvent(t.Context(), "one", "add", raw(i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	require.Equal(t, "1000", string(finished(t, h, "one").Output))
}

func TestDetachedStart(t *testing.T) {
	t.Parallel()
	a := newApp()
	a.goOrchestrator(t, "Note", func(_ *durable.Orchestration, s string) (string, error) { return s, nil })
	a.goOrchestrator(t, "Starter", func(o *durable.Orchestration) ([]string, error) {
		one, err := o.StartDetached("Note", "mine", durable.StartOptions{InstanceID: "noted"})
		if err != nil {
			return nil, err
		}
		two, err := o.StartDetached("Note", "other", durable.StartOptions{})
		return []string{one, two}, err
	})
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", a)
	startNative(t, h, "Starter", "one", nil)
	var ids []string
	require.NoError(t, json.Unmarshal(finished(t, h, "one").Output, &ids))
	require.Equal(t, "noted", ids[0])
	require.Eventually(t, func() bool {
		_, err := h.Status(t.Context(), ids[1], durable.StatusOptions{})
		return err == nil
	}, 10*time.Second, time.Millisecond, "messages are on their way when the orchestrator has ended")
	require.Equal(t, `"other"`, string(finished(t, h, ids[1]).Output))
	require.Equal(t, `"mine"`, string(finished(t, h, ids[0]).Output))
}

func TestTerminateAndStopAreToldApart(t *testing.T) {
	t.Parallel()
	if orchestrators == "go-replay" {
		t.Skip("what waits is not in memory")
	}
	causes := make(chan error, 2)
	inActivity := make(chan error, 1)
	running := make(chan struct{}, 1)
	a := newApp()
	a.activities["Long"] = func(ctx context.Context, _ json.RawMessage) (any, error) {
		running <- struct{}{}
		<-ctx.Done()
		inActivity <- context.Cause(ctx)
		return nil, ctx.Err()
	}
	a.goOrchestrator(t, "Long", func(o *durable.Orchestration, activity bool) error {
		ctx := o.Context()
		defer func() { causes <- context.Cause(ctx) }()
		if activity {
			_, err := durable.CallActivity[int](o, "Long", nil).Await()
			return err
		}
		_, err := durable.WaitForEvent[int](o, "never").Await()
		return err
	})
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", a)
	startNative(t, h, "Long", "ended", true)
	<-running
	require.NoError(t, h.store.Terminate(t.Context(), "ended", "enough", false))
	cause := <-causes
	require.ErrorIs(t, cause, durable.ErrTerminated)
	require.ErrorContains(t, cause, "enough")
	require.ErrorIs(t, <-inActivity, durable.ErrTerminated)
	require.Equal(t, durable.Terminated, finished(t, h, "ended").RuntimeStatus)

	startNative(t, h, "Long", "stopped", false)
	h.stop()
	cause = <-causes
	require.NotErrorIs(t, cause, durable.ErrTerminated)
	require.ErrorIs(t, cause, durable.ErrHostStops)
}

// TestBlockedOrchestratorIsNamed blocks an orchestrator on a channel, and lets the others of its partition go on.
func TestBlockedOrchestratorIsNamed(t *testing.T) {
	t.Parallel()
	var log logged
	release := make(chan struct{})
	a := newApp()
	a.goOrchestrator(t, "Deadlock", func(*durable.Orchestration) (int, error) {
		<-release
		return 1, nil
	})
	a.goOrchestrator(t, "Quick", func(*durable.Orchestration) (int, error) { return 2, nil })
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", a, func(c *engine.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	blocked := make(chan error, 1)
	go func() {
		blocked <- h.store.Create(t.Context(), durable.CreateRequest{Name: "Deadlock", InstanceID: "d", ExecutionID: "dx"})
	}()
	for i := range 16 {
		id := fmt.Sprint("q", i)
		startNative(t, h, "Quick", id, nil)
		require.Equal(t, "2", string(finished(t, h, id).Output))
	}
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "orchestrator 'Deadlock' has run for") }, 20*time.Second, 20*time.Millisecond)
	require.Contains(t, log.String(), "TestBlockedOrchestratorIsNamed", "the place is named")
	close(release)
	require.NoError(t, <-blocked)
	require.Equal(t, "1", string(finished(t, h, "d").Output))
}

// TestLongHistory is about memory and cost: an orchestration of many activities keeps neither its history nor what has passed.
func TestLongHistory(t *testing.T) {
	t.Parallel()
	const n = 5000
	a := newApp()
	a.activities["Next"] = func(_ context.Context, in json.RawMessage) (any, error) {
		var i int
		err := json.Unmarshal(in, &i)
		return i + 1, err
	}
	a.goOrchestrator(t, "Sequence", func(o *durable.Orchestration) (int, error) {
		at := 0
		for range n {
			var err error
			if at, err = durable.CallActivity[int](o, "Next", at).Await(); err != nil {
				return 0, err
			}
		}
		return at, nil
	})
	opts, hub := redistest.Real(t), redistest.HubName(t)
	if orchestrators == "go-replay" {
		t.Skip("replaying all of it each time takes long")
	}
	h := startHost(t, opts, hub, "a", a)
	startNative(t, h, "Sequence", "one", nil)
	require.Equal(t, fmt.Sprint(n), string(finished(t, h, "one").Output))
	st, err := h.Status(t.Context(), "one", durable.StatusOptions{History: true})
	require.NoError(t, err)
	require.Greater(t, len(st.History), 3*n)
}

func TestVersionOfASubOrchestration(t *testing.T) {
	t.Parallel()
	a := newApp()
	a.goOrchestrator(t, "Child", func(o *durable.Orchestration) (string, error) { return o.Version(), nil })
	a.goOrchestrator(t, "Parent", func(o *durable.Orchestration) (string, error) {
		return durable.CallSubOrchestrator[string](o, "Child", nil, durable.WithVersion("9")).Await()
	})
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", a)
	startNative(t, h, "Parent", "one", nil)
	require.JSONEq(t, `"9"`, string(finished(t, h, "one").Output))
}

// TestCarriedEventsComeFirst continues as new with an event that a wait got and nobody looked at, and another one that no wait got.
func TestCarriedEventsComeFirst(t *testing.T) {
	t.Parallel()
	a := newApp()
	release := make(chan struct{})
	a.activities["Block"] = func(context.Context, json.RawMessage) (any, error) { <-release; return 1, nil }
	a.goOrchestrator(t, "X", func(o *durable.Orchestration, again bool) ([]int, error) {
		if !again {
			durable.WaitForEvent[int](o, "E")
			if _, err := durable.CallActivity[int](o, "Block", nil).Await(); err != nil {
				return nil, err
			}
			return nil, o.ContinueAsNew(true)
		}
		a, b := durable.WaitForEvent[int](o, "E"), durable.WaitForEvent[int](o, "E")
		return durable.WhenAll(o, a, b).Await()
	})
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", a)
	startNative(t, h, "X", "one", false)
	for _, n := range []string{"1", "2"} {
		require.NoError(t, h.store.RaiseEvent(t.Context(), "one", "E", json.RawMessage(n)))
	}
	close(release)
	require.JSONEq(t, `[1,2]`, string(finished(t, h, "one").Output))
}
