package callhttp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/durango-functions/durango/functions"
)

// request is a checked durable HTTP request.
type request struct {
	method  string
	uri     *url.URL
	headers http.Header
	content []byte // nil: none
	timeout time.Duration
	polls   bool
}

// name is how messages call the request: without user, query and fragment, which may hold keys.
func (r *request) name() string {
	u := url.URL{Scheme: r.uri.Scheme, Host: r.uri.Host, Path: r.uri.Path}
	return r.method + " " + u.String()
}

// refused is the error for a request that cannot be sent as it is.
func refused(format string, args ...any) error {
	return &Error{Message: "the durable HTTP request cannot be sent: " + fmt.Sprintf(format, args...)}
}

func parse(input json.RawMessage) (*request, error) {
	var in struct {
		Method      json.RawMessage            `json:"method"`
		URI         string                     `json:"uri"`
		Content     json.RawMessage            `json:"content"`
		Headers     map[string]json.RawMessage `json:"headers"`
		TokenSource json.RawMessage            `json:"tokenSource"`
		Polls       *bool                      `json:"asynchronousPatternEnabled"`
		Timeout     json.RawMessage            `json:"timeout"`
	}
	if trimmed := bytes.TrimSpace(input); len(trimmed) > 0 && trimmed[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(trimmed, &list); err != nil || len(list) != 1 {
			return nil, refused("expected one request, got an array of %d", len(list))
		}
		input = list[0]
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, refused("%s, expected an object with method, uri, content and headers", err)
	}
	if present(in.TokenSource) {
		return nil, refused("tokenSource asks for a token of a managed identity, which exists only in Azure; put an Authorization header into headers instead")
	}
	r := &request{headers: http.Header{}, polls: in.Polls == nil || *in.Polls}
	if err := r.setTarget(in.Method, in.URI); err != nil {
		return nil, err
	}
	if err := r.setHeaders(in.Headers); err != nil {
		return nil, err
	}
	if present(in.Content) {
		r.content = []byte(in.Content) // an object is sent as its JSON
		var s string
		if json.Unmarshal(in.Content, &s) == nil {
			r.content = []byte(s)
		}
		if r.headers.Get("Content-Type") == "" {
			r.headers.Set("Content-Type", "text/plain") // as azure-functions-durable-extension TaskHttpActivityShim.cs
		}
	}
	return r, r.setTimeout(in.Timeout)
}

func (r *request) setTarget(method json.RawMessage, uri string) error {
	// .NET clients write the method as {"Method":"GET"}.
	var object struct{ Method string }
	switch {
	case !present(method):
		r.method = http.MethodGet
	case json.Unmarshal(method, &r.method) == nil:
	case json.Unmarshal(method, &object) == nil:
		r.method = object.Method
	}
	r.method = strings.ToUpper(r.method)
	if !token(r.method) {
		return refused("its method %s is none", method)
	}
	u, err := url.Parse(uri)
	switch {
	case uri == "":
		return refused("it has no uri")
	case err != nil:
		return refused("its uri is no URL: %s", inner(err))
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return refused("its uri %q is no absolute http or https URL", u.Scheme+":"+u.Host+u.Path)
	}
	r.uri = u
	return nil
}

// setHeaders takes values that are strings, numbers, booleans, or arrays of such.
func (r *request) setHeaders(headers map[string]json.RawMessage) error {
	for name, raw := range headers {
		values := []json.RawMessage{raw}
		if trimmed := bytes.TrimSpace(raw); len(trimmed) > 0 && trimmed[0] == '[' {
			if err := json.Unmarshal(raw, &values); err != nil {
				return refused("its header %s: %s", name, err)
			}
		}
		if !token(name) {
			return refused("%q is no name of a header", name)
		}
		for _, raw := range values {
			if !present(raw) {
				continue
			}
			value := string(bytes.TrimSpace(raw))
			switch value[0] {
			case '"':
				if err := json.Unmarshal(raw, &value); err != nil {
					return refused("its header %s: %s", name, err)
				}
			case '{', '[':
				return refused("its header %s is an object, expected a string", name)
			}
			if strings.ContainsAny(value, "\r\n\x00") {
				return refused("its header %s has a line break", name)
			}
			r.headers.Add(name, value)
		}
	}
	r.headers.Del("Content-Length") // follows from the content
	r.headers.Del("Transfer-Encoding")
	return nil
}

// setTimeout reads a time span such as "00:00:30", or seconds.
func (r *request) setTimeout(raw json.RawMessage) error {
	if !present(raw) {
		return nil
	}
	var seconds float64
	var span string
	switch {
	case json.Unmarshal(raw, &seconds) == nil && seconds > 0 && seconds < 1e9:
		r.timeout = time.Duration(seconds * float64(time.Second))
		return nil
	case json.Unmarshal(raw, &span) == nil:
		d, err := functions.ParseTimeSpan(span)
		if err != nil {
			return refused("its timeout: %s", err)
		}
		if d > 0 {
			r.timeout = d
			return nil
		}
	}
	return refused(`its timeout %s is none, expected a time span such as "00:00:30" or a positive number of seconds`, raw)
}

func present(raw json.RawMessage) bool {
	trimmed := bytes.TrimSpace(raw)
	return len(trimmed) > 0 && !bytes.Equal(trimmed, []byte("null"))
}

// token reports whether s is a token of RFC 9110, as methods and header names are.
func token(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
