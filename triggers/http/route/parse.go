package route

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// parser reads a template from left to right.
type parser struct {
	text string
	// pos is the byte that is read next, start where the template begins behind its first slashes.
	pos, start int
	names      map[string]bool
}

func (p *parser) fail(at int, format string, args ...any) error {
	return &Error{Template: p.text, Column: utf8.RuneCountInString(p.text[:at]) + 1, Message: fmt.Sprintf(format, args...)}
}

func (p *parser) parse() ([]segment, error) {
	p.names = map[string]bool{}
	for p.pos < len(p.text) && p.text[p.pos] == '/' {
		p.pos++
	}
	p.start = p.pos
	end := len(p.text)
	for end > p.pos && p.text[end-1] == '/' {
		end--
	}
	var segments []segment
	for p.pos < end {
		at := p.pos
		if len(segments) > 0 {
			if last := segments[len(segments)-1].only(); last != nil && last.CatchAll {
				return nil, p.fail(at, "something follows the catch-all parameter %q, which must be the last segment", last.Name)
			}
			p.pos++ // the slash
		}
		if p.pos < end && p.text[p.pos] == '/' {
			return nil, p.fail(p.pos, `two "/" in a row: a literal or a parameter must stand between them`)
		}
		if len(segments) == maxSegments {
			return nil, p.fail(at, "more than %d segments", maxSegments)
		}
		s, err := p.segment(end)
		if err != nil {
			return nil, err
		}
		segments = append(segments, s)
	}
	return segments, nil
}

// segment reads up to the next slash outside of a parameter.
func (p *parser) segment(end int) (segment, error) {
	begin := p.pos
	var s segment
	var at []int // where each part begins
	for p.pos < end && p.text[p.pos] != '/' {
		at = append(at, p.pos)
		if p.text[p.pos] != '{' || strings.HasPrefix(p.text[p.pos:], "{{") {
			literal, err := p.literal(end)
			if err != nil {
				return nil, err
			}
			s = append(s, part{literal: literal})
			continue
		}
		if len(s) > 0 && s[len(s)-1].parameter != nil {
			return nil, p.fail(p.pos, `two parameters in a row: a literal or "/" must stand between them`)
		}
		parameter, err := p.parameter(end)
		if err != nil {
			return nil, err
		}
		s = append(s, part{parameter: parameter})
	}
	if len(s) > 1 {
		if err := p.checkMixed(s, at); err != nil {
			return nil, err
		}
	}
	if len(s) == 0 {
		return nil, p.fail(begin, "a literal or a parameter is expected")
	}
	return s, nil
}

// checkMixed applies the rules for segments of several parts.
func (p *parser) checkMixed(s segment, at []int) error {
	for i, x := range s {
		switch {
		case x.parameter == nil:
		case x.parameter.CatchAll:
			return p.fail(at[i], "the catch-all parameter %q must be a segment of its own", x.parameter.Name)
		case x.parameter.Optional && i != len(s)-1:
			return p.fail(at[i], "the optional parameter %q must be at the end of its segment", x.parameter.Name)
		case x.parameter.Optional && (i < 2 || s[i-1].literal != "."):
			return p.fail(at[i], `only "." behind another parameter may stand before the optional parameter %q, as in "{name}.{extension?}"`,
				x.parameter.Name)
		}
	}
	return nil
}

// literal reads text up to a parameter, a slash or the end, and takes "{{" and "}}" for single braces.
func (p *parser) literal(end int) (string, error) {
	var b strings.Builder
	for p.pos < end {
		rest := p.text[p.pos:end]
		switch {
		case rest[0] == '/':
			return b.String(), nil
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "}}"):
			b.WriteByte(rest[0])
			p.pos += 2
			continue
		case rest[0] == '{':
			return b.String(), nil
		case rest[0] == '}':
			return "", p.fail(p.pos, `"}" without "{" before it; a brace in the text of a path is written "}}"`)
		case rest[0] == '?':
			return "", p.fail(p.pos, `"?" cannot be part of a path; it marks an optional parameter inside the braces, as in "{id?}"`)
		}
		b.WriteByte(rest[0])
		p.pos++
	}
	return b.String(), nil
}

// parameter reads "{...}".
func (p *parser) parameter(end int) (*Parameter, error) {
	open := p.pos
	p.pos++
	var b strings.Builder
	for p.pos < end {
		rest := p.text[p.pos:end]
		switch {
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "}}"):
			b.WriteByte(rest[0])
			p.pos += 2
			continue
		case rest[0] == '{':
			return nil, p.fail(p.pos, `"{" inside a parameter; in a regular expression write "{{" and "}}"`)
		case rest[0] == '}':
			p.pos++
			return p.declare(open, b.String())
		}
		b.WriteByte(rest[0])
		p.pos++
	}
	return nil, p.fail(open, `the parameter has no closing "}" ("}}" is an escaped brace)`)
}

// declare makes a parameter of the text between its braces.
func (p *parser) declare(at int, text string) (*Parameter, error) {
	parameter, err := parseParameter(text)
	if err != nil {
		return nil, p.fail(at, "%s", err.Error())
	}
	key := strings.ToLower(parameter.Name)
	if p.names[key] {
		return nil, p.fail(at, "the parameter name %q appears twice", parameter.Name)
	}
	p.names[key] = true
	return parameter, nil
}
