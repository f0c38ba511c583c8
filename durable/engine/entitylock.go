package engine

// EntityLock says who has locked an entity.
type EntityLock struct {
	InstanceID  string `json:"i"`
	ExecutionID string `json:"x"`
	Request     string `json:"q"`
}

// owns reports whether the lock's owner has sent the message.
func (l *EntityLock) owns(m *waitingMessage) bool {
	return m.Parent != nil && m.Parent.InstanceID == l.InstanceID && m.Parent.ExecutionID == l.ExecutionID && (m.Kind != MessageLock || m.Request == l.Request)
}

// plan takes what is to be done next out of the queue. Locks and releases that come before the first operation take effect at once, in next; then it returns the
// operations up to the next lock or release, at most limit of them. While the entity is locked, what others than the lock's owner have sent is passed over.
func (en *entityInstance) plan(limit int, now int64) (batch []waitingMessage) {
	var passed []waitingMessage
	rest := en.queue
	for len(rest) > 0 && len(batch) < limit {
		m := rest[0]
		if en.lock != nil && !en.lock.owns(&m) {
			passed, rest = append(passed, m), rest[1:]
			continue
		}
		if m.Kind == MessageOperation {
			batch, rest = append(batch, m), rest[1:]
			continue
		}
		if len(batch) > 0 {
			break
		}
		rest = rest[1:]
		en.next.done(&m)
		if m.Kind == MessageLock {
			en.grant(&m, now)
			continue
		}
		if en.release(&m, now) && len(passed) > 0 {
			passed, rest = nil, append(passed, rest...) // those that were passed over have waited for this
		}
	}
	if len(passed) > 0 {
		rest = append(passed, rest...)
	}
	en.queue = rest
	if len(rest) == 0 {
		en.queue = nil
	}
	return batch
}

// grant gives the lock to who asks for it, and sends the request on, or tells that it has all locks.
func (en *entityInstance) grant(m *waitingMessage, now int64) {
	en.lock = &EntityLock{InstanceID: m.Parent.InstanceID, ExecutionID: m.Parent.ExecutionID, Request: m.Request}
	en.next.lockChanged = true
	if !en.sendOn(m, now) {
		en.next.send = append(en.next.send, Message{
			Kind: MessageEntityDone, InstanceID: m.Parent.InstanceID, ExecutionID: m.Parent.ExecutionID, TaskID: m.Parent.TaskID, Request: m.Request, At: now,
		})
	}
}

// release takes the lock from who gives it back, and sends the release on. It reports whether the entity is locked no more.
func (en *entityInstance) release(m *waitingMessage, now int64) bool {
	en.sendOn(m, now)
	if en.lock == nil || en.lock.Request != m.Request {
		return false
	}
	en.lock = nil
	en.next.lockChanged = true
	return true
}

// sendOn sends a message to the next entity of its lock set; false when this is the last.
func (en *entityInstance) sendOn(m *waitingMessage, now int64) bool {
	at := m.Position + 1
	if at >= len(m.LockSet) {
		return false
	}
	on := m.Message
	on.ID, on.Raw, on.InstanceID, on.Position, on.At = "", nil, m.LockSet[at], at, now
	en.next.send = append(en.next.send, on)
	return true
}

// unstored counts the messages that wait behind a lock and are still in the inbox.
func (en *entityInstance) unstored() (n int) {
	if en.lock == nil {
		return 0
	}
	for i := range en.queue {
		if en.queue[i].seq < 0 && !en.lock.owns(&en.queue[i]) {
			n++
		}
	}
	return n
}
