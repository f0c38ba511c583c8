package durable

import (
	"errors"
	"fmt"
	"time"
)

// ErrPayloadTooLarge is what every *PayloadTooLargeError is, for errors.Is.
var ErrPayloadTooLarge = errors.New("payload too large")

// PayloadTooLargeError refuses a payload over the task hub's cap. Nothing was sent.
type PayloadTooLargeError struct {
	// What is the payload in a few words: "the input of orchestrator 'HelloWorld'".
	What string
	// Size and Max are in bytes of JSON.
	Size, Max int
}

func (e *PayloadTooLargeError) Error() string {
	return fmt.Sprintf("%s is %d bytes, the task hub takes at most %d (extensions.durableTask.maxPayloadSize)", e.What, e.Size, e.Max)
}

// Is makes errors.Is(err, ErrPayloadTooLarge) true.
func (e *PayloadTooLargeError) Is(target error) bool { return target == ErrPayloadTooLarge }

// StartTimeoutError tells that an orchestrator has not started in time. The start itself is durable: it will run.
type StartTimeoutError struct {
	InstanceID string
	// Timeout is how long the start was waited for.
	Timeout time.Duration
}

func (e *StartTimeoutError) Error() string {
	return fmt.Sprintf("the orchestrator of instance '%s' has not started within %s; the start remains durable: it will run as soon as a host has room for it",
		e.InstanceID, e.Timeout)
}

// Is makes errors.Is(err, ErrStartTimeout) true.
func (e *StartTimeoutError) Is(target error) bool { return target == ErrStartTimeout }

// UnknownFunctionError refuses a start because the app has no such orchestrator.
type UnknownFunctionError struct {
	Name string
	// Nearest is the orchestrator that was probably meant, "" when none is near.
	Nearest string
}

func (e *UnknownFunctionError) Error() string {
	switch {
	case e.Name == "":
		return "no orchestrator function is named; give the name of a function with an orchestrationTrigger"
	case e.Nearest != "":
		return fmt.Sprintf("no orchestrator function called '%s'; did you mean '%s'?", e.Name, e.Nearest)
	default:
		return fmt.Sprintf("no orchestrator function called '%s': it does not exist, is disabled, or has no orchestrationTrigger", e.Name)
	}
}

// InvalidJSONError refuses a payload that is handed in as JSON but is none.
type InvalidJSONError struct {
	// What is the payload in a few words: "the data of event 'Approval'".
	What string
	// Offset is the number of bytes read before the fault.
	Offset int64
	Err    error
}

func (e *InvalidJSONError) Error() string {
	return fmt.Sprintf("%s is not valid JSON, at byte %d: %v", e.What, e.Offset, e.Err)
}

func (e *InvalidJSONError) Unwrap() error { return e.Err }

// InvalidEventNameError refuses an external event without a name.
type InvalidEventNameError struct {
	InstanceID string
}

func (e *InvalidEventNameError) Error() string {
	return fmt.Sprintf("an event for instance '%s' has no name; give the name that the orchestrator waits for", e.InstanceID)
}
