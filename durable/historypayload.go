package durable

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/durango-functions/durango/durable/history"
)

// HistoryPayload is a history event as the HTTP management API shows it (azure-functions-durable-extension DurableClient.cs:938-1041):
// readable names, no ids; a scheduling event is merged into its completion once that is there. Inputs are text of JSON, results are
// JSON.
type HistoryPayload struct {
	EventType string
	Timestamp string

	Name       string `json:",omitempty"`
	InstanceID string `json:"InstanceId,omitempty"`

	OrchestrationStatus string          `json:",omitempty"`
	Result              json.RawMessage `json:",omitempty"`
	Reason              *string         `json:",omitempty"`
	Details             *string         `json:",omitempty"`
	FireAt              string          `json:",omitempty"`
	Data                string          `json:",omitempty"`

	ScheduledTime string          `json:",omitempty"`
	FunctionName  string          `json:",omitempty"`
	Input         json.RawMessage `json:",omitempty"`
}

// scheduledKey is the type and the id of a scheduling event.
type scheduledKey struct {
	kind history.EventType
	id   int
}

// historyPayload renders stored events.
func historyPayload(stored []json.RawMessage, opts PayloadOptions) ([]HistoryPayload, error) {
	events := make([]history.Event, 0, len(stored))
	scheduled := map[scheduledKey]int{}
	merged := map[int]bool{} // indexes of scheduling events that their completion stands for
	for i, raw := range stored {
		e, err := history.Decode(raw)
		if err != nil {
			return nil, fmt.Errorf("history event %d: %w", i, err)
		}
		events = append(events, e)
	}
	from := make([]int, len(events)) // of a completion: the index of its scheduling event, else -1
	for i := range events {
		from[i] = -1
		switch e := &events[i]; e.Type {
		case history.TaskScheduled, history.SubOrchestrationCreated:
			scheduled[scheduledKey{e.Type, e.ID}] = i
		case history.TaskCompleted, history.TaskFailed, history.SubOrchestrationCompleted, history.SubOrchestrationFailed:
			if at, ok := scheduled[scheduledKey{schedulerOf(e.Type), e.TaskID}]; ok {
				from[i], merged[at] = at, true
			}
		default:
		}
	}
	out := make([]HistoryPayload, 0, len(events))
	for i := range events {
		e := &events[i]
		if e.Type == history.OrchestratorStarted || e.Type == history.OrchestratorCompleted || merged[i] {
			continue
		}
		p := eventPayload(e, opts)
		if from[i] >= 0 {
			by := &events[from[i]]
			p.ScheduledTime, p.FunctionName = exactTime(by.Timestamp), by.Name
			p.Input = inputOf(by, opts)
		}
		out = append(out, p)
	}
	return out, nil
}

func schedulerOf(completion history.EventType) history.EventType {
	if completion == history.TaskCompleted || completion == history.TaskFailed {
		return history.TaskScheduled
	}
	return history.SubOrchestrationCreated
}

// eventPayload renders one event by itself.
func eventPayload(e *history.Event, opts PayloadOptions) HistoryPayload {
	p := HistoryPayload{EventType: e.Type.String(), Timestamp: exactTime(e.Timestamp)}
	switch e.Type {
	case history.ExecutionStarted:
		p.FunctionName, p.Input = e.Name, inputOf(e, opts)
	case history.ExecutionCompleted, history.ContinueAsNew:
		p.OrchestrationStatus, p.Result = RuntimeStatus(e.Status).String(), resultOf(e, opts)
	case history.ExecutionTerminated:
		p.Input = inputOf(e, opts)
	case history.TaskScheduled:
		p.Name, p.Input = e.Name, inputOf(e, opts)
	case history.SubOrchestrationCreated, history.EventSent:
		p.Name, p.InstanceID, p.Input = e.Name, e.InstanceID, inputOf(e, opts)
	case history.TaskCompleted, history.SubOrchestrationCompleted:
		p.Result = resultOf(e, opts)
	case history.TaskFailed, history.SubOrchestrationFailed, history.ExecutionFailed:
		p.Reason, p.Details = &e.Reason, &e.Details
	case history.TimerCreated, history.TimerFired:
		p.FireAt = exactTime(e.FireAt)
	case history.EventRaised:
		p.Name, p.Input = e.Name, inputOf(e, opts)
	case history.GenericEvent:
		p.Data = e.Data
		if e.Reason != "" {
			p.Reason = &e.Reason
		}
	case history.ExecutionSuspended, history.ExecutionResumed, history.ExecutionRewound:
		p.Reason = &e.Reason
	case history.OrchestratorStarted, history.OrchestratorCompleted, history.HistoryState:
	}
	return p
}

// exactTime has the seven fractional digits that events are stored with.
func exactTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }

var null = json.RawMessage("null")

func inputOf(e *history.Event, opts PayloadOptions) json.RawMessage {
	switch {
	case opts.HideInput:
		return nil
	case e.Input == nil:
		return null
	default:
		text, _ := json.Marshal(*e.Input) // a string always can
		return text
	}
}

func resultOf(e *history.Event, opts PayloadOptions) json.RawMessage {
	switch {
	case !opts.HistoryOutput:
		return nil
	case e.Result == nil || *e.Result == "":
		return null
	default:
		return asJSON(json.RawMessage(*e.Result))
	}
}
