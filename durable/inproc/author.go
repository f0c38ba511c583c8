package inproc

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Info is what the session was started with.
func (s *Session) Info() *Start { return &s.start }

// Now is the orchestrator's clock.
func (s *Session) Now() time.Time { return s.now }

// Replaying reports whether what the orchestrator does now was done before.
func (s *Session) Replaying() bool { return s.replaying.Load() }

// SetCustomStatus sets the custom status; it is stored with the episode.
func (s *Session) SetCustomStatus(raw json.RawMessage) {
	s.check()
	if !s.replaying.Load() {
		s.customStatus = raw
	}
}

// ContinueAsNew makes the orchestration start anew with the input once the orchestrator returns, which should be with the error that it
// returns.
func (s *Session) ContinueAsNew(input json.RawMessage) error {
	s.check()
	s.continues, s.newInput = true, input
	return errContinueAsNew
}

// Continues reports whether the orchestration starts anew when the orchestrator returns err.
func (s *Session) Continues(err error) bool {
	return s.continues && (err == nil || errors.Is(err, errContinueAsNew))
}

// Context is canceled when the session ends; its cause tells why.
func (s *Session) Context() context.Context { return s.life.context() }

// namespace is that of the GUIDs (RFC 4122 names in the execution).
var namespace = uuid.MustParse("9e952958-5e33-4daf-827f-2fa12937b875")

// NewGUID is the same in each replay.
func (s *Session) NewGUID() uuid.UUID {
	s.guids++
	return uuid.NewSHA1(namespace, []byte(s.start.ExecutionID+"|"+strconv.Itoa(s.guids)))
}

// NewRand makes a generator whose numbers are the same in each replay.
func (s *Session) NewRand() *rand.Rand {
	id := s.NewGUID()
	seed := [32]byte{}
	copy(seed[:], id[:])
	return rand.New(rand.NewChaCha8(seed))
}

// Logger is silent in replays.
func (s *Session) Logger() *slog.Logger {
	return slog.New(&replaySafe{s.start.Logger.Handler(), s}).With("function", s.start.Name, "instance_id", s.start.InstanceID)
}

// replaySafe is a handler that is silent in replays.
type replaySafe struct {
	slog.Handler
	s *Session
}

func (h *replaySafe) Enabled(ctx context.Context, level slog.Level) bool {
	return !h.s.replaying.Load() && h.Handler.Enabled(ctx, level)
}

func (h *replaySafe) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &replaySafe{h.Handler.WithAttrs(attrs), h.s}
}

func (h *replaySafe) WithGroup(name string) slog.Handler {
	return &replaySafe{h.Handler.WithGroup(name), h.s}
}
