package replay

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// plainResults are results as the SDKs write them, which the scanner reads.
var plainResults = []string{
	`{"isDone":false,"actions":[[]]}`,
	`{"isDone":false,"actions":[[]],"schemaVersion":2}`,
	`{"isDone":true,"actions":[[{"actionType":0,"functionName":"SayHello","input":"\"Tokyo\""},{"actionRef":0}]],"output":["é \u00e9",-1.5e+3,{"a":null}],"schemaVersion":2}`,
	`{"isDone":false,"actions":[[{"actionType":12,"compoundActions":[{"actionType":0,"functionName":"A","input":1},{"actionType":11,"compoundActions":[]},{"actionType":5,"fireAt":"2026-11-24T01:02:03.004Z","isCanceled":true}]}]],"customStatus":{"x":[true,false]},"schemaVersion":2}`,
	`{"isDone":false,"actions":[[{"actionType":6,"externalEventName":"go","reason":"ExternalEvent"},{"actionType":2,"functionName":"Sub","instanceId":"i","input":null}]],"schemaVersion":1}`,
	`{"isDone":false,"actions":[[{"actionType":1,"functionName":"A","retryOptions":{"firstRetryIntervalInMilliseconds":1,"maxNumberOfAttempts":3},"input":{}}],[{"actionType":0,"functionName":"B"}]]}`,
	`{"isDone":false,"actions":[[{"actionType":9,"instanceId":"@counter@a","operation":"add","input":1},{"actionType":2,"functionName":"Sub","version":"2"}]],"schemaVersion":3}`,
	`{"isDone":false,"actions":[[{"actionType":8,"httpRequest":{"method":"GET","uri":"http://x"}}]],"schemaVersion":2}`,
}

func TestScannerReadsWhatTheSDKsWrite(t *testing.T) {
	t.Parallel()
	for _, raw := range plainResults {
		var scanned, want wireResult
		require.True(t, scanned.parsePlain([]byte(raw)), raw)
		require.NoError(t, json.Unmarshal([]byte(raw), &want))
		require.Equal(t, normal(t, &want), normal(t, &scanned), raw)
	}
}

func TestScannerLeavesTheRestToOthers(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		``, `{`, `[]`, `{"isDone":true`, `{"isDone":true}x`, `{"isDone":true,}`, `{"isDone":1}`, `{"actions":[[]]}`,
		`{"IsDone":true}`, `{"isDone":true,"other":1}`, ` {"isDone":true}`, `{"isDone": true}`,
		`{"isDone":true,"output":01}`, `{"isDone":true,"output":"\x"}`, `{"isDone":true,"output":"\u12g4"}`, "{\"isDone\":true,\"output\":\"a\nb\"}",
		`{"isDone":true,"output":nul}`, `{"isDone":true,"output":}`, `{"isDone":true,"output":"`, `{"isDone":true,"output":"\`,
		`{"isDone":true,"schemaVersion":4}`, `{"isDone":true,"schemaVersion":"V2"}`, `{"isDone":true,"actions":[[{"actionType":99}]]}`,
		`{"isDone":true,"actions":[[{"actionType":"CallActivity"}]]}`, `{"isDone":true,"actions":[[{"actionType":00}]]}`,
		`{"isDone":true,"actions":[[{"actionType":0,"functionName":"a\"b"}]]}`, `{"isDone":true,"actions":[[{"actionType":5,"fireAt":"soon"}]]}`,
	} {
		require.False(t, new(wireResult).parsePlain([]byte(raw)), raw)
	}
}

// FuzzParseResult compares the scanner with encoding/json.
func FuzzScanner(f *testing.F) {
	for _, raw := range plainResults {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var scanned, want wireResult
		if !scanned.parsePlain(raw) {
			return
		}
		require.NoError(t, json.Unmarshal(raw, &want))
		require.Equal(t, normal(t, &want), normal(t, &scanned))
	})
}

// normal is the result as the engine sees it.
func normal(t *testing.T, w *wireResult) string {
	t.Helper()
	r, err := w.result()
	if err != nil {
		return "error: " + err.Error()
	}
	text, err := json.Marshal(r)
	require.NoError(t, err)
	return string(text)
}

func TestUnwrapOfPlainStrings(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`"\"x\""`: `"x"`, `"\"\""`: `""`, `"x"`: `"x"`, `""`: `""`, `"\"x"`: `"\"x"`, `"\"\u00e9 é\""`: `"é é"`, `"\"a\\\"b\""`: `"a\"b"`, `"\"a\"b\""`: `"\"a\"b\""`,
		`"\"`: `"\"`, `"\"\`: `"\"\`, `5`: `5`, `{"a":"\"x\""}`: `{"a":"\"x\""}`, `"5"`: `"5"`,
	} {
		require.Equal(t, want, string(unwrap(json.RawMessage(raw))), raw)
	}
}
