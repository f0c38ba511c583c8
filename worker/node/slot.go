package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/durango-functions/durango/worker"
)

// maxFailedStarts is the number of failed starts in a row after which an invocation does not wait for the next one.
const maxFailedStarts = 5

// maxLoadCrashes is the number of processes that a function may end while they load it. One end can be an accident.
const maxLoadCrashes = 2

// slot keeps one process alive.
type slot struct {
	ch      *Channel
	number  int
	recycle chan string // takes one reason

	// Guarded by ch.mu.
	current      *process // nil while there is none that takes invocations
	failedStarts int
	lastReason   string
}

// run is the slot's goroutine. first is told the outcome of the first start; when that failed, run is over.
func (s *slot) run(first chan<- error) {
	ctx := s.ch.hard
	p, err := s.start(ctx)
	if err == nil {
		s.publish(p)
	}
	first <- err
	if err != nil {
		return
	}
	delay := s.ch.cfg.RestartMin
	for {
		since := time.Now()
		s.publish(p)
		next := s.watch(p)
		if next == nil && s.ch.isStopping() {
			return
		}
		if next != nil {
			p = next
			continue
		}
		if time.Since(since) >= s.ch.cfg.HealthyAfter {
			delay = s.ch.cfg.RestartMin
		}
		if p = s.restart(ctx, &delay); p == nil {
			return
		}
	}
}

// watch stays with p until it ends, is to be replaced, or the channel stops. It returns the process that takes over, if there is one.
func (s *slot) watch(p *process) (next *process) {
	for {
		select {
		case <-p.exited:
			s.blame(p)
			s.publish(nil)
			s.ch.cfg.Logger.Error("node worker process ended", slog.String("reason", p.crash.Reason), slog.Int("slot", s.number))
			s.fail(p.crash.Reason, false)
			return nil
		case reason := <-s.recycle:
			if next = s.replace(p, reason); next != nil {
				return next
			}
		case <-s.ch.stopping:
			p.drain(s.ch.hard)
			s.publish(nil)
			p.terminate("the host stopped the worker")
			return nil
		}
	}
}

// replace starts a process and has p drain and end in the background. It returns nil when no process could be started.
func (s *slot) replace(p *process, reason string) *process {
	s.ch.cfg.Logger.Warn("replacing the node worker process", slog.String("reason", reason), slog.Int("slot", s.number))
	next, err := s.start(s.ch.hard)
	if err != nil && s.ch.isStopping() {
		return nil // p drains as it does without a replacement
	}
	if err != nil {
		s.ch.cfg.Logger.Error("starting a node worker process that replaces another failed", slog.Any("error", err))
		// What is wrong with the old one is for the ordinary restart to put right.
		p.terminate(reason)
		return nil
	}
	s.ch.wg.Go(func() {
		ctx, cancel := context.WithTimeout(s.ch.hard, s.ch.cfg.DrainTimeout)
		defer cancel()
		p.drain(ctx)
		p.terminate(reason)
	})
	return next
}

// restart starts processes until one is ready, with growing delays between the attempts. It returns nil when the channel stops.
func (s *slot) restart(ctx context.Context, delay *time.Duration) *process {
	for {
		timer := time.NewTimer(*delay)
		select {
		case <-timer.C:
		case <-s.ch.stopping:
			timer.Stop()
			return nil
		}
		*delay = min(2**delay, s.ch.cfg.RestartMax)
		p, err := s.start(ctx)
		if err == nil {
			s.ch.cfg.Logger.Info("node worker process restarted", slog.Int("pid", p.cmd.Process.Pid), slog.Int("slot", s.number))
			return p
		}
		if s.ch.isStopping() {
			return nil
		}
		s.ch.cfg.Logger.Error("restarting the node worker process failed", slog.Any("error", err), slog.Duration("next_attempt", *delay))
		reason := err.Error()
		if crash := asCrash(err); crash != nil {
			reason = crash.Reason
		}
		s.fail(reason, true)
	}
}

// start starts a process, waits till it is ready and has loaded the functions that are known so far.
func (s *slot) start(ctx context.Context) (*process, error) {
	cfg := &s.ch.cfg
	node, err := cfg.findNode()
	if err != nil {
		return nil, err
	}
	p, err := startProcess(cfg, node)
	if err != nil {
		return nil, err
	}
	if err := s.awaitReady(ctx, p); err != nil {
		p.terminate("it did not get ready")
		if asCrash(err) != nil {
			if versionErr := askVersion(ctx, node, cfg.environment()); versionErr != nil {
				return nil, versionErr
			}
		}
		return nil, fmt.Errorf("starting node (%s): %w", node, err)
	}
	if err := checkVersion(node, p.version); err != nil {
		p.terminate(err.Error())
		return nil, err
	}
	s.ch.setVersion(p.version)
	if err := s.loadEntry(ctx, p); err != nil {
		p.terminate("it could not load the app's entry files")
		if s.blameEntry(p) {
			return s.start(ctx)
		}
		return nil, err
	}
	if err := s.preload(ctx, p); err != nil {
		p.terminate("it could not load the functions")
		s.blame(p)
		return nil, err
	}
	return p, nil
}

func (s *slot) awaitReady(ctx context.Context, p *process) error {
	f, err := newFrame(frameInit, initHeader{Root: s.ch.cfg.Root, HintAfter: s.ch.cfg.hintAfter.Milliseconds(), KeepBytes: max(s.ch.cfg.KeepBytes, 0)})
	if err != nil {
		return err
	}
	if err := p.post(ctx, f); err != nil && !errors.Is(err, errNotSent) {
		return err
	}
	if !s.ch.cfg.debugged() {
		timeout := s.ch.cfg.StartTimeout
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it was not ready within %v", timeout))
		defer cancel()
	}
	select {
	case <-p.ready:
		return nil
	case <-p.exited:
		select {
		case <-p.ready:
			return nil
		default:
			return p.crash
		}
	case <-s.ch.stopping:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// preload loads the functions that the channel knows, one after the other as the process does it anyway. Their own errors are kept
// with them; the process's end is this one's.
func (s *slot) preload(ctx context.Context, p *process) error {
	for _, fn := range s.ch.known() {
		err := p.load(ctx, fn)
		if asCrash(err) != nil || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// blame marks a function that ends each process which loads it, so that the others can run.
func (s *slot) blame(p *process) {
	select {
	case <-p.exited:
	default:
		return
	}
	fn := p.culprit()
	if fn == nil || s.ch.isStopping() {
		return
	}
	s.ch.mu.Lock()
	defer s.ch.mu.Unlock()
	if fn.crashes++; fn.crashes >= maxLoadCrashes {
		fn.blamed = &worker.LoadError{Function: fn.fn.Name, Message: "the worker process ended while it loaded the script: " + p.crash.Reason}
		s.failedStarts = 0
	}
}

// publish makes p, or none, the process that gets the slot's invocations.
func (s *slot) publish(p *process) {
	s.ch.mu.Lock()
	defer s.ch.mu.Unlock()
	s.current = p
	if p != nil {
		s.failedStarts = 0
	}
	s.ch.notify()
}

// fail notes why there is no process.
func (s *slot) fail(reason string, isStart bool) {
	s.ch.mu.Lock()
	defer s.ch.mu.Unlock()
	s.lastReason = reason
	if isStart {
		s.failedStarts++
	}
	s.ch.notify()
}
