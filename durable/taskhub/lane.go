package taskhub

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// A lane sends calls of scripts to the server in batches: one round trip at a time, and all that comes meanwhile goes together in the next
// one (group commit). A lone call is sent at once. Calls keep their order. A hub has one: with more of them, which would let the host work on one
// batch while the server works on another, batches are smaller, and that costs more than it gains, the most with a server that syncs its file
// before each reply.

// laneBatch is how many calls one round trip carries at most.
const laneBatch = 512

// evalHead is how many words of an EVALSHA stand before the arguments.
const evalHead = 4

func evalShaHead(s *script, key string) []any { return []any{"evalsha", s.sha, 1, key} }

// call is one call of a script, and what became of it.
type call struct {
	script *script
	key    string
	args   []any
	// words is the whole command, of which args is the end; nil: it is put together when it is sent.
	words []any
	reply any
	err   error
}

// batch are calls that were submitted together; done is told when all of them have their outcome.
type batch struct {
	calls []*call
	done  func()
}

type lane struct {
	hub *Hub

	mu      sync.Mutex
	waiting []batch
	sending bool
	closed  bool
	idle    sync.WaitGroup // the goroutine that sends, while there is one
}

// errLaneClosed is the outcome of calls after the hub was closed: they were not sent.
var errLaneClosed = errors.New("the task hub is closed")

func newLane(h *Hub) *lane { return &lane{hub: h} }

// submit sends the calls with the next round trip. done is called on another goroutine, and must not block.
func (l *lane) submit(calls []*call, done func()) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		for _, c := range calls {
			c.err = errLaneClosed
		}
		done()
		return
	}
	l.waiting = append(l.waiting, batch{calls, done})
	if !l.sending {
		l.sending = true
		l.idle.Go(l.send)
	}
	l.mu.Unlock()
}

// send sends what waits until nothing does.
func (l *lane) send() {
	for {
		l.mu.Lock()
		if len(l.waiting) == 0 {
			l.sending = false
			l.mu.Unlock()
			return
		}
		n, size := 0, 0
		for n < len(l.waiting) && (n == 0 || size+len(l.waiting[n].calls) <= laneBatch) {
			size += len(l.waiting[n].calls)
			n++
		}
		batches := l.waiting[:n:n]
		l.waiting = l.waiting[n:]
		if len(l.waiting) == 0 {
			l.waiting = nil
		}
		l.mu.Unlock()
		l.roundTrip(batches, size)
		for _, b := range batches {
			b.done()
		}
	}
}

// roundTrip sends batches and waits for the answers.
func (l *lane) roundTrip(batches []batch, size int) {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	calls := batches[0].calls
	if len(batches) > 1 {
		calls = make([]*call, 0, size)
		for _, b := range batches {
			calls = append(calls, b.calls...)
		}
	}
	l.hub.pipeline(ctx, calls)
}

// pipeline sends calls in one round trip and in order. Those that never left are tried again for a moment. A call whose script the server does not
// know is repeated with its source after the others; since the server forgets all scripts at once, that keeps the order too.
func (h *Hub) pipeline(ctx context.Context, calls []*call) {
	r := retrier{}
	for {
		cmds := make([]*redis.Cmd, len(calls))
		pipe := h.client.Pipeline()
		for i, c := range calls {
			cmds[i] = evalSha(ctx, pipe, c)
		}
		_, err := pipe.Exec(ctx) // each command carries its own error, too
		if neverLeft(err) && r.wait(ctx) {
			continue
		}
		for i, c := range calls {
			cmd := cmds[i]
			if isNoScript(cmd.Err()) {
				cmd = h.client.Eval(ctx, c.script.source, []string{c.key}, c.args...)
			}
			c.reply, c.err = cmd.Result()
		}
		return
	}
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
	r := retrier{}
	for {
		c := &call{script: s, key: h.prefix(p), args: args}
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

func evalSha(ctx context.Context, pipe redis.Pipeliner, c *call) *redis.Cmd {
	words := c.words
	if words == nil {
		words = append(append(make([]any, 0, len(c.args)+evalHead), evalShaHead(c.script, c.key)...), c.args...)
	}
	cmd := redis.NewCmd(ctx, words...)
	cmd.SetFirstKeyPos(3)
	_ = pipe.Process(ctx, cmd) // it only queues
	return cmd
}

// close refuses further calls and waits for those that are under way.
func (l *lane) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.idle.Wait()
}
