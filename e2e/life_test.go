package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const versionFunction = `module.exports = async function (context, req) { context.res = { body: "%s" }; };`

func (h *host) version() string {
	a, err := h.tryCall(http.MethodGet, "/api/version", nil)
	if err != nil {
		return err.Error()
	}
	return string(a.Body)
}

func TestHotReload(t *testing.T) {
	t.Parallel()
	root := scenarios(t, "app21")
	h := startHost(t, options{Root: root, Redis: startRedis(t).URL})
	require.Equal(t, "one", h.version())

	// What is under way when the files change: an HTTP call, an activity, an orchestration that waits.
	slow := make(chan string, 1)
	go func() {
		a, err := h.tryCall(http.MethodGet, "/api/slow/slow-gate", nil)
		slow <- fmt.Sprint(err, a)
		if err == nil {
			slow <- string(a.Body)
		}
		close(slow)
	}()
	eventually(t, "the slow call to be under way", func() (bool, any) { return exists(filepath.Join(h.Dir, "slow-gate.waiting")), nil })
	gated := h.start("Gated", newID("gated"), nil)
	waiting := h.start("Event", "", nil)
	h.waitCustom(waiting, "waiting")

	began := time.Now()
	write(t, fmt.Sprintf(versionFunction, "two"), root, "Version", "index.js")
	eventually(t, "the new code", func() (bool, any) { v := h.version(); return v == "two", v })
	took := time.Since(began)
	t.Logf("the new code answered %v after the write", took.Round(time.Millisecond))
	require.Less(t, took, 5*time.Second)

	h.openGate("slow-gate")
	<-slow
	require.Equal(t, "slow but sure", <-slow, "a call under way must end on the old code")
	h.openGate(gated)
	require.Equal(t, []any{gated, "after"}, h.waitFor(gated, "Completed").Output)
	h.raise(waiting, "Go", 1)
	h.waitFor(waiting, "Completed")

	// A function that no longer parses is reported, and the rest runs.
	write(t, "module.exports = async function (context, req) { this is no JavaScript", root, "Version", "index.js")
	h.logged("syntax error in Version/index.js, line 1")
	eventually(t, "the broken function's error in the admin API", func() (bool, any) {
		a := h.call(http.MethodGet, "/admin/functions/Version/status", nil)
		return a.Status == http.StatusOK && strings.Contains(string(a.Body), "errors"), string(a.Body)
	})
	require.Equal(t, sayings, h.complete("Sequence", nil))
	write(t, fmt.Sprintf(versionFunction, "three"), root, "Version", "index.js")
	eventually(t, "the repaired function", func() (bool, any) { v := h.version(); return v == "three", v })

	// A function comes, changes its route, and goes.
	write(t, `{"bindings": [{"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous", "route": "fresh"}, {"name": "res", "type": "http", "direction": "out"}]}`, root, "Fresh", "function.json")
	write(t, fmt.Sprintf(versionFunction, "fresh"), root, "Fresh", "index.js")
	eventually(t, "the new function", func() (bool, any) {
		a := h.call(http.MethodGet, "/api/fresh", nil)
		return a.Status == http.StatusOK && string(a.Body) == "fresh", a.Status
	})
	write(t, `{"bindings": [{"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous", "route": "fresher"}, {"name": "res", "type": "http", "direction": "out"}]}`, root, "Fresh", "function.json")
	eventually(t, "the new route", func() (bool, any) {
		a, old := h.call(http.MethodGet, "/api/fresher", nil), h.call(http.MethodGet, "/api/fresh", nil)
		return a.Status == http.StatusOK && old.Status == http.StatusNotFound, a.Status
	})
	write(t, `{"bindings": [{"name": "req", "type": "httpTrigger", `, root, "Fresh", "function.json")
	eventually(t, "the broken function.json to take the function away", func() (bool, any) {
		a := h.call(http.MethodGet, "/api/fresher", nil)
		return a.Status == http.StatusNotFound, a.Status
	})
	h.logged(filepath.Join("Fresh", "function.json"))
	require.NoError(t, os.RemoveAll(filepath.Join(root, "Fresh")))
	require.Equal(t, sayings, h.complete("Sequence", nil))
}

func TestStopContinue(t *testing.T) {
	t.Parallel()
	onEachApp(t, func(t *testing.T, app scenarioApp) {
		o := app.options(t, startRedis(t).URL)
		first := startHost(t, o)
		gated := first.start("Gated", "gated", nil) // an activity that does not end by itself
		first.waitFor(gated, "Running")
		waiting := first.start("Event", "waiting", nil)
		first.waitCustom(waiting, "waiting")
		t.Logf("the host ended %v after SIGTERM", first.stop().Round(time.Millisecond))

		second := startHost(t, o)
		second.openGate(gated)
		require.Equal(t, []any{gated, "after"}, second.waitFor(gated, "Completed").Output)
		second.raise(waiting, "Go", "on")
		require.Equal(t, "on", second.waitFor(waiting, "Completed").Output)
		t.Logf("the idle host ended %v after SIGTERM", second.stop().Round(time.Millisecond))
	})
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	h := launch(t, options{Root: sample(t, "hello"), Args: []string{"--port", port}})
	h.waitExit(patience)
	require.Error(t, h.err)
	require.Contains(t, h.log.String(), port)
	require.Contains(t, h.log.String(), "in use")
}

func TestRedisComesLate(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	redis.kill()
	h := launch(t, options{Root: sample(t, "hello"), Redis: redis.URL})
	h.logged(strings.TrimPrefix(redis.URL, "redis://"))
	redis.start()
	eventually(t, "a running host", func() (bool, any) {
		h.mustLive()
		if h.URL = printedURL.FindString(h.log.String()); h.URL == "" {
			return false, h.log.String()
		}
		state, err := h.state()
		return err == nil && state == "Running", err
	})
	require.Equal(t, sayings, h.complete("HelloSequence", nil))
}

func TestRedisNeverComes(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	began := time.Now()
	h := launch(t, options{Root: sample(t, "hello"), Redis: "redis://user:hush-hush@" + address})
	h.waitExit(time.Minute)
	require.Error(t, h.err)
	require.Contains(t, h.log.String(), address)
	require.Equal(t, 1, strings.Count(h.log.String(), "Redis at "+address+" cannot be reached"), "the reason is told once")
	require.NotContains(t, h.log.String(), "hush-hush", "a password must not be printed")
	require.GreaterOrEqual(t, time.Since(began), 25*time.Second, "the host must go on trying for 30 s")
}

func TestReady(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	for name, url := range map[string]string{"embedded": "", "redis": redis.URL} {
		t.Run(name, func(t *testing.T) {
			h := startHost(t, options{Root: sample(t, "hello"), Redis: url})
			t.Logf("ready after %v", h.Ready.Round(time.Millisecond))
			require.Less(t, h.Ready, 10*time.Second)
			h.logged("HelloSequence")
			h.logged("/api/orchestrators/{functionName}/{instanceId?}")
			h.call(http.MethodGet, "/admin/host/ping", nil).want(http.StatusOK)
		})
	}
}

// TestIdle counts what an idle host asks of Redis.
func TestIdle(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	h := startHost(t, options{Root: sample(t, "hello"), Redis: redis.URL})
	require.Equal(t, sayings, h.complete("HelloSequence", nil))

	const span = 5 * time.Second
	var rate float64
	eventually(t, "fewer than 20 commands a second", func() (bool, any) {
		before := redis.commands()
		<-time.After(span) // the measurement, not a wait for something
		rate = float64(redis.commands()-before-1) / span.Seconds()
		return rate < 20, rate
	})
	t.Logf("an idle host sends %.1f commands a second", rate)
}

// cli runs a command of durango to its end.
func cli(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(durango, args...)
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestVersion(t *testing.T) {
	t.Parallel()
	out, err := cli(t, "version")
	require.NoError(t, err, out)
	require.Contains(t, out, "durango")
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"unknown command":  {[]string{"stat"}, "start"},
		"unknown flag":     {[]string{"start", "--prot", "1"}, "--prot"},
		"port no number":   {[]string{"start", "--port", "x"}, "port"},
		"no such folder":   {[]string{"start", "--root", "no-such-folder"}, "no-such-folder"},
		"bad Redis URL":    {[]string{"start", "--port", "0", "--root", sample(t, "hello"), "--redis", "http://x"}, "redis://"},
		"bad log format":   {[]string{"start", "--port", "0", "--root", sample(t, "hello"), "--log-format", "xml"}, "xml"},
		"bad log level":    {[]string{"start", "--port", "0", "--root", sample(t, "hello"), "--log-level", "loud"}, "loud"},
		"run without name": {[]string{"run"}, "run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := cli(t, c.args...)
			require.Error(t, err, out)
			require.Contains(t, out, c.want)
			require.NotContains(t, out, "goroutine")
		})
	}
}
