// Package admin is the admin API of a host: what functions it has, how they are, running them by hand, the keys, and the host itself. The
// calls and their answers are those of the Azure Functions host (its FunctionsController, HostController and KeysController).
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/host/keys"
	"github.com/durango-functions/durango/triggers/http/route"
	"github.com/durango-functions/durango/triggers/manual"
)

// Options are what the API tells about and acts on. Funcs are called at each request, so that they may follow a reload; they must be
// safe for concurrent use. Only Functions is required: calls that need something that is nil are answered 404.
type Options struct {
	// Functions are the valid functions of the app, disabled ones too.
	Functions func() []*functions.Function
	// Errors are the broken functions: folders without a valid function.json, and functions that a worker cannot load.
	Errors func() []*functions.LoadError
	// RoutePrefix is the route prefix of HTTP functions.
	RoutePrefix func() string
	// Status is the state of the host.
	Status func() Status
	// Processes are the worker processes.
	Processes func() []Process
	// Config is the configuration in effect, a JSON object without secrets.
	Config func() json.RawMessage
	// Invoke starts a function in the background, InvokeAndWait waits for its outcome too: both as manual.Runner has them. An error is
	// a reason why it has not been started; it is told to the caller.
	Invoke        func(fn *functions.Function, input *string) error
	InvokeAndWait func(ctx context.Context, fn *functions.Function, input *string) (manual.Outcome, error)
	// Keys are the keys that the API manages.
	Keys *keys.Store
	// Authorize tells whether the caller may use the API. nil: everybody may; then requests that change something are refused when a
	// browser says that they come from another site, whose pages could otherwise act on a developer's host.
	Authorize func(r *http.Request) bool
	// TrustOrigin exempts origins from that: those that may call anyway, by CORS. nil: none.
	TrustOrigin func(origin string) bool
	// Restart begins a restart of the app's workers and returns at once.
	Restart func()
	// ScriptPath is the app's folder.
	ScriptPath string
	// Logger takes errors that callers are not told. nil: slog.Default.
	Logger *slog.Logger
}

// Status is the answer of GET /admin/host/status (azure-functions-host HostStatus.cs).
type Status struct {
	ID             string   `json:"id,omitempty"`
	State          string   `json:"state"` // Default, Starting, Initialized, Running, Error, Stopping, Stopped or Offline
	Version        string   `json:"version,omitempty"`
	VersionDetails string   `json:"versionDetails,omitempty"`
	Platform       string   `json:"platformVersion,omitempty"`
	InstanceID     string   `json:"instanceId,omitempty"`
	ComputerName   string   `json:"computerName,omitempty"`
	Errors         []string `json:"errors,omitempty"`
	ProcessUptime  int64    `json:"processUptime,omitempty"` // milliseconds
	// ContentEditing is always there; "" is answered as "NotAllowed", since the API does not change an app's files.
	ContentEditing  string           `json:"functionAppContentEditingState"`
	ExtensionBundle *ExtensionBundle `json:"extensionBundle,omitempty"`
}

// ExtensionBundle names an extension bundle.
type ExtensionBundle struct {
	ID      string `json:"id"`
	Version string `json:"version"`
}

// Process is a worker process.
type Process struct {
	ID   int    `json:"processId"`
	Name string `json:"processName"`
}

// handler is the API.
type handler struct {
	opts   Options
	logger *slog.Logger
	table  *route.Table[endpoint]
	cross  *http.CrossOriginProtection
}

// endpoint is one call of the API.
type endpoint struct {
	open  bool // needs no authorization
	serve func(w http.ResponseWriter, r *http.Request, params map[string]string)
}

// NewHandler returns the handler of everything below /admin.
func NewHandler(opts Options) http.Handler {
	h := &handler{opts: opts, logger: opts.Logger, cross: http.NewCrossOriginProtection()}
	if h.logger == nil {
		h.logger = slog.Default()
	}
	var entries []route.Entry[endpoint]
	for _, c := range h.calls() {
		methods, path, _ := strings.Cut(c.call, " ")
		template, err := route.Parse(path)
		if err != nil {
			panic(fmt.Sprintf("admin: %v", err)) // the calls are constants
		}
		entries = append(entries, route.Entry[endpoint]{Template: template, Methods: strings.Split(methods, "|"), Value: c.endpoint})
	}
	table, err := route.NewTable(entries)
	if err != nil {
		panic(fmt.Sprintf("admin: %v", err)) // the calls are constants
	}
	h.table = table
	return h
}

type call struct {
	call string
	endpoint
}

func (h *handler) calls() []call {
	calls := []call{
		{"GET|POST admin/host/ping", endpoint{open: true, serve: h.ping}},
		{"GET admin/host/status", endpoint{serve: h.status}},
		{"GET admin/host/processes", endpoint{serve: h.processes}},
		{"GET admin/host/config", endpoint{serve: h.config}},
		{"POST admin/host/restart", endpoint{serve: h.restart}},
		{"POST admin/host/synctriggers", endpoint{serve: h.syncTriggers}},
		{"GET admin/functions", endpoint{serve: h.listFunctions}},
		{"GET admin/functions/{name}", endpoint{serve: h.getFunction}},
		{"POST admin/functions/{name}", endpoint{serve: h.invoke}},
		{"GET admin/functions/{name}/status", endpoint{serve: h.functionStatus}},
	}
	for _, base := range []string{"admin/functions/{name}/keys", "admin/host/{scope:regex(^(?:keys|functionkeys|systemkeys)$)}"} {
		calls = append(calls,
			call{"GET " + base, endpoint{serve: h.listKeys}},
			call{"GET " + base + "/{key}", endpoint{serve: h.getKey}},
			call{"POST " + base + "/{key}", endpoint{serve: h.generateKey}},
			call{"PUT " + base + "/{key}", endpoint{serve: h.putKey}},
			call{"DELETE " + base + "/{key}", endpoint{serve: h.deleteKey}},
		)
	}
	return calls
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e, params, ok := h.table.Match(r.Method, r.URL.EscapedPath())
	if ok && e.open {
		e.serve(w, r, params)
		return
	}
	if h.opts.Authorize == nil {
		if err := h.cross.Check(r); err != nil && !h.trusted(r) {
			http.Error(w, "The request comes from a page of another site, which may not use the admin API.", http.StatusForbidden)
			return
		}
	} else if !h.opts.Authorize(r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	e.serve(w, r, params)
}

func (h *handler) trusted(r *http.Request) bool {
	return h.opts.TrustOrigin != nil && h.opts.TrustOrigin(r.Header.Get("Origin"))
}

// function returns the function called name (case-insensitive), or nil.
func (h *handler) function(name string) *functions.Function {
	for _, fn := range h.opts.Functions() {
		if strings.EqualFold(fn.Name, name) {
			return fn
		}
	}
	return nil
}

// baseURL is the address by which the caller reached the host.
func baseURL(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// answer writes v as JSON.
func (h *handler) answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		h.logger.Debug("writing an answer of the admin API", "error", err)
	}
}

// maxBodyBytes bounds the requests of the API; an input may be as large as the body of an HTTP request.
const maxBodyBytes = 100 << 20

// read decodes a JSON body into v. It reports false when it has answered a body that cannot be read.
func read(w http.ResponseWriter, r *http.Request, v any) bool {
	if r.ContentLength != 0 && !isJSON(r.Header.Get("Content-Type")) {
		http.Error(w, fmt.Sprintf("The Content-Type is %q, expected application/json.", r.Header.Get("Content-Type")), http.StatusUnsupportedMediaType)
		return false
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	var raw json.RawMessage
	err := dec.Decode(&raw)
	if err == nil && dec.More() {
		err = errors.New("something follows the JSON value")
	}
	if err == nil && string(raw) == "null" {
		err = errors.New("it is null")
	}
	if err == nil {
		err = json.Unmarshal(raw, v)
	}
	var typ *json.UnmarshalTypeError
	switch {
	case err == nil:
		return true
	case errors.As(err, new(*http.MaxBytesError)):
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case errors.As(err, &typ) && typ.Field != "":
		http.Error(w, fmt.Sprintf("The body is invalid: %q is of type %s, expected %s.", typ.Field, typ.Value, typ.Type.Kind()), http.StatusBadRequest)
	case errors.As(err, &typ):
		http.Error(w, fmt.Sprintf("The body is invalid: it is of type %s. Expected a JSON object.", typ.Value), http.StatusBadRequest)
	case errors.Is(err, io.EOF):
		http.Error(w, "The body is empty. Expected a JSON object.", http.StatusBadRequest)
	default:
		http.Error(w, fmt.Sprintf("The body is invalid: %v. Expected a JSON object.", err), http.StatusBadRequest)
	}
	return false
}

func isJSON(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	return media == "application/json" || media == "text/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
}
