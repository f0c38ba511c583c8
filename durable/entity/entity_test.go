package entity_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable/entity"
)

func TestID(t *testing.T) {
	t.Parallel()
	require.Equal(t, "@counter@Key", entity.ID{Name: "Counter", Key: "Key"}.String())
	for text, want := range map[string]entity.ID{
		"@Counter@a":    {Name: "counter", Key: "a"},
		"@counter@a@b/": {Name: "counter", Key: "a@b/"},
		"@counter@":     {Name: "counter"},
	} {
		got, err := entity.Parse(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for text, rule := range map[string]string{
		"counter": "not of the form", "@counter": "not of the form", "@@k": "has no name", "@c@\x01": "control character",
		"@c@\xff": "no valid UTF-8", "@c@" + strings.Repeat("x", entity.MaxLength): "longer than",
	} {
		_, err := entity.Parse(text)
		require.ErrorContains(t, err, rule, text)
	}
	require.ErrorContains(t, entity.ID{Name: "a@b", Key: "k"}.Validate(), "a name with '@'")
	require.Equal(t, []string{"@a@2", "@b@1", "@b@é"}, entity.LockOrder([]entity.ID{{Name: "B", Key: "é"}, {Name: "b", Key: "1"}, {Name: "A", Key: "2"}}))
}

// TestPayload compares with the value as the contract has it.
func TestPayload(t *testing.T) {
	t.Parallel()
	raw, err := entity.BuildPayload(entity.ID{Name: "Counter", Key: "k"}, entity.State{Exists: true, Value: json.RawMessage(`{"n":1}`)}, []entity.Operation{
		{Name: "add", Input: json.RawMessage(`"text"`), Signal: true}, {Name: "get", ID: "x:1"},
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"self":{"name":"counter","key":"k"},"exists":true,"state":"{\"n\":1}","batch":[
		{"name":"add","input":"\"text\"","isSignal":true},{"name":"get","input":null,"isSignal":false,"id":"x:1"}]}`, string(raw))
	raw, err = entity.BuildPayload(entity.ID{Name: "c"}, entity.State{}, nil)
	require.NoError(t, err)
	require.JSONEq(t, `{"self":{"name":"c","key":""},"exists":false,"state":null,"batch":[]}`, string(raw))
}

func TestResult(t *testing.T) {
	t.Parallel()
	r, err := entity.ParseResult([]byte(`{"entityExists":true,"entityState":"{\"n\":1}","results":[{"isError":false,"duration":1,"result":"5"},
		{"isError":false,"duration":0},{"isError":true,"duration":0,"result":"{\"name\":\"Error\",\"message\":\"no\",\"stack\":\"at x\"}","startTime":1}],
		"signals":[{"target":{"name":"Other","key":"k"},"name":"op","input":""},{"target":{"name":"o","key":"k"},"name":"op","input":"{\"a\":1}","requestId":"r","requestTime":7}]}`), 3)
	require.NoError(t, err)
	require.Equal(t, &entity.Result{
		State:   entity.State{Exists: true, Value: json.RawMessage(`{"n":1}`)},
		Results: []entity.OperationResult{{Value: json.RawMessage(`5`)}, {}, {Failed: true, Message: "no", Stack: "at x"}},
		Signals: []entity.Signal{{Target: entity.ID{Name: "Other", Key: "k"}, Name: "op"}, {Target: entity.ID{Name: "o", Key: "k"}, Name: "op", Input: json.RawMessage(`{"a":1}`)}},
	}, r)
	r, err = entity.ParseResult([]byte(`{"entityExists":false,"entityState":null,"results":[{"result":"1"},{"result":"2"}],"signals":[]}`), 1)
	require.NoError(t, err)
	require.Equal(t, &entity.Result{Results: []entity.OperationResult{{Value: json.RawMessage(`2`)}}}, r, "return was called twice")

	for raw, want := range map[string]string{
		``:                                     "returned nothing instead of the result of a batch; it must export",
		`"x"`:                                  `returned "x" instead of`,
		`{"isDone":true}`:                      "no result of a batch",
		`{"entityExists":1,"results":[]}`:      "reading the result",
		`{"entityExists":true,"results":[{}]}`: "1 results for 2 operations",
		`{"entityExists":true,"entityState":"x","results":[{},{}]}`:                                                             "state is not JSON",
		`{"entityExists":true,"results":[{},{"result":"x"}]}`:                                                                   "result of operation 1 of the batch is not JSON",
		`{"entityExists":true,"results":[{},{}],"signals":[{"target":{"name":"a","key":"b"},"name":"s","input":"not\u0020x"}]}`: "input of the signal 's' to @a@b is not JSON",
	} {
		_, err := entity.ParseResult([]byte(raw), 2)
		require.ErrorContains(t, err, want, raw)
	}
}

// TestMessages: what operations throw, as the SDKs write it.
func TestMessages(t *testing.T) {
	t.Parallel()
	for thrown, want := range map[string]string{
		`"{\"name\":\"TypeError\",\"message\":\"\",\"stack\":\"s\"}"`: "TypeError",
		`"\"just text\""`:         "just text",
		`"{\"code\":7}"`:          `{"code":7}`,
		`"{\"message\":\"own\"}"`: "own",
		`"{}"`:                    "the operation threw a value that has no message",
		`null`:                    "the operation threw a value that has no message",
		`"null"`:                  "the operation threw a value that has no message",
		`"42"`:                    "42",
		`"no json"`:               "no json",
	} {
		r, err := entity.ParseResult([]byte(`{"entityExists":false,"results":[{"isError":true,"result":`+thrown+`}]}`), 1)
		require.NoError(t, err)
		require.Equal(t, want, r.Results[0].Message, thrown)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	ok, none, failed := entity.Answer(json.RawMessage(`{"a":"b"}`)), entity.Answer(nil), entity.FailedAnswer(`it "failed"`)
	require.JSONEq(t, `{"result":"{\"a\":\"b\"}"}`, ok)
	require.JSONEq(t, `{"result":null}`, none)
	require.JSONEq(t, `{"result":"\"it \\\"failed\\\"\"","exceptionType":"Error"}`, failed)
	for input, want := range map[string]bool{ok: false, none: false, failed: true, "x": false} {
		require.Equal(t, want, entity.IsFailure(&input))
	}
	require.False(t, entity.IsFailure(nil))
	r := entity.Request{Operation: "add", ID: "x:1", LockSet: []entity.ID{{Name: "A", Key: "k"}}}
	text := r.Text()
	require.Equal(t, &r, entity.ParseRequest(&text))
	require.Nil(t, entity.ParseRequest(nil))
	bad := "{"
	require.Nil(t, entity.ParseRequest(&bad))
}
