package entity

import (
	"encoding/json"
	"time"
)

// The names of the EventSent events of requests.
const (
	OperationEvent = "op"
	ReleaseEvent   = "release"
)

// Request is what an orchestration's EventSent holds: an operation, a request for locks, or a release
// (azure-functions-durable-extension EntityScheduler/RequestMessage.cs).
type Request struct {
	Operation string  `json:"op,omitempty"`
	Signal    bool    `json:"signal,omitempty"`
	Input     *string `json:"input,omitempty"` // JSON text
	// ID names the request; the answer is an event of that name. The SDKs look for it.
	ID              string     `json:"id,omitempty"`
	Parent          string     `json:"parent,omitempty"`
	ParentExecution string     `json:"parentExecution,omitempty"`
	Due             *time.Time `json:"due,omitempty"`
	LockSet         []ID       `json:"lockset,omitempty"`
}

// ParseRequest reads the input of an EventSent; nil for one that is none of an entity.
func ParseRequest(input *string) *Request {
	if input == nil {
		return nil
	}
	var r Request
	if json.Unmarshal([]byte(*input), &r) != nil {
		return nil
	}
	return &r
}

// Text is the request as the input of an EventSent.
func (r *Request) Text() string {
	raw, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings, times and flags always have a JSON form
	}
	return string(raw)
}

// answer is the input of the EventRaised that answers a call. result is always there: durable-functions 1.x parses it in every case.
type answer struct {
	Result        *string `json:"result"`
	ExceptionType *string `json:"exceptionType,omitempty"`
}

// Answer is the input of the EventRaised that answers a call with a result, as JSON; nil for none.
func Answer(result json.RawMessage) string {
	var a answer
	if result != nil {
		text := string(result)
		a.Result = &text
	}
	return a.text()
}

// FailedAnswer answers a call whose operation failed. The SDKs make an Error with the message.
func FailedAnswer(message string) string {
	raw, err := json.Marshal(message)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	text, kind := string(raw), "Error"
	return (&answer{Result: &text, ExceptionType: &kind}).text()
}

func (a *answer) text() string {
	raw, err := json.Marshal(a)
	if err != nil {
		panic(err) // as above
	}
	return string(raw)
}

// IsFailure reports whether the input of an EventRaised is that of a failed operation.
func IsFailure(input *string) bool {
	if input == nil {
		return false
	}
	var a answer
	return json.Unmarshal([]byte(*input), &a) == nil && a.ExceptionType != nil
}
