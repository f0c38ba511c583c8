package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// wire is the union of the fields of all event types.
type wire struct {
	EventType             *int
	EventID               *int `json:"EventId"`
	Timestamp             *time.Time
	TaskScheduledID       *int `json:"TaskScheduledId"`
	TimerID               *int `json:"TimerId"`
	Name                  string
	Version               string
	InstanceID            string `json:"InstanceId"`
	Input                 *string
	Result                *string
	Reason                string
	Details               string
	OrchestrationStatus   int
	FireAt                time.Time
	Data                  string
	OrchestrationInstance wireInstance
	ParentInstance        *wireParent
	ParentExecutionID     string `json:"ParentExecutionId"`
	FailureDetails        *FailureDetails
	DurangoRuntime        string
	DurangoAction         *int
}

type wireInstance struct {
	InstanceID  string `json:"InstanceId"`
	ExecutionID string `json:"ExecutionId"`
}

type wireParent struct {
	Name                  string
	OrchestrationInstance wireInstance
	TaskScheduleID        int `json:"TaskScheduleId"`
}

// Decode reads an event from its wire form. Fields that the event's type does not have are ignored. The error quotes the beginning of
// raw.
func Decode(raw []byte) (Event, error) {
	var w wire
	if err := json.Unmarshal(raw, &w); err != nil {
		return Event{}, fmt.Errorf("decoding history event %s: %w", excerpt(raw), err)
	}
	switch {
	case w.EventType == nil:
		return Event{}, fmt.Errorf("decoding history event %s: EventType is missing", excerpt(raw))
	case !EventType(*w.EventType).IsKnown():
		return Event{}, fmt.Errorf("decoding history event %s: EventType %d is unknown; the known ones are 0 to %d", excerpt(raw), *w.EventType, len(typeNames)-1)
	case w.Timestamp == nil:
		return Event{}, fmt.Errorf("decoding history event %s: Timestamp is missing", excerpt(raw))
	}
	e, missing := w.event()
	if missing != "" {
		return Event{}, fmt.Errorf("decoding history event %s: %s is missing in a %s", excerpt(raw), missing, e.Type)
	}
	return e, nil
}

// event picks the fields that the type has; missing names a required one that is absent.
func (w *wire) event() (e Event, missing string) {
	e = Event{Type: EventType(*w.EventType), ID: -1, Timestamp: w.Timestamp.UTC(), Action: NoAction}
	if w.EventID != nil {
		e.ID = *w.EventID
	}
	if e.Type.IsScheduling() && w.EventID == nil {
		return e, "EventId"
	}
	if e.Type.hasAction() && w.DurangoAction != nil {
		e.Action = *w.DurangoAction
	}
	if e.Type.IsCompletion() {
		id, name := w.TaskScheduledID, "TaskScheduledId"
		if e.Type == TimerFired {
			id, name = w.TimerID, "TimerId"
		}
		if id == nil {
			return e, name
		}
		e.TaskID = *id
	}
	w.pick(&e)
	return e, ""
}

func (w *wire) pick(e *Event) {
	switch e.Type {
	case ExecutionStarted:
		e.Name, e.Version, e.Input, e.Runtime = w.Name, w.Version, w.Input, w.DurangoRuntime
		e.OwnInstanceID, e.ExecutionID = w.OrchestrationInstance.InstanceID, w.OrchestrationInstance.ExecutionID
		if p := w.ParentInstance; p != nil {
			e.Parent = &ParentInstance{
				Name:            p.Name,
				InstanceID:      p.OrchestrationInstance.InstanceID,
				ExecutionID:     p.OrchestrationInstance.ExecutionID,
				TaskScheduledID: p.TaskScheduleID,
			}
		}
	case ExecutionCompleted, ContinueAsNew:
		e.Status, e.Result = w.OrchestrationStatus, w.Result
	case ExecutionTerminated:
		e.Input = w.Input
	case TaskScheduled:
		e.Name, e.Version, e.Input = w.Name, w.Version, w.Input
	case TaskCompleted, SubOrchestrationCompleted:
		e.Result = w.Result
	case ExecutionFailed, TaskFailed, SubOrchestrationFailed:
		e.Reason, e.Details, e.Failure = w.Reason, w.Details, w.FailureDetails
	case SubOrchestrationCreated:
		e.Name, e.Version, e.InstanceID, e.Input = w.Name, w.Version, w.InstanceID, w.Input
	case TimerCreated, TimerFired:
		e.FireAt = w.FireAt.UTC()
	case EventSent:
		e.Name, e.InstanceID, e.Input = w.Name, w.InstanceID, w.Input
	case EventRaised:
		e.Name, e.Input = w.Name, w.Input
	case GenericEvent:
		e.Data, e.Reason = w.Data, w.Reason
	case ExecutionSuspended, ExecutionResumed:
		e.Reason = w.Reason
	case ExecutionRewound:
		e.Reason, e.ExecutionID, e.InstanceID = w.Reason, w.ParentExecutionID, w.InstanceID
	case OrchestratorStarted, OrchestratorCompleted, HistoryState:
	}
}

// excerpt is the beginning of raw, for error texts.
func excerpt(raw []byte) string {
	const limit = 80
	if len(raw) <= limit {
		return fmt.Sprintf("%q", raw)
	}
	return fmt.Sprintf("%q... (%d bytes)", raw[:limit], len(raw))
}

// TimestampOf finds an event's Timestamp in its wire form without decoding the rest; the zero time when there is none.
func TimestampOf(raw []byte) time.Time {
	_, rest, ok := bytes.Cut(raw, []byte(`"Timestamp":"`)) // nothing that a user wrote stands before it
	text, _, end := bytes.Cut(rest, []byte(`"`))
	if !ok || !end {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
