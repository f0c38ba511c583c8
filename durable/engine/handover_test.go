package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/taskhub"
	"github.com/durango-functions/durango/internal/redistest"
)

// TestStopBetweenAttempts stops a host while an episode that had no outcome waits for its next attempt: the next owner must run it.
func TestStopBetweenAttempts(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	for name, begun := range map[string]bool{"begun": true, "not begun": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts, hub := redistest.Real(t), redistest.HubName(t)
			a := newApp()
			var broken atomic.Bool
			broken.Store(!begun)
			tried := make(chan struct{}, 100)
			a.orchestrators["Waiter"] = func(o *orch) (any, error) {
				if broken.Load() {
					tried <- struct{}{}
					return nil, errCrash
				}
				return o.event("e"), nil
			}
			first := startHost(t, opts, hub, "first", a, func(c *engine.Config) { c.MaxCrashes = 1000 })
			start(t, first, "Waiter", "w", nil)
			if begun {
				await(t, first, "w", func(s durable.RuntimeStatus) bool { return s == durable.Running })
				broken.Store(true)
			} else {
				<-tried
			}
			require.NoError(t, first.RaiseEvent(t.Context(), "w", "e", json.RawMessage(`7`)))
			for range 3 {
				<-tried
			}
			first.stop()
			broken.Store(false)
			second := startHost(t, opts, hub, "second", a)
			require.JSONEq(t, `7`, string(completed(t, second, "w")))
		})
	}
}

// TestRefusedSubOrchestrationTakesNothingAlong refuses a sub-orchestration whose ID a new instance has: the start of that
// instance must stay in the inbox until its first episode is durable.
func TestRefusedSubOrchestrationTakesNothingAlong(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	opts, hub := redistest.Real(t), redistest.HubName(t)
	p := probe(t, opts, hub)
	require.NoError(t, p.Create(t.Context(), durable.CreateRequest{Name: "Sequence", InstanceID: "s", ExecutionID: "sx"}))
	client := redis.NewClient(opts)
	defer func() { require.NoError(t, client.Close()) }()
	message, err := json.Marshal(engine.Message{
		Kind: engine.MessageStartSub, InstanceID: "s", Name: "Sequence", Parent: &engine.Parent{Name: "P", InstanceID: "p", ExecutionID: "px"},
	})
	require.NoError(t, err)
	inbox := fmt.Sprintf("{%s:%d}:in", hub, p.PartitionOf("s"))
	require.NoError(t, client.XAdd(t.Context(), &redis.XAddArgs{Stream: inbox, Values: []any{"m", message}}).Err())

	broken := usual()
	tried := make(chan struct{}, 100)
	broken.orchestrators["Sequence"] = func(*orch) (any, error) {
		tried <- struct{}{}
		return nil, errCrash
	}
	first := startHost(t, opts, hub, "first", broken, func(c *engine.Config) { c.MaxCrashes = 1000 })
	for range 3 {
		<-tried
	}
	first.stop()
	second := startHost(t, opts, hub, "second", usual())
	require.JSONEq(t, `["Hello Tokyo!","Hello Seattle!","Hello London!"]`, string(completed(t, second, "s")))
}

// TestOutcomeDuringTheLastEpisode lets an activity end while its instance's episode runs and the host stops: it is not run again.
func TestOutcomeDuringTheLastEpisode(t *testing.T) {
	t.Parallel()
	opts, hub := redistest.Real(t), redistest.HubName(t)
	a := newApp()
	work, think := make(chan struct{}), make(chan struct{})
	thinking := make(chan struct{}, 100)
	a.activities["Work"] = func(context.Context, json.RawMessage) (any, error) { <-work; return 1, nil }
	a.orchestrators["Both"] = func(o *orch) (any, error) {
		outcome := o.begin("Work", 0)
		o.event("e")
		thinking <- struct{}{}
		<-think
		return outcome()
	}
	first := startHost(t, opts, hub, "first", a)
	start(t, first, "Both", "b", nil)
	await(t, first, "b", func(s durable.RuntimeStatus) bool { return s == durable.Running })
	require.NoError(t, first.RaiseEvent(t.Context(), "b", "e", nil))
	<-thinking
	close(work)
	require.Eventually(t, func() bool { return engine.Idle(first.engine) }, 5*time.Second, time.Millisecond)
	var stopped sync.WaitGroup
	stopped.Go(first.stop)
	require.Eventually(t, func() bool { return engine.Quiet(first.engine) }, 5*time.Second, time.Millisecond)
	close(think)
	stopped.Wait()
	second := startHost(t, opts, hub, "second", a)
	require.JSONEq(t, `1`, string(completed(t, second, "b")))
	require.Equal(t, 1, a.ran("Work", "0"))
}

// owned returns whether the hosts own all partitions, each as many.
func owned(t *testing.T, h *host, hosts ...string) func() bool {
	return func() bool {
		owners, err := h.Owners(t.Context())
		require.NoError(t, err)
		n := map[string]int{}
		for _, o := range owners {
			n[o.Host]++
		}
		for _, name := range hosts {
			if n[name] != len(owners)/len(hosts) {
				return false
			}
		}
		return true
	}
}

// pausedHub is the hub of a host that stands still, such as a stopped process, before a heartbeat.
type pausedHub struct {
	engine.Hub
	pause atomic.Pointer[chan struct{}]
}

func (h *pausedHub) Heartbeat(ctx context.Context) (engine.Membership, error) {
	if resumed := h.pause.Load(); resumed != nil {
		<-*resumed
		ctx = context.WithoutCancel(ctx)
	}
	return h.Hub.Heartbeat(ctx)
}

// TestHostThatStoodStill takes over from a host that stands still for longer than its lease and then goes on: it must not
// believe that it still owns what it owned, or the partitions that the other gives back have no owner.
func TestHostThatStoodStill(t *testing.T) {
	t.Parallel()
	opts, hub := redistest.Real(t), redistest.HubName(t)
	paused := &pausedHub{}
	first := startHost(t, opts, hub, "first", usual(), func(c *engine.Config) {
		paused.Hub = c.Hub
		c.Hub = paused
	})
	resumed := make(chan struct{})
	paused.pause.Store(&resumed)
	second := startHostWith(t, opts, hub, "second", usual())
	require.Eventually(t, owned(t, second, "second"), 10*time.Second, 20*time.Millisecond)
	paused.pause.Store(nil)
	close(resumed)
	require.Eventually(t, owned(t, second, "first", "second"), 10*time.Second, 20*time.Millisecond)
	for i := range 8 {
		id := fmt.Sprint("s", i)
		start(t, first, "Sequence", id, nil)
		completed(t, first, id)
	}
}

// keepingHub is a hub that cannot be reached when a partition is first given back.
type keepingHub struct {
	engine.Hub
	failed atomic.Bool
}

func (h *keepingHub) Release(ctx context.Context, p int, epoch int64) error {
	if !h.failed.Swap(true) {
		return errCut
	}
	return h.Hub.Release(ctx, p, epoch)
}

// TestPartitionIsGivenBackInTheEnd fails to tell the hub that a partition is given back: as long as its owner lives, nobody else may take
// it, so the owner must try again.
func TestPartitionIsGivenBackInTheEnd(t *testing.T) {
	t.Parallel()
	opts, hub := redistest.Real(t), redistest.HubName(t)
	startHost(t, opts, hub, "first", usual(), func(c *engine.Config) { c.Hub = &keepingHub{Hub: c.Hub} })
	second := startHostWith(t, opts, hub, "second", usual())
	require.Eventually(t, owned(t, second, "first", "second"), 10*time.Second, 20*time.Millisecond)
}

// TestHandOver replaces a host while one of its activities runs: the other host has everything else at once, and the activity ends where it
// has begun.
func TestHandOver(t *testing.T) {
	t.Parallel()
	opts, hub := redistest.Real(t), redistest.HubName(t)
	slow := func(c *engine.Config) { c.HeartbeatInterval = time.Minute } // what happens here does not wait for it
	a := newApp()
	var gate sync.WaitGroup
	gate.Add(1)
	running := make(chan struct{}, 10)
	a.activities["Work"] = func(context.Context, json.RawMessage) (any, error) {
		running <- struct{}{}
		gate.Wait()
		return 1, nil
	}
	a.activities["Quick"] = func(context.Context, json.RawMessage) (any, error) { return 2, nil }
	a.orchestrators["Long"] = func(o *orch) (any, error) { return o.begin("Work", 0)() }
	a.orchestrators["Short"] = func(o *orch) (any, error) { return o.begin("Quick", 0)() }
	long := func(c *taskhub.Config) { c.Lease = time.Hour }
	first := startHostOf(t, opts, hub, "first", a, long, slow)
	<-first.engine.Ready()
	start(t, first, "Long", "long", nil)
	<-running
	second := startHostOf(t, opts, hub, "second", a, long, slow)
	require.NoError(t, first.engine.HandOver(t.Context()))
	second.engine.Look()
	require.Eventually(t, func() bool { return len(engine.Partitions(second.engine)) == second.Partitions() }, 10*time.Second, time.Millisecond)
	require.Empty(t, engine.Partitions(first.engine))
	for i := range 8 {
		id := fmt.Sprint("short-", i)
		start(t, second, "Short", id, nil)
		require.JSONEq(t, `2`, string(completed(t, second, id)))
	}
	require.Equal(t, 1, a.ran("Work", "0"), "the second host leaves the activity to the first one")
	gate.Done()
	require.JSONEq(t, `1`, string(completed(t, second, "long")))
	first.stop()
	require.Equal(t, 1, a.ran("Work", "0"))
}
