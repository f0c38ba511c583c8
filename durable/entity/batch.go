package entity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// State is the state of an entity.
type State struct {
	Exists bool
	// Value is JSON; nil: none, which an entity that exists may have, too.
	Value json.RawMessage
}

// Equal reports whether two states are the same.
func (s State) Equal(o State) bool { return s.Exists == o.Exists && bytes.Equal(s.Value, o.Value) }

// Operation is one operation of a batch.
type Operation struct {
	Name   string
	Input  json.RawMessage // nil: none
	Signal bool            // nobody waits for its result
	ID     string          // of the request
}

// Result is the outcome of a batch.
type Result struct {
	State State
	// Results has one element for each operation.
	Results []OperationResult
	Signals []Signal
}

// OperationResult is the outcome of one operation.
type OperationResult struct {
	Failed bool
	// Value is JSON; nil: none.
	Value json.RawMessage
	// Message and Stack are those of a failed operation; Stack may be "".
	Message, Stack string
}

// Signal is a signal that an operation has sent.
type Signal struct {
	Target ID
	Name   string
	Input  json.RawMessage // nil: none
}

type wireOperation struct {
	ID       string  `json:"id,omitempty"`
	Name     string  `json:"name"`
	Input    *string `json:"input"`
	IsSignal bool    `json:"isSignal"`
}

// BuildPayload is the JSON text that an entity function is invoked with
// (azure-functions-durable-extension Bindings/EntityTriggerAttributeBindingProvider.cs:181-203).
func BuildPayload(id ID, state State, batch []Operation) ([]byte, error) {
	value := struct {
		Self   ID              `json:"self"`
		Exists bool            `json:"exists"`
		State  *string         `json:"state"`
		Batch  []wireOperation `json:"batch"`
	}{Self: ID{Name: strings.ToLower(id.Name), Key: id.Key}, Exists: state.Exists, State: textOf(state.Value), Batch: make([]wireOperation, len(batch))}
	for i := range batch {
		op := &batch[i]
		value.Batch[i] = wireOperation{ID: op.ID, Name: op.Name, Input: textOf(op.Input), IsSignal: op.Signal}
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("building the value of entity %s: %w", id, err)
	}
	return raw, nil
}

func textOf(raw json.RawMessage) *string {
	if raw == nil {
		return nil
	}
	text := string(raw)
	return &text
}

type wireResult struct {
	EntityExists *bool   `json:"entityExists"`
	EntityState  *string `json:"entityState"`
	Results      []struct {
		IsError bool    `json:"isError"`
		Result  *string `json:"result"`
	} `json:"results"`
	Signals []struct {
		Target ID      `json:"target"`
		Name   string  `json:"name"`
		Input  *string `json:"input"`
	} `json:"signals"`
}

// ParseResult reads what an entity function returned for a batch of n operations. The error says what is wrong with it.
func ParseResult(raw []byte, n int) (*Result, error) {
	const advice = "; it must export what df.entity(...) of the package durable-functions returns"
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '{' {
		return nil, fmt.Errorf("the entity function returned %s instead of the result of a batch%s", excerpt(raw), advice)
	}
	var w wireResult
	if err := json.Unmarshal(raw, &w); err != nil {
		return nil, fmt.Errorf("reading the result of the entity function: %w", err)
	}
	if w.EntityExists == nil || w.Results == nil {
		return nil, fmt.Errorf("the entity function returned %s, which is no result of a batch (it has no entityExists or results)%s", excerpt(raw), advice)
	}
	if n == 1 && len(w.Results) > 1 {
		w.Results = w.Results[len(w.Results)-1:] // the operation called return more than once; the last one counts
	}
	if len(w.Results) != n {
		return nil, &CountError{Operations: n, Results: len(w.Results)}
	}
	r := &Result{State: State{Exists: *w.EntityExists}, Results: make([]OperationResult, n)}
	if w.EntityState != nil && r.State.Exists {
		r.State.Value = json.RawMessage(*w.EntityState)
		if !json.Valid(r.State.Value) {
			return nil, fmt.Errorf("the entity's state is not JSON: %s", excerpt(r.State.Value))
		}
	}
	for i := range w.Results {
		one := &w.Results[i]
		if one.IsError {
			r.Results[i].Failed = true
			r.Results[i].Message, r.Results[i].Stack = thrownBy(one.Result)
			continue
		}
		if one.Result == nil || *one.Result == "" {
			continue
		}
		r.Results[i].Value = json.RawMessage(*one.Result)
		if !json.Valid(r.Results[i].Value) {
			return nil, fmt.Errorf("the result of operation %d of the batch is not JSON: %s", i, excerpt(r.Results[i].Value))
		}
	}
	for i := range w.Signals {
		s := &w.Signals[i]
		signal := Signal{Target: s.Target, Name: s.Name}
		if s.Input != nil && *s.Input != "" {
			signal.Input = json.RawMessage(*s.Input)
			if !json.Valid(signal.Input) {
				return nil, fmt.Errorf("the input of the signal '%s' to %s is not JSON: %s", s.Name, s.Target, excerpt(signal.Input))
			}
		}
		r.Signals = append(r.Signals, signal)
	}
	return r, nil
}

// CountError says that a batch has another number of results than operations: an operation called return more than once, and the results behind it
// belong to others than they stand for.
type CountError struct{ Operations, Results int }

func (e *CountError) Error() string {
	return fmt.Sprintf("the entity function returned %d results for %d operations: an operation must call context.df.return once at most", e.Results, e.Operations)
}

// noMessage is the message of an operation that threw something without one.
const noMessage = "the operation threw a value that has no message"

// thrownBy makes a message of what an SDK writes for a failed operation: the JSON text of whatever was thrown. The worker gives errors a JSON form with
// message and stack.
func thrownBy(result *string) (message, stack string) {
	if result == nil {
		return noMessage, ""
	}
	var thrown any
	if json.Unmarshal([]byte(*result), &thrown) != nil {
		return *result, ""
	}
	switch thrown := thrown.(type) {
	case nil:
		return noMessage, ""
	case string:
		return thrown, ""
	case map[string]any:
		stack, _ = thrown["stack"].(string)
		text, isError := thrown["message"].(string)
		name, _ := thrown["name"].(string)
		switch {
		case text != "":
			return text, stack
		case isError && name != "":
			return name, stack
		case len(thrown) == 0:
			return noMessage, ""
		}
	}
	return *result, stack
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
