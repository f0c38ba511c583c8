package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/durango-functions/durango/durable/entity"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

// Executor runs user functions for the engine. All methods are safe for concurrent use.
type Executor interface {
	// ExecuteOrchestrator runs one episode. A failure of the orchestrator's code is a Result whose Failed is true; an error means
	// that the episode did not take place (worker crash, host stop) and is tried again, unless it is a *TaskFailure, which
	// fails the instance.
	ExecuteOrchestrator(ctx context.Context, w *OrchestratorWork) (*replay.Result, error)
	// ExecuteActivity runs one attempt of an activity and returns its result as JSON (nil: none). A *TaskFailure enters the
	// history; any other error means that the outcome is unknown, and the activity is run again.
	ExecuteActivity(ctx context.Context, w *ActivityWork) (json.RawMessage, error)
	// HasOrchestrator and HasActivity report whether a function of that name and kind exists and is enabled.
	HasOrchestrator(name string) bool
	HasActivity(name string) bool
	HasEntity(name string) bool
	// ExecuteEntity hands a batch of operations to an entity function. A *TaskFailure is one of the user's code as a whole; any other error means that the
	// outcome is unknown, and the batch is run again.
	ExecuteEntity(ctx context.Context, w *EntityWork) (*entity.Result, error)
	// InProcess returns the orchestrator of that name when it is a Go function of this process, which the engine then runs itself, without
	// ExecuteOrchestrator; else nil.
	InProcess(name string) inproc.Function
}

// OrchestratorWork is one episode of an orchestration.
type OrchestratorWork struct {
	Name             string
	InstanceID       string
	ExecutionID      string
	ParentInstanceID string          // "": none
	Input            json.RawMessage // nil: none
	// Generation names the stored history: under one number it is only ever appended to, so who has kept its beginning needs the rest alone.
	Generation uint64
	// Past is the stored history, New what is new in this episode, with IsPlayed false: one JSON object per event. They must not be changed.
	Past, New   [][]byte
	IsReplaying bool
}

// History is the JSON array of all events.
func (w *OrchestratorWork) History() []byte { return history.JoinArray(slices.Concat(w.Past, w.New)) }

// EntityWork is one batch of operations of an entity.
type EntityWork struct {
	ID    entity.ID
	State entity.State
	Batch []entity.Operation
}

// ActivityWork is one attempt of an activity.
type ActivityWork struct {
	Name        string
	InstanceID  string
	ExecutionID string
	TaskID      int
	Input       json.RawMessage // nil: none
}

// TaskFailure is a failure of user code as it enters the history.
type TaskFailure struct {
	Reason  string
	Details string
	// Failure describes it further; nil: nothing more is known.
	Failure *history.FailureDetails
}

func (e *TaskFailure) Error() string { return fmt.Sprintf("%s\n%s", e.Reason, e.Details) }
