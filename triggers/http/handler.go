// Package httptrigger runs functions for HTTP requests: it finds the function whose route fits a request, makes the invocation, and
// writes what the function put into its http output binding as the response.
package httptrigger

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/triggers"
	"github.com/durango-functions/durango/triggers/http/route"
)

// TriggerType and OutputType are the binding types of this package.
const (
	TriggerType = "httpTrigger"
	OutputType  = "http"
)

// The levels of authorization that a function can ask for, in its property authLevel.
const (
	LevelAnonymous = "anonymous"
	LevelFunction  = "function" // the default
	LevelSystem    = "system"
	LevelAdmin     = "admin"
)

// DefaultMaxBodyBytes is the size up to which bodies of requests are read unless Options says otherwise (azure-functions-host
// ScriptConstants.cs:239).
const DefaultMaxBodyBytes = 100 << 20

// DefaultRoutePrefix is the route prefix of host.json unless it names another one.
const DefaultRoutePrefix = "api"

// Options configure a Handler. The zero value has no route prefix, no limits but the default of the body's size, and no authorization.
type Options struct {
	// RoutePrefix goes before all routes; slashes around it are ignored. "" is none; the default of host.json is DefaultRoutePrefix.
	RoutePrefix string
	// MaxBodyBytes is the size of the largest request body; a larger one is answered 413. 0: DefaultMaxBodyBytes.
	MaxBodyBytes int64
	// CustomHeaders are added to every response that does not set them itself.
	CustomHeaders map[string]string
	// MaxOutstandingRequests limits the requests that wait or run, MaxConcurrentRequests those that run. A request over the first
	// limit is answered 429. 0 and less: no limit.
	MaxOutstandingRequests int
	MaxConcurrentRequests  int
	// Authorize tells whether the caller may use the function, which asks for a level in lower case (function, system, admin, ...).
	// It is not asked for anonymous functions. nil: everybody may.
	Authorize func(r *http.Request, fn *functions.Function, level string) (ok bool)
	// Logger takes what the app's author should know about refused responses. nil: slog.Default.
	Logger *slog.Logger
}

// Handler is the http.Handler of an app's HTTP functions. It answers 404 for paths that no function has. It is not changed once made.
type Handler struct {
	opts     Options
	table    *route.Table[*endpoint]
	routes   []Route
	throttle *throttle
	invoker  triggers.Invoker
	logger   *slog.Logger
}

// Route is a function's route, for listings.
type Route struct {
	Function *functions.Function
	// Template is the route template with the prefix, without a slash before it.
	Template string
	// Methods are the methods in upper case, as declared; none: all.
	Methods []string
}

// endpoint is what a Handler knows about a function.
type endpoint struct {
	fn    *functions.Function
	level string
	// bodyData is true when another binding has {expressions}, which may name fields of the body.
	bodyData bool
}

// NewHandler returns a handler for the HTTP functions among fns; others are ignored. Functions with a broken route are left out and
// reported.
func NewHandler(fns []*functions.Function, opts Options, inv triggers.Invoker) (*Handler, []*functions.LoadError) {
	opts.MaxBodyBytes = cmp.Or(opts.MaxBodyBytes, DefaultMaxBodyBytes)
	logger := opts.Logger
	if logger == nil {
		logger = slog.Default()
	}
	h := &Handler{opts: opts, throttle: newThrottle(opts.MaxOutstandingRequests, opts.MaxConcurrentRequests), invoker: inv, logger: logger}
	h.checkCustomHeaders()
	var entries []route.Entry[*endpoint]
	var failed []*functions.LoadError
	for _, fn := range fns {
		trigger := fn.Trigger()
		if trigger == nil || !strings.EqualFold(trigger.Type, TriggerType) {
			continue
		}
		entry, err := newEntry(fn, trigger, opts.RoutePrefix)
		if err == nil {
			// A table of its own shows whether the router takes the template.
			_, err = route.NewTable([]route.Entry[*endpoint]{entry})
		}
		if err != nil {
			failed = append(failed, loadError(fn, trigger, err))
			continue
		}
		entries = append(entries, entry)
		h.routes = append(h.routes, Route{Function: fn, Template: entry.Template.String(), Methods: entry.Methods})
	}
	table, err := route.NewTable(entries)
	if err != nil {
		// Each entry was taken alone, so that this is no fault of one function.
		for _, e := range entries {
			failed = append(failed, loadError(e.Value.fn, e.Value.fn.Trigger(), err))
		}
		table, _ = route.NewTable[*endpoint](nil)
		h.routes = nil
	}
	h.table = table
	return h, failed
}

func loadError(fn *functions.Function, trigger *functions.Binding, err error) *functions.LoadError {
	return &functions.LoadError{Function: fn.Name, Reasons: []string{fmt.Sprintf("%s: the route of the httpTrigger '%s' cannot be used: %s.",
		fn.Source, trigger.Name, strings.TrimSuffix(err.Error(), "."))}}
}

// newEntry reads the properties of an httpTrigger.
func newEntry(fn *functions.Function, trigger *functions.Binding, prefix string) (route.Entry[*endpoint], error) {
	e := &endpoint{fn: fn, level: cmp.Or(strings.ToLower(trigger.StringProperty("authLevel")), LevelFunction), bodyData: hasExpressions(fn)}
	entry := route.Entry[*endpoint]{Methods: methods(trigger), Value: e}
	text := Template(fn, "")
	if _, err := route.Parse(text); err != nil {
		return entry, err // before the prefix is joined to it, so that the column is that of the author's text
	}
	template, err := route.Parse(Template(fn, prefix))
	entry.Template = template
	return entry, err
}

// Template returns the route template of an HTTP function with the route prefix, without a slash before it: its own, or its name. It is
// "" for other functions and for the root.
func Template(fn *functions.Function, prefix string) string {
	trigger := fn.Trigger()
	if trigger == nil || !strings.EqualFold(trigger.Type, TriggerType) {
		return ""
	}
	return strings.Trim(strings.Trim(prefix, "/")+"/"+strings.Trim(cmp.Or(trigger.StringProperty("route"), fn.Name), "/"), "/")
}

// methods returns the methods of an httpTrigger in upper case; nil is all.
func methods(trigger *functions.Binding) []string {
	var list []string
	if raw := trigger.Property("methods"); raw == nil || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	for i, m := range list {
		list[i] = strings.ToUpper(m)
	}
	return list
}

// Routes returns the routes in the order of the functions.
func (h *Handler) Routes() []Route { return h.routes }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e, params, ok := h.table.Match(r.Method, r.URL.EscapedPath())
	if !ok || e.fn.Disabled && !h.admin(r, e.fn) {
		h.answer(w, http.StatusNotFound)
		return
	}
	if e.level != LevelAnonymous && h.opts.Authorize != nil && !h.opts.Authorize(r, e.fn, e.level) {
		h.answer(w, http.StatusUnauthorized)
		return
	}
	release, ok := h.throttle.enter(r.Context())
	if !ok {
		if r.Context().Err() == nil {
			h.logger.Warn(fmt.Sprintf("Http request queue limit of %d has been exceeded.", h.opts.MaxOutstandingRequests), "function", e.fn.Name)
			w.Header().Set("X-FUNCTION-SCALEOUT", "1")
			h.answer(w, http.StatusTooManyRequests)
		}
		return
	}
	defer release()
	if e.fn.Language == functions.Go || e.fn.Stream {
		h.runLive(w, r, e, params)
		return
	}
	h.run(w, r, e, params)
}

// admin reports whether the caller has shown that it may do everything.
func (h *Handler) admin(r *http.Request, fn *functions.Function) bool {
	return h.opts.Authorize != nil && h.opts.Authorize(r, fn, LevelAdmin)
}

// run reads the request, invokes the function and writes the response.
func (h *Handler) run(w http.ResponseWriter, r *http.Request, e *endpoint, params map[string]string) {
	body, status := readBody(w, r, h.opts.MaxBodyBytes)
	if status != 0 {
		h.answer(w, status)
		return
	}
	result, err := h.invoker.Invoke(r.Context(), e.fn, e.event(r, params, body))
	if err != nil {
		// The invoker has logged it; callers are not told about the inside of an app.
		h.answer(w, http.StatusInternalServerError)
		return
	}
	resp, err := Response(e.fn, result)
	if err == nil {
		err = h.write(w, r, resp)
	}
	if err != nil {
		h.logger.Error(fmt.Sprintf("The response of function %s cannot be sent, the caller gets status 500: %s.", e.fn.Name, err), "function", e.fn.Name)
		h.answer(w, http.StatusInternalServerError)
	}
}

// answer writes a response without a body.
func (h *Handler) answer(w http.ResponseWriter, status int) {
	h.addCustomHeaders(w.Header())
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

func (h *Handler) addCustomHeaders(header http.Header) {
	for name, value := range h.opts.CustomHeaders {
		if _, set := header[http.CanonicalHeaderKey(name)]; !set {
			header.Set(name, value)
		}
	}
}

// checkCustomHeaders drops headers that cannot be sent, with a warning.
func (h *Handler) checkCustomHeaders() {
	valid := map[string]string{}
	for name, value := range h.opts.CustomHeaders {
		if err := checkHeader(name, value); err != nil {
			h.logger.Warn(fmt.Sprintf("host.json: extensions.http.customHeaders: %s. The header is left out.", err))
			continue
		}
		valid[name] = value
	}
	h.opts.CustomHeaders = valid
}

// throttle limits the requests that run and that wait.
type throttle struct {
	outstanding chan struct{} // nil: no limit
	concurrent  chan struct{} // nil: no limit
}

func newThrottle(outstanding, concurrent int) *throttle {
	t := &throttle{}
	if outstanding > 0 {
		t.outstanding = make(chan struct{}, outstanding)
	}
	if concurrent > 0 {
		t.concurrent = make(chan struct{}, concurrent)
	}
	return t
}

// enter waits for its turn. It reports false at once when too many wait already, and when ctx ends.
func (t *throttle) enter(ctx context.Context) (release func(), ok bool) {
	if t.outstanding != nil {
		select {
		case t.outstanding <- struct{}{}:
		default:
			return nil, false
		}
	}
	leave := func() {
		if t.outstanding != nil {
			<-t.outstanding
		}
	}
	if t.concurrent == nil {
		return leave, true
	}
	select {
	case t.concurrent <- struct{}{}:
		return func() { <-t.concurrent; leave() }, true
	case <-ctx.Done():
		leave()
		return nil, false
	}
}
