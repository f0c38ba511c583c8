package inproc

import (
	"fmt"
	"strings"

	"github.com/durango-functions/durango/durable/history"
)

// Awaited says what the orchestrator waits for, for a person; "" when it waits for nothing. Only between steps.
func (s *Session) Awaited() string {
	if s.awaited == nil {
		return ""
	}
	return s.awaited.describe(true)
}

// AwaitsEvent reports whether an external event can get the orchestrator on. Only between steps.
func (s *Session) AwaitsEvent() bool { return s.awaited != nil && s.awaited.awaitsEvent() }

func (t *Task) awaitsEvent() bool {
	if t.done {
		return false
	}
	if t.parts == nil {
		return t.kind == history.EventRaised
	}
	for _, part := range t.parts.tasks {
		if part.awaitsEvent() {
			return true
		}
	}
	return false
}

// maxParts is how many parts of a compound a description names.
const maxParts = 4

func (t *Task) describe(outermost bool) string {
	switch {
	case t.parts != nil:
		return t.describeParts(outermost)
	case t.kind == history.EventRaised:
		return fmt.Sprintf("event '%s'", t.name)
	case t.kind == history.TimerCreated:
		return fmt.Sprintf("timer #%d", t.id)
	case t.retry != nil && t.retry.delaying:
		return fmt.Sprintf("attempt %d of %s, after timer #%d", t.retry.attempts+1, callOf(t.kind, t.name), t.id)
	default:
		return fmt.Sprintf("%s #%d", callOf(t.kind, t.name), t.id)
	}
}

func callOf(kind history.EventType, name string) string {
	if kind == history.SubOrchestrationCreated {
		return "sub-orchestration '" + name + "'"
	}
	return "activity '" + name + "'"
}

// describeParts names the parts of a compound that are not complete.
func (t *Task) describeParts(outermost bool) string {
	var names []string
	open := 0
	for _, part := range t.parts.tasks {
		if part.done {
			continue
		}
		open++
		if len(names) < maxParts {
			names = append(names, part.describe(false))
		}
	}
	if open > len(names) {
		names = append(names, fmt.Sprintf("%d more", open-len(names)))
	}
	text := "all of "
	if t.parts.any {
		text = "any of "
	}
	if text += strings.Join(names, ", "); !outermost {
		text = "(" + text + ")"
	}
	return text
}
