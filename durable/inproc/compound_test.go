package inproc_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
)

type tasks = []*inproc.Task

// shapes are compounds of three activities.
var shapes = map[string]struct {
	shape func(s *inproc.Session, a tasks) *inproc.Task
	needs int
	// with are the orders of completions, by id, after the last of which the compound is complete, and not before. -n: the activity of id
	// n-1 fails.
	with [][]int
}{
	"one":                {func(_ *inproc.Session, a tasks) *inproc.Task { return a[0] }, 1, [][]int{{0}, {-1}, {2, 1, 0}}},
	"all":                {func(s *inproc.Session, a tasks) *inproc.Task { return s.All(a) }, 3, [][]int{{0, 1, 2}, {2, 1, 0}, {-1}, {0, -3}}},
	"any":                {func(s *inproc.Session, a tasks) *inproc.Task { return s.Any(a) }, 1, [][]int{{0}, {1}, {2}, {-3}}},
	"all of none":        {func(s *inproc.Session, _ tasks) *inproc.Task { return s.All(nil) }, 1, [][]int{{}}},
	"any of none":        {func(s *inproc.Session, _ tasks) *inproc.Task { return s.Any(nil) }, 1, [][]int{{}}},
	"all of one":         {func(s *inproc.Session, a tasks) *inproc.Task { return s.All(a[:1]) }, 1, [][]int{{0}, {1, 2, 0}}},
	"one twice":          {func(s *inproc.Session, a tasks) *inproc.Task { return s.All(tasks{a[0], a[0]}) }, 1, [][]int{{0}}},
	"one twice, apart":   {func(s *inproc.Session, a tasks) *inproc.Task { return s.All(tasks{a[0], a[1], a[0]}) }, 1, [][]int{{0, 1}, {1, 0}}},
	"any twice":          {func(s *inproc.Session, a tasks) *inproc.Task { return s.Any(tasks{a[0], a[0]}) }, 1, [][]int{{0}}},
	"a part of a part":   {func(s *inproc.Session, a tasks) *inproc.Task { return s.All(tasks{a[0], s.Any(a)}) }, 1, [][]int{{0}, {1, 0}}},
	"parts that overlap": {func(s *inproc.Session, a tasks) *inproc.Task { return s.All(tasks{s.All(a[:2]), s.All(a[1:])}) }, 1, [][]int{{0, 1, 2}, {1, -3}}},
	"any of all": {func(s *inproc.Session, a tasks) *inproc.Task { return s.Any(tasks{s.All(a[:2]), a[2]}) }, 1,
		[][]int{{0, 1}, {0, 2}, {2}, {-1}}},
	"all of any": {func(s *inproc.Session, a tasks) *inproc.Task { return s.All(tasks{s.Any(a[:2]), a[2]}) }, 1,
		[][]int{{0, 2}, {2, 1}, {-1, 2}, {0, -3}}},
}

func TestCompounds(t *testing.T) {
	t.Parallel()
	for name, c := range shapes {
		for _, order := range c.with {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
					whole := c.shape(s, tasks{activity(s, "A"), activity(s, "B"), activity(s, "C")})
					s.Await(whole)
					require.True(t, whole.Done())
					s.Await(s.Wait("Never"))
					return nil, nil
				})
				var offers []history.Event
				for _, id := range order {
					if id < 0 {
						offers = append(offers, failed(-id-1, "no"))
					} else {
						offers = append(offers, completed(id, "1"))
					}
				}
				for n := range offers { // one by one
					require.Equal(t, n, r.shown())
					r.step()
					if !slices.ContainsFunc(order, func(id int) bool { return id < 0 }) {
						require.LessOrEqual(t, r.session.Needs(), len(offers)-n, "a lower bound of what must still come")
					}
					if n == 0 {
						require.Equal(t, c.needs, r.session.Needs())
					}
					r.step(offers[n])
				}
				r.step()
				require.Equal(t, "event 'Never'", r.session.Awaited())
			})
		}
	}
}

func (r *rig) shown() int {
	n := 0
	for _, step := range r.steps {
		n += len(step.outcome.Shown)
	}
	return n
}

func TestFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, program(func(s *inproc.Session) {
		a := tasks{activity(s, "A"), activity(s, "B"), activity(s, "C")}
		all, anyOf := s.All(a), s.Any(a)
		s.Await(all)
		require.True(t, all.Failed())
		require.Equal(t, 2, all.First(), "the first part that failed")
		require.False(t, anyOf.Failed(), "whatever its first part did")
		require.Equal(t, 1, anyOf.First())
		// Of tasks that are complete.
		require.Equal(t, 1, s.Any(a).First())
		require.Equal(t, 2, s.All(a).First())
		require.Equal(t, -1, s.All(a[1:2]).First())
		require.Equal(t, -1, s.Any(nil).First())
		require.Equal(t, -1, s.All(nil).First())
	}).function())
	r.step()
	r.step(completed(1, "1"), failed(2, "no"))
}

// The ids of the tasks are counted in the order in which they are made, whatever is awaited.
func TestIDs(t *testing.T) {
	t.Parallel()
	fn := program(func(s *inproc.Session) {
		a := activity(s, "A")
		s.Wait("E") // takes none
		timer := s.Timer(0)
		effect(s)
		d := s.Detach(inproc.Call{Name: "D"})
		child := sub(s, "S", "")
		require.Equal(t, []int{0, 1, 4}, []int{a.ID(), timer.ID(), child.ID()})
		require.Equal(t, "exec:3", d)
		s.Await(s.All(tasks{child, a}))
		require.Equal(t, 5, activity(s, "B").ID())
		s.Await(s.Wait("Never"))
	}).function()
	r := newRig(t, fn)
	out := r.step()
	want := []string{"TaskScheduled A", "TimerCreated", "TaskScheduled BuiltIn::SideEffect", "TaskCompleted", "EventSent D", "SubOrchestrationInstanceCreated S"}
	require.Equal(t, want, names(out.Decisions.Events))
	require.Equal(t, "exec:4", out.Decisions.SubOrchestration[0].InstanceID)
	require.Equal(t, []inproc.Detached{{InstanceID: "exec:3", Name: "D"}}, out.Detached)
	r.evict()
	done := event(history.SubOrchestrationCompleted, epoch)
	done.TaskID = 4
	out = r.step(done, completed(0, "1"))
	require.NoError(t, out.Err)
	require.Equal(t, 5, slices.MaxFunc(out.Decisions.Events, func(a, b history.Event) int { return a.ID - b.ID }).ID)
}
