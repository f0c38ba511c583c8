package durango

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/host"
	"github.com/durango-functions/durango/host/hostjson"
)

// Config configures a host inside of another program. The zero value is a host of the functions that code declares, with a task hub of its own
// that is forgotten when the host stops, and without a port.
type Config struct {
	// Root is the folder with host.json and function folders. "": there is none, nothing is watched, and no files are written but those of
	// an embedded Redis, in a temporary folder.
	Root string
	// RedisURL is the address of the task hub's Redis, such as redis://user:password@host:6379/0. Defaults to the setting DURANGO_REDIS (or the one
	// that host.json names), else the host runs a Redis of its own, in Root/.durango or in a temporary folder.
	RedisURL string
	// HubName is the name of the task hub: up to 64 letters, digits, - and _. Hosts with the same Redis and hub divide the work.
	// Defaults to that of host.json, else TestHubName.
	HubName string
	// Addr is the address and port to listen on, as in "127.0.0.1:7071" and ":0". "": the host listens on no port, and its HTTP functions,
	// the management API and the admin API are not served. Without an address before the colon it is 127.0.0.1.
	Addr string
	// EnableAuth demands function and admin keys; it needs Root, where they are kept.
	EnableAuth bool
	// InsecureNoAuth allows an Addr that other machines can reach although EnableAuth is off.
	InsecureNoAuth bool
	// Logger receives the log. Defaults to slog.Default().
	Logger *slog.Logger
	// Settings are app settings, which prevail over environment variables and local.settings.json. Those called
	// AzureFunctionsJobHost__a__b set a.b of host.json.
	Settings map[string]string
	// FunctionTimeout is the longest time that one invocation may take. Negative: no limit. Defaults to that of host.json, else 30 min.
	FunctionTimeout time.Duration
	// MaxConcurrentActivityFunctions and MaxConcurrentOrchestratorFunctions are how many run at once on this host. Default to those of
	// host.json, else ten per core.
	MaxConcurrentActivityFunctions     int
	MaxConcurrentOrchestratorFunctions int
	// PartitionCount is the number of partitions of a hub that is created, 1 to 256. Defaults to that of host.json, else 16.
	PartitionCount int
}

// Host is a running host of an app.
type Host struct {
	h *host.Host
}

// Start starts a host for the app in this process, and returns when it runs. ctx bounds the start only; Stop ends the host. It writes
// nothing to standard output and takes no signals. An app may have several hosts at a time.
func (a *App) Start(ctx context.Context, cfg Config) (*Host, error) {
	internal, err := a.hostConfig(cfg)
	if err != nil {
		return nil, err
	}
	h, err := host.New(internal)
	if err != nil {
		return nil, err
	}
	if err := h.Start(ctx); err != nil {
		return nil, err
	}
	return &Host{h: h}, nil
}

func (a *App) hostConfig(cfg Config) (host.Config, error) {
	internal := host.Config{
		Root: cfg.Root, RedisURL: cfg.RedisURL, EnableAuth: cfg.EnableAuth, InsecureNoAuth: cfg.InsecureNoAuth, NoHTTP: cfg.Addr == "",
		Logger: cfg.Logger, Defaults: defaults, Version: version(), Handlers: slices.Clone(a.registrations), Environ: os.Environ(),
	}
	if internal.Logger == nil {
		internal.Logger = slog.Default()
	}
	for name, value := range cfg.Settings {
		internal.Environ = append(internal.Environ, name+"="+value)
	}
	if cfg.Addr != "" {
		address, port, err := net.SplitHostPort(cfg.Addr)
		number, numberErr := strconv.ParseUint(port, 10, 16)
		if err != nil || numberErr != nil {
			return internal, fmt.Errorf(`Config.Addr is %q: expected an address and a port, such as "127.0.0.1:7071", or ":0" for any free port`, cfg.Addr)
		}
		internal.Address, internal.Port = cmp.Or(address, "127.0.0.1"), cmp.Or(int(number), -1)
	}
	set := func(field, path, value string) {
		internal.Overrides = append(internal.Overrides, hostjson.Override{Path: path, Source: "Config." + field, Value: value})
	}
	count := func(field, path string, n int) {
		if n != 0 {
			set(field, path, strconv.Itoa(n))
		}
	}
	const hub = "extensions.durableTask."
	if cfg.HubName != "" {
		set("HubName", hub+"hubName", cfg.HubName)
	}
	count("MaxConcurrentActivityFunctions", hub+"maxConcurrentActivityFunctions", cfg.MaxConcurrentActivityFunctions)
	count("MaxConcurrentOrchestratorFunctions", hub+"maxConcurrentOrchestratorFunctions", cfg.MaxConcurrentOrchestratorFunctions)
	count("PartitionCount", hub+"storageProvider.partitionCount", cfg.PartitionCount)
	switch {
	case cfg.FunctionTimeout < 0:
		set("FunctionTimeout", "functionTimeout", "-1")
	case cfg.FunctionTimeout > 0:
		set("FunctionTimeout", "functionTimeout", functions.FormatTimeSpan(cfg.FunctionTimeout))
	}
	return internal, nil
}

// Client returns the client of the host's task hub, which starts and manages orchestrations.
func (h *Host) Client() *durable.Client { return h.h.Client() }

// URL is the host's base URL, without a slash at its end, as callers on this machine use it; "" when it listens on no port.
func (h *Host) URL() string { return h.h.URL() }

// Stop ends the host in order: no new work; what runs may finish; the partitions are given to other hosts. When ctx ends before, what
// still runs is cut off; nothing that was acknowledged is lost by that. It may be called twice.
func (h *Host) Stop(ctx context.Context) error { return h.h.Stop(ctx) }
