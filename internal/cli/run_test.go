package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeHost answers as the admin API of a host does.
func fakeHost(t *testing.T, key string) (server *httptest.Server, lastInput func() *string) {
	t.Helper()
	var last *string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /admin/functions", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `[{"name":"HelloWorldManualStart"},{"name":"GetStatus"}]`)
	})
	mux.HandleFunc("GET /admin/functions/{name}/status", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("name") != "Broken" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, `{"errors":["It has no trigger."]}`)
	})
	mux.HandleFunc("POST /admin/functions/{name}", func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Input *string }
		if json.NewDecoder(r.Body).Decode(&body) != nil || r.URL.Query().Get("wait") != "true" || r.Header.Get("Content-Type") != "application/json" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		last = body.Input
		switch r.PathValue("name") {
		case "HelloWorldManualStart":
			_, _ = io.WriteString(w, `{"functionName":"HelloWorldManualStart","invocationId":"77","status":"Succeeded","durationMs":12}`)
		case "GetStatus":
			_, _ = io.WriteString(w, `{"functionName":"GetStatus","invocationId":"77","status":"Succeeded","durationMs":12,"output":{"a":1}}`)
		case "Fails":
			_, _ = io.WriteString(w, `{"functionName":"Fails","invocationId":"77","status":"Failed","durationMs":3,"error":"oh no"}`)
		case "Orchestrator":
			http.Error(w, "start it through the management API", http.StatusBadRequest)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if key != "" && r.Header.Get("x-functions-key") != key {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server, func() *string { return last }
}

func TestRun(t *testing.T) {
	t.Parallel()
	server, lastInput := fakeHost(t, "")
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, ".durango"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(root, ".durango", "host.json"), fmt.Appendf(nil, `{"url":%q,"pid":1}`, server.URL), 0o600))

	code, stdout, stderr := run(t, "run", "HelloWorldManualStart", "--root", root)
	require.Equal(t, exitOK, code, stderr)
	require.Empty(t, stdout)
	require.Equal(t, "Function HelloWorldManualStart succeeded in 12 ms (invocation 77)\n", stderr)
	require.Nil(t, lastInput())

	code, stdout, _ = run(t, "run", "GetStatus", "--root", root, "--input", `{"id": 1}`)
	require.Equal(t, exitOK, code)
	require.JSONEq(t, `{"a":1}`, stdout)
	require.Equal(t, `{"id": 1}`, *lastInput())

	file := filepath.Join(root, "data.json")
	require.NoError(t, os.WriteFile(file, []byte("[1]"), 0o600))
	code, _, _ = run(t, "run", "GetStatus", "--url", server.URL+"/", "--input", "@"+file)
	require.Equal(t, exitOK, code)
	require.Equal(t, "[1]", *lastInput())
	port := fmt.Sprint(server.Listener.Addr().(*net.TCPAddr).Port)
	code, _, _ = run(t, "run", "GetStatus", "--port", port, "--input", "")
	require.Equal(t, exitOK, code)
	require.Empty(t, *lastInput())

	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"fails":      {[]string{"Fails"}, "function Fails failed after 3 ms: oh no"},
		"near":       {[]string{"GetStatsu"}, "has no function GetStatsu: did you mean GetStatus?"},
		"far":        {[]string{"Zzzzzzzzzz"}, "has no function Zzzzzzzzzz: it has HelloWorldManualStart, GetStatus"},
		"broken":     {[]string{"Broken"}, "function Broken is broken: It has no trigger."},
		"refused":    {[]string{"Orchestrator"}, "answers 400: start it through the management API"},
		"no file":    {[]string{"GetStatus", "--input", "@" + filepath.Join(root, "none")}, "none: no such file"},
		"bad URL":    {[]string{"GetStatus", "--url", "nonsense"}, `--url "nonsense": expected a URL such as http://localhost:7071`},
		"two places": {[]string{"GetStatus", "--url", server.URL, "--port", "1"}, "url"},
	} {
		code, _, stderr := run(t, append([]string{"run", "--root", root}, c.args...)...)
		require.NotEqual(t, exitOK, code, name)
		require.Contains(t, stderr, c.want, name)
	}
}

func TestRunWithKey(t *testing.T) {
	t.Parallel()
	server, _ := fakeHost(t, "secret")
	code, _, stderr := run(t, "run", "GetStatus", "--url", server.URL)
	require.Equal(t, exitFailure, code)
	require.Contains(t, stderr, "demands the master key: give it with --key")
	code, _, stderr = run(t, "run", "GetStatus", "--url", server.URL, "--key", "wrong")
	require.Equal(t, exitFailure, code)
	require.Contains(t, stderr, "refuses the key")
	require.NotContains(t, stderr, "wrong")
	code, _, _ = run(t, "run", "GetStatus", "--url", server.URL, "--key", "secret")
	require.Equal(t, exitOK, code)
}

func TestRunWithoutHost(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	require.NoError(t, l.Close())
	code, _, stderr := run(t, "run", "GetStatus", "--port", port)
	require.Equal(t, exitFailure, code)
	require.Contains(t, stderr, "no host is running at http://127.0.0.1:"+port+": start it with durango start")

	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, ".durango"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(root, ".durango", "host.json"), []byte("{"), 0o600))
	code, _, stderr = run(t, "run", "GetStatus", "--root", root)
	require.Equal(t, exitFailure, code)
	require.Contains(t, stderr, "is damaged")
}
