package host

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/durango-functions/durango/bindings"
	redisbinding "github.com/durango-functions/durango/bindings/redis"
	"github.com/durango-functions/durango/functions"
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

func (h *Host) completeTimers(a *app) {}

// knownBindings is the registry of all binding types.
func (h *Host) knownBindings() *bindings.Registry {
	var r bindings.Registry
	redis := redisbinding.New(h.redis.resolve)
	r.RegisterInput(redisbinding.Type, redis)
	r.RegisterOutput(redisbinding.Type, redis)
	return &r
}

func (h *Host) authorize() func(r *http.Request, fn *functions.Function, level string) bool {
	return nil
}
