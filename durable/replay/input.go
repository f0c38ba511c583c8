package replay

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// unwrap undoes the SDKs' double encoding of string inputs: processInput makes the JSON text of a string, which then is encoded once
// more with the whole action (durable-functions lib/src/utils.js:14-19). What comes as the JSON string "\"x\"" becomes "x"; all else
// stays. All strings of durable-functions 1.x and 2.x come this way, so nothing that a user wrote is altered.
func unwrap(raw json.RawMessage) json.RawMessage {
	if len(raw) < 2 || raw[0] != '"' {
		return raw
	}
	if inner := raw[1 : len(raw)-1]; len(inner) >= 4 && string(inner[:2]) == `\"` && string(inner[len(inner)-2:]) == `\"` {
		inner = inner[2 : len(inner)-2]
		if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) { // most strings
			text := append(make([]byte, 0, len(inner)+2), '"')
			return append(append(text, inner...), '"')
		}
	}
	var outer, inner string
	if json.Unmarshal(raw, &outer) != nil || outer == "" || outer[0] != '"' || json.Unmarshal([]byte(outer), &inner) != nil {
		return raw
	}
	return json.RawMessage(outer)
}

// input is the value that the called function gets.
func (a *Action) input(schema int) json.RawMessage {
	switch a.Type {
	case CallActivity, CallActivityWithRetry, ContinueAsNewAction:
		return unwrap(a.Input)
	case CallSubOrchestrator, CallSubOrchestratorWithRetry, CallEntity, SignalEntity, ScheduledSignalEntity:
		// durable-functions 3.x encodes these once, so that a string in quotes is one.
		if schema < 3 {
			return unwrap(a.Input)
		}
	default:
	}
	return a.Input
}

// text returns raw as the text that an event holds.
func text(raw json.RawMessage) *string {
	if raw == nil {
		return nil
	}
	s := string(raw)
	return &s
}
