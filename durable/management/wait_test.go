package management_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
)

func TestWait(t *testing.T) {
	t.Parallel()
	const wait = base + "/orchestrators/HelloWorld/one?timeout=10&pollingInterval=1"
	for name, c := range map[string]struct {
		status durable.RuntimeStatus
		path   string
		code   int
		want   string
	}{
		"completed":  {durable.Completed, wait, 200, `["Hello"]`},
		"terminated": {durable.Terminated, wait, 200, `"runtimeStatus":"Terminated"`},
		"failed":     {durable.Failed, wait, 200, `"runtimeStatus":"Failed"`},
		"as 500":     {durable.Failed, wait + "&returnInternalServerErrorOnFailure=true", 500, `"runtimeStatus":"Failed"`},
		"restarted":  {durable.Completed, base + "/instances/old/restart?timeout=10&pollingInterval=1", 200, `["Hello"]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := newAPI(t)
				a.store.put("old", durable.Failed)
				a.store.onCreate = func(st *durable.Status) {
					id := st.InstanceID
					time.AfterFunc(3*time.Second+time.Millisecond, func() {
						a.store.set(id, func(st *durable.Status) {
							st.RuntimeStatus, st.Output = c.status, json.RawMessage(`["Hello"]`)
						})
					})
				}
				began := time.Now()
				w := a.call("POST", c.path, "")
				require.Equal(t, 3*time.Second+time.Millisecond, time.Since(began), "the end is told, not polled")
				require.Equal(t, c.code, w.Code)
				if strings.HasPrefix(c.want, "[") {
					require.Equal(t, c.want, strings.TrimSpace(w.Body.String()))
				}
				require.Contains(t, w.Body.String(), c.want)
			})
		})
	}
}

func TestWaitTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t)
		began := time.Now()
		w := a.call("POST", base+"/orchestrators/HelloWorld/one?timeout=0.5&pollingInterval=0.1", "")
		require.Equal(t, 500*time.Millisecond, time.Since(began))
		require.Equal(t, 202, w.Code)
		require.Contains(t, w.Body.String(), `"id":"one"`)

		began = time.Now()
		require.Equal(t, 202, a.call("POST", base+"/orchestrators/HelloWorld?timeout=5", "").Code)
		require.Zero(t, time.Since(began), "only both parameters make it wait")
	})
}
