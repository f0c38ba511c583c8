package management_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/management"
)

func TestList(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for _, id := range []string{"a1", "a2", "a3", "b1"} {
		a.store.put(id, durable.Completed).Input = json.RawMessage(`7`)
	}
	list := func(query string, headers ...string) (string, string) {
		w := a.call("GET", base+"/instances"+query, "", headers...)
		require.Equal(t, 200, w.Code, w.Body)
		var all []map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &all))
		require.NotNil(t, all, "an array, never null")
		var ids []string
		for _, st := range all {
			ids = append(ids, st["instanceId"].(string))
		}
		return strings.Join(ids, " "), w.Header().Get("x-ms-continuation-token")
	}
	ids, token := list("/?instanceIdPrefix=a&top=2&showInput=false&functionName=HelloWorld&runtimeStatus=completed,Nonsense&runtimeStatus=3" +
		"&createdTimeFrom=2018-03-10T10:00:00.5Z&createdTimeTo=2018-03-10T12:00:00+01:00")
	require.Equal(t, "a1 a2", ids)
	require.Equal(t, "a2", token)
	require.Equal(t, durable.Query{
		CreatedFrom: time.Date(2018, 3, 10, 10, 0, 0, 5e8, time.UTC), CreatedTo: time.Date(2018, 3, 10, 11, 0, 0, 0, time.UTC),
		RuntimeStatus: []durable.RuntimeStatus{durable.Completed, durable.Failed}, InstanceIDPrefix: "a", FunctionName: "HelloWorld", Top: 2,
	}, a.store.queries[0])
	ids, token = list("?instanceIdPrefix=a&top=2", "X-Ms-Continuation-Token", token)
	require.Equal(t, "a3", ids)
	require.Empty(t, token)

	ids, _ = list("")
	require.Equal(t, "a1 a2 a3 b1", ids)
	ids, _ = list("?runtimeStatus=Failed")
	require.Empty(t, ids)
	ids, _ = list("?runtimeStatus=Nonsense")
	require.Empty(t, ids, "no instance has an unknown status")
	list("?top=999999")
	require.Equal(t, management.MaxPageSize, a.store.queries[len(a.store.queries)-1].Top)
	require.Contains(t, a.call("GET", base+"/instances?showInput=false", "").Body.String(), `"input":null`)

	for query, want := range map[string]string{
		"?top=0": "top is '0'", "?top=many": "top is 'many'", "?createdTimeFrom=x": "createdTimeFrom is 'x'", "?createdTimeTo=x": "createdTimeTo is 'x'",
		"?showInput=x": "showInput is 'x'",
	} {
		w := a.call("GET", base+"/instances"+query, "")
		require.Equal(t, 400, w.Code)
		require.Contains(t, w.Body.String(), want)
	}
	require.Equal(t, 400, a.call("GET", base+"/instances", "", "x-ms-continuation-token", "!").Code)
}

func TestTimes(t *testing.T) {
	t.Parallel()
	want := time.Date(2018, 3, 10, 10, 1, 0, 0, time.UTC)
	for _, form := range []string{
		"2018-03-10T10:01:00Z", "2018-03-10T10:01:00.000Z", "2018-03-10T10:01:00.0000000Z", "2018-03-10T10:01:00", "2018-03-10T10:01", "2018-03-10T10:01Z",
		"2018-03-10T11:01:00%2B01:00", "2018-03-10T11:01:00+01:00", "2018-03-10T05:01:00-05:00", "2018-03-10%2010:01:00", "2018-03-10+10:01:00Z", "03/10/2018%2010:01:00",
	} {
		a := newAPI(t)
		require.Equal(t, 404, a.call("DELETE", base+"/instances?createdTimeFrom="+form+"&createdTimeTo=undefined", "").Code, form)
		require.Equal(t, want, a.store.purged[0].CreatedFrom, form)
		require.WithinDuration(t, time.Now(), a.store.purged[0].CreatedTo, time.Minute, "until now")
	}
}
