package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var orchestratorConformance = []conformanceCase{
	{
		name:   "orchestrator",
		keys:   []string{"1.5.4,2.1.4:orchestrator", "1.5.4,2.1.4:IOrchestrationFunctionContext.df", "3.5.0:app.{orchestration,activity}", "3.5.0:OrchestrationOptions.handler", "3.5.0:ActivityOptions.handler", "3.5.0:OrchestrationContext.df"},
		checks: "runs, with its activities, and its output is that of the instance",
		run: func(t *testing.T, c *conformance) {
			same(t, []string{"Hello Tokyo!", "Hello Seattle!", "Hello London!"}, c.complete("E1_HelloSequence", nil))
		},
	},
	{
		name:   "context",
		keys:   []string{"DurableOrchestrationContext.{instanceId,parentInstanceId,isReplaying,currentUtcDateTime,customStatus}", "DurableOrchestrationContext.getInput", "DurableOrchestrationContext.newGuid", "2.1.4:IOrchestrationFunctionContext.suppressAsyncDoneError"},
		checks: "values of the first episode are those of each replay; GUIDs are of version 5 and differ; the time is that of the episode and grows; `isReplaying` is false where the code goes on and true before",
		run:    contextConformance,
	},
	{
		name:    "callActivity",
		keys:    []string{"DurableOrchestrationContext.callActivity"},
		checks:  "values of all kinds of JSON arrive and come back, `0`, `\"\"` and `false` too; a failure is thrown with the activity's name and message",
		differs: "1.5.4,2.1.4:falsy results are kept whatever the binding is called (in the original only if it is called `name`)",
		run: func(t *testing.T, c *conformance) {
			values := []any{"text", `"quoted"`, "123", 0, -1.5, false, "", true, object{"a": []any{1, nil}}, []any{}, "日本語 🎉 \u2028 \\ \""}
			same(t, values, c.complete("EchoAll", values))
			caught := c.complete("Caught", "no luck").(object)
			require.Equal(t, true, caught["isError"])
			require.Contains(t, caught["message"], "Activity function 'Fail' failed: no luck")
			require.Equal(t, "Hello Ann!", c.complete("SayHelloWithActivity", "Ann"))
		},
	},
	{
		name:   "callActivityWithRetry",
		keys:   []string{"DurableOrchestrationContext.callActivityWithRetry"},
		checks: "three attempts, of which the third succeeds; the last failure when all have failed",
		run: func(t *testing.T, c *conformance) {
			same(t, []any{3, 20, 4}, c.complete("CallActivityWithRetry", object{"key": newID("retry"), "failures": 2}))
			require.Contains(t, c.fail("CallActivityWithRetry", object{"key": newID("retry"), "failures": 9}), "attempt 4 fails")
		},
	},
	{
		name:   "callSubOrchestrator",
		keys:   []string{"DurableOrchestrationContext.callSubOrchestrator"},
		checks: "input, output, given and generated instance IDs, the parent's ID, a failure, texts",
		run: func(t *testing.T, c *conformance) {
			id := c.start("Parent", newID("parent"), nil)
			out := c.waitFor(id, "Completed").Output.([]any)
			same(t, object{"id": id + "-named", "parent": id, "input": object{"a": 1}}, out[0])
			generated := out[1].(object)
			require.NotEmpty(t, generated["id"])
			require.Equal(t, id, generated["parent"])
			require.Equal(t, "none", generated["input"])
			require.Contains(t, c.fail("SubFails", nil), "deep down")
			require.Equal(t, "a text", c.complete("InputOfChild", "a text"))
		},
	},
	{
		name:   "callSubOrchestratorWithRetry",
		keys:   []string{"DurableOrchestrationContext.callSubOrchestratorWithRetry"},
		checks: "attempts until one succeeds, under the instance ID that was given",
		run: func(t *testing.T, c *conformance) {
			id := c.start("CallSubOrchestratorWithRetry", newID("subretry"), object{"key": newID("subretry"), "failures": 2})
			same(t, []any{id + "-child", id, 3}, c.waitFor(id, "Completed").Output)
		},
	},
	{
		name:    "continueAsNew",
		keys:    []string{"DurableOrchestrationContext.continueAsNew"},
		checks:  "a new history with the new input under the same ID, text as input; events that nobody has awaited yet",
		differs: "events go on into the new execution (the original drops them), and a text arrives without quotes around it",
		run: func(t *testing.T, c *conformance) {
			require.EqualValues(t, 5, c.complete("ContinueAsNewCounter", object{"value": 1, "until": 5}))
			require.Equal(t, "a text", c.complete("InputAgain", object{"first": true, "text": "a text"}))
			id := c.start("EventsAcross", "", []any{})
			var sent []any
			for i := range 5 {
				sent = append(sent, i)
				c.raise(id, "Go", i)
			}
			c.raise(id, "Go", "stop")
			same(t, sent, c.waitFor(id, "Completed").Output)
		},
	},
	{
		name:   "createTimer",
		keys:   []string{"DurableOrchestrationContext.createTimer", "TimerTask.cancel", "TimerTask.isCanceled"},
		checks: "fires not before its time; one that is cancelled is told so, and does not hold up the end",
		run: func(t *testing.T, c *conformance) {
			began := time.Now()
			require.Equal(t, true, c.complete("AnyTimer", 300))
			require.GreaterOrEqual(t, time.Since(began), 300*time.Millisecond)
			same(t, object{"result": "Hello Ann!", "completed": true, "faulted": false, "timedOut": false, "before": false, "after": true}, c.complete("cancelTimer", nil))
		},
	},
	{
		name:    "waitForExternalEvent",
		keys:    []string{"DurableOrchestrationContext.waitForExternalEvent"},
		checks:  "data of events in order; events that came before they were awaited; an event without data",
		differs: "2.1.4:it stalls on an early event in the original, and keeps only one of a name; here none is lost",
		run: func(t *testing.T, c *conformance) {
			id := c.start("EarlyEvents", "", nil)
			c.raise(id, "Go", object{"n": 1})
			c.raise(id, "Go", "second")
			c.raise(id, "Open", 0)
			same(t, []any{0, object{"n": 1}, "second"}, c.waitFor(id, "Completed").Output)
			id = c.start("Event", "", nil)
			c.call(http.MethodPost, instance(id, "/raiseEvent/Go"), nil).want(http.StatusAccepted)
			require.Contains(t, []any{nil, "nothing"}, c.waitFor(id, "Completed").Output)
		},
	},
	{
		name:   "setCustomStatus",
		keys:   []string{"DurableOrchestrationContext.setCustomStatus"},
		checks: "is the instance's custom status, and stays after the end",
		run: func(t *testing.T, c *conformance) {
			id := c.start("SayHelloWithCustomStatus", "", nil)
			require.Equal(t, "London", c.waitFor(id, "Completed").CustomStatus)
		},
	},
	{
		name:   "Task.all",
		keys:   []string{"1.5.4:ITaskMethods.all", "2.1.4,3.5.0:DurableOrchestrationContext.Task.all", "1.5.4:DurableOrchestrationContext.Task", "Task.{isCompleted,isFaulted,result}"},
		checks: "results in the order of the tasks; each task tells its completion, failure and result",
		run: func(t *testing.T, c *conformance) {
			out := c.complete("Tasks", nil).(object)
			same(t, []any{object{"n": 1}, 2}, out["both"])
			same(t, []any{true, false, object{"n": 1}}, out["works"])
			require.Contains(t, out["message"], "no luck")
			if c.release != "1.5.4" { // where a task that was not yielded in its latest form knows nothing
				require.Equal(t, true, out["fails"].([]any)[1])
			}
		},
	},
	{
		name:   "Task.any",
		keys:   []string{"1.5.4:ITaskMethods.any", "2.1.4,3.5.0:DurableOrchestrationContext.Task.any"},
		checks: "gives the task that won, which has the result; the others go on, and can be awaited",
		run: func(t *testing.T, c *conformance) {
			id := c.start("Any", "", nil)
			c.raise(id, "Second", object{"n": 2})
			c.raise(id, "First", "one")
			// In 1.x a task knows at once what the history has.
			same(t, []any{"Second", object{"n": 2}, c.release == "1.5.4", "one"}, c.waitFor(id, "Completed").Output)
		},
	},
	{
		name:   "tasks of 1.x",
		only:   []string{"1.5.4"},
		keys:   []string{"Task.{id,action,timestamp,completionIndex,exception}", "Task.yieldNewActions", "TaskSet.{isCompleted,isFaulted,result,exception}", "TaskSet.yieldNewActions", "TimerTask.action", "CreateTimerAction.{actionType,fireAt,isCanceled}"},
		checks: "states and actions of single tasks and of sets",
		run: func(t *testing.T, c *conformance) {
			out := c.complete("Tasks1x", nil).(object)
			require.Contains(t, out["failed"], "no luck")
			same(t, []any{0, 0}, out["yielded"])
			same(t, []any{5, true, false, false}, out["timer"])
			same(t, []any{true, false, []any{1, 2}, nil}, out["all"])
		},
	},
	{
		name:    "callHttp",
		keys:    []string{"DurableOrchestrationContext.callHttp", "3.5.0:CallHttpOptions.{method,url,body,headers,tokenSource,enablePolling,asynchronousPatternEnabled}"},
		checks:  "method, headers and body are sent, status, headers and content come back, any status is a result; 202 with `Location` is followed with the request's headers until it is another, after `Retry-After`, or not when that is switched off; a token source",
		differs: "a token source is refused with an explanation, as there are no managed identities",
		run:     callHTTPConformance,
	},
}

func contextConformance(t *testing.T, c *conformance) {
	id := c.start("Context", newID("context"), object{"text": "in"})
	s := c.waitFor(id, "Completed")
	out := s.Output.(object)
	require.Equal(t, id, out["id"])
	require.Nil(t, out["parent"])
	same(t, object{"text": "in"}, out["input"])
	same(t, object{"at": "the end"}, s.CustomStatus)
	same(t, object{"at": "the end"}, out["status"])
	// What the activity was given in the first episode is what the last one makes of it, but for isReplaying.
	first, seen := out["first"].(object), out["seen"].(object)
	require.Equal(t, first["guid"], seen["guid"])
	require.Equal(t, first["time"], seen["time"])
	require.Equal(t, false, seen["replaying"])
	require.Equal(t, true, first["replaying"])
	require.Regexp(t, "^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", first["guid"])
	require.Regexp(t, "^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", out["second"])
	require.NotEqual(t, first["guid"], out["second"])
	began, err := time.Parse(time.RFC3339, first["time"].(string))
	require.NoError(t, err)
	ended, err := time.Parse(time.RFC3339, out["now"].(string))
	require.NoError(t, err)
	require.False(t, ended.Before(began))
	require.WithinDuration(t, time.Now(), ended, patience)
	// After the first activity the code goes on in the second episode and is replayed in the third.
	require.Equal(t, true, out["live"])
}

func callHTTPConformance(t *testing.T, c *conformance) {
	service := conformanceService(t)
	http1 := func(input object) object { return c.complete("Http", input).(object) }

	out := http1(object{"method": "POST", "uri": service.URL + "/echo?a=b", "content": "héllo", "headers": object{"X-Custom": "v", "Content-Type": "text/plain"}})
	require.EqualValues(t, http.StatusCreated, out["status"])
	same(t, object{"method": "POST", "query": "a=b", "body": "héllo", "custom": "v", "type": "text/plain"}, parseJSON(t, out["content"].(string)))
	require.Equal(t, "answered", header(out["headers"].(object), "X-Answer"))

	out = http1(object{"method": "GET", "uri": service.URL + "/missing"})
	require.EqualValues(t, http.StatusNotFound, out["status"])

	out = http1(object{"method": "POST", "uri": service.URL + "/job?key=" + newID("job"), "content": "{}", "headers": object{"X-Custom": "kept"}})
	require.EqualValues(t, http.StatusOK, out["status"])
	same(t, object{"polls": 2, "method": "GET", "custom": "kept"}, parseJSON(t, out["content"].(string)))

	if c.release != "1.5.4" { // which has no such parameter
		out = http1(object{"method": "GET", "uri": service.URL + "/job?key=" + newID("job"), "polling": false})
		require.EqualValues(t, http.StatusAccepted, out["status"])
		require.NotEmpty(t, header(out["headers"].(object), "Location"))
	}
	require.Contains(t, c.fail("Http", object{"method": "GET", "uri": service.URL + "/echo", "tokenSource": "https://management.core.windows.net/"}), "tokenSource")
}
