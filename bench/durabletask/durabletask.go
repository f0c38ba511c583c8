// Package durabletask measures durabletask-go with its sqlite backend.
package durabletask

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/microsoft/durabletask-go/api"
	"github.com/microsoft/durabletask-go/backend"
	"github.com/microsoft/durabletask-go/backend/sqlite"
	"github.com/microsoft/durabletask-go/task"

	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/workload"
)

// Name is the engine's name in reports.
const Name = "durabletask-go"

const (
	version = "v0.6.0"
	// parallel is how many orchestrations, and how many activities, run at once.
	parallel = 256
)

// Kind is durabletask-go. It has no Redis backend, so the durabilities stand for their nearest kin in sqlite.
func Kind() engine.Kind {
	return engine.Kind{
		Name: Name,
		About: fmt.Sprintf("durabletask-go %s, sqlite backend: in memory for \"off\", a file with a write-ahead log for \"everysec\" "+
			"(synchronous=NORMAL) and \"always\" (synchronous=FULL); %d + %d work items in parallel", version, parallel, parallel),
		// Without other work in each turn: orchestration.go, MaxContinueAsNewCount.
		Lacks: map[string]string{workload.ContinueAsNew: "at most 20 turns in a row"},
		Begin: begin,
	}
}

type durableTask struct {
	backend *pushingBackend
	client  backend.TaskHubClient
	worker  backend.TaskHubWorker
	cancel  context.CancelFunc
}

// pushingBackend tells of each orchestration that has completed, so that nobody needs to poll for it.
type pushingBackend struct {
	backend.Backend
	completed engine.Waiters[struct{}]
}

func (b *pushingBackend) CompleteOrchestrationWorkItem(ctx context.Context, item *backend.OrchestrationWorkItem) error {
	err := b.Backend.CompleteOrchestrationWorkItem(ctx, item)
	if err == nil && item.State.IsCompleted() {
		b.completed.Done(string(item.InstanceID), struct{}{})
	}
	return err
}

func begin(ctx context.Context, store engine.Store, functions *engine.Functions) (engine.Engine, error) {
	registry := task.NewTaskRegistry()
	if err := register(registry, functions); err != nil {
		return nil, err
	}
	b := &pushingBackend{Backend: sqlite.NewSqliteBackend(sqlite.NewSqliteOptions(dataSource(store)), silent{})}
	executor := task.NewTaskExecutor(registry)
	orchestrations := backend.NewOrchestrationWorker(b, executor, silent{}, backend.WithMaxParallelism(parallel))
	activities := backend.NewActivityTaskWorker(b, executor, silent{}, backend.WithMaxParallelism(parallel))
	d := &durableTask{
		backend: b, client: backend.NewTaskHubClient(b),
		worker: backend.NewTaskHubWorker(b, orchestrations, activities, silent{}),
	}
	ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := d.worker.Start(ctx); err != nil {
		d.cancel()
		return nil, err
	}
	return d, nil
}

func dataSource(store engine.Store) string {
	if store.Durability == engine.Off {
		return ""
	}
	synchronous := "NORMAL"
	if store.Durability == engine.Always {
		synchronous = "FULL"
	}
	return "file:" + filepath.Join(store.Dir, "hub.sqlite") + "?_pragma=journal_mode(WAL)&_pragma=synchronous(" + synchronous + ")"
}

func (d *durableTask) Create(ctx context.Context, id, orchestrator string, input any) error {
	d.backend.completed.Expect(id)
	_, err := d.client.ScheduleNewOrchestration(ctx, orchestrator, api.WithInstanceID(api.InstanceID(id)), api.WithInput(input))
	return err
}

func (d *durableTask) Await(ctx context.Context, id string, output any) error {
	if _, err := d.backend.completed.Wait(ctx, id); err != nil {
		return err
	}
	st, err := d.client.FetchOrchestrationMetadata(ctx, api.InstanceID(id))
	if err != nil {
		return err
	}
	if st.RuntimeStatus != api.RUNTIME_STATUS_COMPLETED {
		return fmt.Errorf("instance '%s' is %s: %v", id, st.RuntimeStatus, st.FailureDetails)
	}
	if err := json.Unmarshal([]byte(st.SerializedOutput), output); err != nil {
		return fmt.Errorf("output of '%s': %w", id, err)
	}
	return nil
}

func (d *durableTask) Raise(ctx context.Context, id, event string, data any) error {
	return d.client.RaiseEvent(ctx, api.InstanceID(id), event, api.WithEventPayload(data))
}

func (d *durableTask) Stop(ctx context.Context) error {
	stopped := make(chan error, 1)
	go func() { stopped <- d.worker.Shutdown(ctx) }()
	select {
	case err := <-stopped:
		d.cancel()
		return err
	case <-ctx.Done():
		d.cancel()
		return fmt.Errorf("its work items have not ended: %w", ctx.Err())
	}
}

// silent is a log that keeps nothing.
type silent struct{}

func (silent) Debug(...any)          {}
func (silent) Debugf(string, ...any) {}
func (silent) Info(...any)           {}
func (silent) Infof(string, ...any)  {}
func (silent) Warn(...any)           {}
func (silent) Warnf(string, ...any)  {}
func (silent) Error(...any)          {}
func (silent) Errorf(string, ...any) {}
