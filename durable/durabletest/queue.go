package durabletest

import (
	"container/heap"
	"time"

	"github.com/durango-functions/durango/durable/history"
)

// item is something that happens at a time: an event comes for a run, or a function of After is called.
type item struct {
	due  time.Time
	rank uint64 // among those of one time
	call func() // nil: the event comes

	run       *Run
	execution string
	event     history.Event
}

// dead reports whether nobody is concerned any more.
func (it *item) dead() bool {
	return it.call == nil && !it.run.expects(it.execution, &it.event)
}

// queue holds what is to happen, the next first.
type queue struct {
	items items
	ranks uint64
}

type items []*item //nolint:recvcheck // container/heap wants some of each

func (q items) Len() int { return len(q) }

func (q items) Less(i, j int) bool {
	if !q[i].due.Equal(q[j].due) {
		return q[i].due.Before(q[j].due)
	}
	return q[i].rank < q[j].rank
}

func (q items) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *items) Push(x any) { *q = append(*q, x.(*item)) } //nolint:forcetypeassert // container/heap hands over what enqueue gave it

func (q *items) Pop() any {
	list := *q
	last := list[len(list)-1]
	list[len(list)-1] = nil
	*q = list[:len(list)-1]
	return last
}

// enqueue lets an item happen when it is due.
func (e *Env) enqueue(it *item) {
	e.queue.ranks++
	it.rank = e.queue.ranks
	if e.random != nil {
		it.rank = e.random.Uint64()
	}
	if it.call != nil {
		e.callbacks++
	}
	heap.Push(&e.queue.items, it)
}

// next returns the next item that concerns somebody, nil when there is none.
func (e *Env) next() *item {
	for len(e.queue.items) > 0 {
		if it := e.queue.items[0]; !it.dead() {
			return it
		}
		heap.Pop(&e.queue.items)
	}
	return nil
}

// happen takes the next item out of the queue and lets it happen.
func (e *Env) happen(it *item) {
	heap.Pop(&e.queue.items)
	if it.call != nil {
		e.callbacks--
		it.call()
		return
	}
	it.event.Timestamp = e.now
	it.run.arrive(it.event)
}
