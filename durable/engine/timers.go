package engine

import (
	"slices"
	"time"
)

// timerQueue is a heap of a partition's timers, the next one first. A cancelled timer stays until it is due and is then found to be none of
// its instance's.
type timerQueue []TimerEntry

func (q *timerQueue) add(timers ...TimerEntry) {
	for _, t := range timers {
		*q = append(*q, t)
		q.up(len(*q) - 1)
	}
}

// due removes and returns the timers that are due at now, in order.
func (q *timerQueue) due(now time.Time) []TimerEntry {
	var out []TimerEntry
	for len(*q) > 0 && !(*q)[0].FireAt.After(now) {
		out = append(out, q.pop())
	}
	return out
}

func (q *timerQueue) pop() TimerEntry {
	h := *q
	first, last := h[0], len(h)-1
	h[0] = h[last]
	h[last] = TimerEntry{}
	*q = slices.Delete(h, last, last+1)
	q.down(0)
	return first
}

func (q *timerQueue) up(i int) {
	for h := *q; i > 0; {
		parent := (i - 1) / 2
		if !h[i].FireAt.Before(h[parent].FireAt) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

func (q *timerQueue) down(i int) {
	h := *q
	for {
		next := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[child].FireAt.Before(h[next].FireAt) {
				next = child
			}
		}
		if next == i {
			return
		}
		h[i], h[next] = h[next], h[i]
		i = next
	}
}
