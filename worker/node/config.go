package node

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/durango-functions/durango/worker"
)

// Config says how a Channel runs its processes. Only Root is required.
type Config struct {
	// Root is the folder of the app; it becomes the working directory of the processes.
	Root string
	// Entry are the files that register functions by themselves, as absolute paths: each process loads them before it takes invocations.
	Entry []string
	// Env is the full environment of the processes as "KEY=value"; nil is the environment of this process. The channel adds
	// FUNCTIONS_WORKER_RUNTIME, AzureWebJobsScriptRoot and FUNCTIONS_APPLICATION_DIRECTORY.
	Env []string
	// NodePath is the node executable; "" looks for node in the PATH of Env.
	NodePath string
	// NodeArgs are arguments for node itself, such as --inspect (the setting languageWorkers__node__arguments).
	NodeArgs []string
	// Processes is the number of processes that share the invocations. Default 1.
	Processes int
	// KeepBytes is about how much memory a process may take for histories of orchestrations that it keeps between their episodes. Default
	// 64 MiB; negative: it keeps none.
	KeepBytes int
	// Logger is told of processes that end and start. Default: nothing is logged.
	Logger *slog.Logger
	// OnLog gets what functions log and what is written to stdout and stderr. It is called from several goroutines at the same time
	// and holds up the worker while it runs. What an invocation logged comes before Invoke returns. May be nil.
	OnLog func(worker.LogRecord)

	// RestartMin and RestartMax bound the delay before a process that ended is replaced; it doubles from one to the other, and
	// begins anew after a process has lived for HealthyAfter. Defaults 100 ms, 10 s and 60 s.
	RestartMin, RestartMax, HealthyAfter time.Duration
	// StartTimeout is how long a process may take to be ready. Default 60 s. There is no limit while a debugger may hold it up.
	StartTimeout time.Duration
	// LoadTimeout is how long the loading of one function may take before its process is ended. Default 60 s. There is no limit
	// while a debugger may hold it up.
	LoadTimeout time.Duration
	// DrainTimeout is how long Recycle lets invocations run on in the process that it replaces. Default 10 s.
	DrainTimeout time.Duration
	// ExitGrace is how long a process that was told to end may take before it is killed. Default 500 ms.
	ExitGrace time.Duration
	// HookGrace is ExitGrace for a process whose app has appTerminate hooks. Default 5 s.
	HookGrace time.Duration

	transport *http.Transport // to the HTTP servers of the processes
	hintAfter time.Duration   // see Invocation.hintLater in js/invocation.js
}

// fill sets the defaults.
func (c *Config) fill() {
	if c.Env == nil {
		c.Env = os.Environ()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.OnLog == nil {
		c.OnLog = func(worker.LogRecord) {}
	}
	c.transport = newTransport()
	if c.Processes == 0 {
		c.Processes = 1
	}
	if c.KeepBytes == 0 {
		c.KeepBytes = 64 << 20
	}
	for d, value := range map[*time.Duration]time.Duration{
		&c.RestartMin:   100 * time.Millisecond,
		&c.RestartMax:   10 * time.Second,
		&c.HealthyAfter: time.Minute,
		&c.StartTimeout: time.Minute,
		&c.LoadTimeout:  time.Minute,
		&c.DrainTimeout: 10 * time.Second,
		&c.ExitGrace:    500 * time.Millisecond,
		&c.HookGrace:    5 * time.Second,
		&c.hintAfter:    time.Second,
	} {
		if *d == 0 {
			*d = value
		}
	}
}

func (c *Config) validate() error {
	switch {
	case c.Root == "":
		return errors.New("node worker: Root is empty: the folder of the app is needed")
	case !filepath.IsAbs(c.Root):
		return fmt.Errorf("node worker: Root is %q: an absolute path is needed", c.Root)
	case c.Processes < 0 || c.Processes > 64:
		return fmt.Errorf("node worker: Processes is %d: 1 to 64 are possible", c.Processes)
	case c.RestartMin > c.RestartMax:
		return fmt.Errorf("node worker: RestartMin (%v) is longer than RestartMax (%v)", c.RestartMin, c.RestartMax)
	}
	info, err := os.Stat(c.Root)
	if err != nil {
		return fmt.Errorf("node worker: reading the app's folder: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("node worker: Root %s is no folder", c.Root)
	}
	return nil
}

// debugged reports whether a debugger may hold up the processes.
func (c *Config) debugged() bool {
	for _, arg := range c.NodeArgs {
		if strings.HasPrefix(arg, "--inspect") {
			return true
		}
	}
	return false
}

// environment returns the environment of the processes.
func (c *Config) environment() []string {
	return append(append([]string(nil), c.Env...),
		"FUNCTIONS_WORKER_RUNTIME=node",
		"AzureWebJobsScriptRoot="+c.Root,
		"FUNCTIONS_APPLICATION_DIRECTORY="+c.Root,
	)
}
