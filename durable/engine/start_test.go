package engine_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/internal/redistest"
)

// held is an app whose orchestrator Held waits, in its first episode, until it is let go.
func held() (a *app, running, letGo chan struct{}) {
	a = usual()
	running, letGo = make(chan struct{}, 16), make(chan struct{})
	a.orchestrators["Held"] = func(*orch) (any, error) {
		running <- struct{}{}
		<-letGo
		return "done", nil
	}
	return a, running, letGo
}

func startHere(ctx context.Context, h *host, name, id, execution string) error {
	return h.store.Create(ctx, durable.CreateRequest{Name: name, InstanceID: id, ExecutionID: execution})
}

// A start of this process is one commit with the first episode, in a worker too.
func TestStartIsCommittedWithTheFirstEpisode(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", usual())
	require.NoError(t, startHere(t.Context(), h, "Event", "one", "x"))
	st, err := h.Status(t.Context(), "one", durable.StatusOptions{History: true})
	require.NoError(t, err)
	require.Equal(t, durable.Running, st.RuntimeStatus)
	require.NotEmpty(t, st.History)
	require.NoError(t, h.store.RaiseEvent(t.Context(), "one", "go", []byte(`1`)))
	require.Equal(t, "1", string(completed(t, h, "one")))
}

// An episode that takes long does not hold up who starts.
func TestStartDoesNotWaitForALongEpisode(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	a, running, letGo := held()
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", a)
	require.NoError(t, startHere(t.Context(), h, "Held", "one", "x"))
	<-running
	st, err := h.Status(t.Context(), "one", durable.StatusOptions{})
	require.NoError(t, err)
	require.Equal(t, durable.Pending, st.RuntimeStatus)
	require.ErrorAs(t, startHere(t.Context(), h, "Held", "one", "y"), new(*durable.InstanceExistsError))
	close(letGo)
	require.JSONEq(t, `"done"`, string(completed(t, h, "one")))
	require.Equal(t, 1, counts(t, h, "one")["ExecutionStarted"])
	require.Empty(t, running, "it ran once")
}

// A host that dies during the first episode of an instance whose start is stored leaves it to the next one.
func TestStoredStartIsFoundByTheNextOwner(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	opts, hub := redistest.Real(t), redistest.HubName(t)
	a, running, letGo := held()
	defer close(letGo)
	h := startHost(t, opts, hub, "a", a)
	require.NoError(t, startHere(t.Context(), h, "Held", "one", "x"))
	<-running
	h.cut.Store(true)
	b, _, go2 := held()
	close(go2)
	second := startHost(t, opts, hub, "b", b)
	require.JSONEq(t, `"done"`, string(completed(t, second, "one")))
}

// A start is refused when an instance of the ID runs that is not in memory; the episode that ran for it is forgotten.
func TestStartOfAnEvictedInstanceIsRefused(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	a, running, letGo := held()
	opts, hub := redistest.Real(t), redistest.HubName(t)
	h := startHost(t, opts, hub, "a", a, evictAll)
	require.NoError(t, startHere(t.Context(), h, "Event", "one", "x"))
	require.ErrorAs(t, startHere(t.Context(), h, "Held", "one", "y"), new(*durable.InstanceExistsError))
	close(letGo)
	require.NoError(t, h.RaiseEvent(t.Context(), "one", "go", []byte(`1`)))
	require.Equal(t, "1", string(completed(t, h, "one")))
	<-running
}

// A worker that ends during the first episode does not lose the start, nor hold it up.
func TestStartSurvivesItsWorker(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	a := usual()
	crashes := 3
	a.orchestrators["Crash"] = func(*orch) (any, error) {
		if crashes--; crashes >= 0 { // one episode at a time
			return nil, errCrash
		}
		return "done", nil
	}
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", a)
	require.NoError(t, startHere(t.Context(), h, "Crash", "one", "x"))
	require.JSONEq(t, `"done"`, string(completed(t, h, "one")))
}

func evictAll(cfg *engine.Config) { cfg.CacheBytes = -1 }
