package gofunc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/management"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/internal/gofunc"
	"github.com/durango-functions/durango/worker"
)

// Call is an invocation as its handler sees it, by way of its context.
type Call struct {
	context.Context
	channel *Channel
	inv     *worker.Invocation
	request *http.Request // of an HTTP function

	handler *Handler
	// result and err are what the handler handed back, once done is closed.
	done   chan struct{}
	result worker.Value
	err    error

	mu      sync.Mutex
	ended   bool // outputs come too late
	outputs map[string]worker.Value
}

type callKey struct{}

// Value implements context.Context.
func (c *Call) Value(key any) any {
	if _, ok := key.(callKey); ok {
		return c
	}
	return c.Context.Value(key)
}

// FromContext returns the invocation that a context belongs to, nil when it belongs to none.
func FromContext(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}

// run runs a handler that is no HTTP handler, on a goroutine of its own, so that it can be given up.
func (c *Call) run(h *Handler) (*worker.Result, error) {
	c.done, c.handler = make(chan struct{}), h
	c.channel.runners.run(c)
	select {
	case <-c.done:
	case <-c.Done():
		if !c.returnsInTime() {
			c.channel.cfg.Logger.Warn(fmt.Sprintf("Function %s goes on although its context has ended: a handler must return when its context is done",
				c.inv.Function.Name), "function", c.inv.Function.Name, "invocation_id", c.inv.ID)
			c.end()
			return nil, context.Cause(c)
		}
	}
	outputs := c.end()
	if c.err != nil {
		return nil, c.failure(c.err)
	}
	return &worker.Result{ReturnValue: c.result, Outputs: outputs}, nil
}

// returnsInTime waits for a handler whose context has ended.
func (c *Call) returnsInTime() bool {
	timer := time.NewTimer(c.channel.cfg.Patience)
	defer timer.Stop()
	select {
	case <-c.done:
		return true
	case <-timer.C:
		return false
	}
}

var errGoexit = errors.New("the handler ended its goroutine (runtime.Goexit, or FailNow of a test)")

// failure is the error of an invocation whose handler failed. After the end of its context, what the handler says is a consequence of that
// and no outcome: its chain is cut.
func (c *Call) failure(err error) error {
	var failed *worker.FunctionError
	if c.Err() != nil {
		return fmt.Errorf("%w: %s", context.Cause(c), err.Error())
	}
	if errors.As(err, &failed) {
		return err
	}
	return &worker.FunctionError{Message: err.Error(), Err: err}
}

// end closes the outputs and returns them.
func (c *Call) end() map[string]worker.Value {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	return c.outputs
}

// InvocationID is the ID of the invocation.
func (c *Call) InvocationID() string { return c.inv.ID }

// Client is the client of the host's task hub.
func (c *Call) Client() *durable.Client {
	if c.channel.cfg.Services.Client == nil {
		return nil
	}
	return c.channel.cfg.Services.Client()
}

// Logger returns the logger for the function's own lines.
func (c *Call) Logger() *slog.Logger {
	if c.channel.cfg.Services.Logger == nil {
		return slog.Default()
	}
	return c.channel.cfg.Services.Logger(c.inv.Function, c.inv.ID)
}

// URLs returns the management URLs of an instance; r may be nil.
func (c *Call) URLs(r *http.Request, id string) (management.ManagementURLs, error) {
	if c.channel.cfg.Services.URLs == nil {
		return management.ManagementURLs{}, errors.New("this host has no management API")
	}
	if r == nil {
		r = c.request
	}
	return c.channel.cfg.Services.URLs(r, id)
}

// Input puts the value of an input binding into a pointer: text as it is into a string or []byte, else as JSON; null and nothing as the zero
// value.
func (c *Call) Input(name string, into any) error {
	fn := c.inv.Function
	b := fn.Binding(name)
	if b == nil || b.IsTrigger() || !b.IsInput() {
		return fmt.Errorf("function %s has no input binding %q%s", fn.Name, name, has(fn, func(b *functions.Binding) bool { return !b.IsTrigger() && b.IsInput() }))
	}
	for i := range c.inv.Inputs {
		if in := &c.inv.Inputs[i]; strings.EqualFold(in.Name, b.Name) {
			if err := Decode(in.Value, into); err != nil {
				return fmt.Errorf("the value of input binding '%s' of function %s: %w", b.Name, fn.Name, err)
			}
			return nil
		}
	}
	return nil
}

// SetOutput gives an output binding its value, which takes the place of one that it had. The effect takes place when the handler has
// returned without an error.
func (c *Call) SetOutput(name string, value any) error {
	fn := c.inv.Function
	b := fn.Binding(name)
	if b == nil || !b.IsOutput() || strings.EqualFold(b.Type, "http") {
		return fmt.Errorf("function %s has no output binding %q%s", fn.Name, name,
			has(fn, func(b *functions.Binding) bool { return b.IsOutput() && !strings.EqualFold(b.Type, "http") }))
	}
	if b.Name == functions.ReturnBinding {
		return errors.New("the output binding '$return' takes what the handler returns")
	}
	v, err := Encode(value)
	if err != nil {
		return fmt.Errorf("the value for output binding '%s' of function %s cannot be written as JSON: %w", b.Name, fn.Name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return fmt.Errorf("the value for output binding '%s' of function %s comes too late: the invocation has ended", b.Name, fn.Name)
	}
	if c.outputs == nil {
		c.outputs = map[string]worker.Value{}
	}
	c.outputs[b.Name] = v
	return nil
}

// has lists the bindings that could have been meant.
func has(fn *functions.Function, which func(*functions.Binding) bool) string {
	var names []string
	for i := range fn.Bindings {
		if which(&fn.Bindings[i]) {
			names = append(names, fn.Bindings[i].Name)
		}
	}
	if len(names) == 0 {
		return ": " + fn.Source + " declares none"
	}
	return ": " + fn.Source + " declares " + strings.Join(names, ", ")
}

// Decode puts a value into a pointer.
func Decode(v worker.Value, into any) error {
	switch v.Kind {
	case worker.None:
		return nil
	case worker.JSON:
		return gofunc.Decode(v.Data, into)
	case worker.String, worker.Bytes:
		return decodeText(v.Data, into)
	case worker.HTTP:
	case worker.Orchestration: // goes to workers only
	}
	return errors.New("it is an HTTP message")
}

func decodeText(text []byte, into any) error {
	switch into := into.(type) {
	case *string:
		*into = string(text)
		return nil
	case **string:
		s := string(text)
		*into = &s
		return nil
	case *[]byte:
		*into = text
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("the text does not fit %T: %w", into, err)
	}
	return nil
}

// Encode makes a value: a string and []byte are taken as they are, everything else as JSON.
func Encode(value any) (worker.Value, error) {
	switch value := value.(type) {
	case string:
		return worker.StringValue(value), nil
	case []byte:
		return worker.Value{Kind: worker.Bytes, Data: value}, nil
	}
	raw, err := gofunc.Encode(value)
	if err != nil || raw == nil {
		return worker.Value{}, err
	}
	return worker.JSONValue(raw), nil
}
