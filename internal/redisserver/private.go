package redisserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/durango-functions/durango/internal/redisserver/child"
)

const (
	socketName = "redis.sock"
	// maxSocketPath is the longest path of a unix socket that works everywhere (104 bytes with the final zero on BSDs, 108 on Linux).
	maxSocketPath = 103
	// attachTimeout is how long a start waits for another host that is just starting or stopping on the same folder.
	attachTimeout = 10 * time.Second
)

// private is a host's side of a redis-server in a folder: the host owns the server or has joined another host's.
type private struct {
	path   string // of the program
	dir    string // absolute
	socket string // short enough to connect to
	logger *slog.Logger
	// patience is leftoverTimeout, but for tests.
	patience time.Duration

	// Owned by Start, then by the supervise goroutine, then by Stop.
	lock    *os.File       // host.lock while this host owns the server
	process *child.Process // while this host owns the server
	output  *output        // of process
	other   net.Conn       // to the other host's server while joined; it is never written to, and its end tells of the server's

	cancel context.CancelFunc
	done   sync.WaitGroup
	once   sync.Once
	err    error // of the first Stop
}

func startPrivate(ctx context.Context, path, dir string, logger *slog.Logger) (*Server, error) {
	socket, removeLink, err := shortSocket(dir)
	if err != nil {
		return nil, err
	}
	p := &private{path: path, dir: dir, socket: socket, logger: logger, patience: leftoverTimeout}
	if err := p.attach(ctx); err != nil {
		p.release()
		removeLink()
		return nil, err
	}
	ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	p.done.Go(func() { p.supervise(ctx) })
	return &Server{
		options:    optionsFor("unix", socket, ""),
		persistent: true,
		stop: func(ctx context.Context) error {
			p.once.Do(func() {
				p.err = p.stop(ctx)
				removeLink()
			})
			return p.err
		},
	}, nil
}

// shortSocket returns a path to dir's socket that a client can connect to, through a link in the folder for temporary files if dir's
// own path is too long.
func shortSocket(dir string) (socket string, remove func(), err error) {
	socket = filepath.Join(dir, socketName)
	if len(socket) <= maxSocketPath {
		return socket, func() {}, nil
	}
	short, err := os.MkdirTemp("", "durango-")
	if err != nil {
		return "", nil, fmt.Errorf("making a short path to the socket of redis-server: %w", err)
	}
	remove = func() { _ = os.RemoveAll(short) } // does not follow the link
	socket = filepath.Join(short, "r", socketName)
	if len(socket) > maxSocketPath {
		remove()
		return "", nil, fmt.Errorf("the path %s is longer than the %d bytes that a unix socket may have: set TMPDIR to a shorter path", socket, maxSocketPath)
	}
	if err := os.Symlink(dir, filepath.Join(short, "r")); err != nil {
		remove()
		return "", nil, fmt.Errorf("making a short path to the socket of redis-server: %w", err)
	}
	return socket, remove, nil
}

// attach becomes the owner of the folder and starts the server, or joins the server of the owner.
func (p *private) attach(ctx context.Context) error {
	begin := time.Now()
	for {
		lock, err := tryLock(p.dir, hostLock)
		if err == nil {
			p.lock = lock
			signLock(lock)
			return p.own(ctx)
		}
		if !errors.Is(err, errHeld) {
			return err
		}
		loading, joinErr := p.join(ctx)
		if joinErr == nil {
			return nil
		}
		if !loading && time.Since(begin) > attachTimeout {
			return fmt.Errorf("another host (process %d) uses %s, but its redis-server does not answer: %w", readPID(p.dir, hostLock), p.dir, joinErr)
		}
		if !pause(ctx, 10*time.Millisecond) {
			return fmt.Errorf("waiting for the redis-server of another host (process %d) in %s: %w", readPID(p.dir, hostLock), p.dir, ctx.Err())
		}
	}
}

// join connects to the server of the host that owns the folder.
func (p *private) join(ctx context.Context) (loading bool, err error) {
	ok, loading, err := ready(ctx, p.socket)
	if err != nil {
		return false, err
	}
	if !ok {
		return loading, errors.New("it is loading its data")
	}
	var dialer net.Dialer
	if p.other, err = dialer.DialContext(ctx, "unix", p.socket); err != nil {
		return false, err
	}
	p.logger.Info("using the redis-server of another host on the same folder", "dir", p.dir, "pid", readPID(p.dir, hostLock))
	return false, nil
}

// supervise brings the server back when it ends: a crash of an own one, or the end of another host's.
func (p *private) supervise(ctx context.Context) {
	delay := time.Duration(0)
	for {
		began := time.Now()
		if !p.awaitEnd(ctx) {
			return
		}
		if time.Since(began) > 10*time.Second {
			delay = 0
		}
		for {
			if !pause(ctx, delay) {
				return
			}
			delay = min(max(2*delay, 50*time.Millisecond), 5*time.Second)
			err := p.attach(ctx)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return
			}
			p.logger.Error("redis-server cannot be started again, trying on", "error", err, "retry_in", delay)
			p.release()
		}
	}
}

// awaitEnd waits until the server has ended and cleans up after it. It returns false when ctx ended first.
func (p *private) awaitEnd(ctx context.Context) bool {
	if p.process != nil {
		select {
		case <-ctx.Done():
			return false
		case <-p.process.Done():
		}
		p.logger.Error("redis-server has ended, starting it again", "error", endOf(p.process), "output", p.output.String())
		p.release()
		return true
	}
	unblock := context.AfterFunc(ctx, func() { _ = p.other.SetReadDeadline(time.Unix(1, 0)) })
	defer unblock()
	_, _ = p.other.Read(make([]byte, 1)) // the server says nothing unasked: this returns at its end
	if ctx.Err() != nil {
		return false
	}
	p.release()
	return true
}

// release gives up what attach took, without regard for a running process, which then must have ended.
func (p *private) release() {
	if p.other != nil {
		_ = p.other.Close()
		p.other = nil
	}
	if p.process != nil {
		p.process.Kill()
		p.process = nil
	}
	if p.lock != nil {
		_ = p.lock.Close()
		p.lock = nil
	}
}

// stop ends supervision and, if it is ours, the server.
func (p *private) stop(ctx context.Context) error {
	p.cancel()
	p.done.Wait()
	defer p.release()
	if p.process == nil {
		return nil
	}
	return p.shutDown(ctx)
}
