package replay

import (
	"strconv"

	"github.com/durango-functions/durango/durable/history"
)

// Choice is an arrived event that the next episode shows.
type Choice struct {
	Index int           // in the arrived events
	Event history.Event // as it is shown: the name of an external event has the waiter's spelling
}

// Select chooses, from the events that have arrived and were not shown yet (in order of arrival), those that the next episode shows, in
// the order in which it shows them; none: no episode is to be run, but for the first one. The others are asked about again after the
// next episode. Select changes nothing.
//
//   - What is stale is not chosen.
//   - At most one event that makes the SDK give ids outside of a yield is shown, as the first: a failed attempt of a retry, the end of a
//     retry's delay, an answer 202 that is polled.
//   - An external event is held back until it is awaited, and at most one of each name is shown, since the next one may be meant for a
//     wait that the orchestrator makes after the first.
//   - All else is shown at once. In schema version 0 (durable-functions 1.x) the end of a timer stands alone: there a task is complete as
//     soon as it is in the history, and an orchestrator that cancels the timer because of an event before it would fail.
//
// After Restore, external events are held back until the orchestration has learned what is awaited; see NeedsReplay.
func (o *Orchestration) Select(arrived []history.Event) []Choice {
	if !o.started {
		for i := range arrived {
			if arrived[i].Type == history.ExecutionStarted {
				return []Choice{{Index: i, Event: arrived[i]}}
			}
		}
		return nil
	}
	c := o.choose(arrived)
	return append(c.first, c.rest...)
}

// endsTimer reports whether the event is the end of a timer that the orchestrator may cancel.
func (o *Orchestration) endsTimer(e *history.Event) bool {
	if e.Type != history.TimerFired {
		return false
	}
	l := o.tasks[e.TaskID].leaf
	return l == nil || l.action.Type == CreateTimer
}

// NeedsReplay reports whether Select cannot tell what to do with the arrived events before it is known what the orchestrator awaits:
// then the stored history is to be replayed, with all events played and none new, and the result given to Learn. Only after Restore.
func (o *Orchestration) NeedsReplay(arrived []history.Event) bool {
	if o.Learned() {
		return false
	}
	raised := false
	for i := range arrived {
		if arrived[i].Type == history.EventRaised && o.answered(&arrived[i]) == nil {
			raised = true
		} else if !o.Stale(arrived[i]) {
			return false // an episode will be run anyway
		}
	}
	return raised
}

// AtLeast returns how many tasks must still complete before the orchestrator can get on. As long as fewer than that have arrived, and each
// is a TaskCompleted or a SubOrchestrationCompleted, there is no need to ask Select or Wakes: a Task.all over many tasks costs little.
func (o *Orchestration) AtLeast() int {
	e := o.blockedAt()
	switch {
	case e == nil || !o.Learned():
		return 0
	case e.root.kind == WhenAll && e.root.flat && len(e.waits) == 0:
		return e.root.open
	default:
		return 1
	}
}

// Wakes reports whether an episode with these chosen events can get the orchestrator on, makes it ask for something, or lets other events
// be chosen. If not, the episode may be put off until more has arrived. It errs towards true.
func (o *Orchestration) Wakes(chosen []history.Event) bool {
	e := o.blockedAt()
	if e == nil || !o.Learned() {
		return true
	}
	done := map[*leaf]bool{}
	for i := range chosen {
		ev := &chosen[i]
		if !o.completes(ev) {
			return true // external events: others of the name may wait for their turn
		}
		if o.Stale(*ev) {
			continue
		}
		t := o.taskOf(ev)
		if t.leaf.foresee(ev, o.schema) != needNothing || o.awaits(strconv.Itoa(t.id)) {
			return true
		}
		done[t.leaf] = t.leaf.fails(ev)
	}
	end, _ := e.root.wouldEnd(done)
	return end && len(chosen) > 0
}

// chooser gathers the choices of one Select.
type chooser struct {
	o           *Orchestration
	first, rest []Choice
	seen        map[int]bool    // task ids
	names       map[string]bool // of external events
}

func (o *Orchestration) choose(arrived []history.Event) *chooser {
	c := &chooser{o: o, seen: map[int]bool{}, names: map[string]bool{}}
	for i := range arrived {
		e := &arrived[i]
		if o.Stale(*e) {
			continue
		}
		if o.schema == 0 && o.endsTimer(e) {
			if len(c.first)+len(c.rest) == 0 {
				c.add(i, e)
			}
			break
		}
		c.add(i, e)
	}
	return c
}

func (c *chooser) add(i int, e *history.Event) {
	switch {
	case c.o.completes(e):
		id := c.o.taskOf(e).id
		if c.seen[id] {
			return // a second outcome of the same task; it is stale after the episode
		}
		c.seen[id] = true
		switch {
		case !c.o.mayTakeID(e):
			c.rest = append(c.rest, Choice{i, *e})
		case len(c.first) == 0:
			c.first = append(c.first, Choice{i, *e})
		}
	case e.Type == history.EventRaised:
		c.raised(i, e)
	default: // not for the SDK, but part of the history
		c.rest = append(c.rest, Choice{i, *e})
	}
}

// mayTakeID reports whether the event makes the SDK give ids outside of a yield, or might do so as long as the actions are not known.
func (o *Orchestration) mayTakeID(e *history.Event) bool {
	t := o.taskOf(e)
	if o.Learned() {
		return t.leaf.foresee(e, o.schema).takesID()
	}
	if e.Type == history.TaskCompleted {
		_, ok := parseAccepted(e.Result)
		return ok
	}
	return e.Type != history.SubOrchestrationCompleted && e.Type != history.EventRaised
}

func (c *chooser) raised(i int, e *history.Event) {
	if !c.o.Learned() {
		return
	}
	name, ok := c.o.waiter(e.Name)
	if !ok || c.names[name] || c.o.looksLikeID(name) {
		return
	}
	c.names[name] = true
	shown := *e
	shown.Name, shown.Action = name, history.NoAction
	c.rest = append(c.rest, Choice{i, shown})
}

// looksLikeID reports whether the name of an external event is the id of an open task: durable-functions 2.x would take the event for
// that task's completion (lib/src/taskorchestrationexecutor.js:151).
func (o *Orchestration) looksLikeID(name string) bool {
	id, err := strconv.Atoi(name)
	if err != nil || strconv.Itoa(id) != name || o.schema == 0 {
		return false
	}
	t := o.tasks[id]
	return t != nil && !t.closed
}
