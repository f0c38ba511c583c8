package engine

import "sync"

// mailbox passes values to the one goroutine that takes them. Putting never blocks, so that two goroutines that tell each other things
// cannot wait for each other; whoever puts much bounds it himself (the inbox reader waits until a batch was looked at).
type mailbox[T any] struct {
	mu    sync.Mutex
	items []T
	wake  chan struct{} // holds a token while there may be items
}

func newMailbox[T any]() *mailbox[T] {
	return &mailbox[T]{wake: make(chan struct{}, 1)}
}

func (m *mailbox[T]) put(items ...T) {
	if len(items) == 0 {
		return
	}
	m.mu.Lock()
	m.items = append(m.items, items...)
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// C tells that there may be items.
func (m *mailbox[T]) C() <-chan struct{} { return m.wake }

// take returns the items put since the last call, in order. used are those of the call before, which are not needed any more: their memory is
// used again.
func (m *mailbox[T]) take(used []T) []T {
	clear(used)
	if cap(used) > maxMailKept {
		used = nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.items = used[:0]
	return items
}

// maxMailKept is the size of the largest list that is kept for its memory.
const maxMailKept = 1024
