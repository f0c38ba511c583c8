package replay

import (
	"bytes"
	"fmt"
	"time"

	"github.com/durango-functions/durango/durable/history"
)

// Learn takes the result of a replay of the stored history, with all events played and none new. It is needed after Restore when
// NeedsReplay says so, and changes nothing that is stored.
func (o *Orchestration) Learn(r *Result) error {
	if o.learned {
		return nil
	}
	if r.Failed {
		return fmt.Errorf("replaying the stored history: %s", r.Error)
	}
	fresh, err := o.absorb(r)
	if err != nil {
		return err
	}
	if len(fresh) > 0 {
		l := fresh[0]
		return &DivergenceError{Index: l.index, Recorded: nothing, New: l.action.String()}
	}
	if r.IsDone {
		return &DivergenceError{Index: len(o.leaves), Recorded: "waiting for an event", New: "completion"}
	}
	o.settleEntries()
	o.dropCancelled()
	return nil
}

// absorb checks the result's actions against the known ones and adds those that are new. It returns the leaves whose ids are to be given.
func (o *Orchestration) absorb(r *Result) (fresh []*leaf, err error) {
	o.schema = r.SchemaVersion
	w := walker{o: o, known: len(o.leaves), done: r.IsDone}
	if o.schema == 0 {
		for i, list := range r.Actions {
			if err := w.list(i, list); err != nil {
				return nil, err
			}
		}
	} else if len(r.Actions) > 0 {
		for i := range r.Actions[0] {
			if err := w.list(i, r.Actions[0][i:i+1]); err != nil {
				return nil, err
			}
		}
	}
	if w.next < w.known && !r.IsDone {
		return nil, &DivergenceError{Index: w.next, Recorded: o.leaves[w.next].action.String(), New: nothing}
	}
	if len(o.leaves) > o.cfg.MaxActions {
		return nil, fmt.Errorf("the orchestrator asked for %d actions in one execution; the limit is %d (host.json: extensions.durableTask.maxOrchestrationActions); "+
			"let it start over with continueAsNew, or use sub-orchestrations", len(o.leaves), o.cfg.MaxActions)
	}
	restored := o.stored != nil
	o.learned = true
	if restored {
		if err := o.retrace(); err != nil {
			return nil, err
		}
	}
	return o.unscheduled(w.known, restored)
}

// unscheduled returns the leaves from the known-th on that have no id yet.
func (o *Orchestration) unscheduled(known int, restored bool) (fresh []*leaf, err error) {
	for _, l := range o.leaves[known:] {
		switch {
		case !l.action.takesID():
		case !l.recorded:
			fresh = append(fresh, l)
		case restored && len(fresh) > 0:
			f := fresh[0]
			return nil, &DivergenceError{Index: f.index, Recorded: l.action.String(), New: f.action.String()}
		}
	}
	return fresh, nil
}

// walker goes through the result's leaves in pre-order.
type walker struct {
	o     *Orchestration
	known int // leaves before this result
	next  int // index of the next leaf
	done  bool
	err   error
}

// list takes the entry with index i: one yielded task or, in schema version 0, all that one yield added.
func (w *walker) list(i int, actions []Action) error {
	o := w.o
	isKnown := i < len(o.entries)
	e := &entry{}
	for j := range actions {
		switch {
		case isKnown:
			w.visit(&actions[j])
		case o.schema == 0:
			w.collect(&actions[j])
		default:
			e = newEntry(&actions[j], w.find)
		}
		if w.err != nil {
			return w.err
		}
	}
	if isKnown {
		if end := o.entries[i].end; w.next != end && !w.done {
			return w.shifted(end)
		}
		return nil
	}
	e.end, e.from = w.next, o.episode
	o.entries = append(o.entries, e)
	return nil
}

// shifted tells of an entry that has fewer leaves than it had.
func (w *walker) shifted(end int) error {
	return &DivergenceError{Index: w.next, Recorded: w.o.leaves[min(w.next, end-1)].action.String(), New: nothing}
}

// visit walks an entry that is known.
func (w *walker) visit(a *Action) {
	if a.Ref == nil && a.isCompound() {
		for i := range a.CompoundActions {
			if w.visit(&a.CompoundActions[i]); w.err != nil {
				return
			}
		}
		return
	}
	w.find(a)
}

// collect walks a new entry of schema version 0, whose waits are registered at once: there is no tree to tell when.
func (w *walker) collect(a *Action) {
	if a.Ref == nil && a.isCompound() {
		w.err = fmt.Errorf("the result has schema version 0, but holds a %s action; such actions exist since version 1", a.Type)
		return
	}
	if l := w.find(a); w.err == nil && l.action.Type == WaitForExternalEvent {
		w.o.addWait(l)
	}
}

// find returns the leaf of an action. It never returns nil, so that a tree can be built before the error is looked at.
func (w *walker) find(a *Action) *leaf {
	o := w.o
	if a.Ref != nil {
		if *a.Ref < 0 || *a.Ref >= w.next {
			w.err = fmt.Errorf("actionRef is %d, but only %d actions stand before it", *a.Ref, w.next)
			return &leaf{}
		}
		return o.leaves[*a.Ref]
	}
	i := w.next
	w.next++
	if i >= len(o.leaves) {
		l, err := o.newLeaf(i, a)
		if err != nil {
			w.err = fmt.Errorf("action %d: %s: %w", i, a, err)
		}
		o.leaves = append(o.leaves, l)
		return l
	}
	l := o.leaves[i]
	if i >= w.known {
		return l
	}
	if !l.action.same(a) || (o.schema == 0 && a.Type == CreateTimer && !a.FireAt.Equal(l.action.FireAt)) {
		if w.err == nil {
			w.err = &DivergenceError{Index: i, Recorded: l.action.String(), New: a.String()}
		}
		return l
	}
	l.action.IsCanceled = a.IsCanceled
	return l
}

func (o *Orchestration) newLeaf(i int, a *Action) (*leaf, error) {
	l := &leaf{index: i, action: *a, dormant: -1}
	l.action.Input, l.action.HTTPRequest = bytes.Clone(a.Input), bytes.Clone(a.HTTPRequest) // the result is large and the leaf stays
	switch a.Type {
	case CallHTTP:
		var err error
		_, l.polled, err = firstRequest(a.HTTPRequest, o.schema)
		return l, err
	default:
		return l, nil
	}
}

// retrace goes through the stored history, now that the actions are known.
func (o *Orchestration) retrace() error {
	events := o.stored
	o.stored, o.tasks, o.nextID = nil, map[int]*task{}, 0
	o.date(events)
	for i := range events {
		e := &events[i]
		switch {
		case e.Type == history.OrchestratorStarted:
			o.now = e.Timestamp
			o.catchUp()
			o.episode++
		case e.Type.IsScheduling():
			if e.Action >= len(o.leaves) {
				return &DivergenceError{Index: e.Action, Recorded: describe(e), New: nothing}
			}
			if _, err := o.record(e, o.leaves[e.Action]); err != nil {
				return err
			}
		case e.Type == history.EventRaised && o.answered(e) == nil:
			o.raised(e)
			o.advance()
		default:
			o.take(e)
		}
	}
	o.catchUp()
	o.episode++
	return nil
}

// date finds out in which episode each entry appeared.
func (o *Orchestration) date(events []history.Event) {
	first := map[int]int{} // by action
	episode := 0
	for i := range events {
		e := &events[i]
		if e.Type == history.OrchestratorStarted {
			episode++
		} else if _, seen := first[e.Action]; e.Type.IsScheduling() && !seen {
			first[e.Action] = episode
		}
	}
	begin := 0
	for _, e := range o.entries {
		e.from = -1
		for _, l := range o.leaves[begin:e.end] {
			if !l.action.takesID() {
				continue
			}
			if n, ok := first[l.index]; ok {
				e.from = n
			} else {
				e.from = episode + 1 // it is new
			}
			break
		}
		begin = e.end
	}
}

// settleEntries ends the episode whose result is known: the SDK is at its last entry.
func (o *Orchestration) settleEntries() {
	for _, e := range o.entries[o.current+1:] {
		e.from = o.episode
	}
	o.catchUp()
	o.episode++
}

// take records an event that the SDK is shown, and returns what it makes necessary and for which leaf.
func (o *Orchestration) take(e *history.Event) (need, *leaf) {
	n, l := needNothing, (*leaf)(nil)
	switch {
	case e.Type == history.ExecutionStarted:
		o.begin(e)
	case e.Type == history.EventRaised && o.answered(e) == nil:
		o.raise(e)
	case o.completes(e):
		t := o.taskOf(e)
		if t == nil || t.closed || !t.accepts(e.Type) {
			return needNothing, nil
		}
		l = t.leaf
		n = l.settle(t, e, o.now, o.schema)
	default:
		return needNothing, nil
	}
	o.advance()
	return n, l
}

// dropCancelled closes the timers that the orchestrator has cancelled, and returns their ids.
func (o *Orchestration) dropCancelled() (ids []int) {
	for _, l := range o.leaves {
		if l.action.IsCanceled && l.timer != nil && !l.timer.closed {
			l.timer.closed = true
			ids = append(ids, l.timer.id)
		}
	}
	return ids
}

// truncate brings a time to the resolution of the history, so that live and restored books reckon with the same ones.
func truncate(t time.Time) time.Time { return t.UTC().Truncate(tick) }
