package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRun triggers manual functions with durango run.
func TestRun(t *testing.T) {
	t.Parallel()
	root := scenarios(t, "app21")
	h := startHost(t, options{Root: root, Redis: startRedis(t).URL})
	for name, where := range map[string][]string{"by folder": {"--root", root}, "by URL": {"--url", h.URL}} {
		t.Run(name, func(t *testing.T) {
			out, err := cli(t, append([]string{"run", "Ping", "--input", `{"n": 7}`}, where...)...)
			require.NoError(t, err, out)
			require.Contains(t, out, "succeeded")
			var result object
			require.NoError(t, json.Unmarshal([]byte(out[strings.Index(out, "{"):]), &result), out)
			require.Equal(t, object{"pong": object{"n": 7.0}}, result)
		})
	}
	out, err := cli(t, "run", "Ping", "--root", root, "--input", `{"fail": "no luck"}`)
	require.Error(t, err)
	require.Contains(t, out, "no luck")
	require.NotContains(t, out, "goroutine")

	out, err = cli(t, "run", "NoSuchThing", "--root", root)
	require.Error(t, err)
	require.Contains(t, out, "NoSuchThing")

	out, err = cli(t, "run", "Starter", "--root", root, "--input", `{"FunctionName": "Sequence", "InstanceId": "by-run"}`)
	require.NoError(t, err, out)
	h.waitFor("by-run", "Completed")

	h.stop()
	out, err = cli(t, "run", "Ping", "--url", h.URL)
	require.Error(t, err)
	require.Contains(t, out, h.URL)
}

// TestAuth demands keys.
func TestAuth(t *testing.T) {
	t.Parallel()
	root := sample(t, "hello")
	write(t, strings.Replace(httpFunction, `"anonymous"`, `"function"`, 1), root, "Closed", "function.json")
	write(t, goodCode, root, "Closed", "index.js")
	h := startHostWith(t, options{Root: root, Redis: startRedis(t).URL, Args: []string{"--enable-auth"}}, func(h *host) bool {
		a, err := h.tryCall(http.MethodGet, "/admin/host/ping", nil)
		return err == nil && a.Status == http.StatusOK && strings.Contains(h.log.String(), "ready")
	})
	h.call(http.MethodGet, "/admin/host/status", nil).want(http.StatusUnauthorized)
	h.call(http.MethodGet, "/api/Closed", nil).want(http.StatusUnauthorized)
	h.call(http.MethodGet, "/api/Closed?code=wrong", nil).want(http.StatusUnauthorized)
	h.call(http.MethodGet, webhooks+"/instances", nil).want(http.StatusUnauthorized)
	h.call(http.MethodGet, "/api/hello", nil).want(http.StatusOK)

	require.Contains(t, h.log.String(), filepath.Join(".durango", "keys.json"), "the start says where the keys are")
	file := filepath.Join(root, ".durango", "keys.json")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var stored struct{ MasterKey string }
	require.NoError(t, json.Unmarshal(data, &stored))
	master := stored.MasterKey
	require.NotEmpty(t, master)
	require.NotContains(t, h.log.String(), master, "a key must not be printed")
	h.call(http.MethodGet, "/admin/host/status", nil, "x-functions-key", master).want(http.StatusOK)
	h.call(http.MethodGet, "/api/Closed?code="+master, nil).want(http.StatusOK)

	var keys struct {
		Keys []struct{ Name, Value string }
	}
	h.call(http.MethodGet, "/admin/functions/Closed/keys", nil, "x-functions-key", master).want(http.StatusOK).json(&keys)
	require.NotEmpty(t, keys.Keys)
	h.call(http.MethodGet, "/api/Closed", nil, "x-functions-key", keys.Keys[0].Value).want(http.StatusOK)
	h.call(http.MethodGet, "/admin/host/status", nil, "x-functions-key", keys.Keys[0].Value).want(http.StatusUnauthorized)

	// What an app hands out works without further keys: the URLs carry the system key.
	var l links
	h.call(http.MethodPost, "/api/orchestrators/HelloSequence", nil).want(http.StatusAccepted).json(&l)
	require.Contains(t, l.StatusQueryGetURI, "code=")
	eventually(t, "the end of "+l.ID, func() (bool, any) {
		a := h.call(http.MethodGet, l.StatusQueryGetURI, nil)
		return a.Status == http.StatusOK, string(a.Body)
	})
	out, err := cli(t, "run", "SayHello", "--url", h.URL, "--input", `"Ann"`)
	require.Error(t, err)
	require.Contains(t, out, "--key")
	out, err = cli(t, "run", "SayHello", "--url", h.URL, "--input", `"Ann"`, "--key", master)
	require.NoError(t, err, out)
	require.Contains(t, out, "Hello Ann!")
}

// TestOpenAddress wants no host that anyone may call without having said so.
func TestOpenAddress(t *testing.T) {
	t.Parallel()
	h := launch(t, options{Root: sample(t, "hello"), Args: []string{"--address", "0.0.0.0"}})
	h.waitExit(patience)
	require.Error(t, h.err)
	require.Contains(t, h.log.String(), "--enable-auth")
}
