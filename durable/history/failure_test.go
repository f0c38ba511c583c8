package history_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable/history"
)

// What is known of a failure survives both stored forms.
func TestFailureDetails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failure *history.FailureDetails
		want    string
	}{
		"unknown": {nil, `null`},
		"plain": {
			&history.FailureDetails{ErrorType: "CardDeclined", ErrorMessage: "no <money> & \"credit\"\n"},
			`{"ErrorType":"CardDeclined","ErrorMessage":"no <money> & \"credit\"\n","IsNonRetriable":false,"InnerFailure":null}`,
		},
		"all": {
			&history.FailureDetails{
				ErrorType: "Outer", ErrorMessage: "outer", StackTrace: "at x", IsNonRetriable: true, Properties: json.RawMessage(`{"code":7}`),
				InnerFailure: &history.FailureDetails{ErrorType: "Inner", ErrorMessage: "inner"},
			},
			`{"ErrorType":"Outer","ErrorMessage":"outer","StackTrace":"at x","IsNonRetriable":true,"Properties":{"code":7},
				"InnerFailure":{"ErrorType":"Inner","ErrorMessage":"inner","IsNonRetriable":false,"InnerFailure":null}}`,
		},
	} {
		for _, typ := range []history.EventType{history.TaskFailed, history.SubOrchestrationFailed} {
			t.Run(name+"/"+typ.String(), func(t *testing.T) {
				t.Parallel()
				ev := history.Event{
					Type: typ, ID: -1, Timestamp: time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC), TaskID: 7, Reason: "no", Failure: c.failure, Action: history.NoAction,
				}
				for form, raw := range map[string][]byte{"wire": ev.AppendJSON(nil, true), "lean": ev.AppendLean(nil)} {
					got, err := history.Decode(raw)
					require.NoError(t, err)
					require.Equal(t, ev, got, form)
					var fields map[string]json.RawMessage
					require.NoError(t, json.Unmarshal(raw, &fields))
					require.JSONEq(t, c.want, string(fields["FailureDetails"]), form)
				}
			})
		}
	}
}

// Other types have no failure, whatever the stored form says.
func TestFailureDetailsOfOtherTypes(t *testing.T) {
	t.Parallel()
	ev, err := history.Decode([]byte(`{"EventType":5,"TaskScheduledId":1,"Timestamp":"2026-11-24T01:02:03Z","FailureDetails":{"ErrorType":"X"}}`))
	require.NoError(t, err)
	require.Nil(t, ev.Failure)
	_, err = history.Decode([]byte(`{"EventType":6,"TaskScheduledId":1,"Timestamp":"2026-11-24T01:02:03Z","FailureDetails":7}`))
	require.ErrorContains(t, err, "FailureDetails")
}
