package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSDK calls every method of the SDKs' client from inside functions.
func TestSDK(t *testing.T) {
	t.Parallel()
	for _, sdk := range []string{"app15", "app21"} {
		t.Run(sdk, func(t *testing.T) {
			t.Parallel()
			h := startHost(t, options{Root: scenarios(t, sdk), Redis: startRedis(t).URL})
			for _, c := range sdkCases {
				t.Run(c.name, func(t *testing.T) {
					c.run(t, h.in(t))
				})
			}
		})
	}
}

var sdkCases = []struct {
	name string
	run  func(t *testing.T, h *host)
}{
	{"startNew", sdkStartNew},
	{"getStatus", sdkGetStatus},
	{"getStatusAll and getStatusBy", sdkGetStatusMany},
	{"terminate", sdkTerminate},
	{"raiseEvent", sdkRaiseEvent},
	{"waitForCompletionOrCreateCheckStatusResponse", sdkWait},
	{"createHttpManagementPayload and createCheckStatusResponse", sdkPayload},
	{"rewind", sdkRewind},
	{"purgeInstanceHistory", sdkPurge},
	{"purgeInstanceHistoryBy", sdkPurgeBy},
}

var undefined = object{"$undefined": true}

func date(t time.Time) object { return object{"$date": t.UTC().Format("2006-01-02T15:04:05.000Z")} }

func sdkStartNew(t *testing.T, h *host) {
	id := newID("sdk")
	require.Equal(t, id, h.sdk("startNew", "Event", id, object{"a": 1}))
	require.Equal(t, object{"a": 1.0}, h.status(id).Input)
	h.raise(id, "Go", 1)

	generated := h.sdk("startNew", "Sequence", undefined, "text").(string)
	require.Regexp(t, "^[0-9a-f]{32}$", generated)
	require.Equal(t, "text", h.waitFor(generated, "Completed").Input)

	require.NotEmpty(t, h.sdkRaw("startNew", "NoSuchThing").Error)
	h.waitFor(h.sdk("startNew", "Sequence").(string), "Completed")
}

func sdkGetStatus(t *testing.T, h *host) {
	id := h.sdk("startNew", "Sequence", undefined, "in").(string)
	h.waitFor(id, "Completed")
	s := h.sdk("getStatus", id).(object)
	require.Equal(t, "Sequence", s["name"])
	require.Equal(t, id, s["instanceId"])
	require.Equal(t, "Completed", s["runtimeStatus"])
	require.Equal(t, "in", s["input"])
	require.Equal(t, []any{"Hello Tokyo!", "Hello Seattle!", "Hello London!"}, s["output"])
	require.Contains(t, s, "customStatus")
	require.Contains(t, s, "createdTime")
	require.Contains(t, s, "lastUpdatedTime")
	require.NotContains(t, s, "historyEvents")

	events := h.sdk("getStatus", id, true).(object)["historyEvents"].([]any)
	require.Len(t, events, 5)
	require.NotContains(t, events[1], "Result")
	events = h.sdk("getStatus", id, true, true, true).(object)["historyEvents"].([]any)
	require.Equal(t, "Hello Tokyo!", events[1].(object)["Result"])

	require.Empty(t, h.sdk("getStatus", "no-such-instance"), "nothing is known of an unknown instance")
}

func sdkGetStatusMany(t *testing.T, h *host) {
	began := time.Now().Add(-2 * time.Second)
	done := h.sdk("startNew", "Sequence").(string)
	h.waitFor(done, "Completed")
	running := h.sdk("startNew", "Event").(string)
	h.waitCustom(running, "waiting")

	found := func(v any) []string {
		var out []string
		for _, s := range v.([]any) {
			out = append(out, s.(object)["instanceId"].(string))
		}
		return out
	}
	require.Subset(t, found(h.sdk("getStatusAll")), []string{done, running})
	from, to := date(began), date(time.Now().Add(time.Hour))
	require.Subset(t, found(h.sdk("getStatusBy", from, to, []string{"Completed", "Running"})), []string{done, running})
	require.NotContains(t, found(h.sdk("getStatusBy", from, to, []string{"Running"})), done)
	require.Empty(t, h.sdk("getStatusBy", to, undefined, []string{"Completed"}))
	h.raise(running, "Go", 1)
}

func sdkTerminate(t *testing.T, h *host) {
	id := h.sdk("startNew", "Event").(string)
	h.waitCustom(id, "waiting")
	h.sdk("terminate", id, "It was time to be done.")
	require.Equal(t, "It was time to be done.", h.waitFor(id, "Terminated").Output)
	h.sdk("terminate", id, "again") // 410, which the SDK takes for done
	require.Contains(t, h.sdkRaw("terminate", "no-such-instance", "x").Error, "No instance with ID 'no-such-instance' found.")
}

func sdkRaiseEvent(t *testing.T, h *host) {
	id := h.sdk("startNew", "Custom").(string)
	h.sdk("raiseEvent", id, "Go", []int{1, 2, 3})
	h.waitCustom(id, "two")
	h.sdk("raiseEvent", id, "Go") // no data: an empty body
	h.waitFor(id, "Completed")
	require.Contains(t, h.sdkRaw("raiseEvent", "no-such-instance", "Go", 1).Error, "No instance with ID 'no-such-instance' found.")
}

func sdkWait(t *testing.T, h *host) {
	id := h.sdk("startNew", "Sequence").(string)
	r := h.sdk("waitForCompletionOrCreateCheckStatusResponse", object{"$request": true}, id, 10000, 50).(object)
	require.EqualValues(t, http.StatusOK, r["status"])
	require.JSONEq(t, `["Hello Tokyo!", "Hello Seattle!", "Hello London!"]`, r["body"].(string))

	id = h.sdk("startNew", "Event").(string)
	r = h.sdk("waitForCompletionOrCreateCheckStatusResponse", object{"$request": true}, id, 200, 50).(object)
	require.EqualValues(t, http.StatusAccepted, r["status"])
	require.Equal(t, id, r["body"].(object)["id"])
	h.raise(id, "Go", 1)

	id = h.sdk("startNew", "ThrowError").(string)
	r = h.sdk("waitForCompletionOrCreateCheckStatusResponse", object{"$request": true}, id, 10000, 50).(object)
	require.EqualValues(t, http.StatusInternalServerError, r["status"])
}

func sdkPayload(t *testing.T, h *host) {
	id := h.sdk("startNew", "Event").(string)
	h.waitCustom(id, "waiting")
	p := h.sdk("createHttpManagementPayload", id).(object)
	require.Equal(t, id, p["id"])
	for _, k := range []string{"statusQueryGetUri", "sendEventPostUri", "terminatePostUri", "rewindPostUri", "purgeHistoryDeleteUri", "restartPostUri", "suspendPostUri", "resumePostUri"} {
		require.Contains(t, p[k], h.appURL()+webhooks+"/instances/"+id, k)
		require.Contains(t, p[k], "taskHub=Scenarios", k)
		require.Contains(t, p[k], "connection=", k)
	}
	h.call(http.MethodGet, p["statusQueryGetUri"].(string), nil).want(http.StatusAccepted)

	r := h.sdk("createCheckStatusResponse", object{"$request": true}, id).(object)
	require.EqualValues(t, http.StatusAccepted, r["status"])
	// Made for a request, the URLs have the origin that the caller used.
	require.JSONEq(t, strings.ReplaceAll(toJSON(t, p), h.appURL(), h.URL), toJSON(t, r["body"]))
	require.Equal(t, r["body"].(object)["statusQueryGetUri"], r["headers"].(object)["Location"])
	h.raise(id, "Go", 1)
}

func sdkRewind(t *testing.T, h *host) {
	id := h.sdk("startNew", "SubFixable", newID("sdk-rewind")).(string)
	h.waitFor(id, "Failed")
	write(t, "", h.Dir, id)
	h.sdk("rewind", id, "put right")
	var s *status
	eventually(t, "the rewound instance", func() (bool, any) {
		s = h.status(id)
		return s.RuntimeStatus == "Completed", *s
	})
	require.Equal(t, []any{"before", id + " works"}, s.Output)
	require.NotEmpty(t, h.sdkRaw("rewind", id, "not failed").Error)
	require.Contains(t, h.sdkRaw("rewind", "no-such-instance", "x").Error, "No instance with ID 'no-such-instance' found.")
}

func sdkPurge(t *testing.T, h *host) {
	id := h.sdk("startNew", "Sequence").(string)
	h.waitFor(id, "Completed")
	require.Equal(t, object{"instancesDeleted": 1.0}, h.sdk("purgeInstanceHistory", id))
	require.Equal(t, object{"instancesDeleted": 0.0}, h.sdk("purgeInstanceHistory", id))
}

func sdkPurgeBy(t *testing.T, h *host) {
	began := time.Now().Add(-2 * time.Second)
	id := h.sdk("startNew", "Sequence").(string)
	h.waitFor(id, "Completed")
	r := h.sdk("purgeInstanceHistoryBy", date(began), date(time.Now().Add(time.Hour)), []string{"Completed"}).(object)
	require.GreaterOrEqual(t, r["instancesDeleted"], 1.0)
	h.call(http.MethodGet, instance(id, ""), nil).want(http.StatusNotFound)
	r = h.sdk("purgeInstanceHistoryBy", date(time.Now().Add(time.Hour)), undefined, []string{"Completed"}).(object)
	require.EqualValues(t, 0, r["instancesDeleted"])
}
