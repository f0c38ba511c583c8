package timer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/durango-functions/durango/triggers"
)

// listen is the goroutine of a timer: it sleeps until the next occurrence, runs the function if this host gets it, and so on.
func (l *Listener) listen(ctx context.Context) {
	startup := l.runOnStartup
	for {
		s, ok := l.persist(ctx, l.open)
		if !ok {
			return
		}
		// An occurrence that was missed takes the place of the run at startup.
		early := startup && s.next.After(s.now)
		startup = false
		until := s.next
		if s.held() && s.leaseEnd.After(until) {
			until = s.leaseEnd
		}
		if !early && !sleepUntil(ctx, s, until) {
			return
		}
		if _, ok = l.persist(ctx, func(ctx context.Context) (snapshot, error) { return s, l.fire(ctx, s, early) }); !ok {
			return
		}
	}
}

// sleepUntil sleeps until a time of the store's clock. It returns false when ctx ends first.
func sleepUntil(ctx context.Context, s snapshot, until time.Time) bool {
	deadline := s.local.Add(until.Sub(s.now))
	for {
		// The wall clock goes on while the machine is suspended; the monotonic one is not put forward or back.
		left := min(time.Until(deadline), deadline.Round(0).Sub(time.Now().Round(0)))
		if left <= 0 {
			return ctx.Err() == nil
		}
		if !sleep(ctx, min(left, longestSleep)) {
			return false
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// persist does a step until it succeeds: Redis may be away for a while. It returns false when ctx ends first.
func (l *Listener) persist(ctx context.Context, step func(context.Context) (snapshot, error)) (snapshot, bool) {
	var logged time.Time
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		s, err := step(ctx)
		if ctx.Err() != nil {
			return s, false
		}
		if err == nil {
			return s, true
		}
		if time.Since(logged) > repeatLog {
			logged = time.Now()
			l.logger.Error("the timer cannot reach its record, trying on", "error", err)
		}
		if !sleep(ctx, pause) {
			return s, false
		}
	}
}

// open brings the record in line with the schedule of function.json and returns it.
func (l *Listener) open(ctx context.Context) (snapshot, error) {
	for {
		s, err := l.store.look(ctx)
		if err != nil || ctx.Err() != nil {
			return s, err
		}
		missed := !l.monitored && s.next.Before(s.now.Add(-grace)) && !s.held()
		if s.schedule == l.schedule.String() && !s.next.IsZero() && !missed {
			return s, nil
		}
		if s.held() {
			// Another host runs the function by another schedule; its end changes the record.
			if !sleepUntil(ctx, s, s.leaseEnd) {
				return s, ctx.Err()
			}
			continue
		}
		if _, _, err := l.store.plan(ctx, s.next, l.schedule.String(), l.after(s)); err != nil {
			return s, err
		}
	}
}

// after returns the first occurrence after now by the store's clock.
func (l *Listener) after(s snapshot) time.Time {
	next := l.schedule.Next(s.clock())
	if next.IsZero() {
		return s.now.AddDate(100, 0, 0) // a rare date that has passed
	}
	return next.Truncate(time.Millisecond)
}

// fire claims the occurrence of s, or a run at startup, and runs the function if it gets it. An error means that it did not run.
func (l *Listener) fire(ctx context.Context, s snapshot, atStartup bool) error {
	next := s.next
	if !atStartup || l.schedule.interval > 0 {
		next = l.after(s)
	}
	if !atStartup && !next.After(s.next) {
		next = l.schedule.Next(s.next) // our estimate of the store's clock is a little behind
	}
	claimed, before, err := l.store.claim(ctx, claim{owner: l.owner, ttl: l.lease, expect: s.next, next: next, early: atStartup})
	if err != nil {
		return err
	}
	switch {
	case claimed:
	case before.owner == l.owner && before.held():
		before = s // an earlier attempt has made the claim, only its answer was lost
		before.now, before.local = s.clock(), time.Now()
	case atStartup && before.held():
		l.logger.Info("the function does not run at startup, because another host is running it", "host", before.owner)
		return nil
	default:
		return nil
	}
	late := before.now.Sub(before.next)
	pastDue := !atStartup && l.monitored && late > grace
	event := triggers.Event{Reason: "timer fired", Value: value(l.schedule, before, l.monitored, pastDue)}
	switch {
	case atStartup:
		event.Reason = "timer runs at startup"
	case pastDue:
		event.Reason = fmt.Sprintf("timer fired %s late", late.Round(time.Second))
	}
	l.invoke(event)
	l.finish(before)
	return nil
}

// invoke runs the function and keeps the lease meanwhile.
func (l *Listener) invoke(event triggers.Event) {
	ctx, cancel := context.WithCancel(l.run)
	var renewal sync.WaitGroup
	renewal.Go(func() { l.renew(ctx) })
	// The invoker logs the outcome, and there is nobody else to tell it.
	_, _ = l.invoker.Invoke(l.run, l.fn, event)
	cancel()
	renewal.Wait()
}

// renew keeps the lease until ctx ends or the lease is lost, which takes an outage of Redis or a host that stands still. The run is not
// ended then: its occurrence is its own in any case.
func (l *Listener) renew(ctx context.Context) {
	pause := l.lease / 3
	for sleep(ctx, pause) {
		kept, err := l.store.renew(ctx, l.owner, l.lease)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.logger.Warn("the timer's lease cannot be renewed, trying on", "error", err)
		case !kept:
			l.logger.Warn("the timer has lost its lease while the function runs, which may now run on another host as well")
			return
		}
	}
}

// finish records the end of a run. It does so even while the timer is stopping, but then tries only once.
func (l *Listener) finish(before snapshot) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.run), lastRetry)
	defer cancel()
	for pause := firstRetry; ; pause *= 2 {
		_, _, err := l.store.finish(ctx, l.owner, l.after(before))
		if err == nil {
			return
		}
		if l.loop.Err() != nil || !sleep(ctx, pause) {
			l.logger.Warn("the end of the timer's run cannot be recorded, so no host runs the function until the lease has ended", "error", err, "lease", l.lease)
			return
		}
	}
}
