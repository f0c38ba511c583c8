package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/durango-functions/durango/functions"
	httptrigger "github.com/durango-functions/durango/triggers/http"
	"github.com/durango-functions/durango/triggers/manual"
)

// metadata describes a function (azure-functions-host FunctionMetadataResponse.cs). The links to files are null: the host does not serve
// an app's files.
type metadata struct {
	Name         string          `json:"name"`
	RootHref     *string         `json:"script_root_path_href"`
	ScriptHref   *string         `json:"script_href"`
	ConfigHref   *string         `json:"config_href"`
	TestDataHref *string         `json:"test_data_href"`
	Href         string          `json:"href"`
	InvokeURL    *string         `json:"invoke_url_template"`
	Language     string          `json:"language"`
	Config       json.RawMessage `json:"config"`
	Files        map[string]any  `json:"files"`
	TestData     *string         `json:"test_data"`
	IsDisabled   bool            `json:"isDisabled"`
	IsDirect     bool            `json:"isDirect"`
	IsProxy      bool            `json:"isProxy"`
}

func (h *handler) describe(r *http.Request, fn *functions.Function) metadata {
	base := baseURL(r)
	m := metadata{Name: fn.Name, Href: base + "/admin/functions/" + url.PathEscape(fn.Name), Language: fn.Language, Config: fn.Config, IsDisabled: fn.Disabled}
	if len(m.Config) == 0 {
		m.Config = json.RawMessage("{}")
	}
	if t := fn.Trigger(); t != nil && strings.EqualFold(t.Type, httptrigger.TriggerType) {
		prefix := ""
		if h.opts.RoutePrefix != nil {
			prefix = h.opts.RoutePrefix()
		}
		// In lower case as a whole (azure-functions-host FunctionMetadataExtensions.cs:217-252).
		text := strings.ToLower(base + "/" + httptrigger.Template(fn, prefix))
		m.InvokeURL = &text
	}
	return m
}

func (h *handler) listFunctions(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	list := []metadata{}
	for _, fn := range h.opts.Functions() {
		list = append(list, h.describe(r, fn))
	}
	h.answer(w, http.StatusOK, list)
}

func (h *handler) getFunction(w http.ResponseWriter, r *http.Request, params map[string]string) {
	fn := h.function(params["name"])
	if fn == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h.answer(w, http.StatusOK, h.describe(r, fn))
}

func (h *handler) functionStatus(w http.ResponseWriter, _ *http.Request, params map[string]string) {
	var status struct {
		Errors []string `json:"errors,omitempty"`
	}
	if h.opts.Errors != nil {
		for _, e := range h.opts.Errors() {
			if strings.EqualFold(e.Function, params["name"]) {
				status.Errors = append(status.Errors, e.Reasons...)
			}
		}
	}
	if len(status.Errors) == 0 && h.function(params["name"]) == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h.answer(w, http.StatusOK, status)
}

// invoke runs a function: 202 at once, or, when the caller waits (?wait=true or the header x-durango-wait: true, our addition), 200 with
// the outcome once it has ended.
func (h *handler) invoke(w http.ResponseWriter, r *http.Request, params map[string]string) {
	var body struct {
		Input *string `json:"input"`
	}
	if !read(w, r, &body) {
		return
	}
	fn := h.function(params["name"])
	if fn == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if wait := strings.EqualFold(r.URL.Query().Get("wait"), "true") || strings.EqualFold(r.Header.Get("X-Durango-Wait"), "true"); wait && h.opts.InvokeAndWait != nil {
		outcome, err := h.opts.InvokeAndWait(r.Context(), fn, body.Input)
		switch {
		case err == nil:
			h.answer(w, http.StatusOK, outcome)
		case r.Context().Err() == nil: // else nobody listens
			h.refuse(w, err)
		}
		return
	}
	if h.opts.Invoke == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if err := h.opts.Invoke(fn, body.Input); err != nil {
		h.refuse(w, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// refuse tells why a function has not been started.
func (h *handler) refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if errors.Is(err, manual.ErrStopped) {
		status = http.StatusServiceUnavailable
	}
	http.Error(w, err.Error(), status)
}
