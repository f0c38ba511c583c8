package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestManagement runs every call of the management API, on a real Redis and on the task hub in memory, and with an app in Go.
func TestManagement(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		app    scenarioApp
		memory bool
	}{
		"redis":                      {app: scenarioApps[0]},
		"memory":                     {app: scenarioApps[0], memory: true},
		"go":                         {app: scenarioApps[1]},
		"go, nothing kept in memory": {app: scenarioApps[2]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := c.app.options(t, "")
			if c.memory {
				o.Env = append(o.Env, "PATH="+onlyNode(t))
			} else {
				o.Redis = startRedis(t).URL
			}
			h := startHost(t, o)
			for _, c := range managementCases {
				t.Run(c.name, func(t *testing.T) { c.run(t, h.in(t)) })
			}
		})
	}
}

var managementCases = []struct {
	name string
	run  func(t *testing.T, h *host)
}{
	{"start", testStart},
	{"start refused", testStartRefused},
	{"duplicate ids", testDuplicateIDs},
	{"status", testStatus},
	{"status of the unknown", testUnknownInstance},
	{"history", testHistory},
	{"list", testList},
	{"pages are stable under writes", testPages},
	{"terminate", testTerminate},
	{"terminate with children", testTerminateCascade},
	{"raise events", testRaiseEvents},
	{"wait", testWait},
	{"rewind", testRewind},
	{"suspend and resume", testSuspend},
	{"restart", testRestart},
	{"purge one", testPurgeOne},
	{"purge by filter", testPurgeByFilter},
	{"the base of 2018", testBase2018},
	{"unknown routes", testUnknownRoutes},
}

func testStart(t *testing.T, h *host) {
	a := h.call(http.MethodPost, webhooks+"/orchestrators/Sequence", nil).want(http.StatusAccepted)
	var l links
	a.json(&l)
	require.Regexp(t, "^[0-9a-f]{32}$", l.ID)
	require.Equal(t, "10", a.Header.Get("Retry-After"))
	require.Equal(t, l.StatusQueryGetURI, a.Header.Get("Location"))
	for name, uri := range map[string]string{
		"statusQueryGetUri": l.StatusQueryGetURI, "sendEventPostUri": l.SendEventPostURI, "terminatePostUri": l.TerminatePostURI,
		"purgeHistoryDeleteUri": l.PurgeHistoryDeleteURI, "restartPostUri": l.RestartPostURI, "suspendPostUri": l.SuspendPostURI,
		"resumePostUri": l.ResumePostURI,
	} {
		require.True(t, strings.HasPrefix(uri, h.URL+webhooks+"/instances/"+l.ID), "%s is %q", name, uri)
	}
	h.waitFor(l.ID, "Completed")

	given := newID("given")
	require.Equal(t, given, h.start("sequence", given, nil), "names compare case-insensitively")
	h.waitFor(given, "Completed")
}

func testStartRefused(t *testing.T, h *host) {
	for name, path := range map[string]string{
		"unknown function":    "/orchestrators/NoSuchThing",
		"an activity":         "/orchestrators/Echo",
		"id with @":           "/orchestrators/Sequence/@id",
		"id with #":           "/orchestrators/Sequence/a%23b",
		"id with ?":           "/orchestrators/Sequence/a%3Fb",
		"id with a backslash": "/orchestrators/Sequence/a%5Cb",
		"id of control chars": "/orchestrators/Sequence/a%01b",
		"id too long":         "/orchestrators/Sequence/" + strings.Repeat("x", 257),
	} {
		t.Run(name, func(t *testing.T) {
			a := h.call(http.MethodPost, webhooks+path, nil).want(http.StatusBadRequest)
			var body struct{ Message string }
			a.json(&body)
			require.NotEmpty(t, body.Message)
		})
	}
	h.call(http.MethodPost, webhooks+"/orchestrators/Sequence", "{not json").want(http.StatusBadRequest)
}

func testDuplicateIDs(t *testing.T, h *host) {
	id := h.start("Event", newID("dup"), nil)
	h.waitFor(id, "Running")
	a := h.call(http.MethodPost, webhooks+"/orchestrators/Event/"+id, nil)
	require.GreaterOrEqual(t, a.Status, 400)
	require.Contains(t, string(a.Body), "already exists")
	h.raise(id, "Go", 1)
	h.waitFor(id, "Completed")
	// A finished one makes room.
	h.start("Event", id, nil)
	h.waitFor(id, "Running")
	h.raise(id, "Go", 2)
	require.EqualValues(t, 2, h.waitFor(id, "Completed").Output)
}

func testStatus(t *testing.T, h *host) {
	input := object{"n": 1.0, "text": "é"}
	id := h.start("Event", newID("status with spaces"), input)
	h.waitCustom(id, "waiting")
	a := h.call(http.MethodGet, instance(id, ""), nil).want(http.StatusAccepted)
	require.NotEmpty(t, a.Header.Get("Location"))
	require.Equal(t, "5", a.Header.Get("Retry-After"))
	var raw object
	a.json(&raw)
	require.NotContains(t, raw, "historyEvents")
	require.Contains(t, raw, "output", "present even when there is none")
	require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, raw["createdTime"])
	s := h.status(id)
	require.Equal(t, "Event", s.Name)
	require.Equal(t, id, s.InstanceID)
	require.Equal(t, input, s.Input)
	require.Nil(t, s.Output)
	require.WithinDuration(t, time.Now(), s.CreatedTime, time.Minute)
	require.False(t, s.LastUpdatedTime.Before(s.CreatedTime))
	require.Nil(t, h.status(id, "showInput=false").Input)
	h.raise(id, "Go", object{"out": true})
	require.Equal(t, object{"out": true}, h.waitFor(id, "Completed").Output)
	h.call(http.MethodGet, instance(id, ""), nil).want(http.StatusOK)

	failed := h.start("ThrowError", "", nil)
	h.waitFor(failed, "Failed")
	h.call(http.MethodGet, instance(failed, ""), nil).want(http.StatusOK)
	h.call(http.MethodGet, instance(failed, "?returnInternalServerErrorOnFailure=true"), nil).want(http.StatusInternalServerError)
}

func testUnknownInstance(_ *testing.T, h *host) {
	for _, c := range [][2]string{
		{http.MethodGet, ""}, {http.MethodDelete, ""}, {http.MethodPost, "/terminate?reason=x"}, {http.MethodPost, "/raiseEvent/E"},
		{http.MethodPost, "/rewind?reason=x"}, {http.MethodPost, "/suspend?reason=x"}, {http.MethodPost, "/resume?reason=x"},
	} {
		h.call(c[0], instance("no-such-instance", c[1]), "{}").want(http.StatusNotFound)
	}
	h.call(http.MethodPost, instance("no-such-instance", "/restart"), nil).want(http.StatusBadRequest)
}

func testHistory(t *testing.T, h *host) {
	id := h.start("Sequence", "", nil)
	h.waitFor(id, "Completed")
	require.Empty(t, h.status(id).HistoryEvents)

	s := h.status(id, "showHistory=true")
	var types []any
	for _, e := range s.HistoryEvents {
		types = append(types, e["EventType"])
		require.NotContains(t, e, "Result")
		require.NotContains(t, e, "EventId")
		require.Contains(t, e, "Timestamp")
	}
	require.Equal(t, []any{"ExecutionStarted", "TaskCompleted", "TaskCompleted", "TaskCompleted", "ExecutionCompleted"}, types)
	require.Equal(t, "Sequence", s.HistoryEvents[0]["FunctionName"])
	require.Equal(t, "Echo", s.HistoryEvents[1]["FunctionName"])
	require.Contains(t, s.HistoryEvents[1], "ScheduledTime")
	require.Equal(t, "Completed", s.HistoryEvents[4]["OrchestrationStatus"])

	s = h.status(id, "showHistory=true", "showHistoryOutput=true")
	require.Equal(t, "Hello Tokyo!", s.HistoryEvents[1]["Result"])
	require.Equal(t, []any{"Hello Tokyo!", "Hello Seattle!", "Hello London!"}, s.HistoryEvents[4]["Result"])
}

// list returns the instances that the query finds, page by page to the end.
func (h *host) list(query url.Values) []status {
	h.t.Helper()
	var all []status
	token := ""
	for {
		a := h.call(http.MethodGet, webhooks+"/instances?"+query.Encode(), nil, "x-ms-continuation-token", token).want(http.StatusOK)
		var page []status
		a.json(&page)
		all = append(all, page...)
		if token = a.Header.Get("x-ms-continuation-token"); token == "" {
			return all
		}
	}
}

func ids(list []status) []string {
	var out []string
	for _, s := range list {
		out = append(out, s.InstanceID)
	}
	return out
}

func testList(t *testing.T, h *host) {
	prefix := newID("list")
	var done, failed, waiting []string
	for i := range 3 {
		done = append(done, h.start("Sequence", fmt.Sprintf("%s-done-%d", prefix, i), i))
		failed = append(failed, h.start("ThrowError", fmt.Sprintf("%s-failed-%d", prefix, i), nil))
		waiting = append(waiting, h.start("Event", fmt.Sprintf("%s-waiting-%d", prefix, i), nil))
	}
	for i := range 3 {
		h.waitFor(done[i], "Completed")
		h.waitFor(failed[i], "Failed")
		h.waitCustom(waiting[i], "waiting")
	}
	find := func(kv ...string) []string {
		q := url.Values{"instanceIdPrefix": {prefix}}
		for i := 0; i < len(kv); i += 2 {
			q.Add(kv[i], kv[i+1])
		}
		return ids(h.list(q))
	}
	all := append(append(append([]string{}, done...), failed...), waiting...)
	require.ElementsMatch(t, all, find())
	require.ElementsMatch(t, all, find("top", "2"), "page by page")
	require.ElementsMatch(t, done, find("runtimeStatus", "Completed"))
	require.ElementsMatch(t, append(append([]string{}, done...), failed...), find("runtimeStatus", "Completed,Failed"))
	require.ElementsMatch(t, append(append([]string{}, waiting...), failed...), find("runtimeStatus", "Running", "runtimeStatus", "Failed"))
	require.ElementsMatch(t, failed, find("functionName", "ThrowError"))
	require.ElementsMatch(t, waiting, find("functionName", "Event", "top", "1"))
	require.ElementsMatch(t, done, ids(h.list(url.Values{"instanceIdPrefix": {prefix + "-done"}})))

	past, future := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	require.ElementsMatch(t, all, find("createdTimeFrom", past, "createdTimeTo", future))
	require.Empty(t, find("createdTimeFrom", future))
	require.Empty(t, find("createdTimeTo", past))

	for _, s := range h.list(url.Values{"instanceIdPrefix": {prefix + "-done"}, "showInput": {"false"}}) {
		require.Nil(t, s.Input)
	}
	h.call(http.MethodGet, webhooks+"/instances", nil, "x-ms-continuation-token", "not a token").want(http.StatusBadRequest)
}

func testPages(t *testing.T, h *host) {
	prefix := newID("pages")
	var all []string
	for i := range 25 {
		all = append(all, h.start("Event", fmt.Sprintf("%s-%02d", prefix, i), nil))
	}
	for _, id := range all {
		h.waitCustom(id, "waiting")
	}
	// Between the pages, instances found already and instances still to come are written to and new ones are made.
	seen := map[string]int{}
	token, pages := "", 0
	for {
		a := h.call(http.MethodGet, webhooks+"/instances?top=4&instanceIdPrefix="+prefix, nil, "x-ms-continuation-token", token).want(http.StatusOK)
		var page []status
		a.json(&page)
		require.LessOrEqual(t, len(page), 4)
		for _, s := range page {
			seen[s.InstanceID]++
		}
		if token = a.Header.Get("x-ms-continuation-token"); token == "" {
			break
		}
		h.raise(all[pages], "Go", 1)
		h.raise(all[len(all)-1-pages], "Go", 1)
		h.start("Event", fmt.Sprintf("%s-new-%d", prefix, pages), nil)
		pages++
	}
	require.Greater(t, pages, 3)
	for _, id := range all {
		require.Equal(t, 1, seen[id], "instance %s must be on exactly one page", id)
	}
}

func testTerminate(t *testing.T, h *host) {
	id := h.start("SubWaits", newID("terminate"), nil)
	child := id + "-child"
	eventually(t, "the child", func() (bool, any) {
		a := h.call(http.MethodGet, instance(child, ""), nil)
		return a.Status == http.StatusAccepted, a.Status
	})
	h.call(http.MethodPost, instance(id, "/terminate?reason="+url.QueryEscape("it was time")), nil).want(http.StatusAccepted)
	require.Equal(t, "it was time", h.waitFor(id, "Terminated").Output)
	h.logged("it was time")
	h.call(http.MethodPost, instance(id, "/terminate?reason=again"), nil).want(http.StatusGone)

	h.raise(child, "Go", "still here") // sub-orchestrations run on
	require.Equal(t, "still here", h.waitFor(child, "Completed").Output)
}

func testTerminateCascade(t *testing.T, h *host) {
	id := h.start("SubWaits", newID("cascade"), nil)
	child := id + "-child"
	eventually(t, "the child", func() (bool, any) {
		a := h.call(http.MethodGet, instance(child, ""), nil)
		return a.Status == http.StatusAccepted, a.Status
	})
	h.call(http.MethodPost, instance(id, "/terminate?cascade=true&reason=all"), nil).want(http.StatusAccepted)
	h.waitFor(id, "Terminated")
	require.Equal(t, "all", h.waitFor(child, "Terminated").Output)
}

func testRaiseEvents(_ *testing.T, h *host) {
	id := h.start("Event", "", nil)
	h.call(http.MethodPost, instance(id, "/raiseEvent/Go"), "{not json").want(http.StatusBadRequest)
	h.call(http.MethodPost, instance(id, "/raiseEvent/Go"), "text", "Content-Type", "text/plain").want(http.StatusBadRequest)
	h.raise(id, "Go", []int{1, 2, 3})
	h.waitFor(id, "Completed")
	h.call(http.MethodPost, instance(id, "/raiseEvent/Go"), "1").want(http.StatusGone)
}

func testWait(t *testing.T, h *host) {
	a := h.call(http.MethodPost, webhooks+"/orchestrators/Sequence?timeout=10&pollingInterval=1", nil).want(http.StatusOK)
	require.JSONEq(t, `["Hello Tokyo!", "Hello Seattle!", "Hello London!"]`, string(a.Body))

	began := time.Now()
	a = h.call(http.MethodPost, webhooks+"/orchestrators/Event?timeout=0.3&pollingInterval=0.1", nil).want(http.StatusAccepted)
	require.GreaterOrEqual(t, time.Since(began), 300*time.Millisecond)
	var l links
	a.json(&l)
	h.raise(l.ID, "Go", 1)
	h.waitFor(l.ID, "Completed")

	a = h.call(http.MethodPost, webhooks+"/orchestrators/ThrowError?timeout=10&pollingInterval=1", nil).want(http.StatusOK)
	var s status
	a.json(&s)
	require.Equal(t, "Failed", s.RuntimeStatus)

	h.call(http.MethodPost, webhooks+"/orchestrators/Sequence?timeout=1&pollingInterval=2", nil).want(http.StatusBadRequest)
}

func testRewind(t *testing.T, h *host) {
	id := h.start("SubFixable", newID("rewind"), nil)
	require.Contains(t, h.waitFor(id, "Failed").Output, id+" is broken")
	write(t, "", h.Dir, id) // the repair
	h.call(http.MethodPost, instance(id, "/rewind?reason="+url.QueryEscape("put right")), nil).want(http.StatusAccepted)
	var s *status
	eventually(t, "the rewound instance", func() (bool, any) {
		s = h.status(id)
		return s.RuntimeStatus == "Completed", *s
	})
	require.Equal(t, []any{"before", id + " works"}, s.Output)
	require.Equal(t, []string{"before"}, lines(t, h.Dir, "marks-"+id), "what had succeeded must not run again")
	history := toJSON(t, h.status(id, "showHistory=true").HistoryEvents)
	require.Contains(t, history, "put right", "the history tells the reason")

	for _, c := range []struct{ orchestrator, status string }{{"Sequence", "Completed"}, {"Event", "Running"}} {
		id := h.start(c.orchestrator, "", nil)
		h.waitFor(id, c.status)
		h.call(http.MethodPost, instance(id, "/rewind?reason=x"), nil).want(http.StatusPreconditionFailed)
	}
}

func testSuspend(t *testing.T, h *host) {
	id := h.start("Event", "", nil)
	h.waitCustom(id, "waiting")
	h.call(http.MethodPost, instance(id, "/suspend?reason=hold"), nil).want(http.StatusAccepted)
	h.waitFor(id, "Suspended")
	h.raise(id, "Go", "kept")
	require.Equal(t, "Suspended", h.status(id).RuntimeStatus)
	h.call(http.MethodPost, instance(id, "/resume?reason=go"), nil).want(http.StatusAccepted)
	require.Equal(t, "kept", h.waitFor(id, "Completed").Output)
	h.call(http.MethodPost, instance(id, "/suspend?reason=x"), nil).want(http.StatusGone)
	h.call(http.MethodPost, instance(id, "/resume?reason=x"), nil).want(http.StatusGone)

	other := h.start("Event", "", nil)
	h.waitCustom(other, "waiting")
	h.call(http.MethodPost, instance(other, "/suspend?reason=hold"), nil).want(http.StatusAccepted)
	h.waitFor(other, "Suspended")
	h.call(http.MethodPost, instance(other, "/terminate?reason=enough"), nil).want(http.StatusAccepted)
	h.waitFor(other, "Terminated")
}

func testRestart(t *testing.T, h *host) {
	id := h.start("Values", newID("restart"), []any{"again"})
	h.waitFor(id, "Completed")
	var l links
	h.call(http.MethodPost, instance(id, "/restart"), nil).want(http.StatusAccepted).json(&l)
	require.NotEqual(t, id, l.ID)
	require.Equal(t, []any{"again"}, h.waitFor(l.ID, "Completed").Output)

	h.call(http.MethodPost, instance(id, "/restart?restartWithNewInstanceId=false"), nil).want(http.StatusAccepted).json(&l)
	require.Equal(t, id, l.ID)
	require.Equal(t, []any{"again"}, h.waitFor(id, "Completed").Output)
}

func testPurgeOne(t *testing.T, h *host) {
	id := h.start("Sequence", "", nil)
	h.waitFor(id, "Completed")
	a := h.call(http.MethodDelete, instance(id, ""), nil).want(http.StatusOK)
	require.JSONEq(t, `{"instancesDeleted": 1}`, string(a.Body))
	h.call(http.MethodGet, instance(id, ""), nil).want(http.StatusNotFound)
	h.call(http.MethodDelete, instance(id, ""), nil).want(http.StatusNotFound)
}

func testPurgeByFilter(t *testing.T, h *host) {
	h.call(http.MethodDelete, webhooks+"/instances", nil).want(http.StatusBadRequest)

	before := time.Now().Add(-2 * time.Second)
	running := h.start("Event", "", nil)
	h.waitCustom(running, "waiting")
	failed := h.start("ThrowError", "", nil)
	h.waitFor(failed, "Failed")
	done := h.start("Sequence", "", nil)
	h.waitFor(done, "Completed")
	from := "createdTimeFrom=" + url.QueryEscape(before.UTC().Format(time.RFC3339))

	h.call(http.MethodDelete, webhooks+"/instances?"+from+"&runtimeStatus=Failed", nil).want(http.StatusOK)
	h.call(http.MethodGet, instance(failed, ""), nil).want(http.StatusNotFound)
	h.status(done)

	h.call(http.MethodDelete, webhooks+"/instances?"+from, nil).want(http.StatusOK)
	h.call(http.MethodGet, instance(done, ""), nil).want(http.StatusNotFound)
	require.Equal(t, "Running", h.status(running).RuntimeStatus, "without a filter only finished instances are purged")
	h.call(http.MethodDelete, webhooks+"/instances?createdTimeFrom=2100-01-01T00:00:00Z", nil).want(http.StatusNotFound)
}

func testBase2018(t *testing.T, h *host) {
	id := newID("2018")
	h.call(http.MethodPost, api2018+"/orchestrators/Event/"+id, nil).want(http.StatusAccepted)
	h.call(http.MethodGet, api2018+"/instances/"+id, nil).want(http.StatusAccepted)
	h.call(http.MethodPost, api2018+"/instances/"+id+"/raiseEvent/Go", "[1,2,3]").want(http.StatusAccepted)
	require.Equal(t, []any{1.0, 2.0, 3.0}, h.waitFor(id, "Completed").Output)
	h.call(http.MethodPost, api2018+"/instances/"+id+"/terminate?reason=x", nil).want(http.StatusGone)
}

func testUnknownRoutes(_ *testing.T, h *host) {
	h.call(http.MethodGet, webhooks+"/nothing/here", nil).want(http.StatusNotFound)
	h.call(http.MethodPut, webhooks+"/instances/x", nil).want(http.StatusNotFound)
}
