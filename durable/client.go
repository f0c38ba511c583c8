package durable

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/durango-functions/durango/internal/jsonpos"
)

// DefaultStartTimeout is how long StartNew waits for an orchestrator to start.
const DefaultStartTimeout = 30 * time.Second

// The values of ClientConfig.OverridableExistingInstanceStates (azure-functions-durable-extension OverridableStates.cs).
const (
	// NonRunningStates lets a start replace finished instances only.
	NonRunningStates = "NonRunningStates"
	// AnyState lets a start replace an instance in whatever state.
	AnyState = "AnyState"
)

// ClientConfig configures a Client. Its zero value is usable.
type ClientConfig struct {
	// StartTimeout is how long StartNew waits for the orchestrator to start; 0: DefaultStartTimeout.
	StartTimeout time.Duration
	// OverridableExistingInstanceStates tells which instances a start with their ID replaces: NonRunningStates or AnyState, in any
	// case; "": NonRunningStates.
	OverridableExistingInstanceStates string
	// DefaultVersion is the version of orchestrations that are started without one.
	DefaultVersion string
	// HasOrchestrator tells whether a function of that name (case-insensitive) can be started; nil: Orchestrators decides.
	HasOrchestrator func(name string) bool
	// Orchestrators lists the names of the orchestrators, in the form that instances shall show, and to tell which one was probably
	// meant; nil: unknown, so without HasOrchestrator any name can be started.
	Orchestrators func() []string
	// Entities lists the names of the entity functions; nil: unknown, so that any can be signalled.
	Entities func() []string
	// MaxPayload is the cap on an input or an event's data in bytes of JSON; 0: only the store's own.
	MaxPayload int
	// Logger is told of terminations, purges and the like; nil: nobody is.
	Logger *slog.Logger
}

// Client starts and manages orchestration instances. Its methods are safe for concurrent use.
//
// An error that is none of this package's means that the outcome is unknown.
type Client struct {
	store  Store
	cfg    ClientConfig
	logger *slog.Logger
}

// NewClient returns a client of the task hub behind store.
func NewClient(store Store, cfg ClientConfig) *Client {
	cfg.StartTimeout = cmp.Or(cfg.StartTimeout, DefaultStartTimeout)
	logger := cfg.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Client{store: store, cfg: cfg, logger: logger}
}

// MaxPayload is the cap on an input or an event's data in bytes of JSON; 0 for none.
func (c *Client) MaxPayload() int { return c.cfg.MaxPayload }

// StartOptions are the optional parts of a start.
type StartOptions struct {
	// InstanceID is the new instance's ID; "": a random one.
	InstanceID string
	// Version is kept with the instance.
	Version string
}

// StartNew starts an orchestration and returns its instance ID when the orchestrator has started. When it has not within the
// configured time, the error is a *StartTimeoutError and the ID is returned too: the start remains durable and will run.
//
// input is marshalled as JSON; a json.RawMessage is JSON already; nil is no input. Errors: *UnknownFunctionError,
// *InvalidInstanceIDError, *InvalidJSONError, *PayloadTooLargeError and *InstanceExistsError tell that nothing was started.
func (c *Client) StartNew(ctx context.Context, name string, input any, opts StartOptions) (id string, err error) {
	id, err = c.Start(ctx, name, input, opts)
	if err != nil {
		return "", err
	}
	return id, c.WaitForStart(ctx, id)
}

// Start starts an orchestration and returns its instance ID as soon as the start is durable; otherwise it is like StartNew.
func (c *Client) Start(ctx context.Context, name string, input any, opts StartOptions) (id string, err error) {
	req, err := c.request(name, input, opts)
	if err != nil {
		return "", err
	}
	if err := c.store.Create(ctx, *req); err != nil {
		var exists *InstanceExistsError
		if errors.As(err, &exists) {
			return "", err
		}
		return "", fmt.Errorf("starting orchestrator '%s' as instance '%s': %w", req.Name, req.InstanceID, err)
	}
	c.logger.Debug("orchestration start is durable", "function", req.Name, "instance_id", req.InstanceID)
	return req.InstanceID, nil
}

// CheckStart tells what Start would refuse without asking the task hub: name, ID and input. It starts nothing.
func (c *Client) CheckStart(name string, input any, opts StartOptions) error {
	_, err := c.request(name, input, opts)
	return err
}

// WaitForStart returns when the instance's orchestrator has started, or a *StartTimeoutError after the configured time.
func (c *Client) WaitForStart(ctx context.Context, id string) error {
	bounded, cancel := context.WithTimeout(ctx, c.cfg.StartTimeout)
	defer cancel()
	_, err := c.store.Wait(bounded, id, func(s RuntimeStatus) bool { return s != Pending })
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("waiting for instance '%s' to start (the start remains durable): %w", id, context.Cause(ctx))
	case bounded.Err() != nil:
		return &StartTimeoutError{InstanceID: id, Timeout: c.cfg.StartTimeout}
	default:
		return fmt.Errorf("waiting for instance '%s' to start (the start remains durable): %w", id, err)
	}
}

// request checks what is asked for and makes the store's request of it.
func (c *Client) request(name string, input any, opts StartOptions) (*CreateRequest, error) {
	known, err := c.orchestrator(name)
	if err != nil {
		return nil, err
	}
	id := opts.InstanceID
	if id == "" {
		id = newID()
	} else if err := ValidateInstanceID(id); err != nil {
		return nil, err
	}
	raw, err := c.payload("the input of orchestrator '"+known+"'", input)
	if err != nil {
		return nil, err
	}
	return &CreateRequest{
		Name: known, InstanceID: id, ExecutionID: newID(), Version: cmp.Or(opts.Version, c.cfg.DefaultVersion), Input: raw,
		AnyState: strings.EqualFold(c.cfg.OverridableExistingInstanceStates, AnyState),
	}, nil
}

// orchestrator returns the name in the form that instances show.
func (c *Client) orchestrator(name string) (string, error) {
	if name == "" || name[0] == '@' { // names with @ are those of entities
		return "", &UnknownFunctionError{Name: name}
	}
	var names []string
	if c.cfg.Orchestrators != nil {
		names = c.cfg.Orchestrators()
	}
	at := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
	known := at >= 0 || c.cfg.Orchestrators == nil
	if c.cfg.HasOrchestrator != nil {
		known = c.cfg.HasOrchestrator(name)
	}
	switch {
	case !known:
		return "", &UnknownFunctionError{Name: name, Nearest: jsonpos.Nearest(name, names)}
	case at >= 0:
		return names[at], nil
	default:
		return name, nil
	}
}

// payload makes JSON of a value, nil of none, and checks its size.
func (c *Client) payload(what string, value any) (json.RawMessage, error) {
	raw, err := marshal(what, value)
	if err != nil {
		return nil, err
	}
	if c.cfg.MaxPayload > 0 && len(raw) > c.cfg.MaxPayload {
		return nil, &PayloadTooLargeError{What: what, Size: len(raw), Max: c.cfg.MaxPayload}
	}
	return raw, nil
}

func marshal(what string, value any) (json.RawMessage, error) {
	raw, isRaw := value.(json.RawMessage)
	switch {
	case value == nil, isRaw && len(bytes.TrimSpace(raw)) == 0:
		return nil, nil
	case isRaw:
		if err := CheckJSON(what, raw); err != nil {
			return nil, err
		}
		if !utf8.Valid(raw) {
			raw = bytes.ToValidUTF8(raw, []byte("\uFFFD"))
		}
		return bytes.TrimSpace(raw), nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, fmt.Errorf("%s cannot be written as JSON: %w", what, err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// CheckJSON checks that raw is one JSON value; the error is an *InvalidJSONError that calls the value what.
func CheckJSON(what string, raw []byte) error {
	if json.Valid(raw) {
		return nil
	}
	var value json.RawMessage
	err := json.Unmarshal(raw, &value)
	offset := int64(0)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset = syntax.Offset
	}
	return &InvalidJSONError{What: what, Offset: offset, Err: err}
}
