package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable/entity"
	"github.com/durango-functions/durango/durable/history"
)

// failureLabel separates the text of a failed invocation from the orchestration's state (durable-functions
// lib/src/orchestrationfailureerror.js).
const failureLabel = "$OutOfProcData$:"

// noMessage is the Error of an orchestrator that threw something without a message.
const noMessage = "the orchestrator threw a value that has no message"

type wireResult struct {
	IsDone        bool           `json:"isDone"`
	Actions       [][]wireAction `json:"actions"`
	Output        json.RawMessage
	Error         *string
	CustomStatus  json.RawMessage
	SchemaVersion wireSchema
	// FailureDetails are those of the failed task that the orchestrator did not catch (durable-functions 3.x).
	FailureDetails *history.FailureDetails
}

// ParseResult reads what an orchestrator function returned. The error says what is wrong with it. The actions share raw's memory.
func ParseResult(raw []byte) (*Result, error) {
	w, err := parseResult(bytes.TrimSpace(raw))
	if err != nil {
		return nil, err
	}
	r, err := w.result()
	if err != nil {
		return nil, fmt.Errorf("reading the orchestration result: %w", err)
	}
	if r.Error != "" {
		r.Failed, r.IsDone = true, false
	}
	return r, nil
}

func parseResult(raw []byte) (*wireResult, error) {
	if w := new(wireResult); w.parsePlain(raw) {
		return w, nil
	}
	if len(raw) == 0 || raw[0] != '{' {
		return nil, fmt.Errorf("the orchestrator function returned %s instead of an orchestration result; it must export what df.orchestrator(...) of the package durable-functions returns", excerpt(raw))
	}
	var probe map[string]json.RawMessage
	if err := json.Unmarshal(raw, &probe); err != nil {
		return nil, fmt.Errorf("reading the orchestration result: %w", err)
	}
	if _, ok := probe["isDone"]; !ok {
		return nil, fmt.Errorf("the orchestrator function returned %s, which is no orchestration result (it has no isDone); it must export what df.orchestrator(...) of the package durable-functions returns", excerpt(raw))
	}
	w := new(wireResult)
	if err := json.Unmarshal(raw, w); err != nil {
		return nil, fmt.Errorf("reading the orchestration result: %w", err)
	}
	return w, nil
}

// ParseFailure reads the message of a failed invocation. ok is false when the message is none of the SDK's: the function failed
// outside of the orchestration protocol. Otherwise the result is Failed, even when the state in the message is damaged.
func ParseFailure(message string) (r *Result, ok bool) {
	i := strings.LastIndex(message, "\n\n"+failureLabel)
	if i >= 0 {
		i += 2
	} else if i = strings.LastIndex(message, failureLabel); i < 0 {
		return nil, false
	}
	prefix, state := strings.TrimSpace(message[:i]), message[i+len(failureLabel):]
	var w wireResult
	// A decoder reads the first value and leaves what a host may have appended, such as a stack.
	err := json.NewDecoder(strings.NewReader(state)).Decode(&w)
	if err == nil {
		r, err = w.result()
	}
	if err != nil {
		r = &Result{Error: fmt.Sprintf("the orchestrator failed, and its state could not be read: %s", err)}
	}
	r.Failed, r.IsDone = true, false
	if r.Error == "" {
		r.Error = noMessage
		// durable-functions 2.x puts a flag where 1.x puts the thrown text.
		if prefix != "" && prefix != "false" && prefix != "true" && prefix != "undefined" && prefix != "{}" {
			r.Error = prefix
		}
	}
	r.Error += hintFor(r.Error)
	return r, true
}

// hints say what to do about errors of the SDKs that do not say it themselves, by a part of their text.
var hints = []struct{ part, hint string }{
	// durable-functions 2.x, 3.x and 1.x with an async or a plain function.
	{"this.generator.next is not a function", notGenerator},
	{"gen.next is not a function", notGenerator},
	{"Only Task types can be yielded", " A promise that is no task of the durable API, such as that of fetch or of a library, cannot be awaited in an orchestrator: call it in an activity."},
}

const notGenerator = " (the orchestrator must be a generator function: function*, not async, with yield before each task)"

func hintFor(text string) string {
	for _, h := range hints {
		if strings.Contains(text, h.part) {
			return h.hint
		}
	}
	return ""
}

func (w *wireResult) result() (*Result, error) {
	r := &Result{
		IsDone:        w.IsDone,
		Output:        bytes.Clone(present(w.Output)),
		CustomStatus:  bytes.Clone(present(w.CustomStatus)),
		SchemaVersion: int(w.SchemaVersion),
		Failure:       w.FailureDetails,
	}
	if w.Error != nil {
		r.Error = *w.Error
	}
	if r.SchemaVersion > 0 && len(w.Actions) > 1 {
		return nil, fmt.Errorf("actions has %d lists; schema version %d has exactly one", len(w.Actions), r.SchemaVersion)
	}
	leaves := 0
	for i, list := range w.Actions {
		actions, err := convert(list, &leaves)
		if err != nil {
			return nil, fmt.Errorf("actions[%d]%w", i, err)
		}
		r.Actions = append(r.Actions, actions)
	}
	return r, nil
}

// present returns nil for null: where the SDKs send null there is no value.
func present(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	return raw
}

// wireSchema is a schema version by number or by name.
type wireSchema int

func (s *wireSchema) UnmarshalJSON(raw []byte) error {
	switch strings.ToLower(strings.Trim(string(raw), `"`)) {
	case "null", "0", "original", "v1":
		*s = 0
	case "1", "v2":
		*s = 1
	case "2", "v3":
		*s = 2
	case "3", "v4":
		*s = 3
	default:
		return fmt.Errorf("schemaVersion is %s; known are 0 to 3", excerpt(raw))
	}
	return nil
}

// wireType is an action type by number or by name.
type wireType ActionType

func (t *wireType) UnmarshalJSON(raw []byte) error {
	var n int
	if err := json.Unmarshal(raw, &n); err == nil {
		if n < 0 || n >= len(actionNames) {
			return fmt.Errorf("actionType is %d; known are 0 to %d", n, len(actionNames)-1)
		}
		*t = wireType(n)
		return nil
	}
	name := strings.Trim(string(raw), `"`)
	for i, known := range actionNames {
		if strings.EqualFold(name, known) {
			*t = wireType(i)
			return nil
		}
	}
	return fmt.Errorf("actionType is %s, which is not known", excerpt(raw))
}

type wireAction struct {
	ActionType        *wireType
	ActionRef         *int
	FunctionName      string
	Input             json.RawMessage
	RetryOptions      *RetryOptions
	InstanceID        *string `json:"instanceId"`
	Version           *string
	FireAt            *time.Time
	IsCanceled        bool
	ExternalEventName string
	Operation         string
	HTTPRequest       json.RawMessage `json:"httpRequest"`
	CompoundActions   []wireAction
	LockRequestID     string      `json:"lockRequestId"`
	LockSet           []entity.ID `json:"lockSet"`
}

// convert checks a list of actions; leaves counts the leaves so far. An error's text begins with the place: "[3]: ...".
func convert(list []wireAction, leaves *int) ([]Action, error) {
	if len(list) == 0 {
		return nil, nil
	}
	out := make([]Action, len(list))
	for i := range list {
		w := &list[i]
		if w.ActionRef != nil {
			if *w.ActionRef < 0 || *w.ActionRef >= *leaves {
				return nil, fmt.Errorf("[%d]: actionRef is %d, but only %d actions stand before it", i, *w.ActionRef, *leaves)
			}
			out[i] = Action{Ref: w.ActionRef}
			continue
		}
		if w.ActionType == nil {
			return nil, fmt.Errorf("[%d]: actionType is missing", i)
		}
		a := w.action()
		if a.isCompound() {
			parts, err := convert(w.CompoundActions, leaves)
			if err != nil {
				return nil, fmt.Errorf("[%d].compoundActions%w", i, err)
			}
			a.CompoundActions = parts
		} else {
			if err := w.check(&a); err != nil {
				return nil, fmt.Errorf("[%d]: %s: %w", i, a.Type, err)
			}
			*leaves++
		}
		out[i] = a
	}
	return out, nil
}

func (w *wireAction) action() Action {
	a := Action{
		Type:              ActionType(*w.ActionType),
		FunctionName:      w.FunctionName,
		Input:             w.Input,
		RetryOptions:      w.RetryOptions,
		IsCanceled:        w.IsCanceled,
		ExternalEventName: w.ExternalEventName,
		Operation:         w.Operation,
		HTTPRequest:       present(w.HTTPRequest),
		LockRequestID:     w.LockRequestID,
		LockSet:           w.LockSet,
	}
	if w.InstanceID != nil {
		a.InstanceID = *w.InstanceID
	}
	if w.Version != nil {
		a.Version = *w.Version
	}
	if w.FireAt != nil {
		a.FireAt = w.FireAt.UTC()
	}
	return a
}

// check reports a leaf that lacks what its type needs.
func (w *wireAction) check(a *Action) error {
	switch a.Type {
	case CallActivity, CallSubOrchestrator, CallActivityWithRetry, CallSubOrchestratorWithRetry:
		if a.FunctionName == "" {
			return errors.New("functionName is missing")
		}
		if (a.Type == CallActivityWithRetry || a.Type == CallSubOrchestratorWithRetry) && a.RetryOptions == nil {
			return errors.New("retryOptions is missing")
		}
	case CreateTimer:
		if w.FireAt == nil {
			return errors.New("fireAt is missing: createTimer was given an invalid date")
		}
	case WaitForExternalEvent:
		if a.ExternalEventName == "" {
			return errors.New("externalEventName is missing")
		}
	case ScheduledSignalEntity:
		if w.FireAt == nil {
			return errors.New("fireAt is missing")
		}
	case CallHTTP:
		if _, err := parseRequest(a.HTTPRequest); err != nil {
			return err
		}
	default:
	}
	return nil
}

// excerpt is the beginning of raw, for error texts.
func excerpt(raw []byte) string {
	const limit = 100
	switch {
	case len(raw) == 0:
		return "nothing"
	case len(raw) <= limit:
		return string(raw)
	}
	return strings.ToValidUTF8(string(raw[:limit]), "") + "..."
}
