// Package replay speaks the out-of-process orchestration protocol of the JavaScript SDKs: it decides which events an episode shows
// to the SDK, and turns the SDK's cumulative list of actions into history events with the task ids that the SDK will count by itself. It is pure: no I/O, no
// clock, no goroutines.
package replay

import (
	"encoding/json"
	"time"

	"github.com/durango-functions/durango/durable/history"
)

// Decisions are what an episode decided, with history events and effects in agreement.
type Decisions struct {
	// Events are the scheduling events to append after the shown events, in order.
	Events           []history.Event
	Activities       []Activity
	Timers           []Timer
	CancelTimers     []int // ids of timers that the orchestrator cancelled
	SubOrchestration []SubOrchestration
	// Requests are messages to entities, in order.
	Requests []EntityRequest
	// Followups are completions that the protocol itself produces (such as the remaining failures of a retry whose retryTimeout has
	// ended); the engine takes them as newly arrived events.
	Followups []history.Event

	CustomStatus json.RawMessage // nil: not set by this execution so far

	// Outcome tells whether the execution goes on.
	Outcome Outcome
	// Output is the result of a Completed outcome (nil: none); NewInput the input of a ContinuedAsNew one.
	Output   json.RawMessage
	NewInput json.RawMessage
	// FailureReason is the SDK's error text of a Failed outcome.
	FailureReason string
	// Failure describes it further; nil: nothing more is known.
	Failure *history.FailureDetails
}

// Outcome is how an episode ended.
type Outcome int

// The outcomes.
const (
	Waiting Outcome = iota // the orchestrator awaits something
	Completed
	ContinuedAsNew
	Failed
)

// Activity asks for one attempt of an activity. HTTP calls are activities named HTTPActivityName.
type Activity struct {
	ID    int
	Name  string
	Input json.RawMessage // nil: none
}

// HTTPActivityName is the name under which callHttp stands in the history (azure-functions-durable-extension Options/HttpOptions.cs:14).
const HTTPActivityName = "BuiltIn::HttpActivity"

// Timer asks for a TimerFired at FireAt.
type Timer struct {
	ID     int
	FireAt time.Time
}

// SubOrchestration asks for the start of a sub-orchestration.
type SubOrchestration struct {
	ID         int
	Name       string
	InstanceID string // "": the engine makes one: <parent execution ID>:<ID>
	Version    string // "": that of the caller
	Input      json.RawMessage
}

// Result is what the SDK handed back from one replay (azure-functions-durable-extension Listener/OutOfProcOrchestrationShim.cs:281-302).
type Result struct {
	IsDone bool
	// Failed is true for the failure form; Error is then its text.
	Failed        bool
	Error         string
	Actions       [][]Action
	Output        json.RawMessage // nil: absent
	CustomStatus  json.RawMessage // nil: absent
	SchemaVersion int
	// Failure describes the failure further, if the SDK knows more; nil: it does not.
	Failure *history.FailureDetails
}

// ContinuesAsNew reports whether the orchestrator starts anew.
func (r *Result) ContinuesAsNew() bool {
	if r.Failed || !r.IsDone {
		return false
	}
	for _, list := range r.Actions {
		for i := range list {
			if list[i].Ref == nil && list[i].Type == ContinueAsNewAction {
				return true
			}
		}
	}
	return false
}
