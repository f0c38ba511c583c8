package durango_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango"
	"github.com/durango-functions/durango/durable"
)

// answer is what an HTTP client got.
type answer struct {
	status int
	header http.Header
	body   string
}

// call sends a request; headers are "Name: value".
func call(t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header, string(raw)}
}

type order struct {
	ID    int        `path:"id"`
	Tags  []string   `query:"tag"`
	Limit *int       `query:"limit"`
	Since *time.Time `query:"since"`
	Agent string     `header:"X-Agent"`
	Name  string     `json:"name" query:"name"`
	Lines []struct {
		SKU   string `json:"sku"`
		Count int8   `json:"count"`
	} `json:"lines"`
}

// httpApp has a function of each form.
func httpApp() *durango.App {
	open := func(route string, methods ...string) durango.HTTPTrigger {
		return durango.HTTPTrigger{Route: route, Methods: methods, AuthLevel: durango.Anonymous}
	}
	app := durango.NewApp()
	app.Function("Order", func(_ context.Context, in order) (order, error) { return in, nil }, open("orders/{id}", "get", "post"))
	app.Function("Request", func(ctx context.Context, req *durango.Request[map[string]any]) (map[string]any, error) {
		if durango.InvocationID(ctx) == "" || durango.InvocationID(req.Context()) != durango.InvocationID(ctx) {
			return nil, errors.New("contexts differ")
		}
		return map[string]any{"method": req.Method, "rest": req.PathValue("rest"), "input": req.Input, "x": req.Header.Get("X")}, nil
	}, open("request/{*rest}"))
	app.Function("Nothing", func(context.Context) error { return nil }, open(""))
	app.Function("Page", func(context.Context) (*durango.Response[string], error) {
		return &durango.Response[string]{Status: 203, Header: http.Header{"Content-Type": {"text/html"}, "Link": {"a", "b"}}, Body: "<p>"}, nil
	}, open(""))
	app.Function("Bytes", func(context.Context) ([]byte, error) { return []byte{0, 1}, nil }, open(""))
	app.Function("Text", func(context.Context) (string, error) { return "a < b & c", nil }, open(""))
	app.Function("Nil", func(context.Context) (*durango.Response[int], error) { return nil, nil }, open(""))
	app.Function("NilSlice", func(context.Context) ([]int, error) { return nil, nil }, open(""))
	app.Function("BadStatus", func(context.Context) (durango.Response[any], error) { return durango.Response[any]{Status: 99}, nil }, open(""))
	app.Function("Error", func(_ context.Context, in struct {
		How string `query:"how"`
	}) (string, error) {
		switch in.How {
		case "missing":
			return "", fmt.Errorf("row 5: %w", durango.HTTPError{Status: http.StatusNotFound, Message: "no such order"})
		case "pointer":
			return "", &durango.HTTPError{Status: http.StatusTeapot}
		case "busy":
			return "", durango.HTTPError{Status: http.StatusServiceUnavailable, Message: "try later"}
		case "panic":
			panic("secret")
		}
		return "", errors.New("secret")
	}, open("error"))
	app.Function("Raw", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.PathValue("name")+fmt.Sprint(durango.Client(r.Context()).MaxPayload()))
	}, open("raw/{name?}"))
	return app
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	logger, log := logTo(t)
	h := start(t, httpApp(), durango.Config{Addr: ":0", Logger: logger})
	base := h.URL() + "/api/"
	for name, c := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		want               string
		wantHeader         [2]string
	}{
		"all sources": {"POST", "orders/7?tag=a&tag=b&limit=3&since=2026-01-02T03:04:05Z", `{"name": "n", "lines": [{"sku": "s", "count": 2}], "ID": 9, "Agent": "body"}`,
			[]string{"X-Agent: me"}, 200, `{"ID":7,"Tags":["a","b"],"Limit":3,"Since":"2026-01-02T03:04:05Z","Agent":"me","name":"n","lines":[{"sku":"s","count":2}]}`,
			[2]string{"Content-Type", "application/json; charset=utf-8"}},
		"the body is no other source": {"POST", "orders/7", `{"ID": 9, "Agent": "body", "Limit": 4, "name": "n"}`, nil, 200,
			`{"ID":7,"Tags":null,"Limit":null,"Since":null,"Agent":"","name":"n","lines":null}`, [2]string{}},
		"a query before the body": {"POST", "orders/7?name=q", `{"name": "n"}`, nil, 200, `{"ID":7,"Tags":null,"Limit":null,"Since":null,"Agent":"","name":"q","lines":null}`, [2]string{}},
		"no body":                 {"GET", "orders/7", "", nil, 200, `{"ID":7,"Tags":null,"Limit":null,"Since":null,"Agent":"","name":"","lines":null}`, [2]string{}},
		"bad path":                {"GET", "orders/seven", "", nil, 400, `{"error":"route parameter \"id\" is \"seven\", expected a whole number"}`, [2]string{"Content-Type", "application/json; charset=utf-8"}},
		"bad query":               {"GET", "orders/7?limit=many", "", nil, 400, `{"error":"query parameter \"limit\" is \"many\", expected a whole number"}`, [2]string{}},
		"bad time":                {"GET", "orders/7?since=now", "", nil, 400, `{"error":"query parameter \"since\" is \"now\", which is no time.Time"}`, [2]string{}},
		"bad field":               {"POST", "orders/7", `{"lines": [{"sku": "s", "count": "two"}]}`, nil, 400, `{"error":"the field \"lines.count\" of the body is a JSON string, expected a whole number of 8 bits"}`, [2]string{}},
		"bad JSON":                {"POST", "orders/7", `{"name": "n"`, nil, 400, `{"error":"the body is not valid JSON, at byte 12: unexpected end of JSON input"}`, [2]string{}},
		"bad body":                {"POST", "orders/7", `[]`, nil, 400, `{"error":"the body is a JSON array, expected an object"}`, [2]string{}},
		"request":                 {"PUT", "request/a/b", `{"k": 1}`, []string{"X: y"}, 200, `{"input":{"k":1},"method":"PUT","rest":"a/b","x":"y"}`, [2]string{}},
		"nothing":                 {"GET", "Nothing", "", nil, 204, "", [2]string{}},
		"page":                    {"GET", "Page", "", nil, 203, "<p>", [2]string{"Content-Type", "text/html"}},
		"bytes":                   {"GET", "Bytes", "", nil, 200, "\x00\x01", [2]string{"Content-Type", "application/octet-stream"}},
		"text":                    {"GET", "Text", "", nil, 200, `"a < b & c"`, [2]string{"Content-Type", "application/json; charset=utf-8"}},
		"nil response":            {"GET", "Nil", "", nil, 204, "", [2]string{}},
		"nil slice":               {"GET", "NilSlice", "", nil, 200, "null", [2]string{}},
		"bad status":              {"GET", "BadStatus", "", nil, 500, "", [2]string{}},
		"missing":                 {"GET", "error?how=missing", "", nil, 404, `{"error":"no such order"}`, [2]string{}},
		"pointer":                 {"GET", "error?how=pointer", "", nil, 418, `{"error":"I'm a teapot"}`, [2]string{}},
		"busy":                    {"GET", "error?how=busy", "", nil, 503, `{"error":"try later"}`, [2]string{}},
		"panic":                   {"GET", "error?how=panic", "", nil, 500, "", [2]string{}},
		"other error":             {"GET", "error", "", nil, 500, "", [2]string{}},
		"raw":                     {"GET", "raw/Ada", "", nil, 200, "", [2]string{"X-Seen", "Ada16777216"}},
		"method":                  {"DELETE", "orders/7", "", nil, 404, "", [2]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			a := call(t, c.method, base+c.path, c.body, c.headers...)
			require.Equal(t, c.status, a.status)
			require.Equal(t, c.want, strings.TrimSpace(a.body))
			if c.wantHeader[0] != "" {
				require.Equal(t, c.wantHeader[1], a.header.Get(c.wantHeader[0]))
			}
		})
	}
	require.Equal(t, []string{"a", "b"}, call(t, "GET", base+"Page", "").header["Link"])
	require.Contains(t, log.String(), "Executed 'Functions.Error' (Failed", "it says")
	require.Contains(t, log.String(), "panic: secret")
}

func TestHTTPStreams(t *testing.T) {
	t.Parallel()
	next, gone := make(chan struct{}), make(chan error, 1)
	app := durango.NewApp()
	app.Function("Stream", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "first ")
		w.(http.Flusher).Flush()
		<-next
		fmt.Fprint(w, "second")
		if err := http.NewResponseController(w).Flush(); err != nil {
			panic(err)
		}
		if r.URL.RawQuery == "wait" {
			<-r.Context().Done()
			gone <- r.Context().Err()
		}
		if r.URL.RawQuery == "panic" {
			panic("in the middle")
		}
	}, durango.HTTPTrigger{AuthLevel: durango.Anonymous})
	app.Function("Early", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("X-Kept", "yes")
		panic("before anything")
	}, durango.HTTPTrigger{AuthLevel: durango.Anonymous})
	app.Function("Echo", http.StripPrefix("/api", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s ", r.URL.Path)
		_, _ = io.Copy(w, r.Body)
	})), durango.HTTPTrigger{AuthLevel: durango.Anonymous})
	h := start(t, app, durango.Config{Addr: "127.0.0.1:0"})

	open := func(query string) (*http.Response, context.CancelFunc) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL()+"/api/Stream?"+query, nil)
		require.NoError(t, err)
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		require.NoError(t, err)
		first := make([]byte, 6)
		_, err = io.ReadFull(resp.Body, first)
		require.NoError(t, err)
		require.Equal(t, "first ", string(first), "before the handler goes on")
		next <- struct{}{}
		return resp, cancel
	}
	resp, cancel := open("")
	rest, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "second", string(rest))
	resp.Body.Close()
	cancel()

	resp, cancel = open("panic")
	_, err = io.ReadAll(resp.Body)
	require.Error(t, err, "a response that is not whole does not look so")
	resp.Body.Close()
	cancel()

	resp, cancel = open("wait")
	cancel()
	require.ErrorIs(t, <-gone, context.Canceled)
	resp.Body.Close()

	a := call(t, "GET", h.URL()+"/api/Early", "")
	require.Equal(t, 500, a.status)
	require.Empty(t, a.body)
	require.Empty(t, a.header.Get("Content-Type"))
	require.Equal(t, "yes", a.header.Get("X-Kept"))
	require.Equal(t, "/Echo hello", call(t, "POST", h.URL()+"/api/Echo", "hello").body)
}

func TestCheckStatus(t *testing.T) {
	t.Parallel()
	app := durango.NewApp()
	app.Orchestrator("Quick", func(*durable.Orchestration) (int, error) { return 5, nil })
	app.Function("Start", func(w http.ResponseWriter, r *http.Request) {
		id, err := durango.Client(r.Context()).StartNew(r.Context(), "Quick", nil, durable.StartOptions{})
		if err == nil {
			err = durango.CheckStatus(w, r, id)
		}
		if err != nil {
			panic(err)
		}
	}, durango.HTTPTrigger{AuthLevel: durango.Anonymous})
	app.Function("Typed", func(ctx context.Context) (*durango.Response[durango.ManagementURLs], error) {
		id, err := durango.Client(ctx).StartNew(ctx, "Quick", nil, durable.StartOptions{})
		if err != nil {
			return nil, err
		}
		return durango.CheckStatusResponse(ctx, id)
	}, durango.HTTPTrigger{AuthLevel: durango.Anonymous})
	h := start(t, app, durango.Config{Addr: "127.0.0.1:0"})
	for _, name := range []string{"Start", "Typed"} {
		a := call(t, "POST", h.URL()+"/api/"+name, "")
		require.Equal(t, http.StatusAccepted, a.status)
		require.Equal(t, "10", a.header.Get("Retry-After"))
		require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
		var urls durango.ManagementURLs
		require.NoError(t, json.Unmarshal([]byte(a.body), &urls))
		require.Equal(t, urls.StatusQueryGetURI, a.header.Get("Location"))
		require.True(t, strings.HasPrefix(urls.StatusQueryGetURI, h.URL()+"/runtime/webhooks/durabletask/instances/"+urls.ID+"?taskHub=TestHubName&connection="), urls.StatusQueryGetURI)
		require.Eventually(t, func() bool {
			return strings.Contains(call(t, "GET", urls.StatusQueryGetURI, "").body, `"output":5`)
		}, 10*time.Second, 10*time.Millisecond)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	require.ErrorContains(t, durango.CheckStatus(httptest.NewRecorder(), r, "x"), "the context is none of a function's invocation")
}

// TestHTTPByHand runs HTTP functions by the admin API, where there is no exchange to take part in.
func TestHTTPByHand(t *testing.T) {
	t.Parallel()
	app := durango.NewApp()
	app.Function("Raw", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"method": %q, "body": %s}`, r.Method, body)
	}, durango.HTTPTrigger{})
	app.Function("Typed", func(_ context.Context, n int) (int, error) { return n + 1, nil }, durango.HTTPTrigger{})
	h := start(t, app, durango.Config{Addr: "127.0.0.1:0"})
	byHand := func(name, input string) string {
		t.Helper()
		raw, err := json.Marshal(map[string]string{"input": input})
		require.NoError(t, err)
		var outcome struct{ Output json.RawMessage }
		a := call(t, "POST", h.URL()+"/admin/functions/"+name+"?wait=true", string(raw), "Content-Type: application/json")
		require.NoError(t, json.Unmarshal([]byte(a.body), &outcome), a.body)
		return string(outcome.Output)
	}
	require.JSONEq(t, `{"status":201,"headers":{"content-type":"application/json"},"body":{"method":"POST","body":[1]}}`, byHand("Raw", "[1]"))
	require.JSONEq(t, `{"status":200,"headers":{"content-type":"application/json; charset=utf-8"},"body":6}`, byHand("Typed", "5"))
}

// TestHTTPFolder declares an HTTP function by a folder, and custom headers.
func TestHTTPFolder(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, path), []byte(text), 0o600))
	}
	write("host.json", `{"version": "2.0", "extensions": {"http": {"routePrefix": "v1", "customHeaders": {"X-Frame-Options": "DENY", "X-Own": "host"}}}}`)
	write("Hello/function.json", `{"bindings": [{"type": "httpTrigger", "name": "req", "direction": "in", "authLevel": "anonymous", "route": "hello/{name}"},
		{"type": "http", "name": "$return", "direction": "out"}]}`)
	write("Hello/hello.go", "package hello")
	app := durango.NewApp()
	app.Function("hello", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Own", "function")
		fmt.Fprint(w, "Hello "+r.PathValue("name"))
	})
	h := start(t, app, durango.Config{Root: root, Addr: "127.0.0.1:0"})
	a := call(t, "GET", h.URL()+"/v1/hello/Ada", "")
	require.Equal(t, "Hello Ada", a.body)
	require.Equal(t, "DENY", a.header.Get("X-Frame-Options"))
	require.Equal(t, "function", a.header.Get("X-Own"))
}
