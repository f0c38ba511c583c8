package history

import "fmt"

var typeNames = [...]string{
	ExecutionStarted:          "ExecutionStarted",
	ExecutionCompleted:        "ExecutionCompleted",
	ExecutionFailed:           "ExecutionFailed",
	ExecutionTerminated:       "ExecutionTerminated",
	TaskScheduled:             "TaskScheduled",
	TaskCompleted:             "TaskCompleted",
	TaskFailed:                "TaskFailed",
	SubOrchestrationCreated:   "SubOrchestrationInstanceCreated",
	SubOrchestrationCompleted: "SubOrchestrationInstanceCompleted",
	SubOrchestrationFailed:    "SubOrchestrationInstanceFailed",
	TimerCreated:              "TimerCreated",
	TimerFired:                "TimerFired",
	OrchestratorStarted:       "OrchestratorStarted",
	OrchestratorCompleted:     "OrchestratorCompleted",
	EventSent:                 "EventSent",
	EventRaised:               "EventRaised",
	ContinueAsNew:             "ContinueAsNew",
	GenericEvent:              "GenericEvent",
	HistoryState:              "HistoryState",
	ExecutionSuspended:        "ExecutionSuspended",
	ExecutionResumed:          "ExecutionResumed",
	ExecutionRewound:          "ExecutionRewound",
}

// String returns the name that the HTTP management API shows (Azure/durabletask DurableTask.Core/History/EventType.cs).
func (t EventType) String() string {
	if !t.IsKnown() {
		return fmt.Sprintf("EventType(%d)", int(t))
	}
	return typeNames[t]
}

// IsKnown reports whether t is one of the event types above.
func (t EventType) IsKnown() bool { return t >= 0 && int(t) < len(typeNames) }

// IsScheduling reports whether events of this type carry a task id of their own in Event.ID.
func (t EventType) IsScheduling() bool {
	return t == TaskScheduled || t == SubOrchestrationCreated || t == TimerCreated || t == EventSent
}

// hasAction reports whether Event.Action is stored.
func (t EventType) hasAction() bool { return t.IsScheduling() || t == EventRaised }

// IsCompletion reports whether events of this type complete the task with id Event.TaskID.
func (t EventType) IsCompletion() bool {
	switch t {
	case TaskCompleted, TaskFailed, SubOrchestrationCompleted, SubOrchestrationFailed, TimerFired:
		return true
	default:
		return false
	}
}
