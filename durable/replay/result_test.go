package replay

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable/history"
)

func TestParseResult(t *testing.T) {
	t.Parallel()
	r, err := ParseResult([]byte(`{"isDone":false,"schemaVersion":2,"customStatus":"s","actions":[[
		{"actionType":0,"functionName":"A","input":"\"x\""},
		{"actionType":"WhenAny","compoundActions":[
			{"actionType":"createTimer","fireAt":"2026-11-24T01:02:03.456Z","isCanceled":true},
			{"actionRef":0},
			{"actionType":6,"externalEventName":"e","reason":"ExternalEvent"},
			{"actionType":3,"functionName":"S","instanceId":"i","version":"2","retryOptions":{"firstRetryIntervalInMilliseconds":5,"maxNumberOfAttempts":3}}]},
		{"actionType":8,"httpRequest":{"method":"GET","uri":"http://x/"}}]]}`))
	require.NoError(t, err)
	zero, three := 0, 3.0
	require.Equal(t, &Result{SchemaVersion: 2, CustomStatus: json.RawMessage(`"s"`), Actions: [][]Action{{
		{Type: CallActivity, FunctionName: "A", Input: json.RawMessage(`"\"x\""`)},
		{Type: WhenAny, CompoundActions: []Action{
			{Type: CreateTimer, FireAt: time.Date(2026, 11, 24, 1, 2, 3, 456e6, time.UTC), IsCanceled: true},
			{Ref: &zero},
			{Type: WaitForExternalEvent, ExternalEventName: "e"},
			{
				Type: CallSubOrchestratorWithRetry, FunctionName: "S", InstanceID: "i", Version: "2",
				RetryOptions: &RetryOptions{FirstRetryIntervalInMilliseconds: 5, MaxNumberOfAttempts: &three},
			},
		}},
		{Type: CallHTTP, HTTPRequest: json.RawMessage(`{"method":"GET","uri":"http://x/"}`)},
	}}}, r)

	r, err = ParseResult([]byte(`{"isDone":true,"actions":[],"output":null,"schemaVersion":"V3"}`))
	require.NoError(t, err)
	require.Equal(t, &Result{IsDone: true, SchemaVersion: 2}, r)

	r, err = ParseResult([]byte(`{"isDone":true,"actions":[],"error":"broke"}`))
	require.NoError(t, err)
	require.True(t, r.Failed)
	require.Equal(t, "broke", r.Error)
}

func TestParseResultErrors(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		``:                                   "returned nothing instead of an orchestration result",
		`null`:                               "returned null instead of",
		`"text"`:                             "it must export what df.orchestrator(...)",
		`{"a":1}`:                            "it has no isDone",
		`{"isDone":1}`:                       "isDone",
		`{"isDone":false`:                    "unexpected end",
		`{"isDone":false,"actions":5}`:       "actions",
		`{"isDone":false,"schemaVersion":9}`: "schemaVersion is 9; known are 0 to 3",
		`{"isDone":false,"schemaVersion":2,"actions":[[],[]]}`:                                                "actions has 2 lists",
		`{"isDone":false,"actions":[[{}]]}`:                                                                   "actions[0][0]: actionType is missing",
		`{"isDone":false,"actions":[[{"actionType":99}]]}`:                                                    "actionType is 99; known are 0 to 14",
		`{"isDone":false,"actions":[[{"actionType":"Dance"}]]}`:                                               `actionType is "Dance", which is not known`,
		`{"isDone":false,"actions":[[{"actionType":0}]]}`:                                                     "actions[0][0]: CallActivity: functionName is missing",
		`{"isDone":false,"actions":[[{"actionType":1,"functionName":"F"}]]}`:                                  "CallActivityWithRetry: retryOptions is missing",
		`{"isDone":false,"actions":[[{"actionType":12,"compoundActions":[{"actionType":5,"fireAt":null}]}]]}`: "actions[0][0].compoundActions[0]: CreateTimer: fireAt is missing",
		`{"isDone":false,"actions":[[{"actionType":5,"fireAt":"noon"}]]}`:                                     "noon",
		`{"isDone":false,"actions":[[{"actionType":6}]]}`:                                                     "externalEventName is missing",
		`{"isDone":false,"actions":[[{"actionType":8}]]}`:                                                     "httpRequest is missing",
		`{"isDone":false,"actions":[[{"actionType":8,"httpRequest":{}}]]}`:                                    "httpRequest.uri is missing",
		`{"isDone":false,"actions":[[{"actionRef":0}]]}`:                                                      "actionRef is 0, but only 0 actions stand before it",
	}
	for raw, want := range cases {
		_, err := ParseResult([]byte(raw))
		require.ErrorContains(t, err, want, "%s", raw)
	}
	_, err := ParseResult([]byte(strings.Repeat("x", 10000)))
	require.Less(t, len(err.Error()), 400)
}

func TestParseFailure(t *testing.T) {
	t.Parallel()
	state := `{"isDone":false,"actions":[[{"actionType":0,"functionName":"A"}]],"schemaVersion":2`
	cases := []struct{ name, message, want string }{
		{"2.x", "false\n\n$OutOfProcData$:" + state + `,"error":"my reason"}`, "my reason"},
		{"with a stack behind it", "false\n\n$OutOfProcData$:" + state + `,"error":"my reason"}` + "\nStack: at x", "my reason"},
		{"wrapped", "Result: Failure\nException: false\n\n$OutOfProcData$:" + state + `,"error":"r"}`, "r"},
		{"no message in 2.x", "false\n\n$OutOfProcData$:" + state + `}`, noMessage},
		{"thrown text in 1.x", "just text\n\n$OutOfProcData$:" + state + `}`, "just text"},
		{"continueAsNew and then a throw", "false\n\n$OutOfProcData$:" + `{"isDone":true,"actions":[[{"actionType":4}]],"error":"after"}`, "after"},
		{"label in the user's own text", "a\n\n$OutOfProcData$:b\n\n$OutOfProcData$:" + state + `,"error":"a\n\n$OutOfProcData$:b"}`, "a\n\n$OutOfProcData$:b"},
		{"no generator in 2.x", "false\n\n$OutOfProcData$:" + state + `,"error":"this.generator.next is not a function"}`, "this.generator.next is not a function" + notGenerator},
		{"no generator in 1.x", "gen.next is not a function\n\n$OutOfProcData$:" + state + `}`, "gen.next is not a function" + notGenerator},
		{"label without lines before it", "$OutOfProcData$:" + state + `,"error":"r"}`, "r"},
	}
	for _, c := range cases {
		r, ok := ParseFailure(c.message)
		require.True(t, ok, c.name)
		require.True(t, r.Failed, c.name)
		require.False(t, r.IsDone, c.name)
		require.False(t, r.ContinuesAsNew(), c.name)
		require.Equal(t, c.want, r.Error, c.name)
	}
	for _, damaged := range []string{"", "{", "null x", `{"actions":[[{"actionType":77}]]}`} {
		r, ok := ParseFailure("false\n\n$OutOfProcData$:" + damaged)
		require.True(t, ok)
		require.True(t, r.Failed)
		require.NotEmpty(t, r.Error)
	}
	r, ok := ParseFailure("false\n\n$OutOfProcData$:" + state + `,"error":"Busy: no room","failureDetails":{"ErrorType":"Busy","ErrorMessage":"no room","IsNonRetriable":false,"Properties":{"code":7}}}`)
	require.True(t, ok)
	require.Equal(t, &history.FailureDetails{ErrorType: "Busy", ErrorMessage: "no room", Properties: json.RawMessage(`{"code":7}`)}, r.Failure)
	_, ok = ParseFailure("Cannot find module 'x'")
	require.False(t, ok)
}

func TestUnwrap(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"\"x\""`:         `"x"`,
		`"\"\\\"q\\\"\""`: `"\"q\""`,
		`"\"\""`:          `""`,
		`"plain"`:         `"plain"`,
		`"1"`:             `"1"`,
		`"null"`:          `"null"`,
		`"{}"`:            `"{}"`,
		`""`:              `""`,
		`5`:               `5`,
		`{"a":"\"x\""}`:   `{"a":"\"x\""}`,
		`null`:            `null`,
		``:                ``,
	} {
		require.Equal(t, want, string(unwrap(json.RawMessage(in))), "%s", in)
	}
	quoted := Action{Type: CallSubOrchestrator, Input: json.RawMessage(`"\"q\""`)}
	require.Equal(t, `"q"`, string(quoted.input(2)))
	require.Equal(t, `"\"q\""`, string(quoted.input(3)), "3.x encodes the input of a sub-orchestration once")
	require.Nil(t, text((&Action{Type: CallActivity}).input(2)))
}

func TestBuildPayload(t *testing.T) {
	t.Parallel()
	require.Equal(t, `{"history":[{"EventType":12}],"input":{"a":1},"instanceId":"i\"1","isReplaying":true,"parentInstanceId":"p",`+
		`"upperSchemaVersion":1,"upperSchemaVersionNew":3,`+
		`"longRunningTimerIntervalDuration":"3.00:00:00","maximumShortTimerDuration":"36500.00:00:00",`+
		`"defaultHttpAsyncRequestSleepTimeMillseconds":5000}`,
		string(BuildPayload(nil, PayloadInput{
			History: []byte(`[{"EventType":12}]`), Input: json.RawMessage(`{"a":1}`), InstanceID: `i"1`, ParentInstanceID: "p",
			IsReplaying: true, HTTPSleep: 5 * time.Second,
		})))
	bare := BuildPayload([]byte("before "), PayloadInput{InstanceID: "i"})
	require.Contains(t, string(bare), `before {"history":[],"input":null,"instanceId":"i","isReplaying":false,"parentInstanceId":null,`)
	require.Contains(t, string(bare), `"defaultHttpAsyncRequestSleepTimeMillseconds":30000}`)
}

func FuzzParseResult(f *testing.F) {
	f.Add([]byte(`{"isDone":false,"actions":[[{"actionType":11,"compoundActions":[{"actionType":0,"functionName":"A"},{"actionRef":0}]}]],"schemaVersion":2}`))
	f.Add([]byte(`{"isDone":true,"actions":[[{"actionType":4,"input":"x"}]],"schemaVersion":0,"error":"e"}`))
	f.Add([]byte(`{"isDone":false,"actions":[[{"actionType":8,"httpRequest":{"uri":"http://x"}},{"actionType":1,"functionName":"F","retryOptions":{}}]],"schemaVersion":2}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		ParseFailure("false\n\n" + failureLabel + string(raw))
		r, err := ParseResult(raw)
		if err != nil {
			return
		}
		o := New(Config{})
		d, err := o.Apply(epoch, nil, r)
		if err != nil || d.Outcome != Waiting {
			return
		}
		// Whatever it asked for, everything fails, then everything fires.
		for range 3 {
			arrived := outcomes(d)
			if chosen := o.Select(arrived); len(chosen) > 0 {
				o.Wakes(eventsOf(chosen))
				if d, err = o.Apply(epoch, eventsOf(chosen), r); err != nil {
					return
				}
			}
		}
	})
}
