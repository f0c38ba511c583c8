package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// generation is a version of durable-functions whose public API is called, thing by thing.
type generation struct {
	release string
	// packages is the folder of testdata that pins the version.
	packages string
	// app is the app in testdata/conformance.
	app string
	// client is the class of the client.
	client string
}

var generations = []generation{
	{release: "1.5.4", packages: "app15", app: "v3", client: "DurableOrchestrationClient"},
	{release: "2.1.4", packages: "app21", app: "v3", client: "DurableOrchestrationClient"},
	{release: "3.5.0", packages: "v4", app: "v4", client: "DurableClient"},
}

func (g generation) modules() string { return filepath.Join("testdata", g.packages) }

// conformance is a host with the app of a generation.
type conformance struct {
	*host
	generation
	redis *redisServer
}

// conformanceCase checks some of the public API from outside, over HTTP. What is expected is what the contracts of durable-functions and
// azure-functions-durable-extension say.
type conformanceCase struct {
	name string
	// keys are what of the API the case is about, in the words of testdata/conformance/tool/enumerate.js; "T.{a,b}" is T.a and T.b, and "$client" the
	// client's class. In front of it, "2.1.4,3.5.0:" names the generations that have it; else all must have it.
	keys []string
	// checks says for the report what is checked.
	checks string
	// differs says for the report in what durango differs on purpose, if it does; "2.1.4:" in front of it, on which generations.
	differs string
	run     func(t *testing.T, c *conformance)
	// only names the generations that can do it; none for all.
	only []string
}

func conformanceCases() []conformanceCase {
	return slices.Concat(orchestratorConformance, entityConformance, clientConformance, thingConformance, v4Conformance, sampleConformance, scenarioConformance)
}

func (c conformanceCase) on(g generation) bool {
	return len(c.only) == 0 || slices.Contains(c.only, g.release)
}

// keysOf are the keys that the case is about in a generation.
func (c conformanceCase) keysOf(g generation) []string {
	var out []string
	for _, key := range c.keys {
		releases, key := versioned(key)
		if releases != nil && !slices.Contains(releases, g.release) {
			continue
		}
		key = strings.ReplaceAll(key, "$client", g.client)
		before, rest, ok := strings.Cut(key, "{")
		if !ok {
			out = append(out, key)
			continue
		}
		inner, after, _ := strings.Cut(rest, "}")
		for _, name := range strings.Split(inner, ",") {
			out = append(out, before+name+after)
		}
	}
	return out
}

// versioned splits "2.1.4,3.5.0:text" into the generations that it is about and the text; nil: all.
func versioned(text string) (releases []string, rest string) {
	before, after, ok := strings.Cut(text, ":")
	if !ok || strings.Trim(before, "0123456789.,") != "" {
		return nil, text
	}
	return strings.Split(before, ","), after
}

// publicAPI is what enumerate.js finds.
type publicAPI struct {
	Version string
	Keys    []struct{ Key, Kind string }
	Types   []string
	Absent  []string
	raw     []byte
}

var enumerated sync.Map // version -> *publicAPI

// api lists the public API of the generation from its type declarations.
func (g generation) api(t testing.TB) *publicAPI {
	t.Helper()
	if found, ok := enumerated.Load(g.release); ok {
		return found.(*publicAPI)
	}
	tool := filepath.Join("testdata", "conformance", "tool")
	packages(t, tool)
	list := exec.Command("node", filepath.Join(tool, "enumerate.js"), filepath.Join(packages(t, g.modules()), "durable-functions"))
	var stderr strings.Builder
	list.Stderr = &stderr
	out, err := list.Output()
	require.NoError(t, err, stderr.String())
	found := &publicAPI{raw: out}
	require.NoError(t, json.Unmarshal(out, found))
	require.Equal(t, g.release, found.Version)
	enumerated.Store(g.release, found)
	return found
}

// TestConformance calls everything that durable-functions exports, in apps on each generation, and more than once where much hangs on it. It fails when the
// package has something that no case is about, or that the app did not use when it ran, and when a case names something that the package does not have.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, g := range generations {
		t.Run(g.release, func(t *testing.T) {
			t.Parallel()
			api := g.api(t)
			c := startConformance(t, g)
			t.Run("cases", func(t *testing.T) {
				for _, one := range conformanceCases() {
					if one.run == nil || !one.on(g) {
						continue
					}
					t.Run(one.name, func(t *testing.T) {
						t.Parallel()
						local := *c
						local.host = c.in(t)
						one.run(t, &local)
					})
				}
			})
			covered(t, g, api, lines(t, c.Dir, "calls"))
		})
	}
}

// covered compares the public API with what the cases are about, and with what the app has used.
func covered(t *testing.T, g generation, api *publicAPI, used []string) {
	t.Helper()
	about := map[string]string{}
	for _, one := range conformanceCases() {
		if !one.on(g) {
			continue
		}
		for _, key := range one.keysOf(g) {
			if other, twice := about[key]; twice {
				t.Errorf("%s is a key of the cases '%s' and '%s'", key, other, one.name)
			}
			about[key] = one.name
		}
	}
	var uncovered, unused []string
	for _, k := range api.Keys {
		if _, ok := about[k.Key]; !ok {
			uncovered = append(uncovered, k.Key)
		}
		delete(about, k.Key)
		if !slices.Contains(used, k.Key) {
			unused = append(unused, k.Key)
		}
	}
	if len(uncovered) > 0 {
		t.Errorf("durable-functions %s has these, and no case is about them:\n%s", g.release, strings.Join(uncovered, "\n"))
	}
	if len(unused) > 0 {
		t.Errorf("durable-functions %s has these, and the app did not use them when it ran:\n%s", g.release, strings.Join(unused, "\n"))
	}
	for key, name := range about {
		t.Errorf("the case '%s' is about %s, which durable-functions %s does not have", name, key, g.release)
	}
}

// startConformance starts the app of a generation with the recorder and the list of what is to be recorded.
func startConformance(t testing.TB, g generation) *conformance {
	t.Helper()
	source := filepath.Join("testdata", "conformance")
	root := app(t, filepath.Join(source, g.app), g.modules())
	for _, shared := range []string{"recorder.js", "programs.js"} {
		data, err := os.ReadFile(filepath.Join(source, shared))
		require.NoError(t, err)
		write(t, string(data), root, shared)
	}
	write(t, string(g.api(t).raw), root, "api.json")
	redis := startRedis(t)
	h := startHost(t, options{Root: root, Redis: redis.URL, Env: []string{"CONFORMANCE_SDK=" + g.release, "Redis=" + redis.URL}})
	return &conformance{host: h, generation: g, redis: redis}
}

type clientAnswer struct {
	Result any    `json:"result"`
	Read   object `json:"read"`
	Error  string `json:"error"`
}

// ask calls a method of the SDK's client in the app, or reads one of its properties.
func (c *conformance) ask(method string, read []string, args ...any) (r clientAnswer) {
	c.t.Helper()
	c.call(http.MethodPost, "/client/"+method, object{"args": append([]any{}, args...), "read": append([]string{}, read...)}).want(http.StatusOK).json(&r)
	return r
}

// sdk is ask for what succeeds.
func (c *conformance) sdk(method string, args ...any) any {
	c.t.Helper()
	r := c.ask(method, nil, args...)
	require.Empty(c.t, r.Error, "%s rejects", method)
	return r.Result
}

// refuses is ask for what rejects; it returns the message.
func (c *conformance) refuses(method string, args ...any) string {
	c.t.Helper()
	r := c.ask(method, nil, args...)
	require.NotEmpty(c.t, r.Error, "%s must reject, and gives %v", method, r.Result)
	return r.Error
}

// one is the generation's form of arguments: separate ones up to 2.x, an object of options in 3.x.
func (c *conformance) one(names string, values ...any) []any {
	if c.release != "3.5.0" {
		return values
	}
	options := object{}
	for i, name := range strings.Fields(names) {
		if !equalJSON(c.t, undefined, values[i]) {
			options[name] = values[i]
		}
	}
	return []any{options}
}

// startNew starts an orchestration with the SDK's client.
func (c *conformance) startNew(orchestrator string, id, input any) string {
	c.t.Helper()
	started := c.sdk("startNew", append([]any{orchestrator}, c.one("instanceId input", id, input)...)...)
	require.IsType(c.t, "", started)
	return started.(string)
}

// same wants JSON of the two to be equal.
func same(t testing.TB, want, got any) {
	t.Helper()
	require.JSONEq(t, toJSON(t, want), toJSON(t, got))
}

func entityID(name, key string) object { return object{"$entity": []string{name, key}} }
