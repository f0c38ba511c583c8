package functions

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGlob(t *testing.T) {
	t.Parallel()
	root := app(t, map[string]string{
		"index.js": "", "src/index.js": "", "src/functions/b.js": "", "src/functions/a.js": "", "src/functions/a.js.map": "",
		"src/functions/deep/er/c.mjs": "", "src/functions/.hidden.js": "", "src/node_modules/x/d.js": "", "src/[odd]{name}.js": "",
	})
	for _, c := range []struct {
		pattern string
		want    []string
	}{
		{"index.js", []string{"index.js"}},
		{"./src/*.js", []string{"src/[odd]{name}.js", "src/index.js"}},
		{"src/functions/*.js", []string{"src/functions/a.js", "src/functions/b.js"}},
		{"src/{index.js,functions/*.js}", []string{"src/index.js", "src/functions/a.js", "src/functions/b.js"}},
		{"src/functions/{b,a,b}.js", []string{"src/functions/b.js", "src/functions/a.js"}},
		{"{src,lib}/functions/{a,{b,c}}.{js,ts}", []string{"src/functions/a.js", "src/functions/b.js"}},
		{"src/**/*.{js,mjs}", []string{"src/[odd]{name}.js", "src/functions/a.js", "src/functions/b.js", "src/index.js", "src/functions/deep/er/c.mjs"}},
		{"src/functions/**", []string{"src/functions/a.js", "src/functions/a.js.map", "src/functions/b.js", "src/functions/deep/er/c.mjs"}},
		{"src/functions/[!b].js", []string{"src/functions/a.js"}},
		{"src/functions/[^b].js", []string{"src/functions/a.js"}},
		{"src/functions/?.js", []string{"src/functions/a.js", "src/functions/b.js"}},
		{"src/functions/.*.js", []string{"src/functions/.hidden.js"}},
		{"src/functions", nil},
		{"lib/*.js", nil},
		{"src/{unclosed.js", nil},
		{"../*/index.js", nil},
		{"[", nil},
	} {
		var got []string
		for _, file := range glob(root, c.pattern) {
			rel, err := filepath.Rel(root, file)
			require.NoError(t, err)
			got = append(got, filepath.ToSlash(rel))
		}
		require.Equal(t, c.want, got, c.pattern)
	}
}

func TestGlobFollowsNoCircle(t *testing.T) {
	t.Parallel()
	root := app(t, map[string]string{"src/a.js": ""})
	require.NoError(t, os.Symlink(root, filepath.Join(root, "src", "up")))
	require.Len(t, glob(root, "**/*.js"), 1)
}

func TestFindEntry(t *testing.T) {
	t.Parallel()
	const folder, v4 = "Hello/function.json", `"dependencies": {"@azure/functions": "^4.5.0"}`
	for _, c := range []struct {
		name    string
		files   map[string]string
		want    []string
		problem string
	}{
		{"no package.json", map[string]string{folder: manual}, nil, ""},
		{"what npm init writes, in an app of folders", map[string]string{"package.json": `{"main": "index.js"}`, folder: manual}, nil, ""},
		{"a main that is there, in an app of folders", map[string]string{"package.json": `{"main": "index.js"}`, folder: manual, "index.js": ""}, []string{"index.js"}, ""},
		{"a program that is no app", map[string]string{"package.json": `{"main": "server.js"}`, "server.js": ""}, nil, ""},
		{"an app without the package", map[string]string{"package.json": `{"main": "dist/main.js"}`, "dist/main.js": "", "host.json": "{}"}, []string{"dist/main.js"}, ""},
		{"without an extension", map[string]string{"package.json": `{"main": "./src/index", ` + v4 + `}`, "src/index.js": ""}, []string{"src/index.js"}, ""},
		{"a folder", map[string]string{"package.json": `{"main": "src", ` + v4 + `}`, "src/index.js": ""}, []string{"src/index.js"}, ""},
		{"a pattern", map[string]string{"package.json": `{"main": "src/{index.js,f/*.js}", ` + v4 + `}`, "src/index.js": "", "src/f/a.js": ""}, []string{"src/index.js", "src/f/a.js"}, ""},
		{"a pattern that matches nothing", map[string]string{"package.json": "{\n\"main\": \"src/f/*.js\"}", folder: manual}, nil,
			`package.json:2: main is "src/f/*.js", which matches no file in `},
		{"not compiled", map[string]string{"package.json": `{"main": "dist/*.js", ` + v4 + `}`, "tsconfig.json": "{}"}, nil,
			`which matches no file. The app is in TypeScript: compile it with "npx tsc"`},
		{"a file that is missing", map[string]string{"package.json": `{"main": "src/index.js", ` + v4 + `}`}, nil, `main is "src/index.js", and there is no such file`},
		{"no main", map[string]string{"package.json": `{` + v4 + `}`}, nil, `asks for @azure/functions ^4.5.0, but has no "main"`},
		{"no main, in an app of folders", map[string]string{"package.json": `{` + v4 + `}`, folder: manual}, nil, ""},
		{"a main that is no text", map[string]string{"package.json": `{"main": 5, "devDependencies": {"durable-functions": "3.5.0"}}`}, nil, "main is 5, expected a string"},
		{"a broken package.json", map[string]string{"package.json": `{"main": `, folder: manual}, nil, "package.json:1:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := app(t, c.files)
			e := FindEntry(root)
			var files []string
			for _, file := range e.Files {
				rel, err := filepath.Rel(root, file)
				require.NoError(t, err)
				files = append(files, rel)
			}
			require.Equal(t, c.want, files)
			if c.problem == "" {
				require.Empty(t, e.Problem)
			} else {
				require.Contains(t, e.Problem, c.problem)
			}
		})
	}
}

func TestRegisteredFunctions(t *testing.T) {
	t.Parallel()
	root := app(t, map[string]string{"Both/function.json": manual, "Both/index.js": "", "Folder/function.json": manual, "Folder/index.js": "", "src/a.js": ""})
	script := filepath.Join(root, "src", "a.js")
	config := func(properties string) json.RawMessage {
		return json.RawMessage(`{"bindings": [{"name": "httpTrigger1", "type": "httpTrigger", "direction": "in"` + properties + `}, {"name": "$return", "type": "http", "direction": "out"}]}`)
	}
	found := discover(t, root, Options{Registered: []Registered{
		{Name: "good", Source: "src/a.ts:3", Script: script, Config: config(`, "route": "a/{b}", "methods": ["GET"]`), Stream: true},
		{Name: "both", Source: "src/a.ts:5", Script: script, Config: config("")},
		{Name: "bad", Source: "src/a.ts:7", Script: script, Config: config(`, "methods": ["FETCH"], "authLevel": "none"`)},
		{Name: "retried", Source: "src/a.ts:9", Script: script, Config: json.RawMessage(
			`{"bindings": [{"name": "t", "type": "manualTrigger", "direction": "in"}], "retry": {"strategy": "fixedDelay", "maxRetryCount": 2, "delayInterval": "00:00:05"}}`)},
		{Name: "counter", Source: "src/a.ts:11", Script: script, Config: json.RawMessage(`{"bindings": [{"name": "t", "type": "queueTrigger", "direction": "in"}]}`)},
		{Name: "1st", Source: "src/a.ts:13", Script: script, Config: config("")},
		{Name: "GOOD", Source: "src/b.ts:1", Script: script, Config: config("")},
	}})
	names := make([]string, 0, len(found.Functions))
	for _, fn := range found.Functions {
		names = append(names, fn.Name)
	}
	require.Equal(t, []string{"Folder", "GOOD", "retried"}, names)
	good := found.Function("good")
	require.True(t, good.Registered)
	require.Equal(t, "node", good.Language)
	require.Equal(t, script, good.ScriptFile)
	require.Equal(t, 2, found.Function("retried").Retry.MaxRetryCount)
	reasons := map[string]string{}
	for _, e := range found.Errors {
		reasons[e.Function] = e.Error()
	}
	require.Contains(t, reasons["Both"], "The function 'both' is declared twice, by Both/function.json and by src/a.ts:5: remove one of them")
	require.Contains(t, reasons["bad"], `src/a.ts:7: bindings[0].methods[0] is "FETCH", expected one of get, post`)
	require.Contains(t, reasons["bad"], `authLevel is "none"`)
	require.Contains(t, reasons["counter"], "The binding type(s) 'queueTrigger' are not registered.")
	require.Contains(t, reasons["1st"], "'1st' is not a valid function name.")
	require.Contains(t, reasons["good"], "must be unique within the function app")

	allowed := discover(t, root, Options{AllowList: []string{"retried", "god"}, Registered: []Registered{{Name: "retried", Source: "s", Config: config("")}, {Name: "good", Config: config("")}}})
	require.Len(t, allowed.Functions, 1)
	require.Contains(t, allowed.Warnings[0], `did you mean "good"?`)
}

func TestPackageOfV4(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		`"@azure/functions": "^4.5.0"`: true, `"@azure/functions": "4"`: true, `"@azure/functions": ">=14.1"`: true, `"durable-functions": "~3.0.0"`: true,
		`"@azure/functions": "^3.5.1"`: false, `"@azure/functions": "latest"`: false, `"durable-functions": "2.1.4"`: false, `"x": "^4.0.0"`: false,
		`"@azure/functions": 4`: false,
	} {
		root := app(t, map[string]string{"package.json": `{"dependencies": {` + version + `}}`})
		require.Equal(t, want, FindEntry(root).Package != "", version)
	}
}
