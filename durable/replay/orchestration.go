package replay

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable/history"
)

// tick is the resolution of times in a history.
const tick = 100 * time.Nanosecond

// Config holds the settings of the protocol. The zero value is usable.
type Config struct {
	// DefaultHTTPSleep is the time between two polls of callHttp when the answer names none. 0: 30 s.
	DefaultHTTPSleep time.Duration
	// MaxActions bounds the actions of one execution. 0: 100000.
	MaxActions int
}

func (c Config) withDefaults() Config {
	c.DefaultHTTPSleep = cmp.Or(max(c.DefaultHTTPSleep, 0), DefaultHTTPSleep)
	c.MaxActions = cmp.Or(max(c.MaxActions, 0), 100_000)
	return c
}

// Orchestration keeps the books of one execution of an instance: which ids the SDK has given to which actions, what it awaits, which
// events it has seen. It is not safe for concurrent use.
//
// The engine calls, for each episode, Select and Apply. A method's error fails the instance; the Orchestration is of no use afterwards.
type Orchestration struct {
	cfg     Config
	schema  int  // of the SDK's latest result
	learned bool // the actions are known
	started bool // the first episode has run

	instanceID, executionID, parentID string

	leaves []*leaf
	tasks  map[int]*task
	// requests are the tasks that wait for an answer of entities, by request ID.
	requests map[string]int
	nextID   int
	entries  []*entry
	current  int // the entry that the orchestrator is at, -1 before the first
	waits    map[string][]*leaf
	names    []string // the keys of waits, in order of appearance

	now     time.Time // of the episode
	episode int       // counts the episodes
	stored  []history.Event
}

// New returns the books of an execution that has not had an episode yet.
func New(cfg Config) *Orchestration {
	return &Orchestration{
		cfg:      cfg.withDefaults(),
		tasks:    map[int]*task{},
		requests: map[string]int{},
		current:  -1,
		waits:    map[string][]*leaf{},
	}
}

// Restore returns the books of an execution as its stored history tells them. A history holds the scheduling events, but not what
// the orchestrator awaits; that is taken from the next result (see Learn).
func Restore(cfg Config, events []history.Event) (*Orchestration, error) {
	o := New(cfg)
	o.stored = slices.Clone(events)
	for i := range events {
		e := &events[i]
		switch {
		case e.Type == history.ExecutionStarted:
			o.begin(e)
		case e.Type.IsScheduling():
			if o.tasks[e.ID] != nil {
				return nil, fmt.Errorf("restoring orchestration: event %d of the history is a second one with task id %d: %s", i, e.ID, describe(e))
			}
			if e.Action == history.NoAction || e.Action < 0 {
				return nil, fmt.Errorf("restoring orchestration: event %d of the history belongs to no action: %s", i, describe(e))
			}
			o.addTask(e, nil)
		case o.completes(e):
			if t := o.taskOf(e); t != nil && t.accepts(e.Type) {
				t.closed = true
			}
		}
	}
	o.started = o.started || len(o.tasks) > 0
	return o, nil
}

// Learned reports whether it is known what the orchestrator awaits: always, except between Restore and the first Learn or Apply.
func (o *Orchestration) Learned() bool { return o.learned || !o.started }

// begin takes what ExecutionStarted tells.
func (o *Orchestration) begin(e *history.Event) {
	o.started = true
	o.instanceID, o.executionID = e.OwnInstanceID, e.ExecutionID
	if e.Parent != nil {
		o.parentID = e.Parent.InstanceID
	}
}

func (o *Orchestration) addTask(e *history.Event, l *leaf) *task {
	t := &task{id: e.ID, kind: e.Type, leaf: l}
	if e.Type == history.EventSent {
		if id, ok := waitsForAnswer(e); ok {
			o.requests[id] = e.ID
		} else {
			t.closed = true
		}
	}
	o.tasks[e.ID] = t
	o.nextID = max(o.nextID, e.ID+1)
	return t
}

// Stale reports whether an event can be dropped: it completes what is unknown, completed or cancelled already, or starts an execution
// that has started.
func (o *Orchestration) Stale(e history.Event) bool {
	if e.Type == history.ExecutionStarted {
		return o.started
	}
	if !o.completes(&e) {
		return false
	}
	t := o.taskOf(&e)
	return t == nil || t.closed || !t.accepts(e.Type)
}

// record registers a scheduling event as one of the leaf's.
func (o *Orchestration) record(e *history.Event, l *leaf) (*task, error) {
	if !l.fits(e) {
		return nil, &DivergenceError{Index: l.index, Recorded: describe(e), New: l.action.String()}
	}
	t := o.addTask(e, l)
	if e.Type == history.TimerCreated {
		if l.action.Type == CreateTimer {
			l.timer = t
		}
	} else {
		if !l.recorded {
			l.firstAt = e.Timestamp
		}
		if l.action.Type == CallHTTP && e.Input != nil {
			l.request = []byte(*e.Input)
			if l.polled && l.recorded {
				l.dormant = e.ID
			}
		}
	}
	l.recorded = true
	return t, nil
}

// fits reports whether the event can belong to the leaf.
func (l *leaf) fits(e *history.Event) bool {
	a := &l.action
	switch e.Type {
	case history.TaskScheduled:
		if a.Type == CallHTTP {
			return e.Name == HTTPActivityName
		}
		return (a.Type == CallActivity || a.Type == CallActivityWithRetry) && strings.EqualFold(e.Name, a.FunctionName)
	case history.SubOrchestrationCreated:
		return (a.Type == CallSubOrchestrator || a.Type == CallSubOrchestratorWithRetry) && strings.EqualFold(e.Name, a.FunctionName) &&
			(a.InstanceID == "" || strings.EqualFold(a.InstanceID, e.InstanceID))
	case history.EventSent:
		return l.fitsRequest(e)
	case history.TimerCreated:
		return a.Type == CreateTimer || l.polled || l.retries()
	default:
		return false
	}
}

// advance registers the entries that the orchestrator has come to.
func (o *Orchestration) advance() {
	for o.current+1 < len(o.entries) && (o.current < 0 || !o.entries[o.current].pending()) {
		if o.entries[o.current+1].from > o.episode {
			return
		}
		o.step()
	}
}

// catchUp ends an episode: the SDK is known to be at the last of its entries.
func (o *Orchestration) catchUp() {
	last := len(o.entries) - 1
	for last > o.current && (o.entries[last].from < 0 || o.entries[last].from > o.episode) {
		last--
	}
	for o.current < last {
		o.step()
	}
}

func (o *Orchestration) step() {
	o.current++
	for _, l := range o.entries[o.current].waits {
		o.addWait(l)
	}
}

func (o *Orchestration) addWait(l *leaf) {
	name := l.action.ExternalEventName
	if _, ok := o.waits[name]; !ok {
		o.names = append(o.names, name)
	}
	if l.early > 0 {
		l.early--
		return
	}
	o.waits[name] = append(o.waits[name], l)
}

// raise gives an event to the wait that the SDK gives it to, and notes it in the event. durable-functions 2.x takes the wait that was
// registered last, complete or not (then the event is lost); 1.x the first one that has none.
func (o *Orchestration) raise(e *history.Event) {
	e.Action = history.NoAction
	list := o.waits[e.Name]
	at := len(list) - 1
	if o.schema == 0 {
		at = slices.IndexFunc(list, func(l *leaf) bool { return l.state == pending })
	}
	if at >= 0 {
		e.Action = list[at].index
		o.give(list[at])
	}
}

// give completes a wait, and takes away the place that it had last among those of its name.
func (o *Orchestration) give(l *leaf) {
	name := l.action.ExternalEventName
	list := o.waits[name]
	for i, w := range slices.Backward(list) {
		if w == l {
			o.waits[name] = slices.Delete(list, i, i+1)
			l.finish(false)
			return
		}
	}
	l.early++
	l.finish(false)
}

// raised repeats what raise found when the event was first shown.
func (o *Orchestration) raised(e *history.Event) {
	if e.Action < 0 || e.Action >= len(o.leaves) || o.leaves[e.Action].action.Type != WaitForExternalEvent {
		o.raise(e)
		return
	}
	o.give(o.leaves[e.Action])
}

// blockedAt returns the entry that the orchestrator is certain to wait for, nil when that is not known: a task that was yielded before
// and is yielded again leaves no trace.
func (o *Orchestration) blockedAt() *entry {
	if o.schema == 0 || o.current < 0 || o.current != len(o.entries)-1 {
		return nil
	}
	if e := o.entries[o.current]; e.pending() {
		return e
	}
	return nil
}

// awaits reports whether an event of that name would be given to a wait that matters.
func (o *Orchestration) awaits(name string) bool {
	open := func(l *leaf) bool { return l.state == pending && l.action.ExternalEventName == name }
	if e := o.blockedAt(); e != nil {
		return slices.ContainsFunc(e.waits, open)
	}
	return slices.ContainsFunc(o.waits[name], open)
}

// waiter returns the spelling under which an event of that name is awaited: the same one, else one that differs in case.
func (o *Orchestration) waiter(name string) (string, bool) {
	if o.awaits(name) {
		return name, true
	}
	for _, n := range o.names {
		if strings.EqualFold(n, name) && o.awaits(n) {
			return n, true
		}
	}
	return "", false
}
