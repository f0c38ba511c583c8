package taskhub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/taskhub"
	"github.com/durango-functions/durango/internal/redistest"
)

// openHub opens a hub of the test's own, as the host called name.
func openHub(t *testing.T, opts *redis.Options, hub, name string) *taskhub.Hub {
	t.Helper()
	own := *opts
	own.MaxRetries = -1
	client := redis.NewClient(&own)
	h, err := taskhub.Open(t.Context(), taskhub.Config{
		Client: client, Dial: func() redis.UniversalClient { o := own; return redis.NewClient(&o) }, Name: hub, Partitions: 4, HostID: name,
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, h.Close())
		require.NoError(t, client.Close())
	})
	return h
}

// acquire makes h the owner of all partitions and returns the epochs.
func acquire(t *testing.T, h *taskhub.Hub) []int64 {
	t.Helper()
	owners, err := h.Owners(t.Context())
	require.NoError(t, err)
	epochs := make([]int64, len(owners))
	for p, o := range owners {
		epoch, ok, err := h.Acquire(t.Context(), p, o)
		require.NoError(t, err)
		require.True(t, ok)
		epochs[p] = epoch
	}
	return epochs
}

func create(t *testing.T, h *taskhub.Hub, id, name string) {
	t.Helper()
	require.NoError(t, h.Create(t.Context(), durable.CreateRequest{Name: name, InstanceID: id, ExecutionID: "x-" + id, Input: json.RawMessage(`{"a":1}`)}))
}

// finish commits an end of the instance, as the engine would.
func finish(t *testing.T, h *taskhub.Hub, epochs []int64, id string, status durable.RuntimeStatus) {
	t.Helper()
	p := h.PartitionOf(id)
	rec, err := h.Load(t.Context(), p, id)
	require.NoError(t, err)
	out := json.RawMessage(`"done"`)
	results, err := commit(h, p, epochs[p], []*engine.Change{{
		InstanceID: id, ExecutionID: rec.ExecutionID, Revision: rec.Revision,
		Fields: engine.Fields{Updated: time.Now(), Status: &status, Output: &out}, OldStatus: rec.Status, Created: rec.Created,
		Notify: true, Status: status,
	}})
	require.NoError(t, err)
	require.NoError(t, results[0].Err)
}

func TestCreateAndStatus(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		h := openHub(t, opts, redistest.HubName(t), "a")
		_, err := h.Status(t.Context(), "nobody", durable.StatusOptions{})
		require.ErrorIs(t, err, durable.ErrInstanceNotFound)

		create(t, h, "one", "Hello")
		st, err := h.Status(t.Context(), "one", durable.StatusOptions{History: true})
		require.NoError(t, err)
		require.Equal(t, "Hello", st.Name)
		require.Equal(t, durable.Pending, st.RuntimeStatus)
		require.JSONEq(t, `{"a":1}`, string(st.Input))
		require.Nil(t, st.Output)
		require.WithinDuration(t, time.Now(), st.CreatedTime, 5*time.Second)

		create(t, h, "one", "Hello") // the very same request again is no duplicate
		err = h.Create(t.Context(), durable.CreateRequest{Name: "Hello", InstanceID: "one", ExecutionID: "other"})
		var exists *durable.InstanceExistsError
		require.ErrorAs(t, err, &exists)
		require.Equal(t, durable.Pending, exists.Status)

		epochs := acquire(t, h)
		finish(t, h, epochs, "one", durable.Completed)
		require.NoError(t, h.Create(t.Context(), durable.CreateRequest{Name: "Hello", InstanceID: "one", ExecutionID: "other"}))
		require.NoError(t, h.Create(t.Context(), durable.CreateRequest{Name: "Hello", InstanceID: "one", ExecutionID: "third", AnyState: true}))
		st, err = h.Status(t.Context(), "one", durable.StatusOptions{})
		require.NoError(t, err)
		require.Equal(t, "third", st.ExecutionID)
		require.Nil(t, st.Output, "nothing of the replaced execution is left")
	})
}

func TestPayloadCap(t *testing.T) {
	t.Parallel()
	opts := redistest.Real(t)
	client := redis.NewClient(opts)
	defer func() { require.NoError(t, client.Close()) }()
	h, err := taskhub.Open(t.Context(), taskhub.Config{
		Client: client, Dial: func() redis.UniversalClient { return redis.NewClient(opts) }, Name: redistest.HubName(t), MaxPayload: 10,
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, h.Close()) }()
	err = h.Create(t.Context(), durable.CreateRequest{Name: "F", InstanceID: "i", ExecutionID: "x", Input: json.RawMessage(`"0123456789"`)})
	require.EqualError(t, err, "the input of the orchestration is 12 bytes, the task hub takes at most 10 (extensions.durableTask.maxPayloadSize)")
	_, err = h.Status(t.Context(), "i", durable.StatusOptions{})
	require.ErrorIs(t, err, durable.ErrInstanceNotFound, "nothing was stored")
}

func TestMessagesNeedAFittingStatus(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		h := openHub(t, opts, redistest.HubName(t), "a")
		epochs := acquire(t, h)
		create(t, h, "live", "F")
		create(t, h, "failed", "F")
		create(t, h, "done", "F")
		create(t, h, "paused", "F")
		finish(t, h, epochs, "failed", durable.Failed)
		finish(t, h, epochs, "done", durable.Completed)
		finish(t, h, epochs, "paused", durable.Suspended)
		ctx := t.Context()
		calls := map[string]func(id string) error{
			"event":     func(id string) error { return h.RaiseEvent(ctx, id, "e", nil) },
			"terminate": func(id string) error { return h.Terminate(ctx, id, "r", false) },
			"suspend":   func(id string) error { return h.Suspend(ctx, id, "r") },
			"resume":    func(id string) error { return h.Resume(ctx, id, "r") },
			"rewind":    func(id string) error { return h.Rewind(ctx, id, "r") },
		}
		for _, c := range []struct {
			call, id string
			want     error
		}{
			{"event", "nobody", durable.ErrInstanceNotFound},
			{"event", "live", nil},
			{"event", "paused", nil},
			{"event", "done", durable.ErrInstanceFinished},
			{"event", "failed", durable.ErrInstanceFinished},
			{"terminate", "nobody", durable.ErrInstanceNotFound},
			{"terminate", "done", durable.ErrInstanceFinished},
			{"terminate", "live", nil},
			{"suspend", "live", nil},
			{"suspend", "paused", durable.ErrInstanceSuspended},
			{"suspend", "done", durable.ErrInstanceFinished},
			{"resume", "live", durable.ErrInstanceNotSuspended},
			{"resume", "paused", nil},
			{"rewind", "nobody", durable.ErrInstanceNotFound},
			{"rewind", "live", durable.ErrInstanceNotFailed},
			{"rewind", "done", durable.ErrInstanceNotFailed},
			{"rewind", "failed", nil},
			{"rewind", "failed", durable.ErrInstanceNotFailed}, // it is Pending now
		} {
			err := calls[c.call](c.id)
			if c.want == nil {
				require.NoError(t, err, "%s %s", c.call, c.id)
			} else {
				require.ErrorIs(t, err, c.want, "%s %s", c.call, c.id)
			}
		}
	})
}

func TestCommitIsFencedAndChecksTheInstance(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		name := redistest.HubName(t)
		old, young := openHub(t, opts, name, "old"), openHub(t, opts, name, "young")
		epochs := acquire(t, old)
		create(t, old, "i", "F")
		p := old.PartitionOf("i")
		first := revisionOf(t, old, "i") - 1
		change := func(rev int64) *engine.Change {
			return &engine.Change{
				InstanceID: "i", ExecutionID: "x-i", Revision: first + rev, Fields: engine.Fields{Updated: time.Now()}, Append: [][]byte{[]byte(`{"EventType":13}`)},
			}
		}
		results, err := commit(old, p, epochs[p], []*engine.Change{change(1), change(2), change(2)})
		require.NoError(t, err)
		require.NoError(t, results[0].Err)
		require.NoError(t, results[1].Err)
		require.ErrorIs(t, results[2].Err, engine.ErrStale, "the revision has moved on")

		newEpochs := acquire(t, young)
		require.Greater(t, newEpochs[p], epochs[p])
		results, err = commit(old, p, epochs[p], []*engine.Change{change(3)})
		require.NoError(t, err)
		require.ErrorIs(t, results[0].Err, engine.ErrFenced)
		rec, err := young.Load(t.Context(), p, "i")
		require.NoError(t, err)
		require.Len(t, rec.History, 2, "what was refused left no trace")
		require.Equal(t, first+3, rec.Revision)

		_, err = old.Open(t.Context(), p, epochs[p])
		require.ErrorIs(t, err, engine.ErrFenced)
		_, ok, err := old.Acquire(t.Context(), p, engine.Owner{Host: "old", Epoch: epochs[p]})
		require.NoError(t, err)
		require.False(t, ok, "the owner is not the one seen")
	})
}

func TestOutboxDeliversOnceAndInOrder(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		h := openHub(t, opts, redistest.HubName(t), "a")
		epochs := acquire(t, h)
		create(t, h, "parent", "F")
		from := h.PartitionOf("parent")
		var other string
		for i := 0; other == "" || h.PartitionOf(other) == from; i++ {
			other = fmt.Sprint("child", i)
		}
		to := h.PartitionOf(other)
		change := &engine.Change{InstanceID: "parent", ExecutionID: "x-parent", Revision: revisionOf(t, h, "parent"), Fields: engine.Fields{Updated: time.Now()}}
		for i := range 3 {
			change.Send = append(change.Send, engine.Message{Kind: engine.MessageEvent, InstanceID: other, Name: strconv.Itoa(i)})
		}
		change.Send = append(change.Send, engine.Message{Kind: engine.MessageEvent, InstanceID: "parent", Name: "own"})
		results, err := commit(h, from, epochs[from], []*engine.Change{change})
		require.NoError(t, err)
		require.Len(t, results[0].Outbox, 3)

		state, err := h.Open(t.Context(), from, epochs[from])
		require.NoError(t, err)
		require.Equal(t, results[0].Outbox, state.Outbox, "a new owner finds what has not been delivered")
		require.NoError(t, h.Deliver(t.Context(), from, to, results[0].Outbox[:2]))
		require.NoError(t, h.Deliver(t.Context(), from, to, results[0].Outbox)) // again, and one more
		state, err = h.Open(t.Context(), from, epochs[from])
		require.NoError(t, err)
		require.Empty(t, state.Outbox)

		names := func(p int) []string {
			in := h.Inbox(p)
			defer func() { require.NoError(t, in.Close()) }()
			messages, err := in.Read(t.Context())
			require.NoError(t, err)
			var out []string
			for _, m := range messages {
				if m.Kind == engine.MessageEvent {
					out = append(out, m.Name)
				}
			}
			return out
		}
		require.Equal(t, []string{"0", "1", "2"}, names(to))
		require.Equal(t, []string{"own"}, names(from))
	})
}

func TestActivitiesAreClaimedOnceAndCompletedOnce(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		name := redistest.HubName(t)
		a, b := openHub(t, opts, name, "a"), openHub(t, opts, name, "b")
		epochs := acquire(t, a)
		create(t, a, "i", "F")
		p := a.PartitionOf("i")
		add := func(task int, spill bool) engine.ActivityAdd {
			return engine.ActivityAdd{Spill: spill, Outstanding: engine.Outstanding{
				Key: fmt.Sprint("x-i:", task), InstanceID: "i", ExecutionID: "x-i", TaskID: task, Name: "A", Input: json.RawMessage(`7`),
			}}
		}
		results, err := commit(a, p, epochs[p], []*engine.Change{{
			InstanceID: "i", ExecutionID: "x-i", Revision: revisionOf(t, a, "i"), Fields: engine.Fields{Updated: time.Now()},
			ActivitiesAdd: []engine.ActivityAdd{add(0, false), add(1, true)},
		}})
		require.NoError(t, err)
		require.NoError(t, results[0].Err)

		require.NoError(t, a.RenewClaims(t.Context(), p, []string{"x-i:0", "x-i:9"}), "the owner gives the partition back")
		claim, err := b.Reclaim(t.Context(), p, "x-i:0", "")
		require.NoError(t, err)
		require.False(t, claim.Taken, "a's claim is valid")
		require.True(t, claim.Until.After(time.Now()))
		claim, err = b.Reclaim(t.Context(), p, "x-i:0", "a")
		require.NoError(t, err)
		require.True(t, claim.Taken, "a is known to be dead")
		require.Equal(t, "A", claim.Activity.Name)

		act, err := b.TakeActivity(t.Context())
		require.NoError(t, err)
		require.Equal(t, "x-i:1", act.Key)
		require.Equal(t, p, act.Partition)
		require.JSONEq(t, `7`, string(act.Input))

		done := engine.Message{Kind: engine.MessageTaskDone, InstanceID: "i", ExecutionID: "x-i", TaskID: 1, Name: "x-i:1"}
		require.NoError(t, b.CompleteActivity(t.Context(), p, "x-i:1", done))
		require.NoError(t, b.CompleteActivity(t.Context(), p, "x-i:1", done))
		state, err := a.Open(t.Context(), p, epochs[p])
		require.NoError(t, err)
		require.Len(t, state.Activities, 1, "the completed one waits in the inbox")
		require.Equal(t, "b", state.Activities[0].ClaimedBy)
		in := a.Inbox(p)
		defer func() { require.NoError(t, in.Close()) }()
		messages, err := in.Read(t.Context())
		require.NoError(t, err)
		require.Len(t, messages, 2, "the start and one outcome")
	})
}

func TestLeases(t *testing.T) {
	t.Parallel()
	opts := redistest.Real(t)
	name := redistest.HubName(t)
	a, b := openHub(t, opts, name, "a"), openHub(t, opts, name, "b")
	m, err := a.Heartbeat(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, m.Hosts)
	m, err = b.Heartbeat(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, m.Hosts)
	require.Empty(t, m.Leaving)
	require.NoError(t, a.StepDown(t.Context()))
	m, err = a.Heartbeat(t.Context())
	require.NoError(t, err)
	require.False(t, m.Lapsed, "the lease goes on")
	m, err = b.Heartbeat(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"b"}, m.Hosts)
	require.Equal(t, []string{"a"}, m.Leaving)
	require.NoError(t, a.Leave(t.Context()))
	m, err = b.Heartbeat(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"b"}, m.Hosts)
	require.Empty(t, m.Leaving)
}

func TestDeadHostOnThisMachineIsNoticed(t *testing.T) {
	t.Parallel()
	opts := redistest.Real(t)
	name := redistest.HubName(t)
	id := taskhub.LocalHostID()
	gone := openHub(t, opts, name, id+"0")
	_, err := gone.Heartbeat(t.Context())
	require.NoError(t, err)
	b := openHub(t, opts, name, "b")
	m, err := b.Heartbeat(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"b", id + "0"}, m.Hosts, "this process lives")

	dead := openHub(t, opts, name, taskhub.HostIDOf(1<<22+1, "12345"))
	_, err = dead.Heartbeat(t.Context())
	require.NoError(t, err)
	m, err = b.Heartbeat(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"b", id + "0"}, m.Hosts, "no process has that number")
}

func TestWaitIsTold(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		h := openHub(t, opts, redistest.HubName(t), "a")
		epochs := acquire(t, h)
		create(t, h, "i", "F")
		type answer struct {
			st  *durable.Status
			err error
		}
		got := make(chan answer, 1)
		go func() {
			st, err := h.Wait(t.Context(), "i", durable.RuntimeStatus.IsFinished)
			got <- answer{st, err}
		}()
		finish(t, h, epochs, "i", durable.Running)
		finish(t, h, epochs, "i", durable.Completed)
		a := <-got
		require.NoError(t, a.err)
		require.Equal(t, durable.Completed, a.st.RuntimeStatus)

		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := h.Wait(ctx, "i", func(s durable.RuntimeStatus) bool { return s == durable.Failed })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = h.Wait(t.Context(), "nobody", durable.RuntimeStatus.IsFinished)
		require.ErrorIs(t, err, durable.ErrInstanceNotFound)
	})
}

func TestQueryPagesAndFilters(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		h := openHub(t, opts, redistest.HubName(t), "a")
		epochs := acquire(t, h)
		for i := range 30 {
			name := "Even"
			if i%2 == 1 {
				name = "Odd"
			}
			create(t, h, fmt.Sprintf("i-%02d", i), name)
		}
		for i := 0; i < 30; i += 3 {
			finish(t, h, epochs, fmt.Sprintf("i-%02d", i), durable.Completed)
		}
		all := func(q durable.Query) (ids []string) {
			for {
				page, err := h.Query(t.Context(), q)
				require.NoError(t, err)
				require.LessOrEqual(t, len(page.Instances), 7)
				for _, st := range page.Instances {
					ids = append(ids, st.InstanceID)
				}
				if page.ContinuationToken == "" {
					return ids
				}
				q.ContinuationToken = page.ContinuationToken
			}
		}
		require.Len(t, all(durable.Query{Top: 7}), 30)
		require.Len(t, all(durable.Query{Top: 7, RuntimeStatus: []durable.RuntimeStatus{durable.Completed}}), 10)
		require.Len(t, all(durable.Query{Top: 7, RuntimeStatus: []durable.RuntimeStatus{durable.Completed, durable.Pending}}), 30)
		require.Len(t, all(durable.Query{Top: 7, FunctionName: "odd"}), 15)
		require.Len(t, all(durable.Query{Top: 7, FunctionName: "odd", RuntimeStatus: []durable.RuntimeStatus{durable.Completed}}), 5)
		require.Equal(t, []string{"i-10", "i-11", "i-12", "i-13", "i-14", "i-15", "i-16", "i-17", "i-18", "i-19"},
			all(durable.Query{Top: 7, InstanceIDPrefix: "i-1"}))
		require.Empty(t, all(durable.Query{Top: 7, CreatedFrom: time.Now().Add(time.Hour)}))
		require.Len(t, all(durable.Query{Top: 7, CreatedFrom: time.Now().Add(-time.Hour), CreatedTo: time.Now().Add(time.Hour)}), 30)

		// A page stays where it is while instances come and go.
		first, err := h.Query(t.Context(), durable.Query{Top: 7})
		require.NoError(t, err)
		require.NoError(t, h.Purge(t.Context(), first.Instances[2].InstanceID))
		create(t, h, "late", "Late")
		rest := all(durable.Query{Top: 7, ContinuationToken: first.ContinuationToken})
		require.Len(t, rest, 24)
		for _, st := range first.Instances {
			require.NotContains(t, rest, st.InstanceID)
		}
		_, err = h.Query(t.Context(), durable.Query{ContinuationToken: "nonsense"})
		require.ErrorIs(t, err, durable.ErrBadContinuationToken)
	})
}

func TestPurge(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		name := redistest.HubName(t)
		h := openHub(t, opts, name, "a")
		epochs := acquire(t, h)
		for i := range 10 {
			create(t, h, fmt.Sprint("i", i), "F")
			if i < 6 {
				finish(t, h, epochs, fmt.Sprint("i", i), durable.Completed)
			}
		}
		require.NoError(t, h.Purge(t.Context(), "i9"))
		require.ErrorIs(t, h.Purge(t.Context(), "i9"), durable.ErrInstanceNotFound)
		n, err := h.PurgeWhere(t.Context(), durable.PurgeFilter{})
		require.NoError(t, err)
		require.Equal(t, 6, n, "only finished ones")
		n, err = h.PurgeWhere(t.Context(), durable.PurgeFilter{RuntimeStatus: []durable.RuntimeStatus{durable.Pending}})
		require.NoError(t, err)
		require.Equal(t, 3, n, "others when named")

		client := redis.NewClient(opts)
		defer func() { require.NoError(t, client.Close()) }()
		for p := range h.Partitions() {
			for _, pattern := range []string{"i:*", "h:*", "e:*", "x:*"} {
				keys, err := client.Keys(t.Context(), fmt.Sprintf("{%s:%d}:%s", name, p, pattern)).Result()
				require.NoError(t, err)
				require.Empty(t, keys, "nothing is left behind")
			}
		}
	})
}

func TestRestartOfRedisIsWaitedFor(t *testing.T) {
	t.Parallel()
	server := redistest.NewServer(t, "--appendonly", "yes", "--appendfsync", "always")
	h := openHub(t, server.Options(), redistest.HubName(t), "a")
	create(t, h, "i", "F")
	server.Kill()
	errs := make(chan error, 3)
	go func() {
		_, err := h.Status(t.Context(), "i", durable.StatusOptions{})
		errs <- err
	}()
	go func() { errs <- h.RaiseEvent(t.Context(), "i", "e", nil) }()
	go func() {
		_, err := h.Query(t.Context(), durable.Query{})
		errs <- err
	}()
	server.Restart()
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
}

// commit waits for the outcome of a commit.
func commit(h *taskhub.Hub, p int, epoch int64, changes []*engine.Change) (results []engine.CommitResult, err error) {
	done := make(chan struct{})
	h.Commit(p, epoch, changes, func(r []engine.CommitResult, e error) {
		results, err = r, e
		close(done)
	})
	<-done
	return results, err
}

func revisionOf(t *testing.T, h *taskhub.Hub, id string) int64 {
	t.Helper()
	rec, err := h.Load(t.Context(), h.PartitionOf(id), id)
	require.NoError(t, err)
	return rec.Revision
}

// TestCommitMissesWhatWasPurgedAndCreatedAnew lets an owner commit that has not heard of it yet.
func TestCommitMissesWhatWasPurgedAndCreatedAnew(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		h := openHub(t, opts, redistest.HubName(t), "a")
		epochs := acquire(t, h)
		p := h.PartitionOf("i")
		create(t, h, "i", "F")
		stale := &engine.Change{
			InstanceID: "i", ExecutionID: "x-i", Revision: revisionOf(t, h, "i"), Fields: engine.Fields{Updated: time.Now()},
			Append: [][]byte{[]byte(`{"EventType":13}`)},
		}
		require.NoError(t, h.Purge(t.Context(), "i"))
		results, err := commit(h, p, epochs[p], []*engine.Change{stale})
		require.NoError(t, err)
		require.ErrorIs(t, results[0].Err, engine.ErrStale)
		_, err = h.Status(t.Context(), "i", durable.StatusOptions{})
		require.ErrorIs(t, err, durable.ErrInstanceNotFound, "a refused change leaves nothing behind")
		create(t, h, "i", "F")
		was := revisionOf(t, h, "i")
		results, err = commit(h, p, epochs[p], []*engine.Change{stale})
		require.NoError(t, err)
		require.ErrorIs(t, results[0].Err, engine.ErrStale)
		require.Equal(t, was, revisionOf(t, h, "i"))
	})
}
