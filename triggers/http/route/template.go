// Package route reads the route templates of HTTP functions, such as "orders/{id:int}/{*rest}", and finds the function whose template
// fits the path of a request. The templates are those of ASP.NET Core, on which the routes of Azure Functions are built; the matching is
// done by gorilla/mux, onto whose routes each template is translated.
package route

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The limits of a template. They bound what matching a path can cost.
const (
	maxTemplateBytes = 4096
	maxSegments      = 64
)

// Template is a parsed route template. It is not changed after Parse.
type Template struct {
	text     string
	segments []segment
}

// segment is what stands between two slashes: one part, or several in a row such as "file-{name}.txt".
type segment []part

// part is a literal text or a parameter.
type part struct {
	literal   string
	parameter *Parameter // nil for a literal
}

// Parameter is one "{...}" of a template.
type Parameter struct {
	// Name is the name as written; names compare case-insensitively.
	Name string
	// Optional is true for "{name?}".
	Optional bool
	// CatchAll is true for "{*name}" and "{**name}": it takes the rest of the path, slashes included.
	CatchAll bool
	// Default is the value of "{name=value}", nil when there is none.
	Default *string
	// Constraints must all hold for a value.
	Constraints []*Constraint
}

// Error tells what is wrong in a template.
type Error struct {
	Template string
	// Column is where it is wrong, in characters, beginning with 1.
	Column  int
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("route template %q, column %d: %s", e.Template, e.Column, e.Message)
}

// Parse reads a template. Slashes around it are ignored. The error is an *Error.
func Parse(template string) (*Template, error) {
	fail := func(format string, args ...any) (*Template, error) {
		return nil, &Error{Template: template, Column: 1, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case len(template) > maxTemplateBytes:
		template = strings.ToValidUTF8(template[:40], "") + "..."
		return fail("it is longer than %d bytes", maxTemplateBytes)
	case !utf8.ValidString(template):
		return fail("it is not valid UTF-8")
	}
	p := &parser{text: template}
	segments, err := p.parse()
	if err != nil {
		return nil, err
	}
	return &Template{text: strings.Trim(p.text[p.start:], "/"), segments: segments}, nil
}

// String returns the template as written, without slashes around it.
func (t *Template) String() string { return t.text }

// Parameters returns the parameters in the order of the template.
func (t *Template) Parameters() []*Parameter {
	var all []*Parameter
	for _, s := range t.segments {
		for _, p := range s {
			if p.parameter != nil {
				all = append(all, p.parameter)
			}
		}
	}
	return all
}

// only returns the parameter of a segment that consists of one, else nil.
func (s segment) only() *Parameter {
	if len(s) == 1 {
		return s[0].parameter
	}
	return nil
}

// omittable reports whether a path that ends before this segment still fits: a value is known for it, or none is needed. A catch-all with
// constraints needs a value to hold them against.
func (s segment) omittable() bool {
	p := s.only()
	return p != nil && (p.Optional || p.Default != nil || p.CatchAll && len(p.Constraints) == 0)
}

// shortest returns the number of segments that a path needs at least.
func (t *Template) shortest() int {
	n := len(t.segments)
	for n > 0 && t.segments[n-1].omittable() {
		n--
	}
	return n
}

// accepts reports whether all constraints of the parameter hold for a value.
func (p *Parameter) accepts(value string) bool {
	for _, c := range p.Constraints {
		if !c.Accepts(value) {
			return false
		}
	}
	return true
}
