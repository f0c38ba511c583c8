package taskhub

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// The lane sends calls of scripts to the server, in order and over one connection. What comes while the server is at work goes together
// in the next trip (group commit), and what is for one partition in one command. A lone call is sent at once. A second trip follows while the
// first is on its way, so that the server need not wait for this host, but only one that is worth it: small trips cost the server more, the
// most when it syncs its file before each reply.
//
// Goroutines: run sends; the wire's own reads and tells the outcomes.
type lane struct {
	hub  *Hub
	wake chan struct{} // holds a token while run may have something to do
	idle sync.WaitGroup

	mu      sync.Mutex
	waiting []*call
	weight  int     // of those
	again   []*call // were not performed, since the server has forgotten the scripts; they are sent once more when nothing is on its way
	flying  []int   // weights of the trips on their way
	closed  bool

	// used by run alone
	wire *wire
	buf  []byte
}

const (
	// laneBatch is about the weight that one trip has at most.
	laneBatch = 512
	// laneTrips is how many trips may be on their way at once.
	laneTrips = 2
	// laneShare: a trip follows another when it has one over this of its weight, at least.
	laneShare = 2
	// maxBufferKept is the largest buffer that is kept for its memory, in bytes.
	maxBufferKept = 1 << 20
)

// errLaneClosed is the outcome of calls after the hub was closed: they were not sent.
var errLaneClosed = errors.New("the task hub is closed")

// batch are calls that were submitted together; done is told when all of them have their outcome.
type batch struct {
	left int
	done func()
}

func newLane(h *Hub) *lane {
	l := &lane{hub: h, wake: make(chan struct{}, 1)}
	l.idle.Go(l.run)
	return l
}

// submit sends the calls, of which there is one at least, as soon as it is their turn. done is called on another goroutine, or on this one when the lane is closed, and
// must not block.
func (l *lane) submit(calls []*call, done func()) {
	b := &batch{left: len(calls), done: done}
	for _, c := range calls {
		c.batch = b
	}
	l.mu.Lock()
	closed := l.closed
	if !closed {
		l.wait(calls)
	}
	l.mu.Unlock()
	if closed {
		l.settle(calls, errLaneClosed)
		return
	}
	l.nudge()
}

// wait lets calls wait for their turn. The caller holds mu.
func (l *lane) wait(calls []*call) {
	l.waiting = append(l.waiting, calls...)
	for _, c := range calls {
		l.weight += c.weight()
	}
}

func (l *lane) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run sends what waits, until the lane is closed and nothing is left.
func (l *lane) run() {
	defer l.hangUp()
	for range l.wake {
		for {
			t, end := l.next()
			if end {
				return
			}
			if t == nil {
				break
			}
			l.send(t)
		}
	}
}

// next takes what is to be sent now; nil: nothing is.
func (l *lane) next() (t *trip, end bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.flying) == 0 && len(l.again) > 0 {
		rest := l.waiting
		l.waiting, l.weight = nil, 0
		l.wait(l.again)
		l.wait(rest)
		l.again = nil
	}
	switch flying := len(l.flying); {
	case len(l.waiting) == 0:
		return nil, l.closed && flying == 0
	case flying == laneTrips, len(l.again) > 0:
		return nil, false
	case flying > 0 && laneShare*l.weight < l.flying[flying-1]:
		return nil, false
	}
	n, weight := 0, 0
	for n < len(l.waiting) && weight < laneBatch {
		weight += l.waiting[n].weight()
		n++
	}
	calls := l.waiting[:n:n]
	l.waiting, l.weight = l.waiting[n:], l.weight-weight
	if len(l.waiting) == 0 {
		l.waiting = nil
	}
	l.flying = append(l.flying, weight)
	return &trip{commands: together(calls), weight: weight}, false
}

// send sends a trip. When there is no connection, it tries for a moment to get one.
func (l *lane) send(t *trip) {
	l.buf = l.buf[:0]
	for i := range t.commands {
		l.buf = t.commands[i].append(l.buf)
	}
	t.due = time.Now().Add(commitTimeout)
	ctx, cancel := context.WithDeadline(context.Background(), t.due)
	defer cancel()
	for r := (retrier{}); ; {
		err := l.connect(ctx)
		switch {
		case err == nil && l.wire.send(t, l.buf):
		case err == nil: // the connection has ended since the last trip
			l.hangUp()
			continue
		case neverLeft(err) && r.wait(ctx):
			continue
		default:
			l.answered(t, err)
		}
		break
	}
	if cap(l.buf) > maxBufferKept {
		l.buf = nil
	}
}

// connect sees to it that there is a connection.
func (l *lane) connect(ctx context.Context) error {
	if l.wire != nil {
		return nil
	}
	w, err := openWire(ctx, l.hub.client)
	if err != nil {
		return err
	}
	l.wire = w
	l.idle.Go(func() { w.read(l.answered) })
	return nil
}

func (l *lane) hangUp() {
	if l.wire != nil {
		l.wire.close()
		l.wire = nil
	}
}

// answered follows a trip whose commands have their answers, or that failed, so that it is not known what was performed.
func (l *lane) answered(t *trip, err error) {
	var again, settled []*call
	for i := range t.commands {
		m := &t.commands[i]
		if err != nil {
			m.err = err
		}
		m.share()
		if isNoScript(m.err) {
			for _, c := range m.calls {
				c.withSource = true
			}
			again = append(again, m.calls...)
			continue
		}
		settled = append(settled, m.calls...)
	}
	l.mu.Lock()
	l.flying = slices.Delete(l.flying, 0, 1)
	l.again = append(l.again, again...)
	l.mu.Unlock()
	l.nudge()
	l.settle(settled, nil)
}

// settle tells of calls that have their outcome: err, or their own.
func (l *lane) settle(calls []*call, err error) {
	for _, c := range calls {
		if err != nil {
			c.err = err
		}
		l.mu.Lock()
		c.batch.left--
		last := c.batch.left == 0
		l.mu.Unlock()
		if last {
			c.batch.done()
		}
	}
}

// close refuses further calls and waits for those that are under way.
func (l *lane) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.nudge()
	l.idle.Wait()
}

// share calls a script of a partition together with whatever else goes to the server. What run and read say about repetitions holds.
func (h *Hub) share(ctx context.Context, p int, s *script, args ...any) *redis.Cmd {
	return h.shareWhile(ctx, neverLeft, p, s, args)
}

// shareRead is share for scripts that change nothing.
func (h *Hub) shareRead(ctx context.Context, p int, s *script, args ...any) *redis.Cmd {
	return h.shareWhile(ctx, isConnectionFault, p, s, args)
}

func (h *Hub) shareWhile(ctx context.Context, again func(error) bool, p int, s *script, args []any) *redis.Cmd {
	cmd := redis.NewCmd(ctx)
	if ctx.Err() != nil {
		cmd.SetErr(context.Cause(ctx)) // nothing has been sent
		return cmd
	}
	var w words
	for _, arg := range args {
		if err := w.any(arg); err != nil {
			cmd.SetErr(err)
			return cmd
		}
	}
	r := retrier{}
	for {
		c := &call{script: s, key: h.prefix(p), args: w}
		done := make(chan struct{})
		h.lane.submit([]*call{c}, func() { close(done) })
		select {
		case <-done:
		case <-ctx.Done():
			cmd.SetErr(context.Cause(ctx))
			return cmd
		}
		if again(c.err) && r.wait(ctx) {
			continue
		}
		cmd.SetVal(c.reply)
		cmd.SetErr(c.err)
		return cmd
	}
}
