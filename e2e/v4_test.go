package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// v4Packages is the folder with the npm packages of the programming model v4.
var v4Packages = filepath.Join("testdata", "v4")

// v4App is an app of testdata in the programming model v4.
func v4App(t testing.TB, name string) string {
	return app(t, filepath.Join("testdata", name), v4Packages)
}

func startV4(t *testing.T, name string) (*host, string) {
	t.Helper()
	redis, root := startRedis(t), v4App(t, name)
	return startHost(t, options{Root: root, Redis: redis.URL, Env: []string{"Redis=" + redis.URL}}), root
}

// manualOutput runs a manual function and returns what it has returned.
func (h *host) manualOutput(function, input string) any {
	h.t.Helper()
	var outcome struct{ Output any }
	h.call(http.MethodPost, "/admin/functions/"+function+"?wait=true", map[string]string{"input": input}).want(http.StatusOK).json(&outcome)
	return outcome.Output
}

// TestV4HTTP calls HTTP functions that CommonJS code has registered.
func TestV4HTTP(t *testing.T) {
	t.Parallel()
	h, _ := startV4(t, "v4")
	a := h.call(http.MethodGet, "/api/hello/Ann", nil).want(http.StatusOK)
	require.Equal(t, "Hello Ann!", a.text())
	require.Equal(t, "text/plain;charset=UTF-8", a.Header.Get("Content-Type"))
	require.Equal(t, "Hello", a.Header.Get("X-Function"))
	require.Equal(t, "Hello Bob!", h.call(http.MethodGet, "/api/hello?name=Bob", nil).want(http.StatusOK).text())
	require.Equal(t, "Hello Cy!", h.call(http.MethodPost, "/api/hello", "Cy").want(http.StatusOK).text())
	h.call(http.MethodDelete, "/api/hello", nil).want(http.StatusNotFound)
	h.logged("hello from Ann")

	var query object
	h.call(http.MethodGet, "/api/query?a=1&a=2", nil, "User-Agent", "test").want(http.StatusOK).json(&query)
	require.Equal(t, object{"all": []any{"1", "2"}, "url": h.URL + "/api/query?a=1&a=2", "method": "GET", "agent": "test"}, query)
	a = h.call(http.MethodPost, "/api/bytes", "\x00\x01\xff").want(http.StatusCreated)
	require.Equal(t, "\xff\x01\x00", a.text())
	require.Equal(t, "c=v; Path=/; Max-Age=5; SameSite=Lax", a.Header.Get("Set-Cookie"))
	h.call(http.MethodGet, "/api/nothing", nil).want(http.StatusNoContent)

	h.call(http.MethodGet, "/api/wrong", nil).want(http.StatusInternalServerError)
	h.logged(`The HTTP response must be an object with optional properties "body", "status", "headers", and "cookies".`)
	require.Empty(t, h.call(http.MethodGet, "/api/throws", nil).want(http.StatusInternalServerError).text())
	h.logged("thrown in Throws\n  at src/functions/http.js:20:")

	h.call(http.MethodGet, "/api/store?value=7", nil).want(http.StatusAccepted)
	require.Equal(t, "7", h.call(http.MethodGet, "/api/read", nil).want(http.StatusOK).text())

	var retried object
	h.call(http.MethodGet, "/api/retried", nil).want(http.StatusOK).json(&retried)
	require.Equal(t, object{"attempts": 3.0, "retry": 2.0, "message": "attempt 2"}, retried)

	h.call(http.MethodGet, "/api/late", nil).want(http.StatusOK)
	h.logged("Unexpected call to 'log' on the context object after function execution has completed.")
	h.call(http.MethodGet, "/api/levels", nil).want(http.StatusOK)
	h.logged("an error")
	require.NotContains(t, h.log.String(), "a debug")
	h.logged("Tick: timerTrigger 0 0 0 1 1 *")
	h.manualOutput("Tick", "")
	h.logged("tick false")
}

// TestV4Hooks runs functions between hooks, which change inputs, the function, results and errors, and log lines.
func TestV4Hooks(t *testing.T) {
	t.Parallel()
	h, _ := startV4(t, "v4")
	require.Equal(t, "Hooked got input of pre 1, wrapped; hookData of pre 1", h.manualOutput("Hooked", "x"))
	require.Equal(t, "folder got x, hooked", h.manualOutput("Folder", "x"), "hooks are the app's: functions of folders have them too")
	var order []string
	h.call(http.MethodGet, "/api/order", nil).want(http.StatusOK).json(&order)
	require.Equal(t, []string{"appStart", "pre 1", "pre 2", "post"}, order)
	var rescued object
	h.call(http.MethodGet, "/api/rescued", nil).want(http.StatusOK).json(&rescued)
	require.Equal(t, object{"rescued": "to be rescued"}, rescued)

	h.call(http.MethodGet, "/api/levels", nil).want(http.StatusOK)
	h.logged("*** of user in Levels")
	require.NotContains(t, h.log.String(), "secret thing")
	h.stop()
	h.logged("appTerminate, started: true")
}

// TestV4Durable runs orchestrations of durable-functions 3 and its client.
func TestV4Durable(t *testing.T) {
	t.Parallel()
	h, _ := startV4(t, "v4")
	start := func(name, id string, input any) string {
		h.call(http.MethodPost, "/api/start/"+name+"/"+id, input).want(http.StatusAccepted)
		return id
	}
	require.Equal(t, []any{"text", "", 0.0, false, object{"a": []any{1.0}}, "12", `"quoted"`, "ü😀"}, h.waitFor(start("Sequence", "s", nil), "Completed").Output)
	require.EqualValues(t, 385+100, h.waitFor(start("FanOut", "f", 10), "Completed").Output)
	require.Equal(t, "escalated", h.waitFor(start("Approval", "late", 1), "Completed").Output)
	start("Approval", "early", 600000)
	h.waitCustom("early", "waiting")
	h.raise("early", "Approval", "Bob")
	require.Equal(t, "approved by Bob", h.waitFor("early", "Completed").Output)
	require.Contains(t, h.waitFor(start("Caught", "c", nil), "Completed").Output, "Activity function 'Fails' failed: the activity fails")
	require.Equal(t, "Orchestrator function 'ThrowsError' failed: the orchestrator fails", h.waitFor(start("ThrowsError", "t", nil), "Failed").Output)
	require.EqualValues(t, 3, h.waitFor(start("Again", "a", 1), "Completed").Output)

	var done []any
	h.call(http.MethodGet, "/api/client/mine", nil).want(http.StatusOK).json(&done)
	require.Equal(t, []any{"mine", "approved by Ann", true, 1.0, true}, done)
	h.waitFor("mine-2", "Terminated")
}

// TestV4ESM runs an app of ES modules, with a CommonJS file in it.
func TestV4ESM(t *testing.T) {
	t.Parallel()
	h, _ := startV4(t, "v4esm")
	require.Equal(t, "Hello Ann!", h.call(http.MethodGet, "/api/hello/Ann", nil).want(http.StatusOK).text())
	require.Equal(t, "CommonJS", h.call(http.MethodGet, "/api/plain", nil).want(http.StatusOK).text())
	h.call(http.MethodPost, "/api/start/Orders/o", nil).want(http.StatusAccepted)
	require.Equal(t, []any{3.0, 9.0}, h.waitFor("o", "Completed").Output)
}

// TestV4Faults has what keeps functions in code from being registered told with its place, while function folders run.
func TestV4Faults(t *testing.T) {
	t.Parallel()
	const folder, good = "Folder/function.json", `const { app } = require("@azure/functions");` + "\n" + `app.get("Good", async () => ({ body: "good" }));`
	files := func(main string, more map[string]string) map[string]string {
		all := map[string]string{
			"host.json":       `{"version": "2.0"}`,
			"package.json":    `{"main": "` + main + `", "dependencies": {"@azure/functions": "4.16.5", "durable-functions": "3.5.0"}}`,
			folder:            `{"bindings": [{"name": "input", "type": "manualTrigger", "direction": "in"}]}`,
			"Folder/index.js": "module.exports = async (context, input) => `folder got ${input}`;",
		}
		for name, text := range more {
			all[name] = text
		}
		return all
	}
	for name, c := range map[string]struct {
		main   string
		files  map[string]string
		said   []string
		isGood bool
	}{
		"no match":     {"src/functions/*.js", nil, []string{`package.json:1: main is "src/functions/*.js", which matches no file in `}, false},
		"not compiled": {"dist/src/*.js", map[string]string{"tsconfig.json": "{}"}, []string{"The app is in TypeScript: compile it with"}, false},
		"missing":      {"src/index.js", nil, []string{`main is "src/index.js", and there is no such file`}, false},
		"syntax error": {"src/*.js", map[string]string{"src/a.js": good, "src/b.js": "const x = 1;\nconst y = = 2;\n"},
			[]string{"syntax error in src/b.js, line 2: Unexpected token '='", "const y = = 2;"}, true},
		"throws": {"src/*.js", map[string]string{"src/a.js": "\nfunction connect() { throw new Error('no database'); }\nconnect();", "src/b.js": good},
			[]string{"no database (src/a.js, line 2)", "at connect (src/a.js:2:"}, true},
		"syntax error in an import": {"src/*.mjs", map[string]string{"src/a.mjs": `import "../lib/b.mjs";`, "lib/b.mjs": "export const x = 1;\nexport const y = = 2;\n"},
			[]string{"syntax error in lib/b.mjs, line 2: Unexpected token '='"}, false},
		"missing export": {"src/*.mjs", map[string]string{"src/a.mjs": "\nimport { nothing } from '../lib/b.mjs';", "lib/b.mjs": "export const x = 1;\n"},
			[]string{"syntax error in src/a.mjs, line 2: The requested module '../lib/b.mjs' does not provide an export named 'nothing'"}, false},
		"missing import": {"src/*.mjs", map[string]string{"src/a.mjs": "import '../lib/c.mjs';"},
			[]string{"file 'lib/c.mjs' not found, required by src/a.mjs"}, false},
		"missing package": {"src/*.js", map[string]string{"src/a.js": `require("left-pad");`, "src/b.js": good},
			[]string{"package 'left-pad' not found, required by src/a.js: it is not listed in package.json: run `npm install left-pad` in the app's folder"}, true},
		"exits": {"src/*.js", map[string]string{"src/a.js": `console.error("last words"); process.exit(3);`},
			[]string{"src/a.js: the worker process ended while it loaded the file: exit code 3", "last words"}, false},
		"registers nothing": {"src/*.js", map[string]string{"src/a.js": `module.exports = async () => {};`},
			[]string{`main is "src/*.js", but what it names (src/a.js) registers no function`}, false},
		"twice": {"src/*.js", map[string]string{"src/a.js": good, "src/b.js": "\n" + good},
			[]string{`A function with id "Good" has already been registered.`, "the first time at src/a.js, line 2"}, true},
		"clash with a folder": {"src/*.js", map[string]string{"src/a.js": good, "src/b.js": strings.ReplaceAll(good, "Good", "Clash"),
			"Clash/function.json": `{"bindings": [{"name": "input", "type": "manualTrigger", "direction": "in"}]}`, "Clash/index.js": "module.exports = async () => 1"},
			[]string{"Clash: broken", "The function 'Clash' is declared twice, by Clash/function.json and by src/b.js:2"}, true},
		"wrong binding": {"src/*.js", map[string]string{"src/a.js": good, "src/b.js": "const { app } = require('@azure/functions');\napp.http('B', { methods: ['FETCH'], handler: () => ({}) });"},
			[]string{"B: broken", `src/b.js:2: bindings[0].methods[0] is "FETCH", expected one of get, post`}, true},
		"late": {"src/*.js", map[string]string{"src/a.js": good + `app.get("Adds", async () => { app.get("Another", async () => ({})); });`}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for file, text := range files(c.main, c.files) {
				write(t, text, root, file)
			}
			require.NoError(t, os.Symlink(packages(t, v4Packages), filepath.Join(root, "node_modules")))
			h := startHost(t, options{Root: root, Redis: startRedis(t).URL})
			for _, text := range c.said {
				h.logged(text)
			}
			require.Equal(t, "folder got x", h.manualOutput("Folder", "x"))
			if c.isGood {
				require.Equal(t, "good", h.call(http.MethodGet, "/api/good", nil).want(http.StatusOK).text())
			}
			if name == "late" {
				h.call(http.MethodGet, "/api/adds", nil).want(http.StatusInternalServerError)
				h.logged("A function can only be registered during app startup.")
			}
		})
	}
}

// TestOrdinaryMain has a package.json as "npm init" writes it beside function folders: nothing is to be said about it.
func TestOrdinaryMain(t *testing.T) {
	t.Parallel()
	root := sample(t, "hello")
	write(t, `{"name": "hello", "main": "index.js", "dependencies": {"durable-functions": "2.1.4"}}`, root, "package.json")
	h := startHost(t, options{Root: root, Redis: startRedis(t).URL})
	require.Equal(t, "Hello Ann!", h.call(http.MethodGet, "/api/hello/Ann", nil).want(http.StatusOK).text())
	require.NotContains(t, h.log.String(), "main")
	require.NotContains(t, h.log.String(), "in code")
}

// TestLogsOfReplays has orchestrators of all generations of the SDK log what they do: each line stands in the log once, however often they are replayed.
func TestLogsOfReplays(t *testing.T) {
	t.Parallel()
	const folder = `{"bindings": [{"name": "context", "type": "orchestrationTrigger", "direction": "in"}]}`
	const activity = `{"bindings": [{"name": "n", "type": "activityTrigger", "direction": "in"}]}`
	const code = `function* (context) {
		context.log("step one");
		const n = yield context.df.callActivity("Work", 1);
		context.log("step two", n);
		yield context.df.Task.all([context.df.callActivity("Work", 2), context.df.callActivity("Work", 3)]);
		context.log("step three");
		yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 1));
		context.log("step four");
		yield context.df.waitForExternalEvent("Go");
		context.log("step five");
	}`
	for _, sdk := range []string{"app15", "app21", "v4"} {
		t.Run(sdk, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			write(t, `{"version": "2.0"}`, root, "host.json")
			if sdk == "v4" {
				write(t, `{"main": "app.js", "dependencies": {"durable-functions": "3.5.0"}}`, root, "package.json")
				write(t, `const df = require("durable-functions"); df.app.activity("Work", { handler: (n) => n }); df.app.orchestration("Logs", `+code+`);`, root, "app.js")
			} else {
				write(t, folder, root, "Logs", "function.json")
				write(t, `module.exports = require("durable-functions").orchestrator(`+code+`);`, root, "Logs", "index.js")
				write(t, activity, root, "Work", "function.json")
				write(t, `module.exports = async (context, n) => n;`, root, "Work", "index.js")
			}
			require.NoError(t, os.Symlink(packages(t, filepath.Join("testdata", sdk)), filepath.Join(root, "node_modules")))
			h := startHost(t, options{Root: root, Redis: startRedis(t).URL})
			id := h.start("Logs", "logs", nil)
			h.logged("step four")
			h.raise(id, "Go", nil)
			h.waitFor(id, "Completed")
			for _, step := range []string{"one", "two 1", "three", "four", "five"} {
				require.Equal(t, 1, strings.Count(h.log.String(), "step "+step), "step %s", step)
			}
		})
	}
}

// TestJavaScriptGuide runs the code of docs/javascript.md.
func TestJavaScriptGuide(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "docs", "javascript.md"))
	require.NoError(t, err)
	blocks := strings.Split(string(page), "```js\n")
	require.Len(t, blocks, 3)
	code := func(i int) string {
		text, _, _ := strings.Cut(blocks[i], "```")
		return text
	}
	run := func(text string) *host {
		root := t.TempDir()
		write(t, `{"version": "2.0"}`, root, "host.json")
		write(t, `{"main": "src/functions/*.js", "dependencies": {"@azure/functions": "^4.16.0", "durable-functions": "^3.5.0"}}`, root, "package.json")
		write(t, text, root, "src", "functions", "hello.js")
		require.NoError(t, os.Symlink(packages(t, v4Packages), filepath.Join(root, "node_modules")))
		return startHost(t, options{Root: root, Redis: startRedis(t).URL})
	}
	h := run(code(1))
	require.Equal(t, "Hello Ann!", h.call(http.MethodGet, "/api/hello/Ann", nil).want(http.StatusOK).text())
	var l links
	h.call(http.MethodPost, "/api/start/ShoutTwice", "hey").want(http.StatusAccepted).json(&l)
	require.Equal(t, "HEY!", h.waitFor(l.ID, "Completed").Output)

	h = run(`const { app } = require("@azure/functions"); const { Readable } = require("stream"); function* ticks() { yield "tick "; yield "tock"; }` + code(2))
	require.Equal(t, "5 bytes\n", h.call(http.MethodPost, "/api/count", "12345").want(http.StatusOK).text())
	require.Equal(t, "tick tock", h.call(http.MethodGet, "/api/clock", nil).want(http.StatusOK).text())
}

// TestGoAppWithCodeInJavaScript has functions in Go, in a folder, and registered by JavaScript code in one app and one orchestration.
func TestGoAppWithCodeInJavaScript(t *testing.T) {
	t.Parallel()
	program, err := goProgram("goapp")
	require.NoError(t, err)
	root := app(t, filepath.Join("testdata", "goapp"), v4Packages)
	write(t, `{"main": "src/app.js", "dependencies": {"durable-functions": "3.5.0"}}`, root, "package.json")
	write(t, `const df = require("durable-functions");
		df.app.activity("Twice", { handler: (text) => text + text });
		df.app.activity("Greet", { handler: () => "this name is taken" });
		df.app.orchestration("CodeThenGo", function* (context) {
			const greeting = yield context.df.callActivity("GreetInGo", context.df.getInput());
			return yield context.df.callActivity("Twice", yield context.df.callActivity("Shout", greeting));
		});`, root, "src", "app.js")
	write(t, `{"bindings": [{"name": "name", "type": "activityTrigger", "direction": "in"}], "entryPoint": "Greet", "scriptFile": "../main.go"}`, root, "GreetInGo", "function.json")
	h := startHost(t, options{Program: program, Root: root, Redis: startRedis(t).URL})
	h.logged("The function 'Greet' is declared twice, by main.go:18 and by src/app.js:3")
	require.Regexp(t, "^(.*ADA.*){2}$", h.complete("CodeThenGo", "Ada"))
}
