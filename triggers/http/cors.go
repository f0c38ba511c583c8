package httptrigger

import (
	"net/http"
	"strings"
)

// CORSMiddleware lets pages of other origins call the host from a browser, as the setting Host.CORS says. "*" is every origin; without
// origins nothing is changed. It answers preflight requests itself, before routing. Credentials are never allowed together with "*",
// since browsers refuse that and every page could act for the user.
func CORSMiddleware(origins []string, credentials bool) func(http.Handler) http.Handler {
	c := &cors{allowed: map[string]bool{}, credentials: credentials}
	for _, o := range origins {
		o = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(o), "/"))
		if o == "*" {
			c.all = true
		} else if o != "" {
			c.allowed[o] = true
		}
	}
	return func(next http.Handler) http.Handler {
		if !c.all && len(c.allowed) == 0 {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c.serve(w, r) {
				next.ServeHTTP(w, r)
			}
		})
	}
}

type cors struct {
	all, credentials bool
	allowed          map[string]bool // in lower case
}

// serve sets the headers; it reports false when the request was a preflight and is answered.
func (c *cors) serve(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	h := w.Header()
	if !c.all {
		h.Add("Vary", "Origin")
	}
	if origin == "" {
		return true
	}
	allowed := c.all || c.allowed[strings.ToLower(origin)]
	if allowed {
		if c.all {
			h.Set("Access-Control-Allow-Origin", "*")
		} else {
			h.Set("Access-Control-Allow-Origin", origin)
			if c.credentials {
				h.Set("Access-Control-Allow-Credentials", "true")
			}
		}
	}
	method := r.Header.Get("Access-Control-Request-Method")
	if r.Method != http.MethodOptions || method == "" {
		return true
	}
	if allowed {
		h.Set("Access-Control-Allow-Methods", method)
		if wanted := r.Header.Get("Access-Control-Request-Headers"); wanted != "" {
			h.Set("Access-Control-Allow-Headers", wanted)
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return false
}
