package durabletest

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

// Replay runs an orchestrator over a recorded history and fails the test at the first difference. With histories of production kept in files, it
// tells whether instances that run can go on with changed code:
//
//	durabletest.Replay(t, Order, durabletest.ReadHistory(t, "testdata/order-4711.json"))
//
// The history is that of durable.Client's Status or History, of an orchestrator in Go. Actions are compared as at run time: by
// function and instance ID. Other inputs and times are logged; at run time the recorded ones count. When the recorded orchestration
// has ended, the end is compared, too.
func Replay[E history.Event | json.RawMessage](t TB, orchestrator any, recorded []E) {
	t.Helper()
	fn, err := durable.NewOrchestrator(orchestrator)
	if err != nil {
		t.Fatalf("durabletest: %v", err)
	}
	events, err := decode(recorded)
	if err != nil {
		t.Fatalf("durabletest: %v", err)
	}
	notes, err := replayRecorded(fn, events)
	for _, note := range notes {
		t.Logf("durabletest: %s", note)
	}
	if err != nil {
		t.Errorf("durabletest: %v", err)
	}
}

// decode makes events of their stored forms.
func decode[E history.Event | json.RawMessage](recorded []E) ([]history.Event, error) {
	events := make([]history.Event, len(recorded))
	for i := range recorded {
		switch ev := any(recorded[i]).(type) {
		case history.Event:
			events[i] = ev
		case json.RawMessage:
			var err error
			if events[i], err = history.Decode(ev); err != nil {
				return nil, fmt.Errorf("history event %d: %w", i, err)
			}
		}
	}
	return events, nil
}

// replayRecorded returns the first difference, and what is worth a note.
func replayRecorded(fn inproc.Function, events []history.Event) (notes []string, err error) {
	start, err := startOfRecorded(events)
	if err != nil {
		return nil, err
	}
	got, err := replayHistory(fn, *start, events)
	if err != nil {
		return nil, err
	}
	who := fmt.Sprintf("instance '%s' of '%s'", start.InstanceID, start.Name)
	if d := compareActions(events, got, false); d != nil {
		return nil, nondeterminism(who, events, d)
	}
	if d := compareActions(events, got, true); d != nil {
		notes = append(notes, fmt.Sprintf("in episode %d, %s has %s, its replay has %s: the recorded one counts", d.episode, who, d.was, d.is))
	}
	var diverged *replay.DivergenceError
	end, dec := endOf(events), *got.out.Decisions
	if dec.Outcome == replay.Failed {
		dec.FailureReason = orchestratorFailed(start.Name, dec.FailureReason)
	}
	d := &difference{episode: episodeOf(events, len(events)), upTo: len(events), is: describeEnd(&dec, got.awaited)}
	switch {
	case errors.As(got.out.Err, &diverged):
		d.was, d.is = diverged.Recorded, diverged.New
	case got.out.Err != nil:
		return notes, fmt.Errorf("%s: %w", who, got.out.Err)
	case end == nil:
		if dec.Outcome != replay.Waiting {
			notes = append(notes, fmt.Sprintf("%s runs, and its replay comes to %s", who, d.is))
		}
		return notes, nil
	default:
		if d.was = describeEnd(end, "what comes next"); sameEnd(end, "", &dec, "") {
			return notes, nil
		}
	}
	return notes, nondeterminism(who, events, d)
}

// startOfRecorded makes of a history what a session is told.
func startOfRecorded(events []history.Event) (*inproc.Start, error) {
	for i := range events {
		ev := &events[i]
		if ev.Type != history.ExecutionStarted {
			continue
		}
		if ev.Runtime != history.RuntimeGo {
			return nil, fmt.Errorf("the history of instance '%s' is not that of an orchestrator in Go", ev.OwnInstanceID)
		}
		s := &inproc.Start{
			Name: ev.Name, Version: ev.Version, InstanceID: ev.OwnInstanceID, ExecutionID: ev.ExecutionID, Logger: slog.New(slog.DiscardHandler),
		}
		if ev.Input != nil {
			s.Input = json.RawMessage(*ev.Input)
		}
		if ev.Parent != nil {
			s.ParentInstanceID = ev.Parent.InstanceID
		}
		return s, nil
	}
	return nil, fmt.Errorf("the history holds no ExecutionStarted among its %d events: it is not complete", len(events))
}

// endOf says how a recorded orchestration ended; nil: it runs.
func endOf(events []history.Event) *replay.Decisions {
	for i := range events {
		ev := &events[i]
		if ev.Type != history.ExecutionCompleted {
			continue
		}
		end := &replay.Decisions{}
		if ev.Result != nil {
			end.Output = json.RawMessage(*ev.Result)
		}
		switch durable.RuntimeStatus(ev.Status) {
		case durable.Completed:
			end.Outcome = replay.Completed
		case durable.Failed:
			end.Outcome = replay.Failed
			_ = json.Unmarshal(end.Output, &end.FailureReason) // else it is unknown
			end.Output = nil
		default: // terminated where it waited
			end.Outcome, end.Output = replay.Waiting, nil
		}
		return end
	}
	return nil
}

// ReadHistory reads a history from a file: a JSON array of stored events, as MarshalHistory and json.Marshal of Status.History write it.
func ReadHistory(t TB, path string) []history.Event {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("durabletest: reading a history: %v", err)
	}
	events, err := UnmarshalHistory(raw)
	if err != nil {
		t.Fatalf("durabletest: %s: %v", path, err)
	}
	return events
}

// UnmarshalHistory reads a JSON array of stored events.
func UnmarshalHistory(raw []byte) ([]history.Event, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("a history is a JSON array of events in their stored form: %w", err)
	}
	events, err := decode(list)
	if err != nil && strings.Contains(string(raw), `"FunctionName"`) {
		err = fmt.Errorf("this seems to be the history as the HTTP management API shows it, which lacks ids; take that of durable.Client's Status or History: %w", err)
	}
	return events, err
}

// MarshalHistory writes a history as a JSON array of stored events, one a line, for ReadHistory.
func MarshalHistory(events []history.Event) []byte {
	out := []byte("[\n")
	for i := range events {
		if i > 0 {
			out = append(out, ",\n"...)
		}
		out = events[i].AppendLean(out)
	}
	return append(out, "\n]\n"...)
}
