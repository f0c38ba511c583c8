package taskhub

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/durable/engine"
)

// Heartbeat renews this host's lease. One lease serves all of the host's partitions: a partition's owner is whoever its owner key
// names, for as long as that host's lease lasts by Redis's clock, and each change of owner raises the epoch that every commit shows.
func (h *Hub) Heartbeat(ctx context.Context) (engine.Membership, error) {
	return h.heartbeat(ctx, h.member(), h.cfg.Lease)
}

// leavingMark stands behind the ID of a host that takes no share of the partitions any more.
const leavingMark = "~leaving"

// member is the name under which the hub knows this host's lease.
func (h *Hub) member() string {
	if h.leaving.Load() {
		return h.cfg.HostID + leavingMark
	}
	return h.cfg.HostID
}

// StepDown makes this host one that takes no share of the partitions, while its lease goes on.
func (h *Hub) StepDown(ctx context.Context) error {
	if _, err := h.heartbeat(ctx, h.cfg.HostID+leavingMark, h.cfg.Lease); err != nil {
		return err
	}
	h.leaving.Store(true)
	_, err := h.heartbeat(ctx, h.cfg.HostID, 0)
	return err
}

// Leave gives up this host's lease.
func (h *Hub) Leave(ctx context.Context) error {
	_, err := h.heartbeat(ctx, h.member(), 0)
	return err
}

func (h *Hub) heartbeat(ctx context.Context, member string, lease time.Duration) (engine.Membership, error) {
	key := hubKey(h.name, "hosts")
	reply, err := h.run(ctx, heartbeatScript, key, member, lease.Milliseconds()).StringSlice()
	if err != nil {
		return engine.Membership{}, fmt.Errorf("renewing the host's lease: %w", err)
	}
	now, err := parseMillis(reply[0])
	if err != nil {
		return engine.Membership{}, fmt.Errorf("renewing the host's lease: %w", err)
	}
	m := engine.Membership{Now: now, Lease: lease, Lapsed: reply[1] != "1"}
	for _, name := range reply[2:] {
		host, leaving := strings.CutSuffix(name, leavingMark)
		if host != h.cfg.HostID && hasDied(host) {
			// Found dead on this machine: its lease need not run out first.
			if err := h.client.ZRem(ctx, key, name).Err(); err != nil {
				return engine.Membership{}, fmt.Errorf("removing a dead host: %w", err)
			}
			continue
		}
		if leaving {
			m.Leaving = append(m.Leaving, host)
			continue
		}
		m.Hosts = append(m.Hosts, host)
	}
	slices.Sort(m.Hosts)
	return m, nil
}

// Owners returns the owner of each partition.
func (h *Hub) Owners(ctx context.Context) ([]engine.Owner, error) {
	pipe := h.client.Pipeline()
	cmds := make([]*redis.SliceCmd, h.partitions)
	for p := range cmds {
		cmds[p] = pipe.HMGet(ctx, h.prefix(p)+keyOwner, "host", "epoch")
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("reading the partitions' owners: %w", err)
	}
	owners := make([]engine.Owner, h.partitions)
	for p, cmd := range cmds {
		values := cmd.Val()
		owners[p].Host, _ = values[0].(string)
		if s, ok := values[1].(string); ok {
			epoch, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("reading the owner of partition %d: epoch %q is no number", p, s)
			}
			owners[p].Epoch = epoch
		}
	}
	return owners, nil
}

// Acquire takes partition p from the owner that Owners told.
func (h *Hub) Acquire(ctx context.Context, p int, from engine.Owner) (int64, bool, error) {
	epoch, err := h.run(ctx, acquireScript, h.prefix(p), from.Host, from.Epoch, h.cfg.HostID).Int64()
	if err != nil {
		return 0, false, fmt.Errorf("acquiring partition %d: %w", p, err)
	}
	return epoch, epoch >= 0, nil
}

// Release gives partition p back.
func (h *Hub) Release(ctx context.Context, p int, epoch int64) error {
	if err := h.run(ctx, acquireScript, h.prefix(p), h.cfg.HostID, epoch, "").Err(); err != nil {
		return fmt.Errorf("releasing partition %d: %w", p, err)
	}
	return nil
}

func parseMillis(s string) (time.Time, error) {
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time in ms", s)
	}
	return time.UnixMilli(ms).UTC(), nil
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
