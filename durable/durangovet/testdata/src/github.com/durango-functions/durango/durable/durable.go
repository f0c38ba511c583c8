// Package durable stands in for the real one: the analyzer knows it by its path and a few names.
package durable

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Orchestration is the view that an orchestrator has of its instance.
type Orchestration struct{ now time.Time }

func (o *Orchestration) Now() time.Time                                        { return o.now }
func (o *Orchestration) InstanceID() string                                    { return "" }
func (o *Orchestration) IsReplaying() bool                                     { return false }
func (o *Orchestration) Logger() *slog.Logger                                  { return nil }
func (o *Orchestration) Rand() *rand.Rand                                      { return nil }
func (o *Orchestration) NewGUID() string                                       { return "" }
func (o *Orchestration) Sleep(d time.Duration) error                           { return nil }
func (o *Orchestration) CreateTimer(at time.Time) *Task[time.Time]             { return &Task[time.Time]{} }
func (o *Orchestration) CallActivity(activity any, input any) *Task[any]       { return &Task[any]{} }
func (o *Orchestration) WaitForEvent(name string) *Task[any]                   { return &Task[any]{} }
func (o *Orchestration) SetCustomStatus(status any)                            {}
func (o *Orchestration) CallSubOrchestrator(name string, input any) *Task[any] { return &Task[any]{} }

// Task is something that an orchestration waits for.
type Task[T any] struct{ done bool }

func (t *Task[T]) Await() (T, error) { var zero T; return zero, nil }
func (t *Task[T]) IsCompleted() bool { return t.done }

// Call calls an activity.
func Call[T any](o *Orchestration, activity any, input any) *Task[T] { return &Task[T]{} }

// WhenAll waits for all tasks.
func WhenAll[T any](tasks ...*Task[T]) *Task[[]T] { return &Task[[]T]{} }

// WhenAny waits for the first task.
func WhenAny[T any](tasks ...*Task[T]) *Task[int] { return &Task[int]{} }

// SideEffect runs f once, and gives its recorded result on a replay.
func SideEffect[T any](o *Orchestration, f func() T) (T, error) { return f(), nil }

// RetryOption changes how an activity is retried.
type RetryOption func()

// WithAttempts sets how often.
func WithAttempts(n int) RetryOption { return func() {} }

// Client starts instances.
type Client struct{}

// NewClient returns a client.
func NewClient() *Client { return &Client{} }

// StartNew starts an instance.
func (c *Client) StartNew(ctx context.Context, name string, input any) (string, error) {
	return "", nil
}

// App has functions.
type App struct{}

// Orchestrator adds an orchestrator.
func (a *App) Orchestrator(name string, f any) {}

// Activity adds an activity.
func (a *App) Activity(name string, f any) {}

// clock and lock would be reported if this package were checked.
func tick(o *Orchestration) time.Time { return time.Now() }
