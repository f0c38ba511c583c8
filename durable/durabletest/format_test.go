package durabletest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/durabletest"
	"github.com/durango-functions/durango/durable/history"
)

func text(s string) *string { return &s }

func TestFormat(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC)
	events := []history.Event{
		{Type: history.OrchestratorStarted},
		{Type: history.ExecutionStarted, Name: "Order", Version: "2", Input: text(`{"a":1}`), Parent: &history.ParentInstance{InstanceID: "p", TaskScheduledID: 3}},
		{Type: history.TaskScheduled, ID: 0, Name: "Charge"},
		{Type: history.OrchestratorCompleted},
		{Type: history.TaskFailed, TaskID: 0, Reason: "no\nmoney", Failure: &history.FailureDetails{ErrorType: "T", IsNonRetriable: true}},
		{Type: history.TaskFailed, TaskID: 0, Reason: "no"},
		{Type: history.TimerCreated, ID: 1, FireAt: at.Add(90 * time.Minute)},
		{Type: history.TimerFired, TaskID: 1},
		{Type: history.SubOrchestrationCreated, ID: 2, Name: "Ship", InstanceID: "s", Version: "3", Input: text("1")},
		{Type: history.SubOrchestrationFailed, TaskID: 2, Reason: "lost", Failure: &history.FailureDetails{ErrorType: "Lost"}},
		{Type: history.SubOrchestrationCompleted, TaskID: 2, Result: text("[\n1]")},
		{Type: history.EventSent, ID: 3, Name: "Audit", InstanceID: "a"},
		{Type: history.EventRaised, Name: "E"},
		{Type: history.ExecutionSuspended, Reason: "wait"},
		{Type: history.ExecutionResumed},
		{Type: history.GenericEvent, Data: "x", Reason: "Rewound: TaskFailed"},
		{Type: history.ExecutionTerminated, Input: text(`"enough"`)},
		{Type: history.ExecutionCompleted, Status: int(durable.Terminated), Result: text(`"enough"`)},
	}
	for i := range events {
		events[i].Timestamp = at.Add(time.Duration(i-1) * time.Second)
	}
	const want = `0s   ExecutionStarted Order version 2 for #3 of p {"a":1}
1s   TaskScheduled #0 Charge
3s   TaskFailed #0 no\nmoney (T, not retriable)
4s   TaskFailed #0 no
5s   TimerCreated #1 until 1h30m0s
6s   TimerFired #1
7s   SubOrchestrationInstanceCreated #2 Ship version 3 as s 1
8s   SubOrchestrationInstanceFailed #2 lost (Lost)
9s   SubOrchestrationInstanceCompleted #2 [\n1]
10s  EventSent #3 Audit as a
11s  EventRaised E
12s  ExecutionSuspended wait
13s  ExecutionResumed
14s  GenericEvent Rewound: TaskFailed x
15s  ExecutionTerminated "enough"
16s  ExecutionCompleted Terminated "enough"
`
	require.Equal(t, want, durabletest.Format(events))
	require.Empty(t, durabletest.Format(nil))
	require.Equal(t, "0s  EventRaised E\n", durabletest.Format([]history.Event{{Type: history.EventRaised, Name: "E", Timestamp: at}}))

	back, err := durabletest.UnmarshalHistory(durabletest.MarshalHistory(events))
	require.NoError(t, err)
	require.Equal(t, want, durabletest.Format(back), "the stored form has all of it")
	require.True(t, json.Valid(durabletest.MarshalHistory(nil)))
}
