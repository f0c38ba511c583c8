// Package redisserver runs the Redis of a host that was given no Redis address: a private redis-server with an append-only file, or,
// where there is no redis-server, one in memory that forgets everything.
//
// A private server listens on a unix socket only, in the app's own folder. It is not touched by a Ctrl-C in the terminal and ends
// after the host, in order; when the host is killed it ends by itself (Linux) or is ended by the next host. Hosts on one folder share
// the server: the first one starts it, the others join, and when the first one leaves, one of them starts the server again on the same
// data.
//
// Two lock files in the folder keep this apart, both released by the kernel when their holders end, however they end:
//
//	host.lock    held by the host that owns the server
//	server.lock  held by the redis-server itself, which inherits it: free means that no server writes these files
package redisserver

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Config says where the server keeps its data.
type Config struct {
	// Dir is the app's own folder for state, ".durango" by default. The server uses its subfolder "redis".
	Dir string
	// Command is the server program: a name that is searched on PATH, or a path. Default "redis-server".
	Command string
	// Logger takes the server's lines (debug) and what happens to it. Default slog.Default().
	Logger *slog.Logger
}

// Server is a running Redis of the host's own.
type Server struct {
	options    *redis.Options
	persistent bool
	stop       func(ctx context.Context) error
}

// Start starts the server, or joins the one that another host runs on the same folder, and returns once it answers. ctx bounds the
// start only. It is an error if redis-server is there but does not run; only its absence leads to a server in memory.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Dir == "" {
		cfg.Dir = ".durango"
	}
	if cfg.Command == "" {
		cfg.Command = "redis-server"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	path, err := exec.LookPath(cfg.Command)
	if err != nil {
		return startMemory(cfg)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("finding %s: %w", cfg.Command, err)
	}
	dir, err := filepath.Abs(filepath.Join(cfg.Dir, "redis"))
	if err != nil {
		return nil, fmt.Errorf("finding the folder for redis-server's data: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for redis-server's data: %w", err)
	}
	return startPrivate(ctx, path, dir, cfg.Logger)
}

// Options returns options to connect with, a fresh copy each time. They stay valid when the server is restarted.
func (s *Server) Options() *redis.Options {
	o := *s.options
	return &o
}

// Persistent reports whether the server's data survives a restart of the host.
func (s *Server) Persistent() bool { return s.persistent }

// Stop ends the server in order, unless it belongs to another host, and waits for its end. When ctx ends first, it is killed, which
// loses nothing but the last second of an operating system that fails with it. Clients should be closed before. It may be called twice.
func (s *Server) Stop(ctx context.Context) error { return s.stop(ctx) }

// optionsFor returns the options common to all our servers.
func optionsFor(network, addr, password string) *redis.Options {
	return &redis.Options{
		Network: network, Addr: addr, Password: password,
		ContextTimeoutEnabled: true, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}
