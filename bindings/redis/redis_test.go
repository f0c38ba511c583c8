package redisbinding_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/bindings"
	redisbinding "github.com/durango-functions/durango/bindings/redis"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/internal/redistest"
	"github.com/durango-functions/durango/worker"
)

func TestMain(m *testing.M) { redistest.Main(m) }

func declare(command string) *functions.Binding {
	raw, err := json.Marshal(command)
	if err != nil {
		panic(err)
	}
	return &functions.Binding{Name: "r", Type: "redis", Connection: "CACHE", Properties: map[string]json.RawMessage{"command": raw}}
}

func binding(t *testing.T, client redis.UniversalClient) *redisbinding.Binding {
	t.Helper()
	return redisbinding.New(func(connection string) (redis.UniversalClient, error) {
		if connection != "CACHE" {
			return nil, errors.New("there is no such setting")
		}
		return client, nil
	})
}

func call(data map[string]json.RawMessage) *bindings.Call {
	return &bindings.Call{InvocationID: "i", Function: &functions.Function{Name: "F"}, Data: data}
}

func TestInput(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, options *redis.Options) {
		client := redis.NewClient(options)
		defer func() { _ = client.Close() }()
		key := redistest.HubName(t)
		require.NoError(t, client.Set(t.Context(), key, `{"a":1}`, 0).Err())
		require.NoError(t, client.HSet(t.Context(), key+"h", "a b", "c").Err())
		require.NoError(t, client.ZAdd(t.Context(), key+"z", redis.Z{Score: 1.5, Member: "m"}).Err())
		field := json.RawMessage(`{"f":"a b"}`)
		keyJSON, err := json.Marshal(key)
		require.NoError(t, err)
		b, c := binding(t, client), call(map[string]json.RawMessage{"Message": keyJSON, "o": field})
		for command, want := range map[string]string{
			"GET {Message}":            `{"a":1}`,
			"get  " + key:              `{"a":1}`,
			"HGET {message}h { o.f }":  "c",
			"EXISTS {message} nothing": "1",
			"TTL {message}":            "-1",
			"TYPE {message}h":          "hash",
			"ZSCORE {message}z m":      "1.5",
			"STRLEN {message}":         "7",
		} {
			v, err := b.BindInput(t.Context(), c, declare(command))
			require.NoError(t, err, command)
			require.Equal(t, worker.StringValue(want), v, command)
		}
		v, err := b.BindInput(t.Context(), c, declare("GET {message}none"))
		require.NoError(t, err)
		require.Equal(t, worker.JSONValue(json.RawMessage("null")), v)
	})
}

func TestInputErrors(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t)
	key := redistest.HubName(t)
	require.NoError(t, client.LPush(t.Context(), key, "x").Err())
	b := binding(t, client)
	for command, want := range map[string]string{
		"":                           `"command" is missing or empty`,
		"SET a b":                    "Command 'SET' not supported for Redis Input Binding.",
		"HGETALL a":                  "Command 'HGETALL' not supported for Redis Input Binding.",
		"GET {x}":                    "nothing is called {x}",
		"GET":                        "GET: ERR wrong number of arguments",
		"GET " + key:                 "GET: WRONGTYPE",
		"LPOS " + key + " x COUNT 0": "expected a single value",
	} {
		_, err := b.BindInput(t.Context(), call(nil), declare(command))
		require.ErrorContains(t, err, "input binding 'r' (redis): ")
		require.ErrorContains(t, err, want)
	}
	declared := declare("GET a")
	declared.Connection = "OTHER"
	_, err := b.BindInput(t.Context(), call(nil), declared)
	require.ErrorContains(t, err, `connection "OTHER": there is no such setting`)
}

func TestOutput(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, options *redis.Options) {
		client := redis.NewClient(options)
		defer func() { _ = client.Close() }()
		for _, test := range []struct {
			name  string
			value worker.Value
			want  []string // of RPUSH key
		}{
			{"text", worker.StringValue("a b"), []string{"a", "b"}},
			{"two blanks", worker.StringValue("a  b"), []string{"a", "", "b"}},
			{"JSON text", worker.JSONValue(json.RawMessage(`"a b"`)), []string{"a", "b"}},
			{"quotes are no syntax", worker.StringValue(`"a b"`), []string{`"a`, `b"`}},
			{"several calls", worker.JSONValue(json.RawMessage(`["a b", "c"]`)), []string{"a", "b", "c"}},
			{"exact arguments", worker.JSONValue(json.RawMessage(`[["a b", 5, true, {"x": [1, 2]}], "c d"]`)), []string{"a b", "5", "true", `{"x":[1,2]}`, "c", "d"}},
			{"an object", worker.JSONValue(json.RawMessage(`{"a": "b c"}`)), []string{`{"a":"b c"}`}},
			{"a number", worker.JSONValue(json.RawMessage(` 5 `)), []string{"5"}},
			{"bytes", worker.Value{Kind: worker.Bytes, Data: []byte{0, ' ', 255}}, []string{"\x00 \xff"}},
			{"nothing", worker.Value{}, []string{}},
			{"null", worker.JSONValue(json.RawMessage(`null`)), []string{}},
			{"an empty array", worker.JSONValue(json.RawMessage(`[]`)), []string{}},
		} {
			key := redistest.HubName(t)
			effect, err := binding(t, client).PrepareOutput(t.Context(), call(nil), declare("RPUSH "+key), test.value)
			require.NoError(t, err, test.name)
			require.Zero(t, client.Exists(t.Context(), key).Val(), "nothing is done before the effect")
			if effect != nil {
				require.NoError(t, effect(t.Context()), test.name)
			}
			require.Equal(t, test.want, client.LRange(t.Context(), key, 0, -1).Val(), test.name)
		}
	})
}

func TestOutputWithoutArguments(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t)
	key := redistest.HubName(t)
	keyJSON, err := json.Marshal(key + " x")
	require.NoError(t, err)
	effect, err := binding(t, client).PrepareOutput(t.Context(), call(map[string]json.RawMessage{"k": keyJSON}), declare("INCR {k}"), worker.StringValue(""))
	require.NoError(t, err)
	require.NoError(t, effect(t.Context()))
	require.NoError(t, effect(t.Context()))
	require.Equal(t, "2", client.Get(t.Context(), key+" x").Val())
	effect, err = binding(t, client).PrepareOutput(t.Context(), call(nil), declare("GETDEL"), worker.StringValue(key+"none"))
	require.NoError(t, err)
	require.NoError(t, effect(t.Context()), "an empty reply is no error")
}

func TestOutputRefuses(t *testing.T) {
	t.Parallel()
	b := binding(t, redistest.Client(t))
	for _, test := range []struct {
		command string
		value   worker.Value
		want    string
	}{
		{" ", worker.StringValue("a"), `"command" is missing or empty`},
		{"subscribe", worker.StringValue("a"), "SUBSCRIBE changes the connection"},
		{"SET {x}", worker.StringValue("a"), "nothing is called {x}"},
		{"SET", worker.JSONValue(json.RawMessage(`["a b", null]`)), "index 1: null is no argument"},
		{"SET", worker.JSONValue(json.RawMessage(`["a b", ["c", null]]`)), "index 1: argument 1: null is no argument"},
		{"SET", worker.JSONValue(json.RawMessage(`["a`)), "no JSON"},
		{"SET", worker.JSONValue(nil), "null is no argument"},
		{"SET", worker.Value{Kind: worker.HTTP}, "HTTP response"},
	} {
		effect, err := b.PrepareOutput(t.Context(), call(nil), declare(test.command), test.value)
		require.ErrorContains(t, err, "output binding 'r' (redis): ")
		require.ErrorContains(t, err, test.want)
		require.Nil(t, effect)
	}
}

func TestOutputFailures(t *testing.T) {
	t.Parallel()
	server := redistest.NewServer(t)
	client := server.Client(t)
	require.NoError(t, client.LPush(t.Context(), "list", "x").Err())
	b := binding(t, client)
	effect, err := b.PrepareOutput(t.Context(), call(nil), declare("INCR"), worker.JSONValue(json.RawMessage(`["a", "list", "a b", "a"]`)))
	require.NoError(t, err)
	err = effect(t.Context())
	require.ErrorContains(t, err, "2 calls failed, the first: call 2 of 4, INCR: WRONGTYPE")
	require.Equal(t, "2", client.Get(t.Context(), "a").Val(), "the other calls took place")

	effect, err = b.PrepareOutput(t.Context(), call(nil), declare("SET"), worker.StringValue("k SECRET"))
	require.NoError(t, err)
	server.Kill()
	err = effect(t.Context())
	require.ErrorContains(t, err, "call 1 of 1, SET: dial")
	require.NotContains(t, err.Error(), "SECRET", "values stay out of errors")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, effect(ctx), context.Canceled)
}
