package route

import (
	"regexp"
	"strconv"
	"strings"
)

// bracesOut replaces escaped braces, whose pairs gorilla/mux would count, by what stands for the same characters.
var bracesOut = strings.NewReplacer(`\{`, `\x7b`, `\}`, `\x7d`)

// pattern returns the gorilla/mux path for the first n segments. Each part is a mux variable that is named by its place, literals too:
// mux has no literals that ignore case. A slash may follow unless the path ends in a catch-all, which takes it.
func (t *Template) pattern(n int) string {
	if n == 0 {
		return "/"
	}
	var b strings.Builder
	index := 0
	variable := func(expr string) {
		b.WriteString("{" + strconv.Itoa(index) + ":" + expr + "}")
		index++
	}
	catchAll := false
	for _, s := range t.segments[:n] {
		b.WriteByte('/')
		for i, p := range s {
			switch {
			case p.parameter == nil && s.optionalAfter(i):
				// The dot belongs to the optional parameter behind it.
			case p.parameter == nil:
				variable("(?i:" + bracesOut.Replace(regexp.QuoteMeta(toCanonical.Replace(p.literal))) + ")")
			case p.parameter.CatchAll:
				catchAll = true
				variable("(?s:[^/].*)")
			case len(s) > 1 && p.parameter.Optional:
				variable(`(?:\.[^/.]+)?`)
			case s.optionalAfter(i + 1):
				variable("[^/]+?")
			default:
				variable("[^/]+")
			}
		}
	}
	if !catchAll {
		variable("/?")
	}
	return b.String()
}

// optionalAfter reports whether part i is the dot before the optional parameter that ends a mixed segment.
func (s segment) optionalAfter(i int) bool {
	return i == len(s)-2 && i > 0 && s[i+1].parameter != nil && s[i+1].parameter.Optional && s[i].literal == "."
}

// values takes the parameters' values from the mux variables of a path of n segments. It reports false when a constraint does not hold.
// Optional parameters that the path leaves out are not in the map.
func (t *Template) values(vars map[string]string, n int) (map[string]string, bool) {
	values := map[string]string{}
	index := 0
	for i, s := range t.segments {
		previous := ""
		for j, p := range s {
			if p.parameter == nil && s.optionalAfter(j) {
				continue
			}
			raw, present := "", i < n
			if present {
				raw = vars[strconv.Itoa(index)]
				index++
			}
			if p.parameter == nil {
				continue
			}
			if present && len(s) > 1 && p.parameter.Optional {
				if raw == "" && strings.HasSuffix(previous, ".") {
					return nil, false // "name." has neither an extension nor none
				}
				raw, present = strings.CutPrefix(raw, ".")
			}
			previous = raw
			if !p.parameter.take(values, raw, present) {
				return nil, false
			}
		}
	}
	return values, true
}

// take puts a parameter's value into values: the decoded one of the path, or the default.
func (p *Parameter) take(values map[string]string, raw string, present bool) bool {
	switch {
	case present:
		raw = fromCanonical.Replace(raw)
	case p.Default != nil:
		raw = *p.Default
	default:
		return true
	}
	values[p.Name] = raw
	return p.accepts(raw)
}

// checked reports whether there are conditions that the pattern does not express.
func (t *Template) checked() bool {
	for _, s := range t.segments {
		for _, p := range s {
			if p.parameter != nil && (len(p.parameter.Constraints) > 0 || len(s) > 1 && p.parameter.Optional) {
				return true
			}
		}
	}
	return false
}
