package durabletest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/internal/gofunc"
)

// TB is what this package needs of a test; *testing.T, *testing.B and *testing.F are fit for it.
type TB interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	// Fatalf does not return.
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// defaultMaxEpisodes is the limit of MaxEpisodes when there is none.
const defaultMaxEpisodes = 20_000

// Env is a world of orchestrations in memory: its functions, its clock, its instances. It belongs to the test's goroutine, on which the
// activities run too. What is wrong with the test or with the determinism of an orchestrator fails the test.
type Env struct {
	t           TB
	manual      bool
	unchecked   bool
	maxEpisodes int
	random      *rand.Rand // nil: the order is that of scheduling

	functions map[string]*function // by name in lower case
	names     []string
	runs      map[string]*Run // by instance ID
	order     []*Run

	now       time.Time
	queue     queue
	calls     []*work // to be made now
	ready     []*Run  // may have an episode now
	waiting   []*Run  // have got something, and need more to go on
	callbacks int     // of After, in the queue
	blocked   int     // runs that only the test can get on
	driving   bool
	episodes  int   // since the test's last step
	broken    error // why the world stands still for good

	ctx    context.Context // of activities
	logger *slog.Logger
	closed atomic.Bool
}

// New makes an empty world that lasts as long as the test. Its clock shows the first of January 2030, 0:00 UTC.
func New(t TB) *Env {
	e := &Env{
		t: t, maxEpisodes: defaultMaxEpisodes, functions: map[string]*function{}, runs: map[string]*Run{},
		now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	e.ctx = ctx
	e.logger = slog.New(slog.NewTextHandler(logWriter{e}, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime}))
	t.Cleanup(func() {
		cancel(durable.ErrHostStops)
		e.close()
	})
	return e
}

// Option changes a function of the world.
type Option func(*function)

// Takes lets an activity, or a faked orchestrator, take so long in virtual time: its code runs when it is scheduled, and its result comes
// after d. Without it the result comes at once.
func Takes(d time.Duration) Option { return func(f *function) { f.takes = d } }

// Orchestrator registers an orchestrator, a func(*durable.Orchestration, In) (Out, error), under a name.
func (e *Env) Orchestrator(name string, fn any) {
	e.t.Helper()
	run, err := durable.NewOrchestrator(fn)
	if err != nil {
		e.fatal(fmt.Errorf("orchestrator '%s': %w", name, err))
	}
	e.register(&function{name: name, kind: orchestrator, run: run}, nil)
}

// activitySignature is what activities look like.
const activitySignature = "func(ctx context.Context, in In) (Out, error)"

// Activity registers an activity under a name: the real one, or a function in its place. It may call the methods of Env and Run, such
// as RaiseEvent; they take effect once it has returned.
func (e *Env) Activity(name string, fn any, opts ...Option) {
	e.t.Helper()
	e.registerCall(name, activity, fn, opts)
}

// FakeOrchestrator registers a function of an activity's signature, func(context.Context, In) (Out, error), which is called in place of a
// sub-orchestration of that name.
func (e *Env) FakeOrchestrator(name string, fn any, opts ...Option) {
	e.t.Helper()
	e.registerCall(name, fakeOrchestrator, fn, opts)
}

func (e *Env) registerCall(name string, kind kind, fn any, opts []Option) {
	e.t.Helper()
	call, err := gofunc.New(fn, reflect.TypeFor[context.Context](), activitySignature)
	if err != nil {
		e.fatal(fmt.Errorf("%s '%s': %w", kind, name, err))
	}
	e.register(&function{name: name, kind: kind, call: call}, opts)
}

func (e *Env) register(f *function, opts []Option) {
	e.t.Helper()
	key := strings.ToLower(f.name)
	if known := e.functions[key]; known != nil {
		e.fatal(fmt.Errorf("%s '%s' has the name of an %s that is registered already", f.kind, f.name, known.kind))
	}
	if f.name == "" {
		e.fatal(fmt.Errorf("the %s has no name", f.kind))
	}
	for _, opt := range opts {
		opt(f)
	}
	e.functions[key] = f
	e.names = append(e.names, f.name)
}

// ManualTime lets the clock stand still but for Advance. Otherwise, when nothing is left to do at the present time, the clock goes on by
// itself to the next timer, result of an activity, or function of After, unless an orchestration waits for an external event or is
// suspended: then it is the test's turn.
func (e *Env) ManualTime() { e.manual = true }

// Shuffle lets what is possible at the same time happen in an order, and in batches, that the seed decides, so as to find orchestrators that
// rely on an order. Otherwise activities complete in the order in which they were scheduled.
func (e *Env) Shuffle(seed uint64) { e.random = rand.New(rand.NewPCG(seed, 0)) }

// SkipReplayCheck turns off the check that follows each episode: that the orchestrator, run once more over its history, does the same.
func (e *Env) SkipReplayCheck() { e.unchecked = true }

// MaxEpisodes changes how many episodes, 20,000, may follow one step of the test before it fails because an orchestration seems to be
// endless.
func (e *Env) MaxEpisodes(n int) { e.maxEpisodes = n }

// SetTime sets the clock, before the first orchestration is started.
func (e *Env) SetTime(t time.Time) {
	e.t.Helper()
	if len(e.order) > 0 {
		e.fatal(fmt.Errorf("the time can be set only before the first orchestration is started; use Advance"))
	}
	e.now = t.UTC().Truncate(time.Millisecond)
}

// Now is the time in this world.
func (e *Env) Now() time.Time { return e.now }

// fatal fails the test.
func (e *Env) fatal(err error) {
	e.t.Helper()
	e.t.Fatalf("durabletest: %v", err)
}

// close ends all sessions.
func (e *Env) close() {
	for _, r := range e.order {
		if err := r.evict(durable.ErrHostStops); err != nil && e.broken == nil {
			e.t.Errorf("durabletest: %v", err)
		}
	}
	e.closed.Store(true)
}

// Restart takes all orchestrations out of memory, as the stop of a host does: their deferred functions run. Each is rebuilt from its
// history when something comes for it.
func (e *Env) Restart() {
	e.t.Helper()
	if e.driving {
		e.fatal(fmt.Errorf("an activity, or a function of After, cannot restart its own world"))
	}
	for _, r := range e.order {
		if err := r.evict(durable.ErrHostStops); err != nil {
			e.fatal(err)
		}
	}
}

// logWriter writes to the test's log, as long as the test lasts.
type logWriter struct{ e *Env }

var _ io.Writer = logWriter{}

func (w logWriter) Write(line []byte) (int, error) {
	if !w.e.closed.Load() {
		w.e.t.Logf("%s", strings.TrimSuffix(string(line), "\n"))
	}
	return len(line), nil
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
