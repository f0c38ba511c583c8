package engine

import (
	"context"
	"errors"
	"slices"
	"time"
)

// trustMargin is how long before its lease ends a host stops to trust it.
const trustMargin = 500 * time.Millisecond

// membershipLoop renews the host's lease and keeps this host's share of the partitions. It is the only goroutine that acquires and
// releases partitions.
func (e *Engine) membershipLoop() {
	ticker := time.NewTicker(e.cfg.HeartbeatInterval)
	defer ticker.Stop()
	var trustedUntil time.Time // by this host's own clock
	for {
		attempt := time.Now()
		ctx, cancel := context.WithTimeout(e.ctx, e.cfg.HeartbeatInterval+time.Second)
		m, err := e.hub.Heartbeat(ctx)
		if err == nil {
			// The lease began after the attempt did, so it lasts at least this long.
			trustedUntil = attempt.Add(m.Lease - trustMargin)
			e.clockOffset.Store(int64(m.Now.Sub(attempt.Add(time.Since(attempt) / 2))))
			e.setHosts(m.Hosts)
			err = e.balanceUnlessStopping(ctx, m)
		}
		cancel()
		switch {
		case e.ctx.Err() != nil:
			return
		case err != nil:
			e.troubles.warn(e.logger, "task hub: heartbeat failed, trying again", "error", err)
			if time.Now().After(trustedUntil) {
				for _, p := range e.owned() {
					p.fail(errors.New("this host's lease has ended"))
				}
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

func (e *Engine) setHosts(hosts []string) {
	e.mu.Lock()
	changed := !slices.Equal(e.hosts, hosts) && (len(hosts) > 1 || len(e.hosts) > 1) // a lone host is nothing to tell
	e.hosts = hosts
	e.mu.Unlock()
	e.liveHosts.Store(int32(len(hosts)))
	if changed {
		e.logger.Info("task hub: live hosts", "hosts", len(hosts), "host_id", e.hub.HostID())
	}
}

// isLive reports whether the host lived at the last heartbeat.
func (e *Engine) isLive(host string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.hosts, host)
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
	want := share(e.hub.Partitions(), m.Hosts, e.hub.HostID())
	mine := e.owned()
	for i := want; i < len(mine); i++ {
		e.release(mine[i])
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

// release gives a partition to other hosts: what runs in it is finished first.
func (e *Engine) release(p *partition) {
	p.quiesce()
	ctx, cancel := context.WithTimeout(e.ctx, 5*time.Second)
	defer cancel()
	p.drain(ctx)
	p.close(errors.New("the partition was given back"))
	e.forget(p)
	if err := e.hub.Release(ctx, p.id, p.epoch); err != nil {
		e.logger.Warn("task hub: giving a partition back failed, its lease will end", "partition", p.id, "error", err)
		return
	}
	e.logger.Debug("task hub: partition given back", "partition", p.id, "epoch", p.epoch)
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
	select {
	case e.kick <- struct{}{}:
	default:
	}
}
