package e2e

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Each sample runs as its README has it, on the embedded task hub and on a real Redis.
func onBothHubs(t *testing.T, name string, env func(redis *redisServer) []string, run func(t *testing.T, h *host, root string, redis *redisServer)) {
	t.Parallel()
	for _, hub := range []string{"redis", "embedded"} {
		t.Run(hub, func(t *testing.T) {
			t.Parallel()
			redis, o := startRedis(t), sampleOptions(t, name)
			if hub == "redis" {
				o.Redis = redis.URL
			}
			if env != nil {
				o.Env = env(redis)
			}
			run(t, startHost(t, o), o.Root, redis)
		})
	}
}

var sayings = []any{"Hello Tokyo!", "Hello Seattle!", "Hello London!"}

func TestSampleHello(t *testing.T) {
	onBothHubs(t, "hello", nil, func(t *testing.T, h *host, _ string, _ *redisServer) {
		require.Equal(t, "Hello Ann!", string(h.call(http.MethodGet, "/api/hello/Ann", nil).want(http.StatusOK).Body))
		require.Equal(t, "Hello Bob!", string(h.call(http.MethodGet, "/api/hello?name=Bob", nil).want(http.StatusOK).Body))
		require.Equal(t, "Hello Cy!", string(h.call(http.MethodPost, "/api/hello", object{"name": "Cy"}).want(http.StatusOK).Body))

		var l links
		a := h.call(http.MethodPost, "/api/orchestrators/HelloSequence", nil).want(http.StatusAccepted)
		require.Equal(t, "application/json", a.Header.Get("Content-Type"))
		a.json(&l)
		require.Equal(t, l.StatusQueryGetURI, a.Header.Get("Location"))
		require.Equal(t, sayings, h.waitFor(l.ID, "Completed").Output)
		h.call(http.MethodGet, l.StatusQueryGetURI, nil).want(http.StatusOK)

		h.call(http.MethodPost, "/api/orchestrators/HelloSequence/my-id", nil).want(http.StatusAccepted)
		h.waitFor("my-id", "Completed")
	})
}

func TestSampleManageInstances(t *testing.T) {
	env := func(r *redisServer) []string { return []string{"MonitorDB=" + r.URL} }
	onBothHubs(t, "manage-instances", env, func(t *testing.T, h *host, root string, r *redisServer) {
		for _, step := range []struct {
			name string
			run  func(t *testing.T, h *host, root string, r *redisServer)
		}{
			{"starting instances", manualStart},
			{"querying instances", queryInstances},
			{"terminating and sending events", manageByHand},
			{"waiting for completion", syncStart},
			{"retrieving management URLs", sendInstanceInfo},
			{"rewinding instances", rewindByHand},
		} {
			t.Run(step.name, func(t *testing.T) {
				step.run(t, h.in(t), root, r)
			})
		}
	})
}

// find waits for the only instance of a function with the given input.
func (h *host) find(function string, input any) *status {
	h.t.Helper()
	var found *status
	eventually(h.t, "an instance of "+function, func() (bool, any) {
		all := h.list(url.Values{"functionName": {function}})
		for _, s := range all {
			if equalJSON(h.t, input, s.Input) {
				found = &s
			}
		}
		return found != nil, all
	})
	return found
}

func manualStart(t *testing.T, h *host, _ string, _ *redisServer) {
	h.manual("HelloWorldManualStart", "Ann")
	s := h.find("HelloWorld", "Ann")
	require.Regexp(t, "^[0-9a-f-]{36}$", s.InstanceID, "the function has made the ID")
	require.Equal(t, "Hello Ann!", h.waitFor(s.InstanceID, "Completed").Output)
}

func queryInstances(t *testing.T, h *host, _ string, _ *redisServer) {
	done := h.start("E1_HelloSequence", "done-1", nil)
	h.waitFor(done, "Completed")
	waiting := h.start("WaitForMyEvent", "waiting-1", nil)
	h.waitCustom(waiting, "Waiting for MyEvent")

	h.manual("GetStatus", done)
	h.logged("Hello Seattle!")
	h.manual("GetStatus", "nobody")
	h.logged("No instance has the ID 'nobody'.")

	for _, method := range []string{http.MethodGet, http.MethodPost} {
		var all []status
		h.call(method, "/GetAllStatus", nil).want(http.StatusOK).json(&all)
		require.Subset(t, ids(all), []string{done, waiting})
	}
	var some []status
	h.call(http.MethodGet, "/QueryStatus", nil).want(http.StatusOK).json(&some)
	require.Subset(t, ids(some), []string{done, waiting})
	h.call(http.MethodGet, "/QueryStatus?status=Running", nil).want(http.StatusOK).json(&some)
	require.Contains(t, ids(some), waiting)
	require.NotContains(t, ids(some), done)
	h.call(http.MethodGet, "/QueryStatus?from=2018-03-10T10:01:00Z&to=2018-03-10T10:23:59Z", nil).want(http.StatusOK).json(&some)
	require.Empty(t, some)
}

func manageByHand(t *testing.T, h *host, _ string, _ *redisServer) {
	id := h.start("WaitForMyEvent", "event-1", nil)
	h.waitCustom(id, "Waiting for MyEvent")
	h.manual("RaiseEvent", id)
	s := h.waitFor(id, "Completed")
	require.Equal(t, []any{1.0, 2.0, 3.0}, s.Output)
	require.Equal(t, "Got MyEvent", s.CustomStatus)

	id = h.start("WaitForMyEvent", "terminate-1", nil)
	h.waitCustom(id, "Waiting for MyEvent")
	h.manual("TerminateInstance", id)
	require.Equal(t, "It was time to be done.", h.waitFor(id, "Terminated").Output)
}

func syncStart(t *testing.T, h *host, _ string, _ *redisServer) {
	a := h.call(http.MethodPost, "/orchestrators/E1_HelloSequence/wait?timeout=10&retryInterval=0.05", nil).want(http.StatusOK)
	var out []any
	a.json(&out)
	require.Equal(t, sayings, out)
	require.Contains(t, a.Header.Get("Content-Type"), "application/json")

	a = h.call(http.MethodPost, "/orchestrators/WaitForMyEvent/wait?timeout=0.2&retryInterval=0.05", nil).want(http.StatusAccepted)
	var l links
	a.json(&l)
	require.Equal(t, l.StatusQueryGetURI, a.Header.Get("Location"))
	require.Equal(t, "10", a.Header.Get("Retry-After"))
	require.NotEmpty(t, l.RewindPostURI)
	h.raise(l.ID, "MyEvent", "late")
	require.Equal(t, "late", h.waitFor(l.ID, "Completed").Output)
}

func sendInstanceInfo(t *testing.T, h *host, _ string, r *redisServer) {
	id := h.start("AnnounceInstance", "announced-1", nil)
	client := r.client()
	defer client.Close()
	var payload string
	eventually(t, "the payload in Redis", func() (bool, any) {
		var err error
		payload, err = client.Get(context.Background(), "HttpManagementPayloads:"+id).Result()
		return err == nil, err
	})
	// An external system needs nothing else to finish the instance.
	var l links
	(&answer{t: t, what: "the payload", Body: []byte(payload)}).json(&l)
	require.Equal(t, id, l.ID)
	h.call(http.MethodPost, replaceEvent(l.SendEventPostURI, "MyEvent"), `"from outside"`).want(http.StatusAccepted)
	require.Equal(t, "from outside", h.waitFor(id, "Completed").Output)
}

func replaceEvent(uri, event string) string {
	const placeholder = "{eventName}"
	for i := 0; i+len(placeholder) <= len(uri); i++ {
		if uri[i:i+len(placeholder)] == placeholder {
			return uri[:i] + event + uri[i+len(placeholder):]
		}
	}
	return uri
}

func rewindByHand(t *testing.T, h *host, root string, _ *redisServer) {
	id := h.start("PublishReport", "report-1", "Q3")
	h.waitCustom(id, "Waiting for approval")
	h.raise(id, "Approval", "Ann")
	require.Contains(t, h.waitFor(id, "Failed").Output, "publish-target.txt says 'nowhere', which is no URL.")

	write(t, "https://reports.example\n", root, "publish-target.txt")
	h.manual("RewindInstance", id)
	var s *status
	eventually(t, "the rewound instance", func() (bool, any) {
		s = h.status(id)
		return s.RuntimeStatus == "Completed", *s
	})
	require.Equal(t, "Published Q3 at https://reports.example", s.Output)
	require.Equal(t, "Approved by Ann", s.CustomStatus)
}

func TestSamplePatterns(t *testing.T) {
	onBothHubs(t, "patterns", nil, func(t *testing.T, h *host, _ string, _ *redisServer) {
		start := func(orchestrator, id string, input any) string {
			var l links
			h.call(http.MethodPost, filepath.Join("/api/orchestrators", orchestrator, id), input).want(http.StatusAccepted).json(&l)
			return l.ID
		}
		require.EqualValues(t, 9, h.waitFor(start("FanOutFanIn", "", nil), "Completed").Output)
		require.EqualValues(t, 3, h.waitFor(start("FanOutFanIn", "", []string{"one", "", "two three"}), "Completed").Output)

		monitor := h.waitFor(start("Monitor", "", object{"job": "build", "takesSeconds": 0.4, "pollSeconds": 0.1}), "Completed")
		require.Equal(t, "Done", monitor.Output.(object)["state"])
		require.Greater(t, monitor.Output.(object)["polls"], 1.0)
		expired := h.waitFor(start("Monitor", "", object{"job": "build", "takesSeconds": 3600, "pollSeconds": 0.1, "expirySeconds": 0.3}), "Completed")
		require.Equal(t, "Expired", expired.Output.(object)["state"])

		start("HumanApproval", "approve-1", object{"request": "new chair"})
		h.call(http.MethodPost, "/api/approvals/approve-1", object{"by": "Ann"}).want(http.StatusBadRequest)
		h.call(http.MethodPost, "/api/approvals/approve-1", object{"approved": true, "by": "Ann"}).want(http.StatusAccepted)
		h.call(http.MethodPost, "/api/approvals/nobody", object{"approved": true, "by": "Ann"}).want(http.StatusNotFound)
		require.Equal(t, "new chair: approved by Ann", h.waitFor("approve-1", "Completed").Output)
		id := start("HumanApproval", "", object{"request": "new desk", "timeoutSeconds": 0.2})
		require.Equal(t, "new desk: nobody answered, escalated", h.waitFor(id, "Completed").Output)

		start("EternalCleanup", "cleanup", object{"intervalSeconds": 0.05})
		eventually(t, "the fourth round", func() (bool, any) {
			s := h.status("cleanup", "showHistory=true")
			custom, _ := s.CustomStatus.(object)
			round, _ := custom["round"].(float64)
			require.Less(t, len(s.HistoryEvents), 10, "each round begins a new history")
			return round >= 4 && custom["removed"] == 2*round, *s
		})
		h.call(http.MethodPost, instance("cleanup", "/terminate?reason=enough"), nil).want(http.StatusAccepted)
		h.waitFor("cleanup", "Terminated")
	})
}

func TestSampleEntities(t *testing.T) {
	onBothHubs(t, "entities", nil, func(t *testing.T, h *host, _ string, _ *redisServer) {
		for range 3 {
			h.call(http.MethodPost, "/api/visits/home", nil).want(http.StatusAccepted)
		}
		eventually(t, "three visits", func() (bool, any) {
			found := h.call(http.MethodGet, "/api/visits/home", nil).want(http.StatusOK).text()
			return found == "3 visits\n", found
		})
		require.Equal(t, "0 visits\n", h.call(http.MethodGet, "/api/visits/nowhere", nil).text())
		h.call(http.MethodDelete, entityPath("Counter", "home", ""), nil).want(http.StatusAccepted)
		h.stateIs("Counter", "home", nil)

		h.signal("Account", "ann", "deposit", 100)
		transfer := func(amount int) any {
			var l links
			h.call(http.MethodPost, "/api/orchestrators/Transfer", object{"from": "ann", "to": "bob", "amount": amount}).want(http.StatusAccepted).json(&l)
			return h.waitFor(l.ID, "Completed").Output
		}
		require.JSONEq(t, `{"moved": true, "balance": 70}`, toJSON(t, transfer(70)))
		require.JSONEq(t, `{"moved": false, "reason": "ann has only 30"}`, toJSON(t, transfer(70)))
		h.stateIs("Account", "ann", 30)
		h.stateIs("Counter", "transfers", 1)
	})
}

func TestSampleGoHello(t *testing.T) {
	onBothHubs(t, "go-hello", nil, func(t *testing.T, h *host, _ string, _ *redisServer) {
		require.Equal(t, "Hello Ann!\n", string(h.call(http.MethodGet, "/api/hello/Ann", nil).want(http.StatusOK).Body))

		var l links
		a := h.call(http.MethodPost, "/api/orchestrators/HelloSequence", nil).want(http.StatusAccepted)
		a.json(&l)
		require.Equal(t, l.StatusQueryGetURI, a.Header.Get("Location"))
		require.Equal(t, []any{"Hello Tokyo!", "Hello Seattle!", "HELLO LONDON!"}, h.waitFor(l.ID, "Completed").Output)

		h.call(http.MethodPost, "/api/orchestrators/helloSequence/my-id", nil).want(http.StatusAccepted)
		h.waitFor("my-id", "Completed")
		h.call(http.MethodPost, "/api/orchestrators/Nobody", nil).want(http.StatusNotFound)
	})
}

func TestSampleGoOrder(t *testing.T) {
	onBothHubs(t, "go-order", nil, func(t *testing.T, h *host, _ string, _ *redisServer) {
		place := func(id, card string, total int, more object) {
			order := object{"card": card, "items": []object{{"sku": "pen", "quantity": 1, "price": total - 1}, {"sku": "clip", "quantity": 1, "price": 1}}}
			maps.Copy(order, more)
			h.call(http.MethodPut, "/api/orders/"+id, order).want(http.StatusAccepted)
		}
		small, big := 500, 100_000

		place("small", "4000 0001", small, nil)
		require.Equal(t, object{"paid": 500.0, "parcels": []any{"small-1", "small-2"}}, h.waitFor("small", "Completed").Output)
		require.Equal(t, "small-2", h.waitFor("small-2", "Completed").Output)
		h.call(http.MethodPut, "/api/orders/small", object{"card": "1", "items": []object{{"sku": "pen"}}}).want(http.StatusConflict)
		h.call(http.MethodPut, "/api/orders/empty", object{"card": "1"}).want(http.StatusBadRequest)
		h.call(http.MethodGet, "/api/orders/empty", nil).want(http.StatusNotFound)

		place("declined", "4000 0002", small, nil)
		require.Contains(t, h.waitFor("declined", "Failed").Output, "CardDeclined: the bank declines 500 cents")
		h.logged("stock released order=declined")

		place("approved", "4000 0001", big, nil)
		h.waitCustom("approved", "waiting for an approval")
		h.call(http.MethodPost, "/api/orders/approved/approval", object{"approved": true, "by": "Ann"}).want(http.StatusAccepted)
		require.Equal(t, object{"paid": 100000.0, "parcels": []any{"approved-1", "approved-2"}}, h.waitFor("approved", "Completed").Output)

		place("late", "4000 0001", big, object{"approveWithinSeconds": 0.1})
		late := h.waitFor("late", "Failed")
		require.Contains(t, late.Output, "nobody has approved the order")
		require.Equal(t, "undone", late.CustomStatus)
		h.call(http.MethodPost, "/api/orders/late/approval", object{"approved": true}).want(http.StatusGone)
	})
}

func TestSampleV4TypeScript(t *testing.T) {
	onBothHubs(t, "v4-typescript", nil, func(t *testing.T, h *host, _ string, _ *redisServer) {
		handIn := func(id string, amount float64, currency string, more object) {
			report := object{"employee": "Ann", "expenses": []object{{"description": "it", "amount": amount, "currency": currency}}}
			maps.Copy(report, more)
			h.call(http.MethodPut, "/api/reports/"+id, report).want(http.StatusAccepted)
		}
		handIn("small", 50, "USD", nil)
		require.Equal(t, object{"total": 45.0, "decision": "within the limit", "payment": "Ann-4500"}, h.waitFor("small", "Completed").Output)
		h.call(http.MethodPut, "/api/reports/empty", object{"employee": "Ann"}).want(http.StatusBadRequest)
		h.call(http.MethodGet, "/api/reports/empty", nil).want(http.StatusNotFound)

		handIn("refused", 300, "EUR", nil)
		h.waitCustom("refused", "waiting for a decision")
		h.call(http.MethodPost, "/api/reports/refused/decision", object{"approved": false, "by": "Bob"}).want(http.StatusAccepted)
		require.Equal(t, object{"total": 300.0, "decision": "refused by Bob"}, h.waitFor("refused", "Completed").Output)
		h.call(http.MethodPost, "/api/reports/refused/decision", object{"approved": true, "by": "Bob"}).want(http.StatusConflict)
		handIn("late", 300, "EUR", object{"decideWithinSeconds": 0.1})
		require.Equal(t, object{"total": 300.0, "decision": "nobody has decided"}, h.waitFor("late", "Completed").Output)

		handIn("broken", 5, "BTC", nil)
		require.Contains(t, h.waitFor("broken", "Failed").Output, "There is no rate for BTC")
		h.logged("at handler (src/functions/activities.ts:12:")
	})
}

// TestEmbeddedSurvivesRestart starts a host twice in one folder; the state is in its .durango.
func TestEmbeddedSurvivesRestart(t *testing.T) {
	t.Parallel()
	root := sample(t, "patterns")
	for name, end := range map[string]func(h *host){"stop": func(h *host) { h.stop() }, "kill": (*host).kill} {
		t.Run(name, func(t *testing.T) {
			first := startHost(t, options{Root: root})
			done := first.start("FanOutFanIn", "done-"+name, nil)
			first.waitFor(done, "Completed")
			waiting := first.start("HumanApproval", "waiting-"+name, object{"request": "chair", "timeoutSeconds": 600})
			first.waitFor(waiting, "Running")
			began := time.Now()
			end(first)

			second := startHost(t, options{Root: root})
			require.Equal(t, "Completed", second.status(done).RuntimeStatus)
			second.raise(waiting, "Approval", object{"approved": true, "by": "Ann"})
			require.Equal(t, "chair: approved by Ann", second.waitFor(waiting, "Completed").Output)
			t.Logf("%s, restart and completion took %v", name, time.Since(began).Round(time.Millisecond))
			second.stop()
		})
	}
}
