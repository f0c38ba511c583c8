package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/host/admin"
	"github.com/durango-functions/durango/host/keys"
	"github.com/durango-functions/durango/triggers/manual"
)

func function(name, trigger, route string) *functions.Function {
	b := functions.Binding{Name: "in", Type: trigger, Direction: functions.In, Properties: map[string]json.RawMessage{}}
	if route != "" {
		b.Properties["route"], _ = json.Marshal(route)
	}
	return &functions.Function{Name: name, Language: "node", Bindings: []functions.Binding{b}, Config: json.RawMessage(`{"bindings":[1]}`)}
}

// options are those of a host with three functions and one broken one.
func options() admin.Options {
	off := function("Off", "timerTrigger", "")
	off.Disabled = true
	fns := []*functions.Function{function("Hello", "httpTrigger", "Hi/{Name?}"), function("Manual", "manualTrigger", ""), off}
	return admin.Options{
		Functions: func() []*functions.Function { return fns },
		Errors: func() []*functions.LoadError {
			return []*functions.LoadError{{Function: "Broken", Reasons: []string{"one.", "two."}}, {Function: "Manual", Reasons: []string{"three."}}}
		},
		RoutePrefix: func() string { return "api" },
		ScriptPath:  "/app",
	}
}

func do(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	h := admin.NewHandler(options())
	w := do(h, "GET", "http://localhost:7071/admin/functions", "")
	require.Equal(t, 200, w.Code)
	require.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
	var list []map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &list))
	require.Len(t, list, 3)
	require.Equal(t, true, list[2]["isDisabled"])
	require.Nil(t, list[1]["invoke_url_template"])

	w = do(h, "GET", "http://localhost:7071/Admin/Functions/hELLO", "")
	require.JSONEq(t, `{"name": "Hello", "script_root_path_href": null, "script_href": null, "config_href": null, "test_data_href": null,
		"href": "http://localhost:7071/admin/functions/Hello", "invoke_url_template": "http://localhost:7071/api/hi/{name?}", "language": "node",
		"config": {"bindings": [1]}, "files": null, "test_data": null, "isDisabled": false, "isDirect": false, "isProxy": false}`, w.Body.String())
	require.Equal(t, 404, do(h, "GET", "/admin/functions/none", "").Code)
	require.Equal(t, 404, do(h, "DELETE", "/admin/functions/hello", "").Code)
	require.Equal(t, 404, do(h, "GET", "/admin/what", "").Code)

	for name, want := range map[string]string{"hello": `{}`, "broken": `{"errors": ["one.", "two."]}`, "MANUAL": `{"errors": ["three."]}`} {
		w = do(h, "GET", "/admin/functions/"+name+"/status", "")
		require.Equal(t, 200, w.Code)
		require.JSONEq(t, want, w.Body.String())
	}
	require.Equal(t, 404, do(h, "GET", "/admin/functions/none/status", "").Code)
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	type invocation struct {
		name  string
		input *string
	}
	var got []invocation
	opts := options()
	opts.Invoke = func(fn *functions.Function, input *string) error {
		got = append(got, invocation{fn.Name, input})
		return nil
	}
	h := admin.NewHandler(opts)
	text := "some text"
	for _, c := range []struct {
		name, body string
		status     int
		input      *string
		message    string
	}{
		{"manual", `{"input": "some text"}`, 202, &text, ""},
		{"Hello", `{"Input": "some text"}`, 202, &text, ""},
		{"off", `{}`, 202, nil, ""},
		{"off", `{"input": null, "other": 1}`, 202, nil, ""},
		{"manual", ``, 400, nil, "empty"},
		{"manual", `null`, 400, nil, "null"},
		{"manual", `{"input": {}}`, 400, nil, `"input" is of type object, expected string`},
		{"manual", `{"input": 5}`, 400, nil, `"input" is of type number, expected string`},
		{"manual", `[]`, 400, nil, "of type array"},
		{"manual", `"x"`, 400, nil, "of type string"},
		{"manual", `{"input"`, 400, nil, "invalid"},
		{"manual", `{} {}`, 400, nil, "follows"},
		{"none", `{"input": "x"}`, 404, nil, ""},
		{"none", `x`, 400, nil, "invalid"},
		{"broken", `{}`, 404, nil, ""},
	} {
		got = nil
		w := do(h, "POST", "/admin/functions/"+c.name, c.body)
		require.Equal(t, c.status, w.Code, "%s %s", c.name, c.body)
		if c.status != 202 {
			require.Empty(t, got)
			require.Contains(t, w.Body.String(), c.message)
			continue
		}
		require.Empty(t, w.Body.String())
		require.Len(t, got, 1)
		require.True(t, strings.EqualFold(c.name, got[0].name))
		require.Equal(t, c.input, got[0].input)
	}
	require.Equal(t, 415, do(h, "POST", "/admin/functions/manual", `{}`, "Content-Type", "text/plain").Code)
	require.Equal(t, 202, do(h, "POST", "/admin/functions/manual", `{}`, "Content-Type", "application/json; charset=utf-8").Code)

	for err, status := range map[error]int{errors.New("it is an orchestrator"): 400, manual.ErrStopped: 503} {
		opts.Invoke = func(*functions.Function, *string) error { return err }
		w := do(admin.NewHandler(opts), "POST", "/admin/functions/manual", `{}`)
		require.Equal(t, status, w.Code)
		require.Contains(t, w.Body.String(), err.Error())
	}
}

func TestInvokeAndWait(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.Invoke = func(*functions.Function, *string) error { return nil }
	opts.InvokeAndWait = func(_ context.Context, fn *functions.Function, input *string) (manual.Outcome, error) {
		if *input == "refuse" {
			return manual.Outcome{}, errors.New("no")
		}
		return manual.Outcome{FunctionName: fn.Name, InvocationID: "id", Status: manual.Failed, DurationMS: 5, Error: *input}, nil
	}
	h := admin.NewHandler(opts)
	want := `{"functionName": "Manual", "invocationId": "id", "status": "Failed", "durationMs": 5, "error": "x"}`
	require.JSONEq(t, want, do(h, "POST", "/admin/functions/manual?wait=true", `{"input": "x"}`).Body.String())
	require.JSONEq(t, want, do(h, "POST", "/admin/functions/manual", `{"input": "x"}`, "X-Durango-Wait", "TRUE").Body.String())
	require.Equal(t, 202, do(h, "POST", "/admin/functions/manual?wait=false", `{"input": "x"}`).Code)
	w := do(h, "POST", "/admin/functions/manual?wait=true", `{"input": "refuse"}`)
	require.Equal(t, 400, w.Code)
	require.Equal(t, "no\n", w.Body.String())
}

func TestHost(t *testing.T) {
	t.Parallel()
	opts := options()
	restarts := 0
	opts.Status = func() admin.Status {
		return admin.Status{ID: "id", State: "Running", Version: "1.2", Errors: []string{"e"}, ProcessUptime: 7}
	}
	opts.Processes = func() []admin.Process { return []admin.Process{{ID: 5, Name: "node"}} }
	opts.Config = func() json.RawMessage { return json.RawMessage(`{"version": "2.0"}`) }
	opts.Restart = func() { restarts++ }
	h := admin.NewHandler(opts)
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/admin/host/status", `{"id": "id", "state": "Running", "version": "1.2", "errors": ["e"], "processUptime": 7, "functionAppContentEditingState": "NotAllowed"}`},
		{"GET", "/admin/host/processes", `{"processes": [{"processId": 5, "processName": "node"}]}`},
		{"GET", "/admin/host/config", `{"version": "2.0"}`},
		{"POST", "/admin/host/synctriggers", `{"status": "success"}`},
		{"POST", "/admin/host/restart", `{"scriptPath": "/app", "isSelfHost": true}`},
	} {
		w := do(h, c.method, c.path, "")
		require.Equal(t, 200, w.Code)
		require.JSONEq(t, c.want, w.Body.String(), c.path)
	}
	require.Equal(t, 1, restarts)
	require.Equal(t, 404, do(h, "GET", "/admin/host/restart", "").Code)
	require.Equal(t, 1, restarts)
	for _, method := range []string{"GET", "POST"} {
		w := do(h, method, "/admin/host/ping", "")
		require.Equal(t, 200, w.Code)
		require.Empty(t, w.Body.String())
	}
	bare := admin.NewHandler(options())
	for _, call := range []string{"GET status", "GET processes", "GET config", "POST restart", "GET keys"} {
		method, path, _ := strings.Cut(call, " ")
		require.Equal(t, 404, do(bare, method, "/admin/host/"+path, "").Code, call)
	}
	require.Equal(t, 404, do(bare, "POST", "/admin/functions/manual", "{}").Code)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	store, err := keys.Open(filepath.Join(t.TempDir(), "keys.json"))
	require.NoError(t, err)
	opts := options()
	opts.Keys = store
	h := admin.NewHandler(opts)
	type answer struct {
		Name, Value string
		Keys        []keys.Key
		Links       []struct{ Rel, Href string }
	}
	call := func(method, path, body string, status int) (a answer) {
		t.Helper()
		w := do(h, method, "http://localhost:1"+path, body)
		require.Equal(t, status, w.Code, "%s %s: %s", method, path, w.Body.String())
		if status < 300 && status != 204 {
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a))
		}
		if status == 201 {
			require.Equal(t, a.Links[0].Href, w.Header().Get("Location"))
		}
		return a
	}
	for _, base := range []string{"/admin/functions/Hello/keys", "/admin/host/keys", "/admin/host/systemkeys"} {
		before := len(call("GET", base, "", 200).Keys)
		made := call("POST", base+"/one", "", 201)
		require.Equal(t, "one", made.Name)
		require.Equal(t, "http://localhost:1"+base+"/one", made.Links[0].Href)
		require.Equal(t, "self", made.Links[0].Rel)
		require.NotEqual(t, made.Value, call("POST", base+"/One", "", 200).Value)
		require.Equal(t, "chosen", call("PUT", base+"/one", `{"name": "one", "value": "chosen"}`, 200).Value)
		call("PUT", base+"/two", `{"value": "v"}`, 201)
		require.Equal(t, "chosen", call("GET", base+"/ONE", "", 200).Value)
		list := call("GET", base, "", 200)
		require.Len(t, list.Keys, before+2)
		require.Equal(t, "http://localhost:1"+base, list.Links[0].Href)
		call("DELETE", base+"/one", "", 204)
		call("DELETE", base+"/one", "", 404)
		call("GET", base+"/one", "", 404)
		call("PUT", base+"/x", `{"name": "y", "value": "v"}`, 400)
		call("PUT", base+"/x", `{"name": "x"}`, 400)
		call("PUT", base+"/x", ``, 400)
		call("PUT", base+"/x%20y", `{"value": "v"}`, 400)
	}
	require.Equal(t, call("GET", "/admin/host/keys", "", 200).Keys, call("GET", "/admin/host/FunctionKeys", "", 200).Keys)
	call("GET", "/admin/host/otherkeys", "", 404)
	call("GET", "/admin/functions/none/keys", "", 404)
	require.Equal(t, store.Master(), call("GET", "/admin/host/systemkeys/_master", "", 200).Value)
	require.Equal(t, call("POST", "/admin/host/systemkeys/_master", "", 200).Value, store.Master())
	w := do(h, "DELETE", "http://127.0.0.1:1/admin/host/systemkeys/_master", "")
	require.Equal(t, 400, w.Code)
	require.Equal(t, "Cannot delete System Key.\n", w.Body.String())
	require.Equal(t, "Invalid key value\n", do(h, "PUT", "http://[::1]:1/admin/host/keys/x", `{}`).Body.String())
}

// TestPrivateKeys keeps pages of other sites from reading keys of a host without authorization.
func TestPrivateKeys(t *testing.T) {
	t.Parallel()
	store, err := keys.Open(filepath.Join(t.TempDir(), "keys.json"))
	require.NoError(t, err)
	opts := options()
	opts.Keys = store
	opts.TrustOrigin = func(string) bool { return true }
	h := admin.NewHandler(opts)
	for _, c := range []struct {
		url     string
		headers []string
		want    int
	}{
		{"http://localhost:7071", nil, 200},
		{"http://127.0.0.1", nil, 200},
		{"http://[::1]", nil, 200},
		{"http://localhost:7071", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"http://localhost:7071", []string{"Sec-Fetch-Site", "none"}, 200},
		{"http://localhost:7071", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"http://localhost:7071", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"http://localhost:7071", []string{"Origin", "http://evil"}, 403},
		{"http://rebound.evil:7071", nil, 403},
	} {
		w := do(h, "GET", c.url+"/admin/host/systemkeys/_master", "", c.headers...)
		require.Equal(t, c.want, w.Code, "%s %v", c.url, c.headers)
		require.Equal(t, c.want == 200, strings.Contains(w.Body.String(), store.Master()))
	}
	opts.Authorize = func(*http.Request) bool { return true }
	require.Equal(t, 200, do(admin.NewHandler(opts), "GET", "http://functions.example/admin/host/systemkeys/_master", "").Code)
}

// TestAuthorize shows that everything but ping needs authorization, calls that do not exist too.
func TestAuthorize(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.Authorize = func(r *http.Request) bool { return keys.FromRequest(r) == "master" }
	opts.Invoke = func(*functions.Function, *string) error { return nil }
	h := admin.NewHandler(opts)
	for _, call := range []string{"GET functions", "GET functions/hello", "POST functions/hello", "GET functions/hello/keys", "GET host/status", "POST host/restart", "GET nothing"} {
		method, path, _ := strings.Cut(call, " ")
		w := do(h, method, "/admin/"+path, "")
		require.Equal(t, 401, w.Code, call)
		require.Empty(t, w.Body.String())
	}
	require.Equal(t, 200, do(h, "GET", "/admin/host/ping", "").Code)
	require.Equal(t, 200, do(h, "GET", "/admin/functions?code=master", "").Code)
	require.Equal(t, 202, do(h, "POST", "/admin/functions/hello", "{}", "X-Functions-Key", "master", "Sec-Fetch-Site", "cross-site").Code)
	require.Equal(t, 404, do(h, "GET", "/admin/nothing", "", "X-Functions-Key", "master").Code)
}

// TestOtherSites keeps pages of other sites from acting on a host without authorization.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.Invoke = func(*functions.Function, *string) error { return nil }
	opts.TrustOrigin = func(origin string) bool { return origin == "http://good" }
	h := admin.NewHandler(opts)
	for _, c := range []struct {
		headers []string
		want    int
	}{
		{nil, 202},
		{[]string{"Sec-Fetch-Site", "same-origin", "Origin", "http://example.com"}, 202},
		{[]string{"Sec-Fetch-Site", "cross-site", "Origin", "http://evil"}, 403},
		{[]string{"Origin", "http://evil"}, 403},
		{[]string{"Sec-Fetch-Site", "cross-site", "Origin", "http://good"}, 202},
	} {
		require.Equal(t, c.want, do(h, "POST", "/admin/functions/hello", "{}", c.headers...).Code, "%v", c.headers)
	}
}
