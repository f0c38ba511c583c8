package httptrigger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/triggers"
	httptrigger "github.com/durango-functions/durango/triggers/http"
	"github.com/durango-functions/durango/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// invoker answers with a func.
type invoker func(ctx context.Context, fn *functions.Function, ev triggers.Event) (*worker.Result, error)

func (i invoker) Invoke(ctx context.Context, fn *functions.Function, ev triggers.Event) (*worker.Result, error) {
	return i(ctx, fn, ev)
}

// function makes an HTTP function; the properties are a JSON object.
func function(t testing.TB, name, properties string, others ...functions.Binding) *functions.Function {
	t.Helper()
	trigger := functions.Binding{Name: "req", Type: "httpTrigger", Direction: functions.In}
	require.NoError(t, json.Unmarshal([]byte(properties), &trigger.Properties))
	return &functions.Function{Name: name, Source: name + "/function.json", Dir: "/app/" + name, Bindings: append([]functions.Binding{trigger}, others...)}
}

func output(name string) functions.Binding {
	return functions.Binding{Name: name, Type: "http", Direction: functions.Out}
}

// name answers with the function's name and its parameters.
var name = invoker(func(_ context.Context, fn *functions.Function, ev triggers.Event) (*worker.Result, error) {
	raw, err := json.Marshal(ev.Value.Request.Params)
	return &worker.Result{ReturnValue: worker.StringValue(fn.Name + " " + string(raw))}, err
})

func handler(t testing.TB, opts httptrigger.Options, inv invoker, fns ...*functions.Function) *httptrigger.Handler {
	t.Helper()
	h, failed := httptrigger.NewHandler(fns, opts, inv)
	require.Empty(t, failed)
	return h
}

func serve(h http.Handler, method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, body)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRouting(t *testing.T) {
	t.Parallel()
	disabled := function(t, "Off", `{}`, output("$return"))
	disabled.Disabled = true
	h := handler(t, httptrigger.Options{RoutePrefix: "/api/"}, name,
		function(t, "Hello", `{}`, output("$return")),
		function(t, "Get", `{"route": "/x/{id:int}/", "methods": ["get"]}`, output("$return")),
		function(t, "Post", `{"route": "x/{id}", "methods": ["post", "PUT"]}`, output("$return")),
		function(t, "Opt", `{"Route": "y/{a}/{b?}"}`, output("$return")),
		disabled,
		&functions.Function{Name: "Timer", Bindings: []functions.Binding{{Name: "t", Type: "timerTrigger", Direction: functions.In}}},
	)
	for _, c := range []struct {
		method, target string
		want           string // "": 404
	}{
		{"GET", "/api/hello", "Hello {}"},
		{"BREW", "/API/HELLO/", "Hello {}"},
		{"GET", "/api/x/5", `Get {"id":"5"}`},
		{"PUT", "/api/x/5", `Post {"id":"5"}`},
		{"GET", "/api/x/five", ""},
		{"HEAD", "/api/x/5", ""},
		{"OPTIONS", "/api/x/5", ""},
		{"GET", "/api/y/a%2Fb%20c", `Opt {"a":"a/b c"}`},
		{"GET", "/api/y/a/b", `Opt {"a":"a","b":"b"}`},
		{"GET", "/api/off", ""},
		{"GET", "/api/timer", ""},
		{"GET", "/hello", ""},
		{"GET", "/", ""},
	} {
		w := serve(h, c.method, c.target, nil)
		require.Equal(t, c.want, w.Body.String(), "%s %s", c.method, c.target)
		if c.want == "" {
			require.Equal(t, http.StatusNotFound, w.Code)
		} else {
			require.Equal(t, http.StatusOK, w.Code)
		}
	}
	routes := h.Routes()
	require.Len(t, routes, 5)
	require.Equal(t, "api/x/{id:int}", routes[1].Template)
	require.Equal(t, []string{"GET"}, routes[1].Methods)
	require.Equal(t, "Get", routes[1].Function.Name)
	require.Equal(t, []string{"POST", "PUT"}, routes[2].Methods)
	require.Nil(t, routes[0].Methods)
}

func TestBrokenRoutes(t *testing.T) {
	t.Parallel()
	h, failed := httptrigger.NewHandler([]*functions.Function{
		function(t, "Good", `{}`, output("$return")),
		function(t, "Open", `{"route": "orders/{id"}`),
		function(t, "Look", `{"route": "a/{id:regex(^(?=x).*$)}"}`),
	}, httptrigger.Options{RoutePrefix: "api"}, name)
	require.Len(t, failed, 2)
	require.Equal(t, `function Open: Open/function.json: the route of the httpTrigger 'req' cannot be used: route template "orders/{id", `+
		`column 8: the parameter has no closing "}" ("}}" is an escaped brace).`, failed[0].Error())
	require.Contains(t, failed[1].Error(), "look-around")
	require.Equal(t, 200, serve(h, "GET", "/api/good", nil).Code)
	require.Len(t, h.Routes(), 1)
}

// TestRequest shows the whole of what a function receives.
func TestRequest(t *testing.T) {
	t.Parallel()
	var got triggers.Event
	inv := invoker(func(_ context.Context, _ *functions.Function, ev triggers.Event) (*worker.Result, error) {
		got = ev
		return &worker.Result{}, nil
	})
	expression := functions.Binding{Name: "blob", Type: "redis", Direction: functions.In, Properties: map[string]json.RawMessage{"command": json.RawMessage(`"GET {file}"`)}}
	h := handler(t, httptrigger.Options{}, inv, function(t, "F", `{"route": "f/{id}/{opt?}"}`), function(t, "G", `{}`, expression))

	body := `{"file": "x"}`
	w := serve(h, "POST", "http://example.org:81/f/a%20b?q=1&q=2&empty&code=secret", strings.NewReader(body),
		"X-Multi", "a", "X-Multi", "b", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil", "Traceparent", "00-1-2-01", "Tracestate", "s=1")
	require.Equal(t, http.StatusNoContent, w.Code)
	req := got.Value.Request
	require.Equal(t, worker.HTTP, got.Value.Kind)
	require.Equal(t, "POST", req.Method)
	require.Equal(t, "http://example.org:81/f/a%20b?q=1&q=2&empty&code=secret", req.URL)
	require.Equal(t, map[string]string{"q": "1,2", "empty": "", "code": "secret"}, req.Query)
	require.Equal(t, map[string]string{"id": "a b"}, req.Params)
	require.Equal(t, map[string]string{"host": "example.org:81", "x-multi": "a,b", "x-forwarded-proto": "https", "x-forwarded-host": "evil",
		"traceparent": "00-1-2-01", "tracestate": "s=1"}, req.Headers)
	require.Equal(t, []byte(body), req.Body)
	require.Equal(t, "00-1-2-01", got.TraceParent)
	require.Equal(t, "s=1", got.TraceState)
	require.Equal(t, `"a b"`, string(got.Metadata["id"]))
	require.Equal(t, `"1,2"`, string(got.Metadata["q"]))
	require.NotContains(t, got.Metadata, "code")
	require.NotContains(t, got.Metadata, "opt")
	require.NotContains(t, got.Metadata, "file", "nothing refers to it")
	require.JSONEq(t, `{"q": "1,2", "empty": "", "code": "secret"}`, string(got.Metadata["Query"]))
	require.Contains(t, string(got.Metadata["Headers"]), `"x-multi":"a,b"`)

	serve(h, "POST", "/g?b=query", strings.NewReader(`{"file": "x", "a": {"n": 1}, "b": "body", "list": [1], "none": null}`))
	require.Equal(t, `"x"`, string(got.Metadata["file"]))
	require.JSONEq(t, `{"n": 1}`, string(got.Metadata["a"]))
	require.Equal(t, `"query"`, string(got.Metadata["b"]))
	require.NotContains(t, got.Metadata, "list")
	require.NotContains(t, got.Metadata, "none")

	serve(h, "GET", "/g", nil)
	require.Nil(t, got.Value.Request.Body)
	require.Empty(t, got.TraceParent)
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	calls := 0
	inv := invoker(func(_ context.Context, _ *functions.Function, ev triggers.Event) (*worker.Result, error) {
		calls++
		return &worker.Result{ReturnValue: worker.StringValue(string(ev.Value.Request.Body))}, nil
	})
	server := httptest.NewServer(handler(t, httptrigger.Options{MaxBodyBytes: 10}, inv, function(t, "F", `{}`, output("$return"))))
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	for _, c := range []struct {
		body io.Reader // a reader of unknown length is sent in chunks
		want int
		text string
	}{
		{strings.NewReader("0123456789"), 200, "0123456789"},
		{io.MultiReader(strings.NewReader("01234"), strings.NewReader("56789")), 200, "0123456789"},
		{strings.NewReader("0123456789a"), 413, ""},
		{io.MultiReader(strings.NewReader("0123456789"), strings.NewReader("a")), 413, ""},
	} {
		resp, err := http.Post(server.URL+"/f", "text/plain", c.body)
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, c.want, resp.StatusCode)
		require.Equal(t, c.text, string(text))
	}
	require.Equal(t, 2, calls)

	// A body that ends too early is not handed over.
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("POST /f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab\r\nzz\r\n\r\n"))
	require.NoError(t, err)
	answer := make([]byte, 12)
	_, err = io.ReadFull(conn, answer)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 400", string(answer))
	require.Equal(t, 2, calls)
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	off := function(t, "Off", `{"authLevel": "anonymous"}`, output("$return"))
	off.Disabled = true
	h := handler(t, httptrigger.Options{Authorize: func(r *http.Request, fn *functions.Function, level string) bool {
		key := r.Header.Get("X-Functions-Key")
		return key == "master" || key == fn.Name+":"+level
	}}, name,
		function(t, "Anonymous", `{"authLevel": "Anonymous"}`, output("$return")),
		function(t, "Default", `{}`, output("$return")),
		function(t, "Admin", `{"authLevel": "ADMIN"}`, output("$return")),
		off,
	)
	for _, c := range []struct {
		path, key string
		want      int
	}{
		{"/anonymous", "", 200}, {"/anonymous", "wrong", 200},
		{"/default", "", 401}, {"/default", "Default:function", 200}, {"/default", "Admin:function", 401}, {"/default", "master", 200},
		{"/admin", "Admin:function", 401}, {"/admin", "Admin:admin", 200}, {"/admin", "master", 200},
		{"/off", "", 404}, {"/off", "master", 200},
		{"/nothing", "", 404},
	} {
		w := serve(h, "GET", c.path, nil, "X-Functions-Key", c.key)
		require.Equal(t, c.want, w.Code, "%s with %q", c.path, c.key)
		if c.want != 200 {
			require.Empty(t, w.Body.String())
		}
	}
}

func TestFailure(t *testing.T) {
	t.Parallel()
	h := handler(t, httptrigger.Options{CustomHeaders: map[string]string{"X-Custom": "1"}}, func(context.Context, *functions.Function, triggers.Event) (*worker.Result, error) {
		return nil, errors.New("secret detail")
	}, function(t, "F", `{}`, output("$return")))
	w := serve(h, "GET", "/f", nil)
	require.Equal(t, 500, w.Code)
	require.Empty(t, w.Body.String())
	require.Equal(t, "1", w.Header().Get("X-Custom"))
	require.Equal(t, "1", serve(h, "GET", "/nothing", nil).Header().Get("X-Custom"))
}

func TestCustomHeaders(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := handler(t, httptrigger.Options{
		CustomHeaders: map[string]string{"X-Frame-Options": "DENY", "X-Own": "host", "bad name": "x"},
		Logger:        slog.New(slog.NewTextHandler(&log, nil)),
	}, func(context.Context, *functions.Function, triggers.Event) (*worker.Result, error) {
		return &worker.Result{ReturnValue: worker.Value{Kind: worker.HTTP, Response: &worker.HTTPResponse{Headers: map[string]string{"x-own": "function"}}}}, nil
	}, function(t, "F", `{}`, output("$return")))
	require.Contains(t, log.String(), "customHeaders")
	w := serve(h, "GET", "/f", nil)
	require.Equal(t, "DENY", w.Header().Get("X-Frame-Options"))
	require.Equal(t, []string{"function"}, w.Header()["X-Own"])
}

// gated is an invoker that reports each start and then waits for the gate.
type gated struct {
	entered, gate chan struct{}

	mu            sync.Mutex
	running, most int
}

func (g *gated) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running += n
	g.most = max(g.most, g.running)
}

func (g *gated) Invoke(context.Context, *functions.Function, triggers.Event) (*worker.Result, error) {
	g.add(1)
	defer g.add(-1)
	g.entered <- struct{}{}
	<-g.gate
	return &worker.Result{}, nil
}

func TestOutstanding(t *testing.T) {
	t.Parallel()
	g := &gated{entered: make(chan struct{}), gate: make(chan struct{})}
	h := handler(t, httptrigger.Options{MaxOutstandingRequests: 1}, g.Invoke, function(t, "F", `{}`))
	code := make(chan int)
	for range 2 { // a place that was left is free again
		go func() { code <- serve(h, "GET", "/f", nil).Code }()
		<-g.entered
		w := serve(h, "GET", "/f", nil)
		require.Equal(t, 429, w.Code)
		require.Equal(t, "1", w.Header().Get("X-Function-Scaleout"))
		require.Empty(t, w.Body.String())
		g.gate <- struct{}{}
		require.Equal(t, 204, <-code)
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	g := &gated{entered: make(chan struct{}), gate: make(chan struct{})}
	h := handler(t, httptrigger.Options{MaxConcurrentRequests: 2}, g.Invoke, function(t, "F", `{}`))
	const requests = 5
	codes := make(chan int, requests)
	for range requests {
		go func() { codes <- serve(h, "GET", "/f", nil).Code }()
	}
	<-g.entered
	<-g.entered
	// One whose caller goes away while it waits for its turn never runs.
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/f", nil).WithContext(ended))
	for range requests - 2 {
		g.gate <- struct{}{}
		<-g.entered
	}
	g.gate <- struct{}{}
	g.gate <- struct{}{}
	for range requests {
		require.Equal(t, 204, <-codes)
	}
	require.Equal(t, 2, g.most)
}
