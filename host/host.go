package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/durango-functions/durango/bindings"
	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/host/hostjson"
	"github.com/durango-functions/durango/host/keys"
	"github.com/durango-functions/durango/host/settings"
	"github.com/durango-functions/durango/worker/gofunc"
)

// DefaultPort is the port of a host that is told none.
const DefaultPort = 7071

// Config configures a Host.
type Config struct {
	// Root is the app's folder. "": there is none; all functions are declared in code, nothing is watched, and no files are written.
	Root string
	// NoHTTP is true for a host that listens on no port: its HTTP functions and APIs are not served.
	NoHTTP bool
	// Port to listen on; negative: any free one. 0 is that of local.settings.json, else DefaultPort.
	Port int
	// Address to listen on. Defaults to that of local.settings.json, else 127.0.0.1.
	Address string
	// RedisURL is the address of the task hub's Redis. Defaults to the setting that storageProvider.connectionName of host.json names,
	// else the host runs an embedded one.
	RedisURL string
	// Functions names the only functions to load; empty: all that host.json allows.
	Functions []string
	// EnableAuth demands keys as functions and APIs declare them; without it everything is open.
	EnableAuth bool
	// InsecureNoAuth allows an address that other machines can reach although EnableAuth is off.
	InsecureNoAuth bool
	// Defaults is the text of the host.json that the app's own overlays. Required.
	Defaults []byte
	// Environ is the environment as "NAME=value". Defaults to that of the process.
	Environ []string
	// Logger receives the log. Defaults to text on standard output.
	Logger *slog.Logger
	// Levels are those of Logger, which the host sets from host.json. May be nil.
	Levels *LogLevels
	// Out receives the listing of what was found; nil puts it into the log.
	Out io.Writer
	// Version is the version of durango.
	Version string
	// RedisPatience is how long Start waits for a Redis that cannot be reached. Defaults to 30 s.
	RedisPatience time.Duration
	// NodeArgs are arguments for node, before the script. Optional.
	NodeArgs []string
	// Overrides prevail over host.json and its variables. Optional.
	Overrides []hostjson.Override
	// Handlers are the functions in Go that the program has registered. Optional.
	Handlers []gofunc.Registration

	// Inherited is what the supervisor of a host has opened for it; nil: the host has no supervisor.
	Inherited *Inherited

	// newChannel makes the worker channel of an app; tests replace it.
	newChannel func(h *Host, s *settings.Settings, entry []string) channel
}

func (cfg Config) withDefaults() Config {
	if cfg.Environ == nil {
		cfg.Environ = os.Environ()
	}
	if cfg.Levels == nil {
		cfg.Levels = NewLogLevels(nil)
	}
	if cfg.Logger == nil {
		cfg.Logger = NewLogger(os.Stdout, TextLog, cfg.Levels)
	}
	cfg.RedisPatience = cmp.Or(cfg.RedisPatience, 30*time.Second)
	cfg.Version = cmp.Or(cfg.Version, "dev")
	if cfg.newChannel == nil {
		cfg.newChannel = newNodeChannel
	}
	return cfg
}

// state is where a host is in its life; the texts are those of the admin API (azure-functions-host ScriptHostState.cs).
type state string

// The states of a host.
const (
	stateDefault  state = "Default"
	stateStarting state = "Starting"
	stateRunning  state = "Running"
	stateError    state = "Error"
	stateStopping state = "Stopping"
	stateStopped  state = "Stopped"
)

// Host runs one app. Start and Stop frame its life.
type Host struct {
	cfg    Config
	root   string // absolute
	logger *slog.Logger
	config *hostjson.Config // of the start; the current app has its own
	first  *settings.Settings
	code   []functions.Code // of the handlers
	began  time.Time

	state   atomic.Value  // state
	running chan struct{} // closed when the host has got ready
	ended   chan struct{} // closed when the host has stopped
	stop    sync.Once
	stopErr error

	// work is the context of what runs for callers and triggers; it ends, with cause errStopping, when the time for finishing is over.
	work    context.Context
	endWork context.CancelCauseFunc

	listener net.Listener
	// alsoIPv6 listens on ::1 when the host listens on 127.0.0.1, since "localhost" may mean either; nil when that port is taken.
	alsoIPv6 net.Listener
	server   *http.Server
	serving  sync.WaitGroup // the goroutines that serve
	intake   intake
	rpc      *rpcServer
	bindings *bindings.Registry
	redis    *redisClients
	keys     *keys.Store
	durable  *durablePart
	admin    *adminPart

	current  atomic.Pointer[app]
	reloader *reloader
}

// New reads the app's configuration and makes a host of it. Errors are complete sentences for the one who typed the command.
func New(cfg Config) (*Host, error) {
	cfg = cfg.withDefaults()
	root, err := folder(cfg.Root)
	if err != nil {
		return nil, err
	}
	if root == "" && cfg.EnableAuth {
		return nil, errors.New("a host without a folder has no place for keys: give it one, or do without authentication")
	}
	h := &Host{
		cfg: cfg, root: root, logger: cfg.Logger.With(categoryKey, categoryHost),
		running: make(chan struct{}), ended: make(chan struct{}),
	}
	for i := range cfg.Handlers {
		h.code = append(h.code, cfg.Handlers[i].Code)
	}
	h.state.Store(stateDefault)
	appSettings, config, err := h.loadConfig()
	if err != nil {
		return nil, err
	}
	h.config, h.first = config, appSettings
	h.cfg.Address = cmp.Or(cfg.Address, appSettings.Host.LocalHTTPAddress, "127.0.0.1")
	h.cfg.Port = cmp.Or(cfg.Port, appSettings.Host.LocalHTTPPort, DefaultPort)
	if h.cfg.Port > 65535 {
		return nil, fmt.Errorf("port %d does not exist: expected 0 (any free one) to 65535", h.cfg.Port)
	}
	if err := checkAddress(h.cfg.Address, cfg.EnableAuth, cfg.InsecureNoAuth); err != nil {
		return nil, err
	}
	h.durable = newDurablePart(h)
	h.redis = &redisClients{h: h}
	h.bindings = h.knownBindings()
	h.reloader = newReloader(h)
	h.work, h.endWork = context.WithCancelCause(context.Background())
	return h, nil
}

// folder returns the app's folder as an absolute path, "" for none.
func folder(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	root, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("finding the app's folder %s: %w", path, err)
	}
	info, err := os.Stat(root)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("the app's folder %s does not exist: give the folder that holds host.json and the function folders with --root", root)
	case err != nil:
		return "", fmt.Errorf("reading the app's folder: %w", err)
	case !info.IsDir():
		return "", fmt.Errorf("%s is a file: give the folder that holds host.json and the function folders with --root", root)
	}
	// Stacks and watchers name files without symbolic links.
	if resolved, err := filepath.EvalSymlinks(root); err == nil {
		root = resolved
	}
	return root, nil
}

// loadConfig reads local.settings.json and host.json, and logs their warnings.
func (h *Host) loadConfig() (*settings.Settings, *hostjson.Config, error) {
	appSettings, settingWarnings, err := settings.Load(h.root, h.cfg.Environ)
	if err != nil {
		return nil, nil, err
	}
	config, configWarnings, err := hostjson.Load(h.root, h.cfg.Defaults, appSettings.Environ(), h.cfg.Overrides...)
	if err != nil {
		return nil, nil, err
	}
	h.cfg.Levels.set(config.Logging)
	for _, w := range settingWarnings {
		h.logger.Warn(string(w))
	}
	for _, w := range configWarnings {
		h.logger.Warn(string(w))
	}
	return appSettings, config, nil
}

// Start makes the host ready; it returns when the host runs, or with the reason why it cannot. ctx bounds the start only.
func (h *Host) Start(ctx context.Context) (err error) {
	if !h.state.CompareAndSwap(stateDefault, stateStarting) {
		return errors.New("the host has been started already")
	}
	h.began = time.Now()
	defer func() {
		if err != nil {
			h.state.Store(stateError)
			stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			err = errors.Join(err, h.Stop(stopCtx))
		}
	}()
	if err := h.openPort(); err != nil {
		return err
	}
	if err := h.openServices(); err != nil {
		return err
	}
	h.announceAddress()
	h.rpc.serve(h, &h.serving)
	if h.cfg.Inherited == nil { // else the host before this one still serves the port
		h.serve()
	}
	if err := h.makeReady(ctx); err != nil {
		return err
	}
	h.printListing()
	if !h.state.CompareAndSwap(stateStarting, stateRunning) {
		return errStopping
	}
	close(h.running)
	if h.cfg.Inherited != nil {
		h.serve()
		h.writeState()
	}
	h.logger.Info(fmt.Sprintf("Host ready in %d ms", time.Since(h.began).Milliseconds()), "ready_ms", data{time.Since(h.began).Milliseconds()})
	return nil
}

// makeReady opens the task hub and loads the app, side by side, and sets both to work.
func (h *Host) makeReady(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next *app
	var hubErr, appErr error
	var both sync.WaitGroup
	both.Go(func() {
		if hubErr = h.durable.open(ctx, h.first.Lookup); hubErr != nil {
			cancel(hubErr)
		}
	})
	both.Go(func() {
		if next, appErr = h.prepareApp(ctx, 1, h.first, h.config); appErr != nil {
			cancel(appErr)
		}
	})
	both.Wait()
	if err := firstError(ctx, hubErr, appErr); err != nil {
		if next != nil {
			stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second) // ctx has ended, because of err
			defer cancel()
			err = errors.Join(err, next.channel.Stop(stopCtx))
		}
		return err
	}
	h.completeApp(next)
	h.current.Store(next)
	if err := h.durable.engine.Start(ctx); err != nil {
		return fmt.Errorf("starting the engine: %w", err)
	}
	if err := next.startListeners(h.work); err != nil {
		return fmt.Errorf("starting the listeners: %w", err)
	}
	return h.reloader.start()
}

// firstError returns the error that ended the others.
func firstError(ctx context.Context, errs ...error) error {
	for _, err := range errs {
		if err != nil && err == context.Cause(ctx) { //nolint:errorlint // the very error that was the cause
			return err
		}
	}
	return errors.Join(errs...)
}

// serve starts the goroutines that serve the port.
func (h *Host) serve() {
	if h.listener == nil {
		return
	}
	h.server = &http.Server{
		Handler:           h.front(),
		ReadHeaderTimeout: 30 * time.Second,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return h.work },
		ErrorLog:          slog.NewLogLogger(h.logger.Handler(), slog.LevelDebug),
	}
	if h.cfg.Inherited != nil {
		h.server.ConnState = h.intake.count
	}
	for _, l := range []net.Listener{h.listener, h.alsoIPv6} {
		if l == nil {
			continue
		}
		h.intake.accepting.Add(1)
		h.serving.Go(func() {
			defer h.intake.accepting.Done()
			if err := h.server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				h.logger.Error("serving HTTP ended", "error", err)
			}
		})
	}
}

// Client is the client of the host's task hub, nil before Start has returned.
func (h *Host) Client() *durable.Client {
	if h.currentState() == stateDefault || h.currentState() == stateStarting {
		return nil
	}
	return h.durable.api
}

// currentState is where the host is in its life.
func (h *Host) currentState() state {
	s, ok := h.state.Load().(state)
	if !ok {
		return stateDefault
	}
	return s
}

// acquire returns the current app for use until its release, nil before there is one and when the host has stopped.
func (h *Host) acquire() *app {
	for {
		a := h.current.Load()
		if a == nil || a.acquire() {
			return a
		}
		if h.current.Load() == a {
			return nil // retired, and no newer one: the host stops
		}
	}
}

// Wait waits until the host has stopped, and returns what went wrong in that.
func (h *Host) Wait() error {
	<-h.ended
	return h.stopErr
}
