package e2e

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// redisServer is a private redis-server.
type redisServer struct {
	t    testing.TB
	URL  string
	port int
	dir  string
	cmd  *exec.Cmd
	log  *log
	sync string // appendfsync
}

// startRedis starts a redis-server on a port of its own that keeps its data, in a folder of the test, over restarts. Its appendfsync is everysec unless told: when
// the disk is slow, such a server does not write what it acknowledges for up to two seconds, and loses it when it is killed.
func startRedis(t testing.TB, appendfsync ...string) *redisServer {
	t.Helper()
	r := &redisServer{t: t, port: freePort(t), dir: t.TempDir(), log: &log{}, sync: append(appendfsync, "everysec")[0]}
	r.URL = fmt.Sprintf("redis://127.0.0.1:%d", r.port)
	r.start()
	t.Cleanup(func() {
		r.kill()
		if t.Failed() {
			t.Logf("log of redis-server:\n%s", tail(r.log.String(), 4000))
		}
	})
	return r
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (r *redisServer) start() {
	r.t.Helper()
	r.cmd = exec.Command("redis-server", "--port", strconv.Itoa(r.port), "--bind", "127.0.0.1", "--dir", r.dir,
		"--save", "", "--appendonly", "yes", "--appendfsync", r.sync, "--loglevel", "warning")
	r.cmd.Stdout, r.cmd.Stderr = r.log, r.log
	require.NoError(r.t, r.cmd.Start(), "redis-server is needed: install the package redis-server, or run make test")
	client := r.client()
	defer client.Close()
	eventually(r.t, "redis-server answering", func() (bool, any) {
		err := client.Ping(context.Background()).Err()
		return err == nil, fmt.Sprint(err, r.log)
	})
}

// kill ends the server at once. What it has answered stays: the append-only file is written before each answer.
func (r *redisServer) kill() {
	if r.cmd != nil {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
		r.cmd = nil
	}
}

func (r *redisServer) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", r.port), MaxRetries: -1})
}

// commands returns how many commands the server has processed.
func (r *redisServer) commands() int {
	r.t.Helper()
	client := r.client()
	defer client.Close()
	info, err := client.Info(context.Background(), "stats").Result()
	require.NoError(r.t, err)
	for line := range strings.SplitSeq(info, "\r\n") {
		if value, ok := strings.CutPrefix(line, "total_commands_processed:"); ok {
			n, err := strconv.Atoi(value)
			require.NoError(r.t, err)
			return n
		}
	}
	require.FailNow(r.t, "INFO stats has no total_commands_processed", info)
	return 0
}
