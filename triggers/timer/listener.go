package timer

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/triggers"
)

// Type is the trigger's type in function.json.
const Type = "timerTrigger"

// Options are what the timers of a host have in common.
type Options struct {
	// Redis keeps the records that hosts share. Without it, each process has its own timers and forgets them at its end.
	Redis redis.UniversalClient
	// Hub is the name of the task hub, which keys begin with.
	Hub string
	// Location is the time zone of cron expressions: that of WEBSITE_TIME_ZONE. Default UTC.
	Location *time.Location
	// Logger takes what goes wrong. Default slog.Default().
	Logger *slog.Logger
	// Now is the clock, for tests. Default Redis's own clock, or time.Now without Redis.
	Now func() time.Time
	// HostID names this host in the record.
	HostID string
	// Lease is how long a run outlives its host in the record. Default 15 s.
	Lease time.Duration
}

const (
	defaultLease = 15 * time.Second
	// grace is how late an occurrence may fire before it is past due, or, at the start of an unmonitored timer, is skipped.
	grace = 5 * time.Second
	// longestSleep bounds one sleep, because clocks that drive sleeps may stand still while the machine is suspended.
	longestSleep = time.Minute
	// firstRetry and lastRetry are the pauses while Redis does not answer, and repeatLog is how often that is logged.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
	repeatLog  = 30 * time.Second
)

// Listener is the timer of one function.
type Listener struct {
	fn           *functions.Function
	schedule     *Schedule
	runOnStartup bool
	monitored    bool
	store        store
	owner        string
	lease        time.Duration
	logger       *slog.Logger
	invoker      triggers.Invoker

	start      sync.Once
	cancelLoop context.CancelFunc // ends waiting, not a run
	cancelRun  context.CancelCauseFunc
	loop       context.Context // until Stop
	run        context.Context // until Stop gives up waiting
	done       chan struct{}
}

// New returns the listener of a function with a timerTrigger. An error names the property of the trigger that is wrong.
func New(fn *functions.Function, options Options, invoker triggers.Invoker) (triggers.Listener, error) {
	trigger := fn.Trigger()
	if trigger == nil || !strings.EqualFold(trigger.Type, Type) {
		return nil, fmt.Errorf("function %s has no %s", fn.Name, Type)
	}
	if trigger.Property("schedule") == nil {
		return nil, fmt.Errorf(`function %s: its %s has no "schedule"`, fn.Name, Type)
	}
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	l := &Listener{
		fn: fn, logger: options.Logger.With("function", fn.Name), invoker: invoker, lease: options.Lease,
		owner: options.HostID + "/" + rand.Text()[:8], done: make(chan struct{}),
	}
	if l.lease <= 0 {
		l.lease = defaultLease
	}
	useMonitor := true
	var err error
	if l.schedule, err = ParseSchedule(trigger.StringProperty("schedule"), options.Location); err != nil {
		return nil, fmt.Errorf("function %s: %w", fn.Name, err)
	}
	if err := errors.Join(flag(trigger, "runOnStartup", &l.runOnStartup), flag(trigger, "useMonitor", &useMonitor)); err != nil {
		return nil, fmt.Errorf("function %s: %w", fn.Name, err)
	}
	l.monitored = useMonitor && !l.schedule.Frequent(time.Now())
	if options.Redis != nil {
		l.store = &redisStore{client: options.Redis, key: recordKey(options.Hub, fn.Name), clock: options.Now}
	} else {
		clock := options.Now
		if clock == nil {
			clock = time.Now
		}
		l.store = &memoryStore{clock: clock}
	}
	l.loop, l.cancelLoop = context.WithCancel(context.Background())
	l.run, l.cancelRun = context.WithCancelCause(context.Background())
	return l, nil
}

// flag reads a boolean property, which may be written as text.
func flag(b *functions.Binding, name string, to *bool) error {
	raw := b.Property(name)
	if raw == nil || string(raw) == "null" {
		return nil
	}
	var text string
	switch {
	case json.Unmarshal(raw, to) == nil:
		return nil
	case json.Unmarshal(raw, &text) == nil && (strings.EqualFold(text, "true") || strings.EqualFold(text, "false")):
		*to = strings.EqualFold(text, "true")
		return nil
	}
	return fmt.Errorf("%s is %s, expected true or false", name, raw)
}

// Start starts the timer. Redis need not be reachable: the timer waits for it.
func (l *Listener) Start(context.Context) error {
	l.start.Do(func() {
		go func() { // Stop waits for it
			defer close(l.done)
			l.listen(l.loop)
		}()
	})
	return nil
}

// Stop ends the timer. A run goes on until it ends, or until ctx does; then its context ends with the cause durable.ErrHostStops.
func (l *Listener) Stop(ctx context.Context) error {
	l.cancelLoop()
	l.start.Do(func() { close(l.done) })
	defer l.cancelRun(durable.ErrHostStops)
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopping the timer of function %s while it runs: %w", l.fn.Name, context.Cause(ctx))
	}
}

var _ triggers.Listener = (*Listener)(nil)
