// Package jsonpos reads JSON with comments and trailing commas into a tree that remembers where each value stands, so that whoever
// finds fault with a value can name file, line, column, key and the value itself. It is the one way in which durango reads the files
// that people write by hand: function.json, host.json, local.settings.json.
package jsonpos

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

// The limits of a file. They keep a damaged or hostile file from exhausting memory or stack.
const (
	// MaxSize is the size of the largest file that is read, in bytes.
	MaxSize = 1 << 20
	// MaxDepth is the deepest nesting of objects and arrays.
	MaxDepth = 100
)

// File is one parsed file.
type File struct {
	// Name is what messages call the file, usually its path relative to the app's folder.
	Name string
	// Root is the file's only value.
	Root *Node
	// Warnings tell what is dubious but accepted: duplicated keys.
	Warnings []*Error

	src   []byte
	lines []int // offset of each line's first byte
	// generated is true for text that a program made, whose lines mean nothing to anybody.
	generated bool
}

// ReadFile reads and parses the file at path, which messages call name. The error of a file that does not exist satisfies
// errors.Is(err, fs.ErrNotExist); all faults of the content are an *Error.
func ReadFile(path, name string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{File: name, Problem: "is a " + modeName(info.Mode()) + ", expected a file"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return Parse(name, data)
}

// ParseGenerated is Parse for text that a program made: messages name the source of a value, and no line in the text.
func ParseGenerated(source string, data []byte) (*File, error) {
	f, err := Parse(source, data)
	if err != nil {
		return nil, err
	}
	f.generated = true
	return f, nil
}

func modeName(m os.FileMode) string {
	switch {
	case m.IsDir():
		return "directory"
	case m&os.ModeNamedPipe != 0:
		return "pipe"
	case m&os.ModeSocket != 0:
		return "socket"
	default:
		return "device"
	}
}

// Parse parses data. The error is always an *Error, with a position unless the file as a whole is at fault. A byte order mark is
// skipped.
func Parse(name string, data []byte) (*File, error) {
	if len(data) > MaxSize {
		return nil, &Error{File: name, Problem: fmt.Sprintf("is larger than %d bytes", MaxSize)}
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, &Error{File: name, Problem: "is encoded as UTF-16, save it as UTF-8"}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	f := &File{Name: name, src: data, lines: lineStarts(data)}
	if !utf8.Valid(data) {
		off := 0
		for off < len(data) {
			r, n := utf8.DecodeRune(data[off:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			off += n
		}
		return nil, f.problem(off, fmt.Sprintf("byte 0x%02x is no valid UTF-8, save the file as UTF-8", data[off]))
	}
	open, err := f.scanBrackets()
	if err != nil {
		return nil, err
	}
	// A line comment may end with the file; hujson wants a line break after it.
	v, perr := hujson.Parse(append(bytes.Clone(data), '\n'))
	if perr != nil {
		return nil, f.syntaxError(perr, open)
	}
	f.Root = f.node(&v, &Node{})
	return f, nil
}

// scanBrackets bounds the depth before the recursive parser sees the file, and returns the offsets of the brackets that are still
// open at the end.
func (f *File) scanBrackets() ([]int, error) {
	var open []int
	b := f.src
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '/':
			i += commentLength(b[i:])
		case '{', '[':
			if len(open) >= MaxDepth {
				return nil, f.problem(i, fmt.Sprintf("objects and arrays are nested more than %d deep", MaxDepth))
			}
			open = append(open, i)
		case '}', ']':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
	}
	return open, nil
}

// commentLength returns how many bytes to skip beyond the first one to stand on the last byte of the comment that b begins with.
func commentLength(b []byte) int {
	var end string
	switch {
	case bytes.HasPrefix(b, []byte("//")):
		end = "\n"
	case bytes.HasPrefix(b, []byte("/*")):
		end = "*/"
	default:
		return 0
	}
	i := bytes.Index(b[2:], []byte(end))
	if i < 0 {
		return len(b) - 1
	}
	return 2 + i + len(end) - 1
}

func lineStarts(b []byte) []int {
	starts := []int{0}
	for i, c := range b {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// position returns the 1-based line and the 1-based column, in characters, of a byte offset.
func (f *File) position(off int) (line, column int) {
	off = min(off, len(f.src))
	line = sort.SearchInts(f.lines, off+1)
	return line, 1 + utf8.RuneCount(f.src[f.lines[line-1]:off])
}

func (f *File) problem(off int, text string) *Error {
	line, column := f.position(off)
	return &Error{File: f.Name, Line: line, Column: column, Problem: text}
}

// AsError returns err as an *Error, nil when it is none.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
