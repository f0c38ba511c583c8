package engine

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

// instance is an orchestration instance in the memory of its partition's owner. What is changed here ahead of a commit is thrown away
// with the whole partition when the commit does not take place.
type instance struct {
	id      string
	loading bool    // its record is being read
	busy    bool    // an episode or a commit is under way
	rec     *Record // nil: there is none
	create  bool    // rec is not stored yet
	// storedStatus is the status that the hub has of a stored record.
	storedStatus durable.RuntimeStatus
	start        *startOrder // the commit that creates it is a start of a client of this process
	// running: an episode runs in a worker. storing: the start is being stored alone meanwhile; then ended is the episode, if it has ended.
	running, storing bool
	ended            *episode
	refused          bool // its start was refused: it is not there any more
	// replaced is the execution that a record to create takes the place of.
	replaced string

	// generation is a number of its own for each history: it changes when the history becomes another than the one before with events appended.
	generation uint64

	orch    *replay.Orchestration
	local   *local             // nil: the orchestrator is run through the Executor, or has not started
	started bool               // its history holds ExecutionStarted
	clock   time.Time          // timestamp of the last OrchestratorStarted
	timers  map[int]TimerEntry // open ones by id
	subs    map[int]string     // instance IDs of open sub-orchestrations by task id
	tasks   map[int]bool       // open activities by task id
	entityBook

	inbox   []Message    // not yet looked at
	fired   []TimerEntry // not yet looked at
	arrived arrivals     // accepted events that no episode has shown

	// What the next commit takes along.
	acks     []string     // inbox messages
	ackActs  []string     // activities that are outstanding no more
	ackClaim []string     // those of them that may have a claim
	ackTimer []TimerEntry // timers that have no effect
	// ackPending are pending events that have no effect.
	ackPending []int64
	replies    []func(error) // of clients of this process, who wait for the commit
	events     [][]byte      // history events made outside of an episode
	notify     bool          // the status has changed

	cached cached
	// lag are activities of this host that the hub still holds as outstanding although their outcome is in the history. They are removed
	// some at a time. lags says that it may be so: that the instance stays in memory.
	lag  []string
	lags bool
	// adopted are activities that the partition's last owner left outstanding, to be looked at.
	adopted   []Outstanding
	terminate *Message
	crashes   int  // consecutive episodes that ended with their worker
	delayed   bool // the next episode waits a while
	// reloadedFor is the start message for which the record was read again.
	reloadedFor string
}

// arrival is an accepted event that no episode has shown, with what the commit that shows it must remove.
type arrival struct {
	event   history.Event
	message string      // inbox message, "" for none
	act     string      // outstanding activity, "" for none
	claimed bool        // the activity may have a claim
	timer   *TimerEntry // nil for none
	answer  bool        // it is the answer of an entity
	seq     int64       // number as a pending event, -1 when it is not stored as one
	reply   func(error) // of a client of this process who waits until it is durable; nil for none
}

// arrivals are in the order in which they came.
type arrivals struct {
	list     []arrival
	unstored int  // that are no pending events
	others   int  // that are not the plain completion of a task
	fresh    bool // something has come since the last episode in process
	raised   bool // an external event is among the unstored
}

func (as *arrivals) set(list []arrival) {
	*as = arrivals{list: list}
	for i := range list {
		as.count(&list[i])
	}
}

func (as *arrivals) count(a *arrival) {
	if a.seq < 0 {
		as.unstored++
		as.raised = as.raised || a.event.Type == history.EventRaised && !a.answer
	}
	if a.event.Type != history.TaskCompleted && a.event.Type != history.SubOrchestrationCompleted {
		as.others++
	}
}

// take takes the stored record in and works out where the execution stands.
func (in *instance) take(e *Engine, rec *Record) error {
	in.rec = rec
	if rec == nil {
		return nil
	}
	in.storedStatus = rec.Status
	for _, p := range rec.Pending {
		ev, err := history.Decode(p.Event)
		if err != nil {
			return fmt.Errorf("pending event %d: %w", p.Seq, err)
		}
		in.arrive(arrival{event: ev, seq: p.Seq})
	}
	rec.Pending = nil
	return in.restore(e)
}

// restore works out from the history where the execution stands.
func (in *instance) restore(e *Engine) error {
	in.started, in.clock = false, time.Time{}
	in.generation = e.generations.Add(1)
	in.timers, in.subs, in.tasks, in.entityBook = nil, nil, nil, entityBook{}
	in.local.close(inproc.ErrEvicted)
	in.local, in.orch = nil, nil
	events, err := decodeHistory(in.rec.History)
	if err != nil {
		return err
	}
	for i := range events {
		in.note(&events[i])
		if events[i].Runtime == history.RuntimeGo {
			in.local = &local{}
		}
	}
	in.locksChanged = false
	in.cached.history = 0
	for _, raw := range in.rec.History {
		in.cached.history += len(raw)
	}
	if in.local != nil {
		in.local.stored = events
		return nil
	}
	if in.orch, err = replay.Restore(e.replayConfig(), events); err != nil {
		return err
	}
	return nil
}

func (e *Engine) replayConfig() replay.Config {
	return replay.Config{DefaultHTTPSleep: e.cfg.DefaultHTTPSleep, MaxActions: e.cfg.MaxActions}
}

// note follows what an event of the history says about open work.
func (in *instance) note(ev *history.Event) {
	switch ev.Type {
	case history.OrchestratorStarted:
		in.clock = ev.Timestamp
	case history.ExecutionStarted:
		in.started = true
	case history.TaskScheduled:
		if in.tasks == nil {
			in.tasks = map[int]bool{}
		}
		in.tasks[ev.ID] = true
	case history.TaskCompleted, history.TaskFailed:
		delete(in.tasks, ev.TaskID)
	case history.TimerCreated:
		if in.timers == nil {
			in.timers = map[int]TimerEntry{}
		}
		in.timers[ev.ID] = in.timer(ev.ID, ev.FireAt)
	case history.TimerFired:
		delete(in.timers, ev.TaskID)
	case history.SubOrchestrationCreated:
		if in.subs == nil {
			in.subs = map[int]string{}
		}
		in.subs[ev.ID] = ev.InstanceID
	case history.EventSent:
		in.noteSent(ev)
	case history.EventRaised:
		in.noteAnswer(ev)
	case history.SubOrchestrationCompleted, history.SubOrchestrationFailed:
		delete(in.subs, ev.TaskID)
	default: // no work
	}
}

func (in *instance) timer(id int, fireAt time.Time) TimerEntry {
	return TimerEntry{InstanceID: in.id, ExecutionID: in.rec.ExecutionID, TimerID: id, FireAt: fireAt}
}

// activityKey names an activity in its partition.
func (in *instance) activityKey(taskID int) string {
	return fmt.Sprintf("%s:%d", in.rec.ExecutionID, taskID)
}

// runs reports whether the instance exists and has not finished.
func (in *instance) runs() bool {
	return in.rec != nil && !in.rec.Status.IsFinished()
}

// arrive accepts an event.
func (in *instance) arrive(a arrival) {
	in.arrived.list = append(in.arrived.list, a)
	in.arrived.count(&a)
	in.arrived.fresh = true
}

// drop forgets an arrival for good: the next commit removes what stands for it.
func (in *instance) drop(a arrival, d *draft) {
	if a.message != "" {
		d.change.Consumed = append(d.change.Consumed, a.message)
	}
	if a.act != "" {
		switch {
		case a.claimed:
			d.change.ActivitiesRemove = append(d.change.ActivitiesRemove, a.act)
			d.change.ClaimsRemove = append(d.change.ClaimsRemove, a.act)
		case in.lags:
			in.lag = append(in.lag, a.act)
		default:
			d.change.ActivitiesRemove = append(d.change.ActivitiesRemove, a.act)
		}
	}
	if a.timer != nil {
		d.change.TimersRemove = append(d.change.TimersRemove, *a.timer)
	}
	if a.seq >= 0 {
		d.change.PendingRemove = append(d.change.PendingRemove, a.seq)
	}
	if a.reply != nil {
		d.replies = append(d.replies, a.reply)
	}
}

// store makes an arrival a pending event: it is durable on its own from the commit on.
func (in *instance) store(a *arrival, d *draft) {
	if a.seq >= 0 {
		return
	}
	moved := *a
	moved.seq = -1
	in.drop(moved, d)
	a.message, a.act, a.timer, a.reply = "", "", nil, nil
	a.seq = in.rec.NextPending
	in.rec.NextPending++
	d.change.PendingAdd = append(d.change.PendingAdd, PendingEvent{Seq: a.seq, Event: in.encode(nil, &a.event)})
}

// stored reports whether all arrivals are durable apart from the inbox.
func (in *instance) stored() bool { return in.arrived.unstored == 0 }

// setStatus changes the status; the next commit stores it and tells those who wait.
func (in *instance) setStatus(s durable.RuntimeStatus) {
	if in.rec.Status != s {
		in.rec.Status = s
		in.notify = true
	}
}

// encode appends the stored form of an event.
func (in *instance) encode(dst []byte, ev *history.Event) []byte {
	if in.local != nil {
		return ev.AppendLean(dst)
	}
	return ev.AppendJSON(dst, true)
}

// draft is a change on its way to the hub, with what is to be done once it is there.
type draft struct {
	in         *instance // nil: the change touches no instance
	change     Change
	activities []*Outstanding // to run here
	spilled    []string       // keys of those left for any host
	replies    []func(error)  // to clients of this process
	// then, of a change that is none of an instance, is called when it is durable.
	then   func()
	buffer []byte // holds the events of change.Append
}

// drafts are used again once they are durable.
var drafts = sync.Pool{New: func() any { return new(draft) }}

func borrowDraft() *draft {
	d, _ := drafts.Get().(*draft)
	return d
}

// maxDraftKept is the size of the largest list, and of the largest buffer in units of 512 bytes, that is kept for its memory.
const maxDraftKept = 32

// giveBack frees the draft of an instance in process, whose history is not kept in memory.
func (d *draft) giveBack() {
	if len(d.change.Append)+len(d.change.ActivitiesAdd)+len(d.change.ActivitiesRemove) > maxDraftKept || cap(d.buffer) > 512*maxDraftKept {
		return
	}
	clear(d.change.Append)
	clear(d.change.ActivitiesAdd)
	clear(d.change.ActivitiesRemove)
	clear(d.activities)
	*d = draft{
		buffer: d.buffer[:0], activities: d.activities[:0],
		change: Change{Append: d.change.Append[:0], ActivitiesAdd: d.change.ActivitiesAdd[:0], ActivitiesRemove: d.change.ActivitiesRemove[:0]},
	}
	drafts.Put(d)
}

// newDraft begins a change of the instance with all that has gathered for the next commit. before is its record as the hub has it.
func (in *instance) newDraft(now time.Time) *draft {
	d := borrowDraft()
	d.in, d.replies = in, in.replies
	d.change = Change{
		InstanceID: in.id, ExecutionID: in.rec.ExecutionID, Revision: in.rec.Revision,
		Append: append(d.change.Append[:0], in.events...), ActivitiesAdd: d.change.ActivitiesAdd[:0],
		ActivitiesRemove: append(d.change.ActivitiesRemove[:0], in.ackActs...),
		Consumed:         in.acks, ClaimsRemove: in.ackClaim, TimersRemove: in.ackTimer, PendingRemove: in.ackPending,
		Notify: in.notify, OldStatus: in.storedStatus, Created: in.rec.Created,
		Fields: Fields{Updated: now},
	}
	if len(in.lag) >= maxLag {
		in.removeLag(d)
	}
	if in.notify {
		status := in.rec.Status
		d.change.Fields.Status, d.change.Status = &status, status
	}
	if in.create {
		r := *in.rec // a copy: it is read while the instance goes on
		if in.start != nil {
			d.change.Start, d.change.AnyState = true, in.start.anyState
			d.change.Notify = false // nobody waits for what has not been there
		} else {
			d.change.ExecutionID, d.change.Replace = in.replaced, true
		}
		d.change.Fields = Fields{
			Name: &r.Name, ExecutionID: &r.ExecutionID, Status: &r.Status, Created: &r.Created, Updated: now, Parent: r.Parent,
		}
		if r.Version != "" {
			d.change.Fields.Version = &r.Version
		}
		if r.Input != nil {
			d.change.Fields.Input = &r.Input
		}
		in.create = false
	}
	in.events, in.acks, in.ackActs, in.ackClaim, in.ackTimer, in.ackPending, in.notify = nil, nil, nil, nil, nil, nil, false
	in.replies = nil
	in.rec.Updated = now
	return d
}

// maxLag is how many activities are removed together.
const maxLag = 32

// removeLag lets the commit remove the activities whose outcome is in the history.
func (in *instance) removeLag(d *draft) {
	d.change.ActivitiesRemove = append(d.change.ActivitiesRemove, in.lag...)
	in.lag = in.lag[:0]
}

// gathered reports whether anything waits for the next commit.
func (in *instance) gathered() bool {
	return len(in.events)+len(in.acks)+len(in.ackActs)+len(in.ackTimer)+len(in.ackPending)+len(in.replies) > 0 || in.notify || in.create
}

// setFinal puts the end of the execution into the draft.
func (in *instance) setFinal(d *draft, status durable.RuntimeStatus, output json.RawMessage) {
	in.rec.Status, in.rec.Output = status, output
	in.removeLag(d)
	d.change.Fields.Status = &status
	d.change.Fields.Output = &output
	d.change.Notify, d.change.Status = true, status
	for _, t := range in.timers {
		d.change.TimersRemove = append(d.change.TimersRemove, t)
	}
}
