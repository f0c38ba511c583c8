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
