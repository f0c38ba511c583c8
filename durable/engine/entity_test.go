package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/entity"
	"github.com/durango-functions/durango/internal/redistest"
)

// withEntities is an app with a counter and accounts.
func withEntities() *app {
	a := usual()
	a.entities["counter"] = counter
	a.entities["account"] = account
	a.orchestrators["Ask"] = func(o *orch) (any, error) { // calls counter "c"
		var op string
		o.input(&op)
		return o.call("@counter@c", op, 1)
	}
	return a
}

func counter(c *operation) error {
	var n int
	c.get(&n)
	switch c.name {
	case "add":
		var by int
		c.in(&by)
		c.set(n + by)
	case "get":
		c.value = raw(n)
	case "delete":
		c.result.State = entity.State{}
	case "tell": // signals another counter what this one has
		var to string
		c.in(&to)
		c.signal(entity.ID{Name: "counter", Key: to}, "add", n)
	case "fail": // after it has changed and sent something
		c.set(n + 1000)
		c.signal(entity.ID{Name: "counter", Key: "told"}, "add", 1)
		return errors.New("refused by the counter")
	}
	return nil
}

func account(c *operation) error {
	var balance int
	c.get(&balance)
	switch c.name {
	case "deposit":
		var amount int
		c.in(&amount)
		c.set(balance + amount)
	case "withdraw":
		var amount int
		c.in(&amount)
		c.set(balance - amount)
		if balance < amount {
			return fmt.Errorf("only %d left", balance)
		}
	}
	c.value = raw(balance)
	return nil
}

func id(name, key string) entity.ID { return entity.ID{Name: name, Key: key} }

func signal(t testing.TB, h *host, target entity.ID, op string, input any) {
	t.Helper()
	require.NoError(t, h.SignalEntity(t.Context(), durable.EntitySignal{Entity: target, Operation: op, Input: raw(input)}))
}

// stateIs waits until the entity has the state, "" for none.
func stateIs(t testing.TB, h *host, target entity.ID, want string) {
	t.Helper()
	last := ""
	require.Eventually(t, func() bool {
		st, err := h.ReadEntity(t.Context(), target)
		switch {
		case errors.Is(err, durable.ErrEntityNotFound):
			last = ""
		case err != nil:
			last = err.Error()
		default:
			last = string(st.State)
		}
		return last == want
	}, 20*time.Second, 5*time.Millisecond, "%s", target)
	require.Equal(t, want, last)
}

// keys are the keys of the hub that name an entity, and what its indexes and timers hold.
func entityKeys(t testing.TB, opts *redis.Options, hub string) (found []string) {
	t.Helper()
	client := redis.NewClient(opts)
	defer func() { require.NoError(t, client.Close()) }()
	keys, err := client.Keys(t.Context(), "{"+hub+":*").Result()
	require.NoError(t, err)
	for _, key := range keys {
		if strings.Contains(key, "@") || strings.HasSuffix(key, ":x:n") {
			found = append(found, key)
		}
		if strings.HasSuffix(key, ":in") || strings.HasSuffix(key, ":out") || strings.HasSuffix(key, ":aside") {
			n, err := client.XLen(t.Context(), key).Result()
			require.NoError(t, err)
			if n > 0 {
				found = append(found, key)
			}
		}
	}
	return found
}

func TestEntityOperations(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	opts, hub := redistest.Real(t), redistest.HubName(t)
	h := startHost(t, opts, hub, "a", withEntities())
	c := id("Counter", "c")
	for range 10 {
		signal(t, h, c, "add", 2)
	}
	stateIs(t, h, c, "20")
	start(t, h, "Ask", "get", "get")
	require.Equal(t, "20", string(completed(t, h, "get")))

	signal(t, h, c, "tell", "other") // entities signal entities
	stateIs(t, h, id("counter", "other"), "20")

	_, err := h.Status(t.Context(), c.String(), durable.StatusOptions{})
	require.ErrorIs(t, err, durable.ErrInstanceNotFound, "an entity is no instance")
	page, err := h.Query(t.Context(), durable.Query{})
	require.NoError(t, err)
	require.Len(t, page.Instances, 1)

	for _, key := range []string{"c", "other"} { // what does not exist leaves nothing
		signal(t, h, id("counter", key), "delete", nil)
		stateIs(t, h, id("counter", key), "")
	}
	require.Eventually(t, func() bool { return len(entityKeys(t, opts, hub)) == 0 }, 10*time.Second, 5*time.Millisecond)
	require.Zero(t, engine.EntitiesInMemory(h.engine))
}

func TestFailedOperations(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	for name, keep := range map[string]bool{"rolled back": false, "kept": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts, hub := redistest.Real(t), redistest.HubName(t)
			gate := make(chan struct{})
			a := withEntities()
			a.entities["counter"] = func(c *operation) error {
				if c.name == "wait" {
					<-gate
					return nil
				}
				return counter(c)
			}
			a.orchestrators["Catch"] = func(o *orch) (any, error) {
				_, err := o.call("@counter@c", "fail", nil)
				return fmt.Sprint(err), nil
			}
			h := startHost(t, opts, hub, "a", a, func(c *engine.Config) { c.KeepFailedState = keep })
			c := id("counter", "c")
			signal(t, h, c, "wait", nil) // what comes meanwhile is one batch
			signal(t, h, c, "add", 1)
			signal(t, h, c, "fail", nil)
			signal(t, h, c, "add", 2)
			signal(t, h, c, "fail", nil)
			start(t, h, "Catch", "catch", nil)
			await(t, h, "catch", func(s durable.RuntimeStatus) bool { return s == durable.Running })
			signal(t, h, c, "add", 4)
			signal(t, h, c, "tell", "last")
			close(gate)
			require.JSONEq(t, `"refused by the counter"`, string(completed(t, h, "catch")))
			if keep {
				stateIs(t, h, id("counter", "last"), "3007")
				stateIs(t, h, id("counter", "told"), "3")
				return
			}
			stateIs(t, h, id("counter", "last"), "7")
			stateIs(t, h, id("counter", "told"), "")
		})
	}
}

// TestBatch: what waits is handled together, in order, at most so many at a time.
func TestBatch(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	opts, hub := redistest.Real(t), redistest.HubName(t)
	gate := make(chan struct{})
	a := newApp()
	a.entities["list"] = func(c *operation) error {
		if c.name == "wait" {
			<-gate
		}
		var list []json.RawMessage
		c.get(&list)
		c.set(append(list, c.input))
		return nil
	}
	h := startHost(t, opts, hub, "a", a, func(c *engine.Config) { c.MaxEntityBatch = 10 })
	l := id("list", "l")
	signal(t, h, l, "wait", 0)
	require.Eventually(t, func() bool { return a.invocations.Load() == 1 }, 10*time.Second, time.Millisecond)
	for i := range 35 {
		signal(t, h, l, "add", i+1)
	}
	// They are in memory when a later one of the partition has been handled.
	other := id("list", "o")
	for i := 0; h.PartitionOf(other.String()) != h.PartitionOf(l.String()); i++ {
		other.Key = fmt.Sprintf("o%d", i)
	}
	signal(t, h, other, "add", 0)
	stateIs(t, h, other, "[0]")
	close(gate)
	var want []int
	for i := range 36 {
		want = append(want, i)
	}
	stateIs(t, h, l, string(raw(want)))
	require.Equal(t, int64(2+4), a.invocations.Load())
}

func TestScheduledSignals(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	opts, hub := redistest.Real(t), redistest.HubName(t)
	first := startHost(t, opts, hub, "a", withEntities())
	c := id("counter", "c")
	at := time.Now().Add(700 * time.Millisecond)
	require.NoError(t, first.SignalEntity(t.Context(), durable.EntitySignal{Entity: c, Operation: "add", Input: raw(5), At: at}))
	require.NoError(t, first.SignalEntity(t.Context(), durable.EntitySignal{Entity: c, Operation: "add", Input: raw(7), At: at.Add(-time.Hour)}))
	stateIs(t, first, c, "7")
	first.stop()
	second := startHost(t, opts, hub, "b", withEntities())
	stateIs(t, second, c, "12")
	require.False(t, time.Now().Before(at), "it was delivered too early")
	signal(t, second, c, "delete", nil)
	require.Eventually(t, func() bool { return len(entityKeys(t, opts, hub)) == 0 }, 10*time.Second, 5*time.Millisecond)
}

func TestUnknownEntity(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	opts, hub := redistest.Real(t), redistest.HubName(t)
	a := withEntities()
	a.orchestrators["Wrong"] = func(o *orch) (any, error) { return o.call("@nothing@x", "get", nil) }
	a.orchestrators["Gone"] = func(o *orch) (any, error) {
		_, err := o.call("@gone@x", "get", nil)
		return fmt.Sprint(err), nil
	}
	asked := make(chan struct{})
	a.entities["gone"] = func(*operation) error {
		close(asked)
		a.mu.Lock()
		delete(a.entities, "gone") // a newer generation of the app has it no more
		a.mu.Unlock()
		return errCrash
	}
	h := startHost(t, opts, hub, "a", a)
	start(t, h, "Wrong", "wrong", nil)
	st := await(t, h, "wrong", durable.RuntimeStatus.IsFinished)
	require.Contains(t, string(st.Output), "The function 'nothing' doesn't exist, is disabled, or is not an entity function.")
	start(t, h, "Gone", "gone", nil)
	<-asked
	require.Contains(t, string(completed(t, h, "gone")), "The function 'gone' doesn't exist")
	signal(t, h, id("gone", "y"), "get", nil)
	require.Eventually(t, func() bool {
		keys := entityKeys(t, opts, hub)
		return len(keys) == 1 && strings.HasSuffix(keys[0], ":aside")
	}, 10*time.Second, 5*time.Millisecond)
}

// TestCrashingOperation: the operation that kills its worker fails, and only that one.
func TestCrashingOperation(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	opts, hub := redistest.Real(t), redistest.HubName(t)
	gate := make(chan struct{})
	var once sync.Once
	var crashes atomic.Int64
	a := withEntities()
	a.entities["counter"] = func(c *operation) error {
		once.Do(func() { <-gate })
		if c.name == "crash" {
			crashes.Add(1)
			return errCrash
		}
		if c.name == "whole" {
			return &engine.TaskFailure{Reason: "the function as a whole"}
		}
		return counter(c)
	}
	a.orchestrators["Catch"] = func(o *orch) (any, error) {
		_, err := o.call("@counter@c", "crash", nil)
		_, whole := o.call("@counter@c", "whole", nil)
		return []string{fmt.Sprint(err), fmt.Sprint(whole)}, nil
	}
	h := startHost(t, opts, hub, "a", a, func(c *engine.Config) { c.MaxCrashes = 2 })
	c := id("counter", "c")
	signal(t, h, c, "add", 1)
	signal(t, h, c, "add", 2)
	start(t, h, "Catch", "catch", nil)
	await(t, h, "catch", func(s durable.RuntimeStatus) bool { return s == durable.Running })
	signal(t, h, c, "add", 4)
	signal(t, h, c, "add", 0)
	close(gate)
	require.JSONEq(t, `["2 attempts to run it had no outcome: the worker is gone", "the function as a whole"]`, string(completed(t, h, "catch")))
	stateIs(t, h, c, "7")
	require.LessOrEqual(t, crashes.Load(), int64(3), "once in a batch, and twice on its own")
}

// TestRewindWithEntities: calls that were answered are not made again, locks are taken again, and a call whose answer came too late fails.
func TestRewindWithEntities(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	opts, hub := redistest.Real(t), redistest.HubName(t)
	a := withEntities()
	var mended atomic.Bool
	gate := make(chan struct{})
	a.entities["slow"] = func(*operation) error {
		<-gate
		return nil
	}
	a.activities["Fragile"] = func(context.Context, json.RawMessage) (any, error) {
		if !mended.Load() {
			return nil, errors.New("not mended")
		}
		return "fine", nil
	}
	a.orchestrators["Fragile"] = func(o *orch) (any, error) {
		if _, err := o.call("@counter@c", "add", 1); err != nil {
			return nil, err
		}
		release := o.lock(id("account", "a"), id("account", "b"))
		late := o.beginCall("@slow@s", "go", nil)
		if _, err := o.activity("Fragile", nil); err != nil {
			return nil, err
		}
		if _, err := o.call("@account@b", "deposit", 5); err != nil {
			return nil, err
		}
		_, err := o.answer(late)
		release()
		return fmt.Sprint(err), nil
	}
	h := startHost(t, opts, hub, "a", a)
	signal(t, h, id("account", "b"), "deposit", 1)
	start(t, h, "Fragile", "f", nil)
	require.Equal(t, durable.Failed, await(t, h, "f", durable.RuntimeStatus.IsFinished).RuntimeStatus)
	unlocked := func() {
		t.Helper()
		require.Eventually(t, func() bool {
			st, err := h.ReadEntity(t.Context(), id("account", "b"))
			return err == nil && st.LockedBy == ""
		}, 10*time.Second, 2*time.Millisecond)
	}
	unlocked()
	close(gate)
	mended.Store(true)
	require.Eventually(t, func() bool { // the answer has come, and was for nobody
		return !slices.ContainsFunc(entityKeys(t, opts, hub), func(key string) bool {
			return strings.HasSuffix(key, ":in") || strings.HasSuffix(key, ":out")
		})
	}, 10*time.Second, 2*time.Millisecond)
	require.NoError(t, h.Rewind(t.Context(), "f", "mended"))
	require.Contains(t, string(completed(t, h, "f")), "it is not known whether the operation 'go' took place")
	stateIs(t, h, id("account", "b"), "6")
	stateIs(t, h, id("counter", "c"), "1")
	unlocked()
	require.Eventually(t, func() bool {
		for _, key := range entityKeys(t, opts, hub) {
			if strings.Contains(key, "@account@a") || strings.Contains(key, "@slow@") {
				return false
			}
		}
		return true
	}, 10*time.Second, 5*time.Millisecond, "the locked account without a state should be gone")
}

// TestSuspendedCaller: the answers for a suspended orchestration wait with it.
func TestSuspendedCaller(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	opts, hub := redistest.Real(t), redistest.HubName(t)
	a := withEntities()
	gate := make(chan struct{})
	a.entities["slow"] = func(c *operation) error {
		<-gate
		c.value = raw("late")
		return nil
	}
	a.orchestrators["Call"] = func(o *orch) (any, error) {
		one, two := o.beginCall("@slow@s", "go", nil), o.beginCall("@slow@t", "go", nil)
		v, err := o.answer(one)
		if err != nil {
			return nil, err
		}
		w, err := o.answer(two)
		return []json.RawMessage{v, w}, err
	}
	first := startHost(t, opts, hub, "a", a)
	start(t, first, "Call", "c", nil)
	await(t, first, "c", func(s durable.RuntimeStatus) bool { return s == durable.Running })
	require.NoError(t, first.Suspend(t.Context(), "c", ""))
	await(t, first, "c", func(s durable.RuntimeStatus) bool { return s == durable.Suspended })
	for _, name := range []string{"cx:0", "cx:1"} { // names of the answers
		require.NoError(t, first.RaiseEvent(t.Context(), "c", name, json.RawMessage(`{"result":"\"forged\""}`)))
	}
	close(gate)
	require.Eventually(t, func() bool { return len(entityKeys(t, opts, hub)) == 0 }, 10*time.Second, 5*time.Millisecond, "the answers should be with the instance")
	first.stop()
	second := startHost(t, opts, hub, "b", a)
	require.NoError(t, second.Resume(t.Context(), "c", ""))
	require.JSONEq(t, `["late","late"]`, string(completed(t, second, "c")))
}

// TestSignalsAreCountedOnce sends many signals from many senders over two hosts, one of which dies in between.
func TestSignalsAreCountedOnce(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	opts, hub := redistest.Real(t), redistest.HubName(t)
	a := withEntities()
	a.entities["counter"] = func(c *operation) error { // each sender's signals come in order
		seen := map[string]int{}
		c.get(&seen)
		var in struct {
			Sender string
			N      int
		}
		c.in(&in)
		if seen[in.Sender] != in.N {
			seen["disorder"]++
		}
		seen[in.Sender] = in.N + 1
		c.set(seen)
		return nil
	}
	a.entities["pace"] = func(*operation) error { return nil }
	a.orchestrators["Send"] = func(o *orch) (any, error) {
		for n := range 50 {
			o.signal("@counter@c", "add", map[string]any{"Sender": o.work.InstanceID, "N": n})
			if n%10 == 9 {
				if _, err := o.call("@pace@"+o.work.InstanceID, "go", n); err != nil {
					return nil, err
				}
			}
		}
		return nil, nil
	}
	first, second := startHost(t, opts, hub, "a", a), startHost(t, opts, hub, "b", a)
	const senders = 40
	for i := range senders {
		start(t, second, "Send", fmt.Sprintf("s%d", i), nil)
		if i == senders/2 {
			first.cut.Store(true)
		}
	}
	want := map[string]int{}
	for i := range senders {
		completed(t, second, fmt.Sprintf("s%d", i))
		want[fmt.Sprintf("s%d", i)] = 50
	}
	stateIs(t, second, id("counter", "c"), string(raw(want)))
}

// TestEntitiesAreListed lists entities page by page.
func TestEntitiesAreListed(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	opts, hub := redistest.Real(t), redistest.HubName(t)
	h := startHost(t, opts, hub, "a", withEntities())
	for i := range 25 {
		signal(t, h, id("counter", fmt.Sprintf("k%02d", i)), "add", i+1)
		signal(t, h, id("account", fmt.Sprintf("k%02d", i)), "deposit", i+1)
	}
	for i := range 25 {
		stateIs(t, h, id("counter", fmt.Sprintf("k%02d", i)), fmt.Sprint(i+1))
		stateIs(t, h, id("account", fmt.Sprintf("k%02d", i)), fmt.Sprint(i+1))
	}
	q := durable.EntityQuery{Name: "Counter", Top: 10}
	var keys []string
	for {
		page, err := h.QueryEntities(t.Context(), q)
		require.NoError(t, err)
		for _, st := range page.Entities {
			require.Equal(t, "counter", st.Entity.Name)
			require.Equal(t, fmt.Sprint(len(keys)+1), string(st.State))
			keys = append(keys, st.Entity.Key)
		}
		if q.ContinuationToken = page.ContinuationToken; q.ContinuationToken == "" {
			break
		}
		require.Len(t, page.Entities, 10)
	}
	require.Len(t, keys, 25)
	page, err := h.QueryEntities(t.Context(), durable.EntityQuery{LastOperationFrom: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	require.Empty(t, page.Entities)
	_, err = h.QueryEntities(t.Context(), durable.EntityQuery{ContinuationToken: "?"})
	require.ErrorIs(t, err, durable.ErrBadContinuationToken)
}

// TestEntityTellsOnce runs one entity's operations while partitions change hands all the time.
func TestEntitiesMove(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	opts, hub := redistest.Real(t), redistest.HubName(t)
	a := withEntities()
	hosts := []*host{startHost(t, opts, hub, "h0", a)}
	ctx, cancel := context.WithCancel(t.Context())
	var sent atomic.Int64
	var wg sync.WaitGroup
	client := probe(t, opts, hub)
	for s := range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				err := client.SignalEntity(t.Context(), durable.EntitySignal{Entity: id("counter", fmt.Sprint(s)), Operation: "add", Input: raw(1)})
				if err != nil {
					t.Error(err)
					return
				}
				sent.Add(1)
			}
		})
	}
	for i := range 3 {
		next := startHost(t, opts, hub, fmt.Sprintf("h%d", i+1), a)
		hosts[i].stop()
		hosts = append(hosts, next)
	}
	cancel()
	wg.Wait()
	last := hosts[len(hosts)-1]
	require.Eventually(t, func() bool {
		sum := 0
		for s := range 4 {
			st, err := last.ReadEntity(t.Context(), id("counter", fmt.Sprint(s)))
			if err != nil {
				return false
			}
			var n int
			require.NoError(t, json.Unmarshal(st.State, &n))
			sum += n
		}
		require.LessOrEqual(t, int64(sum), sent.Load())
		return int64(sum) == sent.Load()
	}, 20*time.Second, 10*time.Millisecond)
}
