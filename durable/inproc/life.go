package inproc

import (
	"cmp"
	"context"
	"sync"
)

// life is the context of an orchestrator. Most orchestrators do not ask for it, so it is made when one does.
type life struct {
	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelCauseFunc
	cause  error // nil: it has not ended
}

func (l *life) context() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx == nil {
		l.ctx, l.cancel = context.WithCancelCause(context.Background())
		if l.cause != nil {
			l.cancel(l.cause)
		}
	}
	return l.ctx
}

// end ends the context. The first cause counts; nil is context.Canceled.
func (l *life) end(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause != nil {
		return
	}
	l.cause = cmp.Or(cause, context.Canceled)
	if l.cancel != nil {
		l.cancel(l.cause)
	}
}
