package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/internal/redistest"
)

// faultyHub makes one call to the hub fail: the n-th. With after, the call has its effect, and only its answer is lost.
type faultyHub struct {
	engine.Hub
	n     int64
	after bool
	calls atomic.Int64
}

func call[T any](f *faultyHub, do func() (T, error)) (T, error) {
	var none T
	if f.calls.Add(1) != f.n {
		return do()
	}
	if f.after {
		if _, err := do(); err != nil {
			return none, err
		}
	}
	return none, errCut
}

func (f *faultyHub) Heartbeat(ctx context.Context) (engine.Membership, error) {
	return call(f, func() (engine.Membership, error) { return f.Hub.Heartbeat(ctx) })
}

func (f *faultyHub) Owners(ctx context.Context) ([]engine.Owner, error) {
	return call(f, func() ([]engine.Owner, error) { return f.Hub.Owners(ctx) })
}

func (f *faultyHub) Acquire(ctx context.Context, p int, from engine.Owner) (epoch int64, ok bool, err error) {
	epoch, err = call(f, func() (int64, error) {
		var err error
		epoch, ok, err = f.Hub.Acquire(ctx, p, from)
		return epoch, err
	})
	return epoch, ok && err == nil, err
}

func (f *faultyHub) Open(ctx context.Context, p int, epoch int64) (*engine.PartitionState, error) {
	return call(f, func() (*engine.PartitionState, error) { return f.Hub.Open(ctx, p, epoch) })
}

func (f *faultyHub) Load(ctx context.Context, p int, id string) (*engine.Record, error) {
	return call(f, func() (*engine.Record, error) { return f.Hub.Load(ctx, p, id) })
}

func (f *faultyHub) LoadEntity(ctx context.Context, p int, id string) (*engine.EntityRecord, error) {
	return call(f, func() (*engine.EntityRecord, error) { return f.Hub.LoadEntity(ctx, p, id) })
}

func (f *faultyHub) Commit(p int, epoch int64, c []*engine.Change, done func([]engine.CommitResult, error)) {
	if f.calls.Add(1) != f.n {
		f.Hub.Commit(p, epoch, c, done)
		return
	}
	if f.after {
		f.Hub.Commit(p, epoch, c, func([]engine.CommitResult, error) { done(nil, errCut) })
		return
	}
	done(nil, errCut)
}

func (f *faultyHub) Deliver(ctx context.Context, p, to int, m []engine.OutboxMessage) error {
	_, err := call(f, func() (struct{}, error) { return struct{}{}, f.Hub.Deliver(ctx, p, to, m) })
	return err
}

func (f *faultyHub) Reclaim(ctx context.Context, p int, key, dead string) (engine.Claim, error) {
	return call(f, func() (engine.Claim, error) { return f.Hub.Reclaim(ctx, p, key, dead) })
}

// everything is an orchestration that uses each kind of work.
func everything() *app {
	a := usual()
	a.orchestrators["Child"] = func(o *orch) (any, error) { return o.activity("Number", 5) }
	a.orchestrators["Everything"] = func(o *orch) (any, error) {
		var round int
		o.input(&round)
		if _, err := o.activity("Hello", "x"); err != nil {
			return nil, err
		}
		if out, err := o.all("Number", 0, 1, 2, 3, 4, 5, 6, 7); err != nil || len(out) != 8 {
			return nil, fmt.Errorf("fan-out: %v, %w", out, err)
		}
		for i := range 3 {
			if _, err := o.sub("Child", fmt.Sprintf("%s-child-%d-%d", o.work.InstanceID, round, i), nil); err != nil {
				return nil, err
			}
		}
		o.sleep(5*time.Millisecond, o.now)
		if got := string(o.event("e")); got != fmt.Sprint(round) {
			return nil, fmt.Errorf("round %d got event %s", round, got)
		}
		if round < 2 {
			next := raw(round + 1)
			o.again = &next
			return nil, nil
		}
		return "all done", nil
	}
	return a
}

// TestEachFaultIsSurvived fails each call to the hub in turn, once without and once after its effect. DURANGO_FAULT_STEP=1 tries every
// one of them.
func TestEachFaultIsSurvived(t *testing.T) {
	t.Parallel()
	failEach(t, runEverything)
}

// failEach runs work once without a fault, to find out how many calls to the hub it makes, and then with each of them failing.
func failEach(t *testing.T, work func(t *testing.T, opts *redis.Options, n int64, after bool) (calls int64)) {
	t.Helper()
	step := int64(7)
	if s := os.Getenv("DURANGO_FAULT_STEP"); s != "" {
		_, err := fmt.Sscan(s, &step)
		require.NoError(t, err)
	}
	calls := work(t, redistest.Real(t), 0, false)
	require.Greater(t, calls, int64(40))
	for n := int64(1); n <= calls; n += step {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("call %d, after its effect %v", n, after), func(t *testing.T) {
				work(t, redistest.Real(t), n, after)
			})
		}
	}
}

func runEverything(t *testing.T, opts *redis.Options, n int64, after bool) (calls int64) {
	t.Helper()
	f := &faultyHub{n: n, after: after}
	h := startHost(t, opts, redistest.HubName(t), "a", everything(), func(c *engine.Config) {
		f.Hub = c.Hub
		c.Hub = f
	})
	defer h.stop()
	ids := []string{"one", "two"}
	for _, id := range ids {
		start(t, h, "Everything", id, 0)
		for round := range 3 {
			require.NoError(t, h.RaiseEvent(t.Context(), id, "e", json.RawMessage(fmt.Sprint(round))))
		}
	}
	for _, id := range ids {
		require.Equal(t, `"all done"`, string(completed(t, h, id)))
		for name, n := range counts(t, h, id) {
			if strings.Contains(name, " ") {
				require.Equal(t, 1, n, "%s of %s", name, id)
			}
		}
		for round := range 3 {
			for i := range 3 {
				child := fmt.Sprintf("%s-child-%d-%d", id, round, i)
				st, err := h.Status(t.Context(), child, durable.StatusOptions{})
				require.NoError(t, err)
				require.Equal(t, durable.Completed, st.RuntimeStatus)
			}
		}
	}
	return f.calls.Load()
}
