package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/durango-functions/durango/worker"
)

// invoke runs an invocation of a function that is loaded in this process.
func (p *process) invoke(ctx context.Context, fn *loaded, inv *worker.Invocation) (*worker.Result, error) {
	if live := liveOf(inv); live != nil {
		return p.stream(ctx, fn, inv, live)
	}
	if fn.fn.Stream && len(inv.Inputs) > 0 && inv.Inputs[0].Value.Request != nil {
		return p.streamByHand(ctx, fn, inv)
	}
	for {
		result, err := p.call(ctx, fn, inv, func() {})
		if !errors.Is(err, errForgotten) { // else it gets the whole history now
			return result, err
		}
	}
}

// call sends an invocation to the process, calls sent, and waits for the answer.
func (p *process) call(ctx context.Context, fn *loaded, inv *worker.Invocation, sent func()) (*worker.Result, error) {
	c := &call{function: fn.fn.Name, episode: episodeOf(inv), answer: make(chan answer, 1)}
	id, kept, err := p.register(c)
	if err != nil {
		return nil, err
	}
	f, err := invokeFrame(id, fn.id, inv, kept)
	if err == nil {
		err = p.post(ctx, f)
	}
	if err != nil {
		p.forget(id, false)
		return nil, err
	}
	sent()
	select {
	case a := <-c.answer:
		return a.result, a.err
	case <-ctx.Done():
		p.forget(id, true)
		return nil, ctx.Err()
	}
}

// register notes a call. kept is what the process has of its history.
func (p *process) register(c *call) (id uint64, kept *keptHistory, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.draining || p.crash != nil {
		return 0, nil, errNotSent
	}
	p.nextID++
	p.calls[p.nextID] = c
	if c.episode != nil {
		kept = p.kept[c.episode.Generation]
	}
	return p.nextID, kept, nil
}

// forget drops a call whose caller does not wait any more; wasSent says that the function may go on running.
func (p *process) forget(id uint64, wasSent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.calls[id]; c != nil && wasSent {
		p.abandoned[id] = c.function
	}
	delete(p.calls, id)
	p.checkIdle()
}

func (p *process) finishCall(id uint64, a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.abandoned, id)
	for _, generation := range a.gone {
		delete(p.kept, generation)
	}
	if c := p.calls[id]; c != nil {
		delete(p.calls, id)
		if c.episode != nil {
			p.noteKept(c.episode, a.kept)
		}
		c.answer <- a
	}
	p.checkIdle()
}

// checkIdle closes idle when the process drains and nothing is left. p.mu is held.
func (p *process) checkIdle() {
	if p.draining && len(p.calls) == 0 {
		select {
		case <-p.idle:
		default:
			close(p.idle)
		}
	}
}

// drain takes no more invocations and waits for those that run, until ctx ends or the process does.
func (p *process) drain(ctx context.Context) {
	p.mu.Lock()
	p.draining = true
	p.checkIdle()
	p.mu.Unlock()
	if f, err := newFrame(frameDrain, struct{}{}); err == nil {
		select {
		case p.send <- f:
		default: // it matters to debuggers only
		}
	}
	select {
	case <-p.idle:
	case <-p.exited:
	case <-ctx.Done():
	}
}

// isEnding reports whether the process takes no more invocations.
func (p *process) isEnding() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.draining || p.crash != nil {
		return true
	}
	select {
	case <-p.dying:
		return true
	default:
		return false
	}
}

// busy returns the number of invocations that the process works on, those that were given up included.
func (p *process) busy() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.calls) + len(p.abandoned)
}

// hasAbandoned reports whether a function runs whose caller has given it up.
func (p *process) hasAbandoned() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.abandoned) > 0
}

// load has the process load a function, once, and waits for the outcome.
func (p *process) load(ctx context.Context, fn *loaded) error {
	p.mu.Lock()
	if p.crash != nil {
		p.mu.Unlock()
		return p.crash
	}
	l := p.loads[fn.id]
	isFirst := l == nil
	if isFirst {
		l = &load{fn: fn, done: make(chan struct{})}
		p.loads[fn.id] = l
	}
	p.mu.Unlock()
	if isFirst {
		p.sendLoad(l)
	}
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sendLoad puts l in line. A load that is begun is not given up, since others may wait for it as well.
func (p *process) sendLoad(l *load) {
	p.loadOrder.Lock()
	defer p.loadOrder.Unlock()
	p.mu.Lock()
	if p.crash == nil {
		p.loading = append(p.loading, l)
		if len(p.loading) == 1 {
			p.watchLoad()
		}
	}
	p.mu.Unlock()
	select {
	case p.send <- l.fn.frame:
	case <-p.dying: // finish has failed l, or will
	}
}

// watchLoad gives the load that is now first in line its time. p.mu is held.
func (p *process) watchLoad() {
	if p.loadTimer != nil {
		p.loadTimer.Stop()
	}
	if len(p.loading) == 0 || p.cfg.debugged() {
		return
	}
	p.loadTimer = time.AfterFunc(p.cfg.LoadTimeout, func() {
		p.kill(fmt.Sprintf("it took longer than %v to load a function", p.cfg.LoadTimeout))
	})
}

func (p *process) finishLoad(h loadedHeader, f *frame) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.loads[h.ID]
	i := slices.Index(p.loading, l)
	if l == nil || i < 0 {
		return fmt.Errorf("function number %d was loaded without being asked for", h.ID)
	}
	p.loading = slices.Delete(p.loading, i, i+1)
	p.watchLoad()
	if !h.OK {
		message, stack := f.texts()
		l.err = &worker.LoadError{Function: l.fn.fn.Name, Message: message, Stack: stack}
	}
	close(l.done)
	return nil
}

// culprit returns the function that was being loaded when the process ended, or nil when something else may have ended it.
func (p *process) culprit() *loaded {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.loading) == 0 || p.nextID > 0 {
		return nil
	}
	return p.loading[0].fn
}

// finish gives everybody who waits for the process the reason of its end.
func (p *process) finish(state *os.ProcessState, waitErr error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.crash = &worker.CrashError{Reason: p.describeEnd(state, waitErr)}
	for _, timer := range []*time.Timer{p.loadTimer, p.endTimer} {
		if timer != nil {
			timer.Stop()
		}
	}
	for id, c := range p.calls {
		delete(p.calls, id)
		c.answer <- answer{err: p.crash}
	}
	p.checkIdle()
	for _, l := range p.loads {
		select {
		case <-l.done:
		default:
			l.err = p.crash
			close(l.done)
		}
	}
}

// describeEnd tells how the process ended, what ran in it, and what it said last. p.mu is held.
func (p *process) describeEnd(state *os.ProcessState, waitErr error) string {
	var b strings.Builder
	status, ok := syscall.WaitStatus(0), false
	if state != nil {
		status, ok = state.Sys().(syscall.WaitStatus)
	}
	switch {
	case p.reason != "":
		b.WriteString(p.reason)
	case waitErr != nil:
		fmt.Fprintf(&b, "it cannot be waited for: %v", waitErr)
	case ok && status.Signaled():
		fmt.Fprintf(&b, "signal %d (%v)", int(status.Signal()), status.Signal())
	default:
		b.WriteString("exit code " + strconv.Itoa(state.ExitCode()))
		if state.ExitCode() == 0 {
			b.WriteString(" (does the app call process.exit?)")
		}
	}
	if names := p.runningNames(); len(names) > 0 {
		b.WriteString("; while running " + strings.Join(names, ", "))
	}
	if len(p.loading) > 0 {
		b.WriteString("; while loading " + p.loading[0].fn.fn.Name)
	}
	if lines := p.tail.String(); lines != "" {
		b.WriteString("; last lines of stderr:\n" + lines)
	}
	return b.String()
}

// runningNames returns the names of the functions that run, with their number if it is not 1. p.mu is held.
func (p *process) runningNames() []string {
	counts := map[string]int{}
	for _, c := range p.calls {
		counts[c.function]++
	}
	for _, name := range p.abandoned {
		counts[name]++
	}
	names := make([]string, 0, len(counts))
	for name, n := range counts {
		if n > 1 {
			name += " (" + strconv.Itoa(n) + " times)"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// asCrash returns the *worker.CrashError in err, or nil.
func asCrash(err error) *worker.CrashError {
	var crash *worker.CrashError
	if errors.As(err, &crash) {
		return crash
	}
	return nil
}
