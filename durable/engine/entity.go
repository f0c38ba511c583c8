package engine

import (
	"container/list"
	"encoding/json"
	"fmt"
	"time"

	"github.com/durango-functions/durango/durable/entity"
)

// EntityRecord is an entity as stored.
type EntityRecord struct {
	ID      string
	State   entity.State
	Lock    *EntityLock // nil: nobody has locked it
	Updated time.Time
	// Revision grows with each change.
	Revision int64
	// Pending are messages that wait: behind a lock, or for their time.
	Pending []PendingEvent
}

// EntityChange is what a commit leaves of an entity.
type EntityChange struct {
	// Delete drops it, with all that is stored of it.
	Delete bool
	State  entity.State
	// Lock is nil when nobody has locked it.
	Lock    *EntityLock
	Updated time.Time
}

// entityInstance is an entity in the memory of its partition's owner. As with instances, what is changed here ahead of a commit is thrown away with the
// whole partition when the commit does not take place.
type entityInstance struct {
	id      string
	loading bool
	busy    bool // a batch or a commit is under way
	pausing bool // the next batch waits a while

	revision int64 // 0: it is not stored
	state    entity.State
	lock     *EntityLock
	updated  time.Time
	nextSeq  int64

	inbox []Message    // not yet looked at
	fired []TimerEntry // not yet looked at
	// queue are the messages that wait for their turn; scheduled are those that wait for their time, by number.
	queue     []waitingMessage
	scheduled map[int64]waitingMessage
	next      entityDraft

	crashes int // consecutive batches that ended with their worker
	// careful is how many operations are run one by one, since one of them has ended its worker.
	careful int
	stalls  int // consecutive batches that could not be run

	place       *list.Element // among the entities in memory; nil: it is not
	cachedBytes int
}

// waitingMessage is a message with what the commit that has its effect must remove.
type waitingMessage struct {
	Message             // ID is "" once it is stored with the entity
	seq     int64       // number under which it is stored with the entity, -1 for none
	timer   *TimerEntry // nil for none
}

// entityDraft is what the next commit of an entity takes along.
type entityDraft struct {
	consumed      []string
	pendingAdd    []PendingEvent
	pendingRemove []int64
	timersAdd     []TimerEntry
	timersRemove  []TimerEntry
	send          []Message
	aside         []AsideMessage
	lockChanged   bool
}

func (d *entityDraft) empty() bool {
	return len(d.consumed)+len(d.pendingAdd)+len(d.pendingRemove)+len(d.timersAdd)+len(d.timersRemove)+len(d.send)+len(d.aside) == 0 && !d.lockChanged
}

// done notes that a message has had its effect.
func (d *entityDraft) done(m *waitingMessage) {
	if m.ID != "" {
		d.consumed = append(d.consumed, m.ID)
	}
	if m.seq >= 0 {
		d.pendingRemove = append(d.pendingRemove, m.seq)
	}
	if m.timer != nil {
		d.timersRemove = append(d.timersRemove, *m.timer)
	}
}

// entity returns the entity, beginning to load it when it is not in memory.
func (p *partition) entity(id string) *entityInstance {
	en := p.entities[id]
	if en != nil {
		return en
	}
	en = &entityInstance{id: id, loading: true}
	p.entities[id] = en
	p.wg.Go(func() { p.loadEntity(en) })
	return en
}

// loadEntity reads an entity, however often it takes, and hands it to the owner.
func (p *partition) loadEntity(en *entityInstance) {
	for attempt := 1; ; attempt++ {
		rec, err := p.e.hub.LoadEntity(p.ctx, p.id, en.id)
		if err == nil {
			p.mail.put(func() {
				en.loading = false
				en.take(rec, p)
				p.advanceEntity(en)
			})
			return
		}
		if p.ctx.Err() != nil {
			return
		}
		p.e.troubles.warn(p.logger, "task hub: loading an entity failed, trying again", "entity_id", en.id, "error", err)
		if !p.pause(backoff(attempt)) {
			return
		}
	}
}

// entityTimers is TimerEntry.ExecutionID of the timers of entities.
const entityTimers = "entity"

// take takes the stored entity in. What has been stored as waiting stands before what is in the inbox.
func (en *entityInstance) take(rec *EntityRecord, p *partition) {
	if rec == nil {
		return
	}
	en.revision, en.state, en.lock, en.updated = rec.Revision, rec.State, rec.Lock, rec.Updated
	for _, stored := range rec.Pending {
		en.nextSeq = max(en.nextSeq, stored.Seq+1)
		m := waitingMessage{seq: stored.Seq}
		if err := json.Unmarshal(stored.Event, &m.Message); err != nil {
			en.next.aside = append(en.next.aside, AsideMessage{Message: stored.Event, Reason: "it cannot be read: " + err.Error()})
			en.next.pendingRemove = append(en.next.pendingRemove, stored.Seq)
			p.logger.Error("task hub: setting a message aside", "entity_id", en.id, "error", err)
			continue
		}
		if m.Due > 0 {
			en.schedule(m)
			continue
		}
		en.queue = append(en.queue, m)
	}
}

func (en *entityInstance) schedule(m waitingMessage) {
	if en.scheduled == nil {
		en.scheduled = map[int64]waitingMessage{}
	}
	en.scheduled[m.seq] = m
}

// receiveForEntity takes one message from the inbox.
func (p *partition) receiveForEntity(m *Message) {
	switch m.Kind {
	case MessageOperation, MessageLock, MessageRelease:
	default:
		p.setAside(m, fmt.Sprintf("message kind %q is unknown of entities: a newer durango may have sent it", m.Kind))
		return
	}
	en := p.entity(m.InstanceID)
	en.inbox = append(en.inbox, *m)
	p.advanceEntity(en)
}

// fireEntity takes a timer of an entity that is due.
func (p *partition) fireEntity(t TimerEntry) {
	en := p.entity(t.InstanceID)
	en.fired = append(en.fired, t)
	p.advanceEntity(en)
}

// advanceEntity looks at what has come for the entity and begins the one thing that is to be done next: a batch or a commit.
func (p *partition) advanceEntity(en *entityInstance) {
	if en.loading || en.busy || en.pausing || p.ctx.Err() != nil || p.quiet.Load() {
		return
	}
	p.sortForEntity(en)
	limit := p.e.cfg.MaxEntityBatch
	if en.careful > 0 {
		limit = 1
	}
	batch := en.plan(limit, p.e.now().UnixMilli())
	switch {
	case len(batch) > 0:
		p.runBatch(en, batch)
	case !en.next.empty() || en.unstored() > maxWaiting:
		p.commitEntity(en)
	default:
		p.restEntity(en)
	}
}

// sortForEntity gives the messages that have come their place.
func (p *partition) sortForEntity(en *entityInstance) {
	now := p.e.now().UnixMilli()
	for _, m := range en.inbox {
		w := waitingMessage{Message: m, seq: -1}
		if m.Due <= now {
			en.queue = append(en.queue, w)
			continue
		}
		en.store(&w)
		t := TimerEntry{InstanceID: en.id, ExecutionID: entityTimers, TimerID: int(w.seq), FireAt: time.UnixMilli(m.Due).UTC()}
		en.next.timersAdd = append(en.next.timersAdd, t)
		en.schedule(w)
	}
	en.inbox = nil
	for _, t := range en.fired {
		w, ok := en.scheduled[int64(t.TimerID)]
		if !ok {
			en.next.timersRemove = append(en.next.timersRemove, t)
			continue
		}
		delete(en.scheduled, w.seq)
		w.timer = &t
		en.queue = append(en.queue, w)
	}
	en.fired = nil
}

// store keeps a message with the entity from the next commit on.
func (en *entityInstance) store(m *waitingMessage) {
	if m.seq >= 0 {
		return
	}
	if m.ID != "" {
		en.next.consumed = append(en.next.consumed, m.ID)
	}
	m.seq = en.nextSeq
	en.nextSeq++
	m.ID, m.Raw = "", nil
	en.next.pendingAdd = append(en.next.pendingAdd, PendingEvent{Seq: m.seq, Event: m.stored()})
}

// stored is the message as JSON.
func (m *waitingMessage) stored() []byte {
	raw, err := json.Marshal(&m.Message)
	if err != nil {
		panic(err) // it has come as JSON
	}
	return raw
}

// void reports whether nothing of the entity is worth storing.
func (en *entityInstance) void() bool {
	if en.state.Exists || en.lock != nil || len(en.scheduled) > 0 {
		return false
	}
	for i := range en.queue {
		if en.queue[i].seq >= 0 {
			return false
		}
	}
	return true
}

// commitEntity commits what the entity has come to. What waits behind a lock goes from the inbox to the entity.
func (p *partition) commitEntity(en *entityInstance) {
	due := false // something that no message of the inbox tells of can be done next
	for i := range en.queue {
		m := &en.queue[i]
		if en.lock != nil && !en.lock.owns(m) {
			en.store(m)
		} else {
			due = due || m.ID == "" && m.timer == nil
		}
	}
	next := en.next
	en.next = entityDraft{}
	d := &draft{change: Change{
		InstanceID: en.id, Revision: en.revision, Consumed: next.consumed, PendingAdd: next.pendingAdd, PendingRemove: next.pendingRemove,
		TimersAdd: next.timersAdd, TimersRemove: next.timersRemove, Send: next.send, SetAside: next.aside,
	}}
	revision := en.revision + 1
	switch void := en.void(); {
	case void && en.revision == 0:
		revision, d.change.AckOnly = 0, true
	default:
		if void {
			revision = 0
		}
		d.change.Entity = &EntityChange{Delete: void, State: en.state, Lock: en.lock, Updated: en.updated}
		p.setEntityReady(en, d, due)
	}
	en.busy = true
	p.active++
	d.then = func() {
		en.busy = false
		p.active--
		en.revision = revision
		p.advanceEntity(en)
	}
	p.put(d)
}

// setEntityReady says in the draft whether something is due that no message tells of, if the hub has it otherwise.
func (p *partition) setEntityReady(en *entityInstance, d *draft, ready bool) {
	switch {
	case ready == p.ready[en.id]:
	case ready:
		p.ready[en.id] = true
		d.change.Ready = ReadySet
	default:
		delete(p.ready, en.id)
		d.change.Ready = ReadyClear
	}
}
