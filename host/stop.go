package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// stopPlan divides the time for stopping among the steps: each may take so many hundredths of what is left when it begins.
var stopPlan = struct{ inFlight, engine, worker int }{inFlight: 40, engine: 60, worker: 60}

// Stop ends the host in order: no new work (reloads, requests, timers); what runs may finish; the engine, which gives its partitions to
// other hosts; the app's worker; the task hub's connections; the embedded Redis. When ctx ends, what still runs is cut off; nothing that
// was acknowledged is lost by that. It may be called twice, and before Start.
func (h *Host) Stop(ctx context.Context) error {
	h.stop.Do(func() {
		h.state.Store(stateStopping)
		h.stopErr = h.stopInOrder(ctx)
		h.state.Store(stateStopped)
		close(h.ended)
	})
	<-h.ended
	return h.stopErr
}

func (h *Host) stopInOrder(ctx context.Context) error {
	var errs []error
	step := func(what string, share int, do func(context.Context) error) {
		stepCtx, cancel := partOf(ctx, share)
		defer cancel()
		if err := do(stepCtx); err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	h.reloader.stop(ctx)
	current := h.current.Load()
	step("finishing requests and timers", stopPlan.inFlight, func(ctx context.Context) error {
		err := h.shutdownIntake(ctx, current)
		h.endWork(errStopping) // what has not finished by now is cut off
		return err
	})
	step("stopping the engine", stopPlan.engine, h.durable.stopEngine)
	step("stopping the worker", stopPlan.worker, func(ctx context.Context) error {
		err := h.rpc.stop(ctx)
		if current != nil {
			err = errors.Join(err, current.end(ctx))
		}
		h.reloader.waitRetired(ctx)
		return err
	})
	h.serving.Wait()
	step("closing connections", 100, func(context.Context) error { return h.redis.close() })
	step("closing the task hub", 100, h.durable.close)
	h.removeState()
	return errors.Join(errs...)
}

// shutdownIntake refuses new work and waits for what callers and timers have started.
func (h *Host) shutdownIntake(ctx context.Context, current *app) error {
	var errs []error
	listeners := make(chan error, 1)
	go func() {
		if current == nil {
			listeners <- nil
			return
		}
		listeners <- current.stopListeners(ctx)
	}()
	if h.server != nil {
		if h.intake.leaveToOthers.Load() {
			h.finishConnections(ctx)
		}
		errs = append(errs, h.server.Shutdown(ctx))
	}
	errs = append(errs, <-listeners)
	switch {
	case h.server != nil && ctx.Err() != nil:
		h.endWork(errStopping)
		errs = append(errs, h.server.Close())
	case h.server == nil:
		for _, l := range []net.Listener{h.listener, h.alsoIPv6} {
			if l != nil {
				errs = append(errs, l.Close())
			}
		}
	}
	if h.admin != nil {
		errs = append(errs, h.admin.runner.Stop(ctx))
	}
	return errors.Join(errs...)
}

// partOf gives a step its part of the time that is left.
func partOf(ctx context.Context, percent int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)*time.Duration(percent)/100)
}
