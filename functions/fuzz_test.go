package functions

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// FuzzFunctionJSON checks that whatever stands in function.json makes either a function that keeps the rules, or reasons that say where.
func FuzzFunctionJSON(f *testing.F) {
	for _, seed := range []string{
		manual, httpWith(`, "route": "a/{id:int?}", "methods": ["get"], "authLevel": "anonymous"`), "", "{", "[]", "{}", "null",
		`{"bindings": [{"name": "$return", "type": "http", "direction": "out"}, {"name": "t", "type": "timerTrigger", "schedule": "%S%"}]}`,
		`{"disabled": "%X%", "scriptFile": "../F/index.js", "retry": {"strategy": "fixedDelay", "maxRetryCount": 1e1, "delayInterval": "1.00:00:00"}}`,
		"{\"a\": \"\\q\"}", "{\"a\": \"\\ud800\"}", "{/*", "// x", "{\"a\": {\"b\": [1, {\"c\": \"%Q%{%\"}]}}", strings.Repeat("[", 120),
		"\xef\xbb\xbf{}", "\xff\xfe", "{\"x\": \"\xff\"}", "{\"a\":1,\"a\":2}", `{"bindings": [{"NAME": "a", "name": "b", "Type": "manualTrigger"}]}`,
		"{\"a\": \"\n\"}", "{\"\u2028\": 1}//\u2028", "{'a': 1}",
	} {
		f.Add([]byte(seed))
	}
	root := f.TempDir()
	if err := os.Mkdir(filepath.Join(root, "F"), 0o755); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "F", "index.js"), nil, 0o644); err != nil {
		f.Fatal(err)
	}
	place := regexp.MustCompile(`F/function\.json(:[1-9][0-9]*)?`)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(filepath.Join(root, "F", ConfigFile), data, 0o644); err != nil {
			t.Fatal(err)
		}
		found, err := Discover(root, Options{KnownTypes: types, Lookup: settings(map[string]string{"S": "0 * * * * *"})})
		if err != nil {
			t.Fatal(err)
		}
		if len(found.Functions)+len(found.Errors) != 1 {
			t.Fatalf("%d functions and %d errors of one folder", len(found.Functions), len(found.Errors))
		}
		for _, e := range found.Errors {
			checkReasons(t, e, place)
		}
		for _, fn := range found.Functions {
			checkFunction(t, fn)
		}
	})
}

func checkReasons(t *testing.T, e *LoadError, place *regexp.Regexp) {
	t.Helper()
	if len(e.Reasons) == 0 {
		t.Fatal("an error without a reason")
	}
	for _, r := range e.Reasons {
		if !place.MatchString(r) {
			t.Fatalf("no place in %q", r)
		}
		if strings.Contains(r, "syntax error") && !strings.Contains(r, "F/function.json:") {
			t.Fatalf("no line in %q", r)
		}
	}
}

func checkFunction(t *testing.T, fn *Function) {
	t.Helper()
	if !json.Valid(fn.Config) {
		t.Fatalf("Config is no JSON: %s", fn.Config)
	}
	triggers := 0
	seen := map[string]bool{}
	for i := range fn.Bindings {
		b := &fn.Bindings[i]
		if b.IsTrigger() {
			triggers++
		}
		if !bindingName.MatchString(b.Name) || seen[strings.ToLower(b.Name)] || b.Type == "" {
			t.Fatalf("binding %+v was accepted", b)
		}
		seen[strings.ToLower(b.Name)] = true
		if !types(b.Type, b.Direction) {
			t.Fatalf("type %q with direction %q was accepted", b.Type, b.Direction)
		}
		for k, v := range b.Properties {
			if !json.Valid(v) {
				t.Fatalf("property %q is no JSON: %s", k, v)
			}
		}
	}
	if triggers != 1 || fn.ScriptFile == "" || fn.Trigger() == nil {
		t.Fatalf("function %+v was accepted", fn)
	}
}
