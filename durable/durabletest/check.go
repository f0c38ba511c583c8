package durabletest

import (
	"errors"
	"log/slog"

	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

// manyEvents is the length of a history up to which each episode is checked. A longer one is checked when it has grown by a quarter, and when it
// ends: each check goes through the whole history.
const manyEvents = 1000

// check runs the orchestrator over the history in a session of its own, which must do the same.
func (r *Run) check(first bool, out *inproc.Outcome) error {
	due := first || out.Decisions.Outcome != replay.Waiting || len(r.history) <= manyEvents || len(r.history) >= r.checked+r.checked/4
	if r.env.unchecked || !due || len(r.history) == r.checked {
		return nil
	}
	r.checked = len(r.history)
	start := r.start()
	start.Logger = slog.New(slog.DiscardHandler)
	got, err := replayHistory(r.fn.run, start, r.history)
	if err != nil {
		return err
	}
	if d := compareActions(r.history, got, true); d != nil {
		return nondeterminism(r.title(), r.history, d)
	}
	awaited := r.session.Awaited()
	d := &difference{episode: episodeOf(r.history, len(r.history)), upTo: len(r.history)}
	d.was, d.is = describeEnd(out.Decisions, awaited), describeEnd(got.out.Decisions, got.awaited)
	var diverged *replay.DivergenceError
	switch {
	case errors.As(got.out.Err, &diverged):
		d.was, d.is = diverged.Recorded, diverged.New
	case got.out.Err != nil:
		d.is = got.out.Err.Error()
	case sameEnd(out.Decisions, awaited, got.out.Decisions, got.awaited):
		return nil
	}
	return nondeterminism(r.title(), r.history, d)
}
