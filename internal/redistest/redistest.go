// Package redistest gives tests their Redis: one private redis-server for a whole test binary, a miniredis per test, and servers of a
// test's own that it may kill, pause and restart. Tests that share the server keep apart by HubName, so all may run in parallel.
package redistest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/durango-functions/durango/internal/redisserver"
)

// shared is the server of the test binary, started by the first test that asks for it.
var shared struct {
	sync.Mutex
	server *process
	err    error
}

// Main is the TestMain of a package whose tests use Redis: it runs the tests, stops the shared server, and fails if goroutines are
// left over. It does not return.
func Main(m *testing.M, options ...goleak.Option) {
	goleak.VerifyTestMain(Wrap(m), options...)
}

// Wrap returns m with the end of the shared server at the end of its run, for packages whose TestMain does more than Main.
func Wrap(m *testing.M) goleak.TestingM { return wrapped{m} }

type wrapped struct{ m *testing.M }

func (w wrapped) Run() int {
	redis.SetLogger(quiet{}) // servers die here on purpose; what matters comes back as errors
	defer stopShared()
	return w.m.Run()
}

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func stopShared() {
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		shared.server.Kill()
		shared.server = nil
	}
}

// Real returns the address of the test binary's redis-server, which keeps nothing on disk. The test fails if redis-server is missing.
func Real(t testing.TB) *redis.Options {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = startProcess("", "--save", "", "--appendonly", "no")
	}
	require.NoError(t, shared.err)
	return shared.server.options()
}

// Client returns a client of the test binary's redis-server, closed at the end of the test.
func Client(t testing.TB) *redis.Client {
	t.Helper()
	return clientOf(t, Real(t))
}

// Mini returns a miniredis of the test's own. Its keys expire as time goes by, as those of the host's in-memory server do.
func Mini(t testing.TB) *redis.Options {
	t.Helper()
	m := miniredis.NewMiniRedis()
	require.NoError(t, m.Start())
	t.Cleanup(m.Close)
	t.Cleanup(redisserver.Age(m))
	return optionsFor(m.Addr())
}

// Each runs a subtest on the real server and one on a miniredis, named "redis" and "miniredis", in parallel.
func Each(t *testing.T, run func(t *testing.T, options *redis.Options)) {
	t.Helper()
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		run(t, Real(t))
	})
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		run(t, Mini(t))
	})
}

// HubName returns a task hub name that no other test uses: letters and digits, beginning with a letter.
func HubName(t testing.TB) string {
	t.Helper()
	random := make([]byte, 6)
	_, _ = rand.Read(random) // never fails
	name := strings.Map(func(r rune) rune {
		if r < 128 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') {
			return r
		}
		return -1
	}, t.Name())
	return name[:min(len(name), 24)] + hex.EncodeToString(random)
}

// optionsFor returns options without retries, so that a test sees each failure, and without the greetings that would blur counts of
// commands.
func optionsFor(addr string) *redis.Options {
	return &redis.Options{
		Addr: addr, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

func clientOf(t testing.TB, options *redis.Options) *redis.Client {
	t.Helper()
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}
