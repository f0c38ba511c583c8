// Package durable is the vocabulary of durable orchestrations and what programs use of them: Client, Status and the errors.
package durable

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// RuntimeStatus is the state of an orchestration instance. The numbers are those of the wire.
type RuntimeStatus int

// The runtime statuses (Azure/durabletask OrchestrationStatus).
const (
	Running RuntimeStatus = iota
	Completed
	ContinuedAsNew
	Failed
	Canceled
	Terminated
	Pending
	Suspended
)

var statusNames = [...]string{"Running", "Completed", "ContinuedAsNew", "Failed", "Canceled", "Terminated", "Pending", "Suspended"}

func (s RuntimeStatus) String() string {
	if s < 0 || int(s) >= len(statusNames) {
		return fmt.Sprintf("RuntimeStatus(%d)", int(s))
	}
	return statusNames[s]
}

// IsFinished reports whether an instance in this status runs no more.
func (s RuntimeStatus) IsFinished() bool {
	return s == Completed || s == Failed || s == Canceled || s == Terminated
}

// ParseRuntimeStatus reads a status by its name, in any case.
func ParseRuntimeStatus(name string) (RuntimeStatus, bool) {
	for i, n := range statusNames {
		if strings.EqualFold(n, name) {
			return RuntimeStatus(i), true
		}
	}
	return 0, false
}

// Status is what is known of an orchestration instance.
type Status struct {
	Name          string
	InstanceID    string
	ExecutionID   string
	Version       string
	RuntimeStatus RuntimeStatus
	CreatedTime   time.Time
	LastUpdated   time.Time
	// Input, CustomStatus and Output are JSON; nil: none. Output holds the failure text, as a JSON string, of a failed instance
	// and the reason of a terminated one.
	Input        json.RawMessage
	CustomStatus json.RawMessage
	Output       json.RawMessage
	// History holds the history events in their stored form (package history), when asked for.
	History []json.RawMessage
}

// The conditions that callers branch on.
var (
	// ErrInstanceNotFound: no orchestration instance has this ID.
	ErrInstanceNotFound = errors.New("orchestration instance not found")
	// ErrInstanceFinished: the instance is Completed, Failed, Canceled or Terminated, so it takes no events.
	ErrInstanceFinished = errors.New("orchestration instance has finished")
	// ErrInstanceNotFailed: only a Failed instance can be rewound.
	ErrInstanceNotFailed = errors.New("orchestration instance has not failed")
	// ErrInstanceSuspended: a suspended instance cannot be suspended again.
	ErrInstanceSuspended = errors.New("orchestration instance is suspended already")
	// ErrInstanceNotSuspended: only a suspended instance can be resumed.
	ErrInstanceNotSuspended = errors.New("orchestration instance is not suspended")
	// ErrBadContinuationToken: the token is none of this hub's.
	ErrBadContinuationToken = errors.New("continuation token not valid")
	// ErrStartTimeout: the orchestrator has not started in time. The start itself is durable: it will run.
	ErrStartTimeout = errors.New("orchestrator has not started in time")
)

// InstanceExistsError refuses a start because a live instance has the ID.
type InstanceExistsError struct {
	InstanceID string
	Status     RuntimeStatus
}

func (e *InstanceExistsError) Error() string {
	return fmt.Sprintf("An Orchestration instance with the status %s already exists.", e.Status)
}
