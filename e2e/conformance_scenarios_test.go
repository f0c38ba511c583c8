package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sampleConformance are the samples of azure-functions-durable-js that need no other service.
var sampleConformance = []conformanceCase{
	sampleCase("E1_HelloSequence", "three activities in turn", func(t *testing.T, c *conformance) {
		same(t, []string{"Hello Tokyo!", "Hello Seattle!", "Hello London!"}, c.started("E1_HelloSequence", nil).Output)
	}),
	sampleCase("SayHelloWithActivity", "one activity", func(t *testing.T, c *conformance) {
		require.Equal(t, "Hello Ann!", c.started("SayHelloWithActivity", "Ann").Output)
	}),
	sampleCase("SayHelloWithCustomStatus", "the custom status", func(t *testing.T, c *conformance) {
		s := c.started("SayHelloWithCustomStatus", nil)
		require.Equal(t, "London", s.CustomStatus)
		same(t, []string{"Hello Tokyo!", "Hello Seattle!", "Hello London!"}, s.Output)
	}),
	sampleCase("SayHelloWithSubOrchestrator", "one sub-orchestration", func(t *testing.T, c *conformance) {
		require.Equal(t, "Hello Ann!", c.started("SayHelloWithSubOrchestrator", "Ann").Output)
	}),
	sampleCase("CallActivityWithRetry", "an activity that fails twice", func(t *testing.T, c *conformance) {
		same(t, []any{3, 20, 4}, c.started("CallActivityWithRetry", object{"key": newID("sample"), "failures": 2}).Output)
	}),
	sampleCase("CallSubOrchestratorWithRetry", "a sub-orchestration that fails once", func(t *testing.T, c *conformance) {
		s := c.started("CallSubOrchestratorWithRetry", object{"key": newID("sample"), "failures": 1})
		same(t, []any{s.InstanceID + "-child", s.InstanceID, 2}, s.Output)
	}),
	sampleCase("ContinueAsNewCounter", "a counter that begins again", func(t *testing.T, c *conformance) {
		require.EqualValues(t, 10, c.started("ContinueAsNewCounter", object{"value": 0, "until": 10}).Output)
	}),
	sampleCase("CounterOrchestration, CounterEntity", "an entity, called", func(t *testing.T, c *conformance) {
		key := newID("sample")
		same(t, []any{0, 5}, c.started("CounterOrchestration", key).Output)
		same(t, []any{5, 10}, c.started("CounterOrchestration", key).Output)
	}),
	sampleCase("AsyncCounterOrchestration, AsyncCounterEntity", "an entity of an async function", func(t *testing.T, c *conformance) {
		require.EqualValues(t, 5, c.started("AsyncCounterOrchestration", newID("sample")).Output)
	}),
	sampleCase("cancel-timer", "`Task.any`, and the timer cancelled", func(t *testing.T, c *conformance) {
		require.Equal(t, "Hello Ann!", c.started("cancelTimer", nil).Output.(object)["result"])
	}),
	sampleCase("ThrowsErrorInline", "fails with the error's message", func(t *testing.T, c *conformance) {
		id := c.httpStart("ThrowsErrorInline", nil)
		require.Contains(t, c.waitFor(id, "Failed").Output, "Orchestrator function 'ThrowsErrorInline' failed: ThrowsErrorInline does what its name says")
	}),
	sampleCase("HttpStart", "202 with the URLs, all of which work", func(t *testing.T, c *conformance) {
		var l links
		c.call(http.MethodPost, "/orchestrators/Event", nil).want(http.StatusAccepted).json(&l)
		c.call(http.MethodGet, l.StatusQueryGetURI, nil).want(http.StatusAccepted)
		c.call(http.MethodPost, strings.Replace(l.SendEventPostURI, "{eventName}", "Go", 1), `"data"`).want(http.StatusAccepted)
		require.Equal(t, "data", c.waitFor(l.ID, "Completed").Output)
		c.call(http.MethodDelete, l.PurgeHistoryDeleteURI, nil).want(http.StatusOK)
		c.call(http.MethodGet, l.StatusQueryGetURI, nil).want(http.StatusNotFound)
	}),
	sampleCase("HttpSyncStart", "the output in the answer, or 202 when the time is over", func(t *testing.T, c *conformance) {
		a := c.call(http.MethodPost, "/orchestrators/wait/E1_HelloSequence?timeout=20&interval=0.1", nil).want(http.StatusOK)
		same(t, []string{"Hello Tokyo!", "Hello Seattle!", "Hello London!"}, parseJSON(t, a.text()))
		c.call(http.MethodPost, "/orchestrators/wait/ThrowsErrorInline?timeout=20&interval=0.1", nil).want(http.StatusInternalServerError)
		var l links
		c.call(http.MethodPost, "/orchestrators/wait/Event?timeout=0.2&interval=0.1", nil).want(http.StatusAccepted).json(&l)
		c.raise(l.ID, "Go", 1)
	}),
}

func sampleCase(name, checks string, run func(t *testing.T, c *conformance)) conformanceCase {
	return conformanceCase{name: "sample " + name, checks: checks, run: run}
}

// httpStart starts an orchestration through the app's HTTP function.
func (c *conformance) httpStart(orchestrator string, input any) string {
	c.t.Helper()
	var l links
	c.call(http.MethodPost, "/orchestrators/"+orchestrator, asJSON(c.t, input)).want(http.StatusAccepted).json(&l)
	return l.ID
}

func (c *conformance) started(orchestrator string, input any) *status {
	c.t.Helper()
	return c.waitFor(c.httpStart(orchestrator, input), "Completed")
}

// scenarioConformance is where much hangs on how several things work together.
var scenarioConformance = []conformanceCase{
	{
		name:   "big inputs",
		checks: "5 MB of input go through a sub-orchestration and an activity and come back",
		run: func(t *testing.T, c *conformance) {
			text := strings.Repeat("0123456789é", 5<<20/12)
			sameBig(t, text, c.complete("InputOfChild", text))
			out := c.complete("EchoAll", []any{text}).([]any)
			sameBig(t, text, out[0])
		},
	},
	{
		name:   "Unicode",
		checks: "in inputs, outputs, custom status, events, instance IDs, and keys of entities",
		run: func(t *testing.T, c *conformance) {
			text := "日本語 🎉 é \u2028 \u0001 \\ \" <&>"
			id := c.start("Events", "größe-日本-"+newID("u"), 1)
			c.raise(id, "Go", text)
			same(t, []any{text}, c.waitFor(id, "Completed").Output)
			require.Equal(t, text, c.complete("InputOfChild", text))
			key := "schlüssel " + newID("u")
			same(t, []any{0, 5}, c.complete("CounterOrchestration", key))
		},
	},
	{
		name:   "100 sub-orchestrations, one in the other",
		checks: "the innermost one's result climbs up",
		run: func(t *testing.T, c *conformance) {
			require.EqualValues(t, 100, c.complete("Deep", 100))
		},
	},
	{
		name:    "texts",
		checks:  "inputs of orchestrations, sub-orchestrations and `continueAsNew` that are texts arrive as they are, also those with quotes around them given to the first",
		differs: "the original leaves quotes around a text given to `continueAsNew`, and in 1.x and 2.x to a sub-orchestration",
		run: func(t *testing.T, c *conformance) {
			require.Equal(t, "a text", c.complete("Input", "a text"))
			require.Equal(t, `"quoted"`, c.complete("Input", `"quoted"`))
			require.Equal(t, "a text", c.complete("InputOfChild", "a text"))
			require.Equal(t, "a text", c.complete("InputAgain", object{"first": true, "text": "a text"}))
		},
	},
	{
		name:    "throw of a text",
		checks:  "`throw \"text\"` ends the orchestration as failed",
		differs: "in the original it hangs for ever",
		run: func(t *testing.T, c *conformance) {
			require.NotEmpty(t, c.fail("ThrowText", nil))
		},
	},
	{
		name:   "suspended while events arrive",
		checks: "they wait, whichever generation, and arrive in order after resume",
		run: func(t *testing.T, c *conformance) {
			id := c.start("Events", "", 3)
			c.raise(id, "Go", 1)
			c.waitUntilTaken(id, 1)
			c.call(http.MethodPost, instance(id, "/suspend?reason=x"), nil).want(http.StatusAccepted)
			c.waitFor(id, "Suspended")
			c.raise(id, "Go", 2)
			c.raise(id, "Go", 3)
			require.Equal(t, "Suspended", c.status(id).RuntimeStatus)
			c.call(http.MethodPost, instance(id, "/resume?reason=x"), nil).want(http.StatusAccepted)
			same(t, []any{1, 2, 3}, c.waitFor(id, "Completed").Output)
		},
	},
	{
		name:   "rewind of nested failures",
		checks: "the activity at the bottom of three levels runs again, what had succeeded on the way does not",
		run: func(t *testing.T, c *conformance) {
			file := newID("nested")
			id := c.start("NestedNeedsFile", newID("nested"), object{"depth": 2, "file": file})
			c.waitFor(id, "Failed")
			write(t, "", c.Dir, file)
			c.call(http.MethodPost, instance(id, "/rewind?reason=x"), nil).want(http.StatusAccepted)
			c.completed(id, []any{1, []any{1, []any{1, file + " is there"}}})
		},
	},
	{
		name:   "restart",
		checks: "a new instance with the name and the input of the old one; or the same ID again",
		run: func(t *testing.T, c *conformance) {
			id := c.start("Input", newID("restart"), object{"a": 1})
			c.waitFor(id, "Completed")
			var l links
			c.call(http.MethodPost, instance(id, "/restart"), nil).want(http.StatusAccepted).json(&l)
			require.NotEqual(t, id, l.ID)
			same(t, object{"a": 1}, c.waitFor(l.ID, "Completed").Output)
			c.call(http.MethodPost, instance(id, "/restart?restartWithNewInstanceId=false"), nil).want(http.StatusAccepted).json(&l)
			require.Equal(t, id, l.ID)
			same(t, object{"a": 1}, c.waitFor(id, "Completed").Output)
		},
	},
	{
		name:   "purge",
		checks: "an instance and its history are gone, and its ID is free",
		run: func(t *testing.T, c *conformance) {
			id := c.start("Input", newID("purge"), 1)
			c.waitFor(id, "Completed")
			c.call(http.MethodDelete, instance(id, ""), nil).want(http.StatusOK)
			c.call(http.MethodGet, instance(id, ""), nil).want(http.StatusNotFound)
			c.start("Input", id, 2)
			require.EqualValues(t, 2, c.waitFor(id, "Completed").Output)
		},
	},
	{
		name:    "long timers",
		checks:  "a timer of 30 days, which is longer than the SDKs allow a single timer of Azure Storage to be, is one timer, and can be cancelled",
		differs: "2.1.4,3.5.0:the original makes a chain of shorter timers",
		run: func(t *testing.T, c *conformance) {
			id := c.start("LongTimer", "", nil)
			eventually(t, "the timer of "+id, func() (bool, any) {
				s := c.status(id, "showHistory=true")
				return s.count("TimerCreated") == 1, s
			})
			var fires time.Time
			for _, e := range c.status(id, "showHistory=true").HistoryEvents {
				if at, ok := e["FireAt"].(string); ok {
					var err error
					fires, err = time.Parse(time.RFC3339, at)
					require.NoError(t, err)
				}
			}
			require.WithinDuration(t, time.Now().Add(30*24*time.Hour), fires, time.Minute)
			c.raise(id, "Go", "event")
			require.Equal(t, "event", c.waitFor(id, "Completed").Output)
		},
	},
	{
		name:   "Task.any and a timer that is cancelled",
		checks: "the orchestration completes at once, long before the timer would fire",
		run: func(t *testing.T, c *conformance) {
			require.Equal(t, true, c.complete("cancelTimer", nil).(object)["after"])
		},
	},
}

// sameBig compares texts that are too long to be shown.
func sameBig(t *testing.T, want string, got any) {
	t.Helper()
	if got != want {
		text, _ := got.(string)
		require.FailNow(t, "the text has changed on its way", "%d bytes instead of %d", len(text), len(want))
	}
}
