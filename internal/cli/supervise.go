package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/durango-functions/durango/host"
	"github.com/durango-functions/durango/internal/devloop"
	"github.com/durango-functions/durango/internal/redisconn"
)

// supervise builds and runs an app that is a program in Go.
func (p Program) supervise(ctx context.Context, cfg host.Config, module string) error {
	redisconn.LogTo(cfg.Logger)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	code, err := devloop.Run(ctx, devloop.Config{
		Host: cfg, Module: module, Args: p.args, Environ: p.Environ, Stdout: p.Stdout, Stderr: p.Stderr, Logger: cfg.Logger, Signals: signals,
	})
	if err == nil && code != exitOK {
		err = &exitError{code}
	}
	return err
}

// orders takes the orders of the supervisor, if there is one. retire is closed when the host is to make room for the next build; the end of the
// supervisor counts as a signal. The orders end with the returned function.
func orders(inherited *host.Inherited, h *host.Host, signals chan<- os.Signal) (retire <-chan struct{}, end func()) {
	asked := make(chan struct{})
	if inherited == nil {
		return asked, func() {}
	}
	var once sync.Once
	var reading sync.WaitGroup
	reading.Go(func() {
		inherited.Orders(func(word string) {
			switch word {
			case host.WordRetire:
				once.Do(func() { close(asked) })
			case host.WordLook:
				h.LookForPartitions()
			}
		})
		select {
		case signals <- syscall.SIGTERM:
		default: // enough have come
		}
	})
	return asked, func() {
		_ = inherited.Close() // the process ends, and they with it
		reading.Wait()
	}
}

// retire ends a host whose place another one has taken. What has begun may take its time, until a signal comes.
func (p Program) retire(h *host.Host, cfg host.Config, signals <-chan os.Signal) error {
	cfg.Logger.Debug("another build has taken over: this one finishes what it has begun")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- h.Retire(ctx, func() { cfg.Inherited.Report(host.WordLeft) }) }()
	select {
	case err := <-done:
		return err
	case <-signals:
	}
	defer time.AfterFunc(stopPatience, cancel).Stop()
	return p.secondSignal(signals, func() error { return <-done })
}
