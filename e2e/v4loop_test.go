package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// v4Loop is an app in the programming model v4 whose version is text.
const v4Loop = `const { app } = require("@azure/functions");
const df = require("durable-functions");
const fs = require("fs");
const path = require("path");

const version = "one";
app.get("Version", async () => ({ body: version }));

// Gate notes that it runs, and goes on when the file of its name is there.
const gate = df.app.activity("Gate", { handler: async (name) => {
  const file = path.join(process.env.E2E_DIR, name);
  fs.appendFileSync(file + ".runs", version + "\n");
  while (!fs.existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 10));
  return version;
} });
const say = df.app.activity("Say", { handler: () => version });
df.app.orchestration("Gated", function* (context) {
  const first = yield gate(context.df.getInput());
  return [first, yield say()];
});
`

// TestV4Loop works on an app in the programming model v4 while it runs.
func TestV4Loop(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, `{"version": "2.0"}`, root, "host.json")
	write(t, `{"main": "src/*.js", "dependencies": {"durable-functions": "3.5.0"}}`, root, "package.json")
	write(t, v4Loop, root, "src", "app.js")
	require.NoError(t, os.Symlink(packages(t, v4Packages), filepath.Join(root, "node_modules")))
	h := startHost(t, options{Root: root, Redis: startRedis(t).URL})
	require.Equal(t, "one", h.call(http.MethodGet, "/api/Version", nil).want(http.StatusOK).text())

	// An activity is in flight on the old code while the new one takes over.
	gated := h.start("Gated", "gated", "gate")
	eventually(t, "the activity to run", func() (bool, any) { return exists(filepath.Join(h.Dir, "gate.runs")), nil })
	asking := h.keepAsking()
	write(t, strings.Replace(v4Loop, `"one"`, `"two"`, 1), root, "src", "app.js")
	h.answers("two")
	require.Equal(t, "Running", h.status(gated).RuntimeStatus)
	h.openGate("gate")
	require.Equal(t, []any{"one", "two"}, h.waitFor(gated, "Completed").Output, "the activity ends on the old code, and the orchestration on the new one")
	require.Equal(t, []string{"one"}, lines(t, h.Dir, "gate.runs"), "the activity has run once")

	// A function more, and one less.
	write(t, `require("@azure/functions").app.get("More", async () => ({ body: "more" }));`, root, "src", "more.js")
	eventually(t, "the new function", func() (bool, any) {
		a := h.call(http.MethodGet, "/api/more", nil)
		return a.Status == http.StatusOK, a.Status
	})
	require.NoError(t, os.Remove(filepath.Join(root, "src", "more.js")))
	eventually(t, "the end of the function", func() (bool, any) {
		a := h.call(http.MethodGet, "/api/more", nil)
		return a.Status == http.StatusNotFound, a.Status
	})

	// A mistake is told with its place, and the app goes on.
	write(t, strings.Replace(v4Loop, "function* (context)", "function* (context", 1), root, "src", "app.js")
	h.logged("Functions in code are missing: syntax error in src/app.js, line 17:")
	h.logged("The app was not reloaded and goes on as it was.")
	require.Equal(t, "two", h.call(http.MethodGet, "/api/Version", nil).text())
	write(t, `{"main": "lib/*.js", "dependencies": {"durable-functions": "3.5.0"}}`, root, "package.json")
	h.logged(`main is "lib/*.js", which matches no file`)
	require.Equal(t, "two", h.call(http.MethodGet, "/api/Version", nil).text())
	write(t, strings.Replace(v4Loop, `"one"`, `"three"`, 1), root, "lib", "app.js")
	h.answers("three")
	asking.end(t)
}

// TestV4WaitsForMendedCode has an orchestration whose code does not load when the host starts again: it goes on once it is mended.
func TestV4WaitsForMendedCode(t *testing.T) {
	t.Parallel()
	root, redis := t.TempDir(), startRedis(t)
	write(t, `{"version": "2.0"}`, root, "host.json")
	write(t, `{"main": "app.js", "dependencies": {"durable-functions": "3.5.0"}}`, root, "package.json")
	write(t, v4Loop, root, "app.js")
	require.NoError(t, os.Symlink(packages(t, v4Packages), filepath.Join(root, "node_modules")))
	h := startHost(t, options{Root: root, Redis: redis.URL})
	gated := h.start("Gated", "gated", "gate")
	eventually(t, "the activity to run", func() (bool, any) { return exists(filepath.Join(h.Dir, "gate.runs")), nil })
	h.kill()

	write(t, "throw new Error('not now');\n"+v4Loop, root, "app.js")
	h = startHost(t, options{Root: root, Redis: redis.URL, Dir: h.Dir})
	h.logged("not now (app.js, line 1)")
	h.logged("Activity 'Gate' waits until the code is mended that may register it")
	require.Equal(t, "Running", h.status(gated).RuntimeStatus)
	write(t, strings.Replace(v4Loop, `"one"`, `"two"`, 1), root, "app.js")
	h.answers("two")
	h.openGate("gate")
	require.Equal(t, []any{"two", "two"}, h.waitFor(gated, "Completed").Output)
}

// TestTypeScriptLoop has sources saved, which changes nothing, and compiled, which does.
func TestTypeScriptLoop(t *testing.T) {
	t.Parallel()
	root := sample(t, "v4-typescript")
	write(t, `{"version": "2.0", "logging": {"logLevel": {"Function": "Warning"}}}`, root, "host.json")
	h := startHost(t, options{Root: root, Redis: startRedis(t).URL})
	source := func(version string) {
		write(t, fmt.Sprintf("import { app } from \"@azure/functions\";\nimport { version } from \"../version\";\n\napp.get(\"Version\", async () => ({ body: `%s and ${version}` }));\n", version),
			root, "src", "functions", "version.ts")
		write(t, fmt.Sprintf("export const version: string = %q;\n", version), root, "src", "version.ts")
	}
	build := func() {
		out, err := exec.Command(filepath.Join(root, "node_modules", ".bin", "tsc"), "--project", root).CombinedOutput()
		require.NoError(t, err, "tsc: %s", out)
	}
	source("one")
	build()
	h.answers("one and one")
	require.Equal(t, 1, strings.Count(h.log.String(), "Reloading the app"), "once for all that the compiler has written")
	source("two")
	require.NoError(t, os.RemoveAll(filepath.Join(root, "dist")))
	h.logged(`main is "dist/functions/*.js", which matches no file. The app is in TypeScript: compile it with "npx tsc"`)
	require.Equal(t, "one and one", h.call(http.MethodGet, "/api/Version", nil).text())
	build()
	h.answers("two and two")
	require.NotContains(t, h.log.String(), ".ts has changed")
}
