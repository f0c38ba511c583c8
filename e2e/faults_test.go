package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	httpFunction = `{"bindings": [{"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}, {"name": "res", "type": "http", "direction": "out"}]}`
	goodCode     = `module.exports = async function (context, req) { context.res = { body: "good" }; };`
)

// TestBrokenFunctions has one app with a function for each fault. Each is told apart with its reason, and the good one runs.
func TestBrokenFunctions(t *testing.T) {
	t.Parallel()
	root := app(t, filepath.Join("testdata", "scenarios"), "") // without npm packages: durable-functions cannot be found
	write(t, httpFunction, root, "Good", "function.json")
	write(t, goodCode, root, "Good", "index.js")

	faults := map[string]struct {
		config, code string
		want         []string // in the host's output
	}{
		"NotJson":       {"{\n  \"bindings\": [\n    oops\n  ]\n}", goodCode, []string{"NotJson", "function.json", "3"}},
		"NoBindings":    {`{"bindings": []}`, goodCode, []string{"At least one binding must be declared."}},
		"NoTrigger":     {`{"bindings": [{"name": "res", "type": "http", "direction": "out"}]}`, goodCode, []string{"No trigger binding specified. A function must have a trigger input binding."}},
		"TwoTriggers":   {`{"bindings": [{"name": "a", "type": "manualTrigger", "direction": "in"}, {"name": "b", "type": "manualTrigger", "direction": "in"}]}`, goodCode, []string{"Multiple trigger bindings defined. A function can only have a single trigger binding."}},
		"UnknownType":   {`{"bindings": [{"name": "a", "type": "carrierPigeonTrigger", "direction": "in"}]}`, goodCode, []string{"carrierPigeonTrigger"}},
		"BadName":       {`{"bindings": [{"name": "a_b", "type": "manualTrigger", "direction": "in"}]}`, goodCode, []string{"The binding name a_b is invalid. Please assign a valid name to the binding."}},
		"BadDirection":  {`{"bindings": [{"name": "a", "type": "manualTrigger", "direction": "sideways"}]}`, goodCode, []string{"'sideways' is not a valid binding direction."}},
		"NoDirection":   {strings.Replace(httpFunction, `"type": "http", "direction": "out"`, `"type": "http"`, 1), goodCode, []string{"The binding type 'http' of 'res' cannot be used with direction 'in'"}},
		"Counter":       {`{"bindings": [{"name": "context", "type": "entityTrigger", "direction": "out"}]}`, goodCode, []string{"the direction of context is out, a trigger's is in"}},
		"SyntaxFault":   {httpFunction, "module.exports = function (context) {\n  this is no JavaScript\n}", []string{"syntax error in SyntaxFault/index.js, line 2"}},
		"NoFunction":    {httpFunction, `module.exports = { index: "text" };`, []string{"NoFunction", "entry point"}},
		"ThrowsOnLoad":  {httpFunction, `throw new Error("no luck at load");`, []string{"no luck at load"}},
		"MissingModule": {httpFunction, `require("no-such-module-anywhere"); ` + goodCode, []string{"no-such-module-anywhere"}},
	}
	for name, f := range faults {
		write(t, f.config, root, name, "function.json")
		write(t, f.code, root, name, "index.js")
	}
	h := startHost(t, options{Root: root, Redis: startRedis(t).URL})
	require.Equal(t, "good", string(h.call(http.MethodGet, "/api/Good", nil).want(http.StatusOK).Body))
	for _, f := range faults {
		for _, want := range f.want {
			h.logged(want)
		}
	}
	// Missing npm packages are the commonest fault of all: the way out is named.
	h.logged("durable-functions")
	h.logged("npm install")
	a := h.call(http.MethodGet, "/api/SyntaxFault", nil)
	require.GreaterOrEqual(t, a.Status, 404)
	require.NotContains(t, string(a.Body), "    at ", "no stack trace goes to a caller")
}

func TestBadHostJSON(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"no JSON":       {"{\n  \"version\": \"2.0\",\n  oops\n}", []string{"host.json", "3"}},
		"wrong version": {`{"version": "7.0"}`, []string{"'7.0' is an invalid value for host.json 'version' property."}},
		"wrong type":    {"{\n  \"version\": \"2.0\",\n  \"extensions\": {\"http\": {\"routePrefix\": 7}}\n}", []string{"host.json", "routePrefix", "7"}},
		"wrong value":   {"{\n  \"version\": \"2.0\",\n  \"functionTimeout\": \"soon\"\n}", []string{"host.json", "functionTimeout", "soon"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := sample(t, "hello")
			write(t, c.text, root, "host.json")
			h := launch(t, options{Root: root})
			h.waitExit(patience)
			require.Error(t, h.err)
			for _, want := range c.want {
				require.Contains(t, h.log.String(), want)
			}
		})
	}
	t.Run("unknown key", func(t *testing.T) {
		t.Parallel()
		root := sample(t, "hello")
		write(t, `{"version": "2.0", "functionTimeuot": "00:05:00"}`, root, "host.json")
		h := startHost(t, options{Root: root})
		h.logged("functionTimeuot")
		h.logged("functionTimeout")
	})
}

func TestMissingNode(t *testing.T) {
	t.Parallel()
	h := launch(t, options{Root: sample(t, "hello"), Env: []string{"PATH=" + t.TempDir()}})
	h.logged("node")
	eventually(t, "a word on what to install", func() (bool, any) {
		text := strings.ToLower(h.log.String())
		return strings.Contains(text, "install") && strings.Contains(text, "path"), h.log.String()
	})
}

// TestSettings checks where settings come from and which of them wins.
func TestSettings(t *testing.T) {
	t.Parallel()
	root := sample(t, "hello")
	write(t, `module.exports = async function (context) { context.res = { body: [process.env.FROM_FILE, process.env.FROM_BOTH].join(",") }; };`, root, "Env", "index.js")
	write(t, strings.Replace(httpFunction, `"authLevel"`, `"route": "%ENV_ROUTE%", "authLevel"`, 1), root, "Env", "function.json")
	write(t, `{"IsEncrypted": false, "Values": {"FROM_FILE": "file", "FROM_BOTH": "file", "ENV_ROUTE": "settings", "AzureWebJobs.Hello.Disabled": "true"}}`, root, "local.settings.json")
	h := startHost(t, options{Root: root, Env: []string{"FROM_BOTH=environment", "AzureFunctionsJobHost__extensions__http__routePrefix=over"}})
	require.Equal(t, "file,environment", string(h.call(http.MethodGet, "/over/settings", nil).want(http.StatusOK).Body))
	h.call(http.MethodGet, "/over/hello", nil).want(http.StatusNotFound)
	h.logged("Hello")
}

// TestWorkerCrash kills the worker process under the host: it comes back, and orchestrations go on.
func TestWorkerCrash(t *testing.T) {
	t.Parallel()
	root := scenarios(t, "app21")
	write(t, httpFunction, root, "Crash", "function.json")
	write(t, `module.exports = async function () { console.error("last words"); process.exit(17); };`, root, "Crash", "index.js")
	write(t, httpFunction, root, "Pid", "function.json")
	write(t, `module.exports = async function (context) { context.res = { body: String(process.pid) }; };`, root, "Pid", "index.js")
	h := startHost(t, options{Root: root, Redis: startRedis(t).URL})
	pid := string(h.call(http.MethodGet, "/api/pid", nil).want(http.StatusOK).Body)
	gated := h.start("Gated", newID("gated"), nil)
	h.waitFor(gated, "Running")

	h.call(http.MethodGet, "/api/crash", nil).want(http.StatusInternalServerError)
	h.logged("17")
	h.logged("last words")
	eventually(t, "another worker process", func() (bool, any) {
		a := h.call(http.MethodGet, "/api/pid", nil)
		return a.Status == http.StatusOK && string(a.Body) != pid, a.Status
	})
	h.openGate(gated)
	require.Equal(t, []any{gated, "after"}, h.waitFor(gated, "Completed").Output)
}

// TestNoOrphans wants no worker process left behind by a killed host.
func TestNoOrphans(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("needs /proc")
	}
	root := sample(t, "hello")
	h := startHost(t, options{Root: root, Redis: startRedis(t).URL})
	h.call(http.MethodGet, "/api/hello", nil).want(http.StatusOK)
	group := func() []string {
		var found []string
		stats, err := filepath.Glob("/proc/[0-9]*/stat")
		require.NoError(t, err)
		for _, stat := range stats {
			data, err := os.ReadFile(stat)
			if err != nil {
				continue // it has ended meanwhile
			}
			// "pid (command) state parent group ...", where the command may have spaces and parentheses
			fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
			if fields[0] != "Z" && fields[2] == strconv.Itoa(h.cmd.Process.Pid) {
				found = append(found, string(data))
			}
		}
		return found
	}
	require.NotEmpty(t, group())
	h.kill()
	eventually(t, "the end of all that the host has started", func() (bool, any) { g := group(); return len(g) == 0, g })
}
