package durabletest

import (
	"fmt"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
)

// Format renders a history for people and golden comparisons: a line for each event, with the time since the orchestration was started, the
// event's type, the id of the task that it is about, names, and data as JSON:
//
//	0s         ExecutionStarted Order {"item":"book"}
//	0s         TaskScheduled #0 Charge 12
//	3s         TaskCompleted #0 "receipt-1"
//	3s         TimerCreated #1 until 24h0m3s
//	24h0m3s    TimerFired #1
//	24h0m3s    ExecutionCompleted Completed "expired"
//
// The beginnings and ends of episodes, OrchestratorStarted and OrchestratorCompleted, are left out.
func Format(events []history.Event) string {
	var b strings.Builder
	lines, width := lines(events), 0
	for _, l := range lines {
		width = max(width, len(l.at))
	}
	for _, l := range lines {
		fmt.Fprintf(&b, "%-*s  %s\n", width, l.at, l.text)
	}
	return b.String()
}

// line is an event as it is shown.
type line struct{ at, text string }

func lines(events []history.Event) []line {
	start := startOf(events)
	var out []line
	for i := range events {
		if ev := &events[i]; ev.Type != history.OrchestratorStarted && ev.Type != history.OrchestratorCompleted {
			out = append(out, line{since(start, ev.Timestamp), formatEvent(start, ev)})
		}
	}
	return out
}

// startOf is the time from which a history's times count.
func startOf(events []history.Event) time.Time {
	for i := range events {
		if events[i].Type == history.ExecutionStarted {
			return events[i].Timestamp
		}
	}
	if len(events) > 0 {
		return events[0].Timestamp
	}
	return time.Time{}
}

func since(start, t time.Time) string { return t.Sub(start).String() }

func formatEvent(start time.Time, ev *history.Event) string {
	words := []string{ev.Type.String()}
	add := func(more ...string) {
		for _, w := range more {
			if w != "" {
				words = append(words, w)
			}
		}
	}
	switch ev.Type {
	case history.ExecutionStarted:
		add(ev.Name, version(ev.Version))
		if ev.Parent != nil {
			add(fmt.Sprintf("for #%d of %s", ev.Parent.TaskScheduledID, ev.Parent.InstanceID))
		}
		add(value(ev.Input))
	case history.TaskScheduled:
		add(id(ev.ID), ev.Name, value(ev.Input))
	case history.SubOrchestrationCreated, history.EventSent:
		add(id(ev.ID), ev.Name, version(ev.Version), "as "+ev.InstanceID, value(ev.Input))
	case history.TaskCompleted, history.SubOrchestrationCompleted:
		add(id(ev.TaskID), value(ev.Result))
	case history.TaskFailed, history.SubOrchestrationFailed:
		add(id(ev.TaskID), oneLine(ev.Reason), failure(ev.Failure))
	case history.TimerCreated:
		add(id(ev.ID), "until "+since(start, ev.FireAt))
	case history.TimerFired:
		add(id(ev.TaskID))
	case history.EventRaised:
		add(ev.Name, value(ev.Input))
	case history.ExecutionCompleted:
		add(durable.RuntimeStatus(ev.Status).String(), value(ev.Result))
	case history.ExecutionTerminated:
		add(value(ev.Input))
	default:
		add(oneLine(ev.Reason), oneLine(ev.Data))
	}
	return strings.Join(words, " ")
}

func id(n int) string { return fmt.Sprintf("#%d", n) }

func version(v string) string {
	if v == "" {
		return ""
	}
	return "version " + v
}

func value(text *string) string {
	if text == nil {
		return ""
	}
	return oneLine(*text)
}

func oneLine(s string) string {
	return strings.NewReplacer("\r\n", `\n`, "\n", `\n`, "\r", `\r`).Replace(s)
}

func failure(f *history.FailureDetails) string {
	switch {
	case f == nil:
		return ""
	case f.IsNonRetriable:
		return "(" + f.ErrorType + ", not retriable)"
	default:
		return "(" + f.ErrorType + ")"
	}
}
