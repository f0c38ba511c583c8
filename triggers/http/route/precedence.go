package route

import (
	"cmp"
	"slices"
	"strings"
)

// rank orders segments by how specific they are: literal, constrained parameter or mixed segment, parameter, constrained catch-all,
// catch-all (ASP.NET Core RoutePrecedence.cs, inbound).
func (s segment) rank() int {
	p := s.only()
	switch {
	case len(s) > 1:
		return 2
	case p == nil:
		return 1
	}
	rank := 3
	if p.CatchAll {
		rank = 5
	}
	if len(p.Constraints) > 0 {
		rank--
	}
	return rank
}

// Compare orders templates: the one that is to be tried first is less. Segments are compared from the left; of two templates of which
// one continues the other the shorter is first; the text decides the rest, so that the order never depends on the order of loading.
func Compare(a, b *Template) int {
	bySegment := slices.CompareFunc(a.segments, b.segments, func(x, y segment) int { return cmp.Compare(x.rank(), y.rank()) })
	return cmp.Or(bySegment, strings.Compare(strings.ToLower(a.text), strings.ToLower(b.text)), strings.Compare(a.text, b.text))
}
