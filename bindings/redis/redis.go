// Package redisbinding implements the bindings of type "redis": an input that runs one reading command before the function, and an
// output that runs commands after it.
package redisbinding

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/bindings"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// Type is the binding type in function.json.
const Type = "redis"

// Binding is the input and the output binding of type redis.
type Binding struct {
	resolve func(connection string) (redis.UniversalClient, error)
}

// New returns a Binding that asks resolve for the client of a connection: the name of an app setting, or "" when function.json names
// none.
func New(resolve func(connection string) (redis.UniversalClient, error)) *Binding {
	return &Binding{resolve: resolve}
}

// client returns the client of a binding.
func (b *Binding) client(binding *functions.Binding) (redis.UniversalClient, error) {
	client, err := b.resolve(binding.Connection)
	if err != nil {
		return nil, fmt.Errorf("connection %q: %w", binding.Connection, err)
	}
	return client, nil
}

// command returns the words of a binding's command with their {expressions} replaced. The value of an expression stays in one word,
// whatever it holds, so that data cannot become further arguments.
func command(call *bindings.Call, binding *functions.Binding) ([]string, error) {
	template := binding.StringProperty("command")
	words := splitTemplate(template)
	if len(words) == 0 {
		return nil, errors.New(`"command" is missing or empty, expected a Redis command such as "SET"`)
	}
	for i, word := range words {
		var err error
		if words[i], err = bindings.Resolve(word, call.Data); err != nil {
			return nil, fmt.Errorf("command: %w", err)
		}
	}
	return words, nil
}

// splitTemplate splits at blanks outside of braces.
func splitTemplate(template string) []string {
	depth := 0
	return strings.FieldsFunc(template, func(r rune) bool {
		switch r {
		case '{':
			depth++
		case '}':
			depth = max(depth-1, 0)
		}
		return depth == 0 && (r == ' ' || r == '\t' || r == '\n' || r == '\r')
	})
}

// BindInput runs the command and returns its reply as text, null when there is none.
func (b *Binding) BindInput(ctx context.Context, call *bindings.Call, binding *functions.Binding) (worker.Value, error) {
	value, err := b.input(ctx, call, binding)
	if err != nil {
		return worker.Value{}, fmt.Errorf("input binding '%s' (redis): %w", binding.Name, err)
	}
	return value, nil
}

func (b *Binding) input(ctx context.Context, call *bindings.Call, binding *functions.Binding) (worker.Value, error) {
	words, err := command(call, binding)
	if err != nil {
		return worker.Value{}, err
	}
	name := strings.ToUpper(words[0])
	if !readCommands[name] {
		return worker.Value{}, fmt.Errorf("Command '%s' not supported for Redis Input Binding. Expected a reading command with a single reply: %s",
			words[0], strings.Join(readCommandNames(), ", "))
	}
	client, err := b.client(binding)
	if err != nil {
		return worker.Value{}, err
	}
	reply, err := client.Do(ctx, arguments(words)...).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return worker.JSONValue(json.RawMessage("null")), nil
	case err != nil:
		return worker.Value{}, fmt.Errorf("%s: %w", name, err)
	}
	text, err := replyText(reply)
	if err != nil {
		return worker.Value{}, fmt.Errorf("%s: %w", name, err)
	}
	return worker.StringValue(text), nil
}

// replyText writes a single reply as text.
func replyText(reply any) (string, error) {
	switch reply := reply.(type) {
	case string:
		return reply, nil
	case int64:
		return strconv.FormatInt(reply, 10), nil
	case float64:
		return strconv.FormatFloat(reply, 'g', -1, 64), nil
	case bool:
		if reply {
			return "1", nil
		}
		return "0", nil
	}
	return "", fmt.Errorf("the server replied with a %T, expected a single value", reply)
}

func arguments(words []string) []any {
	args := make([]any, len(words))
	for i, word := range words {
		args[i] = word
	}
	return args
}

var (
	_ bindings.Input  = (*Binding)(nil)
	_ bindings.Output = (*Binding)(nil)
)
