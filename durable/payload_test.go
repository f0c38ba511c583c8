package durable_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
)

func at(second int) time.Time { return time.Date(2018, 3, 10, 10, 1, second, 123456700, time.UTC) }

func text(s string) *string { return &s }

// story is a history with one event of each form.
var story = []history.Event{
	{Type: history.OrchestratorStarted},
	{Type: history.ExecutionStarted, Name: "HelloWorld", Input: text(`{"a":1}`), OwnInstanceID: "one", ExecutionID: "x"},
	{Type: history.TaskScheduled, ID: 0, Name: "SayHello", Input: text(`["Tokyo"]`), Action: history.NoAction},
	{Type: history.SubOrchestrationCreated, ID: 1, Name: "Child", InstanceID: "one:1", Action: history.NoAction},
	{Type: history.TaskScheduled, ID: 2, Name: "Slow", Input: text(`"s"`), Action: 2},
	{Type: history.TimerCreated, ID: 3, FireAt: at(30), Action: history.NoAction},
	{Type: history.TaskScheduled, ID: 4, Name: "Break", Action: history.NoAction},
	{Type: history.OrchestratorCompleted},
	{Type: history.OrchestratorStarted},
	{Type: history.TaskCompleted, TaskID: 0, Result: text(`"Hello Tokyo!"`)},
	{Type: history.SubOrchestrationCompleted, TaskID: 1},
	{Type: history.TaskFailed, TaskID: 4, Reason: "broken", Details: "where"},
	{Type: history.TimerFired, TaskID: 3, FireAt: at(30)},
	{Type: history.EventRaised, Name: "Approval", Input: text(`true`)},
	{Type: history.EventSent, ID: 5, Name: "Ping", InstanceID: "two", Action: history.NoAction},
	{Type: history.ExecutionSuspended, Reason: "hold"},
	{Type: history.ExecutionResumed, Reason: ""},
	{Type: history.GenericEvent, Data: "Rewound: put right"},
	{Type: history.OrchestratorCompleted},
	{Type: history.ExecutionCompleted, Status: int(durable.Completed), Result: text(`not JSON`)},
}

func stored() []json.RawMessage {
	var out []json.RawMessage
	for i, e := range story {
		e.Timestamp = at(i)
		out = append(out, e.AppendJSON(nil, true))
	}
	return out
}

func TestPayload(t *testing.T) {
	t.Parallel()
	st := &durable.Status{
		Name: "HelloWorld", InstanceID: "one", RuntimeStatus: durable.Terminated, CreatedTime: at(1), LastUpdated: at(2).In(time.FixedZone("", 3600)),
		Input: json.RawMessage(`{"a":1}`), Output: json.RawMessage(`it was time`), History: stored(),
	}
	render := func(opts durable.PayloadOptions) string {
		p, err := st.Payload(opts)
		require.NoError(t, err)
		raw, err := json.Marshal(p)
		require.NoError(t, err)
		return string(raw)
	}
	require.Equal(t, `{"name":"HelloWorld","instanceId":"one","runtimeStatus":"Terminated","input":{"a":1},"customStatus":null,"output":"it was time",`+
		`"createdTime":"2018-03-10T10:01:01Z","lastUpdatedTime":"2018-03-10T10:01:02Z"}`, render(durable.PayloadOptions{}))
	require.Contains(t, render(durable.PayloadOptions{HideInput: true}), `"input":null`)

	var both struct{ HistoryEvents, History []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(render(durable.PayloadOptions{History: true})), &both))
	require.NotEmpty(t, both.History)
	require.Equal(t, both.HistoryEvents, both.History)

	st.RuntimeStatus = durable.Pending
	require.NotContains(t, render(durable.PayloadOptions{History: true}), "istory", "a pending instance has no history")
	st.RuntimeStatus, st.History = durable.Running, []json.RawMessage{json.RawMessage(`{}`)}
	_, err := st.Payload(durable.PayloadOptions{History: true})
	require.ErrorContains(t, err, "instance 'one': history event 0")
}

func TestHistoryPayload(t *testing.T) {
	t.Parallel()
	render := func(opts durable.PayloadOptions) []string {
		opts.History = true
		p, err := (&durable.Status{RuntimeStatus: durable.Completed, History: stored()}).Payload(opts)
		require.NoError(t, err)
		var lines []string
		for _, e := range p.HistoryEvents {
			raw, err := json.Marshal(e)
			require.NoError(t, err)
			lines = append(lines, string(raw))
		}
		return lines
	}
	const day = "2018-03-10T10:01:"
	require.Equal(t, []string{
		`{"EventType":"ExecutionStarted","Timestamp":"` + day + `01.1234567Z","FunctionName":"HelloWorld","Input":"{\"a\":1}"}`,
		`{"EventType":"TaskScheduled","Timestamp":"` + day + `04.1234567Z","Name":"Slow","Input":"\"s\""}`,
		`{"EventType":"TimerCreated","Timestamp":"` + day + `05.1234567Z","FireAt":"` + day + `30.1234567Z"}`,
		`{"EventType":"TaskCompleted","Timestamp":"` + day + `09.1234567Z","Result":"Hello Tokyo!","ScheduledTime":"` + day + `02.1234567Z","FunctionName":"SayHello","Input":"[\"Tokyo\"]"}`,
		`{"EventType":"SubOrchestrationInstanceCompleted","Timestamp":"` + day + `10.1234567Z","Result":null,"ScheduledTime":"` + day + `03.1234567Z","FunctionName":"Child","Input":null}`,
		`{"EventType":"TaskFailed","Timestamp":"` + day + `11.1234567Z","Reason":"broken","Details":"where","ScheduledTime":"` + day + `06.1234567Z","FunctionName":"Break","Input":null}`,
		`{"EventType":"TimerFired","Timestamp":"` + day + `12.1234567Z","FireAt":"` + day + `30.1234567Z"}`,
		`{"EventType":"EventRaised","Timestamp":"` + day + `13.1234567Z","Name":"Approval","Input":"true"}`,
		`{"EventType":"EventSent","Timestamp":"` + day + `14.1234567Z","Name":"Ping","InstanceId":"two","Input":null}`,
		`{"EventType":"ExecutionSuspended","Timestamp":"` + day + `15.1234567Z","Reason":"hold"}`,
		`{"EventType":"ExecutionResumed","Timestamp":"` + day + `16.1234567Z","Reason":""}`,
		`{"EventType":"GenericEvent","Timestamp":"` + day + `17.1234567Z","Data":"Rewound: put right"}`,
		`{"EventType":"ExecutionCompleted","Timestamp":"` + day + `19.1234567Z","OrchestrationStatus":"Completed","Result":"not JSON"}`,
	}, render(durable.PayloadOptions{HistoryOutput: true}))

	for _, line := range render(durable.PayloadOptions{HideInput: true}) {
		require.NotContains(t, line, `"Input"`)
		require.NotContains(t, line, `"Result"`)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	s := &stub{status: &durable.Status{InstanceID: "one", History: stored()}}
	events, err := durable.NewClient(s, durable.ClientConfig{}).History(t.Context(), "one")
	require.NoError(t, err)
	require.Len(t, events, len(story))
	require.Equal(t, "SayHello", events[2].Name)
	s.status.History[1] = json.RawMessage(`{"EventType":99}`)
	_, err = durable.NewClient(s, durable.ClientConfig{}).History(t.Context(), "one")
	require.ErrorContains(t, err, "history event 1")
}
