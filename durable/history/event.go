// Package history is the record of an orchestration: its events and their codec. The stored form of an event is its wire form: the JSON
// object that the JavaScript SDKs read (PascalCase keys, numeric EventType; Azure/durabletask DurableTask.Core/History), so a history is
// handed to a worker by joining bytes.
package history

import (
	"encoding/json"
	"time"
)

// EventType is the kind of a history event; the numbers are those of the wire (DurableTask.Core/History/EventType.cs).
type EventType int

// The event types.
const (
	ExecutionStarted EventType = iota
	ExecutionCompleted
	ExecutionFailed
	ExecutionTerminated
	TaskScheduled
	TaskCompleted
	TaskFailed
	SubOrchestrationCreated
	SubOrchestrationCompleted
	SubOrchestrationFailed
	TimerCreated
	TimerFired
	OrchestratorStarted
	OrchestratorCompleted
	EventSent
	EventRaised
	ContinueAsNew
	GenericEvent
	HistoryState
	ExecutionSuspended
	ExecutionResumed
	ExecutionRewound
)

// RuntimeGo says that an execution's history is that of an orchestrator in Go, whose protocol is package inproc's.
const RuntimeGo = "go"

// NoAction is Event.Action of an event that belongs to no action of the orchestrator.
const NoAction = -1

// Event is one history event. Which fields have a meaning depends on Type; the others are zero.
type Event struct {
	Type      EventType
	ID        int // EventId: the task id of scheduling events, else -1
	Timestamp time.Time

	// TaskID is TaskScheduledId of completions, TimerId of TimerFired.
	TaskID int
	// Name is the function's or the event's name.
	Name    string
	Version string
	// InstanceID is the target of SubOrchestrationCreated and EventSent.
	InstanceID string
	// Input is the input, event data, or reason of Terminated as text of JSON; nil: null.
	Input *string
	// Result is the result as text of JSON; nil: null. It is always written.
	Result *string
	// Reason and Details describe a failure (both always written for failures); Reason also that of Suspended, Resumed, Rewound
	// and of a GenericEvent that took the place of a rewound event.
	Reason, Details string
	// Failure describes a failure further; nil: null. For failures only.
	Failure *FailureDetails
	// Status is OrchestrationStatus of ExecutionCompleted: a number of durable.RuntimeStatus.
	Status int
	FireAt time.Time
	// Data is that of a GenericEvent.
	Data string

	// ExecutionID is this run of the instance, in ExecutionStarted (OrchestrationInstance.ExecutionId); OwnInstanceID goes with it.
	ExecutionID   string
	OwnInstanceID string
	// Parent is set in ExecutionStarted of a sub-orchestration.
	Parent *ParentInstance
	// Runtime is RuntimeGo in the ExecutionStarted of an orchestrator that is a Go function of the host. It is stored as "DurangoRuntime".
	Runtime string

	// Action is, in a scheduling event, the index of the action that it belongs to in the orchestrator's flattened list of actions;
	// in an EventRaised, that of the wait which got the event; NoAction for none. It is stored as "DurangoAction", which the SDKs
	// ignore. Package replay needs it to take up an orchestration from its stored history, because the attempts of a retry share one
	// action. Other types do not store it.
	Action int
}

// FailureDetails describe the failure of an activity or a sub-orchestration (Azure/durabletask DurableTask.Core/FailureDetails.cs:272-297).
type FailureDetails struct {
	ErrorType      string
	ErrorMessage   string
	StackTrace     string `json:",omitempty"`
	IsNonRetriable bool
	InnerFailure   *FailureDetails
	// Properties are what the user's code tells about its error, a JSON object; nil: nothing.
	Properties json.RawMessage `json:",omitempty"`
}

// ParentInstance names the orchestration that waits for this one.
type ParentInstance struct {
	Name            string
	InstanceID      string
	ExecutionID     string
	TaskScheduledID int
}
