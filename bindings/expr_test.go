package bindings_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/bindings"
)

var data = map[string]json.RawMessage{
	"name": json.RawMessage(`"J\u00f6rg {x}"`), "n": json.RawMessage(`5`), "none": json.RawMessage(`null`), "a.b": json.RawMessage(`"dotted"`),
	"Order": json.RawMessage(`{"Id": 7, "lines": [{"sku": "s1"}, {"sku": "s2"}], "tags": {"x": [1, 2]}}`), "bad": json.RawMessage(`{`),
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                    "",
		"GET key":             "GET key",
		"GET {name}!":         "GET J\u00f6rg {x}!",
		"{NAME}{n}{none}":     "J\u00f6rg {x}5",
		"{ order.id }":        "7",
		"{order.lines.1.sku}": "s2",
		"{order.tags}":        `{"x":[1,2]}`,
		"{a.b}":               "dotted",
		"{{\"a\": {n}}}":      `{"a": 5}`,
		"{bad}":               "{",
		"\u00e4{n}\u00e4":     "\u00e45\u00e4",
	} {
		got, err := bindings.Resolve(in, data)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for in, want := range map[string]string{
		"{rand-guid}":                        `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$`,
		"{rand-guid:n}":                      `^[0-9a-f]{32}$`,
		"{sys.randGuid:B}":                   `^\{[0-9a-f-]{36}\}$`,
		"{rand-guid:P}":                      `^\([0-9a-f-]{36}\)$`,
		"{DateTime}":                         `^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ$`,
		"{sys.utcNow}":                       `^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ$`,
		"{datetime:yyyy/MM/ddTHH:mm:ss.fff}": `^\d{4}/\d\d/\d\dT\d\d:\d\d:\d\d\.\d{3}$`,
		"{datetime:yy}":                      `^\d\d$`,
	} {
		got, err := bindings.Resolve(in, data)
		require.NoError(t, err, in)
		require.Regexp(t, want, got, in)
	}
}

func TestResolveErrors(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"{nam}":              `nothing is called {nam}; known are Order, a.b, bad, n, name, none, sys.utcNow, rand-guid, datetime`,
		"{order.idd}":        "{order} has no property idd; it has Id, lines, tags",
		"{order.lines.2}":    "{order.lines} is an array of 2, 2 is no index",
		"{order.lines.x}":    "x is no index",
		"{name.x}":           "{name} is no object",
		"{none.x}":           "{none} is no object",
		"{bad.x}":            "{bad} is no object",
		"a {b":               "opening brace at position 3",
		"a {b {n}":           "opening brace at position 3",
		"a } b":              "closing brace at position 3",
		"{}":                 "has 0 characters",
		"{rand-guid:X}":      "no format of {rand-guid}",
		"{datetime:yyyy-DD}": `has 'D'`,
		"{datetime:hh}":      `has 'h'`,
	} {
		_, err := bindings.Resolve(in, data)
		require.ErrorContains(t, err, want, in)
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("a{b.0}{{c}}{datetime:yy}", "b", `["x"]`)
	f.Fuzz(func(_ *testing.T, template, name, value string) {
		_, _ = bindings.Resolve(template, map[string]json.RawMessage{name: json.RawMessage(value)})
	})
}
