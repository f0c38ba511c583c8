package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/durango-functions/durango/durable"
)

// Config configures an Engine.
type Config struct {
	Hub      Hub      // required
	Executor Executor // required
	// MaxActivities is how many activities this host runs at once. Defaults to 10 per core.
	MaxActivities int
	// MaxOrchestrators is how many episodes this host runs at once. Defaults to 10 per core.
	MaxOrchestrators int
	// MaxEntities is how many batches of entities this host runs at once. Defaults to 10 per core.
	MaxEntities int
	// MaxEntityBatch is the largest number of operations in a batch. Defaults to 5000.
	MaxEntityBatch int
	// KeepFailedState keeps what a failed operation of an entity has changed and sent; otherwise it is dropped.
	KeepFailedState bool
	// MaxActions is how many actions one execution may ask for. Defaults to 100,000.
	MaxActions int
	// MaxPayload is the largest input, result or status in bytes. Defaults to 16 MiB.
	MaxPayload int
	// DefaultHTTPSleep is the delay between polls of a durable HTTP call when the answer names none. Defaults to 30 s.
	DefaultHTTPSleep time.Duration
	// HeartbeatInterval is the time between renewals of the host's lease. Defaults to 1.5 s.
	HeartbeatInterval time.Duration
	// CacheBytes is about how much memory the instances that wait for something may take; those that have waited longest are evicted, and
	// read again when something comes for them. Negative: none stays in memory. Defaults to 256 MiB.
	CacheBytes int
	// MaxCrashes is how often an episode or an activity may end with its worker before it counts as failed. Defaults to 10,
	// which with the growing delay between attempts is about half a minute.
	MaxCrashes int
	// Logger receives what operators should know. Defaults to slog.Default().
	Logger *slog.Logger
	// OrchestratorLogger makes the logger of an orchestrator that runs in this process. Defaults to Logger for all.
	OrchestratorLogger func(name string) *slog.Logger
}

// Engine advances the instances of the partitions that this host owns. Start and Stop frame its life.
type Engine struct {
	cfg    Config
	hub    Hub
	logger *slog.Logger
	pool   *activityPool
	// troubles are logged sparsely.
	troubles sparse

	// clockOffset is the hub's clock minus ours, in ns.
	clockOffset atomic.Int64
	// cached is about how many bytes the instances in memory take.
	cached atomic.Int64
	// generations counts the histories that instances have had in memory.
	generations atomic.Uint64
	// liveHosts is the number of hosts at the last heartbeat.
	liveHosts atomic.Int32

	mu    sync.Mutex
	parts map[int]*partition
	hosts []string
	// finishing are the live hosts without a share.
	finishing []string

	// owed are partitions that this host has left without the hub knowing. The membership goroutine's.
	owed []*partition

	episodes chan struct{} // a token per episode that may run
	runners  chan func()   // takes an episode while a goroutine rests that has run one
	resting  atomic.Int32  // those goroutines
	entities chan struct{} // a token per batch of an entity that may run
	orders   chan struct{} // a token per client of this process that waits for an owner

	ctx      context.Context // of everything; its cause tells why it ended
	cancel   context.CancelCauseFunc
	wg       sync.WaitGroup
	kick     chan struct{} // asks the membership goroutine to look at once
	ready    chan struct{}
	once     sync.Once
	stopping atomic.Bool
	leaving  atomic.Bool
	left     chan struct{} // closed when this host is leaving and owns nothing more
	onceLeft sync.Once
	// balancing is held while partitions change hands.
	balancing sync.Mutex
	started   atomic.Bool
}

// ErrStopped is the cause of contexts that end because the engine stops. For the code that it runs, the host stops.
var ErrStopped = fmt.Errorf("the engine stops: %w", durable.ErrHostStops)

// New makes an engine; Start sets it to work.
func New(cfg Config) *Engine {
	cfg.MaxActivities = cmp.Or(cfg.MaxActivities, 10*runtime.NumCPU())
	cfg.MaxOrchestrators = cmp.Or(cfg.MaxOrchestrators, 10*runtime.NumCPU())
	cfg.MaxEntities = cmp.Or(cfg.MaxEntities, 10*runtime.NumCPU())
	cfg.MaxEntityBatch = cmp.Or(cfg.MaxEntityBatch, 5000)
	cfg.MaxActions = cmp.Or(cfg.MaxActions, 100_000)
	cfg.MaxPayload = cmp.Or(cfg.MaxPayload, 16<<20)
	cfg.DefaultHTTPSleep = cmp.Or(cfg.DefaultHTTPSleep, 30*time.Second)
	cfg.HeartbeatInterval = cmp.Or(cfg.HeartbeatInterval, 1500*time.Millisecond)
	cfg.CacheBytes = cmp.Or(cfg.CacheBytes, 256<<20)
	cfg.MaxCrashes = cmp.Or(cfg.MaxCrashes, 10)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.OrchestratorLogger == nil {
		cfg.OrchestratorLogger = func(string) *slog.Logger { return cfg.Logger }
	}
	e := &Engine{
		cfg: cfg, hub: cfg.Hub, logger: cfg.Logger,
		parts:    map[int]*partition{},
		episodes: make(chan struct{}, cfg.MaxOrchestrators),
		runners:  make(chan func()),
		entities: make(chan struct{}, cfg.MaxEntities),
		orders:   make(chan struct{}, maxOrders),
		kick:     make(chan struct{}, 1),
		ready:    make(chan struct{}),
		left:     make(chan struct{}),
	}
	e.ctx, e.cancel = context.WithCancelCause(context.Background())
	e.pool = newActivityPool(e)
	return e
}

// Start begins the work. It returns at once; Ready tells when this host owns its share of the partitions. The engine lives until
// Stop, whatever becomes of ctx.
func (e *Engine) Start(context.Context) error {
	if e.started.Swap(true) {
		return errors.New("the engine has been started already")
	}
	e.wg.Go(e.membershipLoop)
	e.wg.Go(e.pool.renewLoop)
	e.wg.Go(e.pool.takeLoop)
	return nil
}

// Ready is closed once this host owns its share of the partitions and has read what they hold.
func (e *Engine) Ready() <-chan struct{} { return e.ready }

// Stop ends the work in order: no new episodes or activities; those that run may finish until ctx ends, then they are cancelled and will
// be run again by whoever owns their partitions next; leases are given back. It may be called twice.
func (e *Engine) Stop(ctx context.Context) error {
	if e.stopping.Swap(true) || !e.started.Load() {
		return nil
	}
	e.balancing.Lock()   // what is being acquired is acquired, and nothing more will be
	e.balancing.Unlock() //nolint:staticcheck // that is all
	for _, p := range e.owned() {
		p.quiesce()
	}
	e.pool.drain(ctx)
	for _, p := range e.owned() {
		p.drain(ctx)
	}
	// What follows needs a moment even when ctx has ended: it only shortens the wait of other hosts.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	err := e.pool.releaseClaims(last)
	for _, p := range e.owned() {
		p.close(ErrStopped)
		err = errors.Join(err, e.hub.Release(last, p.id, p.epoch))
	}
	e.cancel(ErrStopped)
	e.wg.Wait()
	return errors.Join(err, e.hub.Leave(last))
}

// HandOver gives all partitions to other hosts and takes no more: it returns when the hub has been told, or ctx has ended. The activities
// that run here go on, under claims; those that wait are left to the partitions' next owners. Stop must follow.
func (e *Engine) HandOver(ctx context.Context) error {
	if !e.started.Load() || e.leaving.Swap(true) {
		return nil
	}
	e.pool.leave(ctx)
	e.Look()
	select {
	case <-e.left:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.ctx.Done():
		return context.Cause(e.ctx)
	}
}

// Look makes this host compare its partitions with its share at once, instead of at the next heartbeat.
func (e *Engine) Look() {
	select {
	case e.kick <- struct{}{}:
	default:
	}
}

// owned returns the partitions that this host owns now.
func (e *Engine) owned() []*partition {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]*partition, 0, len(e.parts))
	for _, p := range e.parts {
		out = append(out, p)
	}
	return out
}

// partition returns the partition if this host owns it.
func (e *Engine) partition(id int) *partition {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.parts[id]
}

// now is the hub's clock.
func (e *Engine) now() time.Time {
	return time.Now().Add(time.Duration(e.clockOffset.Load())).UTC()
}
