package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable/entity"
	"github.com/durango-functions/durango/internal/jsonpos"
)

// EntityID names an entity: an entity function, whose case does not count, and a key.
type EntityID = entity.ID

// InvalidEntityIDError refuses an entity ID.
type InvalidEntityIDError = entity.InvalidIDError

// ErrEntityNotFound says that there is no entity of this ID, or that it does not exist yet.
var ErrEntityNotFound = errors.New("entity not found")

// EntitySignal is an operation to send to an entity.
type EntitySignal struct {
	Entity    EntityID
	Operation string
	Input     json.RawMessage // nil: none
	At        time.Time       // zero: at once
}

// EntityStatus is what is known of an entity.
type EntityStatus struct {
	Entity EntityID
	// State is JSON; nil: none.
	State         json.RawMessage
	LastOperation time.Time
	// LockedBy is the orchestration instance that has locked the entity, "" for none.
	LockedBy string
}

// EntityQuery selects entities. Zero fields do not restrict.
type EntityQuery struct {
	Name                               string    // of the entity function, in any case
	LastOperationFrom, LastOperationTo time.Time // inclusive
	Top                                int       // page size; 0: 100
	ContinuationToken                  string    // from the previous page
}

// EntityPage is one page of a query's result, in the order of entity IDs.
type EntityPage struct {
	Entities          []*EntityStatus
	ContinuationToken string // "" on the last page
}

// UnknownEntityError tells that the app has no entity function of that name.
type UnknownEntityError struct{ Name, Nearest string }

func (e *UnknownEntityError) Error() string {
	text := fmt.Sprintf("no entity function called '%s': it does not exist, is disabled, or has no entityTrigger", printable(e.Name))
	if e.Nearest != "" {
		text += fmt.Sprintf("; did you mean '%s'?", e.Nearest)
	}
	return text
}

// SignalOptions are the optional parts of a signal.
type SignalOptions struct {
	// At is when the signal is to be delivered; zero: at once.
	At time.Time
}

// SignalEntity sends an operation to an entity, and returns when that is durable: the operation will be handled once, after those that this caller
// has sent before. The entity need not exist. input is marshalled as JSON; a json.RawMessage is JSON already; nil is none. Errors:
// *InvalidEntityIDError, *UnknownEntityError, *InvalidJSONError and *PayloadTooLargeError tell that nothing was sent.
func (c *Client) SignalEntity(ctx context.Context, id EntityID, operation string, input any, opts SignalOptions) error {
	if err := c.knownEntity(id); err != nil {
		return err
	}
	raw, err := c.payload("the input of operation '"+printable(operation)+"'", input)
	if err != nil {
		return err
	}
	if err := c.store.SignalEntity(ctx, EntitySignal{Entity: lower(id), Operation: operation, Input: raw, At: opts.At}); err != nil {
		return fmt.Errorf("signalling entity '%s': %w", id, err)
	}
	return nil
}

// DeleteEntity sends an entity the operation "delete", which its function answers by destructOnExit, as SignalEntity does.
func (c *Client) DeleteEntity(ctx context.Context, id EntityID) error {
	return c.SignalEntity(ctx, id, "delete", nil, SignalOptions{})
}

// ReadEntityState returns the state that the entity has by the latest commit, ErrEntityNotFound when it does not exist.
func (c *Client) ReadEntityState(ctx context.Context, id EntityID) (*EntityStatus, error) {
	if err := id.Validate(); err != nil {
		return nil, err
	}
	st, err := c.store.ReadEntity(ctx, lower(id))
	if err != nil {
		return nil, fmt.Errorf("entity '%s': %w", id, err)
	}
	return st, nil
}

// ListEntities returns one page of the matching entities. ErrBadContinuationToken refuses a foreign token.
func (c *Client) ListEntities(ctx context.Context, q EntityQuery) (*EntityPage, error) {
	page, err := c.store.QueryEntities(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("querying entities: %w", err)
	}
	return page, nil
}

// lower is the ID in the form in which stores know it.
func lower(id EntityID) EntityID { return EntityID{Name: strings.ToLower(id.Name), Key: id.Key} }

// knownEntity refuses IDs that no entity of the app can have.
func (c *Client) knownEntity(id EntityID) error {
	if err := id.Validate(); err != nil {
		return err
	}
	if c.cfg.Entities == nil {
		return nil
	}
	names := c.cfg.Entities()
	if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, id.Name) }) {
		return nil
	}
	return &UnknownEntityError{Name: id.Name, Nearest: jsonpos.Nearest(id.Name, names)}
}
