package redisbinding

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/bindings"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// PrepareOutput turns the value into calls of the binding's command. A text is the arguments, separated by single blanks; an array is
// several calls, and an array in it holds the arguments of one call exactly as they are; a number, a boolean or an object is one argument, the object as
// JSON. The calls run in order, in one pipeline; the effect fails if any of them does, and names it.
func (b *Binding) PrepareOutput(_ context.Context, call *bindings.Call, binding *functions.Binding, v worker.Value) (bindings.Effect, error) {
	effect, err := b.prepare(call, binding, v)
	if err != nil {
		return nil, fmt.Errorf("output binding '%s' (redis): %w", binding.Name, err)
	}
	return effect, nil
}

func (b *Binding) prepare(call *bindings.Call, binding *functions.Binding, v worker.Value) (bindings.Effect, error) {
	words, err := command(call, binding)
	if err != nil {
		return nil, err
	}
	name := strings.ToUpper(words[0])
	if refusedCommands[name] {
		return nil, fmt.Errorf("the command %s changes the connection, which others use as well, and is not supported", name)
	}
	sets, err := argumentSets(v)
	if err != nil || len(sets) == 0 {
		return nil, err
	}
	client, err := b.client(binding)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		pipeline := client.Pipeline()
		for _, set := range sets {
			pipeline.Do(ctx, append(arguments(words), arguments(set)...)...)
		}
		results, err := pipeline.Exec(ctx)
		var failed []error
		for i, result := range results {
			if err := result.Err(); err != nil && !errors.Is(err, redis.Nil) {
				failed = append(failed, fmt.Errorf("call %d of %d, %s: %w", i+1, len(sets), name, err))
			}
		}
		if err != nil && !errors.Is(err, redis.Nil) && len(failed) == 0 {
			failed = append(failed, fmt.Errorf("%s: %w", name, err))
		}
		return first(failed)
	}, nil
}

// first returns the first error and says how many there were.
func first(failed []error) error {
	switch len(failed) {
	case 0:
		return nil
	case 1:
		return failed[0]
	}
	return fmt.Errorf("%d calls failed, the first: %w", len(failed), failed[0])
}

// argumentSets returns the arguments of each call.
func argumentSets(v worker.Value) ([][]string, error) {
	switch v.Kind {
	case worker.None:
		return nil, nil
	case worker.String:
		return [][]string{split(string(v.Data))}, nil
	case worker.Bytes:
		return [][]string{{string(v.Data)}}, nil
	case worker.JSON, worker.Orchestration: // the latter goes to workers only
	case worker.HTTP:
		return nil, errors.New("its value is an HTTP response, expected a text or an array")
	}
	switch kind(v.Data) {
	case 'n':
		return nil, nil
	case '[':
	default:
		set, err := callOf(v.Data)
		return [][]string{set}, err
	}
	var items []json.RawMessage
	if err := json.Unmarshal(v.Data, &items); err != nil {
		return nil, fmt.Errorf("its value is no JSON: %w", err)
	}
	sets := make([][]string, len(items))
	for i, item := range items {
		var err error
		if sets[i], err = callOf(item); err != nil {
			return nil, fmt.Errorf("index %d: %w", i, err)
		}
	}
	return sets, nil
}

// kind is the first character of a JSON value, which tells its type.
func kind(raw json.RawMessage) byte {
	if raw = bytes.TrimSpace(raw); len(raw) > 0 {
		return raw[0]
	}
	return 0
}

// callOf returns the arguments of one call.
func callOf(raw json.RawMessage) ([]string, error) {
	switch kind(raw) {
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, fmt.Errorf("its value is no JSON: %w", err)
		}
		return split(s), nil
	case '[':
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			return nil, fmt.Errorf("its value is no JSON: %w", err)
		}
		set := make([]string, len(items))
		for i, item := range items {
			var err error
			if set[i], err = argument(item); err != nil {
				return nil, fmt.Errorf("argument %d: %w", i, err)
			}
		}
		return set, nil
	}
	arg, err := argument(raw)
	return []string{arg}, err
}

// argument returns one exact argument.
func argument(raw json.RawMessage) (string, error) {
	switch kind(raw) {
	case 'n', 0:
		return "", errors.New("null is no argument, expected a text, a number or an array of these")
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return "", fmt.Errorf("its value is no JSON: %w", err)
	}
	return compact.String(), nil
}

// split separates arguments as the original does, at each single blank (azure-functions-redis-extension RedisAsyncCollector.cs); an
// empty text is no argument.
func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, " ")
}
