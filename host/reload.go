package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/host/hostjson"
)

// reloader replaces the app when its files change.
type reloader struct {
	h       *Host
	watcher *functions.Watcher
	// saidGo is true when the log has said what becomes of changed Go code. The watcher's goroutine's.
	saidGo bool

	ctx    context.Context // ends when the host stops; reloads under way are given up
	cancel context.CancelCauseFunc

	mu      sync.Mutex // one reload at a time
	number  int        // of the newest generation
	stopped bool
	// retired counts the generations that wait for their last invocations, and reloads that were asked for.
	retired sync.WaitGroup
	// grave ends when replaced generations may take no more time for ending.
	grave context.Context
	bury  context.CancelFunc
}

// retirePatience is how long a replaced generation's worker has for ending, once its last invocation has ended.
const retirePatience = 5 * time.Second

func newReloader(h *Host) *reloader {
	r := &reloader{h: h, number: 1}
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	r.grave, r.bury = context.WithCancel(context.Background())
	return r
}

// start watches the app's files.
func (r *reloader) start() error {
	if r.h.root == "" {
		return nil
	}
	watcher, err := functions.NewWatcher(functions.WatchConfig{
		Root: r.h.root, WatchDirectories: r.h.config.WatchDirectories, WatchFiles: r.h.config.WatchFiles, Logger: r.h.logger,
	}, r.changed)
	if err == nil {
		err = watcher.Start(r.ctx)
	}
	if err != nil {
		// A host that does not reload is better than none: inotify has limits that are not ours.
		r.h.logger.Warn("changes of the app's files will not be noticed", "error", err)
		return nil
	}
	r.mu.Lock()
	r.watcher = watcher
	r.mu.Unlock()
	return nil
}

// changed takes changes of the app's files. Of a program with handlers, Go code is in the program already: changes of it take effect when
// it is built anew, which a supervisor does by itself.
func (r *reloader) changed(c functions.Change) {
	if len(r.h.cfg.Handlers) > 0 || r.h.cfg.Inherited != nil {
		all := len(c.Paths)
		c.Paths = slices.DeleteFunc(slices.Clone(c.Paths), isGoSource)
		if len(c.Paths) < all && !r.saidGo && r.h.cfg.Inherited == nil {
			r.saidGo = true
			r.h.logger.Info("Go code has changed: it takes effect when the program is built and started anew")
		}
		if len(c.Paths) == 0 {
			return
		}
	}
	r.reload(changeReason(c))
}

func isGoSource(path string) bool {
	return filepath.Ext(path) == ".go" || path == "go.mod" || path == "go.sum" || path == "go.work"
}

// stop ends watching, and gives up a reload that is under way.
func (r *reloader) stop(ctx context.Context) {
	r.cancel(errStopping)
	r.mu.Lock()
	r.stopped = true
	watcher := r.watcher
	r.mu.Unlock()
	if watcher != nil {
		if err := watcher.Stop(ctx); err != nil {
			r.h.logger.Debug("ending the watch over the app's files", "error", err)
		}
	}
}

// request reloads in the background.
func (r *reloader) request(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		r.retired.Go(func() { r.reload(reason) })
	}
}

// waitRetired waits for the generations that were replaced; when ctx ends, they are ended at once.
func (r *reloader) waitRetired(ctx context.Context) {
	defer context.AfterFunc(ctx, r.bury)()
	r.retired.Wait()
}

// reload builds the next generation beside the current one, swaps, and lets the old one end in the background. When the configuration
// or the worker is at fault, the old generation stays.
func (r *reloader) reload(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return
	}
	h := r.h
	began := time.Now()
	h.logger.Info("Reloading the app: " + reason)
	settings, config, err := h.loadConfig()
	if err != nil {
		h.logger.Error("The app was not reloaded and goes on as it was, since its configuration has faults:\n" + indent(err.Error()))
		return
	}
	r.warnRestart(config)
	next, err := h.prepareApp(r.ctx, r.number+1, settings, config)
	if err != nil {
		if r.ctx.Err() == nil {
			h.logger.Error("The app was not reloaded and goes on as it was:\n" + indent(err.Error()))
		}
		return
	}
	if current := h.current.Load(); len(next.entryFaults) > 0 && current != nil && len(current.entryFaults) == 0 && current.hasRegistered() {
		// Half of the functions would be gone, and with them what orchestrations wait for: a compiler may be at work, or an editor.
		h.reportEntry(next)
		h.logger.Error("The app was not reloaded and goes on as it was.")
		r.retired.Go(func() { r.discard(next) })
		return
	}
	r.number++
	h.completeApp(next)
	old := h.current.Swap(next)
	r.retired.Go(func() { r.retire(old) })
	if err := next.startListeners(h.work); err != nil {
		h.logger.Error("starting the listeners of the reloaded app", "error", err)
	}
	l := h.listing(next)
	h.reportEntry(next)
	h.reportBroken(l.Broken)
	h.logger.Info(fmt.Sprintf("Reloaded in %d ms: %d functions%s", time.Since(began).Milliseconds(),
		len(next.functions.Functions)-len(next.unloadable), brokenCount(len(l.Broken))), "generation", data{next.number})
}

func brokenCount(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d broken", n)
}

// retire ends a replaced generation. Its invocations may take as long as they like, until the host stops.
func (r *reloader) retire(old *app) {
	err := old.stopListeners(r.h.work)
	old.retire()
	select {
	case <-old.idle:
	case <-r.h.work.Done():
	}
	ctx, cancel := context.WithTimeout(r.grave, retirePatience)
	defer cancel()
	err = errors.Join(err, old.channel.Stop(ctx))
	if err != nil && !errors.Is(err, context.Canceled) {
		r.h.logger.Warn("ending the replaced generation of the app", "generation", old.number, "error", err)
	}
}

// discard ends the worker of a generation that does not come to be.
func (r *reloader) discard(next *app) {
	ctx, cancel := context.WithTimeout(r.grave, retirePatience)
	defer cancel()
	if err := next.channel.Stop(ctx); err != nil && !errors.Is(err, context.Canceled) {
		r.h.logger.Debug("ending the worker of an app that was not reloaded", "error", err)
	}
}

// warnRestart tells of settings that do not change while the host runs.
func (r *reloader) warnRestart(config *hostjson.Config) {
	current := r.h.config
	if a := r.h.current.Load(); a != nil {
		current = a.config
	}
	if !reflect.DeepEqual(config.DurableTask, current.DurableTask) {
		r.h.logger.Warn("host.json: changes of extensions.durableTask take effect when the host is started anew")
	}
	if !reflect.DeepEqual(config.WatchDirectories, current.WatchDirectories) || !reflect.DeepEqual(config.WatchFiles, current.WatchFiles) {
		r.h.logger.Warn("host.json: changes of watchDirectories and watchFiles take effect when the host is started anew")
	}
}

// changeReason says which files have changed.
func changeReason(c functions.Change) string {
	const most = 3
	names := make([]string, 0, most)
	for _, p := range c.Paths {
		if len(names) == most {
			break
		}
		names = append(names, filepath.ToSlash(p))
	}
	text := strings.Join(names, ", ")
	if more := len(c.Paths) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if text == "" {
		return "its files have changed"
	}
	if len(c.Paths) == 1 {
		return text + " has changed"
	}
	return text + " have changed"
}
