package taskhub

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// A wire is a connection on which commands are sent while the answers to earlier ones are on their way. go-redis opens it, with all that its
// options say of addresses, TLS and names; from then on only the lane writes, and only the wire's own goroutine reads.
type wire struct {
	opener *redis.Client // does nothing more with the connection than to close it
	conn   net.Conn

	mu     sync.Mutex
	sent   []*trip // in order, not answered
	broken bool
}

// trip is what goes to the server in one write.
type trip struct {
	commands []command
	weight   int
	due      time.Time // when the answers must be there
}

// openWire opens a connection like the client's own.
func openWire(ctx context.Context, client *redis.Client) (*wire, error) {
	w := &wire{}
	opts := *client.Options()
	dial := opts.Dialer
	opts.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		w.conn = conn
		return conn, err
	}
	opts.Protocol = 2
	opts.MinIdleConns, opts.MaxRetries = 0, -1
	// A pool of several connections does not go on trying to connect by itself after a failure: the lane does.
	opts.PoolSize, opts.DialerRetries, opts.PipelinePoolSize = 8, 1, -1
	w.opener = redis.NewClient(&opts)
	err := w.opener.Ping(ctx).Err()
	if err == nil {
		err = w.conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = w.opener.Close()
		return nil, err
	}
	return w, nil
}

// send sends a trip, whose commands are in b. It returns false when the connection was broken before, so that nothing was sent; else answered is
// told of it, whatever happens.
func (w *wire) send(t *trip, b []byte) bool {
	w.mu.Lock()
	if len(w.sent) == 0 && !w.broken && hasHungUp(w.conn) {
		w.broken = true // the reader has not been told yet
	}
	if w.broken {
		w.mu.Unlock()
		return false
	}
	w.sent = append(w.sent, t)
	if len(w.sent) == 1 {
		_ = w.conn.SetReadDeadline(t.due) // fails when the connection does, which the reader sees
	}
	w.mu.Unlock()
	_ = w.conn.SetWriteDeadline(t.due)
	if _, err := w.conn.Write(b); err != nil {
		w.close()
	}
	return true
}

// read reads the answers to all trips and tells answered of each, until the connection ends. It is the wire's goroutine.
func (w *wire) read(answered func(t *trip, err error)) {
	r := bufio.NewReaderSize(w.conn, 32<<10)
	for {
		_, err := r.Peek(1) // the end of the connection is seen while nothing is on its way, too
		if err == nil {
			err = w.readTrip(r, answered)
		}
		if err != nil {
			w.close()
			for _, t := range w.breakOff() {
				answered(t, fmt.Errorf("reading the task hub's answer: %w", err))
			}
			return
		}
	}
}

// readTrip reads the answers to the oldest trip.
func (w *wire) readTrip(r *bufio.Reader, answered func(t *trip, err error)) error {
	w.mu.Lock()
	if len(w.sent) == 0 {
		w.mu.Unlock()
		return errors.New("the server said something that it was not asked for")
	}
	t := w.sent[0]
	w.mu.Unlock()
	for i := range t.commands {
		reply, err := readReply(r)
		var answer replyError
		switch {
		case errors.As(err, &answer):
			t.commands[i].err = answer
		case err != nil:
			return err
		case reply == nil:
			t.commands[i].err = errNilReply
		default:
			t.commands[i].reply = reply
		}
	}
	w.mu.Lock()
	w.sent = append(w.sent[:0], w.sent[1:]...)
	next := time.Time{}
	if len(w.sent) > 0 {
		next = w.sent[0].due
	}
	_ = w.conn.SetReadDeadline(next)
	w.mu.Unlock()
	answered(t, nil)
	return nil
}

// breakOff lets nothing more be sent and returns the trips whose outcome is unknown.
func (w *wire) breakOff() []*trip {
	w.mu.Lock()
	defer w.mu.Unlock()
	lost := w.sent
	w.sent, w.broken = nil, true
	return lost
}

// close ends the connection. The client that opened it need not know of that.
func (w *wire) close() {
	_ = w.conn.Close()
	_ = w.opener.Close()
}
