package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/internal/redistest"
)

// TestEachFaultOfEntitiesIsSurvived fails each call to the hub in turn, once without and once after its effect, while orchestrations call, signal and lock
// entities in all partitions. DURANGO_FAULT_STEP=1 tries every one of them.
func TestEachFaultOfEntitiesIsSurvived(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	failEach(t, runEntities)
}

func runEntities(t *testing.T, opts *redis.Options, n int64, after bool) (calls int64) {
	t.Helper()
	a := transferApp()
	a.orchestrators["Work"] = func(o *orch) (any, error) {
		for i := range 6 {
			o.signal(fmt.Sprintf("@counter@%d", i), "add", 1)
		}
		one, two := o.beginCall("@counter@0", "add", 10), o.beginCall("@counter@1", "get", nil)
		for _, t := range []task{one, two} {
			if _, err := o.answer(t); err != nil {
				return nil, err
			}
		}
		if _, err := o.call("@counter@2", "fail", nil); err == nil {
			return nil, errors.New("it has not failed")
		}
		release := o.lock(id("account", "a"), id("account", "b"))
		if _, err := o.call("@account@a", "withdraw", 1); err != nil {
			return nil, err
		}
		if _, err := o.call("@account@b", "deposit", 1); err != nil {
			return nil, err
		}
		if o.work.InstanceID != "w0" { // that one forgets it
			release()
		}
		return nil, nil
	}
	f := &faultyHub{n: n, after: after}
	h := startHost(t, opts, redistest.HubName(t), "a", a, func(c *engine.Config) {
		f.Hub = c.Hub
		c.Hub = f
		if n%2 == 0 {
			c.CacheBytes = -1 // each entity is read anew for each batch
		}
	})
	defer h.stop()
	signal(t, h, id("account", "a"), "deposit", 100)
	require.NoError(t, h.SignalEntity(t.Context(), durable.EntitySignal{Entity: id("counter", "5"), Operation: "add", Input: raw(100), At: time.Now().Add(20 * time.Millisecond)}))
	stateIs(t, h, id("account", "a"), "100")
	const orchestrations = 3
	for i := range orchestrations {
		start(t, h, "Work", fmt.Sprintf("w%d", i), nil)
	}
	for i := range orchestrations {
		completed(t, h, fmt.Sprintf("w%d", i))
	}
	for i, want := range []int{33, 3, 3, 3, 3, 103} {
		stateIs(t, h, id("counter", fmt.Sprint(i)), fmt.Sprint(want))
	}
	stateIs(t, h, id("account", "a"), "97")
	stateIs(t, h, id("account", "b"), "3")
	for _, key := range []string{"a", "b"} {
		require.Eventually(t, func() bool {
			st, err := h.ReadEntity(t.Context(), id("account", key))
			return err == nil && st.LockedBy == ""
		}, 10*time.Second, 2*time.Millisecond)
	}
	_, err := h.ReadEntity(t.Context(), id("counter", "told"))
	require.ErrorIs(t, err, durable.ErrEntityNotFound, "what a failed operation has sent is dropped")
	return f.calls.Load()
}
