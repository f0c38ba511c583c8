package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// ErrStopped tells that a channel was stopped, or never started.
var ErrStopped = errors.New("the node worker is stopped")

// Channel runs functions in Node.js processes. It implements worker.Channel. Its methods are safe for concurrent use.
type Channel struct {
	cfg  Config
	hard context.Context // ends when processes are to be killed whatever they do
	kill context.CancelFunc
	wg   sync.WaitGroup // slots and processes that drain

	mu        sync.Mutex
	state     state
	stopping  chan struct{} // closed when the channel takes no more invocations
	changed   chan struct{} // closed and replaced when a slot has changed
	slots     []*slot
	functions map[string]*loaded // by name in lower case
	nextID    int
	version   string
	index     *worker.Index // what the first process has told of its entry files
	crashes   int           // processes that ended while they loaded the entry files
}

type state uint8

const (
	stateNew state = iota
	stateStarted
	stateStopped
)

// loaded is a function that the channel was told to load.
type loaded struct {
	id    int
	fn    *functions.Function
	frame *frame

	// Guarded by Channel.mu.
	crashes int               // processes that ended while loading it
	blamed  *worker.LoadError // it is not loaded again, since it ends processes
}

// New returns a Channel that is not started.
func New(cfg Config) *Channel {
	cfg.fill()
	c := &Channel{
		cfg: cfg, stopping: make(chan struct{}), changed: make(chan struct{}), functions: map[string]*loaded{},
	}
	c.hard, c.kill = context.WithCancel(context.Background())
	return c
}

// Start starts the processes and returns when all are ready. It returns a *MissingError or *VersionError when there is no usable node,
// and a *worker.CrashError (wrapped) when a process ended at once. A channel can be started once.
func (c *Channel) Start(ctx context.Context) error {
	if err := c.cfg.validate(); err != nil {
		return err
	}
	c.mu.Lock()
	if c.state != stateNew {
		defer c.mu.Unlock()
		if c.state == stateStopped {
			return ErrStopped
		}
		return errors.New("the node worker was started before")
	}
	c.state = stateStarted
	first := make(chan error, c.cfg.Processes)
	for i := range c.cfg.Processes {
		s := &slot{ch: c, number: i, recycle: make(chan string, 1)}
		c.slots = append(c.slots, s)
		c.wg.Go(func() { s.run(first) })
	}
	c.mu.Unlock()
	for range c.cfg.Processes {
		var err error
		select {
		case err = <-first:
		case <-ctx.Done():
			err = fmt.Errorf("starting the node worker: %w", context.Cause(ctx))
		}
		if err != nil {
			c.kill()
			c.Stop(context.Background()) //nolint:errcheck // all is killed, so it cannot fail
			return err
		}
	}
	return nil
}

// Stop takes no more invocations, waits for those that run, and ends the processes. When ctx ends first, what still runs is killed, its
// invocations return a *worker.CrashError, and Stop returns ctx's error. It may be called again, at the same time too, and before Start.
func (c *Channel) Stop(ctx context.Context) error {
	c.mu.Lock()
	if c.state != stateStopped {
		c.state = stateStopped
		close(c.stopping)
		c.notify()
	}
	c.mu.Unlock()
	done := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		c.wg.Wait()
		close(done)
	})
	defer waiting.Wait()
	defer c.cfg.transport.CloseIdleConnections()
	select {
	case <-done:
		c.kill()
		return nil
	case <-ctx.Done():
		c.kill()
		<-done
		return context.Cause(ctx)
	}
}

// Recycle replaces the processes in which a function goes on whose caller has given it up, or all when there is none such: new ones are
// started, and the old ones end when their invocations are done, after Config.DrainTimeout at the latest. New invocations wait for the new
// process when the old one may be blocked. It returns at once. reason is for the log and for the invocations that do not make it.
func (c *Channel) Recycle(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	targets := slices.Clone(c.slots)
	if slices.ContainsFunc(targets, hasAbandoned) {
		targets = slices.DeleteFunc(targets, func(s *slot) bool { return !hasAbandoned(s) })
	}
	for _, s := range targets {
		if s.current == nil {
			continue
		}
		select {
		case s.recycle <- reason:
		default: // it is about to be replaced already
		}
		if hasAbandoned(s) {
			// What was given up may block the event loop: new invocations had better wait for the next process.
			s.current = nil
		}
	}
}

func hasAbandoned(s *slot) bool { return s.current != nil && s.current.hasAbandoned() }

// NodeVersion returns the version of node that runs, such as "v20.20.2", and "" before Start.
func (c *Channel) NodeVersion() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

func (c *Channel) setVersion(version string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version = version
}

// Load loads a function into all processes. It returns a *worker.LoadError when the function cannot be loaded, and the same one for each
// Invoke of it. Functions are told apart by name; another *functions.Function of a known name takes its place.
func (c *Channel) Load(ctx context.Context, fn *functions.Function) error {
	l, err := c.register(fn)
	if err != nil {
		return err
	}
	for {
		if blamed := c.blamed(l); blamed != nil {
			return blamed
		}
		procs, err := c.processes(ctx)
		if err != nil {
			return err
		}
		again := false
		for _, p := range procs {
			err := p.load(ctx, l)
			if asCrash(err) != nil {
				again = true
				continue
			}
			if err != nil {
				return err
			}
		}
		if !again {
			return nil
		}
		if err := c.awaitEnd(ctx, procs); err != nil {
			return err
		}
	}
}

// Invoke runs an invocation; the function is loaded first if it was not. While no process runs it waits for the next one, but after
// five failed starts in a row it returns a *worker.CrashError at once. When ctx ends it returns ctx's error at once; the function runs
// on, and its answer is dropped. The data of inv must not be changed any more, not even after Invoke has returned.
func (c *Channel) Invoke(ctx context.Context, inv *worker.Invocation) (*worker.Result, error) {
	if inv.Function == nil {
		return nil, errors.New("invocation without function")
	}
	l, err := c.register(inv.Function)
	if err != nil {
		return nil, err
	}
	for {
		if blamed := c.blamed(l); blamed != nil {
			return nil, blamed
		}
		procs, err := c.processes(ctx)
		if err != nil {
			return nil, err
		}
		p := choose(procs, inv)
		err = p.load(ctx, l)
		if err == nil {
			var result *worker.Result
			if result, err = p.invoke(ctx, l, inv); !errors.Is(err, errNotSent) {
				return result, err
			}
		} else if asCrash(err) == nil {
			return nil, err
		}
		// Nothing was sent, and the process is on its way out.
		if err := c.awaitEnd(ctx, []*process{p}); err != nil {
			return nil, err
		}
	}
}

// choose finds the process for an invocation: the one that has kept the history of the orchestration, else the least busy one.
func choose(procs []*process, inv *worker.Invocation) *process {
	if len(procs) > 1 {
		if e := episodeOf(inv); e != nil {
			if i := slices.IndexFunc(procs, func(p *process) bool { return p.keeps(e.Generation) }); i >= 0 {
				return procs[i]
			}
		}
	}
	return leastBusy(procs)
}

func leastBusy(procs []*process) *process {
	if len(procs) == 1 {
		return procs[0]
	}
	return slices.MinFunc(procs, func(a, b *process) int { return a.busy() - b.busy() })
}

// register returns the entry of fn, a new one if fn is new.
func (c *Channel) register(fn *functions.Function) (*loaded, error) {
	key := strings.ToLower(fn.Name)
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.functions[key]; l != nil && l.fn == fn {
		return l, nil
	}
	if fn.ScriptFile == "" {
		return nil, &worker.LoadError{Function: fn.Name, Message: "the function has no script file"}
	}
	h := loadHeader{ID: c.nextID + 1, Name: fn.Name, Directory: fn.Dir, Script: fn.ScriptFile, EntryPoint: fn.EntryPoint, Registered: fn.Registered}
	for _, b := range fn.Bindings {
		h.Bindings = append(h.Bindings, bindingHeader{Name: b.Name, Type: b.Type, Direction: b.Direction})
	}
	f, err := newFrame(frameLoad, h)
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", fn.Name, err)
	}
	c.nextID++
	l := &loaded{id: c.nextID, fn: fn, frame: f}
	c.functions[key] = l
	return l, nil
}

// known returns the functions to load into a new process, in the order in which the channel has heard of them.
func (c *Channel) known() []*loaded {
	c.mu.Lock()
	defer c.mu.Unlock()
	var fns []*loaded
	for _, l := range c.functions {
		if l.blamed == nil {
			fns = append(fns, l)
		}
	}
	slices.SortFunc(fns, func(a, b *loaded) int { return a.id - b.id })
	return fns
}

func (c *Channel) blamed(l *loaded) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.blamed == nil {
		return nil
	}
	return l.blamed
}

// processes returns the processes that take invocations; it waits until there is one.
func (c *Channel) processes(ctx context.Context) ([]*process, error) {
	for {
		procs, changed, err := c.look()
		if err != nil || len(procs) > 0 {
			return procs, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *Channel) look() (procs []*process, changed <-chan struct{}, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != stateStarted {
		return nil, nil, ErrStopped
	}
	failing := ""
	for _, s := range c.slots {
		if s.current != nil {
			procs = append(procs, s.current)
		}
		if s.failedStarts >= maxFailedStarts {
			failing = s.lastReason
		}
	}
	if len(procs) == 0 && failing != "" {
		return nil, nil, &worker.CrashError{Reason: fmt.Sprintf("it did not start %d times in a row, the last time: %s", maxFailedStarts, failing)}
	}
	return procs, c.changed, nil
}

// awaitEnd returns when none of procs that is going away takes invocations any more.
func (c *Channel) awaitEnd(ctx context.Context, procs []*process) error {
	for {
		current, changed, err := c.look()
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(procs, func(p *process) bool { return p.isEnding() && slices.Contains(current, p) }) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// notify wakes those who wait for a change. c.mu is held.
func (c *Channel) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Channel) isStopping() bool {
	select {
	case <-c.stopping:
		return true
	default:
		return false
	}
}

var _ worker.Channel = (*Channel)(nil)
