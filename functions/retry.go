package functions

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/durango-functions/durango/internal/jsonpos"
)

// The retry strategies.
const (
	FixedDelay         = "fixedDelay"
	ExponentialBackoff = "exponentialBackoff"
)

// retryKeys are the keys of a retry object.
var retryKeys = []string{"strategy", "maxRetryCount", "delayInterval", "minimumInterval", "maximumInterval"}

// ReadRetry reads a retry policy from function.json or host.json (azure-functions-host Utility.cs:989-1023). A null node is no policy.
// The error joins all faults, each a *jsonpos.Error; the warnings tell of unknown keys.
func ReadRetry(node *jsonpos.Node) (*RetryPolicy, []*jsonpos.Error, error) {
	if node.IsNull() {
		return nil, nil, nil
	}
	if node.Kind != jsonpos.Object {
		return nil, nil, node.Expected(`an object with "strategy" and "maxRetryCount"`)
	}
	r := retryReader{node: node}
	p := &RetryPolicy{}
	if s := r.required("strategy", `"fixedDelay" or "exponentialBackoff"`); s != nil {
		text, _ := s.Text()
		switch {
		case strings.EqualFold(text, FixedDelay):
			p.Strategy = FixedDelay
			p.DelayInterval = r.span("delayInterval")
		case strings.EqualFold(text, ExponentialBackoff):
			p.Strategy = ExponentialBackoff
			p.MinimumInterval, p.MaximumInterval = r.span("minimumInterval"), r.span("maximumInterval")
			if r.errs == nil && p.MinimumInterval > p.MaximumInterval {
				r.fail(node.Get("minimumInterval").Expected("no more than maximumInterval, " + FormatTimeSpan(p.MaximumInterval)))
			}
		default:
			r.fail(s.Expected(`"fixedDelay" or "exponentialBackoff"`))
		}
	}
	if m := r.required("maxRetryCount", "a whole number, -1 for ever"); m != nil {
		count, err := m.Int(-1, math.MaxInt32)
		r.fail(err)
		p.MaxRetryCount = int(count)
	}
	if r.errs != nil {
		return nil, r.warnings(), errors.Join(r.errs...)
	}
	return p, r.warnings(), nil
}

type retryReader struct {
	node *jsonpos.Node
	errs []error
}

func (r *retryReader) fail(err error) {
	if err != nil {
		r.errs = append(r.errs, err)
	}
}

// required returns the value of key; without one it notes an error.
func (r *retryReader) required(key, what string) *jsonpos.Node {
	n := r.node.Get(key)
	if n.IsNull() {
		r.fail(r.node.Problem(jsonpos.JoinKey(r.node.Key(), key) + " is missing, expected " + what))
		return nil
	}
	return n
}

func (r *retryReader) span(key string) time.Duration {
	const what = `a time span of 0 or more, "hh:mm:ss"`
	n := r.required(key, what)
	if n == nil {
		return 0
	}
	text, err := n.Text()
	if err == nil {
		var d time.Duration
		if d, err = ParseTimeSpan(text); err == nil && d >= 0 {
			return d
		}
	}
	r.fail(n.Expected(what))
	return 0
}

func (r *retryReader) warnings() []*jsonpos.Error {
	var ws []*jsonpos.Error
	for _, m := range r.node.Members {
		if !containsFold(retryKeys, m.Name) {
			at := m.At
			if at == nil {
				at = m.Value
			}
			ws = append(ws, at.Problem("unknown key "+at.Key()+jsonpos.DidYouMean(m.Name, retryKeys)))
		}
	}
	return ws
}

func containsFold(list []string, s string) bool {
	for _, e := range list {
		if strings.EqualFold(e, s) {
			return true
		}
	}
	return false
}
