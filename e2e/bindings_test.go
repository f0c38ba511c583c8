package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOutBinding starts orchestrations by what a function puts into its orchestrationClient output.
func TestOutBinding(t *testing.T) {
	t.Parallel()
	h := startHost(t, options{Root: scenarios(t, "app15"), Redis: startRedis(t).URL})

	accepted := map[string]string{
		"an object":              `{"FunctionName": "Sequence", "InstanceId": "ID", "Input": 1}`,
		"an array":               `[{"FunctionName": "Sequence", "InstanceId": "other-ID"}, {"FunctionName": "Sequence", "InstanceId": "ID", "Input": 1}]`,
		"names in another case":  `{"functionName": "sequence", "instanceid": "ID", "INPUT": 1}`,
		"JSON text":              `"{\"FunctionName\": \"Sequence\", \"InstanceId\": \"ID\", \"Input\": 1}"`,
		"unknown keys beside it": `{"FunctionName": "Sequence", "InstanceId": "ID", "Input": 1, "More": true}`,
	}
	n := 0
	for name, input := range accepted {
		n++
		id := fmt.Sprintf("out-%d", n)
		t.Run(name, func(t *testing.T) {
			h := h.in(t)
			h.manual("Starter", strings.ReplaceAll(input, "ID", id))
			eventually(t, "instance "+id, func() (bool, any) {
				a := h.call(http.MethodGet, instance(id, ""), nil)
				return a.Status != http.StatusNotFound, a.Status
			})
			require.EqualValues(t, 1, h.waitFor(id, "Completed").Input)
		})
	}

	t.Run("generated id", func(t *testing.T) {
		h := h.in(t)
		h.manual("Starter", `{"FunctionName": "Values", "Input": ["generated"]}`)
		require.Regexp(t, "^[0-9a-f]{32}$", h.find("Values", []string{"generated"}).InstanceID)
	})

	refused := map[string]struct{ input, want string }{
		"unknown function": {`[{"FunctionName": "Sequence", "InstanceId": "ID"}, {"FunctionName": "NoSuchThing"}]`, "NoSuchThing"},
		"bad id":           {`[{"FunctionName": "Sequence", "InstanceId": "ID"}, {"FunctionName": "Sequence", "InstanceId": "a#b"}]`, "a#b"},
		"no name":          {`[{"FunctionName": "Sequence", "InstanceId": "ID"}, {"InstanceId": "x"}]`, "FunctionName"},
		"name no text":     {`[{"FunctionName": "Sequence", "InstanceId": "ID"}, {"FunctionName": 7}]`, "FunctionName"},
		"no object":        {`[{"FunctionName": "Sequence", "InstanceId": "ID"}, 7]`, "starter"},
	}
	for name, c := range refused {
		n++
		id := fmt.Sprintf("refused-%d", n)
		t.Run(name, func(t *testing.T) {
			h := h.in(t)
			before := len(h.log.String())
			h.manual("Starter", strings.ReplaceAll(c.input, "ID", id))
			eventually(t, "the refusal in the log", func() (bool, any) {
				text := h.log.String()[before:]
				return strings.Contains(text, c.want) && strings.Contains(text, "starter"), text
			})
			h.call(http.MethodGet, instance(id, ""), nil).want(http.StatusNotFound)
		})
	}

	t.Run("no binding", func(t *testing.T) {
		h := h.in(t)
		before := len(h.log.String())
		h.manual("StarterMissing", "")
		eventually(t, "the reason in the log", func() (bool, any) {
			text := h.log.String()[before:]
			return strings.Contains(text, "starter"), text
		})
		h.call(http.MethodGet, instance("never-started", ""), nil).want(http.StatusNotFound)
	})
}

// TestAdminAPI looks at functions and runs them by the admin API.
func TestAdminAPI(t *testing.T) {
	t.Parallel()
	h := startHost(t, options{Root: sample(t, "hello"), Redis: startRedis(t).URL})
	var list []object
	h.call(http.MethodGet, "/admin/functions", nil).want(http.StatusOK).json(&list)
	var names []any
	for _, f := range list {
		names = append(names, f["name"])
	}
	require.Equal(t, []any{"Hello", "HelloSequence", "HttpStart", "SayHello"}, names)
	var one object
	h.call(http.MethodGet, "/admin/functions/hello", nil).want(http.StatusOK).json(&one)
	require.Equal(t, h.URL+"/api/hello/{name?}", one["invoke_url_template"])
	require.Equal(t, "node", one["language"])
	h.call(http.MethodGet, "/admin/functions/NoSuchThing", nil).want(http.StatusNotFound)
	h.call(http.MethodPost, "/admin/functions/NoSuchThing", `{"input": "x"}`).want(http.StatusNotFound)
	h.call(http.MethodPost, "/admin/functions/SayHello", "").want(http.StatusBadRequest)
	h.call(http.MethodPost, "/admin/functions/SayHello", `{"input": {}}`).want(http.StatusBadRequest)
	h.call(http.MethodGet, "/admin/host/ping", nil).want(http.StatusOK)
	var status object
	h.call(http.MethodGet, "/admin/host/status", nil).want(http.StatusOK).json(&status)
	require.Equal(t, "Running", status["state"])
	h.call(http.MethodGet, "/api/nothing", nil).want(http.StatusNotFound)
	h.call(http.MethodDelete, "/api/hello", nil).want(http.StatusNotFound)
}

// TestChunkedBody sends a body without a length, which Azure's host loses.
func TestChunkedBody(t *testing.T) {
	t.Parallel()
	h := startHost(t, options{Root: sample(t, "hello"), Redis: startRedis(t).URL})
	u, err := url.Parse(h.URL)
	require.NoError(t, err)
	conn, err := net.Dial("tcp", u.Host)
	require.NoError(t, err)
	defer conn.Close()
	body := `{"name": "chunked Ann"}`
	fmt.Fprintf(conn, "POST /api/hello HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"+
		"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", u.Host, 5, body[:5], len(body)-5, body[5:])
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "Hello chunked Ann!", string(text))
}
