package inproc_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

func TestInfo(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *inproc.Session, input json.RawMessage) (json.RawMessage, error) {
		info := s.Info()
		return output([]string{info.Name, info.Version, info.InstanceID, info.ExecutionID, info.ParentInstanceID, string(input)})
	})
	r.start.Version, r.start.ParentInstanceID, r.start.Input = "2", "parent", json.RawMessage("7")
	requireEnd(t, r.step(), replay.Completed, `["Orch","2","one","exec","parent","7"]`)
	gone(t, r.session)
}

func TestFailure(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(*inproc.Session, json.RawMessage) (json.RawMessage, error) {
		return nil, fmt.Errorf("outer: %w", errStop)
	})
	out := r.step()
	requireEnd(t, out, replay.Failed, "outer: stop")
	require.ErrorIs(t, out.Failure, errStop)
}

func TestContinueAsNew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end     func(s *inproc.Session) error
		outcome replay.Outcome
		want    string
	}{
		"returned":       {func(s *inproc.Session) error { return s.ContinueAsNew(json.RawMessage("2")) }, replay.ContinuedAsNew, "2"},
		"wrapped":        {func(s *inproc.Session) error { return fmt.Errorf("again: %w", s.ContinueAsNew(nil)) }, replay.ContinuedAsNew, ""},
		"not returned":   {func(s *inproc.Session) error { _ = s.ContinueAsNew(json.RawMessage("2")); return nil }, replay.ContinuedAsNew, "2"},
		"the last input": {func(s *inproc.Session) error { _ = s.ContinueAsNew(nil); return s.ContinueAsNew(json.RawMessage("3")) }, replay.ContinuedAsNew, "3"},
		"failed after":   {func(s *inproc.Session) error { _ = s.ContinueAsNew(nil); return errStop }, replay.Failed, "stop"},
		"panicked after": {func(s *inproc.Session) error { _ = s.ContinueAsNew(nil); panic("x") }, replay.Failed, "panic: x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
				s.Timer(time.Hour)
				activity(s, "A")
				return nil, c.end(s)
			})
			out := r.step()
			requireEnd(t, out, c.outcome, c.want)
			require.Len(t, out.Decisions.Activities, 1, "what was asked for is done")
			require.Empty(t, out.Decisions.Timers, "nobody waits for it")
		})
	}
}

func TestTimers(t *testing.T) {
	t.Parallel()
	r := newRig(t, program(func(s *inproc.Session) {
		s.Timer(-time.Hour)
		s.Timer(time.Microsecond)
		s.Timer(time.Hour)
		given := s.Timer(2 * time.Hour)
		s.Cancel(given) // before it exists elsewhere
		late := s.Timer(3 * time.Hour)
		s.Await(s.Wait("E"))
		s.Cancel(late)
		s.Cancel(late)
		s.Cancel(activity(s, "A")) // is no timer
		s.Await(s.Wait("E"))
	}).function())
	out := r.step()
	var at []time.Duration
	for _, timer := range out.Decisions.Timers {
		at = append(at, timer.FireAt.Sub(epoch))
	}
	require.Equal(t, []time.Duration{0, time.Millisecond, time.Hour, 3 * time.Hour}, at, "rounded up, so that none fires early")
	require.Len(t, out.Decisions.Events, 5, "the history has them all, for the ids")
	out = r.step(raised("E", "1"))
	require.Equal(t, []int{4}, out.Decisions.CancelTimers)
	require.Len(t, out.Decisions.Activities, 1)
}

func TestSubOrchestrationIDs(t *testing.T) {
	t.Parallel()
	r := newRig(t, program(func(s *inproc.Session) {
		for id, want := range map[string]string{
			"@counter@a": `the instance ID "@counter@a" begins with @, which only entities do`,
			"ONE":        `the instance ID "ONE" is the orchestration's own`,
			"Parent":     `the instance ID "Parent" is that of the orchestration's parent`,
		} {
			_, err := s.SubOrchestration(inproc.Call{Name: "S", InstanceID: id})
			require.EqualError(t, err, want)
		}
		sub(s, "S", "x")
	}).function())
	r.start.ParentInstanceID = "parent"
	require.Equal(t, []string{"SubOrchestrationInstanceCreated S"}, names(r.step().Decisions.Events), "a refused call takes no id")
}

func TestObserve(t *testing.T) {
	t.Parallel()
	var asked []string
	r := newRig(t, program(func(s *inproc.Session) {
		activity(s, "A")
		s.Await(s.Wait("E"))
		activity(s, "B")
		s.Await(s.Wait("E"))
	}).function())
	r.start.Observe = func(ev history.Event) { asked = append(asked, fmt.Sprintf("%d %s", ev.ID, ev.Name)) }
	r.step()
	r.evict()
	r.step(raised("E", "1"))
	require.Equal(t, []string{"0 A", "0 A", "1 B"}, asked)
}

func TestAwaited(t *testing.T) {
	t.Parallel()
	type tasks = []*inproc.Task
	for want, c := range map[string]struct {
		task  func(s *inproc.Session) *inproc.Task
		event bool
	}{
		"activity 'A' #0":          {func(s *inproc.Session) *inproc.Task { return activity(s, "A") }, false},
		"sub-orchestration 'S' #0": {func(s *inproc.Session) *inproc.Task { return sub(s, "S", "s") }, false},
		"timer #0":                 {func(s *inproc.Session) *inproc.Task { return s.Timer(time.Hour) }, false},
		"event 'E'":                {func(s *inproc.Session) *inproc.Task { return s.Wait("E") }, true},
		"any of timer #0, event 'E'": {func(s *inproc.Session) *inproc.Task {
			return s.Any(tasks{s.Timer(0), s.Wait("E")})
		}, true},
		"all of activity 'A' #0, (any of event 'E', timer #1)": {func(s *inproc.Session) *inproc.Task {
			return s.All(tasks{activity(s, "A"), s.Any(tasks{s.Wait("E"), s.Timer(0)})})
		}, true},
		"all of activity 'A' #0, activity 'A' #1, activity 'A' #2, activity 'A' #3, 6 more": {func(s *inproc.Session) *inproc.Task {
			return s.All(slices.Collect(func(yield func(*inproc.Task) bool) {
				for range 10 {
					yield(activity(s, "A"))
				}
			}))
		}, false},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, program(func(s *inproc.Session) { s.Await(c.task(s)) }).function())
			r.step()
			require.Equal(t, want, r.session.Awaited())
			require.Equal(t, c.event, r.session.AwaitsEvent())
		})
	}
}

func TestAwaitedOfWhatIsPartlyDone(t *testing.T) {
	t.Parallel()
	r := newRig(t, program(func(s *inproc.Session) {
		retried := s.Activity(inproc.Call{Name: "A", Retry: &inproc.Retry{First: time.Second, MaxAttempts: 2}})
		s.Await(s.All([]*inproc.Task{s.Wait("E"), retried}))
	}).function())
	r.step()
	r.step(raised("E", "1"), failed(0, "no"))
	require.Equal(t, "all of attempt 2 of activity 'A', after timer #1", r.session.Awaited())
	require.False(t, r.session.AwaitsEvent())
	require.Positive(t, r.session.Bytes())
	r.step(fired(1))
	require.Equal(t, "all of activity 'A' #2", r.session.Awaited())
	r.step(completed(2, "1"))
	require.Empty(t, r.session.Awaited())
}

// Events that nobody asks for cost nothing with each event that comes after them.
func TestManyHeldEvents(t *testing.T) {
	t.Parallel()
	const n = 5000
	r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		all := make([]*inproc.Task, n)
		for i := range all {
			all[i] = activity(s, "A")
		}
		for _, task := range all {
			s.Await(task)
		}
		return output(await1(s, s.Wait("E")))
	})
	offers := make([]history.Event, 0, 2*n)
	for i := range n {
		offers = append(offers, raised("E", fmt.Sprint(i)))
	}
	for i := range n {
		offers = append(offers, completed(i, "1"))
	}
	r.step()
	start := time.Now()
	requireEnd(t, r.step(offers...), replay.Completed, `"0"`)
	require.Less(t, time.Since(start), 5*time.Second)
	require.Len(t, r.waiting, n-1)
}
