package gofunc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/internal/gofunc"
	"github.com/durango-functions/durango/worker"
)

// What handlers look like, by trigger.
const (
	ActivitySignature = "func(ctx context.Context, in In) (Out, error)"
	ManualSignature   = ActivitySignature
)

// The handlers below hand the context over as a value of the interface type: reflection would look up whether its own type implements it.

var contextType = reflect.TypeFor[context.Context]()

// Activity makes the handler of an activity: func(context.Context[, In]) ([Out, ]error). An input that does not fit In is a failure that no retry
// policy tries again.
func Activity(fn any) (*Handler, error) {
	f, err := gofunc.New(fn, contextType, ActivitySignature)
	if err != nil {
		return nil, err
	}
	return &Handler{Call: func(ctx context.Context, trigger worker.Value) (worker.Value, error) {
		out, err := f.Call(reflect.ValueOf(&ctx).Elem(), trigger.Data)
		if err != nil && errors.As(err, new(*gofunc.InputError)) {
			err = durable.NonRetriable(err)
		}
		return jsonValue(out), err
	}}, nil
}

// Manual makes the handler of a function that is run by hand. Its input is JSON, or for a string any text.
func Manual(fn any) (*Handler, error) {
	f, err := gofunc.New(fn, contextType, ManualSignature)
	if err != nil {
		return nil, err
	}
	return &Handler{Call: func(ctx context.Context, trigger worker.Value) (worker.Value, error) {
		input := json.RawMessage(trigger.Data)
		if in := f.In(); trigger.Kind == worker.String && in != nil && in.Kind() == reflect.String && !isJSONString(input) {
			text, err := json.Marshal(string(input))
			if err != nil {
				return worker.Value{}, fmt.Errorf("reading the input: %w", err)
			}
			input = text
		}
		out, err := f.Call(reflect.ValueOf(&ctx).Elem(), input)
		return jsonValue(out), err
	}}, nil
}

func isJSONString(text []byte) bool {
	return len(text) > 0 && text[0] == '"' && json.Valid(text)
}

// Timer makes the handler of a timer: func(context.Context[, Info]) ([Out, ]error), where Info is the type of the trigger's value.
func Timer(fn any, info reflect.Type) (*Handler, error) {
	expected := fmt.Sprintf("func(ctx context.Context, info %s) error", info)
	f, err := gofunc.New(fn, contextType, expected)
	if err != nil {
		return nil, err
	}
	if in := f.In(); in != nil && in != info {
		return nil, fmt.Errorf("the handler is %T: its second parameter is not %s; expected %s (info may be left out)", fn, info, expected)
	}
	return &Handler{Call: func(ctx context.Context, trigger worker.Value) (worker.Value, error) {
		out, err := f.Call(reflect.ValueOf(&ctx).Elem(), trigger.Data)
		return jsonValue(out), err
	}}, nil
}

// Orchestrator makes the handler of an orchestrator: func(*durable.Orchestration[, In]) ([Out, ]error).
func Orchestrator(fn any) (*Handler, error) {
	f, err := durable.NewOrchestrator(fn)
	if err != nil {
		return nil, err
	}
	return &Handler{Orchestrate: f}, nil
}

func jsonValue(raw json.RawMessage) worker.Value {
	if raw == nil {
		return worker.Value{}
	}
	return worker.JSONValue(raw)
}
