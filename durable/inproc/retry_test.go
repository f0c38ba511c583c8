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

// attempts lets a call with retry fail until it gives up, with an episode for each event, and returns the delays.
func attempts(t *testing.T, retry inproc.Retry, fail func(id int) history.Event) []time.Duration {
	r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		return output(await1(s, s.Activity(inproc.Call{Name: "A", Retry: &retry})))
	})
	var delays []time.Duration
	out := r.step()
	for range 50 {
		id := out.Decisions.Activities[0].ID
		r.evict() // each episode replays
		out = r.step(fail(id))
		require.NoError(t, out.Err)
		if out.Decisions.Outcome == replay.Completed {
			require.Contains(t, string(out.Decisions.Output), "failed: no")
			return delays
		}
		timer := out.Decisions.Timers[0]
		delay := timer.FireAt.Sub(r.now.Add(-time.Minute))
		delays = append(delays, delay)
		r.now = timer.FireAt
		out = r.step(fired(timer.ID))
	}
	require.Fail(t, "it does not give up")
	return nil
}

func TestRetryDelays(t *testing.T) {
	t.Parallel()
	const s = time.Second
	final := func(id int) history.Event {
		ev := failed(id, "no")
		ev.Failure = &history.FailureDetails{IsNonRetriable: id >= 2} // that of the second attempt
		return ev
	}
	for name, c := range map[string]struct {
		retry inproc.Retry
		fail  func(id int) history.Event
		want  []time.Duration
	}{
		"one attempt":      {retry: inproc.Retry{First: s, MaxAttempts: 1}},
		"constant":         {retry: inproc.Retry{First: s, MaxAttempts: 4}, want: []time.Duration{s, s, s}},
		"exponential":      {retry: inproc.Retry{First: s, MaxAttempts: 5, Coefficient: 2}, want: []time.Duration{s, 2 * s, 4 * s, 8 * s}},
		"bounded":          {retry: inproc.Retry{First: s, MaxAttempts: 5, Coefficient: 3, Max: 5 * s}, want: []time.Duration{s, 3 * s, 5 * s, 5 * s}},
		"shrinking":        {retry: inproc.Retry{First: 4 * s, MaxAttempts: 4, Coefficient: 0.5}, want: []time.Duration{4 * s, 2 * s, s}},
		"in milliseconds":  {retry: inproc.Retry{First: s / 3, MaxAttempts: 2}, want: []time.Duration{334 * time.Millisecond}},
		"not retriable":    {retry: inproc.Retry{First: s, MaxAttempts: 9}, fail: final, want: []time.Duration{s}},
		"handled":          {retry: inproc.Retry{First: s, MaxAttempts: 9, Handle: func(ev *history.Event) bool { return ev.TaskID < 2 }}, want: []time.Duration{s}},
		"beyond all years": {retry: inproc.Retry{First: s, MaxAttempts: 3, Coefficient: 1e300}, want: []time.Duration{s, 100 * 365 * 24 * time.Hour}},
		// Each attempt takes a minute: the fifth would begin after 4 minutes and 4 seconds.
		"timeout":           {retry: inproc.Retry{First: s, MaxAttempts: 9, Timeout: 4 * time.Minute}, want: []time.Duration{s, s, s}},
		"timeout, just not": {retry: inproc.Retry{First: s, MaxAttempts: 9, Timeout: 4*time.Minute + 5*s}, want: []time.Duration{s, s, s, s}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fail := c.fail
			if fail == nil {
				fail = func(id int) history.Event { return failed(id, "no") }
			}
			require.Equal(t, c.want, attempts(t, c.retry, fail))
		})
	}
}

// A compound waits for the last attempt, and sees the outcome of the call.
func TestRetryInACompound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		last history.Event
		want string
	}{
		"done":   {completed(3, "3"), `"all true, failed false: 3"`},
		"failed": {failed(3, "at last"), `"all true, failed true: "`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
				flaky := s.Activity(inproc.Call{Name: "A", Retry: &inproc.Retry{First: time.Second, MaxAttempts: 2}})
				all := s.All([]*inproc.Task{activity(s, "B"), flaky})
				s.Await(all)
				require.Equal(t, 3, flaky.ID(), "of its latest attempt")
				text := "all true, failed false: "
				if all.Failed() {
					text = "all true, failed true: "
				}
				return output(text + string(flaky.Result()))
			})
			r.step()
			out := r.step(failed(0, "no"), completed(1, "1"))
			require.Equal(t, []int{0, 1}, out.Shown)
			require.Equal(t, 2, out.Decisions.Timers[0].ID)
			r.step(fired(2))
			requireEnd(t, r.step(c.last), replay.Completed, c.want)
		})
	}
}

// A sub-orchestration gets another instance with each attempt, unless it was given its ID.
func TestRetryOfASubOrchestration(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{"": "exec:2", "mine": "mine"} {
		r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
			task, err := s.SubOrchestration(inproc.Call{Name: "S", InstanceID: id, Retry: &inproc.Retry{First: time.Second, MaxAttempts: 2}})
			require.NoError(t, err)
			return output(await1(s, task))
		})
		r.step()
		lost := failed(0, "lost")
		lost.Type = history.SubOrchestrationFailed
		r.step(lost)
		out := r.step(fired(1))
		require.Equal(t, []replay.SubOrchestration{{ID: 2, Name: "S", InstanceID: want}}, out.Decisions.SubOrchestration)
	}
}

func TestPanicOfAHandler(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		retry := &inproc.Retry{First: time.Second, MaxAttempts: 2, Handle: func(*history.Event) bool { panic("handler") }}
		return output(await1(s, s.Activity(inproc.Call{Name: "A", Retry: retry})))
	})
	r.step()
	requireEnd(t, r.step(failed(0, "no")), replay.Failed, "panic: handler")
}
