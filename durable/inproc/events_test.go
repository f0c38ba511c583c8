package inproc_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

// inputs are the data of external events.
func inputs(events []history.Event) []string {
	out := []string{}
	for _, ev := range events {
		out = append(out, *ev.Input)
	}
	return out
}

func TestWaitsGetEventsInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		first, second := s.Wait("E"), s.Wait("e")
		got := []string{await1(s, second), await1(s, first)}
		return output(append(got, await1(s, s.Wait("E"))))
	})
	r.step()
	requireEnd(t, r.step(raised("E", "1"), raised("E", "2"), raised("E", "3")), replay.Completed, `["2","1","3"]`)
}

func TestEventsAreHeldUntilAWaitExists(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		got := []string{await1(s, activity(s, "A"))}
		b := s.Wait("B") // exists before it is awaited
		got = append(got, await1(s, s.Wait("A")), await1(s, b))
		return output(append(got, await1(s, s.Wait("A"))))
	})
	out := r.step(raised("A", "a1"), raised("B", "b1"), raised("A", "a2"), raised("C", "c1"))
	require.Empty(t, out.Shown)
	require.Empty(t, out.Stale)
	r.evict()
	out = r.step(completed(0, "0"))
	requireEnd(t, out, replay.Completed, `["0","a1","b1","a2"]`)
	require.Equal(t, []int{4, 0, 1, 2}, out.Shown, "the order in which the orchestrator got them")
	require.Equal(t, []string{"c1"}, inputs(r.waiting))
}

func TestGiveUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		givenUp []int
		want    string
	}{
		"the only one left": {[]int{0, 1}, `["1"]`},
		"the first":         {[]int{0}, `["1","2"]`},
		"one in the middle": {[]int{1}, `["1","2"]`},
		"none":              {nil, `["1","2","3"]`},
		"all":               {[]int{0, 1, 2}, `[]`},
		"twice":             {[]int{1, 1}, `["1","2"]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
				waits := []*inproc.Task{s.Wait("E"), s.Wait("E"), s.Wait("E")}
				for _, i := range c.givenUp {
					s.GiveUp(waits[i])
				}
				await1(s, activity(s, "A"))
				got := []string{}
				for _, w := range waits {
					if w.Done() {
						got = append(got, string(w.Result()))
					}
				}
				return output(got)
			})
			r.step()
			requireEnd(t, r.step(raised("E", "1"), raised("E", "2"), raised("E", "3"), completed(0, "0")), replay.Completed, c.want)
		})
	}
}

// An event that came after its wait was given up waits for the next one.
func TestTimeoutLosesNoEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		wait, timer := s.Wait("E"), s.Timer(time.Hour)
		s.Await(s.Any([]*inproc.Task{wait, timer}))
		require.False(t, wait.Done())
		s.GiveUp(wait)
		return output(await1(s, s.Wait("E")))
	})
	r.step()
	requireEnd(t, r.step(fired(0), raised("E", "1")), replay.Completed, `"1"`)
}

func TestCarry(t *testing.T) {
	t.Parallel()
	many := []history.Event{}
	for i := range 20 {
		many = append(many, raised("E", fmt.Sprint(i)))
	}
	for name, c := range map[string]struct {
		fn      program
		offers  []history.Event
		carry   []string
		waiting []string
	}{
		"in their order, though of one time": {
			fn: func(s *inproc.Session) {
				for range many {
					s.Wait("E")
				}
				await1(s, activity(s, "A"))
			},
			offers: append(many[:len(many):len(many)], completed(0, "0")),
			carry:  inputs(many),
		},
		"what was awaited is seen": {
			fn: func(s *inproc.Session) {
				first, second := s.Wait("E"), s.Wait("E")
				s.Await(second)
				_ = first
			},
			offers: []history.Event{raised("E", "1"), raised("E", "2"), raised("E", "3")},
			carry:  []string{"1"}, waiting: []string{"3"},
		},
		"what was asked after is seen": {
			fn: func(s *inproc.Session) {
				wait := s.Wait("E")
				await1(s, activity(s, "A"))
				require.True(t, wait.Done())
			},
			offers: []history.Event{raised("E", "1"), completed(0, "0")},
		},
		"the first of any is seen, others are not": {
			fn: func(s *inproc.Session) {
				d, e := s.Wait("D"), s.Wait("E")
				s.Wait("F")
				s.Await(s.Any([]*inproc.Task{d, e}))
				await1(s, activity(s, "A"))
			},
			offers: []history.Event{raised("E", "e"), raised("F", "f"), raised("D", "d"), completed(0, "0")},
			carry:  []string{"f", "d"},
		},
		"all parts of all are seen": {
			fn: func(s *inproc.Session) {
				s.Await(s.All([]*inproc.Task{s.Wait("D"), s.Any([]*inproc.Task{s.Wait("E")})}))
			},
			offers: []history.Event{raised("E", "e"), raised("D", "d")},
		},
		"what completed a wait that was given up too late": {
			fn: func(s *inproc.Session) {
				wait := s.Wait("E")
				await1(s, activity(s, "A"))
				s.GiveUp(wait)
			},
			offers: []history.Event{raised("E", "e"), completed(0, "0")},
			carry:  []string{"e"},
		},
	} {
		for _, evict := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/evicted %v", name, evict), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
					c.fn(s)
					return nil, s.ContinueAsNew(json.RawMessage("2"))
				})
				r.step()
				offers := c.offers
				if evict { // the events are in the stored history by then
					last := len(offers) - 1
					r.step(offers[:last]...)
					r.evict()
					offers = offers[last:]
				}
				out := r.step(offers...)
				if r.steps[1].outcome.Decisions.Outcome == replay.ContinuedAsNew {
					out = r.steps[1].outcome // it did not need the last one
				}
				requireEnd(t, out, replay.ContinuedAsNew, "2")
				require.Equal(t, append([]string{}, c.carry...), inputs(out.Carry))
				require.Equal(t, append([]string{}, c.waiting...), inputs(r.waiting))
			})
		}
	}
}

func TestStaleOffers(t *testing.T) {
	t.Parallel()
	r := newRig(t, program(func(s *inproc.Session) {
		timer := s.Timer(time.Hour)
		await1(s, activity(s, "A"))
		s.Cancel(timer)
		s.Await(s.Wait("E"))
	}).function())
	r.step()
	out := r.step(completed(1, "1"), completed(1, "again"), fired(0), completed(7, "unknown"))
	require.Equal(t, []int{0}, out.Shown)
	require.Equal(t, []int{1, 2, 3}, out.Stale)
	require.Equal(t, []int{0}, out.Decisions.CancelTimers)
}

// A completion of another kind than the task's changes nothing, live or replayed.
func TestCompletionOfAnotherKind(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		return output(await1(s, activity(s, "A")))
	})
	r.step()
	require.Equal(t, replay.Waiting, r.step(fired(0)).Decisions.Outcome)
	r.evict()
	requireEnd(t, r.step(completed(0, "1")), replay.Completed, `"1"`)
}
