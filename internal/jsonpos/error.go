package jsonpos

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is a fault of a file at a place.
type Error struct {
	// File is the file's name in messages, or another source of the value such as "environment variable X".
	File string
	// Line and Column are 1-based; Column counts characters. Both are 0 when the fault is no single place's.
	Line, Column int
	// Key is the path of the value at fault, such as "extensions.http.routePrefix" or "bindings[0].type"; "" for the whole file.
	Key string
	// Value is the offending value as JSON, shortened; "" when there is none.
	Value string
	// Expected says what is accepted: "a string", "a whole number from 1 to 256".
	Expected string
	// Problem replaces the sentence built from Key, Value and Expected.
	Problem string
}

// Error returns "file:line:column: what is wrong".
func (e *Error) Error() string {
	return e.Place() + ": " + e.Text()
}

// Place returns "file:line:column", or just the file.
func (e *Error) Place() string {
	if e.Line == 0 {
		return e.File
	}
	return fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
}

// Text returns what is wrong without the place.
func (e *Error) Text() string {
	if e.Problem != "" {
		return e.Problem
	}
	key := e.Key
	if key == "" {
		key = "the value"
	}
	return fmt.Sprintf("%s is %s, expected %s", key, e.Value, e.Expected)
}

// maxShown is the length, in characters, of the longest value that a message shows in full.
const maxShown = 60

// shorten cuts a value for a message.
func shorten(s string) string {
	if utf8.RuneCountInString(s) <= maxShown {
		return s
	}
	return string([]rune(s)[:maxShown]) + "..."
}

// Quote returns s as messages show a string value: quoted, and shortened.
func Quote(s string) string {
	return shorten(quote(s))
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
