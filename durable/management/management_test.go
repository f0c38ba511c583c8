package management_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/management"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const base = "/runtime/webhooks/durabletask"

// api is the API over a fake store.
type api struct {
	t       *testing.T
	store   *fakeStore
	handler http.Handler
	log     *bytes.Buffer
}

func newAPI(t *testing.T, change ...func(*management.Options)) *api {
	t.Helper()
	a := &api{t: t, store: newFakeStore(), log: &bytes.Buffer{}}
	client := durable.NewClient(a.store, durable.ClientConfig{
		Orchestrators: func() []string { return []string{"HelloWorld", "Other"} }, MaxPayload: 1000,
		Entities: func() []string { return []string{"counter"} },
	})
	opts := management.Options{TaskHubName: "MyHub", ConnectionName: "Storage", Logger: slog.New(slog.NewTextHandler(a.log, nil))}
	for _, c := range change {
		c(&opts)
	}
	a.handler = management.NewHandler(client, opts)
	return a
}

// call makes a request. A body is sent as JSON; headers are names and values.
func (a *api) call(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	a.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(a.t.Context(), method, "http://localhost:7071"+path, reader)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	if w.Body.Len() > 0 {
		require.Equal(a.t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
	}
	return w
}

// TestAnswers holds status codes and bodies of every route. The instances are named for their statuses.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const notFound = `{"Message":"instance 'nobody': orchestration instance not found"}`
	const finished = `{"Message":"instance 'completed': orchestration instance has finished: its status is Completed"}`
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string   // the body; "*": any; ends in "*": its beginning
		calls              []string // of the store
	}{
		{"POST", "/orchestrators/HelloWorld/one", "", 202, "*", []string{"create HelloWorld one "}},
		{"POST", "/orchestrators/helloworld/one", `{"a": 1}`, 202, "*", []string{`create HelloWorld one {"a": 1}`}},
		{"POST", "/Orchestrators/HelloWorld/one/", `""`, 202, "*", []string{"create HelloWorld one "}},
		{"POST", "/orchestrators/HelloWorld/one", "\xEF\xBB\xBF7\n", 202, "*", []string{"create HelloWorld one 7"}},
		{"POST", "/orchestrators/HelloWorld/a%20b", `"x"`, 202, "*", []string{`create HelloWorld a b "x"`}},
		{"POST", "/orchestrators/HelloWorld/completed", "", 202, "*", []string{"create HelloWorld completed "}},
		{"POST", "/orchestrators/HelloWorld/running", "", 409, `{"Message":"An Orchestration instance with the status Running already exists."}`, nil},
		{"POST", "/orchestrators/HelloWorl", "", 400, `{"Message":"no orchestrator function called 'HelloWorl'; did you mean 'HelloWorld'?"}`, nil},
		{"POST", "/orchestrators/HelloWorld/a%2Fb", "", 400, `{"Message":"'a/b' cannot be an instance ID*`, nil},
		{"POST", "/orchestrators/HelloWorld/%40a", "", 400, `{"Message":"'@a' cannot be an instance ID*`, nil},
		{"POST", "/orchestrators/HelloWorld", "{oops", 400, `{"Message":"Invalid JSON content: the input of orchestrator 'HelloWorld' is not valid JSON, at byte 2*`, nil},
		{"POST", "/orchestrators/HelloWorld", `"` + strings.Repeat("x", 1000) + `"`, 413, `{"Message":"the input of orchestrator 'HelloWorld' is 1002 bytes*`, nil},
		{"POST", "/orchestrators/HelloWorld", strings.Repeat(" ", 5001), 413, `{"Message":"The request body is larger than 5000 bytes."}`, nil},
		{"POST", "/orchestrators/HelloWorld?timeout=1&pollingInterval=2", "", 400, `{"Message":"Total timeout 1 seconds should be bigger than the polling interval of 2 seconds."}`, nil},
		{"POST", "/orchestrators/HelloWorld?timeout=soon&pollingInterval=2", "", 400, `{"Message":"The query parameter timeout is 'soon'; expected a number of seconds, such as 10 or 0.5."}`, nil},
		{"POST", "/orchestrators/HelloWorld?timeout=-1&pollingInterval=NaN", "", 400, "*", nil},
		{"POST", "/orchestrators/HelloWorld?taskHub=Another", "", 400, `{"Message":"This host serves the task hub 'MyHub', not 'Another'."}`, nil},
		{"POST", "/orchestrators/HelloWorld/one?taskHub=myhub&connection=Storage", "", 202, "*", []string{"create HelloWorld one "}},
		{"POST", "/orchestrators", "", 404, `{"Message":"The management API has no route POST /runtime/webhooks/durabletask/orchestrators."}`, nil},
		{"POST", "/orchestrators/HelloWorld/one/two", "", 404, "*", nil},
		{"GET", "/orchestrators/HelloWorld", "", 404, "*", nil},

		{"GET", "/instances/running", "", 202, `{"name":"HelloWorld","instanceId":"running","runtimeStatus":"Running"*`, nil},
		{"GET", "/INSTANCES/completed/", "", 200, `{"name":"HelloWorld"*`, nil},
		{"GET", "/instances/pending", "", 202, "*", nil},
		{"GET", "/instances/continuedasnew", "", 202, "*", nil},
		{"GET", "/instances/suspended", "", 202, "*", nil},
		{"GET", "/instances/terminated", "", 200, "*", nil},
		{"GET", "/instances/canceled", "", 200, "*", nil},
		{"GET", "/instances/failed", "", 200, "*", nil},
		{"GET", "/instances/failed?returnInternalServerErrorOnFailure=true", "", 500, `{"name":"HelloWorld","instanceId":"failed"*`, nil},
		{"GET", "/instances/completed?RETURNINTERNALSERVERERRORONFAILURE=True", "", 200, "*", nil},
		{"GET", "/instances/nobody", "", 404, "null", nil},
		{"GET", "/instances/running?showInput=perhaps", "", 400, `{"Message":"The query parameter showInput is 'perhaps'; expected true or false."}`, nil},
		{"GET", "/instances/running?showHistory=2", "", 400, "*", nil},
		{"GET", "/instances/running?x=%zz&&=&y", "", 202, "*", nil},
		{"PUT", "/instances/running", "", 404, "*", nil},
		{"HEAD", "/instances/running", "", 404, "*", nil},

		{"DELETE", "/instances/completed", "", 200, `{"instancesDeleted":1}`, []string{"purge completed"}},
		{"DELETE", "/instances/running", "", 200, `{"instancesDeleted":1}`, []string{"purge running"}},
		{"DELETE", "/instances/nobody", "", 404, notFound, nil},

		{"POST", "/instances/running/raiseEvent/My%20Event", "[1,2,3]", 202, "", []string{"event running My Event [1,2,3]"}},
		{"POST", "/instances/running/RAISEEVENT/E", "", 202, "", []string{"event running E "}},
		{"POST", "/instances/running/raiseEvent/E?taskHub=MyHub", "null", 202, "", []string{"event running E null"}},
		{"POST", "/instances/running/raiseEvent/E", "[1", 400, `{"Message":"the data of event 'E' is not valid JSON, at byte 2: unexpected end of JSON input"}`, nil},
		{"POST", "/instances/running/raiseEvent", "1", 400, `{"Message":"an event for instance 'running' has no name*`, nil},
		{"POST", "/instances/completed/raiseEvent/E", "1", 410, `{"Message":"event 'E' for instance 'completed': orchestration instance has finished: its status is Completed"}`, nil},
		{"POST", "/instances/nobody/raiseEvent/E", "1", 404, "*", nil},
		{"GET", "/instances/running/raiseEvent/E", "", 404, "*", nil},

		{"POST", "/instances/running/terminate?reason=it+was%20time", "", 202, "", []string{`terminate running "it was time" false`}},
		{"POST", "/instances/running/terminate?reason=undefined&cascade=true", "", 202, "", []string{`terminate running "" true`}},
		{"POST", "/instances/running/terminate?Reason=null", "", 202, "", []string{`terminate running "null" false`}},
		{"POST", "/instances/running/terminate?reason=50%%20off;%20%c3%a9+%ff%", "", 202, "", []string{"terminate running \"50% off; é \uFFFD%\" false"}},
		{"POST", "/instances/running/terminate?cascade=maybe", "", 400, "*", nil},
		{"POST", "/instances/completed/terminate", "", 410, finished, nil},
		{"POST", "/instances/nobody/terminate", "", 404, notFound, nil},

		{"POST", "/instances/running/suspend?reason=hold", "", 202, "", []string{`suspend running "hold"`}},
		{"POST", "/instances/suspended/suspend", "", 409, `{"Message":"instance 'suspended': orchestration instance is suspended already"}`, nil},
		{"POST", "/instances/completed/suspend", "", 410, finished, nil},
		{"POST", "/instances/nobody/suspend", "", 404, notFound, nil},
		{"POST", "/instances/suspended/resume?reason=undefined", "", 202, "", []string{`resume suspended ""`}},
		{"POST", "/instances/running/resume", "", 409, `{"Message":"instance 'running': orchestration instance is not suspended"}`, nil},
		{"POST", "/instances/completed/resume", "", 410, finished, nil},
		{"POST", "/instances/nobody/resume", "", 404, notFound, nil},

		{"POST", "/instances/failed/rewind?reason=put+right", "", 202, "", []string{`rewind failed "put right"`}},
		{"POST", "/instances/completed/rewind", "", 412, `"The rewind operation is only supported on failed orchestration instances: instance 'completed': orchestration instance has not failed: its status is Completed."`, nil},
		{"POST", "/instances/running/rewind", "", 412, "*", nil},
		{"POST", "/instances/nobody/rewind", "", 404, `"No instance with ID 'nobody' found."`, nil},

		{"POST", "/instances/completed/restart", "", 202, "*", nil},
		{"POST", "/instances/completed/restart?restartWithNewInstanceId=false", "", 202, "*", []string{"create HelloWorld completed "}},
		{"POST", "/instances/running/restart?restartWithNewInstanceId=false", "", 409, "*", nil},
		{"POST", "/instances/completed/restart?restartWithNewInstanceId=x", "", 400, "*", nil},
		{"POST", "/instances/nobody/restart", "", 400, `{"Message":"InstanceId does not match a valid orchestration instance."}`, nil},

		{"DELETE", "/instances", "", 400, `"Please provide value for 'createdTimeFrom' parameter."`, nil},
		{"DELETE", "/instances/?createdTimeFrom=2018-01-01", "", 200, `{"instancesDeleted":4}`, nil},
		{"DELETE", "/instances?createdTimeFrom=2018-01-01&runtimeStatus=failed,Running", "", 200, `{"instancesDeleted":2}`, nil},
		{"DELETE", "/instances?createdTimeFrom=2018-01-01&runtimeStatus=Complete", "", 400, `{"Message":"The query parameter runtimeStatus has 'Complete', which is no status*`, nil},
		{"DELETE", "/instances?createdTimeFrom=yesterday", "", 400, `{"Message":"The query parameter createdTimeFrom is 'yesterday'; expected a time such as 2018-03-10T10:01:00Z."}`, nil},
		{"DELETE", "/instances?createdTimeFrom=2018-01-01&createdTimeTo=soon", "", 400, "*", nil},

		{"POST", "/makeprimary", "", 200, "", nil},
		{"GET", "/", "", 404, "*", nil},
		{"GET", "", "", 404, "*", nil},
		{"GET", "/instances//terminate", "", 404, "*", nil},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, func(o *management.Options) { o.MaxBodyBytes = 5000 })
			for s := durable.Running; s <= durable.Suspended; s++ {
				a.store.put(strings.ToLower(s.String()), s)
			}
			w := a.call(c.method, base+c.path, c.body)
			require.Equal(t, c.status, w.Code, w.Body)
			got := strings.TrimSpace(w.Body.String())
			if begin, open := strings.CutSuffix(c.want, "*"); open {
				require.True(t, strings.HasPrefix(got, begin), got)
			} else {
				require.Equal(t, c.want, got)
			}
			if c.calls != nil {
				require.Equal(t, c.calls, a.store.called())
			} else if c.status >= 400 {
				require.Empty(t, a.store.called(), "what is refused changes nothing")
			}
			if w.Code >= 400 && w.Code < 500 && w.Code != 404 {
				require.NotEmpty(t, got)
			}
		})
	}
}

func TestCheckStatus(t *testing.T) {
	t.Parallel()
	const url = "http://localhost:7071" + base + "/instances/a%20b"
	const query = "taskHub=MyHub&connection=Storage&code=s%2Bk"
	a := newAPI(t, func(o *management.Options) { o.SystemKey = func() string { return "s+k" } })
	w := a.call("POST", base+"/orchestrators/HelloWorld/a%20b", "")
	require.Equal(t, 202, w.Code)
	require.Equal(t, `{"id":"a b",`+
		`"statusQueryGetUri":"`+url+`?`+query+`",`+
		`"sendEventPostUri":"`+url+`/raiseEvent/{eventName}?`+query+`",`+
		`"terminatePostUri":"`+url+`/terminate?reason={text}&`+query+`",`+
		`"rewindPostUri":"`+url+`/rewind?reason={text}&`+query+`",`+
		`"purgeHistoryDeleteUri":"`+url+`?`+query+`",`+
		`"restartPostUri":"`+url+`/restart?`+query+`",`+
		`"suspendPostUri":"`+url+`/suspend?reason={text}&`+query+`",`+
		`"resumePostUri":"`+url+`/resume?reason={text}&`+query+`"}`, strings.TrimSpace(w.Body.String()))
	require.Equal(t, url+"?"+query, w.Header().Get("Location"))
	require.Equal(t, "10", w.Header().Get("Retry-After"))

	w = a.call("POST", base+"/orchestrators/HelloWorld?returnInternalServerErrorOnFailure=true", "")
	require.True(t, strings.HasSuffix(w.Header().Get("Location"), "&returnInternalServerErrorOnFailure=true"))

	var id struct{ ID string }
	require.NoError(t, json.Unmarshal(a.call("POST", base+"/instances/a%20b/restart", "").Body.Bytes(), &id))
	require.Regexp(t, "^[0-9a-f]{32}$", id.ID)
}

func TestBases(t *testing.T) {
	t.Parallel()
	a := newAPI(t, func(o *management.Options) {
		o.BasePaths = []string{base, "/admin/extensions/DurableTaskExtension/"}
	})
	w := a.call("POST", "/ADMIN/extensions/durabletaskextension/orchestrators/HelloWorld/one", "")
	require.Equal(t, 202, w.Code)
	require.Contains(t, w.Header().Get("Location"), "http://localhost:7071/admin/extensions/DurableTaskExtension/instances/one?", "URLs stay below the base of the request")
	require.Equal(t, 202, a.call("GET", "/Runtime/WebHooks/DurableTask/instances/one", "").Code)
	require.Equal(t, 404, a.call("GET", "/durabletask/instances/one", "").Code)
	require.Equal(t, 404, a.call("GET", base+"x/instances/one", "").Code)

	rpc := newAPI(t, func(o *management.Options) {
		o.BasePaths, o.URLBase = []string{"/durabletask"}, base
		o.Origin = func(*http.Request) string { return "https://public.example/" }
	})
	w = rpc.call("POST", "/durabletask/orchestrators/HelloWorld/one", "")
	require.Equal(t, "https://public.example"+base+"/instances/one?taskHub=MyHub&connection=Storage", w.Header().Get("Location"))
	w = rpc.call("GET", "/DurableTask/instances/one?showInput=false", "")
	require.Equal(t, "https://public.example"+base+"/instances/one?showInput=false", w.Header().Get("Location"))
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	a := newAPI(t, func(o *management.Options) {
		o.Authorize = func(r *http.Request) bool { return r.URL.Query().Get("code") == "key" }
	})
	a.store.put("one", durable.Running)
	w := a.call("DELETE", base+"/instances/one", "")
	require.Equal(t, 401, w.Code)
	require.Contains(t, w.Body.String(), `{"Message":"The system key is missing or wrong.`)
	require.Empty(t, a.store.called())
	require.Equal(t, 200, a.call("DELETE", base+"/instances/one?code=key", "").Code)
}

func TestStatusBody(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	st := a.store.put("one", durable.Running)
	st.Input, st.CustomStatus = json.RawMessage(`{"a<b":1}`), json.RawMessage(`"waiting"`)
	task := history.Event{Type: history.TaskScheduled, Name: "SayHello", Timestamp: a.store.now, Action: history.NoAction}
	result := `"Hello!"`
	done := history.Event{Type: history.TaskCompleted, Result: &result, Timestamp: a.store.now}
	st.History = []json.RawMessage{task.AppendJSON(nil, true), done.AppendJSON(nil, true)}

	w := a.call("GET", base+"/instances/one?taskHub=MyHub", "")
	require.Equal(t, `{"name":"HelloWorld","instanceId":"one","runtimeStatus":"Running","input":{"a<b":1},"customStatus":"waiting","output":null,`+
		`"createdTime":"2018-03-10T10:01:00Z","lastUpdatedTime":"2018-03-10T10:01:00Z"}`, strings.TrimSpace(w.Body.String()))
	require.Equal(t, "http://localhost:7071"+base+"/instances/one?taskHub=MyHub", w.Header().Get("Location"), "the URL of the request")
	require.Equal(t, "5", w.Header().Get("Retry-After"))
	require.Contains(t, a.call("GET", base+"/instances/one?showinput=FALSE", "").Body.String(), `"input":null`)

	type body struct{ HistoryEvents, History []map[string]any }
	get := func(query string) (b body) {
		require.NoError(t, json.Unmarshal(a.call("GET", base+"/instances/one"+query, "").Body.Bytes(), &b))
		return b
	}
	require.Empty(t, get("").HistoryEvents)
	require.Empty(t, get("?showHistory=undefined").HistoryEvents)
	b := get("?showHistory=true")
	require.Len(t, b.HistoryEvents, 1)
	require.Equal(t, b.HistoryEvents, b.History)
	require.Equal(t, "SayHello", b.HistoryEvents[0]["FunctionName"])
	require.NotContains(t, b.HistoryEvents[0], "Result")
	require.Equal(t, "Hello!", get("?showHistory=true&showHistoryOutput=true").HistoryEvents[0]["Result"])
}

func TestContentType(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.put("one", durable.Running)
	for contentType, want := range map[string]int{
		"application/json": 202, "Application/JSON; charset=utf-8": 202, "text/plain": 400, "application/x-www-form-urlencoded": 400, ";": 400,
	} {
		w := a.call("POST", base+"/instances/one/raiseEvent/E", "1", "Content-Type", contentType)
		require.Equal(t, want, w.Code, contentType)
	}
	require.Equal(t, 202, a.call("POST", base+"/instances/one/raiseEvent/E", "", "Content-Type", "text/plain").Code, "there is no content")
}

func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.broken = errors.New("dial tcp 10.0.0.1:6379: refused")
	for _, c := range [][2]string{
		{"POST", "/orchestrators/HelloWorld"}, {"GET", "/instances/x"}, {"GET", "/instances"}, {"DELETE", "/instances/x"}, {"POST", "/instances/x/terminate"},
		{"DELETE", "/instances?createdTimeFrom=2018-01-01"}, {"POST", "/instances/x/raiseEvent/E"}, {"POST", "/instances/x/rewind"}, {"POST", "/instances/x/restart"},
	} {
		a.log.Reset()
		w := a.call(c[0], base+c[1], "")
		require.Equal(t, 500, w.Code)
		require.JSONEq(t, `{"Message":"Something went wrong while processing the request, and its outcome is unknown. The host's log tells what."}`, w.Body.String())
		require.Contains(t, a.log.String(), "10.0.0.1", "the log has the details")
	}
}

func TestBrokenOff(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.store.broken = context.Canceled
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", base+"/instances/x", nil))
	require.Equal(t, 503, w.Code, "never a success by default")
}

func TestUnreadableHistory(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.put("one", durable.Running).History = []json.RawMessage{json.RawMessage(`{}`)}
	require.Equal(t, 500, a.call("GET", base+"/instances/one?showHistory=true", "").Code)
	require.Equal(t, 202, a.call("GET", base+"/instances/one", "").Code)
}

func FuzzRequests(f *testing.F) {
	f.Add("GET", "/instances/x?showHistory=true&createdTimeFrom=2018-01-01&top=1", "")
	f.Add("POST", "/orchestrators/HelloWorld/%2e%2f?timeout=0&pollingInterval=0", `{"a":1}`)
	f.Add("DELETE", "/instances?createdTimeFrom=03/10/2018&runtimeStatus=1,2,x", "")
	f.Add("POST", "/instances/x/raiseEvent/%ff", "\"\xff\"")
	f.Fuzz(func(t *testing.T, method, path, body string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://h"+base+path, strings.NewReader(body))
		if err != nil || strings.Contains(strings.ToLower(path), "timeout") {
			t.Skip()
		}
		a := newAPI(t)
		a.store.put("x", durable.Running)
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		require.NotEqual(t, 500, w.Code, w.Body)
		if w.Body.Len() > 0 {
			require.True(t, json.Valid(w.Body.Bytes()), w.Body)
		}
	})
}
