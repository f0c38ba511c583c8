package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// goLoop is the app of testdata/goloop as a user has it: a folder with a module.
func goLoop(t testing.TB) (root, code string) {
	t.Helper()
	root = filepath.Join(t.TempDir(), "goloop")
	require.NoError(t, goModule(root, "goloop"))
	text, err := os.ReadFile(filepath.Join(root, "main.go"))
	require.NoError(t, err)
	return root, string(text)
}

// version makes the code another build.
func version(code, name string) string {
	return strings.Replace(code, `build = "one"`, fmt.Sprintf("build = %q", name), 1)
}

// requests asks for the version on a connection of its own each time, until stopped. It returns the failures, and how often it has asked.
type requests struct {
	stop   chan struct{}
	done   sync.WaitGroup
	count  int
	failed []string
}

func (h *host) keepAsking(header ...string) *requests {
	r := &requests{stop: make(chan struct{})}
	r.done.Go(func() {
		for {
			select {
			case <-r.stop:
				return
			default:
			}
			a, err := h.tryCall(http.MethodGet, "/api/Version", nil, header...)
			r.count++
			switch {
			case err != nil:
				r.failed = append(r.failed, err.Error())
			case a.Status != http.StatusOK:
				r.failed = append(r.failed, fmt.Sprint(a.Status, " ", a.text()))
			}
		}
	})
	return r
}

func (r *requests) end(t testing.TB) {
	t.Helper()
	close(r.stop)
	r.done.Wait()
	require.Empty(t, r.failed, "of %d requests", r.count)
	t.Logf("%d requests, none failed", r.count)
}

// answers waits until the app answers with a version, which takes a build.
func (h *host) answers(name string) {
	h.t.Helper()
	eventuallyWithin(h.t, 2*patience, "the answer "+name, func() (bool, any) {
		a, err := h.tryCall(http.MethodGet, "/api/Version", nil)
		if err != nil {
			return false, err
		}
		return a.text() == name, a.text()
	})
}

var (
	swapped  = regexp.MustCompile(`Swapped in (\d+) ms`)
	pidOfLog = regexp.MustCompile(`"pid":(\d+)`)
)

// TestGoLoop works on an app in Go while it runs.
func TestGoLoop(t *testing.T) {
	t.Parallel()
	root, code := goLoop(t)
	write(t, `{"version": "2.0", "logging": {"logLevel": {"Function": "Warning"}}}`, root, "host.json") // the requests are many
	h := startHost(t, options{Root: root, Redis: startRedis(t).URL})
	require.Equal(t, "one", h.call(http.MethodGet, "/api/Version", nil).text())

	// An activity is in flight on the first build while the second one takes over.
	gated := h.start("Gated", "gated", "gate")
	runs := filepath.Join(h.Dir, "gate.runs")
	eventually(t, "the activity to run", func() (bool, any) { return exists(runs), nil })
	asking, closing := h.keepAsking(), h.keepAsking("Connection", "close")
	write(t, version(code, "two"), root, "main.go")
	h.answers("two")
	eventually(t, "the swap in the log", func() (bool, any) { return swapped.MatchString(h.log.String()), nil })
	began := time.Now()
	require.Equal(t, []any{"two", "two"}, h.withOpenGate("free"), "the new build has all partitions")
	t.Logf("%s; orchestrations on all partitions completed %v after it", swapped.FindString(h.log.String()), time.Since(began).Round(time.Millisecond))
	require.Equal(t, "Running", h.status(gated).RuntimeStatus)
	h.openGate("gate")
	require.Equal(t, []any{"one", "two"}, h.waitFor(gated, "Completed").Output, "the activity ends on the old build, and the orchestration on the new one")
	require.Equal(t, []string{"one"}, lines(t, runs), "the activity has run once")

	// A mistake is told with its place, and the app goes on.
	write(t, strings.Replace(version(code, "three"), "os.Exit(", "os.Exit(undefined, ", 1), root, "main.go")
	h.logged("The build failed, and the app goes on as it was:")
	h.logged("./main.go:")
	h.logged("undefined: undefined")
	require.Equal(t, "two", h.call(http.MethodGet, "/api/Version", nil).text())
	write(t, version(code, "three"), root, "main.go")
	h.answers("three")
	// A build that does not start does not take over.
	write(t, strings.Replace(version(code, "four"), "app := durango", "panic(\"no start\")\n\tapp := durango", 1), root, "main.go")
	h.logged("The new build has not started (exit status 2: panic: no start), and the app goes on as it was")
	require.Equal(t, "three", h.call(http.MethodGet, "/api/Version", nil).text())
	// Mended, it is the program that runs already.
	write(t, version(code, "three"), root, "main.go")
	h.logged("The program is the same as before")
	asking.end(t)
	closing.end(t)

	state, err := os.ReadFile(filepath.Join(root, ".durango", "host.json"))
	require.NoError(t, err)
	require.NotContains(t, string(state), fmt.Sprintf(`"pid":%d`, h.cmd.Process.Pid), "the app's process serves, not its supervisor")
	eventually(t, "the removal of old programs", func() (bool, any) {
		programs, err := filepath.Glob(filepath.Join(root, ".durango", "bin", "*"))
		return err == nil && len(programs) == 1, programs
	})
	pid := pidOfLog.FindStringSubmatch(string(state))[1]
	// An activity of a replaced build does not keep a second Ctrl-C waiting.
	h.start("Gated", "held", "held")
	eventually(t, "the activity to run", func() (bool, any) { return exists(filepath.Join(h.Dir, "held.runs")), nil })
	write(t, version(code, "five"), root, "main.go")
	h.answers("five")
	began = time.Now()
	eventually(t, "the end of all", func() (bool, any) {
		_ = h.cmd.Process.Signal(os.Interrupt) // what comes within half a second counts as the same
		select {
		case <-h.exited:
			return true, nil
		default:
			return false, nil
		}
	})
	require.Less(t, time.Since(began), 5*time.Second)
	require.Equal(t, 1, h.cmd.ProcessState.ExitCode())
	require.NoDirExists(t, filepath.Join("/proc", pid))
}

// TestGoLoopStops ends all by a Ctrl-C, in order and without a trace.
func TestGoLoopStops(t *testing.T) {
	t.Parallel()
	root, _ := goLoop(t)
	h := startHost(t, options{Root: root, Args: []string{"--log-format", "json"}})
	state, err := os.ReadFile(filepath.Join(root, ".durango", "host.json"))
	require.NoError(t, err)
	require.NoError(t, h.cmd.Process.Signal(os.Interrupt))
	h.waitExit(patience)
	require.NoError(t, h.err)
	require.NoDirExists(t, filepath.Join("/proc", pidOfLog.FindStringSubmatch(string(state))[1]))
	require.NoFileExists(t, filepath.Join(root, ".durango", "host.json"))
	left, err := os.ReadDir(filepath.Join(root, ".durango", "bin"))
	require.NoError(t, err)
	require.Empty(t, left)
	for line := range strings.Lines(h.log.String()) {
		require.True(t, strings.HasPrefix(line, "{"), "a line of JSON: %s", line)
	}
	require.Contains(t, h.log.String(), `"Building the app"`)
}

// withOpenGate completes an orchestration on each of many partitions, and returns the output of the last.
func (h *host) withOpenGate(gate string) (output any) {
	h.t.Helper()
	h.openGate(gate)
	var ids []string
	for i := range 32 {
		ids = append(ids, h.start("Gated", fmt.Sprint("free-", i), gate))
	}
	for _, id := range ids {
		output = h.waitFor(id, "Completed").Output
	}
	return output
}

// TestGoLoopEmbedded begins with a mistake, keeps the embedded hub over a swap, and brings a crashed app back.
func TestGoLoopEmbedded(t *testing.T) {
	t.Parallel()
	root, code := goLoop(t)
	write(t, code+"\nfunc more( {}\n", root, "main.go")
	h := launch(t, options{Root: root})
	h.logged("The build failed; the app is built again when a Go file changes:")
	h.logged("./main.go:")
	write(t, code, root, "main.go")
	eventuallyWithin(t, 2*patience, "the host's URL", func() (bool, any) {
		h.mustLive()
		h.URL = printedURL.FindString(h.log.String())
		return h.URL != "", tail(h.log.String(), 4000)
	})
	h.answers("one")
	gated := h.start("Gated", "gated", "gate")
	eventually(t, "the activity to run", func() (bool, any) { return exists(filepath.Join(h.Dir, "gate.runs")), nil })
	write(t, version(code, "two"), root, "main.go")
	h.answers("two")
	h.openGate("gate")
	require.Equal(t, []any{"one", "two"}, h.waitFor(gated, "Completed").Output)

	state, err := os.ReadFile(filepath.Join(root, ".durango", "host.json"))
	require.NoError(t, err)
	var pid int
	_, err = fmt.Sscan(pidOfLog.FindStringSubmatch(string(state))[1], &pid)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	h.logged("The app has ended (signal: killed")
	h.answers("two")
	require.Equal(t, "Completed", h.status(gated).RuntimeStatus)

	// When the supervisor is killed, all ends.
	state, err = os.ReadFile(filepath.Join(root, ".durango", "host.json"))
	require.NoError(t, err)
	h.kill()
	process := filepath.Join("/proc", pidOfLog.FindStringSubmatch(string(state))[1])
	eventually(t, "the end of the app's process", func() (bool, any) { return !exists(process), process })
}
