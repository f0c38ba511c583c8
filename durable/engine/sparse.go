package engine

import (
	"log/slog"
	"sync"
	"time"
)

// sparseEvery is the time between two log lines of the same trouble.
const sparseEvery = 5 * time.Second

// sparse logs troubles that come in swarms, such as all that happens while the hub cannot be reached: of each message at most one line in
// sparseEvery, with how many were left out.
type sparse struct {
	mu    sync.Mutex
	kinds map[string]*swarm
}

type swarm struct {
	next    time.Time
	omitted int
}

func (s *sparse) warn(logger *slog.Logger, message string, args ...any) {
	s.mu.Lock()
	if s.kinds == nil {
		s.kinds = map[string]*swarm{}
	}
	k := s.kinds[message]
	if k == nil {
		k = &swarm{}
		s.kinds[message] = k
	}
	now := time.Now()
	if now.Before(k.next) {
		k.omitted++
		s.mu.Unlock()
		return
	}
	omitted := k.omitted
	k.next, k.omitted = now.Add(sparseEvery), 0
	s.mu.Unlock()
	if omitted > 0 {
		args = append(args, "omitted", omitted)
	}
	logger.Warn(message, args...)
}
