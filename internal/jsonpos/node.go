package jsonpos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tailscale/hujson"
)

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds of a JSON value.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// String returns the kind as messages call it.
func (k Kind) String() string {
	switch k {
	case Bool:
		return "true or false"
	case Number:
		return "a number"
	case String:
		return "a string"
	case Array:
		return "an array"
	case Object:
		return "an object"
	default:
		return "null"
	}
}

// Node is a JSON value at a place.
type Node struct {
	Kind Kind
	// Members are the members of an Object in the order of the file; of a duplicated key only the last.
	Members []Member
	// Elements are the elements of an Array.
	Elements []*Node
	// Source names where the value comes from: a file, or "environment variable X".
	Source string
	// FromText is true for a value that came as text, whose type is therefore unknown.
	FromText bool

	parent *Node
	name   string // under an object, or the whole path when there is no parent
	index  int    // under an array, from 1; 0 otherwise
	file   *File
	offset int
	raw    json.RawMessage // of Null, Bool, Number, String
}

// Member is a key of an object with its value.
type Member struct {
	Name  string
	Value *Node
	// At is a node that stands for the key: its position is the key's, its value the key's name.
	At *Node
}

// TextNode returns a node that holds text from a source other than a file. Its value is taken as whatever type is asked for.
func TextNode(source, key, value string) *Node {
	raw, _ := json.Marshal(value)
	return &Node{Kind: String, name: key, Source: source, FromText: true, raw: raw}
}

// ObjectNode returns an empty object at the path key, from a source other than a file.
func ObjectNode(source, key string) *Node {
	return &Node{Kind: Object, name: key, Source: source, FromText: true}
}

// WithMembers returns a copy of an object that stands at the same place and has other members.
func (n *Node) WithMembers(members []Member) *Node {
	c := *n
	c.Kind, c.Members, c.Elements = Object, members, nil
	return &c
}

// WithElements returns a copy of an array that stands at the same place and has other elements.
func (n *Node) WithElements(elements []*Node) *Node {
	c := *n
	c.Kind, c.Members, c.Elements = Array, nil, elements
	return &c
}

// Key returns the path from the file's root: "" for the root, "extensions.http", "bindings[0].name".
func (n *Node) Key() string {
	if n.parent == nil {
		return n.name
	}
	if n.index > 0 {
		return fmt.Sprintf("%s[%d]", n.parent.Key(), n.index-1)
	}
	return JoinKey(n.parent.Key(), shorten(n.name))
}

// node converts a parsed value. The depth is bounded by scanBrackets.
// n gives the place in the tree.
func (f *File) node(v *hujson.Value, n *Node) *Node {
	n.Source, n.file, n.offset = f.Name, f, v.StartOffset
	switch t := v.Value.(type) {
	case *hujson.Object:
		n.Kind = Object
		f.members(n, t)
	case *hujson.Array:
		n.Kind = Array
		for i := range t.Elements {
			n.Elements = append(n.Elements, f.node(&t.Elements[i], &Node{parent: n, index: i + 1}))
		}
	case hujson.Literal:
		n.raw = json.RawMessage(bytes.Clone(t))
		switch t.Kind() {
		case '"':
			n.Kind = String
		case '0':
			n.Kind = Number
		case 't', 'f':
			n.Kind = Bool
		}
	}
	return n
}

func (f *File) members(n *Node, obj *hujson.Object) {
	index := make(map[string]int, len(obj.Members))
	for i := range obj.Members {
		m := &obj.Members[i]
		lit, _ := m.Name.Value.(hujson.Literal)
		name := lit.String()
		at := &Node{Kind: String, Source: f.Name, file: f, offset: m.Name.StartOffset, parent: n, name: name, raw: json.RawMessage(bytes.Clone(lit))}
		member := Member{Name: name, Value: f.node(&m.Value, &Node{parent: n, name: name}), At: at}
		if j, dup := index[name]; dup {
			first, _ := n.Members[j].At.Position()
			f.Warnings = append(f.Warnings, at.Problem(fmt.Sprintf("the key %s is given twice, first in line %d; the last one counts",
				Quote(name), first)))
			n.Members[j] = member
			continue
		}
		index[name] = len(n.Members)
		n.Members = append(n.Members, member)
	}
}

// JoinKey appends name to the path of an object.
func JoinKey(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}

// Position returns the 1-based line and column of the value, zeros when it comes from no file that somebody wrote.
func (n *Node) Position() (line, column int) {
	if n.file == nil || n.file.generated {
		return 0, 0
	}
	return n.file.position(n.offset)
}

// Where returns "file:line", or the source when it is no file.
func (n *Node) Where() string {
	if n.file == nil || n.file.generated {
		return n.Source
	}
	line, _ := n.Position()
	return fmt.Sprintf("%s:%d", n.Source, line)
}

// Get returns the member called name: the one spelled exactly so, else the last that differs only in case. It is nil when there is
// none, and when n is nil or no object.
func (n *Node) Get(name string) *Node {
	if n == nil {
		return nil
	}
	var found *Node
	for _, m := range n.Members {
		if m.Name == name {
			return m.Value
		}
		if strings.EqualFold(m.Name, name) {
			found = m.Value
		}
	}
	return found
}

// IsNull reports whether there is no value: n is nil or null.
func (n *Node) IsNull() bool { return n == nil || n.Kind == Null }

// Raw returns the value as compact JSON without comments.
func (n *Node) Raw() json.RawMessage {
	var b bytes.Buffer
	n.write(&b)
	return b.Bytes()
}

func (n *Node) write(b *bytes.Buffer) {
	switch n.Kind {
	case Object:
		b.WriteByte('{')
		for i, m := range n.Members {
			if i > 0 {
				b.WriteByte(',')
			}
			name, _ := json.Marshal(m.Name)
			b.Write(name)
			b.WriteByte(':')
			m.Value.write(b)
		}
		b.WriteByte('}')
	case Array:
		b.WriteByte('[')
		for i, e := range n.Elements {
			if i > 0 {
				b.WriteByte(',')
			}
			e.write(b)
		}
		b.WriteByte(']')
	case Null:
		b.WriteString("null")
	default:
		b.Write(n.raw)
	}
}

// Shown returns the value as a message shows it, shortened.
func (n *Node) Shown() string {
	if n.Kind == String {
		s, _ := n.Text()
		return Quote(s)
	}
	return shorten(string(n.Raw()))
}

// Expected returns the error that says that the value is not what is accepted here.
func (n *Node) Expected(what string) *Error {
	e := n.Problem("")
	e.Value, e.Expected = n.Shown(), what
	return e
}

// Problem returns an error with the value's place and key and a sentence of the caller's.
func (n *Node) Problem(text string) *Error {
	line, column := n.Position()
	return &Error{File: n.Source, Line: line, Column: column, Key: n.Key(), Problem: text}
}

// Text returns the value of a String; the error is an *Error.
func (n *Node) Text() (string, error) {
	var s string
	if n.Kind != String || json.Unmarshal(n.raw, &s) != nil {
		return "", n.Expected("a string")
	}
	return s, nil
}

// Bool returns the value of a Bool, or of the text "true" or "false"; the error is an *Error.
func (n *Node) Bool() (bool, error) {
	switch n.Kind {
	case Bool:
		return string(n.raw) == "true", nil
	case String:
		s, _ := n.Text()
		switch {
		case strings.EqualFold(s, "true"):
			return true, nil
		case strings.EqualFold(s, "false"):
			return false, nil
		}
	default:
	}
	return false, n.Expected("true or false")
}

// Int returns the value of a Number, or of text that is a number, from lo to hi; the error is an *Error.
func (n *Node) Int(lo, hi int64) (int64, error) {
	text := ""
	switch n.Kind {
	case Number:
		text = string(n.raw)
	case String:
		s, _ := n.Text()
		text = strings.TrimSpace(s)
	default:
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil && n.Kind == Number {
		// 16.0 and 1e3 are whole numbers too. Beyond 2^53 a float no longer tells one from the next.
		if f, ferr := strconv.ParseFloat(text, 64); ferr == nil && f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
			v, err = int64(f), nil
		}
	}
	if err != nil || v < lo || v > hi {
		return 0, n.Expected(rangeText(lo, hi))
	}
	return v, nil
}

func rangeText(lo, hi int64) string {
	if hi == math.MaxInt64 || hi == math.MaxInt32 {
		return fmt.Sprintf("a whole number, %d or more", lo)
	}
	return fmt.Sprintf("a whole number from %d to %d", lo, hi)
}
