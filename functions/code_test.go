package functions

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func declared(trigger string) json.RawMessage {
	return json.RawMessage(`{"bindings": [{"name": "input", "type": "` + trigger + `", "direction": "in"}]}`)
}

func TestDiscoverCode(t *testing.T) {
	t.Parallel()
	root := app(t, map[string]string{
		"Own/function.json":      manual,
		"Own/own.go":             "package own",
		"Own/own_test.go":        "package own",
		"Own/data.json":          "{}",
		"Named/function.json":    `{"entryPoint": "shared", "scriptFile": "named.go", "bindings": [{"name": "input", "type": "manualTrigger", "direction": "in"}]}`,
		"Named/named.go":         "package named",
		"Again/function.json":    `{"entryPoint": "Shared", "scriptFile": "../gone.go", "bindings": [{"name": "input", "type": "manualTrigger", "direction": "in"}]}`,
		"Bare/function.json":     manual,
		"Bare/README.md":         "no code at all",
		"Activity/function.json": manualConfigOf("orchestrationTrigger"),
		"Script/function.json":   manual,
		"Script/index.js":        "",
		"Script/helper.go":       "package script",
		"Package/code.go":        "package code",
	})
	found := discover(t, root, Options{Code: []Code{
		{Name: "own", Source: "main.go:1"}, {Name: "Shared", Source: "main.go:2"}, {Name: "BARE", Source: "main.go:3"},
		{Name: "Activity", Source: "main.go:4", Config: declared("orchestrationTrigger"), Implied: true},
		{Name: "Declared", Source: "main.go:5", Config: declared("manualTrigger")},
		{Name: "Package", Source: "main.go:6", Config: declared("manualTrigger")},
	}})
	require.Empty(t, found.Errors)
	require.Empty(t, found.Warnings)
	var got []string
	for _, f := range found.Functions {
		got = append(got, f.Name+" "+f.Language+" "+f.Handler+" "+f.Source)
	}
	require.Equal(t, []string{
		"Activity go Activity Activity/function.json", "Again go Shared Again/function.json", "Bare go Bare Bare/function.json",
		"Declared go Declared main.go:5", "Named go shared Named/function.json", "Own go Own Own/function.json",
		"Package go Package main.go:6", "Script node  Script/function.json",
	}, got)
	require.Empty(t, found.Function("Again").ScriptFile, "deployed without its code")
	require.Empty(t, found.Function("Declared").Dir)
	require.JSONEq(t, string(declared("manualTrigger")), string(found.Function("Declared").Config))
}

func manualConfigOf(trigger string) string { return string(declared(trigger)) }

func TestDiscoverCodeWithoutFolder(t *testing.T) {
	t.Parallel()
	found := discover(t, "", Options{AllowList: []string{"b"}, Code: []Code{
		{Name: "A", Source: "main.go:1", Config: declared("manualTrigger")}, {Name: "B", Source: "main.go:2", Config: declared("manualTrigger")},
	}})
	require.Empty(t, found.Errors)
	require.Len(t, found.Functions, 1)
	require.Equal(t, "B", found.Functions[0].Name)
}

func TestDiscoverCodeFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files    map[string]string
		code     []Code
		want     []string
		warnings []string
	}{
		"plain durango": {map[string]string{"F/function.json": manual, "F/f.go": "package f"}, nil,
			[]string{`function F: The function is written in Go (f.go), and Go functions are part of a program of their own: start the app with ` +
				`"go run . start" in the folder of its package main, or with the program that "go build" makes there.`}, nil},
		"plain durango, all in code": {map[string]string{"main.go": `import "github.com/durango-functions/durango"`}, nil, nil,
			[]string{`The folder holds a program in Go (main.go), whose functions run when it is started itself: "go run . start".`}},
		"no handler": {map[string]string{"Hello/function.json": manual, "Hello/f.go": "package f"}, []Code{{Name: "Helo", Source: "main.go:1", Config: declared("manualTrigger")}},
			[]string{`function Hello: The function is written in Go (f.go), but the app's program registers no handler "Hello": add app.Function("Hello", handler) ` +
				`before app.Main(). (there is one called "Helo")`}, nil},
		"no declaration": {nil, []Code{{Name: "F", Source: "main.go:1"}},
			[]string{"function F: The handler is registered at main.go:1, but nothing declares when it runs: make the folder F with a function.json, or add a trigger " +
				"such as durango.HTTPTrigger{} to the registration."}, nil},
		"registered twice": {nil, []Code{{Name: "F", Source: "main.go:1", Config: declared("manualTrigger")}, {Name: "f", Source: "main.go:2", Config: declared("manualTrigger")}},
			[]string{"function F: The handler 'F' is registered 2 times, at main.go:1 and main.go:2: a name stands for one handler, and case does not tell names apart."}, nil},
		"registered twice, with a folder": {map[string]string{"F/function.json": manual}, []Code{{Name: "F", Source: "main.go:1"}, {Name: "f", Source: "main.go:2"}},
			[]string{"function F: The handler 'F' is registered 2 times, at main.go:1 and main.go:2: a name stands for one handler, and case does not tell names apart."}, nil},
		"script and handler": {map[string]string{"F/function.json": manual, "F/index.js": ""}, []Code{{Name: "F", Source: "main.go:1"}},
			[]string{"function F: The function has the script index.js and a handler in Go as well, registered at main.go:1: remove one of them."}, nil},
		"another trigger": {map[string]string{"F/function.json": manual}, []Code{{Name: "F", Source: "main.go:1", Config: declared("orchestrationTrigger"), Implied: true}},
			[]string{"function F: F/function.json declares the trigger manualTrigger, but the registration at main.go:1 is for orchestrationTrigger: change one of them."}, nil},
		"declared twice": {map[string]string{"F/function.json": manual}, []Code{{Name: "F", Source: "main.go:1", Config: declared("manualTrigger")}}, nil,
			[]string{"F/function.json declares the function F; what the registration at main.go:1 says of triggers and bindings has no effect."}},
		"not used": {map[string]string{"F/function.json": `{"entryPoint": "G", "bindings": [{"name": "input", "type": "manualTrigger", "direction": "in"}]}`},
			[]Code{{Name: "F", Source: "main.go:1"}, {Name: "G", Source: "main.go:2"}}, nil,
			[]string{"The handler 'F' registered at main.go:1 is not used, since the entryPoint of F/function.json names another one."}},
		"bad name": {nil, []Code{{Name: "1", Source: "main.go:1", Config: declared("manualTrigger")}},
			[]string{"function 1: '1' is not a valid function name. (expected a letter, then up to 127 letters, digits, _ and -; host is reserved)"}, nil},
		"unknown type": {nil, []Code{{Name: "F", Source: "main.go:1", Config: declared("manulTrigger")}},
			[]string{"function F: The binding type(s) 'manulTrigger' are not registered. Please ensure the type is correct and the binding extension is installed. " +
				`(main.go:1; did you mean "manualTrigger"?)`}, nil},
		"bad value": {nil, []Code{{Name: "F", Source: "main.go:1", Config: json.RawMessage(`{"bindings":[{"name":"req","type":"httpTrigger","methods":["fetch"]}]}`)}},
			[]string{`function F: main.go:1: bindings[0].methods[0] is "fetch", expected one of get, post, delete, head, patch, put, options, trace.`}, nil},
		"routes": {map[string]string{"A/function.json": httpWith(`, "route": "r"`), "A/index.js": ""},
			[]Code{{Name: "B", Source: "main.go:1", Config: json.RawMessage(`{"bindings":[{"name":"req","type":"httpTrigger","route":"R"}]}`)}},
			[]string{"function B: The route specified conflicts with the route defined by function 'A'. (main.go:1)"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := discover(t, app(t, tt.files), Options{Code: tt.code})
			var got []string
			for _, e := range found.Errors {
				got = append(got, e.Error())
			}
			require.Equal(t, tt.want, got)
			require.Equal(t, tt.warnings, found.Warnings)
		})
	}
}
