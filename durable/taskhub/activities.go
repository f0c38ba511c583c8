package taskhub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/durable/engine"
)

// taker waits for activities that hosts left to be taken, over a connection of its own that is made at first use.
type taker struct {
	hub    *Hub
	keys   []string
	closed atomic.Bool

	mu     sync.Mutex
	client redis.UniversalClient
}

func newTaker(h *Hub) *taker {
	t := &taker{hub: h}
	for p := range h.partitions {
		t.keys = append(t.keys, h.prefix(p)+keyActQueue)
	}
	return t
}

// connection returns the client, nil after close.
func (t *taker) connection() redis.UniversalClient {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.client == nil && !t.closed.Load() {
		t.client = t.hub.cfg.Dial()
	}
	return t.client
}

func (t *taker) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed.Swap(true) || t.client == nil {
		return nil
	}
	return t.client.Close()
}

// interrupt ends a blocking read; the next one makes a new connection.
func (t *taker) interrupt() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.client != nil {
		_ = t.client.Close() // nothing was written
		t.client = nil
	}
}

// TakeActivity waits for an activity that another host left to be taken, and claims it. It returns engine.ErrClosed after Close.
func (h *Hub) TakeActivity(ctx context.Context) (*engine.Outstanding, error) {
	// A blocked read does not look at ctx.
	defer context.AfterFunc(ctx, h.taker.interrupt)()
	for ctx.Err() == nil {
		client := h.taker.connection()
		if client == nil {
			return nil, engine.ErrClosed
		}
		popped, err := client.BLPop(ctx, inboxBlock, h.taker.keys...).Result()
		switch {
		case h.taker.closed.Load():
			return nil, engine.ErrClosed
		case errors.Is(err, redis.Nil):
			continue
		case err != nil:
			return nil, fmt.Errorf("taking an activity: %w", err)
		}
		p, err := h.partitionOfKey(popped[0])
		if err != nil {
			return nil, err
		}
		// Whoever dies here leaves an unclaimed activity, which the partition's owner notices.
		act, _, err := h.claim(ctx, p, popped[1], "")
		if err != nil || act != nil {
			return act, err
		}
	}
	return nil, ctx.Err()
}

// partitionOfKey reads the partition out of a key's hash tag.
func (h *Hub) partitionOfKey(key string) (int, error) {
	rest, ok := strings.CutPrefix(key, "{"+h.name+":")
	number, _, found := strings.Cut(rest, "}")
	p, err := strconv.Atoi(number)
	if !ok || !found || err != nil {
		return 0, fmt.Errorf("key %q belongs to no partition of hub %q", key, h.name)
	}
	return p, nil
}

// Reclaim claims an outstanding activity unless the claim of another host, other than the dead one, is valid.
func (h *Hub) Reclaim(ctx context.Context, p int, key, dead string) (engine.Claim, error) {
	act, claim, err := h.claim(ctx, p, key, dead)
	if act != nil {
		claim.Taken, claim.Activity = true, *act
	}
	return claim, err
}

func (h *Hub) claim(ctx context.Context, p int, key, dead string) (*engine.Outstanding, engine.Claim, error) {
	reply, err := h.share(ctx, p, claimScript, key, h.cfg.HostID, h.cfg.ClaimLease.Milliseconds(), dead).Slice()
	if err != nil {
		return nil, engine.Claim{}, fmt.Errorf("claiming activity %q: %w", key, err)
	}
	switch code, _ := reply[0].(int64); {
	case code == 1 && len(reply) == 2:
		raw, _ := reply[1].(string)
		act, err := decodeActivity(p, key, raw)
		if err != nil {
			return nil, engine.Claim{}, err
		}
		act.Claimed = true
		return &act, engine.Claim{}, nil
	case code == 0 && len(reply) == 2:
		raw, _ := reply[1].(string)
		until, err := parseMillis(raw)
		return nil, engine.Claim{Until: until}, err
	default:
		return nil, engine.Claim{Gone: true}, nil
	}
}

// RenewClaims extends this host's claims.
func (h *Hub) RenewClaims(ctx context.Context, p int, keys []string) error {
	return h.renew(ctx, p, h.cfg.ClaimLease, keys)
}

// ReleaseClaims gives up this host's claims.
func (h *Hub) ReleaseClaims(ctx context.Context, p int, keys []string) error {
	return h.renew(ctx, p, 0, keys)
}

func (h *Hub) renew(ctx context.Context, p int, lease time.Duration, keys []string) error {
	args := []any{h.cfg.HostID, lease.Milliseconds()}
	for _, k := range keys {
		args = append(args, k)
	}
	if err := h.run(ctx, renewScript, h.prefix(p), args...).Err(); err != nil {
		return fmt.Errorf("renewing claims in partition %d: %w", p, err)
	}
	return nil
}

// CompleteActivity sends the outcome of an activity to its instance's inbox, if nobody has before.
func (h *Hub) CompleteActivity(ctx context.Context, p int, key string, m engine.Message) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("completing activity %q: %w", key, err)
	}
	if err := h.share(ctx, p, completeScript, key, raw).Err(); err != nil {
		return fmt.Errorf("completing activity %q: %w", key, err)
	}
	return nil
}
