// Package devloop runs a function app that is a program in Go while its author works on it: it builds the program, runs it, and when a Go
// file changes builds the next one and lets it take over, without a moment in which nobody serves the port.
//
// The process that runs a Loop is the supervisor. It holds open what outlives the programs (host.Base) and never runs code of the app.
package devloop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/host"
)

// Config configures Run. All fields are required.
type Config struct {
	// Host is the configuration of the host, as the command line says.
	Host host.Config
	// Module is the folder of the app's module, as Detect returns it.
	Module string
	// Args are the arguments of the app's program: those of this command.
	Args []string
	// Environ is the environment of the app's program.
	Environ []string
	// Stdout and Stderr take the output of the app's program.
	Stdout, Stderr io.Writer
	// Logger takes the supervisor's own lines.
	Logger *slog.Logger
	// Signals ask to stop, a second one at once.
	Signals <-chan os.Signal
}

// The delay before a program that has ended is started again grows from the least to the most; a program that ran for some time starts with the
// least again.
const (
	leastDelay = 500 * time.Millisecond
	mostDelay  = 30 * time.Second
	ranWell    = 10 * time.Second
)

// loop is a running supervisor. All belongs to the goroutine of run.
type loop struct {
	cfg     Config
	base    *host.Base
	builder *builder
	events  chan event

	changes chan functions.Change
	built   chan outcome
	// cancelBuild ends the build that is under way; nil: none is. rebuild asks for another one after it.
	cancelBuild context.CancelFunc
	rebuild     bool
	why         string // of the next build

	current *generation          // the one that serves
	next    *generation          // the one that is starting
	alive   map[*generation]bool // all whose processes have not ended
	newest  *program             // the last one that was built
	again   *program             // the one that is started again after a crash
	// programs are those that have been built and not removed.
	programs map[*program]bool
	builtAt  time.Time
	served   bool // a program has been ready
	delay    time.Duration
	restart  *time.Timer
}

// outcome is that of a build.
type outcome struct {
	program *program
	err     error
}

// Run builds and runs the app until a signal or ctx ends it, and returns the exit code of the app's program.
func Run(ctx context.Context, cfg Config) (exitCode int, err error) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		return 1, fmt.Errorf("the app is a program in Go, and the go command is not on PATH: install Go, or start the program that \"go build\" has made (%w)", err)
	}
	base, err := host.OpenBase(ctx, cfg.Host)
	if err != nil {
		return 1, err
	}
	l := &loop{
		cfg: cfg, base: base, builder: &builder{goTool: goTool, root: base.Root(), environ: cfg.Environ},
		events: make(chan event), changes: make(chan functions.Change), built: make(chan outcome, 1),
		alive: map[*generation]bool{}, programs: map[*program]bool{}, restart: time.NewTimer(time.Hour),
	}
	l.restart.Stop()
	l.builder.sweep()
	watchCtx, endWatch := context.WithCancel(context.WithoutCancel(ctx))
	watcher, err := l.watch(watchCtx)
	if err == nil {
		exitCode = l.run(ctx)
	}
	endWatch()
	closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closePatience)
	defer cancel()
	if watcher != nil {
		err = errors.Join(err, watcher.Stop(closeCtx))
	}
	return exitCode, errors.Join(err, base.Close(closeCtx))
}

// closePatience is how long closing what the supervisor holds open may take.
const closePatience = 5 * time.Second

// watch watches the module's files: those of the app's packages may be anywhere in it.
func (l *loop) watch(ctx context.Context) (*functions.Watcher, error) {
	watcher, err := functions.NewWatcher(functions.WatchConfig{Root: l.cfg.Module, Logger: l.cfg.Logger}, func(c functions.Change) {
		select {
		case l.changes <- c:
		case <-ctx.Done():
		}
	})
	if err != nil {
		return nil, err
	}
	if err := watcher.Start(ctx); err != nil {
		// Running without rebuilding is better than nothing: inotify has limits that are not ours.
		l.cfg.Logger.Warn("changes of the app's Go files will not be noticed", "error", err)
		return nil, nil
	}
	return watcher, nil
}

// run is the loop itself.
func (l *loop) run(ctx context.Context) (exitCode int) {
	l.startBuild("Building the app")
	for {
		select {
		case <-ctx.Done():
			return l.stop(os.Interrupt)
		case s := <-l.cfg.Signals:
			return l.stop(s)
		case c := <-l.changes:
			l.changed(c)
		case o := <-l.built:
			l.takeBuild(o)
		case <-l.restart.C:
			l.start(l.again)
		case e := <-l.events:
			if e.word != "" {
				l.told(e.of, e.word)
			} else if code, over := l.ended(e.of); over {
				return l.stopWith(code)
			}
		}
	}
}

// changed takes a change of the module's files.
func (l *loop) changed(c functions.Change) {
	for _, path := range c.Paths {
		if isGo(path) {
			text := "Building the app: " + path + " has changed"
			if path == "." {
				text = "Building the app: its files have changed"
			}
			l.startBuild(text)
			return
		}
	}
	// What has kept a program from starting may be its configuration. Other files may be what it writes itself.
	if slices.ContainsFunc(c.Paths, isConfiguration) && l.newest != nil && l.next == nil && l.cancelBuild == nil && (l.current == nil || l.current.program != l.newest) {
		l.builtAt = time.Now()
		l.start(l.newest)
	}
}

// startBuild builds the program in the background, instead of a build that is under way.
func (l *loop) startBuild(why string) {
	if l.cancelBuild != nil {
		l.cancelBuild()
		l.rebuild, l.why = true, why
		return
	}
	l.cfg.Logger.Info(why)
	ctx, cancel := context.WithCancel(context.Background())
	l.cancelBuild = cancel
	go func() { // the loop takes its outcome, at the latest when it stops
		p, err := l.builder.build(ctx)
		l.built <- outcome{p, err}
	}()
}

// takeBuild takes the outcome of a build.
func (l *loop) takeBuild(o outcome) {
	l.cancelBuild()
	l.cancelBuild = nil
	if l.rebuild {
		if o.program != nil {
			o.program.remove()
		}
		l.rebuild = false
		l.startBuild(l.why)
		return
	}
	if o.err != nil {
		l.cfg.Logger.Error(l.buildFailed() + ":\n" + indent(o.err.Error()))
		return
	}
	l.cfg.Logger.Info(fmt.Sprintf("Built in %d ms", o.program.took.Milliseconds()))
	running := l.next
	if running == nil {
		running = l.current
	}
	if running != nil && running.program.sum == o.program.sum {
		l.cfg.Logger.Info("The program is the same as before")
		if running == l.current { // a build in between has not started
			l.newest = l.current.program
			l.clean()
		}
		o.program.remove()
		return
	}
	l.delay, l.builtAt = 0, time.Now()
	l.newest, l.programs[o.program] = o.program, true
	l.start(o.program)
	l.clean()
}

func (l *loop) buildFailed() string {
	if l.current != nil {
		return "The build failed, and the app goes on as it was"
	}
	return "The build failed; the app is built again when a Go file changes"
}
