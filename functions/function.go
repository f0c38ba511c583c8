// Package functions describes what a function is: the function.json model, the discovery of drop-in function folders, their
// validation, and the watching of an app's files. It knows nothing of workers, triggers or Redis.
package functions

import (
	"encoding/json"
	"strings"
	"time"
)

// Go is the language of functions whose handlers are in the app's own program.
const Go = "go"

// Function is one valid function of an app, as its function.json declares it.
type Function struct {
	// Name is the function's name: the name of its folder. Names compare case-insensitively.
	Name string
	// Source is what messages call the function's declaration: "Hello/function.json", or the place in the app's code, "main.go:14".
	Source string
	// Dir is the absolute path of the function's folder, or that of the entry file; "" when Go code declares the function.
	Dir string
	// ScriptFile is the absolute path of the script, "" when the function needs none.
	ScriptFile string
	// EntryPoint names the exported function to call; "" leaves the choice to the worker.
	EntryPoint string
	// Language is the worker language inferred from the script's extension ("node", ...), Go for a function with a handler, "" when unknown.
	Language string
	// Registered is true for a function that the app's entry files register in JavaScript: the worker knows it by its name.
	Registered bool
	// Stream is true when requests and responses of the function are streamed to and from the worker.
	Stream bool
	// Handler is the name under which the app's program has registered the function's handler; "" for functions in other languages.
	Handler string
	// Bindings are the declared bindings in the order of function.json, the trigger among them.
	Bindings []Binding
	// Disabled is true when function.json or the setting AzureWebJobs.<name>.Disabled says so.
	Disabled bool
	// Retry is the function's retry policy, nil for none.
	Retry *RetryPolicy
	// Config is function.json as an app's author wrote it, comments removed.
	Config json.RawMessage
}

// Trigger returns the function's only trigger binding.
func (f *Function) Trigger() *Binding {
	for i := range f.Bindings {
		if f.Bindings[i].IsTrigger() {
			return &f.Bindings[i]
		}
	}
	return nil
}

// Binding returns the binding called name (case-insensitive), or nil.
func (f *Function) Binding(name string) *Binding {
	for i := range f.Bindings {
		if strings.EqualFold(f.Bindings[i].Name, name) {
			return &f.Bindings[i]
		}
	}
	return nil
}

// Direction tells whether a binding brings data in, takes data out, or both.
type Direction string

// The directions of a binding.
const (
	In    Direction = "in"
	Out   Direction = "out"
	InOut Direction = "inout"
)

// ReturnBinding is the name of the output binding that takes a function's return value.
const ReturnBinding = "$return"

// Binding is one entry of a function's bindings array.
type Binding struct {
	Name        string
	Type        string // as written; compare with strings.EqualFold
	Direction   Direction
	DataType    string // "", "undefined", "string", "binary" or "stream"
	Cardinality string // "", "one" or "many"
	Connection  string // name of an app setting, never a value
	// Properties holds the whole binding object, %NAME% in strings already replaced by app settings. Keys are as written.
	Properties map[string]json.RawMessage
}

// IsTrigger reports whether the binding is a trigger: its type ends in "trigger", in any case.
func (b *Binding) IsTrigger() bool {
	const suffix = "trigger"
	return len(b.Type) >= len(suffix) && strings.EqualFold(b.Type[len(b.Type)-len(suffix):], suffix)
}

// IsInput reports whether the binding brings data in (triggers included).
func (b *Binding) IsInput() bool { return b.Direction != Out }

// IsOutput reports whether the binding takes data out.
func (b *Binding) IsOutput() bool { return b.Direction != In && !b.IsTrigger() }

// Property returns the property called key (case-insensitive) as raw JSON, or nil.
func (b *Binding) Property(key string) json.RawMessage {
	if v, ok := b.Properties[key]; ok {
		return v
	}
	for k, v := range b.Properties {
		if strings.EqualFold(k, key) {
			return v
		}
	}
	return nil
}

// StringProperty returns the string property called key, or "" when it is absent or no string.
func (b *Binding) StringProperty(key string) string {
	var s string
	if raw := b.Property(key); raw != nil && json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// RetryPolicy is a function's or an app's retry policy.
type RetryPolicy struct {
	// Strategy is "fixedDelay" or "exponentialBackoff".
	Strategy string
	// MaxRetryCount is the number of retries after the first attempt; -1 retries for ever.
	MaxRetryCount   int
	DelayInterval   time.Duration
	MinimumInterval time.Duration
	MaximumInterval time.Duration
}

// LoadError tells why a folder that has a function.json is no usable function. One broken function never stops the others.
type LoadError struct {
	// Function is the name of the folder.
	Function string
	// Reasons are complete sentences: what is wrong, where, and what was expected.
	Reasons []string
}

func (e *LoadError) Error() string {
	return "function " + e.Function + ": " + strings.Join(e.Reasons, " ")
}
