package engine_test

import (
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

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/taskhub"
	"github.com/durango-functions/durango/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// host is one durango host, as far as the engine is concerned.
type host struct {
	*taskhub.Hub
	engine *engine.Engine
	store  durable.Store // what a client on this host uses
	cut    atomic.Bool   // the hub cannot be reached
	// heldInbox, if set, is closed when what was read from inboxes may go on.
	heldInbox atomic.Pointer[chan struct{}]
	stop      func()
}

var errCut = errors.New("the network is cut")

func (h *host) Heartbeat(ctx context.Context) (engine.Membership, error) {
	if h.cut.Load() {
		return engine.Membership{}, errCut
	}
	return h.Hub.Heartbeat(ctx)
}

func (h *host) Commit(p int, epoch int64, c []*engine.Change, done func([]engine.CommitResult, error)) {
	if h.cut.Load() {
		done(nil, errCut)
		return
	}
	h.Hub.Commit(p, epoch, c, done)
}

// Inbox gives what a reader has read to the engine when heldInbox is closed.
func (h *host) Inbox(p int) engine.InboxReader { return &heldInbox{InboxReader: h.Hub.Inbox(p), h: h} }

type heldInbox struct {
	engine.InboxReader
	h *host
}

func (in *heldInbox) Read(ctx context.Context) ([]engine.Message, error) {
	messages, err := in.InboxReader.Read(ctx)
	if held := in.h.heldInbox.Load(); held != nil {
		<-*held
	}
	return messages, err
}

func (h *host) CompleteActivity(ctx context.Context, p int, key string, m engine.Message) error {
	if h.cut.Load() {
		return errCut
	}
	return h.Hub.CompleteActivity(ctx, p, key, m)
}

// client is the store that tests use: that of clients in another process, or of this one's.
func (h *host) client() durable.Store {
	if orchestrators == "" {
		return h.Hub
	}
	return h.store
}

func startHost(t testing.TB, opts *redis.Options, hub, name string, a *app, change ...func(*engine.Config)) *host {
	t.Helper()
	h := startHostWith(t, opts, hub, name, a, change...)
	select {
	case <-h.engine.Ready():
	case <-time.After(10 * time.Second):
		t.Fatal("the engine is not ready")
	}
	return h
}

// startHostWith is startHost that does not wait until the engine is ready.
func startHostWith(t testing.TB, opts *redis.Options, hub, name string, a *app, change ...func(*engine.Config)) *host {
	t.Helper()
	return startHostOf(t, opts, hub, name, a, func(*taskhub.Config) {}, change...)
}

// startHostOf is startHostWith with a hub that is configured otherwise.
func startHostOf(t testing.TB, opts *redis.Options, hub, name string, a *app, configure func(*taskhub.Config), change ...func(*engine.Config)) *host {
	t.Helper()
	own := *opts
	own.MaxRetries = -1
	client := redis.NewClient(&own)
	logger := slog.New(slog.NewTextHandler(t.Output(), nil)).With("host", name)
	hubConfig := taskhub.Config{
		Client: client, Dial: func() redis.UniversalClient { o := own; return redis.NewClient(&o) },
		Name: hub, Partitions: 4, HostID: name, Lease: 1500 * time.Millisecond, ClaimLease: 2 * time.Second, Logger: logger,
	}
	configure(&hubConfig)
	hubOf, err := taskhub.Open(t.Context(), hubConfig)
	require.NoError(t, err)
	h := &host{Hub: hubOf}
	cfg := engine.Config{Hub: h, Executor: a, HeartbeatInterval: 200 * time.Millisecond, Logger: logger}
	if orchestrators == "go-replay" {
		cfg.CacheBytes = -1
	}
	for _, f := range change {
		f(&cfg)
	}
	h.engine = engine.New(cfg)
	h.store = h.engine.Store(h.Hub)
	require.NoError(t, h.engine.Start(t.Context()))
	h.stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.engine.Stop(ctx); err != nil && !h.cut.Load() {
			t.Errorf("stopping host %s: %v", name, err)
		}
		require.NoError(t, hubOf.Close())
		require.NoError(t, client.Close())
	})
	t.Cleanup(h.stop)
	return h
}

// probe opens the hub without an engine.
func probe(t testing.TB, opts *redis.Options, hub string) *taskhub.Hub {
	t.Helper()
	client := redis.NewClient(opts)
	h, err := taskhub.Open(t.Context(), taskhub.Config{
		Client: client, Dial: func() redis.UniversalClient { return redis.NewClient(opts) }, Name: hub, Partitions: 4, HostID: "probe",
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, h.Close())
		require.NoError(t, client.Close())
	})
	return h
}

func start(t *testing.T, h *host, name, id string, input any) {
	t.Helper()
	require.NoError(t, h.client().Create(t.Context(), durable.CreateRequest{
		Name: name, InstanceID: id, ExecutionID: strings.ReplaceAll(id, "|", "") + "x", Input: raw(input),
	}))
}

// await waits until the instance has a status that f accepts.
func await(t *testing.T, h *host, id string, f func(durable.RuntimeStatus) bool) *durable.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	st, err := h.client().Wait(ctx, id, f)
	if err != nil {
		now, statusErr := h.Status(t.Context(), id, durable.StatusOptions{History: true})
		require.NoError(t, statusErr)
		t.Fatalf("%v\nstatus %s, history:\n%s", err, now.RuntimeStatus, join(now.History))
	}
	return st
}

func join(events []json.RawMessage) string {
	var b strings.Builder
	for _, ev := range events {
		b.Write(ev)
		b.WriteByte('\n')
	}
	return b.String()
}

func completed(t *testing.T, h *host, id string) json.RawMessage {
	t.Helper()
	st := await(t, h, id, durable.RuntimeStatus.IsFinished)
	require.Equal(t, durable.Completed, st.RuntimeStatus, "output: %s", st.Output)
	return st.Output
}

// counts returns how often each completion stands in the history.
func counts(t *testing.T, h *host, id string) map[string]int {
	t.Helper()
	st, err := h.Status(t.Context(), id, durable.StatusOptions{History: true})
	require.NoError(t, err)
	out := map[string]int{}
	for _, r := range st.History {
		ev, err := history.Decode(r)
		require.NoError(t, err)
		switch ev.Type {
		case history.TaskCompleted, history.TaskFailed, history.TimerFired, history.SubOrchestrationCompleted, history.SubOrchestrationFailed:
			out[fmt.Sprint(ev.Type, " ", ev.TaskID)]++
		default:
			out[ev.Type.String()]++
		}
	}
	return out
}

// usual is an app with orchestrators for many tests.
func usual() *app {
	a := newApp()
	a.activities["Hello"] = func(_ context.Context, in json.RawMessage) (any, error) {
		var name string
		if err := json.Unmarshal(in, &name); err != nil {
			return nil, err
		}
		return "Hello " + name + "!", nil
	}
	a.activities["Number"] = func(_ context.Context, in json.RawMessage) (any, error) { return in, nil }
	a.activities["Fail"] = func(context.Context, json.RawMessage) (any, error) { return nil, errors.New("no luck") }
	a.orchestrators["Sequence"] = func(o *orch) (any, error) {
		var out []string
		for _, city := range []string{"Tokyo", "Seattle", "London"} {
			v, err := o.activity("Hello", city)
			if err != nil {
				return nil, err
			}
			var s string
			if err := json.Unmarshal(v, &s); err != nil {
				return nil, err
			}
			out = append(out, s)
		}
		return out, nil
	}
	a.orchestrators["FanOut"] = func(o *orch) (any, error) {
		var n int
		o.input(&n)
		inputs := make([]any, n)
		for i := range inputs {
			inputs[i] = i
		}
		out, err := o.all("Number", inputs...)
		if err != nil {
			return nil, err
		}
		sum := 0
		for _, v := range out {
			var i int
			if err := json.Unmarshal(v, &i); err != nil {
				return nil, err
			}
			sum += i
		}
		return sum, nil
	}
	a.orchestrators["Event"] = func(o *orch) (any, error) { return o.event("go"), nil }
	a.orchestrators["Failing"] = func(o *orch) (any, error) { return o.activity("Fail", 1) }
	return a
}

func TestSequence(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		h := startHost(t, opts, redistest.HubName(t), "a", usual())
		start(t, h, "Sequence", "one", nil)
		require.JSONEq(t, `["Hello Tokyo!","Hello Seattle!","Hello London!"]`, string(completed(t, h, "one")))
		want := map[string]int{
			"ExecutionStarted": 1, "OrchestratorStarted": 4, "OrchestratorCompleted": 4, "TaskScheduled": 3,
			"TaskCompleted 0": 1, "TaskCompleted 1": 1, "TaskCompleted 2": 1, "ExecutionCompleted": 1,
		}
		if inProcess() {
			delete(want, "OrchestratorCompleted")
		}
		require.Equal(t, want, counts(t, h, "one"))
	})
}

func TestFanOutRunsFewEpisodes(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		a := usual()
		h := startHost(t, opts, redistest.HubName(t), "a", a)
		start(t, h, "FanOut", "one", 1000)
		require.Equal(t, "499500", string(completed(t, h, "one")))
		require.LessOrEqual(t, a.episodes.Load(), int64(3), "completions that do not end the wait run no episode")
		for name, n := range counts(t, h, "one") {
			if strings.HasPrefix(name, "TaskCompleted") {
				require.Equal(t, 1, n, name)
			}
		}
	})
}

func TestTimer(t *testing.T) {
	t.Parallel()
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", usual())
	a := newApp()
	a.orchestrators["Sleep"] = func(o *orch) (any, error) {
		var at time.Time
		o.input(&at)
		o.sleep(300*time.Millisecond, at)
		return o.now, nil
	}
	h.stop()
	h = startHost(t, redistest.Real(t), redistest.HubName(t), "b", a)
	at := time.Now().UTC().Truncate(time.Millisecond)
	start(t, h, "Sleep", "one", at)
	var fired time.Time
	require.NoError(t, json.Unmarshal(completed(t, h, "one"), &fired))
	require.False(t, fired.Before(at.Add(300*time.Millisecond)), "not early")
}

func TestEventsAreKeptUntilAwaited(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		a := usual()
		gate := make(chan struct{})
		a.activities["Gate"] = func(context.Context, json.RawMessage) (any, error) { <-gate; return nil, nil }
		a.orchestrators["Late"] = func(o *orch) (any, error) {
			if _, err := o.activity("Gate", nil); err != nil {
				return nil, err
			}
			return []json.RawMessage{o.event("e"), o.event("e")}, nil
		}
		h := startHost(t, opts, redistest.HubName(t), "a", a)
		start(t, h, "Late", "one", nil)
		require.NoError(t, h.RaiseEvent(t.Context(), "one", "e", json.RawMessage(`1`)))
		require.NoError(t, h.RaiseEvent(t.Context(), "one", "e", json.RawMessage(`2`)))
		await(t, h, "one", func(s durable.RuntimeStatus) bool { return s == durable.Running })
		close(gate)
		require.JSONEq(t, `[1,2]`, string(completed(t, h, "one")))
		require.ErrorIs(t, h.RaiseEvent(t.Context(), "one", "e", nil), durable.ErrInstanceFinished)
	})
}

func TestSubOrchestrations(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		a := usual()
		a.orchestrators["Parent"] = func(o *orch) (any, error) {
			var out []json.RawMessage
			for i := range 5 { // ids that lie in different partitions
				v, err := o.sub("Sequence", fmt.Sprint("child", i), nil)
				if err != nil {
					return nil, err
				}
				out = append(out, v)
			}
			v, err := o.sub("Sequence", "", nil)
			if err != nil {
				return nil, err
			}
			_, err = o.sub("Failing", "failing", nil)
			return []any{len(out), v, err.Error()}, nil
		}
		h := startHost(t, opts, redistest.HubName(t), "a", a)
		start(t, h, "Parent", "one", nil)
		require.JSONEq(t, `[5,["Hello Tokyo!","Hello Seattle!","Hello London!"],
			"Orchestrator function 'Failing' failed: Activity function 'Fail' failed: no luck"]`, string(completed(t, h, "one")))
		require.Equal(t, durable.Failed, await(t, h, "failing", durable.RuntimeStatus.IsFinished).RuntimeStatus)
	})
}

// A sub-orchestration takes the place of a finished one of its ID, as the attempts of a retry do.
func TestSubOrchestrationUnderAnOldID(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		a := usual()
		a.orchestrators["Parent"] = func(o *orch) (any, error) {
			for range 3 {
				if _, err := o.sub("Sequence", "same", nil); err != nil { // several episodes
					return nil, err
				}
			}
			_, err := o.sub("Failing", "same", nil)
			return err.Error(), nil
		}
		h := startHost(t, opts, redistest.HubName(t), "a", a)
		start(t, h, "Parent", "one", nil)
		require.JSONEq(t, `"Orchestrator function 'Failing' failed: Activity function 'Fail' failed: no luck"`, string(completed(t, h, "one")))
		require.Equal(t, durable.Failed, await(t, h, "same", durable.RuntimeStatus.IsFinished).RuntimeStatus)
	})
}

func TestSubOrchestrationWithAnIDInUse(t *testing.T) {
	t.Parallel()
	a := usual()
	a.orchestrators["Parent"] = func(o *orch) (any, error) {
		_, err := o.sub("Sequence", "busy", nil)
		return nil, err
	}
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", a)
	start(t, h, "Event", "busy", nil)
	await(t, h, "busy", func(s durable.RuntimeStatus) bool { return s == durable.Running })
	start(t, h, "Parent", "one", nil)
	st := await(t, h, "one", durable.RuntimeStatus.IsFinished)
	require.JSONEq(t, `"Orchestrator function 'Parent' failed: An Orchestration instance with the status Running already exists."`, string(st.Output))
}

func TestContinueAsNewLosesNoEvent(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		const senders, each = 4, 25
		a := newApp()
		a.orchestrators["Count"] = func(o *orch) (any, error) {
			var seen []int
			o.input(&seen)
			for range 3 { // several events per execution
				var n int
				if err := json.Unmarshal(o.event("n"), &n); err != nil {
					return nil, err
				}
				if seen = append(seen, n); len(seen) == senders*each {
					return seen, nil
				}
			}
			next := raw(seen)
			o.again = &next
			return nil, nil
		}
		h := startHost(t, opts, redistest.HubName(t), "a", a)
		start(t, h, "Count", "one", []int{})
		var wg sync.WaitGroup
		for s := range senders {
			wg.Go(func() {
				for i := range each {
					if err := h.RaiseEvent(t.Context(), "one", "n", raw(s*each+i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var seen []int
		require.NoError(t, json.Unmarshal(completed(t, h, "one"), &seen))
		require.Len(t, seen, senders*each)
		unique := map[int]bool{}
		for _, n := range seen {
			unique[n] = true
		}
		require.Len(t, unique, senders*each, "each event once")
	})
}

func TestTerminate(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		a := usual()
		a.orchestrators["Parent"] = func(o *orch) (any, error) {
			var child string
			o.input(&child)
			return o.sub("Event", child, nil)
		}
		h := startHost(t, opts, redistest.HubName(t), "a", a)
		running := func(s durable.RuntimeStatus) bool { return s == durable.Running }
		for i, cascade := range []bool{false, true} {
			parent, child := fmt.Sprint("parent", i), fmt.Sprint("child", i)
			start(t, h, "Parent", parent, child)
			await(t, h, parent, running)
			require.Eventually(t, func() bool {
				st, err := h.Status(t.Context(), child, durable.StatusOptions{})
				return err == nil && st.RuntimeStatus == durable.Running
			}, 10*time.Second, 5*time.Millisecond)
			require.NoError(t, h.Terminate(t.Context(), parent, "enough", cascade))
			st := await(t, h, parent, durable.RuntimeStatus.IsFinished)
			require.Equal(t, durable.Terminated, st.RuntimeStatus)
			require.Equal(t, `"enough"`, string(st.Output))
			if cascade {
				require.Equal(t, durable.Terminated, await(t, h, child, durable.RuntimeStatus.IsFinished).RuntimeStatus)
				continue
			}
			require.NoError(t, h.RaiseEvent(t.Context(), child, "go", json.RawMessage(`1`)))
			completed(t, h, child)
		}
	})
}

func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		h := startHost(t, opts, redistest.HubName(t), "a", usual())
		start(t, h, "Event", "one", nil)
		await(t, h, "one", func(s durable.RuntimeStatus) bool { return s == durable.Running })
		require.NoError(t, h.Suspend(t.Context(), "one", "wait"))
		await(t, h, "one", func(s durable.RuntimeStatus) bool { return s == durable.Suspended })
		require.NoError(t, h.RaiseEvent(t.Context(), "one", "go", json.RawMessage(`42`)))
		// Another message behind the event shows that the event was looked at and changed nothing.
		require.ErrorIs(t, h.Suspend(t.Context(), "one", ""), durable.ErrInstanceSuspended)
		require.NoError(t, h.Resume(t.Context(), "one", "go on"))
		require.Equal(t, "42", string(completed(t, h, "one")))
		got := counts(t, h, "one")
		require.Equal(t, 1, got["ExecutionSuspended"])
		require.Equal(t, 1, got["ExecutionResumed"])
		require.Equal(t, 1, got["EventRaised"])
	})
}

func TestRewindRunsWhatFailedAgain(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		a := usual()
		var broken atomic.Bool
		broken.Store(true)
		a.activities["Flaky"] = func(context.Context, json.RawMessage) (any, error) {
			if broken.Load() {
				return nil, errors.New("out of order")
			}
			return "mended", nil
		}
		a.orchestrators["Child"] = func(o *orch) (any, error) {
			if _, err := o.activity("Number", 7); err != nil {
				return nil, err
			}
			o.sleep(20*time.Millisecond, o.now)
			return o.activity("Flaky", nil)
		}
		a.orchestrators["Parent"] = func(o *orch) (any, error) {
			if _, err := o.activity("Number", 8); err != nil {
				return nil, err
			}
			return o.sub("Child", "child", nil)
		}
		h := startHost(t, opts, redistest.HubName(t), "a", a)
		start(t, h, "Parent", "one", nil)
		st := await(t, h, "one", durable.RuntimeStatus.IsFinished)
		require.Equal(t, durable.Failed, st.RuntimeStatus)
		require.NoError(t, h.Rewind(t.Context(), "one", "try again")) // still broken: fails again
		await(t, h, "one", func(s durable.RuntimeStatus) bool { return s == durable.Running })
		st = await(t, h, "one", durable.RuntimeStatus.IsFinished)
		require.Equal(t, durable.Failed, st.RuntimeStatus)
		broken.Store(false)
		require.NoError(t, h.Rewind(t.Context(), "one", "mended it"))
		require.Equal(t, `"mended"`, string(completed(t, h, "one")))
		require.Equal(t, 1, a.ran("Number", "7"), "what had succeeded is not run again")
		require.Equal(t, 1, a.ran("Number", "8"))
		st, err := h.Status(t.Context(), "one", durable.StatusOptions{History: true})
		require.NoError(t, err)
		require.Contains(t, join(st.History), "Rewound: mended it")
		require.ErrorIs(t, h.Rewind(t.Context(), "one", ""), durable.ErrInstanceNotFailed)
	})
}

func TestFailures(t *testing.T) {
	t.Parallel()
	a := usual()
	a.orchestrators["Throws"] = func(*orch) (any, error) { return nil, errors.New("oh no") }
	a.orchestrators["NoActivity"] = func(o *orch) (any, error) { return o.activity("Nothing", 1) }
	a.orchestrators["NoChild"] = func(o *orch) (any, error) { return o.sub("Nothing", "", 1) }
	a.orchestrators["Crashes"] = func(*orch) (any, error) { return nil, errCrash }
	a.orchestrators["Big"] = func(o *orch) (any, error) { return o.activity("Big", 1) }
	a.orchestrators["BigOutput"] = func(*orch) (any, error) { return strings.Repeat("x", 2000), nil }
	a.activities["Big"] = func(context.Context, json.RawMessage) (any, error) { return strings.Repeat("x", 2000), nil }
	a.orchestrators["Wanders"] = func(o *orch) (any, error) {
		name := "Hello"
		if len(o.results) > 0 || o.work.IsReplaying {
			name = "Number"
		}
		if _, err := o.activity(name, "x"); err != nil {
			return nil, err
		}
		return o.activity("Hello", "y")
	}
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", a, func(c *engine.Config) { c.MaxPayload, c.MaxCrashes = 1000, 2 })
	for name, want := range map[string]string{
		"Throws":     "Orchestrator function 'Throws' failed: oh no",
		"NoActivity": "Orchestrator function 'NoActivity' failed: The function 'Nothing' doesn't exist, is disabled, or is not an activity function.",
		"NoChild":    "Orchestrator function 'NoChild' failed: The function 'Nothing' doesn't exist, is disabled, or is not an orchestrator function.",
		"Missing":    "The function 'Missing' doesn't exist, is disabled, or is not an orchestrator function.",
		"Crashes":    "Orchestrator function 'Crashes' failed: 2 attempts to run it had no outcome: the worker is gone",
		"Big":        "Orchestrator function 'Big' failed: Activity function 'Big' returned 2002 bytes, the task hub takes at most 1000 (extensions.durableTask.maxPayloadSize)",
		"BigOutput":  "Orchestrator function 'BigOutput' failed: the output is 2002 bytes, the task hub takes at most 1000 (extensions.durableTask.maxPayloadSize)",
	} {
		t.Run(name, func(t *testing.T) {
			if name == "Crashes" {
				throughExecutor(t)
			}
			start(t, h, name, "i-"+name, 1)
			st := await(t, h, "i-"+name, durable.RuntimeStatus.IsFinished)
			require.Equal(t, durable.Failed, st.RuntimeStatus)
			require.Equal(t, string(raw(want)), string(st.Output))
		})
	}
	t.Run("divergence", func(t *testing.T) {
		if orchestrators == "go" {
			t.Skip("nothing is replayed")
		}
		start(t, h, "Wanders", "wanders", 1)
		st := await(t, h, "wanders", durable.RuntimeStatus.IsFinished)
		require.Equal(t, durable.Failed, st.RuntimeStatus)
		require.Contains(t, string(st.Output), "Hello")
		require.Contains(t, string(st.Output), "Number")
	})
}

func TestActivityThatCrashesIsRunAgain(t *testing.T) {
	t.Parallel()
	a := usual()
	var runs atomic.Int32
	a.activities["Shaky"] = func(context.Context, json.RawMessage) (any, error) {
		if runs.Add(1) < 3 {
			return nil, errCrash
		}
		return "done", nil
	}
	a.orchestrators["O"] = func(o *orch) (any, error) { return o.activity("Shaky", nil) }
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", a)
	start(t, h, "O", "one", nil)
	require.Equal(t, `"done"`, string(completed(t, h, "one")))
	require.Equal(t, int32(3), runs.Load())
}

func TestTwoHostsShareAndOneTakesOver(t *testing.T) {
	t.Parallel()
	opts, hub := redistest.Real(t), redistest.HubName(t)
	a, b := usual(), usual()
	gate := make(chan struct{})
	for _, x := range []*app{a, b} {
		x.activities["Gate"] = func(ctx context.Context, _ json.RawMessage) (any, error) {
			select {
			case <-gate:
				return "through", nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		x.orchestrators["Gated"] = func(o *orch) (any, error) {
			if _, err := o.activity("Gate", nil); err != nil {
				return nil, err
			}
			return o.activity("Gate", nil)
		}
	}
	first := startHost(t, opts, hub, "a", a)
	second := startHost(t, opts, hub, "b", b)
	owners, err := second.Owners(t.Context())
	require.NoError(t, err)
	per := map[string]int{}
	for _, o := range owners {
		per[o.Host]++
	}
	require.Equal(t, map[string]int{"a": 2, "b": 2}, per, "each host owns its share")

	const n = 20
	for i := range n {
		start(t, second, "Gated", fmt.Sprint("i", i), nil)
	}
	for i := range n {
		await(t, second, fmt.Sprint("i", i), func(s durable.RuntimeStatus) bool { return s == durable.Running })
	}
	require.NotZero(t, a.episodes.Load())
	require.NotZero(t, b.episodes.Load())

	// The first host is cut off with its activities under way, which it goes on to finish: nobody hears of it.
	first.cut.Store(true)
	close(gate)
	for i := range n {
		id := fmt.Sprint("i", i)
		require.Equal(t, `"through"`, string(completed(t, second, id)))
		got := counts(t, second, id)
		require.Equal(t, 1, got["TaskCompleted 0"], id)
		require.Equal(t, 1, got["TaskCompleted 1"], id)
	}
	// It comes back and takes its share again.
	first.cut.Store(false)
	require.Eventually(t, func() bool {
		owners, err := first.Owners(t.Context())
		require.NoError(t, err)
		mine := 0
		for _, o := range owners {
			if o.Host == "a" {
				mine++
			}
		}
		return mine == 2
	}, 10*time.Second, 20*time.Millisecond)
	start(t, first, "Sequence", "after", nil)
	completed(t, first, "after")
}

func TestRestartGoesOn(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		hub := redistest.HubName(t)
		a := usual()
		a.orchestrators["All"] = func(o *orch) (any, error) {
			v := o.event("first")
			o.sleep(time.Millisecond, o.now)
			w, err := o.activity("Number", 3)
			return []json.RawMessage{v, w, o.event("second")}, err
		}
		h := startHost(t, opts, hub, "a", a)
		start(t, h, "All", "one", nil)
		require.NoError(t, h.RaiseEvent(t.Context(), "one", "second", json.RawMessage(`2`))) // early
		await(t, h, "one", func(s durable.RuntimeStatus) bool { return s == durable.Running })
		h.stop()
		h = startHost(t, opts, hub, "b", a)
		require.NoError(t, h.RaiseEvent(t.Context(), "one", "first", json.RawMessage(`1`)))
		require.JSONEq(t, `[1,3,2]`, string(completed(t, h, "one")))
	})
}

func TestPurgeOfARunningInstance(t *testing.T) {
	t.Parallel()
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", usual())
	start(t, h, "Event", "one", nil)
	await(t, h, "one", func(s durable.RuntimeStatus) bool { return s == durable.Running })
	require.NoError(t, h.Purge(t.Context(), "one"))
	require.ErrorIs(t, h.RaiseEvent(t.Context(), "one", "go", nil), durable.ErrInstanceNotFound)
	start(t, h, "Sequence", "one", nil) // the ID is free again
	completed(t, h, "one")
}

// TestPurgeIsHeardOfLate has an owner that hears of a purge when another instance of the ID runs already, which it has begun itself.
func TestPurgeIsHeardOfLate(t *testing.T) {
	t.Parallel()
	opts, hub := redistest.Real(t), redistest.HubName(t)
	second, goOn := make(chan struct{}), make(chan struct{})
	a := newApp()
	a.activities["First"] = func(context.Context, json.RawMessage) (any, error) { return 1, nil }
	a.activities["Second"] = func(context.Context, json.RawMessage) (any, error) {
		close(second) // the outcome of the first is on its way: there is one place for activities
		<-goOn
		return 2, nil
	}
	a.goOrchestrator(t, "Wait", func(o *durable.Orchestration) (int, error) { return durable.WaitForEvent[int](o, "go").Await() })
	a.goOrchestrator(t, "Both", func(o *durable.Orchestration) ([]int, error) {
		return durable.WhenAll(o, durable.CallActivity[int](o, "First", nil), durable.CallActivity[int](o, "Second", nil)).Await()
	})
	h := startHost(t, opts, hub, "a", a, func(c *engine.Config) { c.CacheBytes, c.MaxActivities = -1, 1 })
	startNative(t, h, "Wait", "one", nil)
	await(t, h, "one", func(s durable.RuntimeStatus) bool { return s == durable.Running })

	heard := make(chan struct{})
	h.heldInbox.Store(&heard)
	require.NoError(t, h.Purge(t.Context(), "one"))
	startNative(t, h, "Both", "one", nil)
	<-second
	close(heard)
	client := redis.NewClient(opts)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	inbox := fmt.Sprintf("{%s:%d}:in", hub, h.PartitionOf("one"))
	require.NotZero(t, client.Exists(t.Context(), inbox).Val())
	require.Eventually(t, func() bool { return client.XLen(t.Context(), inbox).Val() == 0 }, 10*time.Second, time.Millisecond)
	close(goOn)
	require.JSONEq(t, `[1,2]`, string(completed(t, h, "one")))
}

func TestIDOfAPurgedInstanceIsFreeForASubOrchestration(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		a := usual()
		a.orchestrators["Parent"] = func(o *orch) (any, error) { return o.sub("Sequence", "one", nil) }
		h := startHost(t, opts, redistest.HubName(t), "a", a)
		start(t, h, "Event", "one", nil)
		await(t, h, "one", func(s durable.RuntimeStatus) bool { return s == durable.Running })
		require.NoError(t, h.Purge(t.Context(), "one"))
		start(t, h, "Parent", "parent", nil)
		completed(t, h, "parent")
	})
}

func TestSpilledActivitiesRunOnOtherHosts(t *testing.T) {
	t.Parallel()
	opts, hub := redistest.Real(t), redistest.HubName(t)
	var mu sync.Mutex
	by := map[string]int{}
	apps := map[string]*app{}
	for _, name := range []string{"a", "b"} {
		x := usual()
		x.activities["Who"] = func(context.Context, json.RawMessage) (any, error) {
			mu.Lock()
			defer mu.Unlock()
			by[name]++
			return name, nil
		}
		x.orchestrators["Wide"] = func(o *orch) (any, error) {
			inputs := make([]any, 60)
			for i := range inputs {
				inputs[i] = i
			}
			out, err := o.all("Who", inputs...)
			return len(out), err
		}
		apps[name] = x
	}
	few := func(c *engine.Config) { c.MaxActivities = 1 }
	h := startHost(t, opts, hub, "a", apps["a"], few)
	startHost(t, opts, hub, "b", apps["b"], few)
	for i := range 8 {
		start(t, h, "Wide", fmt.Sprint("i", i), nil)
	}
	for i := range 8 {
		require.Equal(t, "60", string(completed(t, h, fmt.Sprint("i", i))))
	}
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, 480, by["a"]+by["b"])
	require.NotZero(t, by["a"])
	require.NotZero(t, by["b"])
}

func TestPoisonHoldsUpNobody(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		hub := redistest.HubName(t)
		h := startHost(t, opts, hub, "a", usual())
		client := redis.NewClient(opts)
		defer func() { require.NoError(t, client.Close()) }()
		start(t, h, "Event", "spoiled", nil)
		await(t, h, "spoiled", func(s durable.RuntimeStatus) bool { return s == durable.Running })
		h.stop()
		p := h.PartitionOf("spoiled")
		key := func(name string) string { return fmt.Sprintf("{%s:%d}:%s", hub, p, name) }
		require.NoError(t, client.RPush(t.Context(), key("h:spoiled"), "not an event").Err())
		for _, m := range []string{"nonsense", `{"k":"dance","i":"x"}`} {
			require.NoError(t, client.XAdd(t.Context(), &redis.XAddArgs{Stream: key("in"), Values: []string{"m", m}}).Err())
		}
		h = startHost(t, opts, hub, "b", usual())
		require.NoError(t, h.RaiseEvent(t.Context(), "spoiled", "go", nil))
		st := await(t, h, "spoiled", durable.RuntimeStatus.IsFinished)
		require.Equal(t, durable.Failed, st.RuntimeStatus)
		require.Contains(t, string(st.Output), "its history cannot be read: history event ")
		require.Eventually(t, func() bool {
			n, err := client.XLen(t.Context(), key("in")).Result()
			return err == nil && n == 0
		}, 10*time.Second, 5*time.Millisecond)
		aside, err := client.XRange(t.Context(), key("aside"), "-", "+").Result()
		require.NoError(t, err)
		require.Len(t, aside, 2)
		require.Equal(t, "nonsense", aside[0].Values["m"])
		require.Contains(t, aside[1].Values["reason"], "dance")
	})
}

func TestReplacedWhileRunning(t *testing.T) {
	t.Parallel()
	h := startHost(t, redistest.Real(t), redistest.HubName(t), "a", usual())
	start(t, h, "Event", "one", nil)
	await(t, h, "one", func(s durable.RuntimeStatus) bool { return s == durable.Running })
	require.NoError(t, h.RaiseEvent(t.Context(), "one", "other", nil))
	require.NoError(t, h.Create(t.Context(), durable.CreateRequest{Name: "Sequence", InstanceID: "one", ExecutionID: "second", AnyState: true}))
	completed(t, h, "one")
}

func TestStopWhileStarting(t *testing.T) {
	t.Parallel()
	opts, hub := redistest.Real(t), redistest.HubName(t)
	for i := range 20 {
		h := startHostWith(t, opts, hub, fmt.Sprint("host", i), usual())
		if i%2 == 0 {
			<-h.engine.Ready()
		}
		h.stop() // at any moment of its start
		owners, err := probe(t, opts, hub).Owners(t.Context())
		require.NoError(t, err)
		for p, o := range owners {
			require.Empty(t, o.Host, "partition %d was given back", p)
		}
	}
}
