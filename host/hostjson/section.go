package hostjson

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/internal/jsonpos"
)

// decoder collects what is wrong and what is dubious while the sections are read.
type decoder struct {
	errs     []error
	warnings []Warning
	// used are the paths of all keys that have an effect.
	used []string
}

func (d *decoder) fail(err error) {
	if err != nil {
		d.errs = append(d.errs, err)
	}
}

func (d *decoder) warn(err *jsonpos.Error) {
	d.warnings = append(d.warnings, Warning(err.Error()))
}

func (d *decoder) err() error { return errors.Join(d.errs...) }

// section reads one object. Each of its methods makes a key known; an absent or null value leaves the destination as it is.
type section struct {
	d     *decoder
	node  *jsonpos.Node
	path  string
	known []string
}

// section returns the reader of a node; one that is no object is an error and then read as empty.
func (d *decoder) section(node *jsonpos.Node, path string) *section {
	if !node.IsNull() && node.Kind != jsonpos.Object {
		d.fail(node.Expected("an object"))
		node = nil
	}
	return &section{d: d, node: node, path: path}
}

// get makes a key known and returns its value, nil when there is none.
func (s *section) get(key string) *jsonpos.Node {
	s.known = append(s.known, key)
	s.d.used = append(s.d.used, jsonpos.JoinKey(s.path, key))
	n := s.node.Get(key)
	if n.IsNull() {
		return nil
	}
	return n
}

func (s *section) sub(key string) *section {
	return s.d.section(s.get(key), jsonpos.JoinKey(s.path, key))
}

// accept makes keys known that have no effect here.
func (s *section) accept(keys ...string) { s.known = append(s.known, keys...) }

// close warns about the keys that nobody made known.
func (s *section) close() {
	if s.node == nil {
		return
	}
	for _, m := range s.node.Members {
		if !containsFold(s.known, m.Name) {
			s.d.warn(m.At.Problem("unknown key " + m.At.Key() + jsonpos.DidYouMean(m.Name, s.known)))
		}
	}
}

func containsFold(list []string, s string) bool {
	for _, e := range list {
		if strings.EqualFold(e, s) {
			return true
		}
	}
	return false
}

func (s *section) text(key string, dst *string) *jsonpos.Node {
	n := s.get(key)
	if n == nil {
		return nil
	}
	v, err := n.Text()
	if err != nil {
		s.d.fail(err)
		return nil
	}
	*dst = v
	return n
}

// oneOf reads a text that is one of values, in any case.
func (s *section) oneOf(key string, dst *string, values ...string) {
	n := s.get(key)
	if n == nil {
		return
	}
	text, err := n.Text()
	for _, v := range values {
		if err == nil && strings.EqualFold(text, v) {
			*dst = v
			return
		}
	}
	s.d.fail(n.Expected(`"` + strings.Join(values, `" or "`) + `"`))
}

func (s *section) integer(key string, dst *int, lo, hi int64) {
	n := s.get(key)
	if n == nil {
		return
	}
	v, err := n.Int(lo, hi)
	if err != nil {
		s.d.fail(err)
		return
	}
	*dst = int(v)
}

func (s *section) boolean(key string, dst *bool) {
	n := s.get(key)
	if n == nil {
		return
	}
	v, err := n.Bool()
	if err != nil {
		s.d.fail(err)
		return
	}
	*dst = v
}

// span reads a time span greater than zero.
func (s *section) span(key string, dst *time.Duration) {
	n := s.get(key)
	if n == nil {
		return
	}
	text, err := n.Text()
	if err == nil {
		var d time.Duration
		if d, err = functions.ParseTimeSpan(text); err == nil && d > 0 {
			*dst = d
			return
		}
	}
	s.d.fail(n.Expected(`a time span greater than zero, "hh:mm:ss"`))
}

// list reads an array of strings.
func (s *section) list(key string, dst *[]string) {
	n := s.get(key)
	if n == nil {
		return
	}
	values := n.Elements
	if n.Kind == jsonpos.Object && n.FromText {
		indexes, ok := elements(n)
		for _, e := range indexes {
			values = append(values, e.value)
		}
		if !ok {
			s.d.fail(n.Expected("an array of strings"))
			return
		}
	} else if n.Kind != jsonpos.Array {
		s.d.fail(n.Expected("an array of strings"))
		return
	}
	var list []string
	for _, e := range values {
		v, err := e.Text()
		if err != nil {
			s.d.fail(err)
			continue
		}
		list = append(list, v)
	}
	*dst = list
}

// table reads an object whose values are strings, and gives each to visit.
func (s *section) table(key string, visit func(name, value string, at *jsonpos.Node)) {
	n := s.get(key)
	if n == nil {
		return
	}
	if n.Kind != jsonpos.Object {
		s.d.fail(n.Expected("an object with strings as values"))
		return
	}
	for _, m := range n.Members {
		if m.Value.IsNull() {
			continue
		}
		v, err := m.Value.Text()
		if err != nil {
			s.d.fail(err)
			continue
		}
		visit(m.Name, v, m.Value)
	}
}

func (s *section) raw(key string, dst *json.RawMessage) {
	n := s.get(key)
	if n == nil {
		return
	}
	if n.Kind != jsonpos.Object {
		s.d.fail(n.Expected("an object"))
		return
	}
	*dst = n.Raw()
}
