package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// scenario is an orchestration of testdata/scenarios and what must come of it.
type scenario struct {
	name string
	run  func(t *testing.T, h *host)
	// only names those that can do it: generations of the SDK, and "go"; none for all.
	only []string
}

// yields starts the orchestrator with the input and wants it completed with the output.
func yields(orchestrator string, input, output any) scenario {
	return scenario{name: orchestrator, run: func(t *testing.T, h *host) {
		require.JSONEq(t, toJSON(t, output), toJSON(t, h.complete(orchestrator, input)))
	}}
}

func toJSON(t testing.TB, v any) string {
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}

type object = map[string]any

// javascript are the generations of the SDK.
var javascript = []string{"app15", "app21"}

var engineScenarios = slices.Concat(activityScenarios, retryScenarios, timerScenarios, eventScenarios, subScenarios, stateScenarios, failureScenarios)

// TestScenarios runs the same orchestrators on both generations of the npm package and in Go, on a real Redis, on the embedded task hub, and
// on the one in memory that a machine without redis-server gets.
func TestScenarios(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, sdk, hub string
		forgets        bool
	}{
		{name: "app15", sdk: "app15", hub: "redis"},
		{name: "app21", sdk: "app21", hub: "redis"},
		{name: "app21 embedded", sdk: "app21", hub: "embedded"},
		{name: "app15 in memory", sdk: "app15", hub: "memory"},
		{name: "app21 in memory", sdk: "app21", hub: "memory"},
		{name: "go", sdk: "go", hub: "redis"},
		{name: "go, nothing kept in memory", sdk: "go", hub: "redis", forgets: true},
		{name: "go in memory", sdk: "go", hub: "memory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := scenarioApp{sdk: c.sdk, forgets: c.forgets}.options(t, "")
			switch c.hub {
			case "redis":
				o.Redis = startRedis(t).URL
			case "memory":
				o.Env = append(o.Env, "PATH="+onlyNode(t))
			}
			h := startHost(t, o)
			if c.hub == "memory" {
				h.logged("memory")
			}
			runScenarios(t, h, c.sdk, engineScenarios)
			if c.hub == "redis" && c.sdk == "go" {
				// What comes through a host that does not own the partition goes through the hub.
				t.Run("another host", func(t *testing.T) { runScenarios(t, startHost(t, o), c.sdk, engineScenarios) })
			}
		})
	}
}

// onlyNode is a folder for PATH with nothing but node.
func onlyNode(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	require.NoError(t, err)
	node, err = filepath.Abs(node)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.Symlink(node, filepath.Join(dir, "node")))
	return dir
}

func runScenarios(t *testing.T, h *host, sdk string, all []scenario) {
	for _, s := range all {
		if len(s.only) > 0 && !slices.Contains(s.only, sdk) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			s.run(t, h.in(t))
		})
	}
}

func newID(prefix string) string { return prefix + "-" + uuid.NewString() }

var activityScenarios = []scenario{
	yields("Sequence", nil, []string{"Hello Tokyo!", "Hello Seattle!", "Hello London!"}),
	yields("FanOut", 20, 2470),
	{name: "FanOut of none", run: func(t *testing.T, h *host) {
		// Task.all([]) completes with undefined in 2.1.4, so that the orchestrator fails on it: it must not stall.
		id := h.start("FanOut", "", 0)
		eventually(t, "the end of "+id, func() (bool, any) { s := h.status(id); return s.finished(), *s })
	}},
	{name: "FanOutFailFast", only: []string{"app21", "go"}, run: func(t *testing.T, h *host) { // 1.x waits for all of them
		require.Equal(t, "caught", h.complete("FanOutFailFast", nil))
	}},
	{name: "Nested", only: []string{"app21", "go"}, run: func(t *testing.T, h *host) {
		require.JSONEq(t, `["any", ["c", ["d", "e"]]]`, toJSON(t, h.complete("Nested", nil)))
	}},
	{name: "Values", run: func(t *testing.T, h *host) {
		// Results that are falsy (0, false, "") reach an orchestrator because the activity's binding is called name.
		values := []any{"text", "", `"quoted"`, "123", "null", 0, 1.5, -7, true, false, object{"a": []any{1, "b", nil}}, []any{}, object{}, "日本語 🎉 é \u2028 \x01 \\ \" <&>"}
		require.JSONEq(t, toJSON(t, values), toJSON(t, h.complete("Values", values)))
	}},
	{name: "big values", run: func(t *testing.T, h *host) {
		values := []any{strings.Repeat("0123456789", 100_000), object{"text": strings.Repeat("é", 30_000)}}
		require.JSONEq(t, toJSON(t, values), toJSON(t, h.complete("Values", values)))
	}},
	{name: "Http with polling", only: javascript, run: func(t *testing.T, h *host) {
		service := pollingService(t)
		got := h.complete("Http", object{"uri": service.URL + "/job"})
		require.JSONEq(t, `{"status": 200, "content": "{\"done\":true}"}`, toJSON(t, got))
	}},
	{name: "Http with a body", only: javascript, run: func(t *testing.T, h *host) {
		service := pollingService(t)
		got := h.complete("Http", object{"method": "POST", "uri": service.URL + "/echo", "content": "héllo"})
		require.JSONEq(t, `{"status": 201, "content": "POST héllo"}`, toJSON(t, got))
	}},
}

// pollingService answers /job with 202 twice and then with 200, and /echo with what it was sent.
func pollingService(t *testing.T) *httptest.Server {
	var polls atomic.Int32
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/echo":
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, "%s %s", r.Method, body)
		case polls.Add(1) <= 2:
			w.Header().Set("Location", "http://"+r.Host+"/job/status")
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusAccepted)
		default:
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"done":true}`)
		}
	}))
	t.Cleanup(service.Close)
	return service
}

var retryScenarios = []scenario{
	{name: "Retry", run: func(t *testing.T, h *host) {
		got := h.complete("Retry", object{"key": newID("retry"), "failures": 2})
		require.JSONEq(t, `{"attempt": 3, "after": "after"}`, toJSON(t, got))
	}},
	{name: "RetryBackoff", run: func(t *testing.T, h *host) {
		require.EqualValues(t, 4, h.complete("RetryBackoff", object{"key": newID("backoff"), "failures": 3}))
	}},
	{name: "RetryExhausted", run: func(t *testing.T, h *host) {
		got := h.complete("RetryExhausted", nil).(object)
		require.Equal(t, "after", got["after"])
		require.Contains(t, got["message"], "Activity function 'Fail' failed: always")
	}},
	yields("RetriesSideBySide", nil, object{"attempts": []int{3, 2, 1}, "last": "last"}),
	yields("SubRetry", nil, 2),
}

var timerScenarios = []scenario{
	yields("TimerWins", nil, "timer"),
	yields("TimerLoses", nil, "quick"),
	yields("TwoTimers", nil, "fired"),
}

var eventScenarios = []scenario{
	{name: "Event", run: func(t *testing.T, h *host) {
		id := h.start("Event", "", nil)
		h.waitCustom(id, "waiting")
		h.raise(id, "Go", object{"n": 1})
		require.JSONEq(t, `{"n": 1}`, toJSON(t, h.waitFor(id, "Completed").Output))
	}},
	{name: "EarlyEvent", run: func(t *testing.T, h *host) {
		id := h.start("EarlyEvent", newID("early"), nil)
		h.raise(id, "Go", "early bird")
		h.openGate(id)
		require.Equal(t, "early bird", h.waitFor(id, "Completed").Output)
	}},
	{name: "EarlyEvents in order", run: func(t *testing.T, h *host) {
		id := h.start("EarlyEvents", newID("early"), nil)
		h.raise(id, "Other", 0) // awaited by nobody, in nobody's way
		h.raise(id, "Go", 1)
		h.raise(id, "Go", 2)
		h.openGate(id)
		require.JSONEq(t, "[1, 2]", toJSON(t, h.waitFor(id, "Completed").Output))
	}},
	{name: "an event's name in another case", run: func(t *testing.T, h *host) {
		id := h.start("Event", "", nil)
		h.raise(id, "GO", 1)
		require.EqualValues(t, 1, h.waitFor(id, "Completed").Output)
	}},
	{name: "TwoEvents", run: func(t *testing.T, h *host) {
		id := h.start("TwoEvents", "", nil)
		h.raise(id, "B", "b")
		h.raise(id, "A", "a")
		require.JSONEq(t, `["a", "b"]`, toJSON(t, h.waitFor(id, "Completed").Output))
	}},
	{name: "EventRace", run: func(t *testing.T, h *host) {
		id := h.start("EventRace", "", nil)
		h.raise(id, "B", 7)
		require.JSONEq(t, `["B", 7]`, toJSON(t, h.waitFor(id, "Completed").Output))
	}},
	{name: "no event is lost across continueAsNew", run: func(t *testing.T, h *host) {
		id := h.start("EventSum", "", object{"want": 30})
		sum := 0
		for i := 1; i <= 30; i++ {
			h.raise(id, "Add", i)
			sum += i
		}
		require.EqualValues(t, sum, h.waitFor(id, "Completed").Output)
	}},
}

var subScenarios = []scenario{
	{name: "Sub", run: func(t *testing.T, h *host) {
		id := h.start("Sub", newID("sub"), nil)
		out := h.waitFor(id, "Completed").Output.(object)
		given, generated := out["given"].(object), out["generated"].(object)
		require.Equal(t, id+"-child", given["instanceId"])
		require.Equal(t, id, given["parentInstanceId"])
		require.NotEqual(t, given["instanceId"], generated["instanceId"])
		require.Equal(t, "Completed", h.status(generated["instanceId"].(string)).RuntimeStatus)
	}},
	yields("SubFanOut", nil, []int{0, 1, 5, 14, 30}),
	{name: "SubFails", run: func(t *testing.T, h *host) {
		require.Contains(t, h.complete("SubFails", nil), "nobody catches this")
	}},
}

var stateScenarios = []scenario{
	{name: "Counter", run: func(t *testing.T, h *host) {
		s := h.waitFor(h.start("Counter", "", object{"n": 1}), "Completed")
		require.EqualValues(t, 5, s.Output)
		require.Equal(t, object{"n": 5.0}, s.CustomStatus)
	}},
	{name: "Custom", run: func(t *testing.T, h *host) {
		id := h.start("Custom", "", nil)
		h.waitCustom(id, object{"phase": "one", "tags": []string{"a", "b"}})
		h.raise(id, "Go", nil)
		h.waitCustom(id, "two")
		h.raise(id, "Go", nil)
		require.Equal(t, "two", h.waitFor(id, "Completed").CustomStatus)
	}},
	{name: "Deterministic", run: func(t *testing.T, h *host) {
		id := h.start("Deterministic", "", nil)
		s := h.waitFor(id, "Completed")
		out := s.Output.(object)
		require.Equal(t, s.CustomStatus, out["first"], "guid and time of the first execution must be those of each replay")
		var guids, times []string
		for _, k := range []string{"first", "second", "third"} {
			guids = append(guids, out[k].(object)["guid"].(string))
			times = append(times, out[k].(object)["time"].(string))
		}
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(guids))), 3, "guids must differ: %v", guids)
		require.True(t, slices.IsSorted(times), "time must not go back: %v", times)
		require.Less(t, times[1], times[2], "the timer took its time")
	}},
	{name: "Long", run: func(t *testing.T, h *host) {
		began := time.Now()
		require.Equal(t, "done", h.complete("Long", 200))
		t.Logf("200 activities in sequence took %v", time.Since(began).Round(time.Millisecond))
	}},
}

var failureScenarios = []scenario{
	{name: "Caught", run: func(t *testing.T, h *host) {
		require.Contains(t, h.complete("Caught", nil), "Activity function 'Fail' failed: the reason")
	}},
	{name: "Uncaught", run: func(t *testing.T, h *host) {
		text := h.fail("Uncaught", nil)
		require.Contains(t, text, "Orchestrator function 'Uncaught' failed: ")
		require.Contains(t, text, "Activity function 'Fail' failed: nobody catches this")
	}},
	{name: "ThrowError", run: func(t *testing.T, h *host) {
		require.Equal(t, "Orchestrator function 'ThrowError' failed: boom", h.fail("ThrowError", nil))
	}},
	{name: "ThrowText", only: javascript, run: func(t *testing.T, h *host) {
		// The SDKs drop a thrown text. The instance must fail all the same, and not wait for ever.
		require.Contains(t, h.fail("ThrowText", nil), "Orchestrator function 'ThrowText' failed")
	}},
	{name: "UnknownActivity", run: func(t *testing.T, h *host) {
		require.Contains(t, h.fail("UnknownActivity", nil), "Nope")
	}},
	{name: "NonDeterministic", only: javascript, run: func(t *testing.T, h *host) {
		text := h.fail("NonDeterministic", nil)
		require.Contains(t, text, "Echo", "the recorded action")
		require.Contains(t, text, "Square", "the new action")
	}},
}
