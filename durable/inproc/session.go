package inproc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"sync/atomic"
	"time"

	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/replay"
)

// Function is an orchestrator: it gets its input as JSON (nil: none) and returns its output as JSON (nil: none).
type Function func(s *Session, input json.RawMessage) (json.RawMessage, error)

// Start is what a session is told of its execution.
type Start struct {
	Name             string
	Version          string
	InstanceID       string
	ExecutionID      string
	ParentInstanceID string // "": none
	Input            json.RawMessage
	// MaxActions bounds the tasks of one execution. 0: 100,000.
	MaxActions int
	// Logger receives what the orchestrator logs, and its panics. nil: slog.Default().
	Logger *slog.Logger
	// Observe is told of each scheduling event that the orchestrator asks for, replays included, before it is compared with the history,
	// on the orchestrator's goroutine. nil: nobody is.
	Observe func(asked history.Event)
}

// Step is one episode.
type Step struct {
	// Now is the episode's clock.
	Now time.Time
	// Replay is the stored history, for a session that has not run yet; it is gone through first.
	Replay []history.Event
	// Offers are the arrived events that the orchestrator may be given, in their order.
	Offers []history.Event
}

// Outcome is what an episode led to.
type Outcome struct {
	// Shown are the indexes of the offers that were given to the orchestrator, in the order in which they were; Stale those that mean
	// nothing to it. The others wait.
	Shown, Stale []int
	// Decisions are what the orchestrator decided.
	Decisions *replay.Decisions
	// Detached are the orchestrations that it started without waiting for them.
	Detached []Detached
	// Carry are external events that were given to waits which nobody had looked at when the orchestrator started anew, in their order.
	// They came before all offers that were not shown.
	Carry []history.Event
	// Failure is the error that an orchestrator with the outcome Failed returned; nil when it panicked or ended its goroutine.
	Failure error
	// Err tells that the orchestrator cannot go on: it is not deterministic. It fails the instance.
	Err error
}

// Detached asks for the start of an orchestration that nobody waits for.
type Detached struct {
	InstanceID string
	Name       string
	Version    string
	Input      json.RawMessage
}

// The causes with which sessions and what depends on them end.
var (
	// ErrEvicted: the session makes room for others, or its partition went to another host. The orchestration goes on elsewhere.
	ErrEvicted = errors.New("the orchestration was taken out of memory")
)

// Session is one execution of an orchestrator in memory.
type Session struct {
	start Start
	fn    Function

	resume chan struct{} // a token lets the orchestrator go on; closed: it ends
	done   func(*Outcome)
	gone   chan struct{} // closed when the orchestrator's goroutine has ended
	began  bool
	ended  atomic.Bool // Close was called
	// finished says that the orchestrator has returned, or may not go on.
	finished bool
	life     life

	// replaying is true until the stored history has been gone through.
	replaying atomic.Bool
	replay    replayed
	offers    []history.Event
	offerAt   int
	held      []int // external events that no wait has asked for
	heldAll   bool  // and none has been made since that asks for one of them
	now       time.Time

	nextID  int
	tasks   map[int]*Task // open ones by id
	waits   map[string][]*Task
	unseen  map[*Task]unseen // waits that are complete, which nobody has looked at
	raised  int              // external events that waits got
	awaited *Task

	out          *Outcome
	newInput     json.RawMessage
	continues    bool
	customStatus json.RawMessage
	guids        int
	inEffect     bool // the function of a side effect runs
}

// New makes a session; the first Step sets it to work.
func New(fn Function, start Start) *Session {
	if start.MaxActions <= 0 {
		start.MaxActions = 100_000
	}
	if start.Logger == nil {
		start.Logger = slog.Default()
	}
	return &Session{
		start: start, fn: fn, resume: make(chan struct{}, 1), gone: make(chan struct{}),
		tasks: map[int]*Task{},
	}
}

// Step gives the orchestrator events and lets it run until it waits again or ends. done is called once, from another goroutine, unless
// the session is closed before. The caller must not touch the session in between.
func (s *Session) Step(step *Step, done func(*Outcome)) {
	s.done = done
	s.offers, s.offerAt = step.Offers, 0
	s.held, s.heldAll = s.held[:0], false
	s.out = &Outcome{Decisions: &replay.Decisions{}}
	if s.began {
		s.now = step.Now
		s.resume <- struct{}{}
		return
	}
	s.began = true
	s.replay.next = step.Now
	s.replay.load(step.Replay)
	if s.now = s.replay.first; s.now.IsZero() { // no episode has been
		s.replay.forget()
		s.now = step.Now
	} else {
		s.replaying.Store(true)
	}
	go s.run()
}

// Close ends the session; its orchestrator ends where it waits, and its context ends at once, with the cause; nil: context.Canceled. It may be
// called twice, and while a step is under way: then the orchestrator ends at its next await, and the step may still call done. Gone tells
// when it has ended.
func (s *Session) Close(cause error) {
	if s.ended.Swap(true) {
		return
	}
	s.life.end(cause)
	if !s.began {
		close(s.gone)
		return
	}
	close(s.resume)
}

// Gone is closed when the orchestrator's goroutine has ended.
func (s *Session) Gone() <-chan struct{} { return s.gone }

// Needs is a lower bound of the completions that must still come before the orchestrator can go on, as long as none is a failure. Only
// between steps.
func (s *Session) Needs() int {
	if s.awaited == nil || s.awaited.parts == nil {
		return 1
	}
	return s.awaited.parts.needs()
}

// Bytes is about what the session takes in memory. Only between steps.
func (s *Session) Bytes() int {
	const goroutine, perTask = 8 << 10, 300
	return goroutine + perTask*(len(s.tasks)+len(s.unseen))
}

// unseen is an external event that a wait got, the n-th one.
type unseen struct {
	n  int
	ev history.Event
}

// errContinueAsNew is what ContinueAsNew returns.
var errContinueAsNew = errors.New("the orchestration continues as new: return this error from the orchestrator")

// run is the orchestrator's goroutine.
func (s *Session) run() {
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("orchestrator", s.start.Name, instanceLabel, s.start.InstanceID)))
	returned := false
	var output json.RawMessage
	var err error
	defer func() {
		r := recover()
		switch {
		case s.finished || s.ended.Load():
		case r != nil:
			s.panicked(r)
		case returned:
			s.end(output, err)
		default:
			s.conclude(replay.Failed, "the orchestrator ended its goroutine (runtime.Goexit, or FailNow of a test)")
		}
		s.life.end(nil)
		close(s.gone)
	}()
	output, err = s.fn(s, s.start.Input)
	returned = true
}

// panicked fails the orchestration. The panic's stack is logged from the user's frames on.
func (s *Session) panicked(r any) {
	s.logPanic(fmt.Sprintf("orchestrator '%s'", s.start.Name), r)
	s.conclude(replay.Failed, fmt.Sprintf("panic: %v", r))
}

// logPanic is called by the deferred function that recovered.
func (s *Session) logPanic(who string, r any) {
	s.start.Logger.Error(fmt.Sprintf("%s panicked: %v\n%s", who, r, ShortStack(debug.Stack())), "function", s.start.Name, "instance_id", s.start.InstanceID)
}

// end turns what the orchestrator returned into an outcome.
func (s *Session) end(output json.RawMessage, err error) {
	switch {
	case err != nil && !errors.Is(err, errContinueAsNew):
		s.out.Failure = err
		s.conclude(replay.Failed, err.Error())
	case s.continues:
		s.conclude(replay.ContinuedAsNew, "")
	default:
		s.out.Decisions.Output = output
		s.conclude(replay.Completed, "")
	}
}

func (s *Session) conclude(outcome replay.Outcome, reason string) {
	s.finished = true
	d := s.out.Decisions
	d.Outcome, d.FailureReason = outcome, reason
	if s.replaying.Load() {
		s.out.Err = s.replay.unfinished(s.nextID)
	}
	if outcome == replay.ContinuedAsNew {
		d.NewInput = s.newInput
		s.out.Carry = s.carry()
	}
	d.Timers = nil // those that are open have no more effect
	s.deliver()
}

// carry returns the external events that nobody has looked at, in their order.
func (s *Session) carry() []history.Event {
	list := slices.SortedFunc(maps.Values(s.unseen), func(a, b unseen) int { return a.n - b.n })
	var events []history.Event
	for _, u := range list {
		events = append(events, u.ev)
	}
	return events
}

// diverge fails the orchestration and ends its goroutine.
func (s *Session) diverge(err error) {
	s.finished = true
	s.out.Err = err
	s.life.end(err)
	s.deliver()
	runtime.Goexit()
}

// deliver hands the outcome to the caller of Step.
func (s *Session) deliver() {
	if s.customStatus != nil {
		s.out.Decisions.CustomStatus = s.customStatus
		s.customStatus = nil
	}
	out, done := s.out, s.done
	s.offers = nil
	done(out)
}

// park ends the episode and waits for the next one.
func (s *Session) park() {
	if s.replaying.Load() {
		if err := s.replay.unfinished(s.nextID); err != nil {
			s.diverge(err)
		}
		s.replaying.Store(false)
		s.replay.forget()
		s.now = later(s.now, s.replay.next)
		return // the offers come next
	}
	for i := s.offerAt; i < len(s.offers); i++ {
		s.held = append(s.held, i)
	}
	s.deliver()
	<-s.resume
	if s.ended.Load() {
		runtime.Goexit()
	}
}

// Await waits until the task is complete.
func (s *Session) Await(t *Task) {
	s.check()
	s.awaited = t
	for !t.done {
		if !s.next() {
			s.park()
		}
	}
	s.awaited = nil
	t.look()
}

// check ends the goroutine of a session that was closed, or may not go on: deferred functions must not begin anything. Nor may the function
// of a side effect, which is not run again in a replay.
func (s *Session) check() {
	if s.ended.Load() || s.finished {
		runtime.Goexit()
	}
	if s.inEffect {
		panic("the function of a side effect must not use its orchestration: it is not run in replays")
	}
}
