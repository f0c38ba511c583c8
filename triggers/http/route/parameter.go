package route

import (
	"errors"
	"fmt"
	"strings"
)

// parseParameter reads what stands between the braces of a parameter, escaped braces already replaced: [*|**]name[:constraint...][=default][?].
func parseParameter(text string) (*Parameter, error) {
	p := &Parameter{}
	rest := text
	if strings.HasPrefix(rest, "*") {
		p.CatchAll = true
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, "*"), "*")
	}
	if strings.HasSuffix(rest, "?") {
		p.Optional = true
		rest = strings.TrimSuffix(rest, "?")
	}
	end := strings.IndexAny(rest, ":=")
	if end < 0 {
		end = len(rest)
	}
	p.Name, rest = rest[:end], rest[end:]
	if p.Name == "" {
		return nil, fmt.Errorf("the parameter {%s} has no name", text)
	}
	if i := strings.IndexAny(p.Name, "/{}?*"); i >= 0 {
		return nil, fmt.Errorf("the parameter name %q must not contain %q", p.Name, p.Name[i])
	}
	for strings.HasPrefix(rest, ":") {
		constraint, tail, err := cutConstraint(rest[1:])
		if err != nil {
			return nil, fmt.Errorf("parameter %q: %w", p.Name, err)
		}
		c, err := newConstraint(constraint)
		if err != nil {
			return nil, fmt.Errorf("parameter %q: %w", p.Name, err)
		}
		p.Constraints = append(p.Constraints, c)
		rest = tail
	}
	if value, ok := strings.CutPrefix(rest, "="); ok {
		p.Default = &value
	}
	switch {
	case p.CatchAll && p.Optional:
		return nil, fmt.Errorf(`the catch-all parameter %q cannot be marked with "?": it is optional already`, p.Name)
	case p.Optional && p.Default != nil:
		return nil, fmt.Errorf("the optional parameter %q cannot have a default value: leave out either \"?\" or \"=%s\"", p.Name, *p.Default)
	}
	return p, nil
}

// cutConstraint returns the first constraint of "name(arguments):next...=default" and what follows it. Inside the parentheses ":" and "="
// are ordinary, and parentheses that a regular expression escapes or lists in a class do not count.
func cutConstraint(text string) (constraint, rest string, err error) {
	end := strings.IndexAny(text, ":=(")
	if end < 0 {
		return text, "", nil
	}
	if text[end] != '(' {
		return text[:end], text[end:], nil
	}
	depth, class := 0, -1
	for i := end; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case class >= 0:
			// A "]" that comes first in a class is a member of it.
			if c == ']' && i > class+1 && (i != class+2 || text[class+1] != '^') {
				class = -1
			}
		case c == '[':
			class = i
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth > 0 {
				continue
			}
			if tail := text[i+1:]; tail == "" || tail[0] == ':' || tail[0] == '=' {
				return text[:i+1], tail, nil
			}
			return "", "", fmt.Errorf("after the constraint %s comes %q, expected \":\", \"=\", \"?\" or the end of the parameter",
				text[:i+1], text[i+1:])
		}
	}
	return "", "", errors.New("the constraint " + text + ` has no closing ")"`)
}
