package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The two places of the management API: today's, and that of 2018.
const (
	webhooks = "/runtime/webhooks/durabletask"
	api2018  = "/admin/extensions/DurableTaskExtension"
)

var httpClient = &http.Client{Timeout: time.Minute}

// answer is an HTTP response, read to its end.
type answer struct {
	t      testing.TB
	what   string
	Status int
	Header http.Header
	Body   []byte
}

func (a *answer) text() string { return string(a.Body) }

// call makes a request to the host (path) or to any URL. The body is sent as it is when it is a string, else as JSON; nil is none.
func (h *host) call(method, pathOrURL string, body any, headers ...string) *answer {
	h.t.Helper()
	a, err := h.tryCall(method, pathOrURL, body, headers...)
	require.NoError(h.t, err)
	return a
}

func (h *host) tryCall(method, pathOrURL string, body any, headers ...string) (*answer, error) {
	target := pathOrURL
	if strings.HasPrefix(target, "/") {
		target = h.URL + target
	}
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, target, reader)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := httpClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return &answer{t: h.t, what: method + " " + pathOrURL, Status: resp.StatusCode, Header: resp.Header, Body: data}, nil
}

// want checks the status and returns the answer.
func (a *answer) want(status int) *answer {
	a.t.Helper()
	require.Equal(a.t, status, a.Status, "%s answers: %s", a.what, a.Body)
	return a
}

// json decodes the body into v.
func (a *answer) json(v any) {
	a.t.Helper()
	require.NoError(a.t, json.Unmarshal(a.Body, v), "%s answers: %s", a.what, a.Body)
}

// status is the status object of the management API.
type status struct {
	Name            string           `json:"name"`
	InstanceID      string           `json:"instanceId"`
	RuntimeStatus   string           `json:"runtimeStatus"`
	Input           any              `json:"input"`
	CustomStatus    any              `json:"customStatus"`
	Output          any              `json:"output"`
	CreatedTime     time.Time        `json:"createdTime"`
	LastUpdatedTime time.Time        `json:"lastUpdatedTime"`
	HistoryEvents   []map[string]any `json:"historyEvents"`
}

func (s *status) finished() bool {
	switch s.RuntimeStatus {
	case "Completed", "Failed", "Canceled", "Terminated":
		return true
	}
	return false
}

// count tells how many history events of a type there are.
func (s *status) count(eventType string) int {
	n := 0
	for _, e := range s.HistoryEvents {
		if e["EventType"] == eventType {
			n++
		}
	}
	return n
}

// links are the management URLs of a check-status response.
type links struct {
	ID                    string `json:"id"`
	StatusQueryGetURI     string `json:"statusQueryGetUri"`
	SendEventPostURI      string `json:"sendEventPostUri"`
	TerminatePostURI      string `json:"terminatePostUri"`
	RewindPostURI         string `json:"rewindPostUri"`
	PurgeHistoryDeleteURI string `json:"purgeHistoryDeleteUri"`
	RestartPostURI        string `json:"restartPostUri"`
	SuspendPostURI        string `json:"suspendPostUri"`
	ResumePostURI         string `json:"resumePostUri"`
}

// start starts an orchestration over the management API and returns its instance ID; id "" has one made.
func (h *host) start(orchestrator, id string, input any) string {
	h.t.Helper()
	path := webhooks + "/orchestrators/" + orchestrator
	if id != "" {
		path += "/" + url.PathEscape(id)
	}
	var l links
	h.call(http.MethodPost, path, asJSON(h.t, input)).want(http.StatusAccepted).json(&l)
	require.NotEmpty(h.t, l.ID)
	return l.ID
}

func instance(id, rest string) string { return webhooks + "/instances/" + url.PathEscape(id) + rest }

// status returns an instance's status; the query is like "showHistory=true".
func (h *host) status(id string, query ...string) *status {
	h.t.Helper()
	a := h.call(http.MethodGet, instance(id, "?"+strings.Join(query, "&")), nil)
	require.Contains(h.t, []int{http.StatusOK, http.StatusAccepted}, a.Status, "%s answers: %s", a.what, a.Body)
	s := &status{}
	a.json(s)
	return s
}

// waitFor waits until the instance has the runtime status, and fails at once if it has finished with another one.
func (h *host) waitFor(id, runtimeStatus string) *status {
	h.t.Helper()
	var s *status
	eventually(h.t, "instance "+id+" is "+runtimeStatus, func() (bool, any) {
		s = h.status(id)
		if s.finished() {
			require.Equal(h.t, runtimeStatus, s.RuntimeStatus, "instance %s (%s), output: %v", id, s.Name, s.Output)
		}
		return s.RuntimeStatus == runtimeStatus, *s
	})
	return s
}

// complete starts an orchestration, waits until it is completed and returns its output.
func (h *host) complete(orchestrator string, input any) any {
	h.t.Helper()
	return h.waitFor(h.start(orchestrator, "", input), "Completed").Output
}

// fail starts an orchestration, waits until it has failed and returns its output.
func (h *host) fail(orchestrator string, input any) string {
	h.t.Helper()
	output := h.waitFor(h.start(orchestrator, "", input), "Failed").Output
	require.IsType(h.t, "", output, "a failed instance's output is a text")
	return output.(string)
}

// waitCustom waits for a custom status.
func (h *host) waitCustom(id string, custom any) {
	h.t.Helper()
	eventually(h.t, "the custom status of "+id, func() (bool, any) {
		s := h.status(id)
		return equalJSON(h.t, custom, s.CustomStatus), *s
	})
}

func equalJSON(t testing.TB, a, b any) bool {
	t.Helper()
	left, err := json.Marshal(a)
	require.NoError(t, err)
	right, err := json.Marshal(b)
	require.NoError(t, err)
	return bytes.Equal(left, right)
}

// raise sends an event to an instance.
func (h *host) raise(id, name string, data any) {
	h.t.Helper()
	h.call(http.MethodPost, instance(id, "/raiseEvent/"+name), toJSON(h.t, data)).want(http.StatusAccepted)
}

// asJSON is the body for a value, nil for none.
func asJSON(t testing.TB, v any) any {
	if v == nil {
		return nil
	}
	return toJSON(t, v)
}

// manual triggers a function over the admin API.
func (h *host) manual(function, input string) {
	h.t.Helper()
	h.call(http.MethodPost, "/admin/functions/"+function, map[string]string{"input": input}).want(http.StatusAccepted)
}

// sdk calls a method of the SDK's client in the app testdata/scenarios and returns its result.
func (h *host) sdk(method string, args ...any) any {
	h.t.Helper()
	r := h.sdkRaw(method, args...)
	require.Empty(h.t, r.Error, "%s rejects", method)
	return r.Result
}

type sdkResult struct {
	Result    any    `json:"result"`
	Undefined bool   `json:"undefined"`
	Error     string `json:"error"`
}

func (h *host) sdkRaw(method string, args ...any) (r sdkResult) {
	h.t.Helper()
	if args == nil {
		args = []any{}
	}
	h.call(http.MethodPost, "/api/client/"+method, args).want(http.StatusOK).json(&r)
	return r
}

// exists tells whether there is such a file.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
