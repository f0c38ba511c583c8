package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/worker"
)

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
	require.ErrorAs(t, err, &loadErr)
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
