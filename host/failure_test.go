package host

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/worker"
)

// What an exception properties provider of durable-functions 3.x tells of an activity's error reaches the history; other messages stay texts.
func TestReportedFailure(t *testing.T) {
	t.Parallel()
	outcome := func(message string) *engine.TaskFailure {
		_, err := activityOutcome(t.Context(), "Pay", nil, &worker.FunctionError{Message: message, Stack: "a stack"})
		var failure *engine.TaskFailure
		require.ErrorAs(t, err, &failure)
		return failure
	}
	reported := outcome(`{"errorType":"Declined","errorMessage":"no money","isNonRetriable":true,"properties":{"code":7},"stackTrace":"Declined: no money\n at x"}`)
	require.Equal(t, &engine.TaskFailure{
		Reason: "Activity function 'Pay' failed: no money", Details: "a stack",
		Failure: &history.FailureDetails{
			ErrorType: "Declined", ErrorMessage: "no money", StackTrace: "Declined: no money\n at x", IsNonRetriable: true, Properties: json.RawMessage(`{"code":7}`),
		},
	}, reported)
	for _, message := range []string{
		"plain", "{", `{"a":1}`, `{"errorType":"T","errorMessage":"m"}`, `{"errorType":"T","errorMessage":"m","isNonRetriable":false}`,
		`{"errorType":7,"errorMessage":"m","isNonRetriable":false,"properties":{}}`, `{"errorMessage":"m","isNonRetriable":false,"properties":{}}`,
		`{"errorType":"T","errorMessage":"m","isNonRetriable":false,"properties":[]} tail`,
	} {
		require.Equal(t, &engine.TaskFailure{Reason: "Activity function 'Pay' failed: " + message, Details: "a stack"}, outcome(message), message)
	}
}
