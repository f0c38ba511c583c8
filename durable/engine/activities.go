package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// claimRenewal is the time between renewals of this host's claims on activities; a claim lasts three times as long.
const claimRenewal = 2 * time.Second

// activityID names an activity among those of all partitions.
type activityID struct {
	partition int
	key       string
}

// activityPool runs this host's activities: those of its own partitions first come, first served, and those that other hosts left to
// be taken when there is nothing else to do. All that it holds is claimed by this host; the claims are renewed while it holds them.
type activityPool struct {
	e *Engine

	mu       sync.Mutex
	held     map[activityID]*Outstanding            // waiting or running
	cancels  map[activityID]context.CancelCauseFunc // of the running ones
	waiting  []*Outstanding
	running  int
	resting  []chan *Outstanding // of the goroutines that have nothing to do
	draining bool
	leaving  bool          // what others can run is left to them
	idle     chan struct{} // closed when draining and nothing runs
	free     chan struct{} // holds a token when a place may have become free

	ctx    context.Context // of the running activities
	cancel context.CancelCauseFunc
	// taking is the context of what takes other hosts' activities.
	taking   context.Context
	stopTake context.CancelFunc
	wg       sync.WaitGroup
}

func newActivityPool(e *Engine) *activityPool {
	pool := &activityPool{e: e, held: map[activityID]*Outstanding{}, cancels: map[activityID]context.CancelCauseFunc{}, idle: make(chan struct{}), free: make(chan struct{}, 1)}
	pool.ctx, pool.cancel = context.WithCancelCause(e.ctx)
	pool.taking, pool.stopTake = context.WithCancel(pool.ctx)
	return pool
}

// backlogged reports whether the pool has more waiting than it should, so that other hosts may help.
func (pool *activityPool) backlogged() bool {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	return len(pool.waiting) > 2*pool.e.cfg.MaxActivities
}

// submit takes claimed activities in; those that it holds already are left out.
func (pool *activityPool) submit(acts ...*Outstanding) {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	for _, a := range acts {
		id := activityID{a.Partition, a.Key}
		if pool.held[id] != nil || pool.leaving && !a.Claimed {
			continue // the partition's next owner finds one that nobody has claimed
		}
		pool.held[id] = a // when draining, its claim is given up in the end
		if pool.draining {
			continue
		}
		pool.waiting = append(pool.waiting, a)
	}
	pool.dispatch()
}

// holds reports whether the activity waits or runs here.
func (pool *activityPool) holds(p int, key string) bool {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	return pool.held[activityID{p, key}] != nil
}

// dispatch starts what has a place. The caller holds mu.
func (pool *activityPool) dispatch() {
	for {
		a := pool.next()
		if a == nil {
			return
		}
		if last := len(pool.resting) - 1; last >= 0 {
			pool.resting[last] <- a
			pool.resting = pool.resting[:last]
			continue
		}
		pool.wg.Go(func() { pool.work(a) })
	}
}

// next takes what is to be run next if there is a place for it. The caller holds mu.
func (pool *activityPool) next() *Outstanding {
	if pool.draining || len(pool.waiting) == 0 || pool.running >= pool.e.cfg.MaxActivities {
		return nil
	}
	a := pool.waiting[0]
	pool.waiting[0] = nil
	pool.waiting = pool.waiting[1:]
	pool.running++
	return a
}

// work is a goroutine that runs activities: the first, then what waits, then what it is handed while it rests. Its stack has grown to what they need.
func (pool *activityPool) work(a *Outstanding) {
	handed := make(chan *Outstanding, 1)
	for a != nil {
		pool.run(a)
		pool.mu.Lock()
		delete(pool.held, activityID{a.Partition, a.Key})
		pool.running--
		a = pool.next()
		if a == nil {
			if pool.draining && pool.running == 0 {
				close(pool.idle)
			}
			pool.resting = append(pool.resting, handed)
		}
		pool.mu.Unlock()
		select {
		case pool.free <- struct{}{}:
		default:
		}
		if a == nil {
			select {
			case a = <-handed:
			case <-pool.ctx.Done():
			}
		}
	}
}

// run runs one activity to its outcome.
func (pool *activityPool) run(a *Outstanding) {
	// It is canceled through cancels, also when the pool ends: a context that is a child of the pool's would cost a lock that all of them share.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(pool.ctx))
	defer cancel(nil)
	id := activityID{a.Partition, a.Key}
	pool.mu.Lock()
	if pool.ctx.Err() != nil {
		cancel(context.Cause(pool.ctx))
	}
	pool.cancels[id] = cancel
	pool.mu.Unlock()
	m, ok := pool.execute(ctx, a)
	pool.mu.Lock()
	delete(pool.cancels, id)
	pool.mu.Unlock()
	if ok {
		pool.e.deliverOutcome(a, m)
	}
}

// execute runs the activity until it has an outcome that enters the history; ok is false when the host stops before.
func (pool *activityPool) execute(ctx context.Context, a *Outstanding) (m Message, ok bool) {
	m = Message{Kind: MessageTaskDone, InstanceID: a.InstanceID, ExecutionID: a.ExecutionID, TaskID: a.TaskID, Name: a.Key, Claimed: a.Claimed}
	fail := func(reason, details string) (Message, bool) {
		m.Failed, m.Reason, m.Details = true, reason, details
		return m, true
	}
	for crashes := 0; ; {
		result, err := pool.e.cfg.Executor.ExecuteActivity(ctx, &ActivityWork{
			Name: a.Name, InstanceID: a.InstanceID, ExecutionID: a.ExecutionID, TaskID: a.TaskID, Input: a.Input,
		})
		var failure *TaskFailure
		switch {
		case err == nil && len(result) > pool.e.cfg.MaxPayload:
			return fail(fmt.Sprintf("Activity function '%s' returned %d bytes, the task hub takes at most %d (extensions.durableTask.maxPayloadSize)",
				a.Name, len(result), pool.e.cfg.MaxPayload), "")
		case err == nil && len(result) > 0 && !json.Valid(result):
			return fail(fmt.Sprintf("Activity function '%s' returned a value that is not JSON", a.Name), "")
		case err == nil:
			m.Data = result
			return m, true
		case errors.As(err, &failure):
			m.Failure = failure.Failure
			return fail(failure.Reason, failure.Details)
		case ctx.Err() != nil: // the host stops, or nobody wants the outcome any more
			return m, false
		case errors.Is(err, ErrNotReady):
			if !pool.pause(time.Second) {
				return m, false
			}
			continue
		}
		crashes++
		if crashes >= pool.e.cfg.MaxCrashes {
			return fail(fmt.Sprintf("Activity function '%s' failed: it had no outcome in %d attempts: %v", a.Name, crashes, err), "")
		}
		pool.e.troubles.warn(pool.e.logger, "activity had no outcome, running it again", "function", a.Name, "instance_id", a.InstanceID, "attempt", crashes, "error", err)
		if !pool.pause(backoff(crashes)) {
			return m, false
		}
	}
}

// terminate ends the contexts of the activities that run here for an instance that was terminated.
func (pool *activityPool) terminate(instanceID, executionID string, cause error) {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	for id, cancel := range pool.cancels {
		if a := pool.held[id]; a != nil && a.InstanceID == instanceID && a.ExecutionID == executionID {
			cancel(cause)
		}
	}
}

func (pool *activityPool) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-pool.ctx.Done():
		return false
	}
}

// backoff is the delay before another attempt: 100 ms, doubling, at most 10 s.
func backoff(attempts int) time.Duration {
	return min(100*time.Millisecond<<min(attempts-1, 10), 10*time.Second)
}

// deliverOutcome gives an outcome to the instance: in memory when this host owns its partition, so that it becomes durable with the
// episode that it makes possible, else by the partition's inbox.
func (e *Engine) deliverOutcome(a *Outstanding, m Message) {
	if p := e.partition(a.Partition); p != nil && !e.stopping.Load() && p.putOutcome(m) {
		return
	}
	for attempt := 1; ; attempt++ {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), 5*time.Second)
		err := e.hub.CompleteActivity(ctx, a.Partition, a.Key, m)
		cancel()
		if err == nil {
			return
		}
		e.troubles.warn(e.logger, "sending an activity's outcome failed, trying again", "function", a.Name, "instance_id", a.InstanceID, "error", err)
		if !e.pool.pause(backoff(attempt)) {
			return // the activity runs again elsewhere
		}
	}
}

// renewLoop keeps this host's claims.
func (pool *activityPool) renewLoop() {
	ticker := time.NewTicker(claimRenewal)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			for p, keys := range pool.heldKeys() {
				if pool.e.partition(p) != nil {
					continue // nobody else takes what the owner of a partition runs
				}
				ctx, cancel := context.WithTimeout(pool.e.ctx, claimRenewal)
				if err := pool.e.hub.RenewClaims(ctx, p, keys); err != nil {
					pool.e.troubles.warn(pool.e.logger, "renewing claims on activities failed", "partition", p, "error", err)
				}
				cancel()
			}
		case <-pool.e.ctx.Done():
			return
		}
	}
}

// heldKeys are the keys of all that the pool holds, by partition.
func (pool *activityPool) heldKeys() map[int][]string {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	keys := map[int][]string{}
	for id := range pool.held {
		keys[id.partition] = append(keys[id.partition], id.key)
	}
	return keys
}

// takeLoop takes activities that hosts left to be taken, whenever this host has a free place.
func (pool *activityPool) takeLoop() {
	for attempt := 0; ; {
		if !pool.waitFree() {
			return
		}
		a, err := pool.e.hub.TakeActivity(pool.taking)
		switch {
		case err == nil:
			attempt = 0
			pool.submit(a)
		case errors.Is(err, ErrClosed) || pool.taking.Err() != nil:
			return
		default:
			attempt++
			pool.e.logger.Debug("taking an activity failed, trying again", "error", err)
			if !pool.pause(backoff(attempt)) {
				return
			}
		}
	}
}

// waitFree waits until a place is free that nothing waits for; false when the pool drains.
func (pool *activityPool) waitFree() bool {
	for {
		pool.mu.Lock()
		free, draining := len(pool.waiting) == 0 && pool.running < pool.e.cfg.MaxActivities, pool.draining || pool.leaving
		pool.mu.Unlock()
		if draining {
			return false
		}
		if free {
			return true
		}
		select {
		case <-pool.free:
		case <-pool.taking.Done():
			return false
		}
	}
}

// leave drops what waits, and takes nothing more from other hosts: they are to run it.
func (pool *activityPool) leave(ctx context.Context) {
	pool.mu.Lock()
	pool.leaving = true
	dropped := map[int][]string{}
	for _, a := range pool.waiting {
		delete(pool.held, activityID{a.Partition, a.Key})
		if a.Claimed {
			dropped[a.Partition] = append(dropped[a.Partition], a.Key)
		}
	}
	pool.waiting = nil
	pool.mu.Unlock()
	pool.stopTake()
	for p, keys := range dropped {
		if err := pool.e.hub.ReleaseClaims(ctx, p, keys); err != nil {
			pool.e.logger.Debug("giving up claims on activities failed: they run when the claims have ended", "partition", p, "error", err)
		}
	}
}

// drain starts nothing more and lets what runs finish until ctx ends; then it is cancelled and waited for.
func (pool *activityPool) drain(ctx context.Context) {
	pool.mu.Lock()
	pool.draining = true
	if pool.running == 0 {
		close(pool.idle)
	}
	pool.mu.Unlock()
	select {
	case <-pool.idle:
	case <-ctx.Done():
	}
	pool.cancel(ErrStopped)
	pool.mu.Lock()
	for _, cancel := range pool.cancels {
		cancel(ErrStopped)
	}
	pool.mu.Unlock()
	pool.wg.Wait()
}

// releaseClaims gives up the claims on what has not run, so that other hosts need not wait for them to end.
func (pool *activityPool) releaseClaims(ctx context.Context) error {
	var err error
	for p, keys := range pool.heldKeys() {
		err = errors.Join(err, pool.e.hub.ReleaseClaims(ctx, p, keys))
	}
	return err
}
