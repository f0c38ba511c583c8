package durango

import (
	"encoding/json"
	"maps"
	"time"

	"github.com/durango-functions/durango/functions"
)

// Option declares in code what function.json says of a function otherwise: a trigger such as HTTPTrigger, a binding such as RedisOutput, a
// retry policy, or Disabled. The options are made into that JSON and checked by the same rules. %NAME% in a text is replaced by the app
// setting of that name.
type Option interface {
	declare(d *declared)
}

// declared is a function.json.
type declared struct {
	Bindings []map[string]any `json:"bindings"`
	Disabled any              `json:"disabled,omitempty"`
	Retry    map[string]any   `json:"retry,omitempty"`
}

// declaration returns the function.json that options stand for, nil without options.
func declaration(options []Option) json.RawMessage {
	if len(options) == 0 {
		return nil
	}
	d := declared{Bindings: []map[string]any{}}
	for _, o := range options {
		if o != nil {
			o.declare(&d)
		}
	}
	raw, err := json.Marshal(d)
	if err != nil {
		// A property of a Binding that is no JSON. The text is none either, and says so when it is read.
		return json.RawMessage(err.Error())
	}
	return raw
}

// Binding declares a binding of any type, for those that have no type of their own here.
type Binding struct {
	// Name is the binding's name, for Input and SetOutput.
	Name string
	// Type is the type as in function.json: "durableClient".
	Type string
	// Direction is "in", "out" or "inout". Defaults to "in".
	Direction string
	// Properties are the binding's further properties.
	Properties map[string]any
}

func (b Binding) declare(d *declared) {
	properties := maps.Clone(b.Properties)
	if properties == nil {
		properties = map[string]any{}
	}
	direction := b.Direction
	if direction == "" {
		direction = string(functions.In)
	}
	d.add(b.Name, b.Type, functions.Direction(direction), properties)
}

// add adds a binding. Properties that are zero are left out.
func (d *declared) add(name, typ string, dir functions.Direction, properties map[string]any) {
	binding := map[string]any{"name": name, "type": typ, "direction": string(dir)}
	for key, value := range properties {
		switch value {
		case "", false, nil:
		default:
			binding[key] = value
		}
	}
	d.Bindings = append(d.Bindings, binding)
}

// RedisInput declares an input binding of type redis: it runs one reading command before the function, whose reply Input returns.
type RedisInput struct {
	// Name is the binding's name, for Input: letters and digits.
	Name string
	// Command is a Redis command with arguments, such as "GET customer:{id}". {expressions} are data of the trigger.
	Command string
	// Connection names the app setting with the address of Redis. "": the task hub's Redis.
	Connection string
}

func (b RedisInput) declare(d *declared) {
	d.add(b.Name, "redis", functions.In, map[string]any{"command": b.Command, "connection": b.Connection})
}

// RedisOutput declares an output binding of type redis: it runs a command with what SetOutput was given, once the function has ended without an
// error. A [][]string is several calls with their arguments; a string is the arguments of one call, with blanks between.
type RedisOutput struct {
	// Name is the binding's name, for SetOutput; "$return" takes what the function returns.
	Name string
	// Command is a Redis command, such as "SET" or "XADD log *". {expressions} are data of the trigger.
	Command string
	// Connection names the app setting with the address of Redis. "": the task hub's Redis.
	Connection string
}

func (b RedisOutput) declare(d *declared) {
	d.add(b.Name, "redis", functions.Out, map[string]any{"command": b.Command, "connection": b.Connection})
}

// Disabled keeps a function from running. It can be called by the admin API and durango run.
type Disabled bool

func (v Disabled) declare(d *declared) { d.Disabled = bool(v) }

// DisabledBy names the app setting that keeps a function from running when it is "true" or "1".
type DisabledBy string

func (v DisabledBy) declare(d *declared) { d.Disabled = string(v) }

// FixedDelayRetry lets a failed invocation be tried again after equal pauses. It has no effect on activities and orchestrators, whose calls have
// policies of their own, nor on HTTP functions, whose callers decide.
type FixedDelayRetry struct {
	// MaxRetryCount is how many retries follow the first attempt; -1: for ever.
	MaxRetryCount int
	DelayInterval time.Duration
}

func (r FixedDelayRetry) declare(d *declared) {
	d.Retry = map[string]any{
		"strategy": functions.FixedDelay, "maxRetryCount": r.MaxRetryCount, "delayInterval": functions.FormatTimeSpan(r.DelayInterval),
	}
}

// ExponentialBackoffRetry is like FixedDelayRetry, with pauses that about double from MinimumInterval to MaximumInterval.
type ExponentialBackoffRetry struct {
	// MaxRetryCount is how many retries follow the first attempt; -1: for ever.
	MaxRetryCount                    int
	MinimumInterval, MaximumInterval time.Duration
}

func (r ExponentialBackoffRetry) declare(d *declared) {
	d.Retry = map[string]any{
		"strategy": functions.ExponentialBackoff, "maxRetryCount": r.MaxRetryCount,
		"minimumInterval": functions.FormatTimeSpan(r.MinimumInterval), "maximumInterval": functions.FormatTimeSpan(r.MaximumInterval),
	}
}
