package engine

import (
	"container/heap"
	"time"
)

// timerQueue holds a partition's timers, the next one first. A cancelled timer stays until it is due and is then found to be none
// of its instance's.
type timerQueue []TimerEntry

func (q timerQueue) Len() int           { return len(q) }
func (q timerQueue) Less(i, j int) bool { return q[i].FireAt.Before(q[j].FireAt) }
func (q timerQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *timerQueue) Push(x any)        { *q = append(*q, x.(TimerEntry)) }
func (q *timerQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

func (q *timerQueue) add(timers ...TimerEntry) {
	for _, t := range timers {
		heap.Push(q, t)
	}
}

// due removes and returns the timers that are due at now, in order.
func (q *timerQueue) due(now time.Time) []TimerEntry {
	var out []TimerEntry
	for len(*q) > 0 && !(*q)[0].FireAt.After(now) {
		out = append(out, heap.Pop(q).(TimerEntry))
	}
	return out
}
