package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var entityConformance = []conformanceCase{
	{
		name: "entity",
		keys: []string{
			"1.5.4,2.1.4:entity", "1.5.4,2.1.4:IEntityFunctionContext.df", "2.1.4:IEntityFunctionContext.suppressAsyncDoneError", "3.5.0:app.entity", "3.5.0:EntityOptions.handler", "3.5.0:EntityContext.df",
			"DurableEntityContext.{entityName,entityKey,entityId,operationName,isNewlyConstructed}", "DurableEntityContext.{getState,setState,getInput,return,destructOnExit}",
		},
		checks: "what an operation is told; states are kept between operations and gone after `destructOnExit`; results reach the caller; async functions",
		run: func(t *testing.T, c *conformance) {
			key := newID("probe")
			told := func(state, input any, isNew bool) object {
				return object{"name": "probe", "key": key, "id": []string{"probe", key}, "operation": "describe", "isNew": isNew, "state": state, "input": input}
			}
			// The operation that returns something makes the entity.
			same(t, []any{told(nil, object{"a": "text"}, true), told(object{"n": 1}, nil, false), told(nil, nil, true)}, c.complete("EntityCalls", key))
			require.EqualValues(t, 5, c.complete("AsyncCounterOrchestration", newID("async")))
			c.stateIs("CounterEntity", key+"-told", 7)
		},
	},
	{
		name:   "signalEntity of an entity",
		keys:   []string{"DurableEntityContext.signalEntity"},
		checks: "another entity has the operation done",
		run: func(t *testing.T, c *conformance) {
			key := newID("signals")
			c.signal("Probe", key, "tell", key+"-told")
			c.stateIs("CounterEntity", key+"-told", 7)
		},
	},
	{
		name:   "callEntity",
		keys:   []string{"DurableOrchestrationContext.callEntity"},
		checks: "operations in order, each with its result",
		run: func(t *testing.T, c *conformance) {
			same(t, []any{0, 5}, c.complete("CounterOrchestration", newID("counter")))
		},
	},
	{
		name:   "signalEntity of an orchestration",
		keys:   []string{"2.1.4,3.5.0:DurableOrchestrationContext.signalEntity"},
		only:   []string{"2.1.4", "3.5.0"},
		checks: "is done before a later call of the same orchestration",
		run: func(t *testing.T, c *conformance) {
			require.EqualValues(t, 7, c.complete("Signal", newID("signal")))
		},
	},
}

var clientConformance = []conformanceCase{
	{
		name:   "getClient",
		keys:   []string{"getClient", "$client.{taskHubName,uniqueWebhookOrigins}"},
		checks: "finds the binding, which tells the task hub and where the host is",
		run: func(t *testing.T, c *conformance) {
			require.Equal(t, "Conformance", c.sdk("taskHubName"))
			require.Contains(t, c.sdk("uniqueWebhookOrigins"), c.appURL())
		},
	},
	{
		name:    "startNew",
		keys:    []string{"$client.startNew", "3.5.0:StartNewOptions.{instanceId,input}"},
		checks:  "IDs given and generated, input of any kind, no input, an unknown orchestrator is refused, and an ID in use too",
		differs: "no input is no input: in the original the SDK's empty body makes an empty text of it",
		run: func(t *testing.T, c *conformance) {
			id := newID("given")
			require.Equal(t, id, c.startNew("Input", id, object{"a": []any{1, "é"}}))
			same(t, object{"a": []any{1, "é"}}, c.waitFor(id, "Completed").Output)
			generated := c.startNew("Input", undefined, "text")
			require.Regexp(t, "^[0-9a-f]{32}$", generated)
			require.Equal(t, "text", c.waitFor(generated, "Completed").Output)
			require.Equal(t, "none", c.waitFor(c.startNew("Input", undefined, undefined), "Completed").Output)
			c.refuses("startNew", "NoSuchThing")
			live := c.startNew("Event", newID("live"), undefined)
			c.refuses("startNew", append([]any{"Event"}, c.one("instanceId input", live, undefined)...)...)
			c.raise(live, "Go", 1)
		},
	},
	{
		name:    "getStatus",
		keys:    []string{"$client.getStatus", "DurableOrchestrationStatus.{name,instanceId,createdTime,lastUpdatedTime,input,output,runtimeStatus,customStatus,history}", "3.5.0:GetStatusOptions.{showHistory,showHistoryOutput,showInput}"},
		checks:  "all fields of a finished and of a running instance; history with and without results; an unknown instance",
		differs: "`history` is there beside `historyEvents`, so that what the SDKs declare is there",
		run:     getStatusConformance,
	},
	{
		name:   "getStatusAll, getStatusBy",
		keys:   []string{"$client.{getStatusAll,getStatusBy}", "3.5.0:OrchestrationFilter.{createdTimeFrom,createdTimeTo,runtimeStatus}"},
		checks: "filters by time and status",
		run:    getStatusManyConformance,
	},
	{
		name:   "raiseEvent",
		keys:   []string{"$client.raiseEvent", "3.5.0:TaskHubOptions.{taskHubName,connectionName}"},
		checks: "the instance gets the data; no data; a finished instance is left alone; an unknown one is an error; task hub and connection may be named",
		run: func(t *testing.T, c *conformance) {
			id := c.startNew("Events", undefined, 3)
			c.sdk("raiseEvent", id, "Go", object{"n": []any{1}})
			c.waitUntilTaken(id, 1)
			c.sdk("raiseEvent", append([]any{id, "Go", 0}, c.one("taskHubName connectionName", "Conformance", "Storage")...)...)
			c.waitUntilTaken(id, 2)
			c.sdk("raiseEvent", id, "Go", "text")
			same(t, []any{object{"n": []any{1}}, 0, "text"}, c.waitFor(id, "Completed").Output)
			c.sdk("raiseEvent", id, "Go", 1) // 410
			require.Contains(t, c.refuses("raiseEvent", "no-such-instance", "Go", 1), "No instance with ID 'no-such-instance' found.")
			id = c.startNew("Event", undefined, undefined)
			c.sdk("raiseEvent", id, "Go")
			require.Contains(t, []any{nil, "nothing"}, c.waitFor(id, "Completed").Output)
		},
	},
	{
		name:   "terminate, purgeInstanceHistoryBy",
		keys:   []string{"$client.{terminate,purgeInstanceHistoryBy}"},
		checks: "the reason is the output, a finished instance is left alone, an unknown one is an error; purge takes those in the time range that have the status, and tells how many",
		run: func(t *testing.T, c *conformance) {
			began := time.Now().Add(-2 * time.Second)
			id := c.startNew("Event", undefined, undefined)
			c.sdk("terminate", id, "It was time to be done.")
			require.Equal(t, "It was time to be done.", c.waitFor(id, "Terminated").Output)
			c.sdk("terminate", id, "again") // 410
			require.Contains(t, c.refuses("terminate", "no-such-instance", "x"), "No instance with ID 'no-such-instance' found.")

			names := "createdTimeFrom createdTimeTo runtimeStatus"
			long := date(began.Add(-time.Hour))
			same(t, object{"instancesDeleted": 0}, c.sdk("purgeInstanceHistoryBy", c.one(names, long, date(began.Add(-time.Minute)), []string{"Terminated"})...))
			same(t, object{"instancesDeleted": 1}, c.sdk("purgeInstanceHistoryBy", c.one(names, date(began), date(time.Now().Add(time.Hour)), []string{"Terminated"})...))
			c.call(http.MethodGet, instance(id, ""), nil).want(http.StatusNotFound)
		},
	},
	{
		name:   "purgeInstanceHistory",
		keys:   []string{"$client.purgeInstanceHistory", "PurgeHistoryResult.instancesDeleted"},
		checks: "1, and the instance is gone; 0 for an unknown one",
		run: func(t *testing.T, c *conformance) {
			id := c.startNew("Input", undefined, 1)
			c.waitFor(id, "Completed")
			require.EqualValues(t, 1, c.ask("purgeInstanceHistory", []string{"instancesDeleted"}, id).Read["instancesDeleted"])
			c.call(http.MethodGet, instance(id, ""), nil).want(http.StatusNotFound)
			same(t, object{"instancesDeleted": 0}, c.sdk("purgeInstanceHistory", id))
		},
	},
	{
		name:   "rewind",
		keys:   []string{"$client.rewind"},
		checks: "a failed activity is run again, and what had succeeded is not; an instance that has not failed, and an unknown one, are errors",
		run: func(t *testing.T, c *conformance) {
			file := newID("rewind")
			id := c.startNew("NeedsFile", undefined, file)
			c.waitFor(id, "Failed")
			write(t, "", c.Dir, file)
			c.sdk("rewind", id, "put right")
			c.completed(id, file+" is there")
			c.refuses("rewind", id, "not failed")
			require.Contains(t, c.refuses("rewind", "no-such-instance", "x"), "No instance with ID 'no-such-instance' found.")
		},
	},
	{
		name:   "suspend, resume",
		only:   []string{"3.5.0"},
		keys:   []string{"3.5.0:$client.{suspend,resume}"},
		checks: "while it is suspended, events wait; afterwards they arrive in order; a finished instance is left alone, an unknown one is an error",
		run: func(t *testing.T, c *conformance) {
			id := c.startNew("Events", undefined, 2)
			c.waitFor(id, "Running")
			c.sdk("suspend", id, "wait")
			c.waitFor(id, "Suspended")
			c.sdk("raiseEvent", id, "Go", 1)
			c.sdk("raiseEvent", id, "Go", 2)
			require.Equal(t, "Suspended", c.status(id).RuntimeStatus)
			c.sdk("resume", id, "go on")
			same(t, []any{1, 2}, c.waitFor(id, "Completed").Output)
			c.sdk("suspend", id, "x") // 410
			c.sdk("resume", id, "x")
			for _, method := range []string{"suspend", "resume"} {
				require.Contains(t, c.refuses(method, "no-such-instance", "x"), "No instance with ID 'no-such-instance' found.")
			}
		},
	},
	{
		name:   "signalEntity, readEntityState",
		keys:   []string{"$client.{signalEntity,readEntityState}"},
		checks: "the operation is done; the state, and that there is none",
		run: func(t *testing.T, c *conformance) {
			key := newID("client")
			read := func() clientAnswer {
				return c.ask("readEntityState", []string{"entityExists", "entityState"}, entityID("CounterEntity", key))
			}
			same(t, object{"entityExists": false, "entityState": "undefined"}, read().Read)
			c.sdk("signalEntity", entityID("CounterEntity", key), "add", 3)
			c.sdk("signalEntity", entityID("CounterEntity", key), "add", 4)
			c.stateIs("CounterEntity", key, 7)
			same(t, object{"entityExists": true, "entityState": 7}, read().Read)
			c.sdk("signalEntity", entityID("CounterEntity", key), "reset")
			c.stateIs("CounterEntity", key, 0)
		},
	},
	{
		name: "createCheckStatusResponse, createHttpManagementPayload",
		keys: []string{
			"$client.{createCheckStatusResponse,createHttpManagementPayload}", "HttpManagementPayload.{id,statusQueryGetUri,sendEventPostUri,terminatePostUri,rewindPostUri,purgeHistoryDeleteUri}",
			"3.5.0:HttpManagementPayload.{suspendPostUri,resumePostUri}", "1.5.4,2.1.4:IHttpResponse.{status,body,headers}", "1.5.4,2.1.4:IHttpRequest.http.url",
		},
		checks: "202 with Location, Retry-After and the URLs, which lead to the instance; the origin is that of a request which is given",
		run:    payloadConformance,
	},
	{
		name:   "waitForCompletionOrCreateCheckStatusResponse",
		keys:   []string{"$client.waitForCompletionOrCreateCheckStatusResponse", "3.5.0:WaitForCompletionOptions.{timeoutInMilliseconds,retryIntervalInMilliseconds}"},
		checks: "200 with the output; 202 when the time is over; 500 for a failed instance",
		run: func(t *testing.T, c *conformance) {
			wait := func(id string, timeout int) *answer {
				return c.call(http.MethodPost, "/wait/"+id, object{"timeout": timeout, "interval": 50})
			}
			same(t, object{"a": 1}, parseJSON(t, wait(c.startNew("Input", undefined, object{"a": 1}), 20000).want(http.StatusOK).text()))
			wait(c.startNew("ThrowsErrorInline", undefined, undefined), 20000).want(http.StatusInternalServerError)
			id := c.startNew("Event", undefined, undefined)
			var l links
			a := wait(id, 200).want(http.StatusAccepted)
			a.json(&l)
			require.Equal(t, id, l.ID)
			require.Equal(t, l.StatusQueryGetURI, a.Header.Get("Location"))
			c.raise(id, "Go", 1)
		},
	},
}

// waitUntilTaken waits until so many events are in the history.
func (c *conformance) waitUntilTaken(id string, n int) {
	c.t.Helper()
	eventually(c.t, "events of "+id, func() (bool, any) {
		s := c.status(id, "showHistory=true")
		return s.count("EventRaised") >= n, s
	})
}

// completed waits for a rewound instance, which goes on with the status Failed for a moment.
func (c *conformance) completed(id string, output any) {
	c.t.Helper()
	var s *status
	eventually(c.t, "the rewound instance "+id, func() (bool, any) {
		s = c.status(id)
		return s.RuntimeStatus == "Completed", *s
	})
	same(c.t, output, s.Output)
}

func getStatusConformance(t *testing.T, c *conformance) {
	id := c.startNew("SayHelloWithCustomStatus", undefined, "in")
	c.waitFor(id, "Completed")
	names := "showHistory showHistoryOutput showInput"
	fields := []string{"name", "instanceId", "createdTime", "lastUpdatedTime", "input", "output", "runtimeStatus", "customStatus", "history"}
	read := func(showHistory, showHistoryOutput, showInput bool) object {
		r := c.ask("getStatus", fields, append([]any{id}, c.one(names, showHistory, showHistoryOutput, showInput)...)...)
		require.Empty(t, r.Error)
		return r.Read
	}
	s := read(true, true, true)
	require.Equal(t, "SayHelloWithCustomStatus", s["name"])
	require.Equal(t, id, s["instanceId"])
	require.Equal(t, "in", s["input"])
	same(t, []any{"Hello Tokyo!", "Hello Seattle!", "Hello London!"}, s["output"])
	require.Equal(t, "Completed", s["runtimeStatus"])
	require.Equal(t, "London", s["customStatus"])
	for _, field := range []string{"createdTime", "lastUpdatedTime"} {
		at, err := time.Parse(time.RFC3339, s[field].(string))
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), at, time.Minute)
	}
	// ExecutionStarted, three TaskCompleted, ExecutionCompleted.
	require.Len(t, s["history"], 5)
	require.Equal(t, "Hello Tokyo!", s["history"].([]any)[1].(object)["Result"])
	s = read(true, false, true)
	require.NotContains(t, s["history"].([]any)[1], "Result")
	require.Equal(t, "undefined", read(false, false, true)["history"])

	running := c.startNew("Event", undefined, undefined)
	c.waitFor(running, "Running")
	s = c.ask("getStatus", fields, running).Read
	require.Equal(t, "Running", s["runtimeStatus"])
	require.Nil(t, s["output"])
	c.raise(running, "Go", 1)

	if c.release == "3.5.0" {
		c.refuses("getStatus", "no-such-instance")
	} else {
		require.Empty(t, c.sdk("getStatus", "no-such-instance"), "nothing is known of an unknown instance")
	}
}

func getStatusManyConformance(t *testing.T, c *conformance) {
	began := time.Now().Add(-2 * time.Second)
	done := c.startNew("Input", undefined, 1)
	c.waitFor(done, "Completed")
	running := c.startNew("Event", undefined, undefined)
	c.waitFor(running, "Running")
	found := func(v any) (ids []string) {
		for _, s := range v.([]any) {
			ids = append(ids, s.(object)["instanceId"].(string))
		}
		return ids
	}
	require.Subset(t, found(c.sdk("getStatusAll")), []string{done, running})
	by := func(from, to any, statuses ...string) []string {
		return found(c.sdk("getStatusBy", c.one("createdTimeFrom createdTimeTo runtimeStatus", from, to, statuses)...))
	}
	from, to := date(began), date(time.Now().Add(time.Hour))
	require.Subset(t, by(from, to, "Completed", "Running"), []string{done, running})
	require.NotContains(t, by(from, to, "Running"), done)
	require.Contains(t, by(from, undefined, "Running"), running)
	require.Empty(t, by(to, undefined, "Completed"))
	c.raise(running, "Go", 1)
}

func payloadConformance(t *testing.T, c *conformance) {
	id := c.startNew("Event", undefined, undefined)
	uris := []string{"statusQueryGetUri", "sendEventPostUri", "terminatePostUri", "rewindPostUri", "purgeHistoryDeleteUri", "suspendPostUri", "resumePostUri"}
	p := c.ask("createHttpManagementPayload", append(uris, "id"), id).Read
	require.Equal(t, id, p["id"])
	for _, uri := range uris {
		require.Contains(t, p[uri], c.appURL()+webhooks+"/instances/"+id, uri)
		require.Contains(t, p[uri], "taskHub=Conformance", uri)
	}
	c.call(http.MethodGet, p["statusQueryGetUri"].(string), nil).want(http.StatusAccepted)
	c.call(http.MethodPost, strings.Replace(p["sendEventPostUri"].(string), "{eventName}", "Go", 1), "1").want(http.StatusAccepted)
	c.waitFor(id, "Completed")

	// As an answer to who starts an orchestration.
	var l object
	a := c.call(http.MethodPost, "/orchestrators/E1_HelloSequence", nil).want(http.StatusAccepted)
	a.json(&l)
	require.Equal(t, l["statusQueryGetUri"], a.Header.Get("Location"))
	require.Equal(t, "10", a.Header.Get("Retry-After"))
	require.Contains(t, a.Header.Get("Content-Type"), "application/json")
	for _, uri := range uris {
		require.Contains(t, l[uri], l["id"], uri)
	}
	if c.release == "3.5.0" {
		a = c.call(http.MethodPost, "/check/"+id, nil).want(http.StatusAccepted)
		a.json(&l)
		require.Contains(t, l["statusQueryGetUri"], c.URL+webhooks+"/instances/"+id, "the origin is the request's")
		return
	}
	r := c.ask("createCheckStatusResponse", []string{"status", "body", "headers"}, object{"http": object{"url": "http://public.example:8080/start"}}, id).Read
	require.EqualValues(t, http.StatusAccepted, r["status"])
	require.Contains(t, r["body"].(object)["statusQueryGetUri"], "http://public.example:8080"+webhooks+"/instances/"+id)
	require.Equal(t, r["body"].(object)["statusQueryGetUri"], r["headers"].(object)["Location"])
	r = c.ask("createCheckStatusResponse", []string{"body"}, object{"$request": true}, id).Read
	require.Contains(t, r["body"].(object)["statusQueryGetUri"], c.URL+webhooks+"/instances/"+id, "the origin is the request's")
}
