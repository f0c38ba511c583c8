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
	stopped bool
	running sync.WaitGroup
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
	rs.running.Add(1)
	rs.mu.Unlock()
	r.calls <- c
	go rs.loop(r)
}

// loop handles the runner's calls until nobody needs it any more, or a handler ends the goroutine.
func (rs *runners) loop(r *runner) {
	defer rs.running.Done()
	for c := range r.calls {
		if !rs.handle(r, c) {
			return
		}
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
	if rs.stopped || len(rs.idle) >= maxIdle {
		return false
	}
	rs.idle = append(rs.idle, r)
	return true
}

// stop ends the runners. It waits for those that handle a call until ctx ends.
func (rs *runners) stop(ctx context.Context) error {
	rs.mu.Lock()
	rs.stopped = true
	for _, r := range rs.idle {
		close(r.calls)
	}
	rs.idle = nil
	rs.mu.Unlock()
	ended := make(chan struct{})
	go func() { // ends with the handlers; one that never returns has been told of in the log
		rs.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
