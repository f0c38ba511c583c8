package management_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
)

func TestEntityRoutes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path, contentType, body string
		status                          int
		want                            string
		calls                           []string
	}{
		{"GET", "/entities/Counter/a", "", "", 200, `{"n":1}`, nil},
		{"GET", "/ENTITIES/counter/none", "", "", 404, `{"Message":"entity '@counter@none': entity not found"}`, nil},
		{"GET", "/entities/counter/$", "", "", 200, `"empty"`, nil},
		{"GET", "/entities/nobody/a", "", "", 404, "*", nil},
		{"GET", "/entities/a@b/c", "", "", 400, `{"Message":"'@a@b@c' cannot be an entity ID: it has a name with '@' in it"}`, nil},

		{"POST", "/entities/Counter/a?op=add", "application/json", `{"by":2}`, 202, "", []string{`signal @counter@a "add" {"by":2}`}},
		{"POST", "/entities/counter/k%20%C3%A9/?op=a%20b", "application/json; charset=utf-8", `"x"`, 202, "", []string{`signal @counter@k é "a b" "x"`}},
		{"POST", "/entities/counter/a", "", "", 202, "", []string{`signal @counter@a "" `}},
		{"POST", "/entities/counter?op=x", "", "", 202, "", []string{`signal @counter@ "x" `}},
		{"POST", "/entities/counter/a?op=note", "text/plain", "two words", 202, "", []string{`signal @counter@a "note" "two words"`}},
		{"POST", "/entities/counter/a?op=add", "application/json", "{", 400, `{"Message":"Could not parse JSON content: *`, nil},
		{"POST", "/entities/countre/a?op=add", "", "", 400, `{"Message":"no entity function called 'countre': it does not exist, is disabled, or has no entityTrigger; did you mean 'counter'?"}`, nil},
		{"DELETE", "/entities/counter/a", "", "", 202, "", []string{`signal @counter@a "delete" `}},
		{"DELETE", "/entities/other/a", "", "", 400, "*", nil},
		{"PUT", "/entities/counter/a", "", "", 404, "*", nil},

		{"GET", "/entities?top=x", "", "", 400, "*", nil},
		{"GET", "/entities?lastOperationTimeFrom=x", "", "", 400, "*", nil},
		{"GET", "/entities?fetchState=x", "", "", 400, "*", nil},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			a.store.entities[durable.EntityID{Name: "counter", Key: "a"}] = []byte(`{"n":1}`)
			a.store.entities[durable.EntityID{Name: "counter"}] = []byte(`"empty"`)
			r := httptest.NewRequest(c.method, base+c.path, strings.NewReader(c.body))
			if c.contentType != "" {
				r.Header.Set("Content-Type", c.contentType)
			}
			w := httptest.NewRecorder()
			a.handler.ServeHTTP(w, r)
			require.Equal(t, c.status, w.Code, w.Body)
			got := strings.TrimSpace(w.Body.String())
			if begin, open := strings.CutSuffix(c.want, "*"); open {
				require.True(t, strings.HasPrefix(got, begin), got)
			} else {
				require.Equal(t, c.want, got)
			}
			require.Equal(t, c.calls, a.store.called())
		})
	}
}

func TestEntityList(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.entities[durable.EntityID{Name: "counter", Key: "a"}] = []byte(`{"n":1}`)
	r := httptest.NewRequest(http.MethodGet, base+"/entities/Counter?top=7&fetchState=true&lastOperationTimeFrom=2018-01-01&lastOperationTimeTo=2019-01-01", nil)
	r.Header.Set("x-ms-continuation-token", "before")
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "next", w.Header().Get("x-ms-continuation-token"))
	require.Equal(t, `[{"entityId":{"name":"counter","key":"a"},"lastOperationTime":"2018-03-10T10:01:00.123456789Z","state":{"n":1}}]`, strings.TrimSpace(w.Body.String()))
	require.Equal(t, []durable.EntityQuery{{
		Name: "Counter", Top: 7, ContinuationToken: "before",
		LastOperationFrom: time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC), LastOperationTo: time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC),
	}}, a.store.entityQueries)

	w = a.call(http.MethodGet, base+"/entities", "")
	require.Contains(t, w.Body.String(), `"state":null`)
}
