package redisserver

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/durango-functions/durango/internal/redisserver/child"
)

// hostDir is the variable that makes this test binary a host which runs a server in the folder it names, until it is killed.
const hostDir = "DURANGO_TEST_REDIS_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(hostDir); dir != "" {
		s, err := Start(context.Background(), Config{Dir: dir})
		if err != nil {
			fmt.Fprintln(os.Stdout, err)
			os.Exit(1)
		}
		fmt.Fprintln(os.Stdout, "ready")
		_ = s
		select {}
	}
	goleak.VerifyTestMain(m)
}

// journal is a logger's output.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func start(t *testing.T, dir string) (*Server, *journal) {
	t.Helper()
	j := &journal{}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := Start(ctx, Config{Dir: dir, Logger: j.logger()})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Stop(context.Background()))
		if t.Failed() {
			t.Log(j.String())
		}
	})
	return s, j
}

func connect(t *testing.T, s *Server) *redis.Client {
	t.Helper()
	client := redis.NewClient(s.Options())
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// serverPID asks the server for its process id; it tries until a server answers whose id differs from not.
func serverPID(t *testing.T, s *Server, not int) int {
	t.Helper()
	client := connect(t, s)
	pid := 0
	require.Eventually(t, func() bool {
		info, err := client.Info(t.Context(), "server").Result()
		if err != nil {
			return false
		}
		_, rest, _ := strings.Cut(info, "process_id:")
		_, err = fmt.Sscan(rest, &pid)
		return err == nil && pid != not
	}, 10*time.Second, 5*time.Millisecond, "a server other than %d", not)
	return pid
}

// gone reports whether a process has ended. One whose parent was killed may stay for a while as an entry that nobody has read.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return syscall.Kill(pid, 0) == syscall.ESRCH || err == nil && strings.Contains(string(stat), ") Z ")
}

func TestStateSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), ".durango")
	began := time.Now()
	s, _ := start(t, dir)
	t.Logf("the first start took %s", time.Since(began))
	require.True(t, s.Persistent())
	require.NoError(t, connect(t, s).Set(t.Context(), "k", "v", 0).Err())
	config := connect(t, s).ConfigGet(t.Context(), "*").Val()
	require.Equal(t, "yes", config["appendonly"])
	require.Equal(t, "everysec", config["appendfsync"])
	require.Equal(t, "0", config["port"])
	pid := serverPID(t, s, 0)
	began = time.Now()
	require.NoError(t, s.Stop(t.Context()))
	require.True(t, gone(pid))
	t.Logf("the stop took %s", time.Since(began))
	require.NoError(t, s.Stop(t.Context()), "a second stop is no error")

	began = time.Now()
	s, _ = start(t, dir)
	t.Logf("the second start took %s", time.Since(began))
	require.Equal(t, "v", connect(t, s).Get(t.Context(), "k").Val())
	info, err := os.Stat(filepath.Join(dir, "redis", socketName))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestCrashedServerComesBack(t *testing.T) {
	t.Parallel()
	s, j := start(t, t.TempDir())
	require.NoError(t, connect(t, s).Set(t.Context(), "k", "v", 0).Err())
	pid := serverPID(t, s, 0)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	serverPID(t, s, pid)
	require.Equal(t, "v", connect(t, s).Get(t.Context(), "k").Val())
	require.Contains(t, j.String(), "redis-server has ended, starting it again")
}

func TestHostsOnOneFolderShareTheServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, _ := start(t, dir)
	second, j := start(t, dir)
	pid := serverPID(t, first, 0)
	require.Equal(t, pid, serverPID(t, second, 0))
	require.Contains(t, j.String(), "using the redis-server of another host")
	require.NoError(t, connect(t, first).Set(t.Context(), "k", "v", 0).Err())

	require.NoError(t, first.Stop(t.Context()))
	taken := serverPID(t, second, pid)
	require.Equal(t, "v", connect(t, second).Get(t.Context(), "k").Val())

	third, _ := start(t, dir)
	require.Equal(t, taken, serverPID(t, third, 0))
	require.NoError(t, third.Stop(t.Context()))
	require.False(t, gone(taken), "who joined does not stop the server")
}

// startHost runs another host in a process of its own and returns once its server answers.
func startHost(t *testing.T, dir string) *child.Process {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer func() { _ = r.Close() }()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), hostDir+"="+dir)
	cmd.Stdout = w
	host, err := child.Start(cmd, syscall.SIGKILL)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	t.Cleanup(host.Kill)
	line, err := bufio.NewReader(r).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)
	return host
}

func TestServerOfAKilledHost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	host := startHost(t, dir)
	joined, _ := start(t, dir)
	pid := serverPID(t, joined, 0)
	require.NoError(t, connect(t, joined).Set(t.Context(), "k", "v", 0).Err())
	require.NoError(t, joined.Stop(t.Context()))

	host.Kill()
	s, _ := start(t, dir)
	require.NotEqual(t, pid, serverPID(t, s, 0))
	require.True(t, gone(pid))
	require.Equal(t, "v", connect(t, s).Get(t.Context(), "k").Val())
}

func TestHostTakesOverFromAKilledOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	host := startHost(t, dir)
	s, _ := start(t, dir)
	pid := serverPID(t, s, 0)
	require.NoError(t, connect(t, s).Set(t.Context(), "k", "v", 0).Err())
	host.Kill()
	serverPID(t, s, pid)
	require.Equal(t, "v", connect(t, s).Get(t.Context(), "k").Val())
}

// leaveServer starts a server as a killed host leaves it where the system does not end it with its host.
func leaveServer(t *testing.T, dir string) *child.Process {
	t.Helper()
	dir = filepath.Join(dir, "redis")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	lock, err := tryLock(dir, serverLock)
	require.NoError(t, err)
	path, err := exec.LookPath("redis-server")
	require.NoError(t, err)
	cmd := exec.Command(path, "--port", "0", "--unixsocket", socketName, "--appendonly", "yes", "--save", "", "--pidfile", pidName)
	cmd.Dir, cmd.ExtraFiles = dir, []*os.File{lock}
	p, err := child.Start(cmd, syscall.SIGKILL)
	require.NoError(t, err)
	require.NoError(t, lock.Close())
	t.Cleanup(p.Kill)
	require.Eventually(t, func() bool {
		ok, _, err := ready(t.Context(), filepath.Join(dir, socketName))
		return err == nil && ok
	}, 10*time.Second, 5*time.Millisecond)
	return p
}

func TestLeftoverServerIsEnded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	left := leaveServer(t, dir)
	answer, err := ask(t.Context(), filepath.Join(dir, "redis", socketName), "SET k v")
	require.NoError(t, err)
	require.Equal(t, "+OK", answer)
	s, j := start(t, dir)
	<-left.Done()
	require.Equal(t, "v", connect(t, s).Get(t.Context(), "k").Val())
	require.Contains(t, j.String(), "ending the redis-server that a host has left behind")
}

func TestLeftoverServerThatHangsIsKilled(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("the system does not tell what program a process runs")
	}
	dir := t.TempDir()
	left := leaveServer(t, dir)
	left.Signal(syscall.SIGSTOP)
	dir = filepath.Join(dir, "redis")
	p := &private{dir: dir, socket: filepath.Join(dir, socketName), logger: slog.New(slog.DiscardHandler), patience: 300 * time.Millisecond}
	lock, err := p.endLeftover(t.Context())
	require.NoError(t, err)
	require.NoError(t, lock.Close())
	<-left.Done()
}

func TestForeignHolderOfTheLockIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, err := tryLock(dir, serverLock)
	require.NoError(t, err)
	defer func() { _ = lock.Close() }()
	p := &private{dir: dir, socket: filepath.Join(dir, socketName), logger: slog.New(slog.DiscardHandler), patience: time.Millisecond}
	_, err = p.endLeftover(t.Context())
	require.ErrorContains(t, err, "still holds "+filepath.Join(dir, serverLock))
}

func TestStaleSocketAndLocksAreNoObstacle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := start(t, dir)
	require.NoError(t, s.Stop(t.Context()))
	for _, name := range []string{socketName, hostLock, serverLock, pidName} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "redis", name), []byte("4194303"), 0o600))
	}
	s, _ = start(t, dir)
	require.NoError(t, connect(t, s).Ping(t.Context()).Err())
}

func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 20), "it's a \"folder\"", "\u00e4\u00f6\u00fc")
	s, _ := start(t, dir)
	require.NoError(t, connect(t, s).Set(t.Context(), "k", "v", 0).Err())
	link := filepath.Dir(filepath.Dir(s.Options().Addr))
	require.NoError(t, s.Stop(t.Context()))
	require.NoDirExists(t, link)
	s, _ = start(t, dir)
	require.Equal(t, "v", connect(t, s).Get(t.Context(), "k").Val())
	require.FileExists(t, filepath.Join(dir, "redis", "appendonlydir", "appendonly.aof.manifest"))
}

func TestDamagedDataIsNotThrownAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := start(t, dir)
	require.NoError(t, s.Stop(t.Context()))
	manifest := filepath.Join(dir, "redis", "appendonlydir", "appendonly.aof.manifest")
	require.NoError(t, os.WriteFile(manifest, []byte("nonsense\n"), 0o600))
	_, err := Start(t.Context(), Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "exit status 1")
	require.ErrorContains(t, err, "manifest", "the server's own words")
	require.ErrorContains(t, err, "redis-check-aof")
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "redis"), 0o700))
	lock, err := tryLock(filepath.Join(dir, "redis"), hostLock)
	require.NoError(t, err)
	defer func() { _ = lock.Close() }()
	signLock(lock)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = Start(ctx, Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, fmt.Sprintf("process %d", os.Getpid()))
}

func TestWithoutRedisServer(t *testing.T) {
	t.Parallel()
	j := &journal{}
	s, err := Start(t.Context(), Config{Dir: t.TempDir(), Command: "no-such-redis-server", Logger: j.logger()})
	require.NoError(t, err)
	require.False(t, s.Persistent())
	require.Equal(t, 1, strings.Count(j.String(), "\n"))
	require.Contains(t, j.String(), "state will not survive a restart: no-such-redis-server is not on PATH")
	client := connect(t, s)
	require.NoError(t, client.Set(t.Context(), "k", "v", 200*time.Millisecond).Err())
	require.Equal(t, "v", client.Get(t.Context(), "k").Val())
	require.Eventually(t, func() bool { return client.Exists(t.Context(), "k").Val() == 0 }, 5*time.Second, 20*time.Millisecond)
	stranger := redis.NewClient(&redis.Options{Addr: s.Options().Addr})
	defer func() { _ = stranger.Close() }()
	require.ErrorContains(t, stranger.Get(t.Context(), "k").Err(), "NOAUTH")
	require.NoError(t, s.Stop(t.Context()))
	require.NoError(t, s.Stop(t.Context()))
}

func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		s, err := Start(b.Context(), Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(b, err)
		b.StopTimer()
		require.NoError(b, s.Stop(b.Context()))
		b.StartTimer()
	}
}
