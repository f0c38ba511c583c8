package jsonpos

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPositions(t *testing.T) {
	t.Parallel()
	f, err := Parse("f.json", []byte("\xef\xbb\xbf{ // ü\r\n  \"äö\": {\"B\": [1, /* x */ \"two\",],},\n} // end"))
	require.NoError(t, err)
	n := f.Root.Get("äö").Get("b")
	require.Equal(t, Array, n.Kind)
	two := n.Elements[1]
	line, column := two.Position()
	require.Equal(t, []int{2, 27}, []int{line, column}, "columns count characters")
	require.Equal(t, "äö.B[1]", two.Key())
	require.Equal(t, "f.json:2", two.Where())
	require.Equal(t, `f.json:2:27: äö.B[1] is "two", expected a number`, two.Expected("a number").Error())
	require.Equal(t, []byte(`{"äö":{"B":[1,"two"]}}`), []byte(f.Root.Raw()))
	require.Nil(t, f.Root.Get("nobody"))
	require.Nil(t, f.Root.Get("nobody").Get("x"))
	require.True(t, f.Root.Get("nobody").IsNull())
	require.Equal(t, `äö`, f.Root.Members[0].Name)
	line, column = f.Root.Members[0].At.Position()
	require.Equal(t, []int{2, 3}, []int{line, column})
}

func TestGetPrefersTheExactName(t *testing.T) {
	t.Parallel()
	f, err := Parse("f.json", []byte(`{"NAME": 1, "name": 2, "Name": 3, "name": 4}`))
	require.NoError(t, err)
	for key, want := range map[string]string{"NAME": "1", "name": "4", "nAmE": "3"} {
		require.Equal(t, want, string(f.Root.Get(key).Raw()), key)
	}
	require.Len(t, f.Warnings, 1, "names that differ in case are different keys")
}

func TestNumbersAndTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"16": 16, `"16"`: 16, "16.0": 16, "1e3": 1000, "-1": -1, `" 7 "`: 7, "9223372036854775807": math.MaxInt64} {
		f, err := Parse("f.json", []byte(text))
		require.NoError(t, err)
		v, err := f.Root.Int(-1, math.MaxInt64)
		require.NoError(t, err, text)
		require.Equal(t, want, v, text)
	}
	for _, text := range []string{"1.5", `""`, `"1.0"`, "1e30", "-2", "9223372036854775808", "true", "null", "[1]", "1e400"} {
		f, err := Parse("f.json", []byte(text))
		require.NoError(t, err)
		_, err = f.Root.Int(-1, math.MaxInt64)
		require.Error(t, err, text)
	}
	f, err := Parse("f.json", []byte(`["`+strings.Repeat("ä", 100)+`", "a\"\\\u0001\u007f"]`))
	require.NoError(t, err)
	require.Equal(t, `"`+strings.Repeat("ä", 59)+`...`, f.Root.Elements[0].Shown(), "long values are cut between characters")
	require.Equal(t, `"a\"\\\u0001\u007f"`, f.Root.Elements[1].Shown())
}

func TestLimits(t *testing.T) {
	t.Parallel()
	_, err := Parse("f.json", []byte(strings.Repeat(" ", MaxSize+1)))
	require.EqualError(t, err, "f.json: is larger than 1048576 bytes")
	_, err = Parse("f.json", []byte(strings.Repeat("[", MaxDepth)+strings.Repeat("]", MaxDepth)))
	require.NoError(t, err)
	_, err = Parse("f.json", []byte(strings.Repeat(`{"a":`, MaxDepth+1)))
	require.EqualError(t, err, "f.json:1:501: objects and arrays are nested more than 100 deep")
	_, err = Parse("f.json", []byte(`"`+strings.Repeat("[", 1000)+`" // `+strings.Repeat("[", 1000)+"\n/*"+strings.Repeat("{", 1000)+"*/"))
	require.NoError(t, err, "brackets in strings and comments do not nest")

	long := `{"` + strings.Repeat("k", MaxSize/2) + `": [` + strings.Repeat("1,", MaxSize/8) + `1]}`
	f, err := Parse("f.json", []byte(long))
	require.NoError(t, err)
	require.Less(t, len(f.Root.Members[0].Value.Elements[3].Key()), 100, "a long key does not make long messages")

	_, err = ReadFile(filepath.Join(t.TempDir(), "x"), "x")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestNodesFromText(t *testing.T) {
	t.Parallel()
	n := TextNode("environment variable X", "a.b", `tr"ue`)
	require.Equal(t, "environment variable X", n.Where())
	require.EqualError(t, n.Expected("true"), `environment variable X: a.b is "tr\"ue", expected true`)
	b, err := TextNode("x", "k", "TRUE").Bool()
	require.NoError(t, err)
	require.True(t, b)
	require.Equal(t, "{}", string(ObjectNode("x", "k").Raw()))
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"hubName", "httpSettings", "http", "durableTask", "Values"}
	for word, want := range map[string]string{
		"hubname": "hubName", "hubNmae": "hubName", "HubNam": "hubName", "htpp": "http", "ftp": "", "x": "", "": "", "durabletasks": "durableTask",
		"vals": "Values", "somethingElse": "", strings.Repeat("h", 1000): "",
	} {
		require.Equal(t, want, Nearest(word, known), word)
	}
	require.Equal(t, ` (did you mean "http"?)`, DidYouMean("htp", known))
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"{}", "[1,]", "// x", "/*", `{"a": "\u12"}`, "\"\n\"", "{\"a\" 1}", strings.Repeat("[", 99), "1//[", "tru", "{,}", "[,]", "\u2028", "{} /"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("f", data)
		if err == nil {
			if !json.Valid(file.Root.Raw()) {
				t.Fatalf("no JSON: %s", file.Root.Raw())
			}
			return
		}
		e := AsError(err)
		if e == nil || e.Text() == "" {
			t.Fatalf("%v", err)
		}
		lines := 1 + strings.Count(string(data), "\n")
		if !strings.Contains(e.Problem, "UTF-16") && (e.Line < 1 || e.Line > lines || e.Column < 1) {
			t.Fatalf("place %d:%d of %d lines: %v", e.Line, e.Column, lines, err)
		}
	})
}
