package inproc

import (
	"fmt"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/replay"
)

// nothing stands for the missing side of a DivergenceError.
const nothing = "nothing"

// replayed is the stored history that a session goes through before it is live.
type replayed struct {
	events   []history.Event
	at       int
	recorded map[int]*history.Event // scheduling events by id
	effects  map[int]*history.Event // outcomes of side effects by id
	// first is the clock of the first episode, next that of the one that follows the history.
	first, next time.Time
}

func (r *replayed) load(events []history.Event) {
	r.events, r.at = events, 0
	r.recorded = make(map[int]*history.Event, len(events)/3)
	for i := range events {
		ev := &events[i]
		switch {
		case ev.Type == history.OrchestratorStarted && r.first.IsZero():
			r.first = ev.Timestamp
		case ev.Type.IsScheduling():
			r.recorded[ev.ID] = ev
		case (ev.Type == history.TaskCompleted || ev.Type == history.TaskFailed) && r.isEffect(ev.TaskID):
			if r.effects == nil {
				r.effects = map[int]*history.Event{}
			}
			r.effects[ev.TaskID] = ev
		}
	}
}

func (r *replayed) isEffect(id int) bool {
	rec := r.recorded[id]
	return rec != nil && rec.Name == SideEffectName
}

// take returns the next event that may concern the orchestrator, nil at the end.
func (r *replayed) take() *history.Event {
	for r.at < len(r.events) {
		ev := &r.events[r.at]
		r.at++
		switch {
		case ev.Type.IsCompletion() && r.effects[ev.TaskID] == ev:
		case ev.Type.IsCompletion(), ev.Type == history.EventRaised, ev.Type == history.OrchestratorStarted:
			return ev
		}
	}
	return nil
}

// unfinished tells what the history holds beyond what the orchestrator has come to, when it cannot go on.
func (r *replayed) unfinished(nextID int) error {
	if rec := r.recorded[nextID]; rec != nil {
		return &replay.DivergenceError{Index: nextID, Recorded: describe(rec), New: nothing}
	}
	for ev := r.take(); ev != nil; ev = r.take() {
		if ev.Type != history.OrchestratorStarted { // the episode may have been left without a trace otherwise
			return &replay.DivergenceError{Index: nextID, Recorded: fmt.Sprintf("going on with %s", ev.Type), New: "the end of the orchestrator"}
		}
	}
	return nil
}

// forget frees the history.
func (r *replayed) forget() { r.events, r.recorded, r.effects = nil, nil, nil }

// same reports whether a replay may ask for b where a was recorded. Inputs are not compared: the recorded one counts. Nor are
// the times of timers: a delay may be reckoned anew.
func same(a, b *history.Event) bool {
	return a.Type == b.Type && strings.EqualFold(a.Name, b.Name) && (a.Type == history.TimerCreated || strings.EqualFold(a.InstanceID, b.InstanceID))
}

func describe(ev *history.Event) string {
	switch ev.Type {
	case history.TaskScheduled:
		if ev.Name == SideEffectName {
			return "a side effect"
		}
		return fmt.Sprintf("a call of activity '%s'", ev.Name)
	case history.SubOrchestrationCreated:
		return fmt.Sprintf("a call of sub-orchestration '%s' as instance '%s'", ev.Name, ev.InstanceID)
	case history.TimerCreated:
		return "a timer"
	case history.EventSent:
		return fmt.Sprintf("the start of '%s' as instance '%s'", ev.Name, ev.InstanceID)
	default:
		return ev.Type.String()
	}
}
