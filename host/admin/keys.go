package admin

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/durango-functions/durango/host/keys"
)

// link leads from an answer to a resource.
type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

// keyAnswer is one key with its address.
type keyAnswer struct {
	keys.Key
	Links []link `json:"links"`
}

// scope returns the scope that a request is about and its address. It reports false when it has answered that there is none.
func (h *handler) scope(w http.ResponseWriter, r *http.Request, params map[string]string) (scope keys.Scope, href string, ok bool) {
	switch {
	case h.opts.Keys == nil:
		http.Error(w, "This host runs without keys. They are in use with --enable-auth.", http.StatusNotFound)
		return scope, "", false
	case h.opts.Authorize == nil && !h.private(r):
		http.Error(w, "Without --enable-auth keys are told only to programs that call the host by localhost or an IP address.", http.StatusForbidden)
		return scope, "", false
	case strings.EqualFold(params["scope"], "systemkeys"):
		return keys.SystemKeys, baseURL(r) + "/admin/host/systemkeys", true
	case params["scope"] != "":
		return keys.HostKeys, baseURL(r) + "/admin/host/" + strings.ToLower(params["scope"]), true
	}
	fn := h.function(params["name"])
	if fn == nil {
		w.WriteHeader(http.StatusNotFound)
		return scope, "", false
	}
	return keys.FunctionKeys(fn.Name), baseURL(r) + "/admin/functions/" + url.PathEscape(fn.Name) + "/keys", true
}

// private reports whether keys may be told to a caller who has shown none. They stay valid when authorization is turned on, and a page of
// any site can make a browser call a host on the same machine: with a name of its own that leads here, and by CORS.
func (h *handler) private(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	site := r.Header.Get("Sec-Fetch-Site")
	own := site == "same-origin" || site == "none" || site == "" && r.Header.Get("Origin") == ""
	return own && (strings.EqualFold(host, "localhost") || net.ParseIP(host) != nil)
}

func (h *handler) listKeys(w http.ResponseWriter, r *http.Request, params map[string]string) {
	scope, href, ok := h.scope(w, r, params)
	if !ok {
		return
	}
	list, err := h.opts.Keys.List(scope)
	if err != nil {
		h.keyError(w, err)
		return
	}
	if list == nil {
		list = []keys.Key{}
	}
	h.answer(w, http.StatusOK, struct {
		Keys  []keys.Key `json:"keys"`
		Links []link     `json:"links"`
	}{list, []link{{"self", href}}})
}

func (h *handler) getKey(w http.ResponseWriter, r *http.Request, params map[string]string) {
	scope, href, ok := h.scope(w, r, params)
	if !ok {
		return
	}
	key, err := h.opts.Keys.Get(scope, params["key"])
	if err != nil {
		h.keyError(w, err)
		return
	}
	h.answerKey(w, http.StatusOK, href, key)
}

func (h *handler) generateKey(w http.ResponseWriter, r *http.Request, params map[string]string) {
	scope, href, ok := h.scope(w, r, params)
	if !ok {
		return
	}
	key, created, err := h.opts.Keys.Generate(scope, params["key"])
	h.answerChange(w, href, key, created, err)
}

func (h *handler) putKey(w http.ResponseWriter, r *http.Request, params map[string]string) {
	scope, href, ok := h.scope(w, r, params)
	if !ok {
		return
	}
	var body keys.Key
	if !read(w, r, &body) {
		return
	}
	switch {
	case body.Value == "":
		http.Error(w, "Invalid key value", http.StatusBadRequest)
		return
	case body.Name != "" && !strings.EqualFold(body.Name, params["key"]):
		http.Error(w, fmt.Sprintf("The name %q in the body is not the name %q in the address.", body.Name, params["key"]), http.StatusBadRequest)
		return
	}
	key, created, err := h.opts.Keys.Set(scope, params["key"], body.Value)
	h.answerChange(w, href, key, created, err)
}

func (h *handler) deleteKey(w http.ResponseWriter, r *http.Request, params map[string]string) {
	scope, _, ok := h.scope(w, r, params)
	if !ok {
		return
	}
	if err := h.opts.Keys.Delete(scope, params["key"]); err != nil {
		h.keyError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h *handler) answerChange(w http.ResponseWriter, href string, key keys.Key, created bool, err error) {
	switch {
	case err != nil:
		h.keyError(w, err)
	case created:
		w.Header().Set("Location", href+"/"+url.PathEscape(key.Name))
		h.answerKey(w, http.StatusCreated, href, key)
	default:
		h.answerKey(w, http.StatusOK, href, key)
	}
}

func (h *handler) answerKey(w http.ResponseWriter, status int, href string, key keys.Key) {
	h.answer(w, status, keyAnswer{Key: key, Links: []link{{"self", href + "/" + url.PathEscape(key.Name)}}})
}

// keyError answers an error of the key store.
func (h *handler) keyError(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, keys.ErrNotFound):
		w.WriteHeader(http.StatusNotFound)
	case errors.Is(err, keys.ErrMaster):
		http.Error(w, "Cannot delete System Key.", http.StatusBadRequest)
	case errors.Is(err, keys.ErrInvalid):
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		h.logger.Error("The admin API cannot manage keys", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
	}
}
