package redistest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

func TestEachRunsOnBoth(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, options *redis.Options) {
		client := redis.NewClient(options)
		defer func() { _ = client.Close() }()
		hub := redistest.HubName(t)
		require.Regexp(t, `^[A-Za-z][A-Za-z0-9]{3,44}$`, hub)
		require.NotEqual(t, hub, redistest.HubName(t))
		require.NoError(t, client.Set(t.Context(), hub, "v", 150*time.Millisecond).Err())
		require.Equal(t, "v", client.Get(t.Context(), hub).Val())
		require.Eventually(t, func() bool { return errors.Is(client.Get(t.Context(), hub).Err(), redis.Nil) }, 5*time.Second, 20*time.Millisecond)
	})
}

func TestRealIsSharedAndKeepsNothing(t *testing.T) {
	t.Parallel()
	first, second := redistest.Real(t), redistest.Real(t)
	require.Equal(t, first.Addr, second.Addr)
	require.Equal(t, map[string]string{"appendonly": "no"}, redistest.Client(t).ConfigGet(t.Context(), "appendonly").Val())
	require.Equal(t, map[string]string{"save": ""}, redistest.Client(t).ConfigGet(t.Context(), "save").Val())
}

func TestServerSurvivesAKill(t *testing.T) {
	t.Parallel()
	s := redistest.NewServer(t, "--hz", "50")
	client := s.Client(t)
	require.Equal(t, "50", client.ConfigGet(t.Context(), "hz").Val()["hz"])
	require.NoError(t, client.Set(t.Context(), "k", "v", 0).Err())
	s.Kill()
	s.Kill()
	require.Error(t, client.Get(t.Context(), "k").Err())
	s.Restart()
	require.Equal(t, "v", client.Get(t.Context(), "k").Val())
	s.Stop()
	s.Stop()
	require.Error(t, client.Get(t.Context(), "k").Err())
	s.Restart()
	require.Equal(t, "v", client.Get(t.Context(), "k").Val())
	require.Equal(t, "redis://"+s.Options().Addr, s.URL())
}

func TestServerPauses(t *testing.T) {
	t.Parallel()
	s := redistest.NewServer(t)
	client := s.Client(t)
	require.NoError(t, client.Ping(t.Context()).Err())
	s.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, client.Ping(ctx).Err(), os.ErrDeadlineExceeded)
	s.Resume()
	require.NoError(t, client.Ping(t.Context()).Err())
}

func TestMissingServerSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := exec.LookPath("redis-server")
	require.ErrorIs(t, err, exec.ErrNotFound)
	failed := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		redistest.NewServer(failed)
	}()
	<-done
	require.Contains(t, failed.message, "apt-get install redis-server")
}

// recorder is a testing.TB that notes a failure instead of failing.
type recorder struct {
	testing.TB
	message string
}

func (r *recorder) Errorf(format string, args ...any) { r.message += fmt.Sprintf(format, args...) }

func (r *recorder) FailNow() { runtime.Goexit() }
