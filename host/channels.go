package host

import (
	"context"
	"errors"
	"sync"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
	"github.com/durango-functions/durango/worker/gofunc"
)

// mixedChannel runs the functions of an app whose program has handlers in Go: these in this process, the others in worker processes.
type mixedChannel struct {
	goCode *gofunc.Channel
	others channel
}

func (c *mixedChannel) of(fn *functions.Function) worker.Channel {
	if fn.Language == functions.Go {
		return c.goCode
	}
	return c.others
}

// Start implements channel. It is not called for an app that has functions in Go only.
func (c *mixedChannel) Start(ctx context.Context) error { return c.others.Start(ctx) }

// Index implements indexer.
func (c *mixedChannel) Index() *worker.Index {
	if source, ok := c.others.(indexer); ok {
		return source.Index()
	}
	return &worker.Index{}
}

// Stop implements channel.
func (c *mixedChannel) Stop(ctx context.Context) error {
	var goErr error
	var wg sync.WaitGroup
	wg.Go(func() { goErr = c.goCode.Stop(ctx) })
	err := c.others.Stop(ctx)
	wg.Wait()
	return errors.Join(goErr, err)
}

// Load implements worker.Channel.
func (c *mixedChannel) Load(ctx context.Context, fn *functions.Function) error {
	return c.of(fn).Load(ctx, fn)
}

// Invoke implements worker.Channel.
func (c *mixedChannel) Invoke(ctx context.Context, inv *worker.Invocation) (*worker.Result, error) {
	return c.of(inv.Function).Invoke(ctx, inv)
}

// Recycle implements recycler.
func (c *mixedChannel) Recycle(reason string) {
	if r, ok := c.others.(recycler); ok {
		r.Recycle(reason)
	}
}

var (
	_ channel  = (*mixedChannel)(nil)
	_ recycler = (*mixedChannel)(nil)
	_ indexer  = (*mixedChannel)(nil)
)
