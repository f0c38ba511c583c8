package host

import (
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	durablebinding "github.com/durango-functions/durango/bindings/durable"
	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/management"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/host/keys"
	"github.com/durango-functions/durango/worker/gofunc"
)

// openAPI makes the client of the task hub, and the management API over it: for callers, and for the app's own code.
func (d *durablePart) openAPI() {
	h, config := d.h, d.h.config.DurableTask
	logger := h.cfg.Logger.With(categoryKey, categoryDurable)
	d.api = durable.NewClient(d.engine.Store(d.hub), durable.ClientConfig{
		StartTimeout: config.StartTimeout, OverridableExistingInstanceStates: config.OverridableExistingInstanceStates,
		HasOrchestrator: h.hasOrchestrator, Orchestrators: h.orchestratorNames, Entities: h.entityNames,
		MaxPayload: config.MaxPayloadSize, DefaultVersion: config.DefaultVersion, Logger: logger,
	})
	options := management.Options{
		TaskHubName: config.HubName, ConnectionName: config.StorageProvider.ConnectionName, SystemKey: h.systemKey(), Logger: logger,
	}
	public := options
	public.BasePaths = []string{managementPath, managementPath2018}
	if h.cfg.EnableAuth {
		public.Authorize = func(r *http.Request) bool {
			level := h.keys.Level(keys.FromRequest(r), "")
			return level == keys.System || level == keys.Admin
		}
	}
	d.management = management.NewHandler(d.api, public)
	local := options
	local.BasePaths, local.URLBase = []string{strings.TrimSuffix(rpcPath, "/")}, managementPath
	local.Origin = func(*http.Request) string { return h.publicOrigin() }
	d.rpc = management.NewHandler(d.api, local)
	d.binding = durablebinding.New(d.api, durablebinding.Options{
		Origin: h.publicOrigin, RPCBaseURL: h.rpc.url, HubName: config.HubName, ConnectionName: config.StorageProvider.ConnectionName,
		SystemKey: h.systemKey(), Logger: logger,
	})
}

// services is what handlers in Go get from the host.
func (h *Host) services() gofunc.Services {
	return gofunc.Services{
		Client: func() *durable.Client { return h.durable.api },
		Logger: func(fn *functions.Function, invocationID string) *slog.Logger {
			return h.cfg.Logger.With(categoryKey, functionCategory(fn.Name)+".User", "function", data{fn.Name}, "invocation_id", data{invocationID})
		},
		URLs: h.managementURLs,
	}
}

// managementURLs are the URLs of an instance for a caller of ours: with the origin that it used itself, which it can reach.
func (h *Host) managementURLs(r *http.Request, id string) (management.ManagementURLs, error) {
	config := h.config.DurableTask
	urls := management.URLs{Origin: h.publicOrigin(), TaskHub: config.HubName, Connection: config.StorageProvider.ConnectionName}
	if r != nil && r.Host != "" {
		urls.Origin = "http://" + r.Host
		if r.TLS != nil {
			urls.Origin = "https://" + r.Host
		}
	}
	if h.listener == nil {
		return management.ManagementURLs{}, errors.New("the host listens on no port, so that there are no management URLs")
	}
	if key := h.systemKey(); key != nil {
		urls.Code = key()
	}
	return urls.Management(id), nil
}

// publicOrigin is scheme and host of the URLs that the app's code hands out, the same that WEBSITE_HOSTNAME tells the SDKs.
func (h *Host) publicOrigin() string { return "http://" + h.authority(h.websiteName()) }

// hasOrchestrator reports whether an orchestration of that name can be started.
func (h *Host) hasOrchestrator(name string) bool {
	a := h.current.Load()
	return a != nil && a.orchestrators[strings.ToLower(name)] != nil
}

// orchestratorNames lists the orchestrators as they are spelled.
func (h *Host) orchestratorNames() []string {
	a := h.current.Load()
	if a == nil {
		return nil
	}
	names := make([]string, 0, len(a.orchestrators))
	for key, fn := range a.orchestrators {
		name := fn.Trigger().StringProperty("orchestration")
		if name == "" || !strings.EqualFold(name, key) {
			name = fn.Name
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// entityNames lists the entity functions.
func (h *Host) entityNames() []string {
	a := h.current.Load()
	if a == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(a.entities))
}

// authorize decides about callers of functions; nil lets everybody in.
func (h *Host) authorize() func(r *http.Request, fn *functions.Function, level string) bool {
	if !h.cfg.EnableAuth {
		return nil
	}
	return func(r *http.Request, fn *functions.Function, level string) bool {
		return h.keys.Allows(r, fn.Name, level)
	}
}

// systemKey gives the key that URLs of the management API carry, nil when there is none.
func (h *Host) systemKey() func() string {
	if !h.cfg.EnableAuth {
		return nil
	}
	return func() string {
		key, err := h.keys.Ensure(keys.SystemKeys, keys.DurableName)
		if err != nil {
			h.logger.Error("making the system key of the management API", "error", err)
			return ""
		}
		return key.Value
	}
}
