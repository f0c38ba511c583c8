package inproc_test

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds each wait for a session; none takes so long when all is well.
const patience = 20 * time.Second

var epoch = time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC)

// minute is the clock n minutes after the beginning.

// rig drives a session as an engine does: it keeps the history and the offers that were not taken.
type rig struct {
	t       *testing.T
	fn      inproc.Function
	start   inproc.Start
	session *inproc.Session
	history []history.Event
	waiting []history.Event // offers that the orchestrator has not been given
	now     time.Time
	steps   []recorded
}

// recorded is one step, with which another session can be driven the same way.
type recorded struct {
	before  int // length of the history
	step    inproc.Step
	outcome *inproc.Outcome
}

func newRig(t *testing.T, fn inproc.Function) *rig {
	t.Helper()
	r := &rig{t: t, fn: fn, now: epoch, start: inproc.Start{
		Name: "Orch", InstanceID: "one", ExecutionID: "exec", Logger: slog.New(slog.DiscardHandler),
	}}
	t.Cleanup(func() { r.close(inproc.ErrEvicted) })
	return r
}

func (r *rig) close(cause error) {
	if r.session != nil {
		r.session.Close(cause)
		gone(r.t, r.session)
		r.session = nil
	}
}

// gone waits until the session's goroutine has ended.
func gone(t *testing.T, s *inproc.Session) {
	t.Helper()
	select {
	case <-s.Gone():
	case <-time.After(patience):
		require.FailNow(t, "the orchestrator's goroutine has not ended")
	}
}

// step runs an episode a minute after the last one, with what has not been taken and the further offers.
func (r *rig) step(offers ...history.Event) *inproc.Outcome {
	r.t.Helper()
	step := inproc.Step{Now: r.now, Offers: slices.Concat(r.waiting, offers)}
	if r.session == nil {
		r.session = inproc.New(r.fn, r.start)
		step.Replay = slices.Clone(r.history)
	}
	out := await(r.t, r.session, &step)
	r.steps = append(r.steps, recorded{before: len(r.history), step: step, outcome: out})
	r.record(&step, out)
	return out
}

// await runs one step.
func await(t *testing.T, s *inproc.Session, step *inproc.Step) *inproc.Outcome {
	t.Helper()
	done := make(chan *inproc.Outcome, 2)
	s.Step(step, func(out *inproc.Outcome) { done <- out })
	select {
	case out := <-done:
		return out
	case <-time.After(patience):
		require.FailNow(t, "the orchestrator does not come to an await", inproc.WhereIs(s.Info().InstanceID))
		return nil
	}
}

// record puts an episode into the history.
func (r *rig) record(step *inproc.Step, out *inproc.Outcome) {
	r.history = append(r.history, event(history.OrchestratorStarted, step.Now))
	if len(r.history) == 1 {
		r.history = append(r.history, event(history.ExecutionStarted, step.Now))
	}
	for _, i := range out.Shown {
		r.history = append(r.history, step.Offers[i])
	}
	r.history = append(r.history, out.Decisions.Events...)
	r.waiting = nil
	for i := range step.Offers {
		if !slices.Contains(out.Shown, i) && !slices.Contains(out.Stale, i) {
			r.waiting = append(r.waiting, step.Offers[i])
		}
	}
	r.now = r.now.Add(time.Minute)
}

// evict takes the session out of memory; the next step rebuilds it.
func (r *rig) evict() { r.close(inproc.ErrEvicted) }

func event(typ history.EventType, at time.Time) history.Event {
	return history.Event{Type: typ, ID: -1, Timestamp: at, Action: history.NoAction}
}

func completed(id int, result string) history.Event {
	ev := event(history.TaskCompleted, epoch)
	ev.TaskID, ev.Result = id, &result
	return ev
}

func failed(id int, reason string) history.Event {
	ev := event(history.TaskFailed, epoch)
	ev.TaskID, ev.Reason = id, reason
	return ev
}

func fired(id int) history.Event {
	ev := event(history.TimerFired, epoch)
	ev.TaskID = id
	return ev
}

func raised(name, data string) history.Event {
	ev := event(history.EventRaised, epoch)
	ev.Name, ev.Input = name, &data
	return ev
}

// activity schedules an activity without input.
func activity(s *inproc.Session, name string) *inproc.Task {
	return s.Activity(inproc.Call{Name: name})
}

// await1 awaits a task and returns its result as text, or its failure.
func await1(s *inproc.Session, t *inproc.Task) string {
	s.Await(t)
	if t.Failed() {
		return "failed: " + t.Event().Reason
	}
	return string(t.Result())
}

// output marshals what an orchestrator of the tests returns.
func output(v any) (json.RawMessage, error) {
	raw, err := json.Marshal(v)
	return raw, err
}

// names are the decided events, each in a word and with its id.
func names(events []history.Event) []string {
	out := []string{}
	for i := range events {
		out = append(out, strings.TrimSpace(events[i].Type.String()+" "+events[i].Name))
	}
	return out
}

// requireEnd checks how an episode ended the execution.
func requireEnd(t *testing.T, out *inproc.Outcome, outcome replay.Outcome, result string) {
	t.Helper()
	require.NoError(t, out.Err)
	require.Equal(t, outcome, out.Decisions.Outcome, "failure: %s", out.Decisions.FailureReason)
	switch outcome {
	case replay.Completed:
		require.Equal(t, result, string(out.Decisions.Output))
	case replay.Failed:
		require.Equal(t, result, out.Decisions.FailureReason)
	case replay.ContinuedAsNew:
		require.Equal(t, result, string(out.Decisions.NewInput))
	case replay.Waiting:
	}
}
