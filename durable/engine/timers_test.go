package engine

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimerQueueGivesTimersInOrder(t *testing.T) {
	t.Parallel()
	start := time.Unix(0, 0)
	random := rand.New(rand.NewPCG(1, 2))
	var q timerQueue
	var want []time.Time
	for range 500 {
		at := start.Add(time.Duration(random.IntN(100)) * time.Second)
		want = append(want, at)
		q.add(TimerEntry{FireAt: at})
	}
	slices.SortFunc(want, time.Time.Compare)
	var got []time.Time
	for _, now := range []int{-1, 0, 10, 10, 50, 99} {
		for _, timer := range q.due(start.Add(time.Duration(now) * time.Second)) {
			require.LessOrEqual(t, timer.FireAt.Unix(), int64(now), "not early")
			got = append(got, timer.FireAt)
		}
	}
	require.Equal(t, want, got)
	require.Empty(t, q)
}

func TestQuietPartitionWaitsForNoTimer(t *testing.T) {
	t.Parallel()
	p := &partition{e: &Engine{}}
	p.timers.add(TimerEntry{FireAt: time.Now().Add(-time.Second)})
	require.Zero(t, p.untilNext())
	p.quiesce()
	require.Positive(t, p.untilNext(), "what it does not fire must not keep it busy")
}

func TestClockOffset(t *testing.T) {
	t.Parallel()
	asked := time.Unix(1000, 0)
	require.Equal(t, 10*time.Second, clockOffset(asked.Add(10*time.Second+5*time.Millisecond), asked, 10*time.Millisecond))
	// Two seconds for a connection, then an answer at once: both clocks are the same.
	require.Zero(t, clockOffset(asked.Add(2*time.Second), asked, 2*time.Second), "not ahead of the hub")
}
