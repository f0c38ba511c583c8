package engine

import (
	"context"
	"fmt"
	"sync"
)

// Waiters hands the news of an orchestration's completion from an engine's store to whoever awaits it. The peers' own clients poll, with
// pauses that grow; with Waiters they are measured as if their clients were told at once, which is the best that they could do.
type Waiters[T any] struct {
	mu      sync.Mutex
	waiting map[string]chan T
}

// Expect says that id will be awaited.
func (w *Waiters[T]) Expect(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting == nil {
		w.waiting = map[string]chan T{}
	}
	w.waiting[id] = make(chan T, 1)
}

// Done says that id has completed. It does nothing when nobody expects it, and when it was said before.
func (w *Waiters[T]) Done(id string, value T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.waiting[id]; c != nil {
		select {
		case c <- value:
		default:
		}
	}
}

// Wait returns what Done was told of id.
func (w *Waiters[T]) Wait(ctx context.Context, id string) (T, error) {
	w.mu.Lock()
	c := w.waiting[id]
	w.mu.Unlock()
	var none T
	if c == nil {
		return none, fmt.Errorf("instance '%s' was not started here", id)
	}
	select {
	case value := <-c:
		w.mu.Lock()
		delete(w.waiting, id)
		w.mu.Unlock()
		return value, nil
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
