// Package goworkflows measures go-workflows with its Redis backend, set up as well as we know how.
package goworkflows

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/cschleiden/go-workflows/backend"
	"github.com/cschleiden/go-workflows/backend/history"
	backendredis "github.com/cschleiden/go-workflows/backend/redis"
	"github.com/cschleiden/go-workflows/client"
	"github.com/cschleiden/go-workflows/core"
	"github.com/cschleiden/go-workflows/worker"
	"github.com/cschleiden/go-workflows/workflow"
	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/bench/engine"
)

// Name is the engine's name in reports.
const Name = "go-workflows"

const (
	version = "v1.2.0"
	// connections is the size of the pool: each poller keeps one while it waits, and what they do needs others.
	connections = 256
	// cached is how many workflows stay in memory, more than are ever in flight.
	cached = 20_000
)

// Settings are what go-workflows is measured with.
type Settings struct {
	// Pollers is the number of pollers for workflows, and again for activities.
	Pollers int
	// Retries leaves the retry options at their defaults, which give each call a coroutine: a fan-out of n then costs n² steps. Without, a
	// call is tried once, as in durango.
	Retries bool
}

// Kind is go-workflows with those settings.
func Kind(s Settings) engine.Kind {
	retries := "no retries"
	if s.Retries {
		retries = "default retry options"
	}
	return engine.Kind{
		Name: Name,
		About: fmt.Sprintf("go-workflows %s, Redis backend: %d + %d pollers, %d connections, workflows cached, %s",
			version, s.Pollers, s.Pollers, connections, retries),
		Redis: true,
		Begin: func(ctx context.Context, store engine.Store, functions *engine.Functions) (engine.Engine, error) {
			return begin(ctx, store, functions, s)
		},
	}
}

type goWorkflows struct {
	backend *pushingBackend
	client  *client.Client
	worker  *worker.Worker
	// cancel ends the pollers.
	cancel context.CancelFunc
}

// pushingBackend tells of each instance that has finished, so that nobody needs to poll for it.
type pushingBackend struct {
	backend.Backend
	finished engine.Waiters[*workflow.Instance]
}

func (b *pushingBackend) CompleteWorkflowTask(
	ctx context.Context, task *backend.WorkflowTask, state core.WorkflowInstanceState,
	executed, activities, timers []*history.Event, messages []*history.WorkflowEvent,
) error {
	err := b.Backend.CompleteWorkflowTask(ctx, task, state, executed, activities, timers, messages)
	if err == nil && state == core.WorkflowInstanceStateFinished {
		b.finished.Done(task.WorkflowInstance.InstanceID, task.WorkflowInstance)
	}
	return err
}

func begin(ctx context.Context, store engine.Store, functions *engine.Functions, s Settings) (engine.Engine, error) {
	rdb := redis.NewClient(&redis.Options{
		Addr: store.Redis, PoolSize: connections, ReadTimeout: time.Minute, WriteTimeout: time.Minute, PoolTimeout: time.Minute,
	})
	// Due timers are only looked for between two blocking reads of a poller.
	block := time.Second
	if store.Timers {
		block = 50 * time.Millisecond
	}
	inner, err := backendredis.NewRedisBackend(rdb,
		backendredis.WithBlockTimeout(block),
		backendredis.WithBackendOptions(
			backend.WithLogger(slog.New(slog.DiscardHandler)),
			backend.WithMaxHistorySize(math.MaxInt64),
		))
	if err != nil {
		_ = rdb.Close()
		return nil, err
	}
	b := &pushingBackend{Backend: inner}
	options := worker.DefaultOptions
	options.WorkflowPollers, options.ActivityPollers = s.Pollers, s.Pollers
	options.WorkflowPollingInterval, options.ActivityPollingInterval = 0, 0
	options.WorkflowExecutorCacheSize, options.WorkflowExecutorCacheTTL = cached, 10*time.Minute
	g := &goWorkflows{backend: b, client: client.New(b), worker: worker.New(b, &options)}
	retry := workflow.RetryOptions{MaxAttempts: 1}
	if s.Retries {
		retry = workflow.DefaultRetryOptions
	}
	if err := register(g.worker, functions, retry); err != nil {
		_ = b.Close()
		return nil, err
	}
	ctx, g.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := g.worker.Start(ctx); err != nil {
		g.cancel()
		_ = b.Close()
		return nil, err
	}
	return g, nil
}

func (g *goWorkflows) Create(ctx context.Context, id, orchestrator string, input any) error {
	g.backend.finished.Expect(id)
	_, err := g.client.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{InstanceID: id}, orchestrator, input)
	return err
}

func (g *goWorkflows) Await(ctx context.Context, id string, output any) error {
	instance, err := g.backend.finished.Wait(ctx, id)
	if err != nil {
		return err
	}
	return result(ctx, g.client, instance, output)
}

func (g *goWorkflows) Raise(ctx context.Context, id, event string, data any) error {
	return g.client.SignalWorkflow(ctx, id, event, data)
}

func (g *goWorkflows) Stop(ctx context.Context) error {
	g.cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- g.worker.WaitForCompletion() }()
	var err error
	select {
	case err = <-stopped:
	case <-ctx.Done():
		err = fmt.Errorf("its tasks have not ended: %w", ctx.Err())
	}
	if closing := g.backend.Close(); err == nil {
		err = closing
	}
	return err
}
