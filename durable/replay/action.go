package replay

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable/entity"
)

// ActionType is the kind of an Action; the numbers are those of the wire.
type ActionType int

// The action types (azure-functions-durable-extension Listener/OutOfProcOrchestrationShim.cs:44-59; the last two are of
// durable-functions 3.x).
const (
	CallActivity ActionType = iota
	CallActivityWithRetry
	CallSubOrchestrator
	CallSubOrchestratorWithRetry
	ContinueAsNewAction
	CreateTimer
	WaitForExternalEvent
	CallEntity
	CallHTTP
	SignalEntity
	ScheduledSignalEntity
	WhenAny
	WhenAll
	LockEntities
	ReleaseEntities
)

var actionNames = [...]string{
	"CallActivity", "CallActivityWithRetry", "CallSubOrchestrator", "CallSubOrchestratorWithRetry", "ContinueAsNew", "CreateTimer",
	"WaitForExternalEvent", "CallEntity", "CallHttp", "SignalEntity", "ScheduledSignalEntity", "WhenAny", "WhenAll", "LockEntities",
	"ReleaseEntities",
}

func (t ActionType) String() string {
	if t < 0 || int(t) >= len(actionNames) {
		return fmt.Sprintf("ActionType(%d)", int(t))
	}
	return actionNames[t]
}

// Action is one entry of the SDK's list of actions (durable-functions lib/src/actions/*.js). Which fields have a meaning depends on
// Type; the others are zero.
type Action struct {
	Type ActionType
	// Ref, when set, says that this entry is the same task as the leaf with that index; nothing else is set then. Leaves are counted
	// in pre-order over the whole list, without entries that have a Ref.
	Ref *int

	FunctionName      string
	Input             json.RawMessage // nil: absent
	RetryOptions      *RetryOptions
	InstanceID        string
	Version           string
	FireAt            time.Time
	IsCanceled        bool
	ExternalEventName string
	Operation         string
	HTTPRequest       json.RawMessage
	CompoundActions   []Action // of WhenAny and WhenAll
	// LockRequestID and LockSet are those of LockEntities.
	LockRequestID string
	LockSet       []entity.ID
}

// RetryOptions are those of the retrying calls (azure-functions-durable-extension RetryOptionsConverter.cs), in the numbers of the wire.
type RetryOptions struct {
	FirstRetryIntervalInMilliseconds float64  `json:"firstRetryIntervalInMilliseconds"`
	MaxNumberOfAttempts              *float64 `json:"maxNumberOfAttempts"` // nil: no end
	BackoffCoefficient               float64  `json:"backoffCoefficient"`  // 0: 1
	MaxRetryIntervalInMilliseconds   float64  `json:"maxRetryIntervalInMilliseconds"`
	RetryTimeoutInMilliseconds       float64  `json:"retryTimeoutInMilliseconds"`
}

// isCompound reports whether the action has parts instead of being a leaf.
func (a *Action) isCompound() bool { return a.Type == WhenAny || a.Type == WhenAll }

// takesID reports whether the SDK counts a task id for the leaf when it is first yielded.
func (a *Action) takesID() bool {
	return a.Type != WaitForExternalEvent && a.Type != ContinueAsNewAction
}

// String describes the action for a person.
func (a *Action) String() string {
	switch a.Type {
	case CallActivity, CallActivityWithRetry:
		return fmt.Sprintf("%s %q", a.Type, a.FunctionName)
	case CallSubOrchestrator, CallSubOrchestratorWithRetry:
		if a.InstanceID != "" {
			return fmt.Sprintf("%s %q with instance ID %q", a.Type, a.FunctionName, a.InstanceID)
		}
		return fmt.Sprintf("%s %q", a.Type, a.FunctionName)
	case CreateTimer:
		return fmt.Sprintf("%s for %s", a.Type, a.FireAt.UTC().Format(time.RFC3339Nano))
	case WaitForExternalEvent:
		return fmt.Sprintf("%s %q", a.Type, a.ExternalEventName)
	case CallEntity, SignalEntity, ScheduledSignalEntity:
		return fmt.Sprintf("%s %q, operation %q", a.Type, a.InstanceID, a.Operation)
	default:
		return a.Type.String()
	}
}

// same reports whether a replay may ask for b where a was recorded. Inputs are not compared: the recorded one counts.
func (a *Action) same(b *Action) bool {
	if a.Type != b.Type || !strings.EqualFold(a.FunctionName, b.FunctionName) || a.ExternalEventName != b.ExternalEventName ||
		a.Operation != b.Operation || len(a.LockSet) != len(b.LockSet) {
		return false
	}
	return b.InstanceID == "" || strings.EqualFold(a.InstanceID, b.InstanceID)
}
