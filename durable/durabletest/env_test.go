package durabletest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/durabletest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a test that may fail.
type recorder struct {
	mu       sync.Mutex
	log      []string
	failures []string
	cleanups []func()
}

func (r *recorder) Helper() {}

func (r *recorder) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, fmt.Sprintf(format, args...))
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

// record runs a test to its end and returns what it has said.
func record(test func(t durabletest.TB)) *recorder {
	r := &recorder{}
	run := func(f func()) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			f()
		}()
		<-done
	}
	run(func() { test(r) })
	for len(r.cleanups) > 0 {
		last := r.cleanups[len(r.cleanups)-1]
		r.cleanups = r.cleanups[:len(r.cleanups)-1]
		run(last)
	}
	return r
}

// requireFailure checks that a test fails once, and with a message that has the parts.
func requireFailure(t *testing.T, test func(t durabletest.TB), parts ...string) {
	t.Helper()
	r := record(test)
	require.Len(t, r.failures, 1, "log: %s", strings.Join(r.log, "\n"))
	for _, part := range parts {
		require.Contains(t, r.failures[0], part)
	}
}

type order struct {
	Item  string
	Price int
}

const errDeclined = durable.ErrorType("CardDeclined")

// buy charges, waits for an approval, and ships.
func buy(o *durable.Orchestration, in order) (string, error) {
	receipt, err := durable.CallActivity[string](o, "Charge", in.Price).Await()
	if err != nil {
		return "", err
	}
	if err := o.SetCustomStatus("charged"); err != nil {
		return "", err
	}
	approved, err := durable.WaitForEventWithin[bool](o, "Approval", 24*time.Hour)
	if errors.Is(err, durable.ErrTimeout) {
		return "expired", nil
	}
	if err != nil || !approved {
		return "refused", err
	}
	shipped, err := durable.CallSubOrchestrator[string](o, "Ship", in.Item).Await()
	return receipt + ", " + shipped, err
}

func ship(o *durable.Orchestration, item string) (string, error) {
	o.Sleep(48 * time.Hour)
	return "shipped " + item + " after " + o.Now().Format(time.DateOnly), nil
}

func newShop(t durabletest.TB) *durabletest.Env {
	env := durabletest.New(t)
	env.Orchestrator("Order", buy)
	env.Orchestrator("Ship", ship)
	env.Activity("Charge", func(_ context.Context, price int) (string, error) {
		if price > 100 {
			return "", fmt.Errorf("%w: %d is too much", errDeclined, price)
		}
		return fmt.Sprintf("receipt for %d", price), nil
	}, durabletest.Takes(3*time.Second))
	return env
}

func TestApproved(t *testing.T) {
	t.Parallel()
	env := newShop(t)
	run := env.Start("Order", order{"book", 12})
	require.Equal(t, durable.Running, run.Status())
	require.Equal(t, "charged", durabletest.CustomStatus[string](run))
	require.Equal(t, "instance 'Order-1' of 'Order' is Running and waits for any of event 'Approval', timer #1", run.String())
	run.RaiseEvent("approval", true)
	out, err := durabletest.Output[string](run)
	require.NoError(t, err)
	require.Equal(t, "receipt for 12, shipped book after 2030-01-03", out)
	require.Equal(t, []int{12}, durabletest.Inputs[int](env, "charge"))
	require.Equal(t, []durabletest.Call{{InstanceID: "Order-1", TaskID: 2, Input: []byte(`"book"`), At: time.Date(2030, 1, 1, 0, 0, 3, 0, time.UTC)}}, env.Calls("Ship"))
	run.AssertHistory(`
		0s         ExecutionStarted Order {"Item":"book","Price":12}
		0s         TaskScheduled #0 Charge 12
		3s         TaskCompleted #0 "receipt for 12"
		3s         TimerCreated #1 until 24h0m3s
		3s         EventRaised approval true
		3s         SubOrchestrationInstanceCreated #2 Ship as Order-1.1:2 "book"
		48h0m3s    SubOrchestrationInstanceCompleted #2 "shipped book after 2030-01-03"
		48h0m3s    ExecutionCompleted Completed "receipt for 12, shipped book after 2030-01-03"`)
	require.Equal(t, durable.Completed, env.Run("Order-1.1:2").Status())
	require.Len(t, env.Runs(), 2)
	require.Equal(t, "Ship", env.Runs()[1].Name())
}

func TestExpired(t *testing.T) {
	t.Parallel()
	env := newShop(t)
	run := env.Start("Order", order{"book", 12})
	env.Advance(24*time.Hour - time.Second)
	require.Equal(t, durable.Running, run.Status())
	env.Advance(time.Second)
	out, err := durabletest.Output[string](run)
	require.NoError(t, err)
	require.Equal(t, "expired", out)
	require.Empty(t, env.Calls("Ship"))
}

func TestDeclined(t *testing.T) {
	t.Parallel()
	run := newShop(t).Start("Order", order{"house", 1000})
	_, err := durabletest.Output[string](run)
	require.EqualError(t, err, "Orchestrator function 'Order' failed: Activity function 'Charge' failed: CardDeclined: 1000 is too much")
	require.ErrorIs(t, err, errDeclined)
	var failed *durabletest.RunError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, durable.Failed, failed.Status)
}

func TestFakedSubOrchestration(t *testing.T) {
	t.Parallel()
	env := durabletest.New(t)
	env.Orchestrator("Order", buy)
	env.Activity("Charge", func(context.Context) (string, error) { return "paid", nil })
	env.FakeOrchestrator("Ship", func(_ context.Context, item string) (string, error) {
		return "", fmt.Errorf("no %s left", item)
	}, durabletest.Takes(time.Hour))
	run := env.Start("Order", order{"book", 12})
	run.RaiseEvent("Approval", true)
	_, err := durabletest.Output[string](run)
	require.EqualError(t, err, "Orchestrator function 'Order' failed: Orchestrator function 'Ship' failed: no book left")
	require.Len(t, env.Calls("Ship"), 1)
	require.Equal(t, time.Hour, env.Now().Sub(env.Calls("Ship")[0].At))
}

// A function of After speaks while an orchestration waits.
func TestAfter(t *testing.T) {
	t.Parallel()
	env := newShop(t)
	env.After(20*time.Hour, func() { env.Run("Order-1").RaiseEvent("Approval", false) })
	out, err := durabletest.Output[string](env.Start("Order", order{"book", 12}))
	require.NoError(t, err)
	require.Equal(t, "refused", out)
	require.Equal(t, time.Date(2030, 1, 1, 20, 0, 0, 0, time.UTC), env.Now())
}

func TestManualTime(t *testing.T) {
	t.Parallel()
	env := newShop(t)
	env.SetTime(time.Date(2018, 5, 1, 12, 0, 0, 0, time.UTC))
	env.ManualTime()
	run := env.Start("Order", order{"book", 12})
	require.Equal(t, "instance 'Order-1' of 'Order' is Running and waits for activity 'Charge' #0", run.String())
	env.Advance(3 * time.Second)
	run.RaiseEvent("Approval", true)
	env.Advance(time.Hour)
	require.Equal(t, "instance 'Order-1.1:2' of 'Ship' is Running and waits for timer #0", env.Run("Order-1.1:2").String())
	require.Equal(t, "2018-05-01T13:00:03Z", env.Now().Format(time.RFC3339))
	env.Advance(1000 * time.Hour)
	out, err := durabletest.Output[string](run)
	require.NoError(t, err)
	require.Equal(t, "receipt for 12, shipped book after 2018-05-03", out)
}

func TestOrders(t *testing.T) {
	t.Parallel()
	env := newShop(t)
	run := env.StartWith("Order", order{"book", 12}, durable.StartOptions{InstanceID: "mine", Version: "2"})
	run.Suspend("wait")
	run.RaiseEvent("Approval", true)
	env.Advance(30 * time.Hour)
	require.Equal(t, durable.Suspended, run.Status())
	require.Empty(t, env.Calls("Ship"))
	run.Resume("go")
	require.Equal(t, durable.Completed, run.Status())
	run.AssertHistory(`
		0s       ExecutionStarted Order version 2 {"Item":"book","Price":12}
		0s       TaskScheduled #0 Charge 12
		3s       TaskCompleted #0 "receipt for 12"
		3s       TimerCreated #1 until 24h0m3s
		3s       ExecutionSuspended wait
		30h0m3s  ExecutionResumed go
		3s       EventRaised Approval true
		30h0m3s  SubOrchestrationInstanceCreated #2 Ship as mine.1:2 "book"
		78h0m3s  SubOrchestrationInstanceCompleted #2 "shipped book after 2030-01-04"
		78h0m3s  ExecutionCompleted Completed "receipt for 12, shipped book after 2030-01-04"`)

	again := env.StartWith("Order", order{"pen", 1}, durable.StartOptions{InstanceID: "mine"})
	require.Same(t, run, again, "the finished instance is replaced")
	again.Terminate("enough")
	_, err := durabletest.Output[string](again)
	require.EqualError(t, err, "instance 'mine' was terminated: enough")
	require.ErrorIs(t, err, durable.ErrTerminated)
	again.AssertHistory(`
		0s  ExecutionStarted Order {"Item":"pen","Price":1}
		0s  TaskScheduled #0 Charge 1
		3s  TaskCompleted #0 "receipt for 1"
		3s  TimerCreated #1 until 24h0m3s
		3s  ExecutionTerminated "enough"
		3s  ExecutionCompleted Terminated "enough"`)
}

// After a restart orchestrations are rebuilt from their histories.
func TestRestart(t *testing.T) {
	t.Parallel()
	env := newShop(t)
	run := env.Start("Order", order{"book", 12})
	env.Restart()
	require.Equal(t, "instance 'Order-1' of 'Order' is Running and waits for any of event 'Approval', timer #1", run.String())
	run.RaiseEvent("Approval", true)
	require.Equal(t, durable.Completed, run.Status())
}
