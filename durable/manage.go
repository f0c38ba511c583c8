package durable

import (
	"context"
	"fmt"

	"github.com/durango-functions/durango/durable/history"
)

// about names the instance in a condition that the store reports.
func about(id string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("instance '%s': %w", printable(id), err)
}

// known refuses IDs that no instance can have, before the task hub is asked.
func known(id string) error {
	if id == "" {
		return &InvalidInstanceIDError{InstanceID: id, Rule: "is empty"}
	}
	return nil
}

// Status returns what is known of an instance, ErrInstanceNotFound for an unknown one.
func (c *Client) Status(ctx context.Context, id string, opts StatusOptions) (*Status, error) {
	if err := known(id); err != nil {
		return nil, err
	}
	st, err := c.store.Status(ctx, id, opts)
	return st, about(id, err)
}

// History returns the events of an instance's current execution in their order, ErrInstanceNotFound for an unknown instance.
func (c *Client) History(ctx context.Context, id string) ([]history.Event, error) {
	st, err := c.Status(ctx, id, StatusOptions{History: true})
	if err != nil {
		return nil, err
	}
	events := make([]history.Event, 0, len(st.History))
	for i, raw := range st.History {
		e, err := history.Decode(raw)
		if err != nil {
			return nil, about(id, fmt.Errorf("history event %d: %w", i, err))
		}
		events = append(events, e)
	}
	return events, nil
}

// Query returns one page of the matching instances, without their histories. ErrBadContinuationToken refuses a foreign token.
func (c *Client) Query(ctx context.Context, q Query) (*Page, error) {
	page, err := c.store.Query(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("querying instances: %w", err)
	}
	return page, nil
}

// TerminateOptions are the optional parts of a termination.
type TerminateOptions struct {
	// Cascade ends the instance's sub-orchestrations too, recursively. Otherwise they run on, as activities always do.
	Cascade bool
}

// Terminate ends an instance: at once if it awaits something, else at its next await. The reason becomes its output.
// ErrInstanceNotFound and ErrInstanceFinished tell that there is nothing to end.
func (c *Client) Terminate(ctx context.Context, id, reason string, opts TerminateOptions) error {
	return c.order("termination", id, reason, func() error { return c.store.Terminate(ctx, id, reason, opts.Cascade) })
}

// Suspend pauses an instance. Events that reach it wait until Resume. Errors: ErrInstanceNotFound, ErrInstanceFinished,
// ErrInstanceSuspended.
func (c *Client) Suspend(ctx context.Context, id, reason string) error {
	return c.order("suspension", id, reason, func() error { return c.store.Suspend(ctx, id, reason) })
}

// Resume lets a suspended instance go on. Errors: ErrInstanceNotFound, ErrInstanceFinished, ErrInstanceNotSuspended.
func (c *Client) Resume(ctx context.Context, id, reason string) error {
	return c.order("resumption", id, reason, func() error { return c.store.Resume(ctx, id, reason) })
}

// Rewind takes a failed instance back to before the failure: its failed activities and sub-orchestrations run again, what had
// succeeded does not. Errors: ErrInstanceNotFound, ErrInstanceNotFailed.
func (c *Client) Rewind(ctx context.Context, id, reason string) error {
	return c.order("rewind", id, reason, func() error { return c.store.Rewind(ctx, id, reason) })
}

// order gives an instance an order and logs it.
func (c *Client) order(what, id, reason string, give func() error) error {
	if err := known(id); err != nil {
		return err
	}
	if err := give(); err != nil {
		return about(id, err)
	}
	c.logger.Info("orchestration "+what+" requested", "instance_id", id, "reason", reason)
	return nil
}

// RaiseEvent sends an external event to an instance, where it is kept until the orchestrator waits for it. data is marshalled as JSON; a
// json.RawMessage is JSON already; nil is none. Errors: *InvalidEventNameError, *InvalidJSONError, *PayloadTooLargeError;
// ErrInstanceNotFound and ErrInstanceFinished tell that the event was discarded.
func (c *Client) RaiseEvent(ctx context.Context, id, name string, data any) error {
	if err := known(id); err != nil {
		return err
	}
	if name == "" {
		return &InvalidEventNameError{InstanceID: id}
	}
	raw, err := c.payload("the data of event '"+name+"'", data)
	if err != nil {
		return err
	}
	if err := c.store.RaiseEvent(ctx, id, name, raw); err != nil {
		return fmt.Errorf("event '%s' for instance '%s': %w", name, printable(id), err)
	}
	return nil
}

// RestartOptions tell how an instance is started again.
type RestartOptions struct {
	// SameID replaces the instance, under the rule for duplicate IDs. Otherwise a new instance with a random ID is started.
	SameID bool
}

// Restart starts an orchestration with the name and input of an existing instance and returns its ID as soon as the start is durable.
// Errors: ErrInstanceNotFound, *UnknownFunctionError, *InstanceExistsError.
func (c *Client) Restart(ctx context.Context, id string, opts RestartOptions) (string, error) {
	st, err := c.Status(ctx, id, StatusOptions{})
	if err != nil {
		return "", err
	}
	req, err := c.request(st.Name, st.Input, StartOptions{Version: st.Version})
	if err != nil {
		return "", fmt.Errorf("restarting instance '%s': %w", id, err)
	}
	if opts.SameID {
		req.InstanceID = id
	}
	if err := c.store.Create(ctx, *req); err != nil {
		return "", fmt.Errorf("restarting instance '%s': %w", id, err)
	}
	c.logger.Info("orchestration restart requested", "instance_id", id, "new_instance_id", req.InstanceID)
	return req.InstanceID, nil
}

// Purge deletes an instance and its history, whatever its status; ErrInstanceNotFound when there is none.
func (c *Client) Purge(ctx context.Context, id string) error {
	if err := known(id); err != nil {
		return err
	}
	if err := c.store.Purge(ctx, id); err != nil {
		return about(id, err)
	}
	c.logger.Info("orchestration purged", "instance_id", id)
	return nil
}

// PurgeWhere deletes the matching instances and returns how many; instances that have not finished only when f names their status.
func (c *Client) PurgeWhere(ctx context.Context, f PurgeFilter) (int, error) {
	n, err := c.store.PurgeWhere(ctx, f)
	if n > 0 {
		c.logger.Info("orchestrations purged", "instances", n)
	}
	if err != nil {
		return n, fmt.Errorf("purging instances (%d are deleted): %w", n, err)
	}
	return n, nil
}

// WaitForCompletion returns an instance's status once it has finished. It is told of the change, it does not poll; ctx bounds the wait.
// ErrInstanceNotFound for an unknown instance.
func (c *Client) WaitForCompletion(ctx context.Context, id string) (*Status, error) {
	if err := known(id); err != nil {
		return nil, err
	}
	st, err := c.store.Wait(ctx, id, RuntimeStatus.IsFinished)
	return st, about(id, err)
}
