package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisServer is a redis-server for this run alone, with the durability of a careful default: an append-only file, synced each second.
type redisServer struct {
	port   int
	cmd    *exec.Cmd
	client *redis.Client
}

func startRedis(ctx context.Context, dir string) (*redisServer, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	r := &redisServer{port: port}
	r.cmd = exec.Command("redis-server", "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "",
		"--appendonly", "yes", "--appendfsync", "everysec", "--logfile", filepath.Join(dir, "redis.log"))
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting redis-server: %w", err)
	}
	r.client = redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + strconv.Itoa(port)})
	if err := poll(ctx, 10*time.Second, func() error { return r.client.Ping(ctx).Err() }); err != nil {
		r.stop()
		return nil, fmt.Errorf("redis-server does not answer: %w", err)
	}
	return r, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (r *redisServer) url() string { return "redis://127.0.0.1:" + strconv.Itoa(r.port) }

func (r *redisServer) stop() {
	_ = r.client.Close()
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// stats are counters of the server.
type stats struct {
	// commands counts what clients sent; what scripts call is apart, in calls.
	commands int64
	// reads counts how often the server read from a connection: a pipeline or a script is one, so that it stands for round trips.
	reads             int64
	bytesIn, bytesOut int64
	calls             map[string]int64
}

func (r *redisServer) stats(ctx context.Context) (*stats, error) {
	info, err := r.client.Info(ctx, "stats", "commandstats").Result()
	if err != nil {
		return nil, err
	}
	s := &stats{calls: map[string]int64{}}
	counters := map[string]*int64{
		"total_commands_processed": &s.commands, "total_reads_processed": &s.reads,
		"total_net_input_bytes": &s.bytesIn, "total_net_output_bytes": &s.bytesOut,
	}
	for line := range strings.SplitSeq(info, "\r\n") {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		if counter := counters[key]; counter != nil {
			if *counter, err = strconv.ParseInt(value, 10, 64); err != nil {
				return nil, fmt.Errorf("INFO %s: %w", key, err)
			}
		}
		if command, ok := strings.CutPrefix(key, "cmdstat_"); ok {
			calls, _, _ := strings.Cut(strings.TrimPrefix(value, "calls="), ",")
			if s.calls[command], err = strconv.ParseInt(calls, 10, 64); err != nil {
				return nil, fmt.Errorf("INFO %s: %w", key, err)
			}
		}
	}
	if s.reads == 0 {
		return nil, errors.New("INFO stats has no total_reads_processed: Redis 7.0 or newer is needed to count round trips")
	}
	return s, nil
}

// since is the difference to earlier counters, without our own INFO.
func (s *stats) since(before *stats) *stats {
	d := &stats{
		commands: s.commands - before.commands - 1, reads: s.reads - before.reads - 1,
		bytesIn: s.bytesIn - before.bytesIn, bytesOut: s.bytesOut - before.bytesOut, calls: map[string]int64{},
	}
	for command, n := range s.calls {
		if n -= before.calls[command]; n > 0 && command != "info" {
			d.calls[command] = n
		}
	}
	return d
}

// poll tries until it works or the limit is over.
func poll(ctx context.Context, limit time.Duration, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}
