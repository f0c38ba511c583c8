package durable

import (
	"encoding/json"
	"fmt"
	"time"
)

// PayloadOptions choose what a StatusPayload shows.
type PayloadOptions struct {
	// HideInput leaves the inputs out, of the instance and in the history.
	HideInput bool
	// History shows the history that the Status holds.
	History bool
	// HistoryOutput shows the results in the history.
	HistoryOutput bool
}

// StatusPayload is an instance's status as the HTTP management API shows it (azure-functions-durable-extension
// StatusResponsePayload.cs). Input, CustomStatus and Output are always there, null when there is none: the SDKs need them.
type StatusPayload struct {
	Name            string          `json:"name"`
	InstanceID      string          `json:"instanceId"`
	RuntimeStatus   string          `json:"runtimeStatus"`
	Input           json.RawMessage `json:"input"`
	CustomStatus    json.RawMessage `json:"customStatus"`
	Output          json.RawMessage `json:"output"`
	CreatedTime     string          `json:"createdTime"`
	LastUpdatedTime string          `json:"lastUpdatedTime"`
	// HistoryEvents and History are the same: the API's own name, and the one that durable-functions 3.x reads.
	HistoryEvents []HistoryPayload `json:"historyEvents,omitempty"`
	History       []HistoryPayload `json:"history,omitempty"`
}

// Payload renders the status. The error is of a history event that cannot be read.
func (s *Status) Payload(opts PayloadOptions) (*StatusPayload, error) {
	p := &StatusPayload{
		Name: s.Name, InstanceID: s.InstanceID, RuntimeStatus: s.RuntimeStatus.String(),
		CustomStatus: asJSON(s.CustomStatus), Output: asJSON(s.Output),
		CreatedTime: wholeSeconds(s.CreatedTime), LastUpdatedTime: wholeSeconds(s.LastUpdated),
	}
	if !opts.HideInput {
		p.Input = asJSON(s.Input)
	}
	if opts.History && s.RuntimeStatus != Pending {
		events, err := historyPayload(s.History, opts)
		if err != nil {
			return nil, fmt.Errorf("instance '%s': %w", printable(s.InstanceID), err)
		}
		p.HistoryEvents, p.History = events, events
	}
	return p, nil
}

func wholeSeconds(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// asJSON returns a stored value: as JSON if it is some, else as a JSON string.
func asJSON(raw json.RawMessage) json.RawMessage {
	switch {
	case len(raw) == 0:
		return nil
	case json.Valid(raw):
		return raw
	default:
		text, _ := json.Marshal(string(raw)) // a string always can
		return text
	}
}
