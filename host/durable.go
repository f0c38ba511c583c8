package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/redis/go-redis/v9"

	durablebinding "github.com/durango-functions/durango/bindings/durable"
	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/taskhub"
	"github.com/durango-functions/durango/internal/redisconn"
	"github.com/durango-functions/durango/internal/redisserver"
)

// durablePart is the durable half of a host: Redis, the task hub, the engine and what serves the management API. It lives from start to
// stop, whatever reloads.
type durablePart struct {
	h        *Host
	embedded *redisserver.Server // nil with a Redis of the user's
	// temporary is the folder of the embedded Redis of a host that has none itself; "": none.
	temporary string
	client    *redis.Client
	hub       *taskhub.Hub
	engine    *engine.Engine
	// handOver gives the partitions away before the engine stops, when the host is replaced.
	handOver sync.WaitGroup
	api      *durable.Client
	binding  *durablebinding.Binding
	hostID   string // names this host among those of the hub
	// address is where the bindings find the hub's Redis.
	address *redis.Options
	// management serves the management API to callers, rpc to the app's own code.
	management, rpc http.Handler
	ready           chan struct{} // closed when all of the above is there
	// httpClient performs the requests of callHttp.
	httpClient *http.Client
}

func newDurablePart(h *Host) *durablePart {
	return &durablePart{h: h, hostID: taskhub.LocalHostID(), ready: make(chan struct{}), httpClient: &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}} //nolint:forcetypeassert // what the standard library documents
}

// open connects to Redis and opens the task hub; the engine is made, not started.
func (d *durablePart) open(ctx context.Context, lookup func(string) (string, bool)) error {
	h, config := d.h, d.h.config.DurableTask
	options, err := d.redisOptions(ctx, lookup)
	if err != nil {
		return err
	}
	forBindings := *options
	options.ClientName = redisconn.ClientName(d.hostID)
	options.MaxRetries = -1 // the hub knows which of its calls may be repeated
	if d.client, err = redisconn.Dial(ctx, options, h.cfg.RedisPatience, h.logger); err != nil {
		return err
	}
	report, err := redisconn.Survey(ctx, d.client)
	if err != nil {
		return err
	}
	h.logger.Info(fmt.Sprintf("Task hub %s: %s", config.HubName, report))
	logger := h.cfg.Logger.With(categoryKey, categoryDurable)
	d.hub, err = taskhub.Open(ctx, taskhub.Config{
		Client: d.client,
		Dial: func() redis.UniversalClient {
			own := *options
			return redis.NewClient(&own)
		},
		Name: config.HubName, Partitions: config.StorageProvider.PartitionCount, HostID: d.hostID, MaxPayload: config.MaxPayloadSize, Logger: logger,
	})
	if err != nil {
		return err
	}
	d.engine = engine.New(engine.Config{
		Hub: d.hub,
		Executor: &executor{
			acquire: h.acquire, httpClient: d.httpClient, httpSleep: config.DefaultAsyncRequestSleepTime, logger: h.cfg.Logger,
		},
		MaxActivities: config.MaxConcurrentActivityFunctions, MaxOrchestrators: config.MaxConcurrentOrchestratorFunctions,
		MaxEntities: config.MaxConcurrentEntityFunctions, MaxEntityBatch: config.MaxEntityOperationBatchSize,
		KeepFailedState: !config.RollbackEntityOperations,
		MaxActions:      config.MaxOrchestrationActions, MaxPayload: config.MaxPayloadSize, CacheBytes: cmp.Or(config.MaxCachedBytes, -1),
		DefaultHTTPSleep: config.DefaultAsyncRequestSleepTime, Logger: logger,
		OrchestratorLogger: func(name string) *slog.Logger { return h.cfg.Logger.With(categoryKey, functionCategory(name)+".User") },
	})
	d.openAPI()
	d.address = &forBindings
	close(d.ready)
	return nil
}

// options returns how to connect to the task hub's Redis, nil before it is open.
func (d *durablePart) options() *redis.Options {
	select {
	case <-d.ready:
		options := *d.address
		return &options
	default:
		return nil
	}
}

// usualConnection is the setting with the address of Redis when host.json names no other.
const usualConnection = "DURANGO_REDIS"

func (d *durablePart) connectionName() string {
	return cmp.Or(d.h.config.DurableTask.StorageProvider.ConnectionName, usualConnection)
}

// redisAddress is the address that the command line gives, else that of the setting that host.json names, and where it comes from. "":
// the app has none.
func (d *durablePart) redisAddress(lookup func(string) (string, bool)) (address, source string) {
	if d.h.cfg.RedisURL != "" {
		return d.h.cfg.RedisURL, "--redis"
	}
	name := d.connectionName()
	address, _ = lookup(name)
	return address, "setting " + name
}

// redisOptions finds the task hub's Redis: that of an address, else the one that the supervisor runs, else a server of the host's own.
func (d *durablePart) redisOptions(ctx context.Context, lookup func(string) (string, bool)) (_ *redis.Options, err error) {
	address, source := d.redisAddress(lookup)
	if address != "" {
		options, err := redisconn.Parse(address)
		if err != nil {
			return nil, fmt.Errorf("the address of Redis (%s): %w", source, err)
		}
		return options, nil
	}
	if inherited := d.h.cfg.Inherited; inherited != nil && inherited.redis != nil {
		return inherited.redis.options(), nil
	}
	if name := d.connectionName(); name != usualConnection {
		d.h.logger.Warn(fmt.Sprintf("host.json: extensions.durableTask.storageProvider.connectionName names the setting %s, which is not set: "+
			"the host runs a Redis of its own", name))
	}
	dir := filepath.Join(d.h.root, stateDir)
	if d.h.root == "" {
		if dir, err = os.MkdirTemp("", "durango-"); err != nil {
			return nil, fmt.Errorf("making a folder for the embedded Redis: %w", err)
		}
		d.temporary = dir
	}
	server, err := redisserver.Start(ctx, redisserver.Config{Dir: dir, Logger: d.h.logger})
	if err != nil {
		return nil, fmt.Errorf("starting the embedded Redis: %w", err)
	}
	d.embedded = server
	return server.Options(), nil
}

// stopEngine ends the work on orchestrations.
func (d *durablePart) stopEngine(ctx context.Context) error {
	if d.engine == nil {
		return nil
	}
	d.handOver.Wait()
	return d.engine.Stop(ctx)
}

// close ends the connections, and the server if it is the host's own.
func (d *durablePart) close(ctx context.Context) error {
	var errs []error
	d.httpClient.CloseIdleConnections()
	if d.hub != nil {
		errs = append(errs, d.hub.Close())
	}
	if d.client != nil {
		errs = append(errs, d.client.Close())
	}
	if d.embedded != nil {
		errs = append(errs, d.embedded.Stop(ctx))
	}
	if d.temporary != "" {
		errs = append(errs, os.RemoveAll(d.temporary))
	}
	return errors.Join(errs...)
}

func (d *durablePart) serveManagement(w http.ResponseWriter, r *http.Request) {
	d.management.ServeHTTP(w, r)
}

func (d *durablePart) serveRPC(w http.ResponseWriter, r *http.Request) { d.rpc.ServeHTTP(w, r) }
