package durabletest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

// replayed is what an orchestrator did when it was run over its history.
type replayed struct {
	asked   []history.Event // the actions, by id
	out     *inproc.Outcome
	awaited string
}

// replayHistory runs an orchestrator over a history, in a session of its own.
func replayHistory(fn inproc.Function, start inproc.Start, events []history.Event) (got *replayed, err error) {
	got = &replayed{}
	start.Observe = func(ev history.Event) { got.asked = append(got.asked, ev) }
	s := inproc.New(fn, start)
	got.out, err = stepSession(s, &inproc.Step{Now: events[len(events)-1].Timestamp, Replay: events})
	if err != nil {
		s.Close(inproc.ErrEvicted) // it ends when it can
		return nil, err
	}
	got.awaited = s.Awaited()
	return got, closeSession(s, inproc.ErrEvicted)
}

// difference is the first one between a history and its replay.
type difference struct {
	episode    int
	was, is    string
	upTo       int  // index of the event in the history before which it stands
	inputsOnly bool // the runtime would go on with what was recorded
}

// compareActions finds the first action in which a replay differs from the history. strict compares inputs and times, too.
func compareActions(events []history.Event, got *replayed, strict bool) *difference {
	recorded := map[int]int{} // index by id
	last := -1
	for i := range events {
		if events[i].Type.IsScheduling() {
			recorded[events[i].ID] = i
			last = max(last, events[i].ID)
		}
	}
	for n := range max(last+1, len(got.asked)) {
		at, known := recorded[n]
		d := &difference{upTo: len(events), was: "nothing", is: "nothing"}
		if known {
			d.was, d.upTo = describe(events, &events[at]), at
		}
		if n < len(got.asked) {
			d.is = describe(events, &got.asked[n])
		}
		switch {
		case known && n < len(got.asked) && sameAction(&events[at], &got.asked[n]):
			d.inputsOnly = true
			if !strict || sameInput(&events[at], &got.asked[n]) {
				continue
			}
		case !known && n >= len(got.asked): // ids that a rewind has left out
			continue
		case !known:
			d.upTo = beginOf(events, recorded, n, &got.asked[n])
		}
		d.episode = episodeOf(events, d.upTo)
		return d
	}
	return nil
}

// sameAction is the rule of the runtime: inputs and times are not compared.
func sameAction(a, b *history.Event) bool {
	return a.Type == b.Type && strings.EqualFold(a.Name, b.Name) && (a.Type == history.TimerCreated || strings.EqualFold(a.InstanceID, b.InstanceID))
}

// sameInput compares what the runtime does not.
func sameInput(a, b *history.Event) bool {
	return a.FireAt.Equal(b.FireAt) && a.Version == b.Version && (a.Input == nil) == (b.Input == nil) && (a.Input == nil || *a.Input == *b.Input)
}

// sameEnd compares where two runs of an orchestrator stand after an episode.
func sameEnd(a *replay.Decisions, awaitedA string, b *replay.Decisions, awaitedB string) bool {
	return a.Outcome == b.Outcome && bytes.Equal(a.Output, b.Output) && bytes.Equal(a.NewInput, b.NewInput) && a.FailureReason == b.FailureReason &&
		(a.Outcome != replay.Waiting || awaitedA == awaitedB)
}

// beginOf is the index in the history at which an action stands that was not recorded: behind the one before it, in the episode of its time.
func beginOf(events []history.Event, recorded map[int]int, n int, asked *history.Event) int {
	at := 0
	if before, ok := recorded[n-1]; ok {
		at = before + 1
	}
	for i := at; i < len(events); i++ {
		if events[i].Type == history.OrchestratorStarted && events[i].Timestamp.After(asked.Timestamp) {
			return i
		}
	}
	return len(events)
}

// episodeOf is the number, from 1, of the episode that the index is in.
func episodeOf(events []history.Event, at int) int {
	n := 0
	for i := range events[:at] {
		if events[i].Type == history.OrchestratorStarted {
			n++
		}
	}
	return max(n, 1)
}

// describe says what an orchestrator asked for.
func describe(events []history.Event, ev *history.Event) string {
	with := ""
	if ev.Input != nil {
		with = " with " + shorten(oneLine(*ev.Input))
	}
	switch ev.Type {
	case history.TaskScheduled:
		if ev.Name == inproc.SideEffectName {
			return "a side effect"
		}
		return fmt.Sprintf("a call of activity '%s'%s", ev.Name, with)
	case history.SubOrchestrationCreated:
		return fmt.Sprintf("a call of sub-orchestration '%s' as instance '%s'%s", ev.Name, ev.InstanceID, with)
	case history.TimerCreated:
		return "a timer until " + since(startOf(events), ev.FireAt)
	case history.EventSent:
		return fmt.Sprintf("the start of '%s' as instance '%s'%s", ev.Name, ev.InstanceID, with)
	default:
		return formatEvent(startOf(events), ev)
	}
}

// shorten keeps messages readable.
func shorten(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	return fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(s[:limit], ""), len(s))
}

// describeEnd says where an orchestrator stands after an episode.
func describeEnd(dec *replay.Decisions, awaited string) string {
	switch dec.Outcome {
	case replay.Completed:
		return "the end of the orchestrator with output " + orNone(dec.Output)
	case replay.Failed:
		return "the failure of the orchestrator: " + shorten(oneLine(dec.FailureReason))
	case replay.ContinuedAsNew:
		return "a new execution with input " + orNone(dec.NewInput)
	default:
		return "waiting for " + awaited
	}
}

func orNone(raw []byte) string {
	if raw == nil {
		return "none"
	}
	return shorten(string(raw))
}

// maxShown is how many events before a difference a message shows.
const maxShown = 20

// nondeterminism is the message about a difference.
func nondeterminism(who string, events []history.Event, d *difference) error {
	before := strings.Split(strings.TrimSuffix(Format(events[:d.upTo]), "\n"), "\n")
	if cut := len(before) - maxShown; cut > 0 {
		before = append([]string{fmt.Sprintf("(%d events)", cut)}, before[cut:]...)
	}
	hint := "An orchestrator that is run again over its history must ask for the same things in the same order. Take time, random numbers and GUIDs " +
		"from its Orchestration, leave I/O to activities, range over the sorted keys of maps, and keep nothing in variables that outlive a run; " +
		"durable.SideEffect records what cannot be repeated."
	if d.inputsOnly {
		hint = "At run time the recorded one would count, but what the orchestrator makes of the rest of its values may differ. " + hint
	}
	return errors.New(who + fmt.Sprintf(" is not deterministic. In episode %d\n\tthe history has:  %s\n\tits replay has:   %s\nThe history before:\n\t%s\n",
		d.episode, d.was, d.is, strings.Join(before, "\n\t")) + hint)
}
