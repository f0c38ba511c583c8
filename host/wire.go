package host

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/durango-functions/durango/bindings"
)

type adminPart struct{ handler http.Handler }

func (p *adminPart) wait(ctx context.Context) error { return nil }

func (h *Host) openServices(ctx context.Context) (err error) {
	h.admin = &adminPart{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"state": h.currentState()})
	})}
	h.rpc, err = h.openRPC()
	h.writeState()
	return err
}

func (d *durablePart) openAPI() error {
	d.management, d.rpc = http.NotFoundHandler(), http.NotFoundHandler()
	return nil
}

func (h *Host) completeHTTP(a *app)   { a.http = http.NotFoundHandler() }
func (h *Host) completeTimers(a *app) {}

var _ bindings.Registry
