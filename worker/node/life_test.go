package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "node")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755))
	return path
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mod  func(*Config)
		want []string
	}{
		"node missing": {
			func(c *Config) { c.Env = []string{"PATH=" + c.Root} },
			[]string{"Node.js is missing: there is no 'node' on PATH. Install Node.js 18 or newer from https://nodejs.org/"},
		},
		"named node missing": {
			func(c *Config) { c.NodePath = "/nowhere/node" },
			[]string{"Node.js is missing: /nowhere/node does not exist. Install Node.js 18 or newer"},
		},
		"named node not on PATH": {func(c *Config) { c.NodePath = "no-such-node" }, []string{"Node.js is missing: no-such-node is not on PATH."}},
		"no executable":          {func(c *Config) { c.NodePath = c.Root + "/host.json" }, []string{"host.json is not executable"}},
		"too old, cannot read the script": {
			func(c *Config) { c.NodePath = script(t, `[ "$1" = --version ] && { echo v10.24.1; exit; }; exit 1`) },
			[]string{"Node.js v10.24.1 is too old: ", "has this version, and 18 or newer is needed. Install Node.js 18 or newer"},
		},
		"too old, can read the script": {
			func(c *Config) {
				pre := filepath.Join(c.Root, "pre.cjs")
				require.NoError(t, os.WriteFile(pre, []byte(`Object.defineProperty(process, "version", { value: "v16.20.2" });`), 0o644))
				c.NodeArgs = []string{"-r", pre}
			},
			[]string{"Node.js v16.20.2 is too old: "},
		},
		"bad argument":  {func(c *Config) { c.NodeArgs = []string{"--no-such-flag"} }, []string{"starting node (", "exit code 9", "bad option: --no-such-flag"}},
		"never ready":   {func(c *Config) { c.NodePath = script(t, "exec sleep 60"); c.StartTimeout = 50 * time.Millisecond }, []string{"it was not ready within 50ms"}},
		"no root":       {func(c *Config) { c.Root = "" }, []string{"Root is empty"}},
		"relative root": {func(c *Config) { c.Root = "app" }, []string{`Root is "app": an absolute path is needed`}},
		"missing root":  {func(c *Config) { c.Root += "/none" }, []string{"no such file or directory"}},
		"bad Processes": {func(c *Config) { c.Processes = -1 }, []string{"Processes is -1: 1 to 64 are possible"}},
		"bad backoff":   {func(c *Config) { c.RestartMin = time.Hour }, []string{"RestartMin (1h0m0s) is longer than RestartMax (10s)"}},
		"answers no sense": {
			func(c *Config) {
				c.NodePath = script(t, `[ "$1" = --version ] && exit; printf 'xxxxxxxxxxxxxxxx' >&4; exec sleep 60`)
			},
			[]string{"protocol error: frame of 2021161080 bytes: 9 to 268435456 are possible"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, map[string]string{"host.json": "{}"}, tt.mod)
			err := a.ch.Start(ctxFor(t))
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestEnvironmentOfTheProcess(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": `module.exports = async () => {
		const { FUNCTIONS_WORKER_RUNTIME, AzureWebJobsScriptRoot, FUNCTIONS_APPLICATION_DIRECTORY, MINE } = process.env;
		return JSON.stringify([process.cwd(), FUNCTIONS_WORKER_RUNTIME, AzureWebJobsScriptRoot, FUNCTIONS_APPLICATION_DIRECTORY, MINE, process.execArgv,
			require.main !== module, typeof globalThis.load]);
	};`}, func(c *Config) {
		c.Env = append(os.Environ(), "MINE=1", "FUNCTIONS_WORKER_RUNTIME=other")
		c.NodeArgs = []string{"--max-old-space-size=100"}
	})
	require.Equal(t, fmt.Sprintf(`[%q,"node",%q,%q,"1",["--max-old-space-size=100"],true,"undefined"]`, a.root, a.root, a.root), a.mustInvoke(activity(a, "F/index.js")))
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "durango-node-worker-*"))
	require.NoError(t, err)
	for _, file := range left {
		require.NotContains(t, a.process().script, file)
	}
}

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
	require.True(t, errors.As(err, &crash), "%v", err)
	return crash.Reason
}

func TestCrashFailsWhatRunsAndIsRepaired(t *testing.T) {
	t.Parallel()
	a := startApp(t, crashing)
	fn := activity(a, "Exit/index.js")
	require.NoError(t, a.ch.Load(ctxFor(t), activity(a, "Wait/index.js")))
	before := a.mustInvoke(fn, worker.StringValue("x"))
	_, err := a.invoke(fn, worker.StringValue("exit"))
	require.Equal(t, "exit code 3; while running Exit; last lines of stderr:\ngoing", crashOf(t, err))
	require.NotEqual(t, before, a.mustInvoke(fn, worker.StringValue("x")))

	_, err = a.invoke(activity(a, "Throw/index.js"))
	reason := crashOf(t, err)
	require.Contains(t, reason, "exit code 1; while running Throw; last lines of stderr:\n")
	require.Contains(t, reason, "Error: nobody catches")
	r := a.log("Worker uncaught exception")
	require.Equal(t, "Worker.node", r.Category)
	require.Contains(t, r.Message, "Error: nobody catches")

	pid, err := strconv.Atoi(a.mustInvoke(fn, worker.StringValue("x")))
	require.NoError(t, err)
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		wg.Go(func() { _, errs[i] = a.invoke(activity(a, "Wait/index.js"), a.file(i)) })
		a.awaitFile(i)
	}
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	wg.Wait()
	for _, err := range errs {
		require.Equal(t, "signal 9 (killed); while running Wait (2 times)", crashOf(t, err))
	}
	require.NotEmpty(t, a.mustInvoke(fn, worker.StringValue("x")))
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

func TestFunctionsAreLoadedAgainAfterACrash(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{
		"A/index.js": `console.log("loading A in " + process.pid); module.exports = async () => process.pid;`,
		"B/index.js": `module.exports = async () => { process.exit(0) };`,
	})
	fn := activity(a, "A/index.js")
	first := a.mustInvoke(fn)
	_, err := a.invoke(activity(a, "B/index.js"))
	require.Equal(t, "exit code 0 (does the app call process.exit?); while running B", crashOf(t, err))
	second := a.mustInvoke(fn)
	require.NotEqual(t, first, second)
	a.log("loading A in " + second)
}

func TestFunctionThatEndsTheProcessAtLoadStopsNoOther(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{
		"Bad/index.js":  `console.error("giving up"); process.exit(4);`,
		"Good/index.js": `module.exports = async () => "good";`,
	})
	bad, good := activity(a, "Bad/index.js"), activity(a, "Good/index.js")
	require.NoError(t, a.ch.Load(ctxFor(t), good))
	err := a.ch.Load(ctxFor(t), bad)
	var loadErr *worker.LoadError
	require.True(t, errors.As(err, &loadErr), "%v", err)
	require.Equal(t, "the worker process ended while it loaded the script: exit code 4; while loading Bad; last lines of stderr:\ngiving up", loadErr.Message)
	require.Equal(t, "good", a.mustInvoke(good))
	_, err = a.invoke(bad)
	require.Equal(t, loadErr, err)
}

func TestFunctionThatNeverLoadsStopsNoOther(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{
		"Bad/index.js":  `for (;;);`,
		"Good/index.js": `module.exports = async () => "good";`,
	}, func(c *Config) { c.LoadTimeout = 300 * time.Millisecond })
	require.NoError(t, a.ch.Load(ctxFor(t), activity(a, "Good/index.js")))
	err := a.ch.Load(ctxFor(t), activity(a, "Bad/index.js"))
	require.ErrorContains(t, err, "it took longer than 300ms to load a function; while loading Bad")
	require.Equal(t, "good", a.mustInvoke(activity(a, "Good/index.js")))
}

func TestInvokeDoesNotWaitForAWorkerThatNeverStarts(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "broken")
	a := startApp(t, crashing, func(c *Config) {
		c.NodePath = script(t, `[ -e `+broken+` ] && { echo no more >&2; exit 5; }; exec node "$@"`)
	})
	require.NoError(t, os.WriteFile(broken, nil, 0o644))
	fn := activity(a, "Exit/index.js")
	_, err := a.invoke(fn, worker.StringValue("exit"))
	crashOf(t, err)
	_, err = a.invoke(fn, worker.StringValue("x"))
	require.Equal(t, "it did not start 5 times in a row, the last time: exit code 5; last lines of stderr:\nno more", crashOf(t, err))
	require.NoError(t, os.Remove(broken))
	require.Eventually(t, func() bool {
		_, err := a.invoke(fn, worker.StringValue("x"))
		return err == nil
	}, 20*time.Second, 10*time.Millisecond)
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

func TestManyInvocationsWhileProcessesCrash(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": `let n = 0; module.exports = (context, input) => {
		if (input.crash && n++ === 20) process.exit(1);
		setTimeout(() => context.done(null, input.i), Math.random() * 3);
	};`}, func(c *Config) { c.Processes = 2 })
	fn := activity(a, "F/index.js")
	require.NoError(t, a.ch.Load(ctxFor(t), fn))
	var crashes atomic.Int32
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			for crash := i%2 == 0; ; crash = false {
				result, err := a.ch.Invoke(ctxFor(t), invocation(fn, worker.StringValue(fmt.Sprintf(`{"i":%d,"crash":%t}`, i, crash))))
				var end *worker.CrashError
				if errors.As(err, &end) {
					crashes.Add(1)
					continue
				}
				if err != nil || string(result.ReturnValue.Data) != strconv.Itoa(i) {
					t.Errorf("invocation %d: %v, %+v", i, err, result)
				}
				return
			}
		})
	}
	wg.Wait()
	require.Positive(t, crashes.Load())
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

func TestConsoleRecords(t *testing.T) {
	t.Parallel()
	var lines []string
	readLines(strings.NewReader("a\r\nb\n\n"+strings.Repeat("x", maxLine+5)+"\nlast\xff"), func(line string) { lines = append(lines, line) })
	require.Equal(t, []string{"a", "b", ""}, lines[:3])
	require.Equal(t, strings.Repeat("x", maxLine+5), strings.Join(lines[3:len(lines)-1], ""))
	require.Equal(t, "last\uFFFD", lines[len(lines)-1])

	var tl tail
	for i := range tailLines + 2 {
		tl.add(strconv.Itoa(i))
	}
	require.True(t, strings.HasPrefix(tl.String(), "2\n3\n"))
	require.True(t, strings.HasSuffix(tl.String(), "\n21"))
}
