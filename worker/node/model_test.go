package node

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/worker"
)

func TestReturnValues(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want worker.Value
	}{
		"done":             {`(c) => { c.done(null, "x") }`, worker.StringValue("x")},
		"done later":       {`(c) => { setTimeout(() => c.done(null, "x"), 1) }`, worker.StringValue("x")},
		"promise":          {`async () => "x"`, worker.StringValue("x")},
		"thenable":         {`() => ({ then(resolve) { resolve("x") } })`, worker.StringValue("x")},
		"done in async":    {`async (c) => { c.suppressAsyncDoneError = true; c.done(null, "first"); return "second" }`, worker.StringValue("first")},
		"integer":          {`async () => 7`, worker.JSONValue(json.RawMessage("7"))},
		"float":            {`async () => 0.5`, worker.JSONValue(json.RawMessage("0.5"))},
		"object":           {`async () => ({ a: [1], at: new Date(0) })`, worker.JSONValue(json.RawMessage(`{"a":[1],"at":"1970-01-01T00:00:00.000Z"}`))},
		"buffer":           {`async () => Buffer.from([0, 255])`, worker.Value{Kind: worker.Bytes, Data: []byte{0, 255}}},
		"view":             {`async () => new Uint16Array([1]).subarray(0)`, worker.Value{Kind: worker.Bytes, Data: []byte{1, 0}}},
		"zero":             {`async () => 0`, worker.JSONValue(json.RawMessage("0"))},
		"false":            {`async () => false`, worker.JSONValue(json.RawMessage("false"))},
		"empty string":     {`async () => ""`, worker.StringValue("")},
		"null":             {`async () => null`, worker.Value{}},
		"undefined":        {`async () => {}`, worker.Value{}},
		"nothing by done":  {`(c) => { c.done() }`, worker.Value{}},
		"long unicode":     {`async () => "ü€😀".repeat(100000)`, worker.StringValue(repeat("ü€😀", 100000))},
		"large bytes":      {`async () => Buffer.alloc(5 << 20, 65)`, worker.Value{Kind: worker.Bytes, Data: []byte(repeat("A", 5<<20))}},
		"lone surrogate":   {`async () => "\ud800"`, worker.StringValue("\ufffd")},
		"this is the file": {`function () { return Promise.resolve(this === module.exports) }`, worker.JSONValue(json.RawMessage("true"))},
	}
	files := map[string]string{}
	for name, tt := range tests {
		files[folder(name)+"/index.js"] = "module.exports = " + tt.body
	}
	a := startApp(t, files)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := a.invoke(activity(a, folder(name)+"/index.js"), worker.StringValue("in"))
			require.NoError(t, err)
			require.Equal(t, tt.want.Kind, result.ReturnValue.Kind)
			if string(tt.want.Data) != string(result.ReturnValue.Data) {
				t.Errorf("got %.100q", result.ReturnValue.Data)
			}
			require.Empty(t, result.Outputs)
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, message, stack string }{
		"throw":          {`() => { throw new TypeError("bad") }`, "bad", "TypeError: bad\n    at module.exports"},
		"reject":         {`async () => { throw new Error("bad") }`, "bad", "Error: bad"},
		"done":           {`(c) => { c.done(new Error("bad")) }`, "bad", "Error: bad"},
		"done string":    {`(c) => { c.done("bad") }`, "bad", ""},
		"done falsy":     {`(c) => { c.done(0) }`, "0", ""},
		"string":         {`() => { throw "bad" }`, "bad", ""},
		"object":         {`() => { throw { code: 7 } }`, `{"code":7}`, ""},
		"undefined":      {`() => { throw undefined }`, "Unknown error", ""},
		"null":           {`async () => { throw null }`, "Unknown error", ""},
		"number":         {`async () => { throw 42 }`, "42", ""},
		"symbol":         {`async () => { throw Symbol("s") }`, "Symbol(s)", ""},
		"hostile":        {`() => { throw Object.defineProperty(new Error(), "message", { get() { throw new Error() } }) }`, "Unknown error", ""},
		"message object": {`() => { const e = new Error(); e.message = { a: 1 }; throw e }`, "[object Object]", "Error"},
		"other realm":    {`() => { throw require("vm").runInNewContext("new Error('bad')") }`, "bad", "Error: bad"},
		"circular": {
			`async () => { const a = {}; a.a = a; return a }`,
			"the result of function 'circular' cannot be written as JSON: Converting circular structure", "TypeError",
		},
		"bigint": {`async () => 1n`, "the result of function 'bigint' cannot be written as JSON: Do not know how to serialize a BigInt", "TypeError"},
	}
	files := map[string]string{}
	for name, tt := range tests {
		files[folder(name)+"/index.js"] = "module.exports = " + tt.body
	}
	a := startApp(t, files)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := a.invoke(activity(a, folder(name)+"/index.js"))
			var failure *worker.FunctionError
			require.ErrorAs(t, err, &failure)
			require.Contains(t, failure.Message, tt.message)
			if name != "circular" {
				require.Equal(t, tt.message, failure.Message[:len(tt.message)])
			}
			require.Contains(t, failure.Stack, tt.stack)
			require.NotContains(t, failure.Stack, "durango-node-worker")
		})
	}
}

func TestContextOfAnActivity(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": `module.exports = async function (context, ...inputs) {
		return JSON.stringify({ keys: Object.keys(context), context, inputs, types: inputs.map((i) => Buffer.isBuffer(i) ? "buffer" : typeof i) });
	};`})
	fn := a.fn("F/index.js", "activityTrigger name", "blob file in", "table rows in", "redis empty in", "queue out1 out")
	inv := invocation(fn, worker.StringValue("plain"), worker.Value{Kind: worker.Bytes, Data: []byte{1}}, worker.JSONValue([]byte(`[{"A":1}]`)), worker.Value{})
	inv.TraceParent, inv.TraceState = "00-1", "a=b"
	inv.Retry = &worker.RetryContext{RetryCount: 1, MaxRetryCount: 3, Exception: "earlier"}
	inv.TriggerMetadata = map[string]json.RawMessage{
		"Id": json.RawMessage(`"7"`), "Text": json.RawMessage(`"x"`), "Sys": json.RawMessage(`{"MethodName":{"Deep":"0"},"List":[{"A":1}]}`),
		"__proto__": json.RawMessage(`{"Evil":1}`),
	}
	result, err := a.ch.Invoke(ctxFor(t), inv)
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(result.ReturnValue.Data, &got))
	require.Equal(t, []any{
		"invocationId", "traceContext", "executionContext", "bindings", "log", "bindingData", "bindingDefinitions", "done",
	}, got["keys"])
	require.Equal(t, []any{"string", "buffer", "object", "undefined"}, got["types"])
	ctx := got["context"].(map[string]any)
	require.Equal(t, "inv-1", ctx["invocationId"])
	require.Equal(t, map[string]any{"traceparent": "00-1", "tracestate": "a=b", "attributes": map[string]any{}}, ctx["traceContext"])
	require.Equal(t, map[string]any{
		"invocationId": "inv-1", "functionName": "F", "functionDirectory": fn.Dir,
		"retryContext": map[string]any{"retryCount": 1.0, "maxRetryCount": 3.0, "exception": map[string]any{"message": "earlier"}},
	}, ctx["executionContext"])
	require.Equal(t, map[string]any{
		"invocationId": "inv-1", "id": 7.0, "text": "x", "__proto__": map[string]any{"evil": 1.0},
		"sys": map[string]any{"methodName": map[string]any{"deep": "0"}, "list": []any{map[string]any{"A": 1.0}}},
	}, ctx["bindingData"])
	require.Equal(t, map[string]any{
		"name": "plain", "file": map[string]any{"type": "Buffer", "data": []any{1.0}}, "rows": []any{map[string]any{"A": 1.0}},
	}, ctx["bindings"])
	require.Equal(t, map[string]any{"name": "out1", "type": "queue", "direction": "out"}, ctx["bindingDefinitions"].([]any)[4])
}

func TestInputsAreParsedAsJSONIfTheyParse(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": `module.exports = async (c, input) => JSON.stringify([typeof input, input]);`})
	fn := activity(a, "F/index.js")
	for text, want := range map[string]string{
		`{"a":1}`: `["object",{"a":1}]`, `"x"`: `["string","x"]`, `x`: `["string","x"]`, ``: `["string",""]`, ` 5 `: `["number",5]`,
		`-1`: `["number",-1]`, `null`: `["object",null]`, `nothing`: `["string","nothing"]`, `{bad`: `["string","{bad"]`, "\ufeff1": `["string","` + "\ufeff1" + `"]`,
	} {
		require.Equal(t, want, a.mustInvoke(fn, worker.StringValue(text)), "%q", text)
		require.Equal(t, want, a.mustInvoke(fn, worker.JSONValue([]byte(text))), "%q", text)
	}
}

func TestTimerInputHasCamelCaseKeys(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": `module.exports = async (c, timer) => { c.log(JSON.stringify([timer, c.bindings.t])); };`})
	a.mustInvoke(a.fn("F/index.js", "timerTrigger t"), worker.StringValue(`{"IsPastDue":true,"Schedule":{"AdjustForDST":true},"ScheduleStatus":null}`))
	want := `{"isPastDue":true,"schedule":{"adjustForDST":true},"scheduleStatus":null}`
	require.Equal(t, "["+want+","+want+"]", a.log("isPastDue").Message)
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body     string
		bindings []string
		outputs  map[string]string
		ret      string
	}{
		"bindings": {
			`(c) => { c.bindings.a = { x: 1 }; c.bindings.b = "text"; c.bindings.other = 1; c.done() }`,
			[]string{"manualTrigger in1", "queue a out", "queue b out", "queue c out"}, map[string]string{"a": `{"x":1}`, "b": "text"}, "",
		},
		"set after done": {
			`(c) => { c.done(); c.bindings.a = 1 }`, []string{"manualTrigger in1", "queue a out"}, map[string]string{"a": "1"}, "",
		},
		"result object wins": {
			`async (c) => { c.bindings.a = 1; c.bindings.b = 2; return { a: 3, none: 4 } }`,
			[]string{"manualTrigger in1", "queue a out", "queue b out"}, map[string]string{"a": "3", "b": "2"}, "",
		},
		"unmatched result is the return value": {
			`async (c) => { c.bindings.a = 1; return { none: 4 } }`, []string{"manualTrigger in1", "queue a out"}, map[string]string{"a": "1"}, `{"none":4}`,
		},
		"$return": {
			`async (c) => ({ a: 1 })`, []string{"manualTrigger in1", "queue $return out", "queue a out"}, nil, `{"a":1}`,
		},
		"falsy $return is none": {`async () => 0`, []string{"manualTrigger in1", "queue $return out"}, nil, ""},
		"falsy $return of an activity": {
			`async () => 0`, []string{"activityTrigger in1", "queue $return out"}, nil, "0",
		},
		"inout": {
			`async (c) => { c.bindings.a.n++ }`, []string{"manualTrigger in1", "blob a inout"}, map[string]string{"a": `{"n":2}`}, "",
		},
		"http trigger without match": {`async () => ({ none: 1 })`, []string{"httpTrigger req"}, nil, ""},
	}
	files := map[string]string{}
	for name, tt := range tests {
		files[folder(name)+"/index.js"] = "module.exports = " + tt.body
	}
	a := startApp(t, files)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := a.invoke(a.fn(folder(name)+"/index.js", tt.bindings...), worker.StringValue("1"), worker.JSONValue([]byte(`{"n":1}`)))
			require.NoError(t, err)
			require.Equal(t, tt.ret, string(result.ReturnValue.Data))
			got := map[string]string{}
			for name, value := range result.Outputs {
				got[name] = string(value.Data)
			}
			if tt.outputs == nil {
				tt.outputs = map[string]string{}
			}
			require.Equal(t, tt.outputs, got)
		})
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{
		"Log/index.js": `module.exports = function (context) {
			context.log("plain %d", 1, { a: 1 });
			context.log.info("info"); context.log.warn("warn"); context.log.error("error"); context.log.verbose("verbose");
			console.log("to stdout"); console.error("to stderr"); process.stdout.write("partial line");
			context.done();
			context.log("too late");
		};`,
		"Twice/index.js": `module.exports = (context) => { context.done(null, "a"); context.done(null, "b"); };`,
		"Both/index.js":  `module.exports = async (context) => { context.done(null, "a"); return "b"; };`,
		"Hang/index.js":  `module.exports = (context) => "lost";`,
	})
	a.mustInvoke(activity(a, "Log/index.js"))
	user := worker.LogRecord{Category: "Function.Log.User", Function: "Log", InvocationID: "inv-1"}
	for message, level := range map[string]slog.Level{
		"plain 1 { a: 1 }": slog.LevelInfo, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
		"verbose": worker.LevelTrace, "too late": slog.LevelInfo,
	} {
		got := a.log(message)
		want := user
		want.Time, want.Level, want.Message = got.Time, level, message
		require.Equal(t, want, got)
	}
	late := a.log("Unexpected call to 'log'")
	require.Equal(t, "Warning: Unexpected call to 'log' on the context object after function execution has completed. Please check for "+
		"asynchronous calls that are not awaited or calls to 'done' made before function execution completes. Function name: Log. "+
		"Invocation Id: inv-1. Learn more: https://go.microsoft.com/fwlink/?linkid=2097909", late.Message)
	require.Equal(t, "Function.Log", late.Category)
	require.Equal(t, slog.LevelWarn, late.Level)
	require.Equal(t, worker.ConsoleCategory, a.log("to stdout").Category)
	require.Equal(t, slog.LevelInfo, a.log("to stdout").Level)
	require.Equal(t, slog.LevelError, a.log("to stderr").Level)

	require.Equal(t, "a", a.mustInvoke(activity(a, "Twice/index.js")))
	require.Equal(t, slog.LevelError, a.log("Error: 'done' has already been called. Please check your script for extraneous calls to 'done'.").Level)
	require.Equal(t, "a", a.mustInvoke(activity(a, "Both/index.js")))
	a.log("Error: Choose either to return a promise or call 'done'. Do not use both in your script. Learn more: " +
		"https://go.microsoft.com/fwlink/?linkid=2097909")

	ctx, cancel := cancellable(t)
	hang := activity(a, "Hang/index.js")
	go func() {
		a.log("Did you mean 'async function', or 'context.done(null, value)'?")
		cancel()
	}()
	_, err := a.ch.Invoke(ctx, invocation(hang))
	require.ErrorIs(t, err, ctx.Err())

	require.NoError(t, a.ch.Stop(ctxFor(t)))
	a.log("partial line") // a last line without newline
}

func TestUnhandledRejectionIsReportedAndNothingEnds(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": `module.exports = async () => {
		Promise.reject(new Error("nobody cares"));
		return process.pid;
	};`})
	pid := a.mustInvoke(activity(a, "F/index.js"))
	r := a.log("Unhandled promise rejection in function 'F': Error: nobody cares")
	require.Equal(t, slog.LevelError, r.Level)
	require.Equal(t, pid, a.mustInvoke(activity(a, "F/index.js")))
}

func TestValuesOfManySizesAtOnce(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": `module.exports = async (context, bytes) => bytes;`})
	fn := activity(a, "F/index.js")
	var wg sync.WaitGroup
	for _, size := range []int{0, 1, 3, 4, 100, 65500, 65535, 65536, 65537, 70000, 200000, 1 << 20, 3<<20 + 1} {
		for seed := range byte(3) {
			data := make([]byte, size)
			for i := range data {
				data[i] = byte(i*7) + seed
			}
			wg.Go(func() {
				result, err := a.ch.Invoke(ctxFor(t), invocation(fn, worker.Value{Kind: worker.Bytes, Data: data}))
				if err != nil || !bytes.Equal(data, result.ReturnValue.Data) {
					t.Errorf("%d bytes: %v", size, err)
				}
			})
		}
	}
	wg.Wait()
}
