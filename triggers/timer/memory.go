package timer

import (
	"context"
	"sync"
	"time"
)

// memoryStore is the record of a timer where there is no Redis: of this process only.
type memoryStore struct {
	clock func() time.Time

	mu     sync.Mutex
	record snapshot
}

func (m *memoryStore) look(context.Context) (snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.snapshot(), nil
}

func (m *memoryStore) snapshot() snapshot {
	s := m.record
	s.now, s.local = m.clock().Truncate(time.Millisecond), time.Now()
	return s
}

func (m *memoryStore) plan(_ context.Context, expect time.Time, schedule string, next time.Time) (bool, snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.snapshot()
	if before.held() || !before.next.Equal(expect) {
		return false, before, nil
	}
	m.record.schedule, m.record.next, m.record.updated = schedule, next, before.now
	return true, before, nil
}

func (m *memoryStore) claim(_ context.Context, c claim) (bool, snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.snapshot()
	if before.held() || !before.next.Equal(c.expect) || !c.early && before.next.After(before.now) {
		return false, before, nil
	}
	m.record.owner, m.record.leaseEnd = c.owner, before.now.Add(c.ttl)
	m.record.last, m.record.next, m.record.updated = before.now, c.next, before.now
	return true, before, nil
}

func (m *memoryStore) renew(_ context.Context, owner string, ttl time.Duration) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.record.owner != owner {
		return false, nil
	}
	m.record.leaseEnd = m.clock().Add(ttl)
	return true, nil
}

func (m *memoryStore) finish(_ context.Context, owner string, next time.Time) (bool, snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.snapshot()
	if before.owner != owner {
		return false, before, nil
	}
	m.record.owner, m.record.leaseEnd = "", time.Time{}
	m.record.next, m.record.updated = next, before.now
	return true, before, nil
}
