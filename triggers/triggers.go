// Package triggers holds what starts invocations: its subpackages listen to HTTP requests, schedules and manual calls, and hand each
// occurrence to an Invoker.
package triggers

import (
	"context"
	"encoding/json"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// Event is one occurrence of a trigger.
type Event struct {
	// InvocationID is the id that the invocation is to have, for a caller that must know it beforehand; "" has the Invoker make one.
	InvocationID string
	// Value is the value of the trigger binding.
	Value worker.Value
	// Metadata is the binding data that the trigger offers: JSON values by name.
	Metadata map[string]json.RawMessage
	// Reason says in a few words why the function runs, for the log: "HTTP request", "timer fired", ...
	Reason      string
	TraceParent string
	TraceState  string
}

// Invoker runs a function: it makes the other inputs, calls the worker, applies retry policy and outputs, and logs the outcome.
// The error is a *worker.FunctionError when the user's code failed.
type Invoker interface {
	Invoke(ctx context.Context, fn *functions.Function, ev Event) (*worker.Result, error)
}

// Listener is a service that watches a source and starts invocations.
type Listener interface {
	// Start returns once the listener listens; the listener runs until Stop.
	Start(ctx context.Context) error
	// Stop ends listening and waits for what it started, until ctx ends. It may be called twice, and before Start.
	Stop(ctx context.Context) error
}
