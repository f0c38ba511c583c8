package host

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The fixed paths of the HTTP front (azure-functions-host HostController.cs:479; durable-extension 1.x HttpApiHandler.cs:659).
const (
	adminPath          = "/admin"
	hostAdminPath      = "/admin/host"
	managementPath     = "/runtime/webhooks/durabletask"
	managementPath2018 = "/admin/extensions/DurableTaskExtension"
)

// readyPatience is how long a request waits for a host that is starting (azure-functions-host ScriptConstants.cs:180).
const readyPatience = 30 * time.Second

// front is the handler of the host's port: it sends each request to the part that it is for. Paths compare without regard to case.
func (h *Host) front() http.Handler {
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		switch {
		case under(path, hostAdminPath):
			h.admin.handler.ServeHTTP(w, r) // tells about a host that is not ready, too
		case !h.awaitRunning(w, r):
		case under(path, managementPath), under(path, managementPath2018):
			h.durable.serveManagement(w, r)
		case under(path, adminPath):
			h.admin.handler.ServeHTTP(w, r)
		default:
			h.serveApp(w, r)
		}
	})
	return h.cors(handler)
}

// under reports whether path is base or lies below it.
func under(path, base string) bool {
	return len(path) >= len(base) && strings.EqualFold(path[:len(base)], base) && (len(path) == len(base) || path[len(base)] == '/')
}

// awaitRunning lets a request wait until the host is ready; if it answers false, it has answered the request.
func (h *Host) awaitRunning(w http.ResponseWriter, r *http.Request) bool {
	select {
	case <-h.running:
		if h.currentState() == stateRunning {
			return true
		}
	default:
		timer := time.NewTimer(readyPatience)
		defer timer.Stop()
		select {
		case <-h.running:
			return true
		case <-timer.C:
		case <-h.work.Done():
		case <-r.Context().Done():
		}
	}
	http.Error(w, "Function host is not running.", http.StatusServiceUnavailable)
	return false
}

// serveApp serves the functions of the app, and the home page where no function has the root.
func (h *Host) serveApp(w http.ResponseWriter, r *http.Request) {
	a := h.acquire()
	if a == nil {
		http.Error(w, "Function host is not running.", http.StatusServiceUnavailable)
		return
	}
	defer a.release()
	if r.URL.Path == "/" && !a.rootRoute {
		h.serveHome(w, a)
		return
	}
	a.http.ServeHTTP(w, r)
}

var homePage = template.Must(template.New("home").Parse(`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>durango</title>
<style>body { font: 16px/1.5 sans-serif; margin: 3em; } code { background: #eee; padding: 0 .3em; }</style></head>
<body>
<h1>Your function app is up and running</h1>
<p>durango {{.Version}}</p>
<ul>{{range .Functions}}
<li>{{.Name}}: <code>{{.How}}</code></li>{{else}}
<li>No functions were found.</li>{{end}}
</ul>
</body>
</html>
`))

// serveHome answers the root, unless the setting AzureWebJobsDisableHomepage turns the page off (azure-functions-host
// HomepageMiddleware.cs).
func (h *Host) serveHome(w http.ResponseWriter, a *app) {
	if off, _ := a.settings.Lookup("AzureWebJobsDisableHomepage"); strings.EqualFold(off, "true") || off == "1" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	err := homePage.Execute(w, struct {
		Version   string
		Functions []listedFunction
	}{h.cfg.Version, h.listing(a).all()})
	if err != nil {
		h.logger.Debug("writing the home page", "error", err)
	}
}

// cors answers what browsers ask before they let a page of another origin call, as the section Host of local.settings.json allows.
func (h *Host) cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		a := h.current.Load()
		if origin == "" || a == nil || len(a.settings.Host.CORS) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		rules := a.settings.Host
		all := slices.Contains(rules.CORS, "*")
		if !all && !slices.ContainsFunc(rules.CORS, func(o string) bool { return strings.EqualFold(strings.TrimSuffix(o, "/"), origin) }) {
			next.ServeHTTP(w, r)
			return
		}
		header := w.Header()
		if all && !rules.CORSCredentials {
			header.Set("Access-Control-Allow-Origin", "*")
		} else {
			header.Set("Access-Control-Allow-Origin", origin)
			header.Add("Vary", "Origin")
		}
		if rules.CORSCredentials {
			header.Set("Access-Control-Allow-Credentials", "true")
		}
		if method := r.Header.Get("Access-Control-Request-Method"); r.Method == http.MethodOptions && method != "" {
			header.Set("Access-Control-Allow-Methods", method)
			if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
				header.Set("Access-Control-Allow-Headers", asked)
			}
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// templateURL joins the base URL and a route for people to read: the template's braces stay.
func templateURL(base string, parts ...string) string {
	out := strings.TrimSuffix(base, "/")
	for _, p := range parts {
		if p = strings.Trim(p, "/"); p != "" {
			out += "/" + p
		}
	}
	return out
}

// instanceURL is the URL of the management API below a base.
func managementURL(base string) string { return base + managementPath }

// originOf is scheme and host of a URL, for comparison.
func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s://%s", strings.ToLower(u.Scheme), strings.ToLower(u.Host))
}
