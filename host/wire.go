package host

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/durango-functions/durango/bindings"
	redisbinding "github.com/durango-functions/durango/bindings/redis"
	"github.com/durango-functions/durango/host/keys"
)

type adminPart struct{ handler http.Handler }

func (p *adminPart) wait(ctx context.Context) error { return nil }

func (h *Host) openServices(ctx context.Context) (err error) {
	h.admin = &adminPart{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"state": h.currentState()})
	})}
	if h.keys, err = keys.Open(filepath.Join(h.root, stateDir, "keys.json")); err != nil {
		return err
	}
	if h.rpc, err = h.openRPC(); err != nil {
		return fmt.Errorf("opening the endpoint for SDKs: %w", err)
	}
	h.writeState()
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
