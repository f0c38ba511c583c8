package inproc_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

func TestClockInReplay(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		clocks := []time.Time{s.Now()}
		for range 2 {
			await1(s, s.Wait("Go"))
			clocks = append(clocks, s.Now())
		}
		return output(clocks)
	})
	r.step()
	r.step(raised("Go", "1"))
	r.evict()
	requireEnd(t, r.step(raised("Go", "2")), replay.Completed,
		`["2026-11-24T01:02:03Z","2026-11-24T01:03:03Z","2026-11-24T01:04:03Z"]`)
}

// The time of the first attempt, from which the timeout counts, is the clock of its episode in a replay too.
func TestRetryTimeoutInReplay(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		retry := &inproc.Retry{First: time.Second, MaxAttempts: 9, Timeout: time.Hour}
		return output(await1(s, s.Activity(inproc.Call{Name: "A", Retry: retry})))
	})
	r.step()
	r.step(failed(0, "no"))
	r.evict()
	out := r.step(fired(1))
	require.NoError(t, out.Err)
	require.Equal(t, []string{"TaskScheduled A"}, names(out.Decisions.Events))
}

// What an engine has noted before the first episode is nothing to go through.
func TestHistoryWithoutEpisode(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		require.False(t, s.Replaying())
		require.Equal(t, epoch, s.Now())
		return output(await1(s, activity(s, "A")))
	})
	r.history = []history.Event{event(history.ExecutionSuspended, epoch), event(history.ExecutionResumed, epoch)}
	require.Equal(t, []string{"TaskScheduled A"}, names(r.step().Decisions.Events))
}
