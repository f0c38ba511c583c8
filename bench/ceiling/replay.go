package ceiling

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"regexp"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/measure"
	"github.com/durango-functions/durango/bench/redisserver"
)

// Replay sends the commits again, to a fresh server of that durability. It returns what that cost, and the time between two replies, the median.
func (r *Recording) Replay(ctx context.Context, dir string, d engine.Durability) (*measure.Costs, time.Duration, error) {
	server, direct, err := r.restore(ctx, dir, d)
	if err != nil {
		return nil, 0, err
	}
	defer server.Stop()
	defer direct.Close()
	conn, err := r.dial(ctx, server.Addr)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	meter, err := measure.Begin(ctx, server)
	if err != nil {
		return nil, 0, err
	}
	replies, failed := send(conn, r.Commits, r.InFlight)
	costs, err := meter.End(ctx)
	if err := cmp.Or(failed, err); err != nil {
		return nil, 0, err
	}
	var gaps []time.Duration
	for i, x := range r.Commits {
		if i > 0 {
			gaps = append(gaps, replies[i].at.Sub(replies[i-1].at))
		}
		if got := replies[i].raw; !same(got, x.reply) {
			return nil, 0, fmt.Errorf("commit %d of %d, %.300q, was answered %.300q instead of %.300q", i+1, len(r.Commits), x.raw, got, x.reply)
		}
	}
	keys, err := direct.DBSize(ctx).Result()
	if err != nil {
		return nil, 0, err
	}
	// Keys that expire, and those that the engine writes by the clock, may differ.
	if lost := r.keys - keys; lost > r.keys/100 {
		return nil, 0, fmt.Errorf("the server has %d keys after the replay instead of %d: commits are missing", keys, r.keys)
	}
	return costs, measure.Percentile(gaps, 50), nil
}

// restore starts a server in the state that the recording began with.
func (r *Recording) restore(ctx context.Context, dir string, d engine.Durability) (*redisserver.Server, *redis.Client, error) {
	server, err := redisserver.Start(ctx, dir, d)
	if err != nil {
		return nil, nil, err
	}
	direct := redis.NewClient(&redis.Options{Addr: server.Addr})
	_, err = direct.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, s := range r.scripts {
			p.ScriptLoad(ctx, string(s))
		}
		for _, e := range r.state {
			p.Restore(ctx, e.key, e.ttl, e.value)
		}
		return nil
	})
	if err != nil {
		_ = direct.Close()
		server.Stop()
		return nil, nil, fmt.Errorf("setting up the server for the replay: %w", err)
	}
	return server, direct, nil
}

// dial opens a connection that speaks the protocol of the recorded ones.
func (r *Recording) dial(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil || !r.resp3 {
		return conn, err
	}
	if _, err = conn.Write([]byte("*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n")); err == nil {
		_, err = readReply(nil, bufio.NewReaderSize(conn, 1<<12))
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// reply is a reply and when it was read.
type reply struct {
	raw []byte
	at  time.Time
}

// send sends the commands over one connection, so many without a reply at a time, and returns the replies.
func send(conn net.Conn, commands []exchange, window int) ([]reply, error) {
	places := make(chan struct{}, window)
	replies := make([]reply, len(commands))
	received := make(chan error, 1)
	go func() {
		from := bufio.NewReaderSize(conn, 1<<16)
		for i := range commands {
			var err error
			if replies[i].raw, err = readReply(nil, from); err != nil {
				received <- err
				return
			}
			replies[i].at = time.Now()
			<-places
		}
		received <- nil
	}()
	to := bufio.NewWriterSize(conn, 1<<16)
	for _, c := range commands {
		select {
		case places <- struct{}{}:
		default:
			// All places are taken: what is written so far must go before one becomes free.
			if err := to.Flush(); err != nil {
				return nil, err
			}
			select {
			case places <- struct{}{}:
			case err := <-received:
				return nil, fmt.Errorf("reading a reply: %w", err)
			}
		}
		if _, err := to.Write(c.raw); err != nil {
			return nil, err
		}
	}
	if err := to.Flush(); err != nil {
		return nil, err
	}
	return replies, <-received
}

// instants are numbers that are times, in ms, µs or ns since 1970.
var instants = regexp.MustCompile(`\d{13,}`)

// same compares replies, times apart.
func same(a, b []byte) bool {
	return bytes.Equal(a, b) || bytes.Equal(instants.ReplaceAll(a, []byte("#")), instants.ReplaceAll(b, []byte("#")))
}

// probed is how many commands of a kind are tried to learn whether it changes data.
const probed = 50

// findWrites sends the recorded commands one by one to a server and watches which kinds change its data.
func (r *Recording) findWrites(ctx context.Context, dir string, record []exchange) (map[string]bool, error) {
	server, direct, err := r.restore(ctx, dir, engine.Off)
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	defer direct.Close()
	tried, writes := map[string]int{}, map[string]bool{}
	before, err := changes(ctx, direct)
	if err != nil {
		return nil, err
	}
	conn, err := r.dial(ctx, server.Addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	deadline := time.Now().Add(10 * time.Second)
	for i, x := range record {
		if tried[x.kind()]++; tried[x.kind()] > probed && i > 20*probed {
			break
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("trying %d commands took too long", i)
		}
		if _, err := send(conn, record[i:i+1], 1); err != nil {
			return nil, err
		}
		after, err := changes(ctx, direct)
		if err != nil {
			return nil, err
		}
		if after != before {
			writes[x.kind()] = true
		}
		before = after
	}
	return writes, nil
}

// changes is Redis's count of changes to its data.
func changes(ctx context.Context, direct *redis.Client) (string, error) {
	info, err := direct.InfoMap(ctx, "persistence").Result()
	if err != nil {
		return "", err
	}
	return info["Persistence"]["rdb_changes_since_last_save"], nil
}
