package host

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// answering is a worker whose HTTP functions answer with a text.
func answering(text string) func(context.Context, *worker.Invocation) (*worker.Result, error) {
	return func(context.Context, *worker.Invocation) (*worker.Result, error) {
		return &worker.Result{Outputs: map[string]worker.Value{
			"res": {Kind: worker.HTTP, Response: &worker.HTTPResponse{Body: worker.StringValue(text)}},
		}}, nil
	}
}

type answer struct {
	status int
	body   string
	err    error
}

// getLater makes a request on a goroutine of its own.
func getLater(ctx context.Context, url string) <-chan answer {
	out := make(chan answer, 1)
	go func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			out <- answer{err: err}
			return
		}
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			out <- answer{err: err}
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		out <- answer{resp.StatusCode, string(body), err}
	}()
	return out
}

// slowStart is a fake channel whose loading waits for a gate.
func slowStart(gate <-chan struct{}) func(int) *fakeChannel {
	return func(int) *fakeChannel {
		return &fakeChannel{invoke: answering("hello"), load: func(*functions.Function) error {
			<-gate
			return nil
		}}
	}
}

func TestRequestsWaitForTheHost(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	cfg, log := testConfig(t, testApp(t, map[string]string{"Web/function.json": httpConfig, "Web/index.js": jsCode}), &channels{next: slowStart(gate)})
	h, err := New(cfg)
	require.NoError(t, err)
	started := make(chan error, 1)
	go func() { started <- h.Start(t.Context()) }()
	t.Cleanup(func() { stopHost(t, h) })
	waitFor(t, "the address", func() bool { return strings.Contains(log.String(), "Listening on ") })

	status, body := get(t, h.URL()+"/admin/host/status")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `"Starting"`)
	status, _ = get(t, h.URL()+"/Admin/Host/Ping")
	require.Equal(t, http.StatusOK, status)
	early := getLater(t.Context(), h.URL()+"/api/web")
	select {
	case a := <-early:
		require.Fail(t, "answered before the host was ready", a)
	case <-time.After(50 * time.Millisecond): // that nothing happens can only be seen by looking for a while
	}
	close(gate)
	require.Equal(t, answer{status: http.StatusOK, body: "hello"}, <-early)
	require.NoError(t, <-started)
}

func TestPaths(t *testing.T) {
	t.Parallel()
	root := testApp(t, map[string]string{
		"Web/function.json": httpConfig, "Web/index.js": jsCode, "Orch/function.json": `{"bindings": [{"name": "c", "type": "orchestrationTrigger", "direction": "in"}]}`, "Orch/index.js": jsCode,
	})
	cfg, _ := testConfig(t, root, &channels{next: func(int) *fakeChannel { return &fakeChannel{invoke: answering("hello")} }})
	h := startHost(t, cfg)
	for path, want := range map[string]int{
		"/api/Web":                http.StatusOK,
		"/API/WEB":                http.StatusOK,
		"/api/web/more":           http.StatusNotFound,
		"/api/Orch":               http.StatusNotFound,
		"/nowhere":                http.StatusNotFound,
		"/":                       http.StatusOK,
		"/admin/functions":        http.StatusOK,
		"/admin/functions/Web":    http.StatusOK,
		"/admin/functions/Nobody": http.StatusNotFound,
		"/administration":         http.StatusNotFound,
		"/runtime/webhooks/durabletask/instances":          http.StatusOK,
		"/Runtime/Webhooks/DurableTask/instances/none":     http.StatusNotFound,
		"/admin/extensions/DurableTaskExtension/instances": http.StatusOK,
		"/durabletask/instances":                           http.StatusNotFound,
	} {
		status, body := get(t, h.URL()+path)
		require.Equal(t, want, status, "%s: %s", path, body)
	}
	status, _ := get(t, h.rpc.url()+"instances")
	require.Equal(t, http.StatusOK, status, "the endpoint for SDKs")
	status, _ = get(t, strings.TrimSuffix(h.rpc.url(), "durabletask/")+"admin/functions")
	require.Equal(t, http.StatusNotFound, status, "it serves nothing else")
}

func TestHomePage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		want  int
		body  string
	}{
		"page": {nil, http.StatusOK, "up and running"},
		"off":  {map[string]string{"local.settings.json": `{"IsEncrypted": false, "Values": {"AzureWebJobsDisableHomepage": "true"}}`}, http.StatusNoContent, ""},
		"a function's": {map[string]string{"host.json": `{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}`,
			"Root/function.json": strings.Replace(httpConfig, `"authLevel"`, `"route": "{*rest}", "authLevel"`, 1), "Root/index.js": jsCode}, http.StatusOK, "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, _ := testConfig(t, testApp(t, c.files), &channels{next: func(int) *fakeChannel { return &fakeChannel{invoke: answering("hello")} }})
			h := startHost(t, cfg)
			status, body := get(t, h.URL()+"/")
			require.Equal(t, c.want, status)
			require.Contains(t, body, c.body)
		})
	}
}

func TestCoversRoot(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]bool{
		"": true, "{*rest}": true, "{**rest}": true, "{name?}": true, "{name=x}": true, "{name}": false, "api/x": false, "api/{x?}": false,
	} {
		require.Equal(t, want, coversRoot(template), template)
	}
}

// gatedHost runs a function that waits for the gate or for its context.
func gatedHost(t *testing.T) (h *Host, entered chan struct{}, gate chan struct{}) {
	t.Helper()
	entered, gate = make(chan struct{}), make(chan struct{})
	cfg, _ := testConfig(t, testApp(t, map[string]string{"Web/function.json": httpConfig, "Web/index.js": jsCode}), &channels{next: func(int) *fakeChannel {
		return &fakeChannel{invoke: func(ctx context.Context, inv *worker.Invocation) (*worker.Result, error) {
			close(entered)
			select {
			case <-gate:
				return answering("done")(ctx, inv)
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}}
	}})
	return startHost(t, cfg), entered, gate
}

func TestStopFinishesRequests(t *testing.T) {
	t.Parallel()
	h, entered, gate := gatedHost(t)
	request := getLater(t.Context(), h.URL()+"/api/Web")
	<-entered
	stopped := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stopped <- h.Stop(ctx)
	}()
	waitFor(t, "the stop to begin", func() bool { return h.currentState() == stateStopping })
	close(gate)
	require.Equal(t, answer{status: http.StatusOK, body: "done"}, <-request)
	require.NoError(t, <-stopped)
}

func TestStopCutsOff(t *testing.T) {
	t.Parallel()
	h, entered, _ := gatedHost(t)
	request := getLater(t.Context(), h.URL()+"/api/Web")
	<-entered
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	began := time.Now()
	require.NoError(t, h.Stop(ctx))
	require.Less(t, time.Since(began), 3*time.Second)
	<-request // answered or cut off, but not left hanging
}

func TestAuthorization(t *testing.T) {
	t.Parallel()
	root := testApp(t, map[string]string{
		"Open/function.json": httpConfig, "Open/index.js": jsCode,
		"Closed/function.json": strings.Replace(httpConfig, "anonymous", "function", 1), "Closed/index.js": jsCode,
	})
	cfg, _ := testConfig(t, root, &channels{next: func(int) *fakeChannel { return &fakeChannel{invoke: answering("hello")} }})
	cfg.EnableAuth = true
	h := startHost(t, cfg)
	master := h.keys.Master()
	for path, want := range map[string]int{
		"/api/Open": http.StatusOK, "/api/Closed": http.StatusUnauthorized, "/api/Closed?code=" + master: http.StatusOK, "/api/Closed?code=wrong": http.StatusUnauthorized,
		"/admin/functions": http.StatusUnauthorized, "/admin/functions?code=" + master: http.StatusOK, "/admin/host/ping": http.StatusOK,
		managementPath + "/instances": http.StatusUnauthorized, managementPath + "/instances?code=" + master: http.StatusOK,
		managementPath2018 + "/instances": http.StatusUnauthorized, managementPath + "/instances?code=" + h.systemKey()(): http.StatusOK,
	} {
		status, _ := get(t, h.URL()+path)
		require.Equal(t, want, status, strings.ReplaceAll(path, master, "MASTER"))
	}
	status, _ := get(t, h.rpc.url()+"instances")
	require.Equal(t, http.StatusOK, status, "the app's own code needs no key")
	info, err := os.Stat(filepath.Join(root, ".durango", "keys.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}
