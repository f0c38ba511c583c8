package httptrigger

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/triggers"
	"github.com/durango-functions/durango/worker"
)

// readBody reads the body, chunked or not; nil when it is empty. A status other than 0 is the answer to a body that cannot be read.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, status int) {
	if r.ContentLength > limit {
		return nil, http.StatusRequestEntityTooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, http.StatusRequestEntityTooLarge
	case err != nil:
		return nil, http.StatusBadRequest
	case len(body) == 0:
		return nil, 0
	}
	return body, 0
}

// event makes the trigger event of a request.
func (e *endpoint) event(r *http.Request, params map[string]string, body []byte) triggers.Event {
	req := &worker.HTTPRequest{
		Method:  r.Method,
		URL:     absoluteURL(r),
		Headers: headers(r),
		Query:   map[string]string{},
		Params:  params,
		Body:    body,
	}
	for name, values := range r.URL.Query() {
		req.Query[name] = strings.Join(values, ",")
	}
	return triggers.Event{
		Value:       worker.Value{Kind: worker.HTTP, Request: req},
		Metadata:    metadata(req, e.bodyData),
		Reason:      "HTTP request",
		TraceParent: r.Header.Get("Traceparent"),
		TraceState:  strings.Join(r.Header.Values("Tracestate"), ","),
	}
}

// ManualEvent makes the event of a function that is run by hand instead of by a request: a POST of body to the URL.
func ManualEvent(fn *functions.Function, target string, body []byte) triggers.Event {
	contentType := "text/plain; charset=utf-8"
	if json.Valid(body) {
		contentType = "application/json"
	}
	req := &worker.HTTPRequest{Method: http.MethodPost, URL: target, Headers: map[string]string{}, Query: map[string]string{}, Params: map[string]string{}}
	if u, err := url.Parse(target); err == nil && u.Host != "" {
		req.Headers["host"] = u.Host
	}
	if len(body) > 0 {
		req.Body = body
		req.Headers["content-type"], req.Headers["content-length"] = contentType, strconv.Itoa(len(body))
	}
	return triggers.Event{Value: worker.Value{Kind: worker.HTTP, Request: req}, Metadata: metadata(req, hasExpressions(fn))}
}

// absoluteURL returns the URL as the caller addressed it. X-Forwarded-* headers are not believed: anybody can send them.
func absoluteURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	u := url.URL{Scheme: scheme, Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String()
}

func headers(r *http.Request) map[string]string {
	all := make(map[string]string, len(r.Header)+1)
	for name, values := range r.Header {
		all[strings.ToLower(name)] = strings.Join(values, ",")
	}
	if r.Host != "" {
		all["host"] = r.Host
	}
	return all
}

// metadata returns the binding data of a request: fields of its body, the query and the route parameters, in this order of precedence
// from the lowest, and the objects Query and Headers.
func metadata(req *worker.HTTPRequest, withBody bool) map[string]json.RawMessage {
	data := map[string]json.RawMessage{}
	if withBody {
		maps.Copy(data, triggers.ObjectFields(req.Body))
	}
	for name, value := range req.Query {
		if !strings.EqualFold(name, "code") { // a key is for the host, not for a binding
			data[name] = jsonOf(value)
		}
	}
	for name, value := range req.Params {
		data[name] = jsonOf(value)
	}
	data["Query"], data["Headers"] = jsonOf(req.Query), jsonOf(req.Headers)
	return data
}

// jsonOf encodes strings and maps of strings, which cannot fail.
func jsonOf[T string | map[string]string](v T) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}

// hasExpressions reports whether a binding other than the trigger has a property with an {expression} in it. Only then is it worth while
// to look for binding data in the body, and to send that to the worker a second time.
func hasExpressions(fn *functions.Function) bool {
	for i := range fn.Bindings {
		b := &fn.Bindings[i]
		if b.IsTrigger() {
			continue
		}
		for _, raw := range b.Properties {
			var text string
			if json.Unmarshal(raw, &text) == nil && strings.Contains(text, "{") {
				return true
			}
		}
	}
	return false
}
