package redistest

import (
	"sync"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Server is a redis-server of one test's own. It keeps its port and its data over restarts. Its methods may be called from any
// goroutine of the test.
type Server struct {
	t    testing.TB
	dir  string
	args []string
	port int

	mu sync.Mutex
	p  *process
}

// NewServer starts a redis-server with an append-only file in a folder of the test; args come after its own and win over them. It
// ends with the test, and its log is shown if the test fails.
func NewServer(t testing.TB, args ...string) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir()}
	s.args = append([]string{"--save", "", "--appendonly", "yes", "--appendfsync", "everysec"}, args...)
	p, err := startProcess(s.dir, s.args...)
	require.NoError(t, err)
	s.p, s.port = p, p.port
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("log of redis-server:\n%s", p.out)
		}
	})
	return s
}

// Addr is the server's host:port.
func (s *Server) Addr() string { return address(s.port) }

// URL is the server's address as redis://host:port.
func (s *Server) URL() string { return "redis://" + s.Addr() }

// Options returns fresh options to connect with: no retries, so that a test sees each failure.
func (s *Server) Options() *redis.Options { return optionsFor(s.Addr()) }

// Client returns a client of the server, closed at the end of the test.
func (s *Server) Client(t testing.TB) *redis.Client {
	t.Helper()
	return clientOf(t, s.Options())
}

// Kill ends the server with SIGKILL, paused or not, and waits for its end. What it has answered stays: it writes its append-only file before
// each answer. It does nothing if the server is not running.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.p != nil {
		s.p.Kill()
		s.p = nil
	}
}

// Stop ends the server in order and waits for its end. It does nothing if the server is not running.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.p != nil {
		s.p.Signal(syscall.SIGTERM)
		s.p.Signal(syscall.SIGCONT)
		<-s.p.Done()
		s.p = nil
	}
}

// Restart starts the server again on the same port and data, killing it first if it runs.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := startProcessOn(s.port, s.dir, s.args...)
	require.NoError(s.t, err, "restarting redis-server on port %d", s.port)
	s.p = p
}

// Pause makes the server stop answering while its connections stay open, until Resume.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.p != nil {
		s.p.Signal(sig)
	}
}
