package timer

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/internal/redistest"
	"github.com/durango-functions/durango/triggers"
	"github.com/durango-functions/durango/worker"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// invocation is what an invoker was asked to do.
type invocation struct {
	host    string
	at      time.Time
	reason  string
	payload info
	raw     string
	release chan struct{} // closed: the function ends
}

// invoker notes invocations and lets the test decide when each ends.
type invoker struct {
	host string
	out  chan *invocation
}

func (v *invoker) Invoke(ctx context.Context, _ *functions.Function, ev triggers.Event) (*worker.Result, error) {
	i := &invocation{host: v.host, at: time.Now(), reason: ev.Reason, raw: string(ev.Value.Data), release: make(chan struct{})}
	if err := json.Unmarshal(ev.Value.Data, &i.payload); err != nil {
		return nil, err
	}
	v.out <- i
	select {
	case <-i.release:
		return &worker.Result{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func function(t *testing.T, properties string) *functions.Function {
	t.Helper()
	b := functions.Binding{Name: "t", Type: "timerTrigger", Direction: functions.In}
	require.NoError(t, json.Unmarshal([]byte(properties), &b.Properties))
	return &functions.Function{Name: "Tick", Bindings: []functions.Binding{b}}
}

func start(t *testing.T, properties string, options Options, v *invoker) triggers.Listener {
	t.Helper()
	options.Logger = slog.New(slog.DiscardHandler)
	options.HostID = v.host
	l, err := New(function(t, properties), options, v)
	require.NoError(t, err)
	require.NoError(t, l.Start(t.Context()))
	return l
}

func stop(t *testing.T, l triggers.Listener) {
	t.Helper()
	require.NoError(t, l.Stop(context.Background()))
}

// In a bubble, time begins at midnight of 1 January 2000, UTC.
func TestFiresOnSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		v := &invoker{out: make(chan *invocation)}
		l := start(t, `{"schedule": "0 */5 * * * *"}`, Options{}, v)
		i := <-v.out
		require.Equal(t, 5*time.Minute, i.at.Sub(began))
		require.JSONEq(t, `{"Schedule":{"AdjustForDST":true},"ScheduleStatus":{"Last":"0001-01-01T00:00:00+00:00","Next":"2000-01-01T00:05:00+00:00",`+
			`"LastUpdated":"2000-01-01T00:00:00+00:00"},"IsPastDue":false}`, i.raw)
		require.Equal(t, "timer fired", i.reason)
		time.Sleep(time.Second)
		close(i.release)
		i = <-v.out
		require.Equal(t, 10*time.Minute, i.at.Sub(began))
		require.Equal(t, &scheduleStatus{Last: "2000-01-01T00:05:00+00:00", Next: "2000-01-01T00:10:00+00:00", LastUpdated: "2000-01-01T00:05:01+00:00"}, i.payload.ScheduleStatus)
		// A run that takes longer than the schedule's interval: what passes meanwhile is left out.
		time.Sleep(12 * time.Minute)
		close(i.release)
		i = <-v.out
		require.Equal(t, 25*time.Minute, i.at.Sub(began))
		require.False(t, i.payload.IsPastDue)
		close(i.release)
		stop(t, l)
		stop(t, l)
	})
}

func TestInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		v := &invoker{out: make(chan *invocation)}
		l := start(t, `{"schedule": "00:00:30", "useMonitor": true}`, Options{}, v)
		i := <-v.out
		require.Equal(t, 30*time.Second, i.at.Sub(began))
		require.JSONEq(t, `{"Schedule":{"AdjustForDST":false},"ScheduleStatus":null,"IsPastDue":false}`, i.raw)
		time.Sleep(100 * time.Second)
		close(i.release)
		i = <-v.out
		require.Equal(t, 160*time.Second, i.at.Sub(began), "the interval begins when the function has ended")
		close(i.release)
		stop(t, l)
	})
}

func TestRunOnStartup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		v := &invoker{out: make(chan *invocation)}
		l := start(t, `{"schedule": "0 0 1 * * *", "runOnStartup": "True"}`, Options{}, v)
		i := <-v.out
		require.Zero(t, i.at.Sub(began))
		require.Equal(t, "timer runs at startup", i.reason)
		require.False(t, i.payload.IsPastDue)
		close(i.release)
		i = <-v.out
		require.Equal(t, time.Hour, i.at.Sub(began))
		require.Equal(t, "2000-01-01T00:00:00+00:00", i.payload.ScheduleStatus.Last)
		close(i.release)
		stop(t, l)
	})
}

func TestTimeZone(t *testing.T) {
	t.Parallel()
	berlin := zone(t, "Europe/Berlin")
	synctest.Test(t, func(t *testing.T) {
		v := &invoker{out: make(chan *invocation)}
		l := start(t, `{"schedule": "0 0 9 * * *"}`, Options{Location: berlin}, v)
		i := <-v.out
		require.Equal(t, "2000-01-01T08:00:00Z", i.at.UTC().Format(time.RFC3339))
		require.Equal(t, "2000-01-01T09:00:00+01:00", i.payload.ScheduleStatus.Next)
		close(i.release)
		stop(t, l)
	})
}

func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &invoker{out: make(chan *invocation)}
		l, err := New(function(t, `{"schedule": "* * * * * *"}`), Options{}, v)
		require.NoError(t, err)
		stop(t, l)
		require.NoError(t, l.Start(t.Context()), "nothing starts after Stop")
		stop(t, l)

		l = start(t, `{"schedule": "0 * * * * *"}`, Options{}, v)
		i := <-v.out
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, l.Stop(ctx), context.DeadlineExceeded)
		require.Equal(t, 2*time.Minute, time.Since(i.at)+time.Minute, "it has waited for the run")
		stop(t, l) // the run's context was canceled

		l = start(t, `{"schedule": "0 * * * * *"}`, Options{}, v)
		i = <-v.out
		stopped := make(chan error)
		go func() { stopped <- l.Stop(t.Context()) }()
		time.Sleep(30 * time.Second)
		close(i.release)
		require.NoError(t, <-stopped)
	})
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	for properties, want := range map[string]string{
		`{}`:                `function Tick: its timerTrigger has no "schedule"`,
		`{"schedule": 5}`:   "it is empty",
		`{"schedule": "x"}`: `function Tick: schedule "x"`,
		`{"schedule": "00:00:01", "runOnStartup": "maybe"}`: `runOnStartup is "maybe", expected true or false`,
		`{"schedule": "00:00:01", "useMonitor": 1}`:         `useMonitor is 1, expected true or false`,
	} {
		_, err := New(function(t, properties), Options{}, nil)
		require.ErrorContains(t, err, want)
	}
	_, err := New(&functions.Function{Name: "F"}, Options{}, nil)
	require.ErrorContains(t, err, "function F has no timerTrigger")
}

func TestTriggerValue(t *testing.T) {
	t.Parallel()
	var v info
	value := TriggerValue(function(t, `{"schedule": "0 0 1 * * *"}`))
	require.Equal(t, worker.JSON, value.Kind)
	require.NoError(t, json.Unmarshal(value.Data, &v))
	require.False(t, v.IsPastDue)
	next, err := time.Parse(timeLayout, v.ScheduleStatus.Next)
	require.NoError(t, err)
	require.True(t, next.After(time.Now()) && next.Before(time.Now().Add(25*time.Hour)))
	require.JSONEq(t, `{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}`, string(TriggerValue(function(t, `{"schedule": "x"}`)).Data))
}

// The tests below run on Redis, with two hosts.

func TestOneHostFires(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, redisOptions *redis.Options) {
		client := redis.NewClient(redisOptions)
		defer func() { _ = client.Close() }()
		options := Options{Redis: client, Hub: redistest.HubName(t)}
		out := make(chan *invocation, 100)
		for _, host := range []string{"a", "b", "c"} {
			defer stop(t, start(t, `{"schedule": "00:00:00.15"}`, options, &invoker{host: host, out: out}))
		}
		var last time.Time
		for range 5 {
			i := <-out
			require.Empty(t, out, "nobody else fires while the function runs")
			require.Less(t, 100*time.Millisecond, i.at.Sub(last))
			last = i.at
			close(i.release)
		}
		require.NotEmpty(t, client.HGet(t.Context(), "{"+options.Hub+"}:timer:tick", "next").Val())
	})
}

func TestRunLongerThanItsLease(t *testing.T) {
	t.Parallel()
	options := Options{Redis: redistest.Client(t), Hub: redistest.HubName(t), Lease: 150 * time.Millisecond}
	out := make(chan *invocation, 100)
	for _, host := range []string{"a", "b"} {
		defer stop(t, start(t, `{"schedule": "00:00:00.02"}`, options, &invoker{host: host, out: out}))
	}
	i := <-out
	select {
	case <-out:
		require.FailNow(t, "another host runs the function at the same time")
	case <-time.After(600 * time.Millisecond):
	}
	close(i.release)
	close((<-out).release)
}

// A host that loses Redis in its first run is as good as dead for the others.
func TestHostDiesInARun(t *testing.T) {
	t.Parallel()
	hub := redistest.HubName(t)
	dying := redis.NewClient(redistest.Real(t))
	out := make(chan *invocation, 100)
	lease := 300 * time.Millisecond
	first := start(t, `{"schedule": "00:00:00.1"}`, Options{Redis: dying, Hub: hub, Lease: lease}, &invoker{host: "a", out: out})
	i := <-out
	second := start(t, `{"schedule": "00:00:00.1"}`, Options{Redis: redistest.Client(t), Hub: hub, Lease: lease}, &invoker{host: "b", out: out})
	defer stop(t, second)
	require.NoError(t, dying.Close())
	next := <-out
	require.Equal(t, "b", next.host)
	require.Less(t, lease-50*time.Millisecond, next.at.Sub(i.at), "the other host waits for the lease to end")
	close(next.release)
	close(i.release)
	stop(t, first)
}

// clock is a clock that the test sets.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(at string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.at, err = time.Parse(time.RFC3339, at); err != nil {
		panic(err)
	}
}

func TestPastDue(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, redisOptions *redis.Options) {
		client := redis.NewClient(redisOptions)
		defer func() { _ = client.Close() }()
		c := &clock{}
		options := Options{Redis: client, Hub: redistest.HubName(t), Now: c.now}
		v := &invoker{out: make(chan *invocation)}
		const hourly = `{"schedule": "0 0 * * * *"}`
		opened := func(want string) {
			require.Eventually(t, func() bool {
				return parseMilliseconds(client.HGet(t.Context(), recordKey(options.Hub, "Tick"), "next").Val()).Format(time.RFC3339) == want
			}, 5*time.Second, 5*time.Millisecond, want)
		}

		c.set("2026-03-01T09:30:00Z")
		l := start(t, hourly, options, v)
		opened("2026-03-01T10:00:00Z")
		stop(t, l)

		c.set("2026-03-01T12:30:00Z")
		l = start(t, hourly, options, v)
		i := <-v.out
		require.True(t, i.payload.IsPastDue)
		require.Equal(t, "timer fired 2h30m0s late", i.reason)
		require.Equal(t, "2026-03-01T10:00:00+00:00", i.payload.ScheduleStatus.Next)
		close(i.release)
		opened("2026-03-01T13:00:00Z")
		stop(t, l)

		// Nothing was missed.
		l = start(t, hourly, options, v)
		stop(t, l)
		opened("2026-03-01T13:00:00Z")

		// Not monitored: what was missed is skipped.
		c.set("2026-03-01T15:30:00Z")
		l = start(t, `{"schedule": "0 0 * * * *", "useMonitor": false}`, options, v)
		opened("2026-03-01T16:00:00Z")
		stop(t, l)

		// Another schedule: the occurrences of the old one do not count.
		c.set("2026-03-01T17:30:00Z")
		l = start(t, `{"schedule": "0 15 * * * *"}`, options, v)
		opened("2026-03-01T18:15:00Z")
		stop(t, l)
		require.Empty(t, v.out)
	})
}

func TestTimerWaitsForRedis(t *testing.T) {
	t.Parallel()
	server := redistest.NewServer(t)
	server.Kill()
	v := &invoker{out: make(chan *invocation)}
	l := start(t, `{"schedule": "00:00:00.05"}`, Options{Redis: server.Client(t), Hub: "h", Lease: 500 * time.Millisecond}, v)
	server.Restart()
	i := <-v.out
	server.Kill()
	close(i.release)
	server.Restart()
	close((<-v.out).release)
	stop(t, l)
}

// lossy is a store that answers each claim with an error after it was made.
type lossy struct {
	store
	left int
}

func (s *lossy) claim(ctx context.Context, c claim) (bool, snapshot, error) {
	done, before, err := s.store.claim(ctx, c)
	if s.left > 0 {
		s.left--
		return false, snapshot{}, errors.New("connection lost")
	}
	return done, before, err
}

func TestAnswerOfAClaimIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		v := &invoker{out: make(chan *invocation)}
		created, err := New(function(t, `{"schedule": "0 * * * * *"}`), Options{Logger: slog.New(slog.DiscardHandler)}, v)
		require.NoError(t, err)
		l, ok := created.(*Listener)
		require.True(t, ok)
		l.store = &lossy{store: l.store, left: 2}
		require.NoError(t, l.Start(t.Context()))
		i := <-v.out
		require.Equal(t, time.Minute, i.at.Sub(began).Truncate(time.Minute), "the occurrence is not lost")
		require.Equal(t, "2000-01-01T00:01:00+00:00", i.payload.ScheduleStatus.Next)
		close(i.release)
		i = <-v.out
		require.Equal(t, 2*time.Minute, i.at.Sub(began))
		close(i.release)
		stop(t, l)
	})
}
