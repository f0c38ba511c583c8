package taskhub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
)

// Config says which hub to open, and how.
type Config struct {
	// Client runs commands that do not block. It must not retry commands by itself (MaxRetries -1), because an answer that was lost
	// says nothing about the effect; the hub knows which of its calls may be repeated. Required; the caller closes it after the hub.
	Client *redis.Client
	// Dial makes a client of its own for each blocking reader and for publish/subscribe; the hub closes it. Required.
	Dial func() redis.UniversalClient
	// Name is the hub's name: letters, digits, '-' and '_'. Required.
	Name string
	// Partitions is used when the hub is created; an existing hub keeps its number. Defaults to 16.
	Partitions int
	// HostID names this host among those of the hub. Defaults to LocalHostID().
	HostID string
	// Lease is how long this host may own partitions after its last heartbeat. Defaults to 5 s.
	Lease time.Duration
	// ClaimLease is how long an activity is another host's business after its claim was last renewed. Defaults to 6 s.
	ClaimLease time.Duration
	// MaxPayload is the largest input, event or result in bytes. Defaults to 16 MiB.
	MaxPayload int
	// Logger receives what operators should know. Defaults to slog.Default().
	Logger *slog.Logger
}

// Hub is an open task hub: it implements durable.Store for clients and engine.Hub for the engine.
type Hub struct {
	cfg        Config
	client     *redis.Client
	name       string
	partitions int
	logger     *slog.Logger
	watch      *watcher
	taker      *taker
	lane       *lane
	leaving    atomic.Bool // this host has stepped down
}

var (
	_ durable.Store = (*Hub)(nil)
	_ engine.Hub    = (*Hub)(nil)
)

// schemaVersion is the version of the hub's keys and scripts, kept in the hub; a host refuses a hub of a later one.
const schemaVersion = 3

// Open opens the hub, creating it when it does not exist.
func Open(ctx context.Context, cfg Config) (*Hub, error) {
	if cfg.Client == nil || cfg.Dial == nil || cfg.Name == "" {
		return nil, errors.New("taskhub: Client, Dial and Name are required")
	}
	cfg.Partitions = cmp.Or(cfg.Partitions, 16)
	cfg.HostID = cmp.Or(cfg.HostID, LocalHostID())
	cfg.Lease = cmp.Or(cfg.Lease, 5*time.Second)
	cfg.ClaimLease = cmp.Or(cfg.ClaimLease, 6*time.Second)
	cfg.MaxPayload = cmp.Or(cfg.MaxPayload, 16<<20)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	h := &Hub{cfg: cfg, client: cfg.Client, name: cfg.Name, logger: cfg.Logger}
	if err := h.readMeta(ctx); err != nil {
		return nil, fmt.Errorf("opening task hub %q: %w", cfg.Name, err)
	}
	if err := h.loadScripts(ctx); err != nil {
		return nil, fmt.Errorf("opening task hub %q: loading scripts: %w", cfg.Name, err)
	}
	h.lane = newLane(h)
	h.watch = newWatcher(h)
	h.taker = newTaker(h)
	return h, nil
}

// readMeta reads or writes what the hub is: its number of partitions is fixed by whoever creates it.
func (h *Hub) readMeta(ctx context.Context) error {
	key := hubKey(h.name, "meta")
	pipe := h.client.TxPipeline()
	pipe.HSetNX(ctx, key, "partitions", h.cfg.Partitions)
	pipe.HSetNX(ctx, key, "schema", schemaVersion)
	meta := pipe.HGetAll(ctx, key)
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	fields := meta.Val()
	n, err := strconv.Atoi(fields["partitions"])
	if err != nil || n < 1 || n > 4096 {
		return fmt.Errorf("key %s: field partitions holds %q, expected a number from 1 to 4096", key, fields["partitions"])
	}
	if schema, err := strconv.Atoi(fields["schema"]); err != nil || schema > schemaVersion {
		return fmt.Errorf("the hub has schema version %q, this host knows up to %d: use a newer durango, or another hub name",
			fields["schema"], schemaVersion)
	}
	if fields["schema"] != strconv.Itoa(schemaVersion) {
		// What earlier versions have written is read as it is.
		if err := h.client.HSet(ctx, key, "schema", schemaVersion).Err(); err != nil {
			return err
		}
	}
	if n != h.cfg.Partitions {
		h.logger.Warn("the task hub was created with another number of partitions, which stays: delete the hub to change it",
			"hub", h.name, "partitions", n, "configured", h.cfg.Partitions)
	}
	h.partitions = n
	return nil
}

// Close ends the hub's own connections. The engine must have stopped.
func (h *Hub) Close() error {
	h.lane.close()
	return errors.Join(h.watch.close(), h.taker.close())
}

// Name is the hub's name.
func (h *Hub) Name() string { return h.name }

// HostID names this host among those of the hub.
func (h *Hub) HostID() string { return h.cfg.HostID }

// Partitions is the hub's fixed number of partitions.
func (h *Hub) Partitions() int { return h.partitions }

// PartitionOf tells which partition an instance belongs to.
func (h *Hub) PartitionOf(instanceID string) int { return partitionOf(instanceID, h.partitions) }

func (h *Hub) prefix(p int) string { return partitionPrefix(h.name, p) }

// prefixOf is the prefix of the partition that an instance belongs to.
func (h *Hub) prefixOf(instanceID string) string { return h.prefix(h.PartitionOf(instanceID)) }

// channel is where changes of status are published: "<status> <instance id>", "- <instance id>" for a purged one.
func (h *Hub) channel() string { return hubKey(h.name, "changed") }

func (h *Hub) checkSize(what string, size int) error {
	if size > h.cfg.MaxPayload {
		return &durable.PayloadTooLargeError{What: what, Size: size, Max: h.cfg.MaxPayload}
	}
	return nil
}
