package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/durango-functions/durango/bindings"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// outputs performs what the function put into its output bindings. All values are checked first; the effects start, side by side,
// only when none was refused.
func (v *invoker) outputs(ctx context.Context, call *bindings.Call, result *worker.Result) error {
	mergeReturn(call.Function, result)
	v.warnUndeclared(call, result)
	var effects []effect
	var errs []error
	for i := range call.Function.Bindings {
		b := &call.Function.Bindings[i]
		if !b.IsOutput() || isHTTPOutput(b) {
			continue // the http trigger writes the response
		}
		value, ok := outputValue(result, b.Name)
		if !ok {
			continue
		}
		out := v.bindings.Output(b.Type)
		if out == nil {
			errs = append(errs, fmt.Errorf("output binding '%s': nothing takes outputs of type %s", b.Name, b.Type))
			continue
		}
		do, err := out.PrepareOutput(ctx, call, b, value)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if do != nil {
			effects = append(effects, effect{binding: b, do: do})
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	return perform(ctx, effects)
}

type effect struct {
	binding *functions.Binding
	do      bindings.Effect
}

// perform runs the effects side by side and waits for all.
func perform(ctx context.Context, effects []effect) error {
	errs := make([]error, len(effects))
	var wg sync.WaitGroup
	for i, e := range effects {
		wg.Go(func() {
			if err := e.do(ctx); err != nil {
				errs[i] = fmt.Errorf("output binding '%s' (%s): %w", e.binding.Name, e.binding.Type, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func isHTTPOutput(b *functions.Binding) bool { return strings.EqualFold(b.Type, "http") }

// mergeReturn applies the rules for return values (azure-functions-host WorkerFunctionInvoker.cs:80-87, 212-226): a $return binding
// takes the return value, whatever else the worker put there; without one, the properties of a returned object go to the output
// bindings of their names.
func mergeReturn(fn *functions.Function, result *worker.Result) {
	if b := fn.Binding(functions.ReturnBinding); b != nil && b.IsOutput() {
		if result.Outputs == nil {
			result.Outputs = map[string]worker.Value{}
		}
		result.Outputs[functions.ReturnBinding] = result.ReturnValue
		return
	}
	if fn.Language == functions.Go { // its functions name their outputs
		return
	}
	if result.ReturnValue.Kind != worker.JSON || !isObject(result.ReturnValue.Data) || !hasOutputs(fn) {
		return
	}
	var properties map[string]json.RawMessage
	if json.Unmarshal(result.ReturnValue.Data, &properties) != nil {
		return
	}
	for i := range fn.Bindings {
		b := &fn.Bindings[i]
		raw, ok := properties[b.Name]
		if !ok || !b.IsOutput() || isHTTPOutput(b) {
			continue
		}
		if result.Outputs == nil {
			result.Outputs = map[string]worker.Value{}
		}
		result.Outputs[b.Name] = worker.JSONValue(raw)
	}
}

// hasOutputs reports whether there is an output binding that the host takes care of.
func hasOutputs(fn *functions.Function) bool {
	for i := range fn.Bindings {
		if b := &fn.Bindings[i]; b.IsOutput() && !isHTTPOutput(b) {
			return true
		}
	}
	return false
}

func isObject(raw []byte) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == '{'
}

// outputValue returns what the function put into a binding; null and nothing are not bound.
func outputValue(result *worker.Result, name string) (worker.Value, bool) {
	value, ok := result.Outputs[name]
	if !ok {
		for key, v := range result.Outputs {
			if strings.EqualFold(key, name) {
				value, ok = v, true
			}
		}
	}
	if !ok || value.Kind == worker.None || value.Kind == worker.JSON && bytes.Equal(bytes.TrimSpace(value.Data), []byte("null")) {
		return worker.Value{}, false
	}
	return value, true
}

// warnUndeclared tells of outputs that no binding takes: nothing happens with them, which is hard to find out otherwise, above all when
// an orchestration was to be started.
func (v *invoker) warnUndeclared(call *bindings.Call, result *worker.Result) {
	var lost []string
	for name := range result.Outputs {
		if b := call.Function.Binding(name); b == nil || b.Direction == functions.In {
			lost = append(lost, name)
		}
	}
	slices.Sort(lost)
	for _, name := range lost {
		value := result.Outputs[name]
		if value.Kind == worker.None || call.Function.Binding(name) != nil && !looksLikeStart(value) {
			continue
		}
		message := fmt.Sprintf("Function %s set the output '%s', but its function.json declares no output binding of that name: nothing is done with it.",
			call.Function.Name, name)
		if looksLikeStart(value) {
			message = fmt.Sprintf("Function %s asked through context.bindings.%s to start an orchestration, but its function.json declares no "+
				"output binding of that name: nothing is started. Add {\"name\": %q, \"type\": \"durableClient\", \"direction\": \"out\"} to its bindings.",
				call.Function.Name, name, name)
		}
		v.functionLogger(call.Function).Warn(message, "function", data{call.Function.Name}, "invocation_id", data{call.InvocationID})
	}
}

// looksLikeStart reports whether a value is an object with a FunctionName, as the durable client's output binding takes them, or an
// array or a JSON text of such.
func looksLikeStart(value worker.Value) bool {
	if value.Kind != worker.JSON && value.Kind != worker.String {
		return false
	}
	raw := bytes.TrimSpace(value.Data)
	if len(raw) > 0 && raw[0] == '[' {
		var items []json.RawMessage
		return json.Unmarshal(raw, &items) == nil && slices.ContainsFunc(items, func(item json.RawMessage) bool { return hasFunctionName(item) })
	}
	return hasFunctionName(raw)
}

func hasFunctionName(raw []byte) bool {
	if !isObject(raw) {
		return false
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return false
	}
	for key := range object {
		if strings.EqualFold(key, "FunctionName") {
			return true
		}
	}
	return false
}
