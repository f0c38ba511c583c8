package route_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/triggers/http/route"
)

// match matches one path with a table of one template; nil is no match.
func match(t testing.TB, template, path string) map[string]string {
	t.Helper()
	parsed, err := route.Parse(template)
	require.NoError(t, err)
	table, err := route.NewTable([]route.Entry[int]{{Template: parsed, Value: 1}})
	require.NoError(t, err)
	v, params, ok := table.Match("GET", path)
	if !ok {
		return nil
	}
	require.Equal(t, 1, v)
	return params
}

type params = map[string]string

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		template, path string
		want           params // nil: no match
	}{
		{"", "/", params{}},
		{"", "/a", nil},
		{"api/hello", "/api/hello", params{}},
		{"/api/hello/", "/api/hello", params{}},
		{"~/api/hello", "/~/api/hello", params{}},
		{"api/Hello", "/API/hELLO/", params{}},
		{"api/hello", "/api/h%65llo", params{}},
		{"api/hello", "/api/hello//", nil},
		{"api/hello", "/api//hello", nil},
		{"api/hello", "/api/hello/x", nil},
		{"api/hello", "/api%2Fhello", nil},
		{"api/hello", "/x/../api/./hello", params{}},
		{"api/hello", "/api/x/%2e%2E/hello", params{}},
		{"api/hello", "/../../api/hello", params{}},
		{"api/hello", "api/hello", nil},
		{"api/hello", "*", nil},
		{"{*rest}", "*", nil},
		{"{*rest}", "", params{}},
		{"café/a.b+c", "/caf%C3%A9/a.b+c", params{}},
		{"café/a.b+c", "/caf%C3%A9/axb+c", nil},
		{"100%", "/100%25", params{}},

		{"x/{id}", "/x/5", params{"id": "5"}},
		{"x/{id}", "/X/a%20b%2Fc%25d", params{"id": "a b/c%d"}},
		{"x/{id}", "/x/%252F", params{"id": "%2F"}},
		{"x/{id}", "/x/a%0Ab", params{"id": "a\nb"}},
		{"x/{id}", "/x/%FF", params{"id": "\xff"}},
		{"x/{id}", "/x/", nil},
		{"x/{id}", "/x", nil},
		{"x/{id?}", "/x", params{}},
		{"x/{id?}", "/x/", params{}},
		{"x/{id?}", "/x/1", params{"id": "1"}},
		{"x/{id?}", "/x/1/2", nil},
		{"x/{a?}/{b?}", "/x/1", params{"a": "1"}},
		{"x/{a?}/{b?}", "/x/1/2", params{"a": "1", "b": "2"}},
		{"x/{a?}/y", "/x/y", nil},
		{"x/{a?}/y", "/x/1/y", params{"a": "1"}},
		{"x/{id=5}", "/x", params{"id": "5"}},
		{"x/{id=5}", "/x/6", params{"id": "6"}},
		{"x/{id:int=5}", "/x/a", nil},
		{"x/{id:int=five}", "/x", nil},
		{"x/{id=a:b/c}", "/x", params{"id": "a:b/c"}},
		{"{a=1}/{b=2}/{*c}", "/", params{"a": "1", "b": "2"}},
		{"x/{*rest}", "/x", params{}},
		{"x/{*rest}", "/x/", params{}},
		{"x/{*rest}", "/x/a/b%2Fc/", params{"rest": "a/b/c/"}},
		{"x/{**rest}", "/x/a//b", params{"rest": "a//b"}},
		{"x/{*rest}", "/x//a", nil},
		{"x/{*rest=d}", "/x", params{"rest": "d"}},
		{"x/{*rest:minlength(3)}", "/x", nil},
		{"x/{*rest:minlength(3)}", "/x/a/", nil},
		{"x/{*rest:minlength(3)}", "/x/a/b", params{"rest": "a/b"}},

		{"{a}.{b}", "/x.y.z", params{"a": "x.y", "b": "z"}},
		{"{a}.{b}", "/x.", nil},
		{"{a}.{b}", "/.y", nil},
		{"{a}-{b}-{c}", "/1-2-3-4", params{"a": "1-2", "b": "3", "c": "4"}},
		{"file-{name}.txt", "/FILE-abc.TXT", params{"name": "abc"}},
		{"file-{name}.txt", "/file-.txt", nil},
		{"file-{n:int}.txt", "/file-a.txt", nil},
		{"file-{n:int}.txt", "/file-7.txt", params{"n": "7"}},
		{"{a}.{ext?}", "/name", params{"a": "name"}},
		{"{a}.{ext?}", "/name.txt", params{"a": "name", "ext": "txt"}},
		{"{a}.{ext?}", "/n.ame.txt", params{"a": "n.ame", "ext": "txt"}},
		{"{a}.{ext?}", "/name.", nil},
		{"{a}.{ext:alpha?}/x", "/name.1/x", nil},
		{"{a}.{ext:alpha?}/x", "/name/x", params{"a": "name"}},
		{"v{v}-{a}.{ext?}", "/v1-2-b.c.d", params{"v": "1-2", "a": "b.c", "ext": "d"}},
		{"{{a}}{b}", "/%7Ba%7Dx", params{"b": "x"}},
	} {
		t.Run(c.template+" "+c.path, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, match(t, c.template, c.path))
		})
	}
}

func TestConstraints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		constraint string
		yes, no    []string
	}{
		{"int", []string{"0", "-5", "+5", " 7 ", "2147483647"}, []string{"a", "2147483648", "1.0", "1_0", "0x1"}},
		{"long", []string{"-9223372036854775808"}, []string{"9223372036854775808", "x"}},
		{"bool", []string{"true", "FALSE", " True "}, []string{"1", "yes"}},
		{"datetime", []string{"2016-12-31", "2016-12-31 7:32pm", "2016-12-31T19:32:01.5Z", "12/31/2016", "31 Dec 2016", "2016-12-31T19:32+02:00",
			"Sat, 31 Dec 2016 19:32:00 GMT", "19:32"}, []string{"now", "2016-13-01", "12", "31/12/2016", strings.Repeat("1", 100)}},
		{"decimal", []string{"1", "-1.5", "1,000.5", ".5", "5.", "3-", "79228162514264337593543950335"},
			[]string{"1e5", "a", ".", "79228162514264337593543950336", "-1-", ""}},
		{"double", []string{"1", "-1.5e10", "1,000.5", "NaN", "-Infinity", ".5"}, []string{"1e", "a", "0x1p3", "."}},
		{"float", []string{"1.5", "1E-3"}, []string{"1.2.3", "inf"}},
		{"guid", []string{"6f9619ff-8b86-d011-b42d-00cf4fc964ff", "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}", "6f9619ff8b86d011b42d00cf4fc964ff",
			"(6f9619ff-8b86-d011-b42d-00cf4fc964ff)"}, []string{"6f9619ff-8b86-d011-b42d-00cf4fc964f", "(6f9619ff-8b86-d011-b42d-00cf4fc964ff}", "x"}},
		{"alpha", []string{"abcXYZ"}, []string{"a1", "é", "a-b"}},
		{"length(3)", []string{"abc", "a😀"}, []string{"ab", "abcd", "😀😀"}},
		{"length(2,3)", []string{"ab", "abc"}, []string{"a", "abcd"}},
		{"length( 2 , 3 )", []string{"ab"}, []string{"a"}},
		{"minlength(2)", []string{"ab", "abc"}, []string{"a"}},
		{"maxlength(2)", []string{"a", "ab"}, []string{"abc"}},
		{"min(-3)", []string{"-3", "100"}, []string{"-4", "x"}},
		{"max(3)", []string{"3", "-100"}, []string{"4", "x"}},
		{"range(1,10)", []string{"1", "10"}, []string{"0", "11", "x"}},
		{`regex(^\\d{{3}}-\\d+$)`, nil, []string{"123-4"}}, // two backslashes are a literal one
		{`regex(^\d{{3}}-\d+$)`, []string{"123-4"}, []string{"12-4", "1234", "x123-4"}},
		{`regex(^(a|b):c=(d)$)`, []string{"a:c=d", "B:C=D"}, []string{"c:c=d"}},
		{`regex(b)`, []string{"abc", "B"}, []string{"ac"}},
		{`regex(^[)(\]]+$)`, []string{"()]"}, []string{"a"}},
		{`regex(^[]a]+$)`, []string{"]a"}, []string{"b"}},
		{`regex(^[^])]+$)`, []string{"a"}, []string{"]"}},
		{`regex(^\($)`, []string{"("}, []string{")"}},
		{`regex(^a/b$)`, []string{"a/b"}, []string{"ab"}},
		{`regex(^a?$)`, []string{"a"}, []string{"b"}},
		{"required", []string{"a"}, nil},
		{"file", []string{"a.txt"}, []string{"a", "a."}},
		{"nonfile", []string{"a"}, []string{"a.txt"}},
		{"INT", []string{"1"}, []string{"a"}},
		{"int()", []string{"1"}, []string{"a"}},
		{"int:min(1)", []string{"1"}, []string{"0", "a"}},
		{"int:min(1):range(2,4):regex(^[0-3]$)", []string{"2", "3"}, []string{"1", "4"}},
	} {
		t.Run(c.constraint, func(t *testing.T) {
			t.Parallel()
			for _, v := range c.yes {
				want := params{"p": v}
				require.Equal(t, want, match(t, "x/{p:"+c.constraint+"}", "/x/"+url.PathEscape(v)), "value %q", v)
				require.Equal(t, want, match(t, "x/{p:"+c.constraint+"?}", "/x/"+url.PathEscape(v)), "value %q, optional", v)
			}
			for _, v := range c.no {
				require.Nil(t, match(t, "x/{p:"+c.constraint+"}", "/x/"+url.PathEscape(v)), "value %q", v)
			}
			require.Equal(t, params{}, match(t, "x/{p:"+c.constraint+"?}", "/x"))
			require.Nil(t, match(t, "x/{p:"+c.constraint+"}", "/x"))
		})
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		template string
		column   int
		want     string
	}{
		{"orders/{id", 8, `no closing "}"`},
		{"é/orders/{id}}", 10, `no closing "}"`},
		{"a/b}", 4, `"}" without "{"`},
		{"a/b?", 4, `marks an optional parameter`},
		{"a//b", 3, `two "/" in a row`},
		{"a/{b{c}", 5, `"{" inside a parameter`},
		{"a/{b:regex(^x{2}$)}", 14, `write "{{" and "}}"`},
		{"{a}{b}", 4, "two parameters in a row"},
		{"{*a}/b", 5, `follows the catch-all parameter "a"`},
		{"x{*a}", 2, "must be a segment of its own"},
		{"{*a?}", 1, `cannot be marked with "?"`},
		{"{a?}.{b}", 1, "must be at the end of its segment"},
		{"{a}-{b?}", 5, `only "." behind another parameter`},
		{"a.{b?}", 3, `only "." behind another parameter`},
		{"{a?=5}", 1, `must not contain '?'`},
		{"{a=5?}", 1, "cannot have a default value"},
		{"{}", 1, "has no name"},
		{"{:int}", 1, "has no name"},
		{"{a/b}", 1, "must not contain '/'"},
		{"a{{{b}}}", 4, "must not contain '}'"}, // "}}" is an escaped brace wherever it stands
		{"{a}/{A}", 5, `"A" appears twice`},
		{"{a:itn}", 1, `no constraint "itn"; did you mean "int"?`},
		{"{a:zzzzzz}", 1, `no constraint "zzzzzz", only alpha, bool, `},
		{"{a:}", 1, `a constraint is expected after ":"`},
		{"{a:int(3)}", 1, "takes no arguments"},
		{"{a:min}", 1, "min(1)"},
		{"{a:min()}", 1, `expected an integer, got ""`},
		{"{a:min(x)}", 1, `expected an integer, got "x"`},
		{"{a:range(1)}", 1, "expected 2 integers"},
		{"{a:range(2,1)}", 1, "the smaller one first"},
		{"{a:length(3,2)}", 1, "the smaller one first"},
		{"{a:length(1,2,3)}", 1, "one or two integers"},
		{"{a:length(-1)}", 1, "0 or more"},
		{"{a:maxlength(-1)}", 1, "0 or more"},
		{"{a:min(1}", 1, `no closing ")"`},
		{"{a:min(1)x}", 1, `comes "x"`},
		{"{a:regex((?=x))}", 1, "no look-around"},
		{`{a:regex((x)\1)}`, 1, "no back-references"},
		{"\xff", 1, "not valid UTF-8"},
		{strings.Repeat("a", 5000), 1, "longer than"},
		{strings.Repeat("a/", 65), 128, "more than 64 segments"},
	} {
		t.Run(c.template[:min(30, len(c.template))], func(t *testing.T) {
			t.Parallel()
			_, err := route.Parse(c.template)
			var e *route.Error
			require.ErrorAs(t, err, &e)
			require.Contains(t, e.Message, c.want)
			require.Equal(t, c.column, e.Column)
		})
	}
}

// TestPrecedence has each path match the template that is more specific, whatever the order of registration.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	ordered := []string{"x/y", "x/y/{z?}", "x/{n:int}", "x/{a}-{b}", "x/{id}", "x/{*rest:length(3)}", "x/{*rest}", "{a}/{b}", "{*all}"}
	for _, c := range []struct{ path, want string }{
		{"/x/y", "x/y"}, {"/x/y/z", "x/y/{z?}"}, {"/x/5", "x/{n:int}"}, {"/x/a-b", "x/{a}-{b}"}, {"/x/a", "x/{id}"},
		{"/x/a/b", "x/{*rest:length(3)}"}, {"/x/a/b/c", "x/{*rest}"}, {"/z/a", "{a}/{b}"}, {"/z", "{*all}"}, {"/", "{*all}"},
	} {
		for shift := range ordered {
			var entries []route.Entry[string]
			for i := range ordered {
				text := ordered[(i+shift)%len(ordered)]
				parsed, err := route.Parse(text)
				require.NoError(t, err)
				entries = append(entries, route.Entry[string]{Template: parsed, Value: text})
			}
			table, err := route.NewTable(entries)
			require.NoError(t, err)
			got, _, ok := table.Match("GET", c.path)
			require.True(t, ok)
			require.Equal(t, c.want, got, "path %s", c.path)
		}
	}
}

// TestMethods lets a route that does not take the method stand back for the next one.
func TestMethods(t *testing.T) {
	t.Parallel()
	var entries []route.Entry[string]
	for _, e := range []struct {
		template string
		methods  []string
	}{{"x/{id:int}", []string{"get"}}, {"x/{id}", []string{"POST", "Options"}}, {"y", nil}} {
		parsed, err := route.Parse(e.template)
		require.NoError(t, err)
		entries = append(entries, route.Entry[string]{Template: parsed, Methods: e.methods, Value: e.template})
	}
	table, err := route.NewTable(entries)
	require.NoError(t, err)
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/x/5", "x/{id:int}"}, {"get", "/x/5", "x/{id:int}"}, {"POST", "/x/5", "x/{id}"}, {"OPTIONS", "/x/a", "x/{id}"},
		{"HEAD", "/x/5", ""}, {"GET", "/x/a", ""}, {"DELETE", "/x/5", ""}, {"HEAD", "/y", "y"}, {"BREW", "/y", "y"},
	} {
		got, _, ok := table.Match(c.method, c.path)
		require.Equal(t, c.want, got, "%s %s", c.method, c.path)
		require.Equal(t, c.want != "", ok)
	}
}

func FuzzRouteTemplate(f *testing.F) {
	for _, s := range []string{"", "a/{b}", "{id:int:min(1)?}", "{a}.{b?}", "{*rest:regex(^a{{2}}$)}", "x/{a=1}/{b=2}/{**c}", `{a:regex([)\]]+)}`, "{{a}}-{b}", "~/a"} {
		f.Add(s, "/a/b.c/1%2F2")
	}
	f.Fuzz(func(t *testing.T, template, path string) {
		parsed, err := route.Parse(template)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		again, err := route.Parse(parsed.String())
		require.NoError(t, err, "the text of a template must be one")
		require.Equal(t, parsed.String(), again.String())
		table, err := route.NewTable([]route.Entry[int]{{Template: parsed}})
		require.NoError(t, err)
		for _, p := range []string{path, (&url.URL{Path: "/" + path}).EscapedPath(), "/" + url.PathEscape(path)} {
			_, params, ok := table.Match("GET", p)
			require.False(t, ok && len(params) > len(parsed.Parameters()))
		}
	})
}
