package gofunc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/management"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// OrchestrationTrigger is the type of the trigger of orchestrators, in lower case.
const OrchestrationTrigger = "orchestrationtrigger"

// Registration is a handler that the app's program has registered.
type Registration struct {
	functions.Code
	// Bind checks that the handler is fit for a trigger, by its type in lower case, and returns what runs it. The error says what the
	// handler is and what is expected.
	Bind func(trigger string) (*Handler, error)
}

// Handler is a registered handler whose trigger is known. One of its fields is set.
type Handler struct {
	// Call runs a function with the value of its trigger. An error is one of the user's code.
	Call func(ctx context.Context, trigger worker.Value) (worker.Value, error)
	// Serve answers an HTTP request: by itself, or by a response that is written once the outputs have taken place. With an error the
	// caller gets the response, if there is one, else status 500.
	Serve func(w http.ResponseWriter, r *http.Request) (*worker.HTTPResponse, error)
	// Orchestrate is an orchestrator. The engine runs it, not the channel.
	Orchestrate inproc.Function
}

// Services are what the host offers to handlers.
type Services struct {
	// Client returns the client of the host's task hub.
	Client func() *durable.Client
	// Logger makes the logger of an invocation's own lines.
	Logger func(fn *functions.Function, invocationID string) *slog.Logger
	// URLs returns the management URLs of an instance, with the origin that the request used, or that of the host when r is nil.
	URLs func(r *http.Request, id string) (management.ManagementURLs, error)
}

// Config configures a Channel.
type Config struct {
	Registrations []Registration
	Services      Services
	// Watch, when set, is laid around each orchestrator.
	Watch func(fn *functions.Function, orchestrator inproc.Function) inproc.Function
	// Logger receives the channel's own remarks. Defaults to slog.Default().
	Logger *slog.Logger
	// Patience is how long a handler may take to return once its context has ended. Defaults to 1 s.
	Patience time.Duration
}

// SignatureError tells that a handler does not fit the function's trigger. It is a mistake in the program and not in the app's files.
type SignatureError struct {
	Function string
	// Source is where the handler was registered.
	Source string
	Err    error
}

func (e *SignatureError) Error() string {
	return fmt.Sprintf("function %s (%s): %v", e.Function, e.Source, e.Err)
}

func (e *SignatureError) Unwrap() error { return e.Err }

// Channel runs Go functions. It implements worker.Channel, and needs no start.
type Channel struct {
	cfg      Config
	handlers map[string]*Registration // by name in lower case
	runners  runners

	mu     sync.RWMutex
	loaded map[*functions.Function]*Handler
}

// New returns a channel for the registered handlers.
func New(cfg Config) *Channel {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	cfg.Patience = cmp.Or(cfg.Patience, time.Second)
	c := &Channel{cfg: cfg, handlers: map[string]*Registration{}, loaded: map[*functions.Function]*Handler{}}
	for i := range cfg.Registrations {
		r := &cfg.Registrations[i]
		key := strings.ToLower(r.Name)
		if _, again := c.handlers[key]; again {
			r = nil // one of them is wrong
		}
		c.handlers[key] = r
	}
	return c
}

// Load binds the function's handler to its trigger. The error is a *SignatureError when the handler does not fit.
func (c *Channel) Load(_ context.Context, fn *functions.Function) error {
	r, trigger := c.handlers[strings.ToLower(fn.Handler)], fn.Trigger()
	if r == nil || trigger == nil {
		return &worker.LoadError{Function: fn.Name, Message: fmt.Sprintf("the program registers no handler %q", fn.Handler)}
	}
	h, err := r.Bind(strings.ToLower(trigger.Type))
	if err != nil {
		return &SignatureError{Function: fn.Name, Source: r.Source, Err: err}
	}
	if h.Orchestrate != nil && c.cfg.Watch != nil {
		h.Orchestrate = c.cfg.Watch(fn, h.Orchestrate)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loaded[fn] = h
	return nil
}

func (c *Channel) handler(fn *functions.Function) *Handler {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.loaded[fn]
}

// Orchestrator returns the orchestrator of a loaded function, nil when it is none.
func (c *Channel) Orchestrator(fn *functions.Function) inproc.Function {
	if h := c.handler(fn); h != nil {
		return h.Orchestrate
	}
	return nil
}

// OrchestratorNamed returns the orchestrator that is registered under a name, whatever declares it; nil when there is none.
func (c *Channel) OrchestratorNamed(name string) inproc.Function {
	r := c.handlers[strings.ToLower(name)]
	if r == nil {
		return nil
	}
	if h, err := r.Bind(OrchestrationTrigger); err == nil {
		return h.Orchestrate
	}
	return nil
}

// Stop waits for the handlers that run, until ctx ends.
func (c *Channel) Stop(ctx context.Context) error { return c.runners.stop(ctx) }

// Invoke runs a function. The error is a *worker.FunctionError when the handler failed. When the invocation's context ended before the
// handler returned without an error, it is the context's cause, with the handler's error if there was one.
func (c *Channel) Invoke(ctx context.Context, inv *worker.Invocation) (*worker.Result, error) {
	h := c.handler(inv.Function)
	call := &Call{Context: ctx, channel: c, inv: inv}
	switch {
	case h == nil:
		return nil, &worker.LoadError{Function: inv.Function.Name, Message: fmt.Sprintf("the program registers no handler %q", inv.Function.Handler)}
	case len(inv.Inputs) == 0:
		return nil, fmt.Errorf("function %s was called without the value of its trigger", inv.Function.Name)
	case h.Serve != nil:
		return call.serve(h)
	case h.Call != nil:
		return call.run(h)
	}
	return nil, errors.New("an orchestrator is run by the engine")
}

var _ worker.Channel = (*Channel)(nil)
