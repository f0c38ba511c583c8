package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/durango-functions/durango/host"
	"github.com/durango-functions/durango/internal/devloop"
	"github.com/durango-functions/durango/internal/redisconn"
)

// stopPatience is how long a host may take to stop in order. With what the process itself takes it stays under 10 s.
const stopPatience = 9 * time.Second

// startFlags are the flags of durango start.
type startFlags struct {
	root, address, redis, logFormat, logLevel string
	port                                      int
	functions                                 []string
	nodeArgs                                  []string
	enableAuth, insecureNoAuth                bool
}

func (p Program) startCommand() *cobra.Command {
	var f startFlags
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Run the function app in a folder",
		Long: "start runs the function app in a folder until it gets a SIGINT (Ctrl-C) or SIGTERM, and reloads it when its files change.\n" +
			"An app that is a program in Go is built first, and again when its Go files change.\n" +
			"The section Host of the app's local.settings.json gives defaults for --port and --address.",
		Example: "  durango start\n  durango start --root samples/hello --port 8080 --redis redis://localhost:6379",
		Args:    exactArgs(0, "no arguments but flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.hostConfig(&f, cmd.Flags().Changed("port"))
			if err != nil {
				return err
			}
			if module, found := devloop.Detect(cfg.Root); found && p.Handlers == nil {
				return p.supervise(cmd.Context(), cfg, module)
			}
			return p.start(cmd.Context(), cfg)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.root, "root", ".", "folder of the app")
	flags.IntVar(&f.port, "port", host.DefaultPort, "port to listen on; 0 takes any free one and prints it")
	flags.StringVar(&f.address, "address", "", "address to listen on (default 127.0.0.1)")
	flags.StringVar(&f.redis, "redis", "", "address of the task hub's Redis, as redis://user:password@host:6379/0 or rediss://...\n"+
		"(default: the setting that host.json names, DURANGO_REDIS, else an embedded one)")
	flags.StringSliceVar(&f.functions, "functions", nil, "names of the only functions to load, with commas between")
	flags.BoolVar(&f.enableAuth, "enable-auth", false, "demand function and admin keys")
	flags.BoolVar(&f.insecureNoAuth, "insecure-no-auth", false, "let other machines call and manage everything without a key")
	flags.StringVar(&f.logFormat, "log-format", "text", "form of the log: text or json")
	flags.StringVar(&f.logLevel, "log-level", "", "least level of the log: trace, debug, information, warning, error, critical or none\n"+
		"(default: that of host.json, else information)")
	flags.StringArrayVar(&f.nodeArgs, "node-arg", nil, "argument for node, such as --inspect; may be repeated")
	return cmd
}

// hostConfig makes a host's configuration of the flags.
func (p Program) hostConfig(f *startFlags, portGiven bool) (host.Config, error) {
	cfg := host.Config{
		Root: cmp.Or(f.root, "."), Address: f.address, RedisURL: f.redis, EnableAuth: f.enableAuth, InsecureNoAuth: f.insecureNoAuth,
		Defaults: p.Defaults, Environ: p.Environ, Version: p.Version, NodeArgs: f.nodeArgs, Out: p.Stdout,
		Handlers: p.Handlers,
	}
	switch {
	case portGiven && (f.port < 0 || f.port > 65535):
		return cfg, &usageError{fmt.Errorf("--port %d: expected a number from 0 (any free port) to 65535", f.port)}
	case portGiven && f.port == 0:
		cfg.Port = -1
	case portGiven:
		cfg.Port = f.port
	}
	for _, name := range f.functions {
		if name = strings.TrimSpace(name); name != "" {
			cfg.Functions = append(cfg.Functions, name)
		}
	}
	var override *slog.Level
	if f.logLevel != "" {
		level, err := host.ParseLogLevel(f.logLevel)
		if err != nil {
			return cfg, &usageError{fmt.Errorf("--log-level: %w", err)}
		}
		override = &level
	}
	format := host.LogFormat(strings.ToLower(f.logFormat))
	switch format {
	case host.TextLog:
	case host.JSONLog:
		cfg.Out = nil // the listing goes into the log, so that every line is JSON
	default:
		return cfg, &usageError{fmt.Errorf("--log-format %q: expected text or json", f.logFormat)}
	}
	cfg.Levels = host.NewLogLevels(override)
	cfg.Logger = host.NewLogger(p.Stdout, format, cfg.Levels)
	return cfg, nil
}

// start runs a host until a signal or ctx ends it.
func (p Program) start(ctx context.Context, cfg host.Config) error {
	relaxGC(p.Environ)
	redisconn.LogTo(cfg.Logger) // it has one logger for the whole process, which is ours
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	var err error
	if cfg.Inherited, cfg.Environ, err = host.Inherit(cfg.Environ); err != nil {
		return err
	}
	h, err := host.New(cfg)
	if err != nil {
		return err
	}
	retire, endOrders := orders(cfg.Inherited, h, signals)
	defer endOrders()
	startCtx, cancelStart := context.WithCancel(ctx)
	defer cancelStart()

	started := make(chan error, 1)
	go func() { started <- h.Start(startCtx) }()
	select {
	case err := <-started:
		if err != nil {
			return err
		}
	case s := <-signals:
		fmt.Fprintf(p.Stderr, "%s: giving up the start\n", signalName(s))
		cancelStart()
		return p.secondSignal(signals, func() error {
			if <-started != nil {
				return nil //nolint:nilerr // that it did not start is what was asked for
			}
			return stop(h)
		})
	}
	if cfg.Inherited != nil {
		cfg.Inherited.Report(host.WordReady)
	}
	select {
	case <-ctx.Done():
	case <-retire:
		return p.retire(h, cfg, signals)
	case s := <-signals:
		cfg.Logger.Info(signalName(s) + ": stopping; once more ends the host at once")
	}
	return p.secondSignal(signals, func() error { return stop(h) })
}

// gcPercent is how much the heap may grow between garbage collections. A host's live heap is small, and most of what it allocates is short-lived, so
// that with Go's own 100 it would collect many times a second.
const gcPercent = 400

// relaxGC lets the garbage collector run less often, unless the environment says how often it should.
func relaxGC(environ []string) {
	for _, e := range environ {
		if name, value, _ := strings.Cut(e, "="); name == "GOGC" && value != "" {
			return
		}
	}
	debug.SetGCPercent(gcPercent)
}

func stop(h *host.Host) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	return h.Stop(ctx)
}

// sameSignal is how long after a signal another one counts as the same.
const sameSignal = 500 * time.Millisecond

// errForced is the outcome of a stop that a second signal cut short.
var errForced = errors.New("ended at once, by a second signal")

// secondSignal waits for do to end, or for another signal.
func (p Program) secondSignal(signals <-chan os.Signal, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	first := time.Now()
	for {
		select {
		case err := <-done:
			return err
		case <-signals:
			// A terminal and a parent process that passes signals on often both send the same one.
			if time.Since(first) > sameSignal {
				return errForced
			}
		}
	}
}

func signalName(s os.Signal) string {
	if s == os.Interrupt {
		return "Ctrl-C"
	}
	return "SIGTERM"
}
