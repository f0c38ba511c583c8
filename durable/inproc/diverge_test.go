package inproc_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

// program is an orchestrator without input and output.
type program func(s *inproc.Session)

func (p program) function() inproc.Function {
	return func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		p(s)
		return nil, nil
	}
}

func sub(s *inproc.Session, name, id string) *inproc.Task {
	t, err := s.SubOrchestration(inproc.Call{Name: name, InstanceID: id})
	if err != nil {
		panic(err)
	}
	return t
}

func effect(s *inproc.Session) {
	_, _ = s.SideEffect(func() (json.RawMessage, error) { return json.RawMessage("1"), nil })
}

func TestDivergence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		recorded, replayed program
		index              int
		was, is            string
	}{
		"another activity": {
			recorded: func(s *inproc.Session) { await1(s, activity(s, "A")) },
			replayed: func(s *inproc.Session) { await1(s, activity(s, "B")) },
			was:      "a call of activity 'A'", is: "a call of activity 'B'",
		},
		"a timer in place of an activity": {
			recorded: func(s *inproc.Session) { await1(s, activity(s, "A")) },
			replayed: func(s *inproc.Session) { s.Await(s.Timer(time.Hour)) },
			was:      "a call of activity 'A'", is: "a timer",
		},
		"an activity in place of a side effect": {
			recorded: func(s *inproc.Session) { effect(s); s.Await(s.Wait("E")) },
			replayed: func(s *inproc.Session) { await1(s, activity(s, "A")) },
			was:      "a side effect", is: "a call of activity 'A'",
		},
		"another sub-orchestration": {
			recorded: func(s *inproc.Session) { s.Await(sub(s, "S", "s")) },
			replayed: func(s *inproc.Session) { s.Await(sub(s, "T", "s")) },
			was:      "a call of sub-orchestration 'S' as instance 's'", is: "a call of sub-orchestration 'T' as instance 's'",
		},
		"another instance": {
			recorded: func(s *inproc.Session) { s.Await(sub(s, "S", "s")) },
			replayed: func(s *inproc.Session) { s.Await(sub(s, "S", "")) },
			was:      "a call of sub-orchestration 'S' as instance 's'", is: "a call of sub-orchestration 'S' as instance 'exec:0'",
		},
		"another start": {
			recorded: func(s *inproc.Session) { s.Detach(inproc.Call{Name: "S", InstanceID: "s"}); s.Await(s.Wait("E")) },
			replayed: func(s *inproc.Session) { s.Detach(inproc.Call{Name: "S", InstanceID: "t"}); s.Await(s.Wait("E")) },
			was:      "the start of 'S' as instance 's'", is: "the start of 'S' as instance 't'",
		},
		"one more": {
			recorded: func(s *inproc.Session) { s.Await(activity(s, "A")) },
			replayed: func(s *inproc.Session) { activity(s, "A"); s.Await(activity(s, "B")) },
			index:    1, was: "nothing", is: "a call of activity 'B'",
		},
		"one less": {
			recorded: func(s *inproc.Session) { activity(s, "A"); s.Await(activity(s, "B")) },
			replayed: func(s *inproc.Session) { s.Await(activity(s, "A")) },
			index:    1, was: "a call of activity 'B'", is: "nothing",
		},
		"one less at the end": {
			recorded: func(s *inproc.Session) { activity(s, "A"); s.Await(activity(s, "B")) },
			replayed: func(s *inproc.Session) { activity(s, "A") },
			index:    1, was: "a call of activity 'B'", is: "nothing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.recorded.function())
			r.step()
			r.evict()
			r.fn = c.replayed.function()
			out := r.step()
			var diverged *replay.DivergenceError
			require.ErrorAs(t, out.Err, &diverged)
			require.Equal(t, replay.DivergenceError{Index: c.index, Recorded: c.was, New: c.is}, *diverged)
			require.Contains(t, out.Err.Error(), "was recorded as "+c.was+", but this replay asks for "+c.is)
			gone(t, r.session)
		})
	}
}

// An orchestrator that ends where it had waited diverges, although it asks for nothing else.
func TestEndBeforeRecordedEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t, program(func(s *inproc.Session) { s.Await(activity(s, "A")); s.Await(s.Wait("E")) }).function())
	r.step()
	r.step(completed(0, "1"))
	r.evict()
	r.fn = program(func(s *inproc.Session) { activity(s, "A") }).function()
	require.EqualError(t, r.step().Err, (&replay.DivergenceError{
		Index: 1, Recorded: "going on with TaskCompleted", New: "the end of the orchestrator",
	}).Error())
}

// What a replay may do otherwise: the recorded input and time count.
func TestNoDivergence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ recorded, replayed program }{
		"another input": {
			recorded: func(s *inproc.Session) { s.Await(s.Activity(inproc.Call{Name: "A", Input: json.RawMessage("1")})) },
			replayed: func(s *inproc.Session) { s.Await(s.Activity(inproc.Call{Name: "A", Input: json.RawMessage("2")})) },
		},
		"another time": {
			recorded: func(s *inproc.Session) { s.Await(s.Timer(time.Hour)) },
			replayed: func(s *inproc.Session) { s.Await(s.Timer(time.Minute)) },
		},
		"case": {
			recorded: func(s *inproc.Session) { activity(s, "A"); s.Await(sub(s, "S", "s")) },
			replayed: func(s *inproc.Session) { activity(s, "a"); s.Await(sub(s, "s", "S")) },
		},
		"an action more once it is live": {
			recorded: func(s *inproc.Session) { s.Await(s.Wait("E")) },
			replayed: func(s *inproc.Session) { s.Await(s.Wait("E")); s.Await(activity(s, "A")) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.recorded.function())
			r.step()
			r.evict()
			r.fn = c.replayed.function()
			require.NoError(t, r.step(raised("E", "1")).Err)
		})
	}
}

func TestMaxActions(t *testing.T) {
	t.Parallel()
	r := newRig(t, program(func(s *inproc.Session) {
		for {
			s.Await(activity(s, "A"))
		}
	}).function())
	r.start.MaxActions = 2
	require.NoError(t, r.step().Err)
	require.NoError(t, r.step(completed(0, "1")).Err)
	out := r.step(completed(1, "1"))
	require.ErrorContains(t, out.Err, "has asked for more than 2 actions in one execution")
	require.ErrorContains(t, out.Err, "maxOrchestrationActions")
	gone(t, r.session)
}

// A side effect is stored with its outcome in one commit; a history without it was damaged.
func TestSideEffectWithoutOutcome(t *testing.T) {
	t.Parallel()
	r := newRig(t, program(func(s *inproc.Session) { effect(s); s.Await(s.Wait("E")) }).function())
	r.step()
	r.evict()
	kept := r.history[:0]
	for _, ev := range r.history {
		if ev.Type != history.TaskCompleted {
			kept = append(kept, ev)
		}
	}
	r.history = kept
	require.EqualError(t, r.step().Err, "the history holds no outcome of side effect 0")
}
