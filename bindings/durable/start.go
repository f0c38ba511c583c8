package durablebinding

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/durango-functions/durango/bindings"
	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/internal/jsonpos"
	"github.com/durango-functions/durango/worker"
)

// maxSending is how many starts of one value are sent at the same time; waiting for the orchestrators is not bounded.
const maxSending = 64

// The fields of a start (azure-functions-durable-extension StartOrchestrationArgs.cs). Their names compare without regard to case.
const (
	fieldFunction = "FunctionName"
	fieldInput    = "Input"
	fieldInstance = "InstanceId"
)

// start is one orchestration to be started.
type start struct {
	where    string // "binding 'starter' [2]"
	function string
	input    json.RawMessage // nil: none
	instance string          // "": a random one
}

func (s *start) options() durable.StartOptions {
	return durable.StartOptions{InstanceID: s.instance}
}

// PrepareOutput implements bindings.Output: an object, an array of objects, or JSON text of either. All of them are checked; the effect
// starts them side by side and waits until each orchestrator has started.
func (b *Binding) PrepareOutput(_ context.Context, c *bindings.Call, decl *functions.Binding, v worker.Value) (bindings.Effect, error) {
	if err := b.checkHub(decl); err != nil {
		return nil, err
	}
	starts, err := b.read(c, decl, v)
	if err != nil {
		return nil, err
	}
	if len(starts) == 0 {
		return nil, nil
	}
	if err := b.check(starts); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return b.perform(ctx, starts) }, nil
}

// read makes starts of a value.
func (b *Binding) read(c *bindings.Call, decl *functions.Binding, v worker.Value) ([]*start, error) {
	where := "binding '" + decl.Name + "'"
	const want = "an object with FunctionName, Input and InstanceId, or an array of such objects"
	switch v.Kind {
	case worker.None:
		return nil, nil
	case worker.String, worker.JSON, worker.Bytes:
	default:
		return nil, fmt.Errorf("%s: expected %s, got an HTTP response", where, want)
	}
	raw, err := unwrap(where, v.Data, v.Kind != worker.JSON)
	if err != nil {
		return nil, err
	}
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil, nil
	case raw[0] == '{':
		s, err := b.object(c, where, raw)
		if err != nil {
			return nil, err
		}
		return []*start{s}, nil
	case raw[0] != '[':
		return nil, fmt.Errorf("%s: expected %s, got %s", where, want, describe(raw))
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	starts := make([]*start, 0, len(items))
	var errs []error
	for i, item := range items {
		at := fmt.Sprintf("%s [%d]", where, i)
		item, err := unwrap(at, item, false)
		switch {
		case err != nil:
			errs = append(errs, err)
		case len(item) == 0 || item[0] != '{':
			errs = append(errs, fmt.Errorf("%s: expected an object with FunctionName, Input and InstanceId, got %s", at, describe(item)))
		default:
			s, err := b.object(c, at, item)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			starts = append(starts, s)
		}
	}
	return starts, errors.Join(errs...)
}

// unwrap returns the JSON value that data is, or that the text in it is: functions may hand over JSON.stringify of what they mean.
func unwrap(where string, data []byte, isText bool) (json.RawMessage, error) {
	raw := bytes.TrimSpace(data)
	if len(raw) == 0 {
		return nil, nil
	}
	if err := durable.CheckJSON("the value", raw); err != nil {
		if isText {
			return nil, fmt.Errorf("%s: expected an object with FunctionName, Input and InstanceId, or JSON text of it; got the text %s", where, shorten(raw))
		}
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	if raw[0] != '"' {
		return raw, nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	inner := bytes.TrimSpace([]byte(text))
	if len(inner) == 0 || inner[0] != '{' && inner[0] != '[' {
		return raw, nil // a plain text, which whoever reads it refuses
	}
	if err := durable.CheckJSON("the text", inner); err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return inner, nil
}

// object reads one start.
func (b *Binding) object(c *bindings.Call, where string, raw json.RawMessage) (*start, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	s := &start{where: where}
	fields := []string{fieldFunction, fieldInput, fieldInstance}
	given := map[string]string{} // field: the name as written
	var errs []error
	for _, name := range sortedNames(members) {
		field := ""
		for _, f := range fields {
			if strings.EqualFold(f, name) {
				field = f
			}
		}
		if field == "" {
			if near := jsonpos.Nearest(name, fields); near != "" {
				errs = append(errs, fmt.Errorf("%s.%s: unknown field; did you mean '%s'?", where, name, near))
			} else {
				b.logger.Warn("a start has a field that is ignored", "binding", where, "field", name, "function", c.Function.Name,
					"invocation_id", c.InvocationID)
			}
			continue
		}
		if other, twice := given[field]; twice {
			errs = append(errs, fmt.Errorf("%s.%s: given twice, as '%s' and as '%s'", where, field, other, name))
			continue
		}
		given[field] = name
		if err := s.set(field, members[name]); err != nil {
			errs = append(errs, err)
		}
	}
	if _, ok := given[fieldFunction]; !ok && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%s.%s: missing; give the name of the orchestrator function to start", where, fieldFunction))
	}
	return s, errors.Join(errs...)
}

func (s *start) set(field string, raw json.RawMessage) error {
	isNull := string(raw) == "null"
	if field == fieldInput {
		if !isNull {
			s.input = raw
		}
		return nil
	}
	target := &s.function
	if field == fieldInstance {
		if isNull {
			return nil // a random one
		}
		target = &s.instance
	}
	if isNull || json.Unmarshal(raw, target) != nil {
		return fmt.Errorf("%s.%s: expected a string, got %s", s.where, field, describe(raw))
	}
	return nil
}

func sortedNames(members map[string]json.RawMessage) []string {
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// check asks the client whether it would refuse one of the starts, and refuses an ID that is there twice.
func (b *Binding) check(starts []*start) error {
	var errs []error
	byID := map[string]*start{}
	for _, s := range starts {
		if err := b.client.CheckStart(s.function, s.input, s.options()); err != nil {
			errs = append(errs, fmt.Errorf("%s.%s: %w", s.where, fieldOf(err), err))
		}
		if s.instance == "" {
			continue
		}
		if other, twice := byID[s.instance]; twice {
			errs = append(errs, fmt.Errorf("%s.%s: '%s' is the ID of %s too; each instance needs an ID of its own", s.where, fieldInstance, s.instance, other.where))
			continue
		}
		byID[s.instance] = s
	}
	return errors.Join(errs...)
}

// fieldOf names the field that an error of the client is about.
func fieldOf(err error) string {
	var unknown *durable.UnknownFunctionError
	var id *durable.InvalidInstanceIDError
	var exists *durable.InstanceExistsError
	switch {
	case errors.As(err, &unknown):
		return fieldFunction
	case errors.As(err, &id), errors.As(err, &exists):
		return fieldInstance
	default:
		return fieldInput
	}
}

// perform starts all and waits until all have started or failed to.
func (b *Binding) perform(ctx context.Context, starts []*start) error {
	errs := make([]error, len(starts))
	sending := make(chan struct{}, maxSending)
	var wg sync.WaitGroup
	for i, s := range starts {
		wg.Go(func() {
			errs[i] = b.startOne(ctx, s, sending)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (b *Binding) startOne(ctx context.Context, s *start, sending chan struct{}) error {
	select {
	case sending <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%s: not started: %w", s.where, context.Cause(ctx))
	}
	id, err := b.client.Start(ctx, s.function, s.input, s.options())
	<-sending
	if err == nil {
		err = b.client.WaitForStart(ctx, id)
	}
	var exists *durable.InstanceExistsError
	if errors.As(err, &exists) {
		return fmt.Errorf("%s.%s: '%s': %w", s.where, fieldInstance, s.instance, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.where, err)
	}
	return nil
}

// describe tells what a JSON value is.
func describe(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "the text " + shorten(raw)
	case 't', 'f':
		return "the boolean " + string(raw)
	case 'n':
		return "null"
	default:
		return "the number " + shorten(raw)
	}
}

// shorten cuts a text for a message.
func shorten(raw []byte) string {
	const limit = 60
	text := strings.ToValidUTF8(string(raw), "\uFFFD")
	if utf8.RuneCountInString(text) > limit {
		text = string([]rune(text)[:limit]) + "..."
	}
	return text
}
