package host

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/durango-functions/durango/bindings"
	durablebinding "github.com/durango-functions/durango/bindings/durable"
	redisbinding "github.com/durango-functions/durango/bindings/redis"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/host/admin"
	"github.com/durango-functions/durango/host/keys"
	"github.com/durango-functions/durango/triggers"
	httptrigger "github.com/durango-functions/durango/triggers/http"
	"github.com/durango-functions/durango/triggers/manual"
	"github.com/durango-functions/durango/triggers/timer"
	"github.com/durango-functions/durango/worker"
)

// openServices opens what the host has besides the app and the task hub.
func (h *Host) openServices() (err error) {
	if h.root != "" {
		if h.keys, err = keys.Open(filepath.Join(h.root, stateDir, "keys.json")); err != nil {
			if h.cfg.EnableAuth {
				return err
			}
			h.logger.Warn("the key API is off, since the keys cannot be kept", "error", err)
		}
	}
	if h.rpc, err = h.openRPC(); err != nil {
		return fmt.Errorf("opening the endpoint for SDKs: %w", err)
	}
	h.admin = newAdminPart(h)
	if h.cfg.Inherited == nil { // else the file names the host before this one, until this one is ready
		h.writeState()
	}
	return nil
}

// knownBindings is the registry of all binding types.
func (h *Host) knownBindings() *bindings.Registry {
	var r bindings.Registry
	redis := redisbinding.New(h.redis.resolve)
	r.RegisterInput(redisbinding.Type, redis)
	r.RegisterOutput(redisbinding.Type, redis)
	for _, typ := range durablebinding.Types() {
		r.RegisterInput(typ, durableClientBinding{h.durable})
		r.RegisterOutput(typ, durableClientBinding{h.durable})
	}
	return &r
}

// durableClientBinding is the durable client binding. The registry is made before the task hub is open; functions run only after.
type durableClientBinding struct{ d *durablePart }

// BindInput implements bindings.Input.
func (b durableClientBinding) BindInput(ctx context.Context, call *bindings.Call, decl *functions.Binding) (worker.Value, error) {
	return b.d.binding.BindInput(ctx, call, decl)
}

// PrepareOutput implements bindings.Output.
func (b durableClientBinding) PrepareOutput(ctx context.Context, call *bindings.Call, decl *functions.Binding, v worker.Value) (bindings.Effect, error) {
	return b.d.binding.PrepareOutput(ctx, call, decl, v)
}

// adminPart is the admin API and what it runs by hand.
type adminPart struct {
	handler http.Handler
	runner  *manual.Runner
}

func newAdminPart(h *Host) *adminPart {
	runner := manual.NewRunner(manual.Options{
		Invoker: currentApp{h},
		TriggerValue: func(fn *functions.Function, input *string) (worker.Value, error) {
			if strings.EqualFold(fn.Trigger().Type, timer.Type) {
				return timer.TriggerValue(fn), nil
			}
			return manual.TriggerValue(fn, input)
		},
		URL: func(fn *functions.Function) string {
			prefix := h.config.HTTP.RoutePrefix
			if a := h.current.Load(); a != nil {
				prefix = a.config.HTTP.RoutePrefix
			}
			return templateURL(h.URL(), httptrigger.Template(fn, prefix))
		},
	})
	options := admin.Options{
		Functions: func() []*functions.Function {
			if a := h.current.Load(); a != nil {
				return a.functions.Functions
			}
			return nil
		},
		Errors: func() []*functions.LoadError {
			if a := h.current.Load(); a != nil {
				return h.listing(a).Broken
			}
			return nil
		},
		RoutePrefix: func() string {
			if a := h.current.Load(); a != nil {
				return a.config.HTTP.RoutePrefix
			}
			return h.config.HTTP.RoutePrefix
		},
		Status: h.status,
		Config: func() json.RawMessage {
			if a := h.current.Load(); a != nil {
				return a.config.Effective
			}
			return h.config.Effective
		},
		Invoke: runner.Start, InvokeAndWait: runner.Run, Keys: h.keys, ScriptPath: h.root, Logger: h.logger,
		Restart: func() { h.reloader.request("the admin API asked for it") },
		TrustOrigin: func(origin string) bool {
			a := h.current.Load()
			return a != nil && slices.ContainsFunc(a.settings.Host.CORS, func(o string) bool {
				return o == "*" || strings.EqualFold(strings.TrimSuffix(o, "/"), origin)
			})
		},
	}
	if h.cfg.EnableAuth {
		options.Authorize = func(r *http.Request) bool { return h.keys.Level(keys.FromRequest(r), "") == keys.Admin }
	}
	return &adminPart{handler: admin.NewHandler(options), runner: runner}
}

// status is the answer of GET /admin/host/status.
func (h *Host) status() admin.Status {
	computer, err := os.Hostname()
	if err != nil {
		computer = "localhost"
	}
	s := admin.Status{
		ID: hostID(computer, h.root), State: string(h.currentState()), Version: h.cfg.Version, InstanceID: h.durable.hostID,
		ComputerName: computer, ProcessUptime: time.Since(h.began).Milliseconds(),
	}
	if a := h.current.Load(); a != nil {
		for _, e := range h.listing(a).Broken {
			s.Errors = append(s.Errors, e.Error())
		}
	}
	return s
}

// currentApp runs functions that were chosen by name in the generation of the app that is current when they begin.
type currentApp struct{ h *Host }

// Invoke implements triggers.Invoker.
func (c currentApp) Invoke(ctx context.Context, fn *functions.Function, ev triggers.Event) (*worker.Result, error) {
	a := c.h.acquire()
	if a == nil {
		return nil, errStopping
	}
	defer a.release()
	current := a.functions.Function(fn.Name)
	if current == nil {
		return nil, fmt.Errorf("function %s is gone since the app was reloaded", fn.Name)
	}
	return a.invoker.Invoke(ctx, current, ev)
}

var (
	_ triggers.Invoker = currentApp{}
	_ bindings.Input   = durableClientBinding{}
	_ bindings.Output  = durableClientBinding{}
)
