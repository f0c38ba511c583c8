package redisserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/durango-functions/durango/internal/redisserver/child"
)

const pidName = "redis.pid"

const (
	// leftoverTimeout is how long the server of a killed host may take to end in order, and once more after a SIGKILL.
	leftoverTimeout = 10 * time.Second
	// slowStart is after what time of loading a start says that it waits.
	slowStart = 2 * time.Second
)

// own starts the server in a folder whose host.lock we hold.
func (p *private) own(ctx context.Context) error {
	lock, err := p.endLeftover(ctx)
	if err != nil {
		return err
	}
	// The server inherits the lock; our copy goes, so that the lock says whether the server lives and not whether we do.
	defer func() { _ = lock.Close() }()
	if err := os.Remove(filepath.Join(p.dir, socketName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the socket of an earlier redis-server: %w", err)
	}
	cmd := exec.Command(p.path, "--port", "0", "--unixsocket", socketName, "--unixsocketperm", "700", "--pidfile", pidName,
		"--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--loglevel", "warning")
	p.output = &output{logger: p.logger}
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = p.dir, p.output, p.output, []*os.File{lock}
	began := time.Now()
	if p.process, err = child.Start(cmd, syscall.SIGTERM); err != nil {
		return fmt.Errorf("starting %s: %w", p.path, err)
	}
	if err := p.awaitReady(ctx); err != nil {
		return err
	}
	p.logger.Debug("redis-server runs", "dir", p.dir, "pid", p.process.PID(), "took", time.Since(began))
	return nil
}

// awaitReady waits until the server has its data in memory. Loading may take long and is not bounded, but for ctx.
func (p *private) awaitReady(ctx context.Context) error {
	began, said := time.Now(), false
	wait := time.Millisecond
	var err error
	for {
		var ok bool
		if ok, _, err = ready(ctx, p.socket); ok {
			return nil
		}
		if !said && time.Since(began) > slowStart {
			said = true
			p.logger.Info("redis-server is loading its data", "dir", p.dir)
		}
		t := time.NewTimer(wait)
		select {
		case <-p.process.Done():
			t.Stop()
			return fmt.Errorf("redis-server in %s ended at its start (%w): %s; if its data is damaged, repair it with redis-check-aof or move the folder away to start empty",
				p.dir, endOf(p.process), p.output)
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("redis-server in %s did not become ready in time: %w", p.dir, errors.Join(ctx.Err(), err))
		case <-t.C:
		}
		wait = min(wait*3/2+time.Microsecond, 20*time.Millisecond)
	}
}

// endOf tells how a process ended.
func endOf(p *child.Process) error {
	return cmp.Or(p.Err(), errors.New("exit status 0"))
}

// endLeftover ends the server that a killed host has left behind, so that never two write the same files, and takes server.lock.
func (p *private) endLeftover(ctx context.Context) (*os.File, error) {
	lock, err := tryLock(p.dir, serverLock)
	if !errors.Is(err, errHeld) {
		return lock, err
	}
	p.logger.Info("ending the redis-server that a host has left behind", "dir", p.dir, "pid", readPID(p.dir, pidName))
	deadline, asked, killed := time.Now().Add(p.patience), time.Time{}, false
	for {
		if !killed && time.Since(asked) > askTimeout {
			// An error is expected: the server closes the connection instead of answering, or is ending already.
			_, _ = ask(ctx, p.socket, "SHUTDOWN NOSAVE")
			asked = time.Now()
		}
		if lock, err = tryLock(p.dir, serverLock); !errors.Is(err, errHeld) {
			return lock, err
		}
		if time.Now().After(deadline) {
			pid := readPID(p.dir, pidName)
			if killed || !isRedis(pid) {
				return nil, fmt.Errorf("a process (perhaps %d) still holds %s and does not end: end it, or use another folder", pid, filepath.Join(p.dir, serverLock))
			}
			p.logger.Warn("killing the redis-server that does not end", "dir", p.dir, "pid", pid)
			_ = syscall.Kill(pid, syscall.SIGKILL)
			killed, deadline = true, time.Now().Add(p.patience)
		}
		if !pause(ctx, 5*time.Millisecond) {
			return nil, fmt.Errorf("waiting for the end of an earlier redis-server in %s: %w", p.dir, ctx.Err())
		}
	}
}

// isRedis makes as sure as the system allows that pid is still a redis-server, for the number may have been given to another process.
func isRedis(pid int) bool {
	if pid == 0 {
		return false
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.Contains(string(line), "redis-server")
}

// shutDown ends our server: SHUTDOWN writes out the append-only file. When ctx ends first it is killed.
func (p *private) shutDown(ctx context.Context) error {
	if _, err := ask(ctx, p.socket, "SHUTDOWN NOSAVE"); err != nil {
		p.process.Signal(syscall.SIGTERM) // does no harm to a server that is already ending
	}
	select {
	case <-p.process.Done():
		return nil
	case <-ctx.Done():
		p.process.Kill()
		return fmt.Errorf("redis-server in %s did not end in time and was killed: %w", p.dir, ctx.Err())
	}
}

// output logs a server's lines and keeps the last ones for errors.
type output struct {
	logger *slog.Logger

	mu      sync.Mutex
	partial string
	last    []string
}

// maxOutput is how many lines, and maxLine how many bytes of one line, are kept.
const (
	maxOutput = 12
	maxLine   = 4096
)

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := o.partial + string(b)
	for {
		line, rest, found := strings.Cut(text, "\n")
		if !found {
			o.partial = text[:min(len(text), maxLine)]
			return len(b), nil
		}
		text = rest
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		o.logger.Debug("redis-server: " + line)
		if o.last = append(o.last, line); len(o.last) > maxOutput {
			o.last = o.last[1:]
		}
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(append(o.last[:len(o.last):len(o.last)], o.partial), "\n")
}
