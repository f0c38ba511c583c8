package replay

import (
	"fmt"

	"github.com/durango-functions/durango/durable/history"
)

// nothing stands for the missing side of a DivergenceError.
const nothing = "nothing"

// DivergenceError tells that a replay asked for something else than what the history holds: the orchestrator is not deterministic, or
// its code was changed while the instance ran. It fails the instance.
type DivergenceError struct {
	Index         int    // of the action, counted from 0 in the order in which the orchestrator yielded them
	Recorded, New string // the two actions, for a person
}

func (e *DivergenceError) Error() string {
	return fmt.Sprintf("Non-deterministic orchestrator detected: action %d was recorded as %s, but this replay asks for %s. "+
		"An orchestrator must ask for the same actions in the same order each time it is replayed: "+
		"was its code changed while the instance ran, or does it use the clock, random numbers or I/O directly?", e.Index, e.Recorded, e.New)
}

// describe names what a scheduling event recorded.
func describe(e *history.Event) string {
	switch e.Type {
	case history.TaskScheduled:
		return fmt.Sprintf("%s %q", CallActivity, e.Name)
	case history.SubOrchestrationCreated:
		return fmt.Sprintf("%s %q with instance ID %q", CallSubOrchestrator, e.Name, e.InstanceID)
	case history.TimerCreated:
		return (&Action{Type: CreateTimer, FireAt: e.FireAt}).String()
	case history.EventSent:
		return describeRequest(e)
	default:
		return fmt.Sprintf("%s %q", e.Type, e.Name)
	}
}
