package node

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// app is an app in a temporary folder, and a channel that runs it.
type app struct {
	*testing.T
	root string
	ch   *Channel

	mu   sync.Mutex
	logs []worker.LogRecord
	more chan struct{} // closed and replaced with each log
}

// newApp makes an app of files by name. mod may change the configuration.
func newApp(t *testing.T, files map[string]string, mod ...func(*Config)) *app {
	t.Helper()
	a := &app{T: t, root: t.TempDir(), more: make(chan struct{})}
	a.write(files)
	cfg := Config{Root: a.root, OnLog: a.onLog, hintAfter: 10 * time.Millisecond, RestartMin: time.Millisecond}
	for _, m := range mod {
		m(&cfg)
	}
	a.ch = New(cfg)
	t.Cleanup(func() { require.NoError(t, a.ch.Stop(ctxFor(t))) })
	return a
}

func (a *app) write(files map[string]string) {
	a.Helper()
	for name, content := range files {
		path := filepath.Join(a.root, name)
		require.NoError(a, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(a, os.WriteFile(path, []byte(content), 0o644))
	}
}

// startApp is newApp with a started channel.
func startApp(t *testing.T, files map[string]string, mod ...func(*Config)) *app {
	t.Helper()
	a := newApp(t, files, mod...)
	require.NoError(t, a.ch.Start(ctxFor(t)))
	return a
}

func ctxFor(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (a *app) onLog(r worker.LogRecord) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.logs = append(a.logs, r)
	close(a.more)
	a.more = make(chan struct{})
}

// log waits for a record whose message contains text.
func (a *app) log(text string) worker.LogRecord {
	a.Helper()
	deadline := time.After(20 * time.Second)
	for {
		a.mu.Lock()
		more, logs := a.more, a.logs
		a.mu.Unlock()
		for _, r := range logs {
			if strings.Contains(r.Message, text) {
				return r
			}
		}
		select {
		case <-more:
		case <-deadline:
			require.FailNow(a, "no such log", "%q is not in %+v", text, logs)
		}
	}
}

// logged returns the messages that contain text.
func (a *app) logged(text string) (messages []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.logs {
		if strings.Contains(r.Message, text) {
			messages = append(messages, r.Message)
		}
	}
	return messages
}

// fn describes the function of script, such as "Hello/index.js". The first binding is the trigger: "activityTrigger name", "http res out".
func (a *app) fn(script string, bindings ...string) *functions.Function {
	dir, _, _ := strings.Cut(script, "/")
	f := &functions.Function{Name: dir, Dir: filepath.Join(a.root, dir), ScriptFile: filepath.Join(a.root, script), Language: "node"}
	for _, text := range bindings {
		words := append(strings.Fields(text), "in")
		f.Bindings = append(f.Bindings, functions.Binding{Type: words[0], Name: words[1], Direction: functions.Direction(words[2])})
	}
	return f
}

func activity(a *app, script string) *functions.Function {
	return a.fn(script, "activityTrigger input")
}

// invoke runs an invocation with one value per binding that is an input.
func (a *app) invoke(fn *functions.Function, inputs ...worker.Value) (*worker.Result, error) {
	a.Helper()
	return a.ch.Invoke(ctxFor(a), invocation(fn, inputs...))
}

func invocation(fn *functions.Function, inputs ...worker.Value) *worker.Invocation {
	inv := &worker.Invocation{ID: "inv-1", Function: fn}
	i := 0
	for _, b := range fn.Bindings {
		if b.IsInput() && i < len(inputs) {
			inv.Inputs = append(inv.Inputs, worker.Input{Name: b.Name, Value: inputs[i]})
			i++
		}
	}
	return inv
}

// mustInvoke returns the invocation's return value as text.
func (a *app) mustInvoke(fn *functions.Function, inputs ...worker.Value) string {
	a.Helper()
	result, err := a.invoke(fn, inputs...)
	require.NoError(a, err)
	return string(result.ReturnValue.Data)
}

// folder makes the name of a folder from the name of a test.
func folder(name string) string { return strings.NewReplacer(" ", "_", "$", "").Replace(name) }

func repeat(s string, n int) string { return strings.Repeat(s, n) }

func cancellable(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctxFor(t))
	t.Cleanup(cancel)
	return ctx, cancel
}
