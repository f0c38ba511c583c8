package route

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/mux"
)

// Entry is a template with what it leads to.
type Entry[T any] struct {
	Template *Template
	// Methods are the HTTP methods that it takes, in any case; none: all methods.
	Methods []string
	Value   T
}

// Table finds the entry for a request. It is not changed once made, and safe for concurrent use.
type Table[T any] struct {
	router *mux.Router
	routes map[*mux.Route]target[T]
}

// target is what one mux route stands for: the first n segments of an entry's template.
type target[T any] struct {
	entry *Entry[T]
	n     int
}

// NewTable makes a table of entries. Their order does not matter, except among entries with the same template.
func NewTable[T any](entries []Entry[T]) (*Table[T], error) {
	t := &Table[T]{router: mux.NewRouter().SkipClean(true), routes: map[*mux.Route]target[T]{}}
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b Entry[T]) int { return Compare(a.Template, b.Template) })
	for i := range entries {
		e := &entries[i]
		for n := len(e.Template.segments); n >= e.Template.shortest(); n-- {
			if err := t.add(e, n); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// add registers the path of the first n segments of an entry's template with the router.
func (t *Table[T]) add(e *Entry[T], n int) error {
	pattern := e.Template.pattern(n)
	r := t.router.NewRoute().Path(pattern).Handler(http.NotFoundHandler())
	if len(e.Methods) > 0 {
		r.Methods(e.Methods...)
	}
	if e.Template.checked() {
		// The constraints are part of the match: when one does not hold, the next route has its turn. mux hands the variables
		// over only after the match, so that a route of its own has to find them.
		probe := mux.NewRouter().NewRoute().Path(pattern)
		r.MatcherFunc(func(req *http.Request, _ *mux.RouteMatch) bool {
			var m mux.RouteMatch
			if !probe.Match(req, &m) {
				return false
			}
			_, ok := e.Template.values(m.Vars, n)
			return ok
		})
	}
	if err := r.GetError(); err != nil {
		return fmt.Errorf("route template %q: %w", e.Template, err)
	}
	t.routes[r] = target[T]{entry: e, n: n}
	return nil
}

// Match returns the value of the most specific entry that takes the method and the path, and the route parameters, decoded. The path is
// escaped, as url.URL.EscapedPath returns it; an encoded slash is part of a value.
func (t *Table[T]) Match(method, escapedPath string) (value T, params map[string]string, ok bool) {
	path, ok := canonical(escapedPath)
	if !ok {
		return value, nil, false
	}
	req := &http.Request{Method: strings.ToUpper(method), URL: &url.URL{Path: path}, Header: http.Header{}}
	var m mux.RouteMatch
	if !t.router.Match(req, &m) || m.MatchErr != nil {
		return value, nil, false
	}
	found, ok := t.routes[m.Route]
	if !ok {
		return value, nil, false
	}
	params, ok = found.entry.Template.values(m.Vars, found.n)
	if !ok {
		return value, nil, false
	}
	return found.entry.Value, params, true
}
