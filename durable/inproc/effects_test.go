package inproc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

// A replay finds the outcome of a side effect, and does not run it.
func TestSideEffects(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		f    func() (json.RawMessage, error)
		want string
	}{
		"value":      {func() (json.RawMessage, error) { return json.RawMessage(`{"a":1}`), nil }, `{"a":1} <nil>`},
		"none":       {func() (json.RawMessage, error) { return nil, nil }, ` <nil>`},
		"error":      {func() (json.RawMessage, error) { return json.RawMessage("1"), errors.New("no such variable") }, ` no such variable`},
		"panic":      {func() (json.RawMessage, error) { panic("broken") }, ` panic: broken`},
		"empty text": {func() (json.RawMessage, error) { return json.RawMessage(`""`), nil }, `"" <nil>`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
				value, err := s.SideEffect(func() (json.RawMessage, error) { runs++; return c.f() })
				if err != nil {
					var failed *inproc.SideEffectError
					require.ErrorAs(t, err, &failed)
				}
				got := fmt.Sprintf("%s %v", value, err)
				await1(s, s.Wait("E"))
				return output(got)
			})
			r.step()
			r.evict()
			want, _ := output(c.want)
			requireEnd(t, r.step(raised("E", "1")), replay.Completed, string(want))
			require.Equal(t, 1, runs)
		})
	}
}

// The function of a side effect is not run in replays, so what it would ask for would be missing there.
func TestSideEffectUsesItsOrchestration(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		_, err := s.SideEffect(func() (json.RawMessage, error) { activity(s, "A"); return nil, nil })
		activity(s, "B")
		await1(s, s.Wait("E"))
		return nil, err
	})
	require.Equal(t, []string{"TaskScheduled BuiltIn::SideEffect", "TaskFailed", "TaskScheduled B"}, names(r.step().Decisions.Events))
	r.evict()
	requireEnd(t, r.step(raised("E", "1")), replay.Failed,
		"panic: the function of a side effect must not use its orchestration: it is not run in replays")
}

func TestGUIDsAndRandomNumbersInReplay(t *testing.T) {
	t.Parallel()
	var runs [][]string
	fn := func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		rand := s.NewRand()
		run := []string{s.NewGUID().String(), fmt.Sprint(rand.Uint64()), s.NewGUID().String(), fmt.Sprint(s.NewRand().Uint64())}
		await1(s, s.Wait("E"))
		runs = append(runs, append(run, s.NewGUID().String(), fmt.Sprint(rand.Uint64())))
		return nil, nil
	}
	for _, evict := range []bool{false, true} {
		r := newRig(t, fn)
		r.step()
		if evict {
			r.evict()
		}
		r.step(raised("E", "1"))
	}
	require.Equal(t, runs[0], runs[1])
	require.Len(t, unique(runs[0]), len(runs[0]))

	other := newRig(t, fn)
	other.start.ExecutionID = "another"
	other.step()
	other.step(raised("E", "1"))
	require.Len(t, unique(append(runs[0], runs[2]...)), 2*len(runs[0]), "each execution has its own")
}

func unique(list []string) map[string]bool {
	set := map[string]bool{}
	for _, s := range list {
		set[s] = true
	}
	return set
}

func TestLoggerIsSilentInReplays(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := newRig(t, func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		logger := s.Logger().With("order", 7).WithGroup("g")
		require.Equal(t, s.Replaying(), !logger.Enabled(t.Context(), slog.LevelError))
		logger.Info("one")
		await1(s, s.Wait("E"))
		logger.Info("two", "a", 1)
		logger.Debug("hidden")
		return nil, nil
	})
	r.start.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	r.step()
	r.evict()
	r.step(raised("E", "1"))
	require.Equal(t, []string{
		"level=INFO msg=one function=Orch instance_id=one order=7",
		"level=INFO msg=two function=Orch instance_id=one order=7 g.a=1",
	}, strings.Split(strings.TrimSpace(log.String()), "\n"))
}

func TestCustomStatus(t *testing.T) {
	t.Parallel()
	r := newRig(t, program(func(s *inproc.Session) {
		s.SetCustomStatus(json.RawMessage("1"))
		s.SetCustomStatus(json.RawMessage("2"))
		await1(s, s.Wait("E"))
		await1(s, s.Wait("E"))
		s.SetCustomStatus(json.RawMessage("3"))
	}).function())
	require.Equal(t, "2", string(r.step().Decisions.CustomStatus))
	require.Nil(t, r.step(raised("E", "1")).Decisions.CustomStatus)
	r.evict()
	require.Nil(t, r.step().Decisions.CustomStatus, "it was stored before")
	require.Equal(t, "3", string(r.step(raised("E", "2")).Decisions.CustomStatus))
}

func TestPanicIsLoggedWithTheUsersFrames(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := newRig(t, program(func(s *inproc.Session) {
		_, _ = s.SideEffect(func() (json.RawMessage, error) { panic("effect") })
		panicHere()
	}).function())
	r.start.Logger = slog.New(slog.NewTextHandler(&log, nil))
	r.step()
	require.Contains(t, log.String(), "a side effect of orchestrator 'Orch' panicked: effect")
	require.Contains(t, log.String(), "orchestrator 'Orch' panicked: here\\nat github.com/durango-functions/durango/durable/inproc_test.panicHere")
	require.Contains(t, log.String(), "effects_test.go:")
	require.NotContains(t, log.String(), "inproc.(*Session)")
}

//go:noinline
func panicHere() { panic("here") }
