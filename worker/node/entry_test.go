package node

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// entryApp starts an app whose entry files register functions with the packages of testdata/sdk35.
func entryApp(t *testing.T, entry []string, files map[string]string, mod ...func(*Config)) *app {
	t.Helper()
	a := newApp(t, files, append(mod, func(c *Config) {
		for _, name := range entry {
			c.Entry = append(c.Entry, filepath.Join(c.Root, name))
		}
	})...).withSDK("sdk35")
	require.NoError(t, a.ch.Start(ctxFor(t)))
	return a
}

// registered is the function of that name, as the index has it.
func (a *app) registered(name string) *functions.Function {
	a.Helper()
	for _, r := range a.ch.Index().Functions {
		if r.Name != name {
			continue
		}
		f := &functions.Function{Name: name, Dir: filepath.Dir(r.Script), ScriptFile: r.Script, Language: "node", Registered: true, Stream: r.Stream}
		var config struct{ Bindings []functions.Binding }
		require.NoError(a, json.Unmarshal(r.Config, &config))
		f.Bindings = config.Bindings
		return f
	}
	require.FailNow(a, "no such function", "%s in %+v", name, a.ch.Index())
	return nil
}

const azure = `const { app, input, output, trigger } = require("@azure/functions");` + "\n"

func TestIndex(t *testing.T) {
	t.Parallel()
	a := entryApp(t, []string{"src/a.js", "src/b.mjs", "src/broken.js", "src/c.js"}, map[string]string{
		"src/a.js": azure + `app.http("hello", { route: "hello/{name}", methods: ["GET"], authLevel: "anonymous", handler: () => ({}),
			extraInputs: [input.generic({ type: "redis", name: "in1", command: "GET x" })], extraOutputs: [output.generic({ type: "redis", name: "out1" })] });`,
		"src/b.mjs": `import { app } from "@azure/functions"; import * as df from "durable-functions";
			df.app.activity("act", { handler: () => 1 });
			app.timer("tick", { schedule: "* * * * * *", handler: () => {}, retry: { strategy: "exponentialBackoff", maxRetryCount: 4,
				minimumInterval: { seconds: 10 }, maximumInterval: { hours: 25, minutes: 1 } } });`,
		"src/broken.js": azure + `app.get("before", () => ({}));` + "\n" + `require("./nowhere");`,
		"src/c.js":      azure + `app.hook.appStart(() => { app.generic("inHook", { trigger: trigger.generic({ type: "manual" }), handler: () => {} }); });`,
	})
	index := a.ch.Index()
	sources := map[string]string{}
	for _, fn := range index.Functions {
		sources[fn.Name] = fn.Source
		require.False(t, fn.Stream)
	}
	require.Equal(t, map[string]string{"hello": "src/a.js:2", "act": "src/b.mjs:2", "tick": "src/b.mjs:3", "before": "src/broken.js:2", "inHook": "src/c.js:2"}, sources)
	require.JSONEq(t, `{"bindings": [
		{"type": "httpTrigger", "direction": "in", "name": "`+a.registered("hello").Bindings[0].Name+`", "authLevel": "anonymous", "methods": ["GET"], "route": "hello/{name}"},
		{"type": "redis", "direction": "in", "name": "in1", "command": "GET x"},
		{"type": "http", "direction": "out", "name": "$return"},
		{"type": "redis", "direction": "out", "name": "out1"}]}`, string(index.Functions[0].Config))
	require.Regexp(t, `^httpTrigger[0-9a-f]{10}$`, a.registered("hello").Bindings[0].Name)
	var tick struct{ Retry json.RawMessage }
	for _, fn := range index.Functions {
		if fn.Name == "tick" {
			require.NoError(t, json.Unmarshal(fn.Config, &tick))
		}
	}
	require.JSONEq(t, `{"strategy": "exponentialBackoff", "maxRetryCount": 4, "minimumInterval": "00:00:10", "maximumInterval": "1.01:01:00"}`, string(tick.Retry))

	require.Len(t, index.Errors, 1)
	require.Equal(t, filepath.Join(a.root, "src/broken.js"), index.Errors[0].File)
	require.Equal(t, "file './nowhere' not found, required by src/broken.js: check the path, which is relative to the requiring file", index.Errors[0].Message)
}

// TestFunctionsCore calls what the original's worker offers to libraries, each with what it throws.
func TestFunctionsCore(t *testing.T) {
	t.Parallel()
	a := entryApp(t, []string{"index.js"}, map[string]string{"index.js": `
		const core = require("@azure/functions-core");
		const attempt = (what) => { try { return what(); } catch (err) { return [err.name, err.message, err.isAzureFunctionsSystemError]; } };
		const results = { before: attempt(() => core.getProgrammingModel()) };
		` + azure + `
		app.generic("Core", { trigger: { type: "manualTrigger", name: "input" }, handler: () => ({
			...results,
			late: attempt(() => app.get("another", () => ({}))),
			lateDispose: attempt(() => kept.dispose()),
		}) });
		results.model = core.getProgrammingModel().name;
		results.versions = [typeof core.version, typeof core.hostVersion];
		results.hook = attempt(() => core.registerHook("preEverything", () => {}));
		results.again = attempt(() => app.get("Core", () => ({})));
		const kept = core.registerFunction({ name: "kept", bindings: { t: { type: "manualTrigger", direction: "in" } } }, () => {});
		core.registerFunction({ name: "gone", bindings: { t: { type: "manualTrigger", direction: "in" } } }, () => {}).dispose();
		let calls = 0;
		const disposable = core.Disposable.from({ dispose: () => calls++ }, undefined, new core.Disposable(() => calls++));
		for (const d of [disposable, disposable]) d.dispose();
		results.disposed = calls;
		core.log("warning", "system", "from the library");
		core.log("critical", "user", "from the app");`,
	})
	got := a.mustInvoke(a.registered("Core"), worker.StringValue("x"))
	require.JSONEq(t, `{
		"before": ["Error", "The programming model is not set: \"@azure/functions\" sets it when the first function is registered.", true],
		"model": "@azure/functions", "versions": ["string", "string"],
		"hook": ["RangeError", "Unrecognized hook \"preEverything\"", true],
		"again": ["Error", "A function with id \"Core\" has already been registered.", true],
		"disposed": 2,
		"late": ["Error", "A function can only be registered during app startup.", true],
		"lateDispose": ["Error", "A function can only be disposed during app startup.", true]}`, got)
	require.Len(t, a.ch.Index().Functions, 2)
	require.Equal(t, slog.LevelWarn, a.log("from the library").Level)
	require.Equal(t, slog.LevelError, a.log("from the app").Level)
}

func TestHooks(t *testing.T) {
	t.Parallel()
	a := entryApp(t, []string{"index.js"}, map[string]string{"index.js": azure + `
		const attempt = (what) => { try { what(); } catch (err) { return err.message; } };
		const seen = [];
		app.hook.appStart((context) => { context.hookData.app = 1; seen.push(attempt(() => { context.hookData = {}; })); });
		app.hook.preInvocation((context) => {
			context.hookData.n = 1;
			seen.push(attempt(() => { context.hookData = {}; }), attempt(() => { context.invocationContext = {}; }));
		});
		const gone = app.hook.preInvocation(() => { throw new Error("this hook is gone"); });
		gone.dispose();
		app.hook.postInvocation((context) => {
			seen.push(context.hookData.n, context.inputs, context.result, context.error && context.error.message);
			if (context.inputs[0] === "fail") throw new Error("thrown in a hook");
			if (context.inputs[0] === "break") context.error = "made by a hook";
		});
		app.hook.log((context) => {
			if (context.message === "break the hook") throw new Error("thrown in a log hook");
			if (context.category === "user") { context.message += " (" + context.invocationContext.invocationId + ")"; context.level = "error"; }
			context.invocationContext && context.invocationContext.log("said within the hook");
		});
		app.generic("F", { trigger: { type: "manualTrigger", name: "input" }, handler: (text, context) => {
			context.log("line");
			context.log("break the hook");
			if (text === "throw") throw new TypeError("thrown in F");
			return text === "seen" ? seen.splice(0) : text;
		} });`,
	})
	f := a.registered("F")
	require.Equal(t, "one", a.mustInvoke(f, worker.StringValue("one")))
	readOnly := func(name string) string { return "Cannot assign to read only property '" + name + "'" }
	require.JSONEq(t, `["`+readOnly("hookData")+`", "`+readOnly("hookData")+`", "`+readOnly("invocationContext")+`", 1, ["one"], "one", null,
		"`+readOnly("hookData")+`", "`+readOnly("invocationContext")+`"]`, a.mustInvoke(f, worker.StringValue("seen")))
	for input, want := range map[string]string{"throw": "thrown in F", "fail": "thrown in a hook", "break": "made by a hook"} {
		_, err := a.invoke(f, worker.StringValue(input))
		require.EqualError(t, err, want)
	}
	line := a.log("line (inv-1)")
	require.Equal(t, slog.LevelError, line.Level)
	require.Equal(t, "Function.F.User", line.Category)
	require.Equal(t, "inv-1", line.InvocationID)
	require.Equal(t, slog.LevelInfo, a.log("said within the hook").Level)
	a.log("A log hook failed: Error: thrown in a log hook")
	a.log("break the hook")
	require.Empty(t, a.logged("this hook is gone"))
}

// TestEntryInEachProcess has several processes, and one that is killed: each loads the entry files.
func TestEntryInEachProcess(t *testing.T) {
	t.Parallel()
	a := entryApp(t, []string{"index.js"}, map[string]string{"index.js": azure +
		`app.generic("Pid", { trigger: { type: "manualTrigger", name: "input" }, handler: () => new Promise((resolve) => setTimeout(resolve, 20, process.pid)) });`},
		func(c *Config) { c.Processes = 2 })
	pid := a.registered("Pid")
	require.NoError(t, a.ch.Load(ctxFor(t), pid))
	const many = 16
	answers := make(chan string, many)
	for range many {
		go func() {
			result, err := a.ch.Invoke(ctxFor(t), invocation(pid, worker.StringValue("x")))
			if err != nil {
				answers <- err.Error()
				return
			}
			answers <- string(result.ReturnValue.Data)
		}()
	}
	pids := map[string]bool{}
	for range many {
		pids[<-answers] = true
	}
	require.Len(t, pids, 2)
	for text := range pids {
		var n int
		require.NoError(t, json.Unmarshal([]byte(text), &n))
		require.NoError(t, syscall.Kill(n, syscall.SIGKILL))
	}
	var again string
	require.Eventually(t, func() bool {
		result, err := a.invoke(pid, worker.StringValue("x"))
		if err == nil {
			again = string(result.ReturnValue.Data)
		}
		return err == nil
	}, 20*time.Second, 10*time.Millisecond)
	require.NotContains(t, pids, again)
}

// TestEntryThatEndsProcesses: functions of folders run nevertheless.
func TestEntryThatEndsProcesses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ code, want string }{
		"exits":      {`console.error("last words"); process.exit(3);`, "exit code 3"},
		"never ends": {`for (;;);`, "it took longer than 500ms to load the app's entry files"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := entryApp(t, []string{"good.js", "bad.js"}, map[string]string{
				"good.js": azure + `app.get("good", () => ({}));`, "bad.js": c.code, "F/index.js": `module.exports = async () => "folder";`,
			}, func(c *Config) {
				if name == "never ends" {
					c.LoadTimeout = 500 * time.Millisecond
				}
			})
			require.Empty(t, a.ch.Index().Functions)
			require.Len(t, a.ch.Index().Errors, 1)
			require.Equal(t, filepath.Join(a.root, "bad.js"), a.ch.Index().Errors[0].File)
			require.Contains(t, a.ch.Index().Errors[0].Message, c.want)
			require.Equal(t, "folder", a.mustInvoke(activity(a, "F/index.js")))
			gone := &functions.Function{Name: "good", ScriptFile: filepath.Join(a.root, "good.js"), Registered: true}
			require.ErrorContains(t, a.ch.Load(ctxFor(t), gone), "the entry files have not registered a function called 'good' in this process")
		})
	}
}

// TestTextForModels: the input and the binding data of @azure/functions are parsed if they parse; another model gets them as text.
func TestTextForModels(t *testing.T) {
	t.Parallel()
	a := entryApp(t, []string{"index.js", "other.js"}, map[string]string{
		"index.js": azure + `app.generic("Own", { trigger: { type: "activityTrigger", name: "input" }, handler: (input, context) =>
			JSON.stringify([typeof input, ...[input], context.triggerMetadata.instanceId, context.triggerMetadata.more]) });`,
		"other.js": `const core = require("@azure/functions-core");
			core.setProgrammingModel({ name: "other", version: "1", getInvocationModel: ({ request }) => ({
				getArguments: async () => ({ context: {}, inputs: [] }),
				invokeFunction: async () => undefined,
				getResponse: async () => ({ returnValue: { string: JSON.stringify([request.inputData[0].data, request.triggerMetadata]) } }),
			}) });
			core.registerFunction({ name: "Other", bindings: { input: { type: "activityTrigger", direction: "in" } } }, () => {});`,
	})
	invoke := func(name, text string) string {
		inv := invocation(a.registered(name), worker.StringValue(text))
		quoted, err := json.Marshal(text)
		require.NoError(t, err)
		inv.TriggerMetadata = map[string]json.RawMessage{"InstanceId": quoted, "More": json.RawMessage(`{"A":[{"B":1}]}`)}
		result, err := a.ch.Invoke(ctxFor(t), inv)
		require.NoError(t, err)
		return string(result.ReturnValue.Data)
	}
	for text, want := range map[string]string{
		`[1]`: `["object",[1],[1],`, `"x"`: `["string","x","x",`, `x`: `["string","x","x",`, ``: `["string","","",`, ` 5 `: `["number",5,5,`, `0`: `["number",0,0,`,
		`false`: `["boolean",false,false,`, `null`: `["object",null,null,`, `{bad`: `["string","{bad","{bad",`, `2cbc6ab788c84b8d`: `["string","2cbc6ab788c84b8d","2cbc6ab788c84b8d",`,
	} {
		require.Equal(t, want+`{"a":[{"b":1}]}]`, invoke("Own", text), "%q", text)
	}
	require.JSONEq(t, `[{"string":"5"},{"InstanceId":{"string":"5"},"More":{"json":"{\"A\":[{\"B\":1}]}"}}]`, invoke("Other", "5"))
}

func TestOrchestratorOf35(t *testing.T) {
	t.Parallel()
	a := entryApp(t, []string{"index.js"}, map[string]string{"index.js": `const df = require("durable-functions");
		df.app.orchestration("O", function* (context) {
			const t = context.df.callActivity("A", 5), e = context.df.waitForExternalEvent("e");
			yield context.df.Task.any([t, e]);
			yield context.df.Task.any([t, context.df.waitForExternalEvent("f")]);
		});`})
	result, err := a.invoke(a.registered("O"), history(`{"EventType":15,"Name":"e","Input":"1"}`))
	require.NoError(t, err)
	require.Equal(t, worker.JSON, result.ReturnValue.Kind)
	require.Equal(t, 1, strings.Count(string(result.ReturnValue.Data), `"functionName":"A"`), string(result.ReturnValue.Data))
	require.Contains(t, string(result.ReturnValue.Data), `{"actionRef":0}`)
}

func TestTerminateHooks(t *testing.T) {
	t.Parallel()
	a := entryApp(t, []string{"index.js"}, map[string]string{"index.js": azure + `
		app.hook.appTerminate(async (context) => {
			await new Promise((resolve) => setTimeout(resolve, 700)); // longer than a process without hooks may take
			require("@azure/functions-core").log("information", "user", "terminated");
		});
		app.get("F", () => ({}));`})
	require.NoError(t, a.ch.Stop(ctxFor(t)))
	a.log("terminated")
}

// TestSourceMap has the stack of compiled code name the lines of its source, in a function folder too.
func TestSourceMap(t *testing.T) {
	t.Parallel()
	const code = `module.exports = async () => { throw new Error("broken"); };` + "\n//# sourceMappingURL=index.js.map\n"
	a := startApp(t, map[string]string{
		"F/index.js": code, "F/index.js.map": `{"version": 3, "file": "index.js", "sources": ["../src/f.ts"], "names": [], "mappings": "AAUA"}`,
	})
	_, err := a.invoke(activity(a, "F/index.js"))
	var failure *worker.FunctionError
	require.ErrorAs(t, err, &failure)
	require.Contains(t, failure.Stack, filepath.Join(a.root, "src", "f.ts")+":11:")
}

func TestAppStartHookFails(t *testing.T) {
	t.Parallel()
	a := entryApp(t, []string{"index.js"}, map[string]string{"index.js": azure + `
		app.hook.appStart(() => { throw new Error("no licence"); });
		app.generic("F", { trigger: { type: "manualTrigger", name: "input" }, handler: () => "runs" });`})
	require.Equal(t, "an appStart hook failed: no licence (index.js, line 3)", a.ch.Index().Errors[0].Message)
	require.Equal(t, "runs", a.mustInvoke(a.registered("F"), worker.StringValue("x")))
}
