package taskhub

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/durable"
)

// watcher tells those who wait for an instance when its status changes. One subscription serves them all; it is made when somebody
// first waits. Its goroutine ends with close.
type watcher struct {
	hub *Hub

	mu      sync.Mutex
	waiters map[string]map[*waiter]struct{}
	pubsub  *redis.PubSub
	client  redis.UniversalClient
	ready   chan struct{} // closed once the subscription stands
	done    chan struct{} // closed when the goroutine has ended
	closed  bool
}

// waiter is one call of Wait. changed holds at most one token: a change that is not yet looked at covers those after it.
type waiter struct {
	until   func(durable.RuntimeStatus) bool
	changed chan struct{}
}

func newWatcher(h *Hub) *watcher {
	return &watcher{hub: h, waiters: map[string]map[*waiter]struct{}{}}
}

// Wait returns the first status for which until answers true. Between its first look and the end it only listens.
func (h *Hub) Wait(ctx context.Context, id string, until func(durable.RuntimeStatus) bool) (*durable.Status, error) {
	w := &waiter{until: until, changed: make(chan struct{}, 1)}
	leave, err := h.watch.enter(ctx, id, w)
	if err != nil {
		return nil, fmt.Errorf("waiting for instance %q: %w", id, err)
	}
	defer leave()
	for {
		st, err := h.Status(ctx, id, durable.StatusOptions{})
		if err != nil {
			return nil, err
		}
		if until(st.RuntimeStatus) {
			return st, nil
		}
		select {
		case <-w.changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for instance %q: %w", id, context.Cause(ctx))
		}
	}
}

// enter registers a waiter and returns once changes from now on reach it.
func (w *watcher) enter(ctx context.Context, id string, one *waiter) (leave func(), err error) {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil, errors.New("the task hub is closed")
	}
	if w.pubsub == nil {
		w.client = w.hub.cfg.Dial()
		w.pubsub = w.client.Subscribe(context.WithoutCancel(ctx), w.hub.channel())
		w.ready, w.done = make(chan struct{}), make(chan struct{})
		go w.listen(w.pubsub)
	}
	ready := w.ready
	if w.waiters[id] == nil {
		w.waiters[id] = map[*waiter]struct{}{}
	}
	w.waiters[id][one] = struct{}{}
	w.mu.Unlock()
	leave = func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waiters[id], one)
		if len(w.waiters[id]) == 0 {
			delete(w.waiters, id)
		}
	}
	select {
	case <-ready:
		return leave, nil
	case <-ctx.Done():
		leave()
		return nil, context.Cause(ctx)
	}
}

// listen passes changes on. After each (new) subscription everybody looks once, because changes in between were not heard.
func (w *watcher) listen(ps *redis.PubSub) {
	defer close(w.done)
	first := true
	for m := range ps.ChannelWithSubscriptions() {
		switch m := m.(type) {
		case *redis.Subscription:
			if first {
				first = false
				close(w.ready)
			}
			w.wakeAll()
		case *redis.Message:
			status, id, ok := strings.Cut(m.Payload, " ")
			if ok {
				w.wake(id, status)
			}
		}
	}
}

// wake wakes those who wait for the instance and for this status; "-" (purged) wakes all.
func (w *watcher) wake(id, status string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := strconv.Atoi(status)
	for one := range w.waiters[id] {
		if err != nil || one.until(durable.RuntimeStatus(n)) {
			one.wake()
		}
	}
}

func (w *watcher) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ones := range w.waiters {
		for one := range ones {
			one.wake()
		}
	}
}

func (one *waiter) wake() {
	select {
	case one.changed <- struct{}{}:
	default:
	}
}

func (w *watcher) close() error {
	w.mu.Lock()
	if w.closed || w.pubsub == nil {
		w.closed = true
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	done := w.done
	err := errors.Join(w.pubsub.Close(), w.client.Close())
	w.mu.Unlock()
	<-done
	return err
}
