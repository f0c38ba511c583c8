package route

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/durango-functions/durango/internal/jsonpos"
)

// Constraint is a condition on the value of a parameter. The names and their meaning are those of ASP.NET Core's route constraints.
type Constraint struct {
	// Text is the constraint as written, such as "range(1,10)".
	Text  string
	check func(value string) bool
}

// Accepts reports whether the constraint holds for a decoded value.
func (c *Constraint) Accepts(value string) bool { return c.check(value) }

// simpleConstraints are those without arguments.
func simpleConstraints() map[string]func(string) bool {
	return map[string]func(string) bool{
		"int":      isInt32,
		"long":     isInt64,
		"bool":     isBool,
		"datetime": isDateTime,
		"decimal":  isDecimal,
		"double":   isFloat,
		"float":    isFloat,
		"guid":     guid.MatchString,
		"alpha":    alpha.MatchString,
		"required": func(v string) bool { return v != "" },
		"file":     isFile,
		"nonfile":  func(v string) bool { return !isFile(v) },
	}
}

// argumentConstraints are those with arguments.
func argumentConstraints() map[string]func(args string) (func(string) bool, error) {
	return map[string]func(args string) (func(string) bool, error){
		"length":    lengthConstraint,
		"minlength": func(args string) (func(string) bool, error) { return lengthBetween(args, true) },
		"maxlength": func(args string) (func(string) bool, error) { return lengthBetween(args, false) },
		"min":       func(args string) (func(string) bool, error) { return valueBetween(args, true) },
		"max":       func(args string) (func(string) bool, error) { return valueBetween(args, false) },
		"range":     rangeConstraint,
		"regex":     regexConstraint,
	}
}

func newConstraint(text string) (*Constraint, error) {
	name, args, hasArgs := strings.Cut(text, "(")
	args = strings.TrimSuffix(args, ")")
	key := strings.ToLower(strings.TrimSpace(name))
	simple, withArgs := simpleConstraints(), argumentConstraints()
	if check, ok := simple[key]; ok {
		if strings.TrimSpace(args) != "" {
			return nil, fmt.Errorf("the constraint %s takes no arguments", text)
		}
		return &Constraint{Text: text, check: check}, nil
	}
	build, ok := withArgs[key]
	if !ok {
		return nil, unknownConstraint(name, simple, withArgs)
	}
	if !hasArgs {
		return nil, fmt.Errorf("the constraint %s needs an argument in parentheses, such as %s", name, exampleOf(key))
	}
	check, err := build(args)
	if err != nil {
		return nil, fmt.Errorf("the constraint %s: %w", text, err)
	}
	return &Constraint{Text: text, check: check}, nil
}

func unknownConstraint(name string, simple map[string]func(string) bool, withArgs map[string]func(string) (func(string) bool, error)) error {
	if name == "" {
		return fmt.Errorf(`a constraint is expected after ":"`)
	}
	var known []string
	for k := range simple {
		known = append(known, k)
	}
	for k := range withArgs {
		known = append(known, k)
	}
	slices.Sort(known)
	hint := ", only " + strings.Join(known, ", ")
	if near := jsonpos.Nearest(strings.ToLower(name), known); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("there is no constraint %q%s", name, hint)
}

func exampleOf(name string) string {
	switch name {
	case "range":
		return "range(1,10)"
	case "regex":
		return `regex(^\d+$)`
	}
	return name + "(1)"
}

// ints reads n integers separated by commas.
func ints(args string, n int) ([]int64, error) {
	fields := strings.Split(args, ",")
	if len(fields) != n {
		return nil, fmt.Errorf("expected %d integers, got %q", n, args)
	}
	values := make([]int64, n)
	for i, f := range fields {
		v, err := strconv.ParseInt(strings.TrimSpace(f), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("expected an integer, got %q", strings.TrimSpace(f))
		}
		values[i] = v
	}
	return values, nil
}

// lengthOf is the length of a text in UTF-16 code units, as .NET and JavaScript count.
func lengthOf(v string) int64 {
	n := int64(0)
	for _, r := range v {
		n += int64(max(1, utf16.RuneLen(r)))
	}
	return n
}

func lengthConstraint(args string) (func(string) bool, error) {
	count := strings.Count(args, ",") + 1
	if count > 2 {
		return nil, fmt.Errorf("expected one or two integers, got %q", args)
	}
	v, err := ints(args, count)
	if err != nil {
		return nil, err
	}
	lo, hi := v[0], v[len(v)-1]
	if lo < 0 || lo > hi {
		return nil, fmt.Errorf("expected 0 or more, and the smaller one first")
	}
	return func(s string) bool { n := lengthOf(s); return lo <= n && n <= hi }, nil
}

func lengthBetween(args string, least bool) (func(string) bool, error) {
	v, err := ints(args, 1)
	if err != nil {
		return nil, err
	}
	if v[0] < 0 {
		return nil, fmt.Errorf("expected 0 or more")
	}
	if least {
		return func(s string) bool { return lengthOf(s) >= v[0] }, nil
	}
	return func(s string) bool { return lengthOf(s) <= v[0] }, nil
}

func valueBetween(args string, least bool) (func(string) bool, error) {
	v, err := ints(args, 1)
	if err != nil {
		return nil, err
	}
	if least {
		return between(v[0], math.MaxInt64), nil
	}
	return between(math.MinInt64, v[0]), nil
}

func rangeConstraint(args string) (func(string) bool, error) {
	v, err := ints(args, 2)
	if err != nil {
		return nil, err
	}
	if v[0] > v[1] {
		return nil, fmt.Errorf("expected the smaller one first")
	}
	return between(v[0], v[1]), nil
}

func between(lo, hi int64) func(string) bool {
	return func(s string) bool {
		n, ok := parseInteger(s, 64)
		return ok && lo <= n && n <= hi
	}
}

// regexConstraint compiles a regular expression. As in ASP.NET Core it ignores case and matches anywhere unless it is anchored.
func regexConstraint(args string) (func(string) bool, error) {
	re, err := regexp.Compile("(?i:" + args + ")")
	if err != nil {
		return nil, fmt.Errorf("the regular expression cannot be used: %w. Go's syntax (RE2) is understood, which has no look-around "+
			"((?=, (?!, (?<=, (?<!), no back-references (\\1) and no atomic groups, since they can take exponential time", err)
	}
	return re.MatchString, nil
}
