package host

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/host/hostjson"
	"github.com/durango-functions/durango/host/settings"
	"github.com/durango-functions/durango/triggers"
	"github.com/durango-functions/durango/worker"
	"github.com/durango-functions/durango/worker/gofunc"
)

// errStopping is the cause of contexts that end because the host stops.
var errStopping = durable.ErrHostStops

// channel is a worker channel with a life of its own.
type channel interface {
	worker.Channel
	Start(ctx context.Context) error
	// Stop ends the worker once what it runs has ended, or ctx has.
	Stop(ctx context.Context) error
}

// recycler is a channel that can replace a worker process whose event loop may be blocked.
type recycler interface{ Recycle(reason string) }

// app is one generation of the user's app: everything that a reload replaces. It does not change once it is built, except for the count
// of its users; the host replaces it as a whole.
//
// Whoever works with an app acquires it, so that a retired generation stays until its last user has gone.
type app struct {
	// number counts the generations of a host from 1.
	number    int
	config    *hostjson.Config
	settings  *settings.Settings
	functions *functions.App
	channel   channel
	// goCode runs the functions in Go, by way of channel; nil when the program has no handlers.
	goCode  *gofunc.Channel
	invoker *invoker
	http    http.Handler
	// cors lets pages of other origins call the host, as local.settings.json allows.
	cors func(http.Handler) http.Handler
	// rootRoute is true when a function may answer the path "/".
	rootRoute bool
	listeners []triggers.Listener
	// orchestrators and activities are the enabled functions of these kinds, by lower-case name.
	orchestrators map[string]*functions.Function
	activities    map[string]*functions.Function
	// entities are the enabled entity functions, by lower-case name.
	entities map[string]*functions.Function
	// spelled are the activities by name as it is spelled, which is how nearly all calls spell it.
	spelled map[string]*functions.Function
	// broken are the folders that are no usable functions, with reasons; their names in lower case lead to them.
	broken map[string]*functions.LoadError
	// entryFaults tell why functions may be missing that the app's entry files should register.
	entryFaults []entryFault
	// awaited are the activities, by lower-case name, of which the log has said that they wait for the entry files to be mended.
	awaited sync.Map
	// started is true when the channel has been started.
	started bool
	// unloadable are the functions that the worker cannot load, with the reason, by lower-case name.
	unloadable map[string]*worker.LoadError

	mu      sync.Mutex
	users   int
	retired bool
	idle    chan struct{} // closed when the app is retired and its last user has gone
}

// acquire keeps the app alive until release. It reports false when the app has ended: there is a newer one.
func (a *app) acquire() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.retired && a.users == 0 {
		return false
	}
	a.users++
	return true
}

func (a *app) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users--
	if a.retired && a.users == 0 {
		close(a.idle)
	}
}

// retire says that nobody new will use the app, except on behalf of those who use it already. It may be called twice.
func (a *app) retire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.retired {
		return
	}
	a.retired = true
	if a.users == 0 {
		close(a.idle)
	}
}

// startListeners sets the listeners to work; if one fails, those before it are stopped again.
func (a *app) startListeners(ctx context.Context) error {
	for i, l := range a.listeners {
		if err := l.Start(ctx); err != nil {
			for _, started := range a.listeners[:i] {
				err = errors.Join(err, started.Stop(ctx))
			}
			return err
		}
	}
	return nil
}

// stopListeners ends the listeners, side by side, and waits for what they started.
func (a *app) stopListeners(ctx context.Context) error {
	errs := make([]error, len(a.listeners))
	var wg sync.WaitGroup
	for i, l := range a.listeners {
		wg.Go(func() { errs[i] = l.Stop(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// end ends a generation: its listeners first, then it waits for its users, then its worker. When ctx ends before, so does what still runs.
func (a *app) end(ctx context.Context) error {
	err := a.stopListeners(ctx)
	a.retire()
	select {
	case <-a.idle:
	case <-ctx.Done():
	}
	return errors.Join(err, a.channel.Stop(ctx))
}

// durableName is the name under which an orchestrator or activity is called: that of the function, unless its trigger names another
// (azure-functions-durable-extension OrchestrationTriggerAttributeBindingProvider.cs:55-71).
func durableName(fn *functions.Function, property string) string {
	if name := fn.Trigger().StringProperty(property); name != "" {
		return strings.ToLower(name)
	}
	return strings.ToLower(fn.Name)
}

// index fills the maps of the app's functions.
func (a *app) index() {
	a.orchestrators, a.activities, a.spelled = map[string]*functions.Function{}, map[string]*functions.Function{}, map[string]*functions.Function{}
	a.entities = map[string]*functions.Function{}
	a.broken = map[string]*functions.LoadError{}
	for _, fn := range a.functions.Functions {
		if fn.Disabled {
			continue
		}
		switch strings.ToLower(fn.Trigger().Type) {
		case orchestrationTrigger:
			a.orchestrators[durableName(fn, "orchestration")] = fn
		case entityTrigger:
			a.entities[durableName(fn, "entityName")] = fn
		case activityTrigger:
			name := durableName(fn, "activity")
			a.activities[name] = fn
			if strings.EqualFold(name, fn.Name) {
				a.spelled[fn.Name] = fn
			}
		}
	}
	for _, e := range a.functions.Errors {
		a.broken[strings.ToLower(e.Function)] = e
	}
}

// The trigger types that the host itself knows, in lower case.
const (
	httpTrigger          = "httptrigger"
	manualTrigger        = "manualtrigger"
	timerTrigger         = "timertrigger"
	orchestrationTrigger = "orchestrationtrigger"
	activityTrigger      = "activitytrigger"
	entityTrigger        = "entitytrigger"
)

// inProcess returns the orchestrator of that name, in lower case, when it is a Go function, else nil. A broken declaration does not keep it from
// going on: an orchestration that has begun in Go cannot go on as anything else.
func (a *app) inProcess(name string) inproc.Function {
	if a.goCode == nil {
		return nil
	}
	if fn := a.orchestrators[name]; fn != nil {
		return a.goCode.Orchestrator(fn)
	}
	if a.broken[name] != nil {
		return a.goCode.OrchestratorNamed(name)
	}
	return nil
}

// errors returns the reasons why a function does not work: of a broken folder, or of code that does not load. nil when it works.
func (a *app) errors(name string) []string {
	key := strings.ToLower(name)
	if e := a.broken[key]; e != nil {
		return e.Reasons
	}
	if e := a.unloadable[key]; e != nil {
		return []string{e.Error()}
	}
	return nil
}

func newApp(number int) *app { return &app{number: number, idle: make(chan struct{})} }
