// Package bindings turns binding declarations into values for a function and a function's outputs into effects. Each binding type
// has a subpackage; the host registers those it wants in a Registry.
package bindings

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// Call is the invocation on whose behalf a binding acts.
type Call struct {
	InvocationID string
	Function     *functions.Function
	// Data is the binding data, for {expressions} in binding properties: JSON values by name.
	Data map[string]json.RawMessage
}

// Input makes the value of an input binding that is not the trigger.
type Input interface {
	BindInput(ctx context.Context, call *Call, b *functions.Binding) (worker.Value, error)
}

// Output takes the value of an output binding.
type Output interface {
	// PrepareOutput checks the value and returns the effect without performing it. The host first prepares all outputs of an
	// invocation, and performs the effects, concurrently, only when none was refused. An error names the binding and what is
	// wrong in its value. A nil effect is nothing to do.
	PrepareOutput(ctx context.Context, call *Call, b *functions.Binding, v worker.Value) (Effect, error)
}

// Effect performs what an output binding asked for.
type Effect func(ctx context.Context) error

// Registry holds the known binding types. It is built once, before use, and then only read.
type Registry struct {
	inputs  map[string]Input
	outputs map[string]Output
}

// RegisterInput makes typ known as an input binding.
func (r *Registry) RegisterInput(typ string, in Input) {
	if r.inputs == nil {
		r.inputs = map[string]Input{}
	}
	r.inputs[strings.ToLower(typ)] = in
}

// RegisterOutput makes typ known as an output binding.
func (r *Registry) RegisterOutput(typ string, out Output) {
	if r.outputs == nil {
		r.outputs = map[string]Output{}
	}
	r.outputs[strings.ToLower(typ)] = out
}

// Input returns the input binding for typ (case-insensitive), nil when unknown.
func (r *Registry) Input(typ string) Input { return r.inputs[strings.ToLower(typ)] }

// Output returns the output binding for typ (case-insensitive), nil when unknown.
func (r *Registry) Output(typ string) Output { return r.outputs[strings.ToLower(typ)] }
