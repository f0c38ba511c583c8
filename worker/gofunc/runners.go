package gofunc

import (
	"context"
	"sync"
)

// maxIdle is how many goroutines wait for the next call. More would only hold memory.
const maxIdle = 128

// runners are the goroutines that handlers run on. They are used again, because a fresh one spends as much time on growing its stack as a
// quick handler takes in all.
type runners struct {
	mu      sync.Mutex
	idle    []*runner
	count   int           // of all
	stopped chan struct{} // after stop; closed when there are none
}

// runner is one of the goroutines.
type runner struct {
	calls chan *Call
}

// run has a call handled by a runner.
func (rs *runners) run(c *Call) {
	rs.mu.Lock()
	if n := len(rs.idle); n > 0 {
		r := rs.idle[n-1]
		rs.idle[n-1] = nil
		rs.idle = rs.idle[:n-1]
		rs.mu.Unlock()
		r.calls <- c
		return
	}
	r := &runner{calls: make(chan *Call, 1)}
	rs.count++
	rs.mu.Unlock()
	r.calls <- c
	go rs.loop(r)
}

// loop handles the runner's calls until nobody needs it any more, or a handler ends the goroutine.
func (rs *runners) loop(r *runner) {
	defer rs.leave()
	for c := range r.calls {
		if !rs.handle(r, c) {
			return
		}
	}
}

// leave is the end of a runner.
func (rs *runners) leave() {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.count--
	rs.tell()
}

// tell tells stop that there are no runners. The caller holds mu.
func (rs *runners) tell() {
	if rs.stopped == nil || rs.count > 0 {
		return
	}
	select {
	case <-rs.stopped: // a late call had one more
	default:
		close(rs.stopped)
	}
}

// handle handles one call. It reports false when the runner is not to wait for another one.
func (rs *runners) handle(r *runner, c *Call) (again bool) {
	returned := false
	defer func() {
		if !returned { // the handler panicked, or ends this goroutine
			c.err = errGoexit
			if p := recover(); p != nil {
				c.err, returned = panicked(p), true
			}
		}
		again = returned && rs.park(r) // before the caller goes on, so that its next call finds the runner
		close(c.done)
	}()
	c.result, c.err = c.handler.Call(c, c.inv.Inputs[0].Value)
	returned = true
	return true
}

// park puts a runner among those that wait.
func (rs *runners) park(r *runner) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.stopped != nil || len(rs.idle) >= maxIdle {
		return false
	}
	rs.idle = append(rs.idle, r)
	return true
}

// stop ends the runners. It waits for those that handle a call until ctx ends; one whose handler never returns has been told of in the log.
func (rs *runners) stop(ctx context.Context) error {
	rs.mu.Lock()
	if rs.stopped == nil {
		rs.stopped = make(chan struct{})
	}
	for _, r := range rs.idle {
		close(r.calls)
	}
	rs.idle = nil
	rs.tell()
	stopped := rs.stopped
	rs.mu.Unlock()
	select {
	case <-stopped:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
