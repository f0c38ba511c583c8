package functions

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// types are the binding types that the tests know.
func types(typ string, dir Direction) bool {
	switch strings.ToLower(typ) {
	case "httptrigger", "manualtrigger", "orchestrationtrigger", "timertrigger":
		return dir != Out
	case "http", "redis":
		return dir == Out
	case "orchestrationclient", "durableclient":
		return true
	}
	return false
}

func settings(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}
}

const manual = `{"bindings": [{"name": "input", "type": "manualTrigger", "direction": "in"}]}`

// httpWith returns a function.json with an httpTrigger that has the given further properties.
func httpWith(properties string) string {
	return `{"bindings": [{"name": "req", "type": "httpTrigger", "direction": "in"` + properties + `}]}`
}

func discover(t *testing.T, root string, opts Options) *App {
	t.Helper()
	if opts.KnownTypes == nil {
		opts.KnownTypes = types
	}
	app, err := Discover(root, opts)
	require.NoError(t, err)
	return app
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	root := app(t, map[string]string{
		"beta/function.json": "\xef\xbb\xbf" + `{ // with comments and a byte order mark
			"bindings": [
				{"type": "HTTPTRIGGER", "name": "req", "direction": "In", "dataType": "String", "methods": ["GET"], "route": "%R%/{id}",},
				{"type": "http", "name": "$return", "direction": "out"},
				/* the client */ {"type": "orchestrationClient", "name": "starter", "connection": "%C%"},
			],
			"scriptFile": "..\\lib\\beta.js", "entryPoint": "main", "configurationSource": "config",
			"retry": {"strategy": "fixedDelay", "maxRetryCount": 3, "delayInterval": "00:00:05"},
		}`,
		"lib/beta.js":              "",
		"Alpha/function.json":      manual,
		"Alpha/only.js":            "",
		"gamma/function.json":      manual,
		"gamma/index.cjs":          "",
		"gamma/helper.js":          "",
		"not-a-function/index.js":  "",
		"node_modules/x/index.js":  "",
		"alpha2/function.json":     manual,
		"alpha2/RUN.py":            "",
		"alpha2/a.txt":             "",
		"deep/below/function.json": manual,
	})
	require.NoError(t, os.Symlink("gamma", filepath.Join(root, "delta")))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(root, "dangling")))
	require.NoError(t, os.Symlink("self", filepath.Join(root, "self")))
	found := discover(t, root, Options{
		Lookup:       settings(map[string]string{"R": "things", "C": "DURANGO_REDIS", "DURANGO_REDIS": "redis://x"}),
		DefaultRetry: &RetryPolicy{Strategy: FixedDelay, MaxRetryCount: 9},
	})
	require.Empty(t, found.Errors)
	require.Equal(t, []string{"Found functions with more than one language. Select a language for your function app by specifying " +
		"FUNCTIONS_WORKER_RUNTIME AppSetting"}, found.Warnings)
	var names []string
	for _, f := range found.Functions {
		names = append(names, f.Name+" "+f.Language)
	}
	require.Equal(t, []string{"Alpha node", "alpha2 python", "beta node", "delta node", "gamma node"}, names)

	beta := found.Function("BETA")
	require.Equal(t, filepath.Join(root, "beta"), beta.Dir)
	require.Equal(t, filepath.Join(root, "lib/beta.js"), beta.ScriptFile)
	require.Equal(t, "main", beta.EntryPoint)
	require.Equal(t, &RetryPolicy{Strategy: FixedDelay, MaxRetryCount: 3, DelayInterval: 5 * time.Second}, beta.Retry)
	require.Equal(t, 9, found.Function("alpha").Retry.MaxRetryCount)
	require.Equal(t, "req", beta.Trigger().Name)
	require.Equal(t, In, beta.Trigger().Direction)
	require.Equal(t, "string", beta.Trigger().DataType)
	require.Equal(t, "things/{id}", beta.Trigger().StringProperty("Route"))
	require.Equal(t, In, beta.Binding("starter").Direction, "a missing direction is in")
	require.Equal(t, "DURANGO_REDIS", beta.Binding("starter").Connection)
	require.True(t, json.Valid(beta.Config))
	require.Contains(t, string(beta.Config), `"%R%/{id}"`, "as the author wrote it")
	require.NotContains(t, string(beta.Config), "comments")
	require.Equal(t, filepath.Join(root, "alpha2/RUN.py"), found.Function("alpha2").ScriptFile)
	require.Nil(t, found.Function("nobody"))
}

func TestDiscoverReasons(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config string
		want   []string
	}{
		"not JSON": {"{\n  \"bindings\": [\n    {\"name\" \"x\"}\n  ]\n}",
			[]string{"F/function.json:3:13: syntax error: found a string, expected ':' after the key."}},
		"missing comma": {"{\n  \"bindings\": []\n  \"scriptFile\": \"x\"\n}",
			[]string{`F/function.json:3:3: syntax error: found "scriptFile", expected ',' or '}' after the value.`}},
		"ends early":  {"{\n \"bindings\": [", []string{"F/function.json:2:15: syntax error: the file ends before the '[' of line 2 is closed."}},
		"empty":       {"", []string{"F/function.json:1:1: syntax error: the file is empty, expected an object in '{' and '}'."}},
		"no object":   {"[1]", []string{"F/function.json:1:1: the value is [1], expected an object."}},
		"too deep":    {strings.Repeat("[", 200), []string{"F/function.json:1:101: objects and arrays are nested more than 100 deep."}},
		"not UTF-8":   {"{\"a\": \"\xff\"}", []string{"F/function.json:1:8: byte 0xff is no valid UTF-8, save the file as UTF-8."}},
		"UTF-16":      {"\xff\xfe{\x00}\x00", []string{"F/function.json: is encoded as UTF-16, save it as UTF-8."}},
		"no bindings": {"{\n}", []string{"At least one binding must be declared. (F/function.json:1)"}},
		"empty bindings": {"{\n \"bindings\": []}",
			[]string{"At least one binding must be declared. (F/function.json:2)"}},
		"bindings of another type": {`{"bindings": {}}`, []string{"F/function.json:1:14: bindings is {}, expected an array of objects."}},
		"binding of another type":  {`{"bindings": ["x"]}`, []string{`F/function.json:1:15: bindings[0] is "x", expected an object.`}},
		"name of another type": {`{"bindings": [{"name": 5, "type": "manualTrigger"}]}`,
			[]string{"F/function.json:1:24: bindings[0].name is 5, expected a string."}},
		"bad name": {`{"bindings": [{"name": "a_b", "type": "manualTrigger"}]}`,
			[]string{"The binding name a_b is invalid. Please assign a valid name to the binding. (F/function.json:1; expected a letter followed by letters and digits, or $return)"}},
		"no name": {`{"bindings": [{"type": "manualTrigger"}]}`,
			[]string{`The binding name  is invalid. Please assign a valid name to the binding. (F/function.json:1; "name" is missing)`}},
		"return in": {`{"bindings": [{"name": "$return", "type": "manualTrigger", "direction": "in"}]}`,
			[]string{"$return bindings must specify a direction of 'out'. (F/function.json:1)"}},
		"no type": {`{"bindings": [{"name": "x"}]}`,
			[]string{"Binding 'x' is invalid. Bindings must specify a Type. (F/function.json:1)"}},
		"bad direction": {"{\"bindings\": [\n{\"name\": \"x\", \"type\": \"manualTrigger\",\n\"direction\": \"into\"}]}",
			[]string{"'into' is not a valid binding direction. (F/function.json:3; expected in, out or inout)"}},
		"bad dataType": {`{"bindings": [{"name": "x", "type": "manualTrigger", "dataType": "text"}]}`,
			[]string{`F/function.json:1:66: bindings[0].dataType is "text", expected one of undefined, string, binary, stream.`}},
		"bad cardinality": {`{"bindings": [{"name": "x", "type": "manualTrigger", "cardinality": "few"}]}`,
			[]string{`F/function.json:1:69: bindings[0].cardinality is "few", expected one of one, many.`}},
		"same names": {"{\"bindings\": [{\"name\": \"x\", \"type\": \"manualTrigger\"},\n{\"name\": \"X\", \"type\": \"redis\", \"direction\": \"out\"}]}",
			[]string{"Multiple bindings with name 'X' discovered. Binding names must be unique. (F/function.json:2)"}},
		"two triggers": {"{\"bindings\": [{\"name\": \"x\", \"type\": \"manualTrigger\"},\n{\"name\": \"y\", \"type\": \"timerTrigger\"}]}",
			[]string{"Multiple trigger bindings defined. A function can only have a single trigger binding. (F/function.json:2)"}},
		"no trigger": {`{"bindings": [{"name": "starter", "type": "orchestrationClient", "direction": "out"}]}`,
			[]string{"No trigger binding specified. A function must have a trigger input binding. (F/function.json:1)"}},
		"trigger out": {`{"bindings": [{"name": "t", "type": "manualTrigger", "direction": "out"}]}`, []string{
			"No trigger binding specified. A function must have a trigger input binding. (F/function.json:1; the direction of t is out, a trigger's is in)",
			"The binding type 'manualTrigger' of 't' cannot be used with direction 'out', expected 'in' or 'inout'. (F/function.json:1)"}},
		"unknown types": {"{\"bindings\": [{\"name\": \"x\", \"type\": \"manualTrigger\"}, {\"name\": \"y\", \"type\": \"orchestrationClent\"},\n{\"name\": \"z\", \"type\": \"blob\"}]}",
			[]string{`The binding type(s) 'orchestrationClent, blob' are not registered. Please ensure the type is correct and the binding extension is installed. (F/function.json:1; did you mean "orchestrationClient"?; F/function.json:2)`}},
		"output without direction": {`{"bindings": [{"name": "x", "type": "manualTrigger"}, {"name": "res", "type": "http"}]}`,
			[]string{`The binding type 'http' of 'res' cannot be used with direction 'in', expected 'out'. (F/function.json:1; "direction" is missing, which means in)`}},
		"unresolved": {"{\"bindings\": [{\"name\": \"x\", \"type\": \"manualTrigger\",\n\"key\": \"a%NOT_THERE%b\"}]}",
			[]string{"'%NOT_THERE%' does not resolve to a value. (F/function.json:2; bindings[0].key: set the app setting NOT_THERE)"}},
		"missing script": {`{"scriptFile": "indx.js", "bindings": [{"name": "x", "type": "manualTrigger"}]}`,
			[]string{`Invalid script file name configuration. The 'scriptFile' property is set to a file that does not exist. (F/function.json:1; no file "indx.js" (did you mean "index.js"?))`}},
		"script is a folder": {`{"scriptFile": "../lib", "bindings": [{"name": "x", "type": "manualTrigger"}]}`,
			[]string{`Invalid script file name configuration. The 'scriptFile' property is set to a file that does not exist. (F/function.json:1; no file "../lib")`}},
		"script of another type": {`{"scriptFile": 1, "bindings": [{"name": "x", "type": "manualTrigger"}]}`,
			[]string{`F/function.json:1:16: scriptFile is 1, expected a string.`}},
		"configurationSource": {`{"configurationSource": "attribute", "bindings": [{"name": "x", "type": "manualTrigger"}]}`,
			[]string{`Illegal value 'attribute' for 'configurationSource' property in F. (F/function.json:1)`}},
		"disabled": {`{"disabled": 1, "bindings": [{"name": "x", "type": "manualTrigger"}]}`,
			[]string{`F/function.json:1:14: disabled is 1, expected true, false or the name of an app setting.`}},
		"retry without count": {`{"retry": {"strategy": "fixedDelay", "delayInterval": "1"}, "bindings": [{"name": "x", "type": "manualTrigger"}]}`,
			[]string{`F/function.json:1:11: retry.maxRetryCount is missing, expected a whole number, -1 for ever.`}},
		"retry with a bad strategy": {`{"retry": {"strategy": "never", "maxRetryCount": 1}, "bindings": [{"name": "x", "type": "manualTrigger"}]}`,
			[]string{`F/function.json:1:24: retry.strategy is "never", expected "fixedDelay" or "exponentialBackoff".`}},
		"retry with a bad interval": {`{"retry": {"strategy": "exponentialBackoff", "maxRetryCount": 1, "minimumInterval": "5s", "maximumInterval": 7}, "bindings": [{"name": "x", "type": "manualTrigger"}]}`,
			[]string{`F/function.json:1:85: retry.minimumInterval is "5s", expected a time span of 0 or more, "hh:mm:ss".`,
				`F/function.json:1:110: retry.maximumInterval is 7, expected a time span of 0 or more, "hh:mm:ss".`}},
		"retry the wrong way round": {`{"retry": {"strategy": "exponentialBackoff", "maxRetryCount": 1, "minimumInterval": "00:01:00", "maximumInterval": "00:00:01"}, "bindings": [{"name": "x", "type": "manualTrigger"}]}`,
			[]string{`F/function.json:1:85: retry.minimumInterval is "00:01:00", expected no more than maximumInterval, 00:00:01.`}},
		"methods": {httpWith(`, "methods": "get"`),
			[]string{`F/function.json:1:84: bindings[0].methods is "get", expected an array of HTTP methods such as ["get", "post"].`}},
		"unknown method": {httpWith(`, "methods": ["get", "fetch"]`),
			[]string{`F/function.json:1:92: bindings[0].methods[1] is "fetch", expected one of get, post, delete, head, patch, put, options, trace.`}},
		"authLevel": {httpWith(`, "authLevel": "none"`),
			[]string{`F/function.json:1:86: bindings[0].authLevel is "none", expected one of anonymous, function, admin.`}},
		"route of another type": {httpWith(`, "route": 5`), []string{`F/function.json:1:82: bindings[0].route is 5, expected a string.`}},
		"reserved route": {httpWith(`, "route": "/Administration/x"`),
			[]string{`The specified route conflicts with one or more built in routes. (F/function.json:1; a route cannot begin with admin)`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := app(t, map[string]string{
				"F/function.json": tt.config, "F/index.js": "", "lib/x.js": "", "Good/function.json": manual, "Good/index.js": "",
			})
			found := discover(t, root, Options{})
			require.Len(t, found.Errors, 1)
			require.Equal(t, "F", found.Errors[0].Function)
			require.Equal(t, tt.want, found.Errors[0].Reasons)
			require.Len(t, found.Functions, 1, "a broken function stops no other")
		})
	}
}

func TestDiscoverFolders(t *testing.T) {
	t.Parallel()
	root := app(t, map[string]string{
		"1st/function.json": manual, "1st/index.js": "",
		"Host/function.json": manual, "Host/index.js": "",
		"none/function.json": manual,
		"many/function.json": manual, "many/a.js": "", "many/b.js": "", "many/.a.js.swp": "",
		"one/function.json": manual, "one/a.js": "", "one/.a.js.swp": "", "one/a.js~": "",
		"isdir/function.json/x": "",
	})
	require.NoError(t, os.Mkdir(filepath.Join(root, "pipe"), 0o755))
	require.NoError(t, syscall.Mkfifo(filepath.Join(root, "pipe", ConfigFile), 0o644))
	found := discover(t, root, Options{})
	reasons := map[string]string{}
	for _, e := range found.Errors {
		reasons[e.Function] = strings.Join(e.Reasons, " | ")
	}
	require.Equal(t, map[string]string{
		"1st":   "'1st' is not a valid function name. (expected a letter, then up to 127 letters, digits, _ and -; host is reserved)",
		"Host":  "'Host' is not a valid function name. (expected a letter, then up to 127 letters, digits, _ and -; host is reserved)",
		"none":  noScript + " (the folder has no file but function.json)",
		"many":  noScript + " (the folder has a.js, b.js)",
		"isdir": "isdir/function.json: is a directory, expected a file.",
		"pipe":  "pipe/function.json: is a pipe, expected a file.",
	}, reasons)
	require.Len(t, found.Functions, 1)
	require.Equal(t, "one", found.Functions[0].Name)

	custom := discover(t, root, Options{CustomHandler: true, AllowList: []string{"NONE", "nine"}})
	require.Empty(t, custom.Errors, "errors of others are left out")
	require.Equal(t, "", custom.Functions[0].ScriptFile)
	require.Equal(t, []string{`The function allow list names "nine", but there is no such function (did you mean "none"?).`}, custom.Warnings)

	_, err := Discover(filepath.Join(root, "nowhere"), Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Discover(filepath.Join(root, "one", "a.js"), Options{})
	require.Error(t, err)
}

func TestDiscoverFunctionsTogether(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"A/function.json": httpWith(`, "route": "/Items/{id}/", "methods": ["get", "put"]`),
		"B/function.json": httpWith(`, "route": "items/{id}", "methods": ["post"]`),
		"C/function.json": httpWith(`, "route": "items/{ID}", "methods": ["PUT", "delete"]`),
		"D/function.json": httpWith(`, "route": "items/{other}"`),
		"E/function.json": httpWith(``),
		"f/function.json": httpWith(`, "route": "e"`),
		"G/function.json": manual,
		"g/function.json": manual,
	}
	for name := range files {
		files[filepath.Dir(name)+"/index.js"] = ""
	}
	found := discover(t, app(t, files), Options{RoutePrefix: "api"})
	var got []string
	for _, e := range found.Errors {
		got = append(got, e.Error())
	}
	require.Equal(t, []string{
		"function C: The route specified conflicts with the route defined by function 'A'. (C/function.json:1)",
		"function f: The route specified conflicts with the route defined by function 'E'. (f/function.json:1)",
		"function g: The function or proxy name 'g' must be unique within the function app. (names do not differ by case alone)",
	}, got)
	require.Len(t, found.Functions, 5)

	found = discover(t, app(t, map[string]string{"A/function.json": httpWith(""), "A/index.js": ""}), Options{RoutePrefix: "Runtime/x"})
	require.Len(t, found.Errors, 1)
	require.Contains(t, found.Errors[0].Reasons[0], reservedRoute)
}

func TestDisabled(t *testing.T) {
	t.Parallel()
	with := func(disabled string) string {
		return `{"disabled": ` + disabled + `, "bindings": [{"name": "x", "type": "manualTrigger", "key": "%MISSING%"}]}`
	}
	tests := map[string]struct {
		config   string
		settings map[string]string
		want     bool
		warning  string
	}{
		"by true":         {config: with("true"), want: true},
		"by text":         {config: with(`"True"`), want: true},
		"by setting":      {config: with(`"IS_OFF"`), settings: map[string]string{"IS_OFF": "1"}, want: true},
		"by %setting%":    {config: with(`"%IS_OFF%"`), settings: map[string]string{"IS_OFF": "true"}, want: true},
		"absent setting":  {config: with(`"IS_OFF"`), settings: map[string]string{"MISSING": "x"}},
		"by the app":      {config: with("false"), settings: map[string]string{"AzureWebJobs.F.Disabled": "TRUE"}, want: true},
		"in other words":  {config: with("false"), settings: map[string]string{"AzureWebJobs__F__Disabled": "1"}, want: true},
		"not by the app":  {config: with("false"), settings: map[string]string{"AzureWebJobs.F.Disabled": "0", "MISSING": "x"}},
		"by a bad switch": {config: with("false"), settings: map[string]string{"AzureWebJobs.F.Disabled": "yes", "MISSING": "x"}, warning: `AzureWebJobs.F.Disabled is "yes"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := discover(t, app(t, map[string]string{"F/function.json": tt.config, "F/index.js": ""}), Options{Lookup: settings(tt.settings)})
			require.Empty(t, found.Errors, "a disabled function may lack its settings")
			require.Equal(t, tt.want, found.Functions[0].Disabled)
			if tt.warning != "" {
				require.Contains(t, strings.Join(found.Warnings, "\n"), tt.warning)
			} else if !tt.want {
				require.Empty(t, found.Warnings)
			}
		})
	}
}

func TestDiscoverWarnings(t *testing.T) {
	t.Parallel()
	root := app(t, map[string]string{
		"F/function.json": "{\"bindins\": 1,\n\"bindings\": [{\"name\": \"x\", \"type\": \"manualTrigger\",\n\"key\": 1, \"key\": 2, \"connection\": \"NOPE\"}],\n" +
			`"retry": {"strategy": "fixedDelay", "maxRetryCount": -1, "delayInterval": "00:00:01", "delay": 1}}`,
		"F/index.js": "",
	})
	found := discover(t, root, Options{Lookup: settings(map[string]string{WorkerRuntimeSetting: "python"})})
	require.Empty(t, found.Errors)
	require.Equal(t, []string{
		`F/function.json:3:11: the key "key" is given twice, first in line 3; the last one counts.`,
		`F/function.json:1:2: unknown key "bindins" (did you mean "bindings"?).`,
		`F/function.json:3:35: the connection names the app setting "NOPE", which is not set.`,
		`F/function.json:4:87: unknown key retry.delay.`,
		`Did not find functions with language [python].`,
	}, found.Warnings)
	require.JSONEq(t, "2", string(found.Functions[0].Bindings[0].Property("KEY")))
}

func TestResolveSettings(t *testing.T) {
	t.Parallel()
	lookup := settings(map[string]string{"A": "1", "Long_Name.x:y-z": "%A%"})
	for in, want := range map[string]string{
		"": "", "plain": "plain", "%A%": "1", "x%A%y%A%": "x1y1", "100%": "100%", "5% of 7%": "5% of 7%", "%%": "%%", "{%A%}/%A%": "{%A%}/1",
		"%Long_Name.x:y-z%": "%A%", "}%A%": "}1", "%A": "%A",
	} {
		got, missing := ResolveSettings(in, lookup)
		require.Equal(t, want, got, in)
		require.Empty(t, missing, in)
	}
	got, missing := ResolveSettings("%A%%B%{%C%}%D%", lookup)
	require.Equal(t, "1%B%{%C%}%D%", got)
	require.Equal(t, []string{"B", "D"}, missing)
}

func TestParseTimeSpan(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{
		"00:00:30": 30 * time.Second, "01:02:03": time.Hour + 2*time.Minute + 3*time.Second, "1.00:00:00": 24 * time.Hour,
		"2.03:00": 51 * time.Hour, "1:02": 62 * time.Minute, "-1": -24 * time.Hour, "10": 240 * time.Hour, "00:00:00.5": 500 * time.Millisecond,
		"00:00:00.0000001": 100, "24:00:00": 24 * 24 * time.Hour, "25:01:02": 25*24*time.Hour + time.Hour + 2*time.Minute,
		"1:02:03:04": 26*time.Hour + 3*time.Minute + 4*time.Second, " 00:00:01 ": time.Second, "36500.00:00:00": 36500 * 24 * time.Hour,
		"-00:00:01": -time.Second,
	} {
		got, err := ParseTimeSpan(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
		back, err := ParseTimeSpan(FormatTimeSpan(got))
		require.NoError(t, err)
		require.Equal(t, got, back, FormatTimeSpan(got))
	}
	for _, in := range []string{"", "-", ":", "1:", "::", "5s", "00:60:00", "00:00:60", "1.24:00:00", "1:2:3:4:5", "00:00:00.", "00:00:00.12345678",
		"+1", "1.5", "0x1:00:00", "99999999999999999999", "106752", "9223372036854775807.00:00:00", "1e3", "--1", "00:-1:00"} {
		_, err := ParseTimeSpan(in)
		require.Error(t, err, in)
	}
}
