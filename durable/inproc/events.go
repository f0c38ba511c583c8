package inproc

import (
	"slices"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable/history"
)

// next applies the next event, if there is one.
func (s *Session) next() bool {
	if s.replaying.Load() {
		ev := s.replay.take()
		if ev == nil {
			return false
		}
		s.apply(ev)
		return true
	}
	if s.release() {
		return true
	}
	for s.offerAt < len(s.offers) {
		i := s.offerAt
		s.offerAt++
		ev := &s.offers[i]
		switch {
		case ev.Type == history.EventRaised && !s.wanted(ev):
			s.held = append(s.held, i)
			continue
		case ev.Type.IsCompletion() && s.tasks[ev.TaskID] == nil:
			s.out.Stale = append(s.out.Stale, i)
			continue
		}
		s.show(i)
		return true
	}
	return false
}

// release applies the first event that was held back until now.
func (s *Session) release() bool {
	if s.heldAll {
		return false
	}
	for at, i := range s.held {
		if s.wanted(&s.offers[i]) {
			s.held = slices.Delete(s.held, at, at+1)
			s.show(i)
			return true
		}
	}
	s.heldAll = true
	return false
}

func (s *Session) show(i int) {
	s.out.Shown = append(s.out.Shown, i)
	s.apply(&s.offers[i])
}

// wanted reports whether a wait of the event's name exists.
func (s *Session) wanted(ev *history.Event) bool { return len(s.waits[strings.ToLower(ev.Name)]) > 0 }

// apply gives an event to the task that it concerns.
func (s *Session) apply(ev *history.Event) {
	switch {
	case ev.Type == history.OrchestratorStarted:
		s.now = later(s.now, ev.Timestamp)
	case ev.Type == history.EventRaised:
		name := strings.ToLower(ev.Name)
		if list := s.waits[name]; len(list) > 0 {
			t := list[0]
			s.waits[name] = list[1:]
			if len(list) == 1 {
				delete(s.waits, name)
			}
			if s.unseen == nil {
				s.unseen = map[*Task]unseen{}
			}
			s.raised++
			s.unseen[t] = unseen{s.raised, *ev}
			t.settle(ev)
		}
	case ev.Type.IsCompletion():
		t := s.tasks[ev.TaskID]
		if t == nil || !t.accepts(ev.Type) {
			return
		}
		delete(s.tasks, ev.TaskID)
		if t.retry != nil {
			s.retry(t, ev)
			return
		}
		t.settle(ev)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
