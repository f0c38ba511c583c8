// Package redisserver runs a redis-server for one measurement alone, and reads from it what was done to it.
package redisserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/bench/engine"
)

// Server is a private redis-server on a free port of the loopback interface.
type Server struct {
	Addr   string
	dir    string
	cmd    *exec.Cmd
	client *redis.Client
}

// Start starts a server with an empty data set in a folder of its own below dir.
func Start(ctx context.Context, dir string, d engine.Durability) (*Server, error) {
	// Between our asking for a free port and the server's taking it, another program may be given the same one.
	var err error
	for range 3 {
		var s *Server
		if s, err = start(ctx, dir, d); err == nil {
			return s, nil
		}
	}
	return nil, err
}

func start(ctx context.Context, dir string, d engine.Durability) (*Server, error) {
	dir, err := os.MkdirTemp(dir, "redis-")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: "127.0.0.1:" + strconv.Itoa(port), dir: dir}
	log := filepath.Join(dir, "redis.log")
	args := []string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--logfile", log}
	if d == engine.Off {
		args = append(args, "--appendonly", "no")
	} else {
		args = append(args, "--appendonly", "yes", "--appendfsync", string(d))
	}
	s.cmd = exec.Command("redis-server", args...)
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting redis-server: %w", err)
	}
	s.client = redis.NewClient(&redis.Options{Addr: s.Addr, PoolSize: 1})
	err = Poll(ctx, 10*time.Second, func() error { return s.isOurs(ctx) })
	if err != nil {
		text, _ := os.ReadFile(log)
		s.Stop()
		return nil, fmt.Errorf("redis-server does not answer: %w\n%s", err, text)
	}
	return s, nil
}

// isOurs checks that the server that answers is the process that we started.
func (s *Server) isOurs(ctx context.Context) error {
	info, err := s.client.InfoMap(ctx, "server").Result()
	if err != nil {
		return err
	}
	if pid := info["Server"]["process_id"]; pid != strconv.Itoa(s.cmd.Process.Pid) {
		return errors.New("another server has taken the port")
	}
	return nil
}

// Stop ends the server and deletes its data.
func (s *Server) Stop() {
	_ = s.client.Close()
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	_ = os.RemoveAll(s.dir)
}

// Version is what the installed redis-server says of itself.
func Version() (string, error) {
	out, err := exec.Command("redis-server", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("asking redis-server for its version: %w", err)
	}
	_, rest, _ := strings.Cut(string(out), "v=")
	version, _, _ := strings.Cut(rest, " ")
	return version, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Poll tries until it works or the limit is over.
func Poll(ctx context.Context, limit time.Duration, try func() error) error {
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
