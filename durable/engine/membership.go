package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/durango-functions/durango/durable"
)

// trustMargin is how long before its lease ends a host stops to trust it.
const trustMargin = 500 * time.Millisecond

// membershipLoop renews the host's lease and keeps this host's share of the partitions. It is the only goroutine that acquires and
// releases partitions.
func (e *Engine) membershipLoop() {
	ticker := time.NewTicker(e.cfg.HeartbeatInterval)
	defer ticker.Stop()
	var trustedUntil time.Time // by this host's own clock
	steppedDown := false
	for {
		attempt := time.Now()
		ctx, cancel := context.WithTimeout(e.ctx, e.cfg.HeartbeatInterval+time.Second)
		if e.leaving.Load() && !steppedDown {
			steppedDown = e.hub.StepDown(ctx) == nil // else the heartbeat fails as well, and says why
		}
		m, err := e.hub.Heartbeat(ctx)
		if err == nil {
			// The lease began after the attempt did, so it lasts at least this long.
			trustedUntil = attempt.Add(m.Lease - trustMargin)
			e.clockOffset.Store(int64(clockOffset(m.Now, attempt, time.Since(attempt))))
			e.setHosts(m.Hosts, m.Leaving)
			if m.Lapsed {
				e.giveUp()
			}
			err = e.balanceUnlessStopping(ctx, m)
		}
		if steppedDown && len(e.owned())+len(e.owed) == 0 {
			e.onceLeft.Do(func() { close(e.left) })
		}
		cancel()
		switch {
		case e.ctx.Err() != nil:
			return
		case err != nil:
			e.troubles.warn(e.logger, "task hub: heartbeat failed, trying again", "error", err)
			if time.Now().After(trustedUntil) {
				e.giveUp()
			}
		}
		select {
		case <-ticker.C:
		case <-e.kick:
			// Somebody lost a partition. Look soon, but do not spin while the hub is away.
			if !e.pause(50 * time.Millisecond) {
				return
			}
		case <-e.ctx.Done():
			return
		}
	}
}

// quickAnswer is how long an answer may take to tell the time well.
const quickAnswer = 100 * time.Millisecond

// clockOffset is the hub's clock minus ours, given what the hub's clock was while an answer was waited for. Who waits for long may have waited
// for a connection, so that the hub looked at its clock near the end; timers should be late then rather than early.
func clockOffset(hub, asked time.Time, took time.Duration) time.Duration {
	if took <= quickAnswer {
		took /= 2
	}
	return hub.Sub(asked.Add(took))
}

// giveUp drops all partitions because this host's lease has ended: somebody else may own them. Without that, a host that stood still would
// count them as its own, and take none of those that the others give back to it.
func (e *Engine) giveUp() {
	for _, p := range e.owned() {
		p.fail(errors.New("this host's lease has ended"))
	}
}

// pause waits and reports whether the engine still runs.
func (e *Engine) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-e.ctx.Done():
		return false
	}
}

func (e *Engine) setHosts(hosts, leaving []string) {
	e.mu.Lock()
	changed := !slices.Equal(e.hosts, hosts) && (len(hosts) > 1 || len(e.hosts) > 1) // a lone host is nothing to tell
	e.hosts, e.finishing = hosts, leaving
	e.mu.Unlock()
	e.liveHosts.Store(int32(len(hosts)))
	if changed && !e.leaving.Load() {
		e.logger.Info("task hub: live hosts", "hosts", len(hosts), "host_id", e.hub.HostID())
	}
}

// isLive reports whether the host lived at the last heartbeat.
func (e *Engine) isLive(host string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.hosts, host) || slices.Contains(e.finishing, host)
}

// share is how many partitions this host should own: all hosts the same, the first of them one more where it does not divide.
func share(partitions int, hosts []string, me string) int {
	rank := slices.Index(hosts, me)
	if rank < 0 {
		return 0
	}
	n := partitions / len(hosts)
	if rank < partitions%len(hosts) {
		n++
	}
	return n
}

// balanceUnlessStopping balances, but never while or after Stop looks at what this host owns.
func (e *Engine) balanceUnlessStopping(ctx context.Context, m Membership) error {
	e.balancing.Lock()
	defer e.balancing.Unlock()
	if e.stopping.Load() {
		return nil
	}
	return e.balance(ctx, m)
}

// balance acquires free partitions up to this host's share, or gives back what it has beyond.
func (e *Engine) balance(ctx context.Context, m Membership) error {
	e.owed = slices.DeleteFunc(e.owed, func(p *partition) bool { return e.hub.Release(ctx, p.id, p.epoch) == nil })
	want := share(e.hub.Partitions(), m.Hosts, e.hub.HostID())
	mine := e.owned()
	if want < len(mine) {
		e.release(mine[want:], m.Lease/2)
	}
	if len(mine) >= want {
		e.once.Do(func() { close(e.ready) })
		return nil
	}
	owners, err := e.hub.Owners(ctx)
	if err != nil {
		return err
	}
	have := len(mine)
	for p, owner := range owners {
		if have == want || e.stopping.Load() {
			break
		}
		free := owner.Host == "" || owner.Host == e.hub.HostID() || !slices.Contains(m.Hosts, owner.Host)
		if !free || e.partition(p) != nil {
			continue
		}
		epoch, ok, err := e.hub.Acquire(ctx, p, owner)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := e.open(ctx, p, epoch); err != nil {
			return err
		}
		have++
	}
	if have == want {
		e.once.Do(func() { close(e.ready) })
	}
	return nil
}

// open begins to work on a partition that this host has just acquired.
func (e *Engine) open(ctx context.Context, id int, epoch int64) error {
	state, err := e.hub.Open(ctx, id, epoch)
	if err != nil {
		return err
	}
	p := newPartition(e, id, epoch)
	e.mu.Lock()
	e.parts[id] = p
	e.mu.Unlock()
	p.start(state)
	e.logger.Debug("task hub: partition acquired", "partition", id, "epoch", epoch)
	return nil
}

// release gives partitions to other hosts: what runs in them is finished first, within the given time, since no heartbeat is sent meanwhile.
func (e *Engine) release(parts []*partition, within time.Duration) {
	ctx, cancel := context.WithTimeout(e.ctx, within)
	defer cancel()
	var all sync.WaitGroup
	given := make([]bool, len(parts))
	for i, p := range parts {
		all.Go(func() { given[i] = e.releaseOne(ctx, p) })
	}
	all.Wait()
	for i, p := range parts {
		if !given[i] {
			e.owed = append(e.owed, p)
		}
	}
}

// releaseOne reports whether the hub was told.
func (e *Engine) releaseOne(ctx context.Context, p *partition) bool {
	p.quiesce()
	p.drain(ctx)
	p.close(fmt.Errorf("%w: its partition was given back", durable.ErrEvicted))
	e.forget(p)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second) // even when draining took all the time
	defer cancel()
	// What still runs here for the partition is claimed, so that its next owner does not run it as well.
	if keys := e.pool.heldKeys()[p.id]; len(keys) > 0 {
		if err := e.hub.RenewClaims(last, p.id, keys); err != nil {
			e.logger.Warn("task hub: claiming the activities of a partition that is given back failed: they may run twice", "partition", p.id, "error", err)
		}
	}
	if err := e.hub.Release(last, p.id, p.epoch); err != nil {
		e.logger.Warn("task hub: giving a partition back failed, trying again", "partition", p.id, "error", err)
		return false
	}
	e.logger.Debug("task hub: partition given back", "partition", p.id, "epoch", p.epoch)
	return true
}

// forget removes the partition from those that this host owns.
func (e *Engine) forget(p *partition) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.parts[p.id] == p {
		delete(e.parts, p.id)
	}
}

// lost is told by a partition that cannot go on; it is acquired anew if nobody else has it.
func (e *Engine) lost(p *partition) {
	e.forget(p)
	e.Look()
}
