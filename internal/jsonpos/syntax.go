package jsonpos

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// syntaxError turns the parser's error into one that says where, what was found and what was expected. open are the brackets that the
// file leaves open.
func (f *File) syntaxError(err error, open []int) *Error {
	var line, column int
	cause := err
	if _, serr := fmt.Sscanf(err.Error(), "hujson: line %d, column %d:", &line, &column); serr != nil {
		return &Error{File: f.Name, Problem: "syntax error: " + err.Error()}
	}
	if inner := errors.Unwrap(err); inner != nil {
		cause = inner
	}
	off := len(f.src)
	if line-1 < len(f.lines) {
		off = min(f.lines[line-1]+column-1, len(f.src))
	}
	text := cause.Error()
	switch {
	case errors.Is(cause, io.ErrUnexpectedEOF):
		return f.unexpectedEnd(text, open)
	case off >= len(f.src):
		return f.unexpectedEnd("", open)
	case strings.HasPrefix(text, "invalid literal") && f.src[off] == '"':
		return f.badString(off)
	case strings.Contains(text, "UTF-8"):
		return f.problem(off, "syntax error: "+text)
	}
	return f.problem(off, "syntax error: found "+shorten(f.token(off))+", expected "+expectation(text))
}

// expectation translates what the parser says about the place of a fault.
func expectation(text string) string {
	for _, c := range []struct{ part, expected string }{
		{"after top-level value", "nothing more after the end of the value"},
		{"at start of object name", `a key in double quotes`},
		{"after object name", "':' after the key"},
		{"after object value", "',' or '}' after the value"},
		{"after array value", "',' or ']' after the value"},
		{"in line comment", "no such character in a comment"},
	} {
		if strings.Contains(text, c.part) {
			return c.expected
		}
	}
	return `a value: an object, an array, a string in double quotes, a number, true, false or null`
}

// unexpectedEnd explains a file that ends too early.
func (f *File) unexpectedEnd(text string, open []int) *Error {
	end := len(f.src)
	switch {
	case strings.Contains(text, "parsing string"):
		return f.problem(end, "syntax error: the file ends inside a string, a closing '\"' is missing")
	case strings.Contains(text, "parsing comment"):
		return f.problem(end, "syntax error: the file ends inside a comment, a closing '*/' is missing")
	case strings.TrimSpace(string(f.src)) == "":
		return f.problem(0, "syntax error: the file is empty, expected an object in '{' and '}'")
	case len(open) == 0:
		return f.problem(end, "syntax error: the file ends where a value was expected")
	}
	last := open[len(open)-1]
	line, _ := f.position(last)
	return f.problem(end, fmt.Sprintf("syntax error: the file ends before the '%c' of line %d is closed", f.src[last], line))
}

// badString points to what is wrong inside the string that begins at off.
func (f *File) badString(off int) *Error {
	for i := off + 1; i < len(f.src) && f.src[i] != '"'; i++ {
		switch c := f.src[i]; {
		case c == '\n' || c == '\r':
			return f.problem(i, "syntax error: a string does not end in its line, a closing '\"' is missing")
		case c < ' ':
			return f.problem(i, fmt.Sprintf("syntax error: character U+%04X in a string, write it as \\u%04x", c, c))
		case c == '\\':
			i++
			if i < len(f.src) && !strings.ContainsRune(`"\/bfnrtu`, rune(f.src[i])) {
				return f.problem(i-1, "syntax error: invalid escape in a string, write a backslash as '\\\\'")
			}
			if i < len(f.src) && f.src[i] == 'u' && !hex4.Match(f.src[i+1:min(i+5, len(f.src))]) {
				return f.problem(i-1, "syntax error: invalid escape in a string, expected four hexadecimal digits after '\\u'")
			}
		}
	}
	return f.problem(off, "syntax error: this string is not valid")
}

var hex4 = regexp.MustCompile(`^[0-9A-Fa-f]{4}$`)

// token returns, quoted for a message, the text that stands at off: a word, a key, or one character. A string that is no key is not
// shown, since it may be a secret.
func (f *File) token(off int) string {
	rest := f.src[off:]
	if rest[0] == '"' {
		for i := 1; i < len(rest) && rest[i] != '\n'; i++ {
			switch rest[i] {
			case '\\':
				i++
			case '"':
				if strings.HasPrefix(strings.TrimLeft(string(rest[i+1:min(i+20, len(rest))]), " \t"), ":") {
					return string(rest[:i+1])
				}
				return "a string"
			}
		}
	}
	n := 0
	for n < len(rest) {
		r, size := utf8.DecodeRune(rest[n:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-+.", r) {
			break
		}
		n += size
	}
	if n > 0 {
		return "'" + string(rest[:n]) + "'"
	}
	r, _ := utf8.DecodeRune(rest)
	switch {
	case r == '\n' || r == '\r':
		return "the end of the line"
	case !unicode.IsPrint(r):
		return fmt.Sprintf("character U+%04X", r)
	}
	return "'" + string(r) + "'"
}
