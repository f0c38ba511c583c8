package functions

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// WatchConfig configures a Watcher. Only Root is needed.
type WatchConfig struct {
	// Root is the app's folder.
	Root string
	// WatchDirectories are first-level folders of the app in which every file counts, though they are left out otherwise.
	WatchDirectories []string
	// WatchFiles are names of files that count wherever they are, though they are left out otherwise.
	WatchFiles []string
	// Quiet is how long no further change may come before changes are reported. Defaults to 100 ms.
	Quiet time.Duration
	// MaxWait is how long changes are held back while more of them keep coming. Defaults to 400 ms.
	MaxWait time.Duration
	// MaxBuild is MaxWait while the TypeScript compiler writes. Defaults to 5 s.
	MaxBuild time.Duration
	// Logger takes what goes wrong while watching. Defaults to slog.Default().
	Logger *slog.Logger
}

func (c WatchConfig) withDefaults() WatchConfig {
	if c.Quiet <= 0 {
		c.Quiet = 100 * time.Millisecond
	}
	if c.MaxWait <= 0 {
		c.MaxWait = 400 * time.Millisecond
	}
	if c.MaxBuild <= 0 {
		c.MaxBuild = 5 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Change is a set of changes of an app's files.
type Change struct {
	// Paths are the changed files and folders, relative to the root, with slashes, sorted. "." means that anything may have changed.
	Paths []string
}

// Watcher reports changes of an app's files, however they are saved: written in place, or replaced by a rename. It watches new folders as
// they come, follows symbolic links to folders, and waits for the root when it goes away. The files that do not count are those of
// version control and editors, the host's own folder .durango, what a running app writes (logs, databases), TypeScript that a compiler makes
// JavaScript of, and the content of node_modules, where only the coming and going of packages counts.
//
// Two goroutines run between Start and Stop: one gathers the file system's events, one calls onChange.
type Watcher struct {
	cfg      WatchConfig
	onChange func(Change)

	mu      sync.Mutex // guards the life cycle
	started bool
	cancel  context.CancelFunc
	done    chan struct{} // closed when both goroutines have ended

	// The rest belongs to the gathering goroutine, and to Start before it.
	fs       *fsnotify.Watcher
	dirs     map[string]string // watched folder -> its real path
	real     map[string]bool   // real paths of the watched folders
	awaiting string            // while the root is gone: the folder that is watched for its return
	pending  map[string]bool   // changes that were not reported yet
	first    time.Time         // when the oldest of them came
	building bool              // the TypeScript compiler has written since then
}

// NewWatcher returns a Watcher that calls onChange, from one goroutine, once changes have come to rest. onChange must not call Stop.
func NewWatcher(cfg WatchConfig, onChange func(Change)) (*Watcher, error) {
	if cfg.Root == "" || onChange == nil {
		return nil, errors.New("functions: a watcher needs a root and a function to call")
	}
	root, err := filepath.Abs(cfg.Root)
	if err != nil {
		return nil, fmt.Errorf("locating the app's folder: %w", err)
	}
	cfg.Root = root
	return &Watcher{
		cfg: cfg.withDefaults(), onChange: onChange,
		dirs: map[string]string{}, real: map[string]bool{}, pending: map[string]bool{},
	}, nil
}

// Start begins to watch and returns; changes from then on are reported until Stop. A Watcher starts once.
func (w *Watcher) Start(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.started {
		return errors.New("functions: the watcher was started or stopped before")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	fsw, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watching %s: %w", w.cfg.Root, explainLimit(err))
	}
	w.fs = fsw
	if err := w.watchRoot(); err != nil {
		_ = fsw.Close()
		return fmt.Errorf("watching %s: %w", w.cfg.Root, explainLimit(err))
	}
	clear(w.pending)
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w.started, w.cancel, w.done = true, cancel, make(chan struct{})
	out := make(chan Change)
	go func() {
		defer close(out)
		w.gather(run, out)
	}()
	go func() { // outlives the one above, and tells Stop
		defer close(w.done)
		for c := range out {
			w.onChange(c)
		}
	}()
	return nil
}

// Stop ends watching and waits, until ctx ends, for a running onChange. It may be called twice, and before Start.
func (w *Watcher) Stop(ctx context.Context) error {
	w.mu.Lock()
	done := w.done
	w.started = true
	if w.cancel != nil {
		w.cancel()
	}
	w.mu.Unlock()
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopping the watcher: %w", context.Cause(ctx))
	}
}

// gather collects events and hands the changes to out when they have come to rest.
func (w *Watcher) gather(ctx context.Context, out chan<- Change) {
	defer func() { _ = w.fs.Close() }()
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	var ready Change
	var send chan<- Change // out while ready is due
	for {
		known := len(w.pending)
		touched := false
		select {
		case <-ctx.Done():
			return
		case send <- ready:
			send = nil
			clear(w.pending)
			known, w.building = 0, false
		case <-timer.C:
			ready = Change{Paths: slices.Sorted(maps.Keys(w.pending))}
			send = out
		case ev, ok := <-w.fs.Events:
			if !ok {
				return
			}
			touched = w.handle(ev)
			if isByproduct(ev.Name) {
				w.building = true
				touched = touched || known > 0 // more is to come
			}
		case err, ok := <-w.fs.Errors:
			if !ok {
				return
			}
			touched = w.trouble(err)
		}
		if touched {
			now := time.Now()
			if known == 0 {
				w.first = now
			}
			limit := w.cfg.MaxWait
			if w.building {
				limit = w.cfg.MaxBuild
			}
			send = nil
			timer.Reset(max(0, min(w.cfg.Quiet, limit-now.Sub(w.first))))
		}
	}
}

// handle takes one event; it reports whether it was a change.
func (w *Watcher) handle(ev fsnotify.Event) bool {
	if ev.Op == fsnotify.Chmod {
		return false
	}
	name := filepath.Clean(ev.Name)
	gone := ev.Has(fsnotify.Remove) || ev.Has(fsnotify.Rename)
	switch {
	case w.awaiting != "":
		return w.returned()
	case name == w.cfg.Root && gone:
		w.forget(name)
		if err := w.watchRoot(); err != nil {
			w.cfg.Logger.Warn("watching the app's folder failed, changes are not noticed", "path", name, "error", explainLimit(err))
		}
		return w.note(".")
	case name == w.cfg.Root && ev.Has(fsnotify.Create): // the root is a link that now leads elsewhere
		w.forget(name)
		return w.returned()
	}
	rel, ok := w.relative(name)
	if !ok {
		return false
	}
	if gone {
		w.forget(name)
	}
	touched := w.counts(rel, ev.Has(fsnotify.Write) && !ev.Has(fsnotify.Create)) && w.note(rel)
	if ev.Has(fsnotify.Create) {
		touched = w.watchTree(name, true) || touched
	}
	return touched
}

// returned looks whether the root is there, and watches it if so.
func (w *Watcher) returned() bool {
	if err := w.watchRoot(); err != nil {
		w.cfg.Logger.Warn("watching the app's folder failed, changes are not noticed", "path", w.cfg.Root, "error", explainLimit(err))
	}
	return w.awaiting == "" && w.note(".")
}

// trouble takes an error of the file system's events. After lost events anything may have changed.
func (w *Watcher) trouble(err error) bool {
	if !errors.Is(err, fsnotify.ErrEventOverflow) {
		w.cfg.Logger.Warn("watching the app's files", "error", err)
		return false
	}
	if err := w.watchRoot(); err != nil {
		w.cfg.Logger.Warn("watching the app's folder failed, changes are not noticed", "path", w.cfg.Root, "error", explainLimit(err))
	}
	return w.note(".")
}

func (w *Watcher) note(rel string) bool {
	w.pending[rel] = true
	return true
}

// explainLimit says what to do about the limits that watching runs into.
func explainLimit(err error) error {
	if isWatchLimit(err) {
		return fmt.Errorf("%w: the system's limit of file watches is reached, raise fs.inotify.max_user_watches and "+
			"fs.inotify.max_user_instances", err)
	}
	return err
}

// missing reports whether an error means that a folder went away meanwhile.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fsnotify.ErrNonExistentWatch)
}

// isFolder reports whether path is a folder, links followed.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
