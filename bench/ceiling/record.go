package ceiling

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/redisserver"
)

// Recording is what an engine's commits were.
type Recording struct {
	// Orchestrations is how many HelloSequence5 were recorded, InFlight how many at once.
	Orchestrations, InFlight int
	// Commits are the commands that changed data.
	Commits []exchange
	// CommandsSent is how many there were in all, those that wait for something apart.
	CommandsSent int
	// state and scripts make a server in which the commits mean the same.
	state   []entry
	scripts [][]byte
	resp3   bool
	// keys is how many keys the server had in the end.
	keys int64
}

// entry is a key with its value as Redis dumps it.
type entry struct {
	key, value string
	ttl        time.Duration // 0: none
}

// farAway is a stream ID that no clock reaches: from there on Redis numbers entries one by one.
const farAway = "9999999999999-0"

// idle is how long the engine is watched doing nothing: what it sends then, it sends by the clock.
const idle = 1500 * time.Millisecond

// Load runs n HelloSequence5, so many in flight, and checks their output.
type Load func(ctx context.Context, e engine.Engine, n, inFlight int) error

// Record starts the engine on a server of its own, without a file, and records n orchestrations.
func Record(ctx context.Context, dir string, kind engine.Kind, load Load, n, inFlight int) (_ *Recording, err error) {
	server, err := redisserver.Start(ctx, dir, engine.Off)
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	p, err := startProxy(server.Addr)
	if err != nil {
		return nil, err
	}
	defer p.close()
	e, err := kind.Begin(ctx, engine.Store{Durability: engine.Off, Redis: p.addr()}, &engine.Functions{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Stop(ctx)) }()
	if err := load(ctx, e, 20, 10); err != nil {
		return nil, fmt.Errorf("warming up: %w", err)
	}
	direct := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer direct.Close()
	byTheClock, err := p.watch(ctx, idle)
	if err != nil {
		return nil, err
	}
	r := &Recording{Orchestrations: n, InFlight: inFlight}
	if r.state, err = p.beginRecording(ctx, direct); err != nil {
		return nil, err
	}
	if err := load(ctx, e, n, inFlight); err != nil {
		return nil, err
	}
	record, err := p.endRecording()
	if err != nil {
		return nil, err
	}
	r.scripts, r.resp3, r.CommandsSent = p.scripts, p.resp3, len(record)
	if r.keys, err = direct.DBSize(ctx).Result(); err != nil {
		return nil, err
	}
	writes, err := r.findWrites(ctx, dir, record)
	if err != nil {
		return nil, err
	}
	for _, x := range record {
		if writes[x.kind()] && !byTheClock[x.kind()] {
			r.Commits = append(r.Commits, x)
		}
	}
	if len(r.Commits) == 0 {
		return nil, errors.New("no commit was recorded")
	}
	return r, nil
}

// watch tells which kinds of commands come within a time in which nothing is asked of the engine.
func (p *proxy) watch(ctx context.Context, d time.Duration) (map[string]bool, error) {
	p.turn.Lock()
	p.recording = true
	p.turn.Unlock()
	select {
	case <-time.After(d):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	record, err := p.endRecording()
	if err != nil {
		return nil, err
	}
	kinds := map[string]bool{}
	for _, x := range record {
		kinds[x.kind()] = true
	}
	return kinds, nil
}

// beginRecording copies the server's state and records from there on.
func (p *proxy) beginRecording(ctx context.Context, direct *redis.Client) ([]entry, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	var state []entry
	keys := direct.Scan(ctx, 0, "*", 1000).Iterator()
	for keys.Next(ctx) {
		key := keys.Val()
		kind, err := direct.Type(ctx, key).Result()
		if err != nil {
			return nil, err
		}
		if kind == "stream" {
			if err := direct.Do(ctx, "XSETID", key, farAway).Err(); err != nil {
				return nil, err
			}
		}
		value, err := direct.Dump(ctx, key).Result()
		if errors.Is(err, redis.Nil) {
			continue // it has expired
		}
		if err != nil {
			return nil, err
		}
		ttl, err := direct.PTTL(ctx, key).Result()
		if err != nil {
			return nil, err
		}
		state = append(state, entry{key, value, max(0, ttl)})
	}
	p.recording = true
	return state, keys.Err()
}

func (p *proxy) endRecording() ([]exchange, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	record := p.record
	p.recording, p.record = false, nil
	return record, p.failed
}
