package host

import (
	"html/template"
	"net/http"
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
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := h.current.Load(); a != nil {
			a.cors(handler).ServeHTTP(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// under reports whether path is base or lies below it.
func under(path, base string) bool {
	return len(path) >= len(base) && strings.EqualFold(path[:len(base)], base) && (len(path) == len(base) || path[len(base)] == '/')
}

// awaitRunning lets a request wait until the host is ready; if it answers false, it has answered the request.
func (h *Host) awaitRunning(w http.ResponseWriter, r *http.Request) bool {
	select {
	case <-h.running:
		// Who connects to a host whose port another one goes on serving may still come upon this one: that is no reason to refuse.
		if h.currentState() == stateRunning || h.cfg.Inherited != nil && h.work.Err() == nil {
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

// managementURL is the URL of the management API below a base.
func managementURL(base string) string { return base + managementPath }
