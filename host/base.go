package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/durango-functions/durango/internal/redisserver"
)

// Base is what outlives the hosts that a supervisor runs one after the other on one app: the open port, and the embedded Redis of an app
// without an address of Redis.
type Base struct {
	h     *Host // never started
	files []*os.File
	redis *redisserver.Server
}

// OpenBase opens the port as a host with this configuration does, and starts the embedded Redis if the app needs it. ctx bounds that
// only. The errors are those of a host.
func OpenBase(ctx context.Context, cfg Config) (*Base, error) {
	logger := cfg.Logger
	cfg.Logger = slog.New(slog.DiscardHandler) // the hosts say all that is to be said of the configuration
	h, err := New(cfg)
	if err != nil {
		return nil, err
	}
	b := &Base{h: h}
	if err := b.open(ctx, logger); err != nil {
		return nil, errors.Join(err, b.Close(context.WithoutCancel(ctx)))
	}
	return b, nil
}

func (b *Base) open(ctx context.Context, logger *slog.Logger) error {
	if err := b.h.openPort(); err != nil {
		return err
	}
	for _, l := range []net.Listener{b.h.listener, b.h.alsoIPv6} {
		if l == nil {
			continue
		}
		file, err := listenerFile(l)
		if err != nil {
			return fmt.Errorf("preparing the port for the app's program: %w", err)
		}
		b.files = append(b.files, file)
	}
	address, _ := b.h.durable.redisAddress(b.h.first.Lookup)
	if address != "" {
		return nil
	}
	server, err := redisserver.Start(ctx, redisserver.Config{Dir: filepath.Join(b.h.root, stateDir), Logger: logger})
	if err != nil {
		return fmt.Errorf("starting the embedded Redis: %w", err)
	}
	b.redis = server
	return nil
}

// listenerFile copies a listener's file descriptor. That of TCPListener.File would become a blocking one when it is handed to a process,
// and with it the socket that the running host accepts from: the host could not stop.
func listenerFile(l net.Listener) (*os.File, error) {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("the port is a %T", l)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	var file *os.File
	controlErr := raw.Control(func(fd uintptr) {
		syscall.ForkLock.RLock() // no process may start between the two calls
		defer syscall.ForkLock.RUnlock()
		var copied int
		if copied, err = syscall.Dup(int(fd)); err == nil {
			syscall.CloseOnExec(copied)
			file = os.NewFile(uintptr(copied), "port")
		}
	})
	return file, errors.Join(controlErr, err)
}

// Root is the app's folder as an absolute path.
func (b *Base) Root() string { return b.h.root }

// firstInherited is the number that the first of the ExtraFiles of an exec.Cmd gets in the new process.
const firstInherited = 3

// Bequest returns what the command of a host's process needs beside its own: ExtraFiles, and an environment variable that tells of them.
func (b *Base) Bequest(reports, orders *os.File) (files []*os.File, variable string, err error) {
	l := legacy{Reports: firstInherited, Orders: firstInherited + 1}
	files = append([]*os.File{reports, orders}, b.files...)
	for i := range b.files {
		l.Listeners = append(l.Listeners, firstInherited+2+i)
	}
	if b.redis != nil {
		o := b.redis.Options()
		l.Redis = &redisAddress{Network: o.Network, Address: o.Addr, Password: o.Password}
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return nil, "", fmt.Errorf("telling the host what it inherits: %w", err)
	}
	return files, inheritance + "=" + string(raw), nil
}

// Close ends the embedded Redis and closes the port. The hosts should have ended before.
func (b *Base) Close(ctx context.Context) error {
	var errs []error
	if b.redis != nil {
		errs = append(errs, b.redis.Stop(ctx))
	}
	for _, f := range b.files {
		errs = append(errs, f.Close())
	}
	for _, l := range []net.Listener{b.h.listener, b.h.alsoIPv6} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}
