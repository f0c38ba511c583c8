package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

var crashing = map[string]string{
	"Exit/index.js":  `module.exports = (context, input) => { if (input === "exit") { console.error("going"); setTimeout(() => process.exit(3), 1) } else context.done(null, process.pid) };`,
	"Throw/index.js": `module.exports = () => { setTimeout(() => { throw new Error("nobody catches") }, 1) };`,
	"Wait/index.js":  `module.exports = (context, file) => { const fs = require("fs"); fs.writeFileSync(file, ""); const timer = setInterval(() => { if (!fs.existsSync(file)) { clearInterval(timer); context.done(null, "waited") } }, 5) };`,
	"Spin/index.js":  `module.exports = (context, file) => { require("fs").writeFileSync(file, ""); for (;;); };`,
}

// process returns the process of the first slot.
func (a *app) process() *process {
	a.ch.mu.Lock()
	defer a.ch.mu.Unlock()
	return a.ch.slots[0].current
}

func crashOf(t *testing.T, err error) string {
	t.Helper()
	var crash *worker.CrashError
	require.ErrorAs(t, err, &crash)
	return crash.Reason
}

// file is the i-th file with which the functions of crashing say that they run.
func (a *app) file(i int) worker.Value {
	return worker.StringValue(filepath.Join(a.root, "running-"+strconv.Itoa(i)))
}

func (a *app) awaitFile(i int) {
	a.Helper()
	require.Eventually(a, func() bool {
		_, err := os.Stat(string(a.file(i).Data))
		return err == nil
	}, 20*time.Second, 2*time.Millisecond)
}

func (a *app) removeFile(i int) {
	a.Helper()
	require.NoError(a, os.Remove(string(a.file(i).Data)))
}

func TestCancelledInvocationReturnsAtOnceAndItsAnswerIsDropped(t *testing.T) {
	t.Parallel()
	a := startApp(t, crashing)
	ctx, cancel := cancellable(t)
	fn := activity(a, "Wait/index.js")
	done := make(chan error, 1)
	go func() {
		_, err := a.ch.Invoke(ctx, invocation(fn, a.file(0)))
		done <- err
	}()
	a.awaitFile(0)
	cancel()
	require.Equal(t, context.Canceled, <-done)
	p := a.process()
	require.Equal(t, 1, p.busy())
	a.removeFile(0)
	require.Eventually(t, func() bool { return p.busy() == 0 }, 20*time.Second, time.Millisecond)
	_, err := a.ch.Invoke(ctx, invocation(fn, a.file(0)))
	require.Equal(t, context.Canceled, err)
}

func TestRecycleReplacesABlockedProcess(t *testing.T) {
	t.Parallel()
	a := startApp(t, crashing, func(c *Config) { c.DrainTimeout = 50 * time.Millisecond })
	ctx, cancel := cancellable(t)
	done := make(chan error, 2)
	go func() {
		_, err := a.ch.Invoke(ctxFor(t), invocation(activity(a, "Wait/index.js"), a.file(0)))
		done <- err
	}()
	a.awaitFile(0)
	spin := make(chan error, 1)
	go func() {
		_, err := a.ch.Invoke(ctx, invocation(activity(a, "Spin/index.js"), a.file(1)))
		spin <- err
	}()
	a.awaitFile(1)
	cancel()
	require.Equal(t, context.Canceled, <-spin)
	a.ch.Recycle("Spin timed out")
	require.Equal(t, "Spin timed out; while running Spin, Wait", crashOf(t, <-done))
	require.NotEmpty(t, a.mustInvoke(activity(a, "Exit/index.js"), worker.StringValue("x")))
}

func TestRecycleLetsInvocationsFinish(t *testing.T) {
	t.Parallel()
	a := startApp(t, crashing)
	fn := activity(a, "Exit/index.js")
	before := a.mustInvoke(fn, worker.StringValue("x"))
	var got string
	var wg sync.WaitGroup
	wg.Go(func() { got = a.mustInvoke(activity(a, "Wait/index.js"), a.file(0)) })
	a.awaitFile(0)
	old := a.process()
	a.ch.Recycle("a test")
	require.Eventually(t, func() bool { return a.mustInvoke(fn, worker.StringValue("x")) != before }, 20*time.Second, time.Millisecond)
	a.removeFile(0)
	wg.Wait()
	require.Equal(t, "waited", got)
	<-old.exited
}

func TestStopWaitsForInvocations(t *testing.T) {
	t.Parallel()
	a := startApp(t, crashing)
	var got string
	var wg sync.WaitGroup
	wg.Go(func() { got = a.mustInvoke(activity(a, "Wait/index.js"), a.file(0)) })
	a.awaitFile(0)
	stopped := make(chan error, 2)
	for range 2 {
		go func() { stopped <- a.ch.Stop(ctxFor(t)) }()
	}
	<-a.ch.stopping
	_, err := a.invoke(activity(a, "Exit/index.js"))
	require.ErrorIs(t, err, ErrStopped)
	require.ErrorIs(t, a.ch.Load(ctxFor(t), activity(a, "Exit/index.js")), ErrStopped)
	require.Empty(t, stopped)
	a.removeFile(0)
	wg.Wait()
	require.Equal(t, "waited", got)
	require.NoError(t, <-stopped)
	require.NoError(t, <-stopped)
	require.ErrorIs(t, a.ch.Start(ctxFor(t)), ErrStopped)
}

func TestStopKillsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	a := startApp(t, crashing, func(c *Config) { c.ExitGrace = 10 * time.Millisecond })
	done := make(chan error, 1)
	go func() {
		_, err := a.ch.Invoke(ctxFor(t), invocation(activity(a, "Spin/index.js"), a.file(0)))
		done <- err
	}()
	a.awaitFile(0)
	pid := a.process().cmd.Process.Pid
	ctx, cancel := cancellable(t)
	cancel()
	require.Equal(t, context.Canceled, a.ch.Stop(ctx))
	require.Equal(t, "the host stopped the worker; while running Spin", crashOf(t, <-done))
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
}

func TestChildrenOfTheAppEndWithIt(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": `module.exports = async () => require("child_process").spawn("sleep", ["60"], { stdio: "inherit" }).pid;`})
	pid, err := strconv.Atoi(a.mustInvoke(activity(a, "F/index.js")))
	require.NoError(t, err)
	require.NoError(t, a.ch.Stop(ctxFor(t)))
	require.Eventually(t, func() bool { return isGone(pid) }, 20*time.Second, time.Millisecond)
}

// isGone reports whether a process has ended; a container without init may keep it as a zombie.
func isGone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestStopBeforeStart(t *testing.T) {
	t.Parallel()
	ch := New(Config{Root: t.TempDir()})
	_, err := ch.Invoke(ctxFor(t), &worker.Invocation{Function: &functions.Function{Name: "F", ScriptFile: "f"}})
	require.ErrorIs(t, err, ErrStopped)
	require.NoError(t, ch.Stop(ctxFor(t)))
	require.NoError(t, ch.Stop(ctxFor(t)))
	require.Empty(t, ch.NodeVersion())
}

func TestProcessesShareTheInvocations(t *testing.T) {
	t.Parallel()
	a := startApp(t, crashing, func(c *Config) { c.Processes = 2 })
	fn := activity(a, "Wait/index.js")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			_, err := a.invoke(fn, a.file(i))
			if err != nil {
				t.Error(err)
			}
		})
		a.awaitFile(i)
	}
	procs, _, err := a.ch.look()
	require.NoError(t, err)
	require.Len(t, procs, 2)
	for _, p := range procs {
		require.Equal(t, 2, p.busy())
	}
	for i := range 4 {
		a.removeFile(i)
	}
	wg.Wait()
}

func TestHostDeathEndsTheWorker(t *testing.T) {
	t.Parallel()
	a := startApp(t, crashing)
	p := a.process()
	p.stdin.Close() // what the worker sees when the host is gone
	<-p.exited
	require.Equal(t, "exit code 0 (does the app call process.exit?)", p.crash.Reason)
}
