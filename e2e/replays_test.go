package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReplaysOfFanOut counts how often an orchestrator is run for many activities at once.
func TestReplaysOfFanOut(t *testing.T) {
	t.Parallel()
	h := startHost(t, options{Root: scenarios(t, "app21"), Redis: startRedis(t).URL})
	for _, c := range []struct{ activities, most int }{{1000, 20}, {10_000, 40}} {
		t.Run(fmt.Sprint(c.activities), func(t *testing.T) {
			output, ok := h.in(t).complete("FanOutRuns", c.activities).([]any)
			require.True(t, ok)
			n := float64(c.activities)
			require.InDelta(t, (n-1)*n*(2*n-1)/6, output[0], 0)
			require.LessOrEqual(t, output[1], float64(c.most))
			t.Logf("%d activities: %v runs", c.activities, output[1])
		})
	}
}
