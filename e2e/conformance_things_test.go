package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"encoding/json"

	"github.com/stretchr/testify/require"
)

// thingConformance is about what users make themselves.
var thingConformance = []conformanceCase{
	{
		name: "things",
		keys: []string{
			"new EntityId", "EntityId.{name,key}", "EntityId.toString", "1.5.4,2.1.4:EntityId.{getEntityIdFromSchedulerId,getSchedulerIdFromEntityId} (static)",
			"new RetryOptions", "RetryOptions.{firstRetryIntervalInMilliseconds,maxNumberOfAttempts,backoffCoefficient,maxRetryIntervalInMilliseconds,retryTimeoutInMilliseconds}",
			"new ManagedIdentityTokenSource", "ManagedIdentityTokenSource.resource", "1.5.4,2.1.4:ManagedIdentityTokenSource.kind",
			"new EntityStateResponse", "EntityStateResponse.{entityExists,entityState}",
			"OrchestrationRuntimeStatus.{Running,Completed,ContinuedAsNew,Failed,Canceled,Terminated,Pending}", "3.5.0:OrchestrationRuntimeStatus.Suspended",
			"1.5.4,2.1.4:new DurableHttpRequest", "1.5.4,2.1.4:DurableHttpRequest.{method,uri,content,headers,tokenSource}", "2.1.4:DurableHttpRequest.asynchronousPatternEnabled",
			"1.5.4,2.1.4:new DurableHttpResponse", "1.5.4,2.1.4:DurableHttpResponse.{statusCode,content,headers}", "2.1.4:DurableHttpResponse.getHeader",
			"3.5.0:new LockState", "3.5.0:new LockingRulesViolationError", "3.5.0:LockingRulesViolationError.code (static)", "3.5.0:new TaskFailedError",
		},
		checks: "has what it was made with",
		run:    thingsConformance,
	},
	{
		name: "DummyOrchestrationContext",
		keys: []string{
			"new DummyOrchestrationContext", "DummyOrchestrationContext.df",
			"1.5.4,2.1.4:DummyOrchestrationContext.{bindingData,bindingDefinitions,bindings,doneValue,err,executionContext,invocationId,req,res,traceContext}", "1.5.4,2.1.4:DummyOrchestrationContext.{done,log}",
			"2.1.4:DummyOrchestrationContext.suppressAsyncDoneError",
			"1.5.4,2.1.4:IOrchestratorState.{isDone,actions,output,customStatus,error}", "2.1.4:IOrchestratorState.schemaVersion", "1.5.4,2.1.4:IAction.actionType",
			"1.5.4,2.1.4:HistoryEvent.{EventId,EventType,IsPlayed,IsProcessed,Timestamp}",
			"3.5.0:new DummyEntityContext", "3.5.0:DummyEntityContext.df",
		},
		checks: "runs an orchestrator without a host; the state and the failure that a host would get",
		run:    dummyConformance,
	},
}

// v4Conformance is what only 3.x has.
var v4Conformance = []conformanceCase{
	{
		name:   "app.client",
		only:   []string{"3.5.0"},
		keys:   []string{"app.client.{http,timer,generic}", "HttpDurableClientOptions.handler", "TimerDurableClientOptions.handler", "DurableClientOptions.handler"},
		checks: "the handler gets a client, which starts orchestrations",
		run: func(t *testing.T, c *conformance) {
			eventually(t, "what the timer starts", func() (bool, any) {
				a := c.call(http.MethodGet, instance("by-timer", ""), nil)
				return a.Status == http.StatusOK, a.text()
			})
			require.Equal(t, "boolean", c.waitFor("by-timer", "Completed").Output)
			require.Equal(t, "by-hand", c.manualOutput("StartByHand", "an input"))
			require.Equal(t, "an input", c.waitFor("by-hand", "Completed").Output)
		},
	},
	{
		name: "app.client of other services",
		only: []string{"3.5.0"},
		keys: []string{
			"app.client.{storageBlob,storageQueue,serviceBusQueue,serviceBusTopic,eventHub,eventGrid,cosmosDB}",
			"{StorageBlob,StorageQueue,ServiceBusQueue,ServiceBusTopic,EventHub,EventGrid,CosmosDBv3,CosmosDBv4}DurableClientOptions.handler",
		},
		checks:  "registers the function, which the host refuses and says why; all others run",
		differs: "there are no triggers of other clouds' services",
		run: func(t *testing.T, c *conformance) {
			for function, trigger := range map[string]string{
				"OnBlob": "blobTrigger", "OnQueue": "queueTrigger", "OnServiceBusQueue": "serviceBusTrigger", "OnServiceBusTopic": "serviceBusTrigger",
				"OnEventHub": "eventHubTrigger", "OnEventGrid": "eventGridTrigger", "OnCosmosDB": "cosmosDBTrigger", "OnCosmosDBv3": "cosmosDBTrigger",
			} {
				c.logged(function)
				c.logged("The binding type(s) '" + trigger + "' are not registered.")
			}
		},
	},
	{
		name:   "input and trigger",
		only:   []string{"3.5.0"},
		keys:   []string{"input.durableClient", "trigger.{activity,orchestration,entity}", "DurableClientInput.type", "{Activity,Orchestration,Entity}Trigger.type", "ActivityOptions.{extraInputs,extraOutputs}"},
		checks: "make bindings for functions that are registered without durable-functions; an activity has further inputs and outputs",
		run: func(t *testing.T, c *conformance) {
			same(t, []string{"durableClient", "orchestrationTrigger", "activityTrigger", "entityTrigger"}, parseJSON(t, c.call(http.MethodGet, "/bindings", nil).want(http.StatusOK).text()))
			id := newID("another")
			require.Equal(t, id, c.complete("StartsAnotherByActivity", id))
			require.Equal(t, "from an activity", c.waitFor(id, "Completed").Output)
			client := c.redis.client()
			defer client.Close()
			noted, err := client.Get(context.Background(), id).Result()
			require.NoError(t, err)
			require.Equal(t, "noted", noted)
		},
	},
	{
		name:   "registered functions",
		only:   []string{"3.5.0"},
		keys:   []string{"RegisteredActivity()", "RegisteredOrchestration()", "RegisteredActivityTask.withRetry", "RegisteredOrchestrationTask.withRetry"},
		checks: "what registering gives back makes tasks, with and without retry, within `Task.all` too",
		run: func(t *testing.T, c *conformance) {
			id := c.start("Registered", newID("registered"), nil)
			out := c.waitFor(id, "Completed").Output.([]any)
			same(t, []any{"Hello Ann!", 3, object{"id": id + "-child", "parent": id, "input": object{"a": 1}}}, out[:3])
			same(t, 2, out[3].([]any)[2])
			same(t, []any{"Hello Bob!", 1}, out[4])
		},
	},
	{
		name:   "version",
		only:   []string{"3.5.0"},
		keys:   []string{"DurableOrchestrationContext.version", "StartNewOptions.version"},
		checks: "the version of `startNew` and of sub-orchestrations, the parent's, and `defaultVersion`",
		run: func(t *testing.T, c *conformance) {
			id, ok := c.sdk("startNew", "Version", object{"version": "2.0", "input": object{"child": true, "version": "1.5"}}).(string)
			require.True(t, ok)
			out := c.waitFor(id, "Completed").Output.([]any)
			same(t, []any{"2.0", "1.5", "1.5"}, out[:3])
			require.Equal(t, "2.0", out[3], "a sub-orchestration without a version has its parent's")
			require.Equal(t, "1.0", c.complete("Version", nil))
		},
	},
	{
		name:   "lock",
		only:   []string{"3.5.0"},
		keys:   []string{"DurableOrchestrationContext.{lock,isLocked}", "DurableLock.ownedLocks", "DurableLock.{release,[Symbol.dispose]}", "LockState.{isLocked,ownedLocks}"},
		checks: "entities separately and as an array; who holds what, and when no more; the rules within a critical section",
		run: func(t *testing.T, c *conformance) {
			key := newID("lock")
			held := func(keys ...string) object {
				owned := []string{}
				for _, k := range keys {
					owned = append(owned, key+"-"+k)
				}
				return object{"locked": len(keys) > 0, "owned": owned}
			}
			violation := func(text string) []any { return []any{true, text} }
			same(t, []any{
				held(), held("a", "b"), []string{key + "-a", key + "-b"}, held(),
				[]any{
					violation("Cannot acquire more locks when already holding some locks."),
					violation("Cannot invoke sub-orchestrations from within a critical section."),
					violation("Cannot call an entity from within a critical section unless it is one of the locked entities."),
					violation("Cannot signal an entity from within a critical section if the entity is one of the locked entities."),
				},
				10, held(),
			}, c.complete("Locks", key))
			c.stateIs("CounterEntity", key+"-a", 1)
		},
	},
	{
		name:   "TaskFailedError",
		only:   []string{"3.5.0"},
		keys:   []string{"app.setExceptionPropertiesProvider", "ExceptionPropertiesProvider.getExceptionProperties", "TaskFailedError.{failureDetails,taskName,taskId}", "FailureDetails.{errorType,errorMessage,stackTrace,isNonRetriable,properties,innerFailure}", "FailureDetails.isCausedBy"},
		checks: "an activity's error of which the provider gives properties is thrown with type, message, stack and properties, through a sub-orchestration too; any other error is as without a provider",
		run: func(t *testing.T, c *conformance) {
			for _, child := range []bool{false, true} {
				out := c.complete("Orders", object{"sku": "apples", "child": child}).(object)
				require.Equal(t, "OutOfStock", out["type"], "found: %v", out)
				require.Equal(t, "no apples", out["text"])
				require.Equal(t, "OutOfStock: no apples", out["message"])
				same(t, object{"sku": "apples", "left": 0}, out["properties"])
				require.Equal(t, false, out["nonRetriable"])
				require.Contains(t, out["stack"], filepath.Join("functions", "orchestrations.js"))
				same(t, []any{true, false}, out["caused"])
				require.Nil(t, out["inner"])
			}
			require.Contains(t, c.complete("Caught", "no luck").(object)["message"], "Activity function 'Fail' failed: no luck")
			require.Contains(t, c.fail("OrderUncaught", "pears"), "no pears")
			require.NotContains(t, c.fail("OrderUncaught", "pears"), `"sku"`)
		},
	},
}

func thingsConformance(t *testing.T, c *conformance) {
	var out object
	c.call(http.MethodPost, "/things", nil).want(http.StatusOK).json(&out)
	id := out["entityId"].(object)
	require.Equal(t, "Counter", id["name"])
	require.Equal(t, "k", id["key"])
	require.NotEmpty(t, id["text"])
	same(t, []any{100, 3, 2, 1000, 5000}, out["retry"])
	same(t, []any{true, object{"n": 1}}, out["state"])
	statuses := []string{"Running", "Completed", "ContinuedAsNew", "Failed", "Canceled", "Terminated", "Pending"}
	if c.release == "3.5.0" {
		require.Equal(t, "https://management.core.windows.net/", out["token"])
		same(t, []any{true, 1}, out["lock"])
		same(t, []any{"a rule", "LockingRulesViolationError", "c", "LOCKING_RULES_VIOLATION", true}, out["rule"])
		same(t, []any{"T: m", "TaskFailedError", "m", true}, out["failed"])
		same(t, append(statuses, "Suspended"), out["statuses"])
		return
	}
	same(t, statuses, out["statuses"])
	require.Equal(t, "@counter@k", id["scheduler"])
	require.Equal(t, "k", id["back"])
	same(t, []any{"AzureManagedIdentity", "https://management.core.windows.net/"}, out["token"])
	async, found := any(false), any("text/plain")
	if c.release == "1.5.4" {
		async, found = nil, nil
	}
	same(t, []any{"POST", "https://example.com/", "text", object{"a": "b"}, "https://management.core.windows.net/", async}, out["request"])
	same(t, []any{201, "made", object{"Content-Type": "text/plain"}, found}, out["response"])
}

func dummyConformance(t *testing.T, c *conformance) {
	var out object
	c.call(http.MethodPost, "/dummy", nil).want(http.StatusOK).json(&out)
	if c.release == "3.5.0" {
		same(t, []any{"Greet", "invocation", "Ann"}, out["orchestration"])
		same(t, []any{[]any{"information", "greeting", "Ann"}}, out["lines"])
		same(t, []any{"Counter", "other", 7}, out["entity"])
		return
	}
	done := out["done"].(object)["state"].(object)
	require.Equal(t, true, done["isDone"])
	require.Contains(t, done["output"], "output of dummy, child of parent")
	require.Equal(t, "dummy", done["customStatus"])
	waits := out["waits"].(object)["state"].(object)
	require.Equal(t, false, waits["isDone"])
	same(t, []any{[]any{0}}, waits["actions"])
	require.Contains(t, out["fails"].(object)["error"], "on purpose")
	require.Equal(t, "given", out["direct"])
	if c.release == "2.1.4" {
		require.EqualValues(t, 2, done["schemaVersion"])
	}
}

// conformanceService answers /echo with what it was sent, /missing with 404, and /job twice with 202 and then with 200, for each key.
func conformanceService(t *testing.T) *httptest.Server {
	var mu sync.Mutex
	polls := map[string]int{}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/echo":
			w.Header().Set("X-Answer", "answered")
			w.WriteHeader(http.StatusCreated)
			_ = json.NewEncoder(w).Encode(object{"method": r.Method, "query": r.URL.RawQuery, "body": string(body), "custom": r.Header.Get("X-Custom"), "type": r.Header.Get("Content-Type")})
		case "/job":
			key := r.URL.Query().Get("key")
			mu.Lock()
			n := polls[key]
			polls[key]++
			mu.Unlock()
			if n < 2 {
				w.Header().Set("Location", "http://"+r.Host+"/job?key="+key)
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusAccepted)
				return
			}
			fmt.Fprintf(w, `{"polls": %d, "method": %q, "custom": %q}`, n, r.Method, r.Header.Get("X-Custom"))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(service.Close)
	return service
}

// header finds a header in any case.
func header(headers object, name string) any {
	for k, v := range headers {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

func parseJSON(t testing.TB, text string) (v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &v), "found: %s", text)
	return v
}
