// Package management is the HTTP management API: it starts, shows, lists, orders about and deletes orchestration instances, and shows and signals entities, in the terms
// of azure-functions-durable-extension HttpApiHandler.cs, so that the SDKs and the URLs that they hand out work.
package management

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/durango-functions/durango/durable"
)

// The limits and defaults of requests.
const (
	// DefaultMaxBodyBytes bounds request bodies: the original host's limit.
	DefaultMaxBodyBytes = 100 << 20
	// DefaultPageSize is how many instances a list has without top.
	DefaultPageSize = 100
	// MaxPageSize is the largest top; a larger one gives pages of this size.
	MaxPageSize = 1000
)

// Options configure the API. The zero value serves it below WebhookPath, without authorization.
type Options struct {
	// BasePaths are the paths below which the API is served, in any case; empty: WebhookPath. The request's path must hold one of
	// them in full.
	BasePaths []string
	// URLBase is the base path of the URLs in answers; "": the one that the request came by.
	URLBase string
	// TaskHubName and ConnectionName are repeated in URLs. A request that names another hub is refused.
	TaskHubName, ConnectionName string
	// SystemKey returns the key for the query parameter code of URLs in answers; nil: none is needed.
	SystemKey func() string
	// Authorize tells whether a request may use the API; nil: each may.
	Authorize func(*http.Request) bool
	// Origin returns scheme and host of the URLs in answers, for hosts behind a proxy and for the local endpoint; nil, or "": those of
	// the request.
	Origin func(*http.Request) string
	// MaxBodyBytes bounds request bodies; 0: DefaultMaxBodyBytes.
	MaxBodyBytes int64
	// Logger is told of failures whose details callers do not get; nil: nobody is.
	Logger *slog.Logger
}

type handler struct {
	client *durable.Client
	opts   Options
	bases  []string // without slashes at their ends
	logger *slog.Logger
}

// NewHandler returns the API over client.
func NewHandler(client *durable.Client, opts Options) http.Handler {
	opts.MaxBodyBytes = cmp.Or(opts.MaxBodyBytes, DefaultMaxBodyBytes)
	h := &handler{client: client, opts: opts, logger: opts.Logger}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	bases := opts.BasePaths
	if len(bases) == 0 {
		bases = []string{WebhookPath}
	}
	for _, b := range bases {
		h.bases = append(h.bases, strings.TrimSuffix("/"+strings.TrimPrefix(b, "/"), "/"))
	}
	return h
}

// request is one request on its way through the API.
type request struct {
	http  *http.Request
	w     http.ResponseWriter
	base  string // the base path that the request came by, as configured
	query query
}

// ServeHTTP implements http.Handler. It finds the route by the escaped path, so that escaped slashes in IDs do not make segments.
func (h *handler) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r := &request{http: hr, w: w}
	segments, ok := h.segments(r)
	if !ok {
		h.noRoute(r)
		return
	}
	if h.opts.Authorize != nil && !h.opts.Authorize(hr) {
		h.refuse(r, http.StatusUnauthorized, "The system key is missing or wrong. Give it in the query parameter code or the header x-functions-key.")
		return
	}
	route := find(hr.Method, segments)
	if route == nil {
		h.noRoute(r)
		return
	}
	r.query = parseQuery(hr.URL.RawQuery)
	if hub := r.query.get("taskHub"); hub != "" && h.opts.TaskHubName != "" && !strings.EqualFold(hub, h.opts.TaskHubName) {
		h.fail(r, badRequest("This host serves the task hub '%s', not '%s'.", h.opts.TaskHubName, hub))
		return
	}
	if err := route(h, r, segments); err != nil {
		h.fail(r, err)
	}
}

func (h *handler) noRoute(r *request) {
	h.refuse(r, http.StatusNotFound, "The management API has no route "+r.http.Method+" "+r.http.URL.Path+".")
}

// segments returns the unescaped segments of the path below the base; ok is false when there is none or one has a bad escape.
func (h *handler) segments(r *request) (segments []string, ok bool) {
	path := r.http.URL.EscapedPath()
	for _, base := range h.bases {
		if len(path) <= len(base) || !strings.EqualFold(path[:len(base)], base) || path[len(base)] != '/' {
			continue
		}
		r.base = base
		rest := strings.TrimSuffix(path[len(base)+1:], "/")
		for s := range strings.SplitSeq(rest, "/") {
			s, err := url.PathUnescape(s)
			if err != nil {
				return nil, false
			}
			segments = append(segments, s)
		}
		return segments, true
	}
	return nil, false
}

// route serves a request whose path has matched.
type route func(h *handler, r *request, segments []string) error

// routes are those of HttpApiHandler.cs:282-450. "*" is any segment. Fixed segments compare without regard to case.
var routes = []struct {
	method string // "": any
	path   []string
	serve  route
}{
	{http.MethodPost, []string{"orchestrators", "*"}, (*handler).start},
	{http.MethodPost, []string{"orchestrators", "*", "*"}, (*handler).start},
	{http.MethodGet, []string{"instances"}, (*handler).list},
	{http.MethodDelete, []string{"instances"}, (*handler).purgeWhere},
	{http.MethodGet, []string{"instances", "*"}, (*handler).status},
	{http.MethodDelete, []string{"instances", "*"}, (*handler).purge},
	{http.MethodPost, []string{"instances", "*", "raiseEvent", "*"}, (*handler).raiseEvent},
	{http.MethodPost, []string{"instances", "*", "raiseEvent"}, (*handler).raiseEvent},
	{http.MethodPost, []string{"instances", "*", "terminate"}, (*handler).terminate},
	{http.MethodPost, []string{"instances", "*", "suspend"}, (*handler).suspend},
	{http.MethodPost, []string{"instances", "*", "resume"}, (*handler).resume},
	{http.MethodPost, []string{"instances", "*", "rewind"}, (*handler).rewind},
	{http.MethodPost, []string{"instances", "*", "restart"}, (*handler).restart},
	{http.MethodGet, []string{"entities"}, (*handler).listEntities},
	{http.MethodGet, []string{"entities", "*"}, (*handler).listEntities},
	{http.MethodGet, []string{"entities", "*", "*"}, (*handler).entityState},
	{http.MethodPost, []string{"entities", "*"}, (*handler).signalEntity},
	{http.MethodPost, []string{"entities", "*", "*"}, (*handler).signalEntity},
	{http.MethodDelete, []string{"entities", "*"}, (*handler).deleteEntity},
	{http.MethodDelete, []string{"entities", "*", "*"}, (*handler).deleteEntity},
	{"", []string{"makeprimary"}, (*handler).makePrimary},
}

func find(method string, segments []string) route {
	for _, candidate := range routes {
		if (candidate.method == "" || candidate.method == method) && matches(candidate.path, segments) {
			return candidate.serve
		}
	}
	return nil
}

func matches(path, segments []string) bool {
	if len(path) != len(segments) {
		return false
	}
	for i, want := range path {
		if want == "*" && segments[i] == "" || want != "*" && !strings.EqualFold(want, segments[i]) {
			return false
		}
	}
	return true
}

// makePrimary has nothing to do: all hosts of a hub work on it at the same time.
func (h *handler) makePrimary(r *request, _ []string) error {
	r.w.WriteHeader(http.StatusOK)
	return nil
}

// urls makes the URLs of answers to r.
func (h *handler) urls(r *request) URLs {
	u := URLs{Origin: h.origin(r.http), Base: cmp.Or(h.opts.URLBase, r.base), TaskHub: h.opts.TaskHubName, Connection: h.opts.ConnectionName}
	if h.opts.SystemKey != nil {
		u.Code = h.opts.SystemKey()
	}
	return u
}

// ownURL is the URL of the request itself, for callers.
func (h *handler) ownURL(r *request) string {
	return h.origin(r.http) + cmp.Or(h.opts.URLBase, r.base) + r.http.URL.RequestURI()[len(r.base):]
}

func (h *handler) origin(r *http.Request) string {
	if h.opts.Origin != nil {
		if o := h.opts.Origin(r); o != "" {
			return strings.TrimSuffix(o, "/")
		}
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
