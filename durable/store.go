package durable

import (
	"context"
	"encoding/json"
	"time"
)

// Store is what a Client needs of a task hub. Package taskhub implements it on Redis.
//
// Each method that changes something returns only when the change is durable as the hub's settings say. Errors are those of this
// package (errors.Is): ErrInstanceNotFound, ErrInstanceFinished, ErrInstanceNotFailed, ..., *InstanceExistsError; any other error means
// that the outcome is unknown.
type Store interface {
	// Create makes the instance Pending and sends it its ExecutionStarted.
	Create(ctx context.Context, req CreateRequest) error
	RaiseEvent(ctx context.Context, id, name string, data json.RawMessage) error
	// Terminate with cascade also ends the instance's sub-orchestrations, recursively.
	Terminate(ctx context.Context, id, reason string, cascade bool) error
	Suspend(ctx context.Context, id, reason string) error
	Resume(ctx context.Context, id, reason string) error
	Rewind(ctx context.Context, id, reason string) error
	// Status returns ErrInstanceNotFound for an unknown instance.
	Status(ctx context.Context, id string, opts StatusOptions) (*Status, error)
	Query(ctx context.Context, q Query) (*Page, error)
	// Purge deletes the instance whatever its status, ErrInstanceNotFound when there is none.
	Purge(ctx context.Context, id string) error
	// PurgeWhere deletes the matching instances and returns how many.
	PurgeWhere(ctx context.Context, f PurgeFilter) (int, error)
	// Wait returns the first status for which until answers true; it is told of changes, it does not poll. ctx bounds it.
	// It returns ErrInstanceNotFound for an unknown instance.
	Wait(ctx context.Context, id string, until func(RuntimeStatus) bool) (*Status, error)

	// SignalEntity sends an operation to an entity.
	SignalEntity(ctx context.Context, s EntitySignal) error
	// ReadEntity returns ErrEntityNotFound for an entity that does not exist.
	ReadEntity(ctx context.Context, id EntityID) (*EntityStatus, error)
	QueryEntities(ctx context.Context, q EntityQuery) (*EntityPage, error)
}

// CreateRequest asks for a new orchestration instance.
type CreateRequest struct {
	Name        string
	InstanceID  string
	ExecutionID string // makes a repeated request recognisable
	Version     string
	Input       json.RawMessage // nil: none
	// AnyState replaces an instance in whatever state; otherwise only finished ones are replaced.
	AnyState bool
}

// StatusOptions choose what Status loads.
type StatusOptions struct {
	History bool
}

// Query selects instances. Zero fields do not restrict.
type Query struct {
	CreatedFrom, CreatedTo time.Time // inclusive
	RuntimeStatus          []RuntimeStatus
	InstanceIDPrefix       string
	FunctionName           string // case-insensitive
	Top                    int    // page size; 0: 100
	ContinuationToken      string // from the previous page
}

// Page is one page of a query's result, newest page order is by creation time, then instance ID.
type Page struct {
	Instances         []*Status
	ContinuationToken string // "" on the last page
}

// PurgeFilter selects finished instances to purge. RuntimeStatus empty: all terminal states. States that are not terminal are
// honoured only when named.
type PurgeFilter struct {
	CreatedFrom, CreatedTo time.Time
	RuntimeStatus          []RuntimeStatus
}
