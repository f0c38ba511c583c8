package durable

import (
	"encoding/json"
	"fmt"

	"github.com/durango-functions/durango/internal/gofunc"
)

// NotCompletedError tells that an instance has no output, because it runs or has not ended well.
type NotCompletedError struct {
	InstanceID string
	Name       string
	Status     RuntimeStatus
	// Reason is the failure of a failed instance and the reason of a terminated one; "" for none.
	Reason string
}

func (e *NotCompletedError) Error() string {
	text := fmt.Sprintf("instance '%s' of orchestrator '%s' is %s", printable(e.InstanceID), e.Name, e.Status)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// Is makes errors.Is(err, ErrTerminated) true for a terminated instance.
func (e *NotCompletedError) Is(target error) bool {
	return target == ErrTerminated && e.Status == Terminated
}

// OutputOf returns the output of a completed instance, such as WaitForCompletion returns one, as a value of the orchestrator's result type. The error of
// one that is not Completed is a *NotCompletedError.
func OutputOf[T any](st *Status) (T, error) {
	var v T
	if st.RuntimeStatus != Completed {
		e := &NotCompletedError{InstanceID: st.InstanceID, Name: st.Name, Status: st.RuntimeStatus}
		if json.Unmarshal(st.Output, &e.Reason) != nil {
			e.Reason = string(st.Output)
		}
		return v, e
	}
	err := decodeOf(st, "output", st.Output, &v)
	return v, err
}

// InputOf returns the input of an instance; the zero value when it has none.
func InputOf[T any](st *Status) (T, error) {
	var v T
	err := decodeOf(st, "input", st.Input, &v)
	return v, err
}

// CustomStatusOf returns the custom status of an instance; the zero value when it has none.
func CustomStatusOf[T any](st *Status) (T, error) {
	var v T
	err := decodeOf(st, "custom status", st.CustomStatus, &v)
	return v, err
}

func decodeOf(st *Status, what string, raw json.RawMessage, into any) error {
	if err := gofunc.Decode(raw, into); err != nil {
		return fmt.Errorf("the %s of instance '%s' does not fit %T: %w", what, printable(st.InstanceID), into, err)
	}
	return nil
}
