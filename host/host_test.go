package host

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/host/settings"
	"github.com/durango-functions/durango/internal/redistest"
	"github.com/durango-functions/durango/triggers"
	"github.com/durango-functions/durango/worker"
)

func TestMain(m *testing.M) { redistest.Main(m) }

const (
	manualConfig = `{"bindings": [{"name": "in", "type": "manualTrigger", "direction": "in"}]}`
	httpConfig   = `{"bindings": [{"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}, {"name": "res", "type": "http", "direction": "out"}]}`
	jsCode       = `module.exports = function () {};`
)

// testApp writes an app of files, by path, and returns its folder.
func testApp(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	if _, ok := files["host.json"]; !ok {
		writeFile(t, `{"version": "2.0"}`, root, "host.json")
	}
	for path, text := range files {
		writeFile(t, text, root, path)
	}
	return root
}

func writeFile(t *testing.T, text string, path ...string) {
	t.Helper()
	file := filepath.Join(path...)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file+".tmp~", []byte(text), 0o600))
	require.NoError(t, os.Rename(file+".tmp~", file))
}

func defaultsText(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../host.json")
	require.NoError(t, err)
	return text
}

// channels hands out one fake channel per generation.
type channels struct {
	mu   sync.Mutex
	made []*fakeChannel
	next func(generation int) *fakeChannel
}

func (c *channels) make(*Host, *settings.Settings, []string) channel {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := c.next(len(c.made) + 1)
	c.made = append(c.made, ch)
	return ch
}

func (c *channels) get(generation int) *fakeChannel {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made[generation-1]
}

// echoing answers with the generation's number.
func echoing(generation int) *fakeChannel {
	return &fakeChannel{invoke: func(context.Context, *worker.Invocation) (*worker.Result, error) {
		return &worker.Result{ReturnValue: worker.StringValue(fmt.Sprint(generation))}, nil
	}}
}

// testConfig is a host on a miniredis, with fake workers.
func testConfig(t *testing.T, root string, ch *channels) (Config, *syncBuffer) {
	t.Helper()
	log := &syncBuffer{}
	levels := NewLogLevels(nil)
	cfg := Config{
		Root: root, Port: -1, RedisURL: "redis://" + redistest.Mini(t).Addr, Defaults: defaultsText(t),
		Environ: []string{"PATH=" + os.Getenv("PATH")}, Logger: NewLogger(log, TextLog, levels), Levels: levels, Out: log, Version: "test",
	}
	if ch != nil {
		cfg.newChannel = ch.make
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the host:\n%s", log.String())
		}
	})
	return cfg, log
}

func startHost(t *testing.T, cfg Config) *Host {
	t.Helper()
	h, err := New(cfg)
	require.NoError(t, err)
	require.NoError(t, h.Start(t.Context()))
	t.Cleanup(func() { stopHost(t, h) })
	return h
}

func stopHost(t *testing.T, h *Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	require.NoError(t, h.Stop(ctx))
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

// tryInvoke runs a function of the current app, as a trigger does.
func tryInvoke(ctx context.Context, h *Host, name string) (string, error) {
	a := h.acquire()
	if a == nil {
		return "", errStopping
	}
	defer a.release()
	fn := a.functions.Function(name)
	if fn == nil {
		return "", fmt.Errorf("no function %s", name)
	}
	result, err := a.invoker.Invoke(ctx, fn, triggers.Event{Reason: "test"})
	if err != nil {
		return "", err
	}
	return string(result.ReturnValue.Data), nil
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 10*time.Second, 5*time.Millisecond, what)
}

func TestLifeCycle(t *testing.T) {
	t.Parallel()
	ch := &channels{next: echoing}
	root := testApp(t, map[string]string{"Manual/function.json": manualConfig, "Manual/index.js": jsCode, "Web/function.json": httpConfig, "Web/index.js": jsCode})
	cfg, log := testConfig(t, root, ch)
	h := startHost(t, cfg)

	status, body := get(t, h.URL()+"/admin/host/status")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `"Running"`)
	require.Contains(t, log.String(), "Listening on "+h.URL()+"\n")
	require.Contains(t, log.String(), "\tWeb: "+h.URL()+"/api/Web\n")
	require.Contains(t, log.String(), "durango run Manual")
	require.Contains(t, log.String(), "Management API: "+h.URL()+"/runtime/webhooks/durabletask")
	require.Regexp(t, `Host ready in \d+ ms`, log.String())
	status, body = get(t, h.URL()+"/")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "Manual")

	state, err := ReadRunState(root)
	require.NoError(t, err)
	require.Equal(t, RunState{URL: h.URL(), PID: os.Getpid()}, state)
	require.ErrorContains(t, h.Start(t.Context()), "started already")

	stopHost(t, h)
	stopHost(t, h)
	require.NoError(t, h.Wait())
	require.Equal(t, int32(1), ch.get(1).stopped.Load())
	_, err = ReadRunState(root)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = net.Dial("tcp", h.Addr().String())
	require.Error(t, err)
	require.Nil(t, h.acquire())
}

func TestStopBeforeStart(t *testing.T) {
	t.Parallel()
	cfg, _ := testConfig(t, testApp(t, nil), &channels{next: echoing})
	h, err := New(cfg)
	require.NoError(t, err)
	stopHost(t, h)
	require.Error(t, h.Start(t.Context()))
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	root := testApp(t, map[string]string{"file": "x"})
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no folder":      {func(c *Config) { c.Root = filepath.Join(root, "nowhere") }, "nowhere does not exist: give the folder"},
		"a file":         {func(c *Config) { c.Root = filepath.Join(root, "file") }, "is a file: give the folder"},
		"bad address":    {func(c *Config) { c.Address = "my machine" }, `address "my machine" is no IP address`},
		"open address":   {func(c *Config) { c.Address = "0.0.0.0" }, "can be reached from other machines"},
		"open IPv6":      {func(c *Config) { c.Address = "::" }, "--insecure-no-auth"},
		"port too large": {func(c *Config) { c.Port = 65536 }, "port 65536 does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{Root: root, Defaults: defaultsText(t), Environ: []string{}, Logger: NewLogger(io.Discard, TextLog, NewLogLevels(nil))}
			c.change(&cfg)
			_, err := New(cfg)
			require.ErrorContains(t, err, c.want)
		})
	}
	for _, change := range []func(*Config){
		func(c *Config) { c.Address, c.EnableAuth = "0.0.0.0", true },
		func(c *Config) { c.Address, c.InsecureNoAuth = "0.0.0.0", true },
		func(c *Config) { c.Address = "::1" },
		func(c *Config) { c.Address = "localhost" },
	} {
		cfg := Config{Root: root, Defaults: defaultsText(t), Environ: []string{}, Logger: NewLogger(io.Discard, TextLog, NewLogLevels(nil))}
		change(&cfg)
		_, err := New(cfg)
		require.NoError(t, err)
	}
}

func TestRedisNeverThere(t *testing.T) {
	t.Parallel()
	ch := &channels{next: echoing}
	cfg, log := testConfig(t, testApp(t, map[string]string{"F/function.json": manualConfig, "F/index.js": jsCode}), ch)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	cfg.RedisURL, cfg.RedisPatience = "redis://u:hush@"+address, 300*time.Millisecond
	h, err := New(cfg)
	require.NoError(t, err)
	err = h.Start(t.Context())
	require.ErrorContains(t, err, address)
	require.NotContains(t, err.Error()+log.String(), "hush")
	require.Equal(t, ch.get(1).started.Load(), ch.get(1).stopped.Load(), "the worker does not outlive a failed start")
	require.NoError(t, h.Wait())
}

func TestReloadSwaps(t *testing.T) {
	t.Parallel()
	gate, entered := make(chan struct{}), make(chan struct{})
	ch := &channels{}
	ch.next = func(generation int) *fakeChannel {
		c := echoing(generation)
		if generation == 1 {
			answer := c.invoke
			c.invoke = func(ctx context.Context, inv *worker.Invocation) (*worker.Result, error) {
				if inv.Function.Name == "Slow" {
					close(entered)
					<-gate
				}
				return answer(ctx, inv)
			}
		}
		return c
	}
	root := testApp(t, map[string]string{
		"Quick/function.json": manualConfig, "Quick/index.js": jsCode, "Slow/function.json": manualConfig, "Slow/index.js": jsCode,
	})
	cfg, log := testConfig(t, root, ch)
	h := startHost(t, cfg)
	slow := make(chan string, 1)
	go func() {
		result, err := tryInvoke(t.Context(), h, "Slow")
		slow <- fmt.Sprint(result, err)
	}()
	<-entered

	began := time.Now()
	writeFile(t, jsCode+"// changed", root, "Quick", "index.js")
	waitFor(t, "the new generation", func() bool {
		result, err := tryInvoke(t.Context(), h, "Quick")
		return err == nil && result == "2"
	})
	t.Logf("reloaded %v after the write", time.Since(began).Round(time.Millisecond))
	require.Contains(t, log.String(), "Reloading the app: Quick/index.js has changed")
	require.Zero(t, ch.get(1).stopped.Load(), "the old worker lives while an invocation is under way in it")
	close(gate)
	require.Equal(t, "1<nil>", <-slow)
	waitFor(t, "the end of the old worker", func() bool { return ch.get(1).stopped.Load() == 1 })
}

func TestReloadFaults(t *testing.T) {
	t.Parallel()
	ch := &channels{}
	ch.next = func(generation int) *fakeChannel {
		c := echoing(generation)
		c.load = func(fn *functions.Function) error {
			if text, err := os.ReadFile(fn.ScriptFile); err == nil && strings.Contains(string(text), "no JavaScript") {
				return &worker.LoadError{Function: fn.Name, Message: "SyntaxError: Unexpected identifier"}
			}
			return nil
		}
		return c
	}
	root := testApp(t, map[string]string{"A/function.json": manualConfig, "A/index.js": jsCode, "B/function.json": manualConfig, "B/index.js": jsCode})
	cfg, log := testConfig(t, root, ch)
	h := startHost(t, cfg)
	generation := func() int { return h.current.Load().number }

	// A fault in host.json leaves all as it was.
	writeFile(t, "{\n\"version\": oops}", root, "host.json")
	waitFor(t, "the refusal", func() bool { return strings.Contains(log.String(), "was not reloaded") })
	require.Contains(t, log.String(), "host.json:2")
	require.Equal(t, 1, generation())
	writeFile(t, `{"version": "2.0"}`, root, "host.json")
	waitFor(t, "the next generation", func() bool { return generation() == 2 })

	// A function that does not load, and one whose function.json is broken, are reported; the rest runs.
	writeFile(t, "this is no JavaScript", root, "A", "index.js")
	waitFor(t, "the report", func() bool { return strings.Contains(log.String(), "Function A is broken: ") })
	require.Contains(t, log.String(), "SyntaxError: Unexpected identifier")
	require.Equal(t, []string{"Worker was unable to load function A: 'SyntaxError: Unexpected identifier'"}, h.current.Load().errors("a"))
	writeFile(t, "{", root, "A", "function.json")
	waitFor(t, "the report", func() bool { return strings.Contains(log.String(), "A/function.json") })
	waitFor(t, "the function to be gone", func() bool { return h.current.Load().functions.Function("A") == nil })
	require.NotEmpty(t, h.current.Load().errors("A"))
	_, err := tryInvoke(t.Context(), h, "B")
	require.NoError(t, err)

	// Settings of the task hub are the host's, not the app's.
	writeFile(t, `{"version": "2.0", "extensions": {"durableTask": {"hubName": "Another"}}}`, root, "host.json")
	waitFor(t, "the warning", func() bool {
		return strings.Contains(log.String(), "changes of extensions.durableTask take effect when the host is started anew")
	})
}

func TestAppUsers(t *testing.T) {
	t.Parallel()
	a := newApp(1)
	require.True(t, a.acquire())
	a.retire()
	a.retire()
	require.True(t, a.acquire(), "on behalf of one who uses it already")
	a.release()
	select {
	case <-a.idle:
		require.Fail(t, "idle with a user")
	default:
	}
	a.release()
	<-a.idle
	require.False(t, a.acquire())
}

func TestTimeoutRecyclesTheWorker(t *testing.T) {
	t.Parallel()
	ch := &channels{next: func(int) *fakeChannel {
		return &fakeChannel{invoke: func(ctx context.Context, _ *worker.Invocation) (*worker.Result, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}}
	}}
	root := testApp(t, map[string]string{
		"host.json": `{"version": "2.0", "functionTimeout": "00:00:01"}`, "F/function.json": manualConfig, "F/index.js": jsCode,
	})
	cfg, log := testConfig(t, root, ch)
	h := startHost(t, cfg)
	_, err := tryInvoke(t.Context(), h, "F")
	require.ErrorContains(t, err, "Timeout value of 00:00:01 exceeded by function 'Functions.F'")
	require.Equal(t, int32(1), ch.get(1).recycled.Load())
	require.Contains(t, log.String(), "Executed 'Functions.F' (Failed, ")
}
