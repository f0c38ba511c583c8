package durango

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/internal/cli"
	"github.com/durango-functions/durango/worker/gofunc"
)

// App is a function app: its handlers by the names of their functions. The zero value is an app without functions. Register all functions
// before Main or Start.
//
// What is wrong with one function (registered twice, declared by nobody, a route that another one has) is told at the start and leaves
// that function out; the others run. A handler whose signature does not fit its trigger is a mistake in the program and fails the start.
type App struct {
	registrations []gofunc.Registration
}

// NewApp returns an app without functions.
func NewApp() *App { return &App{} }

// Function registers the handler of a function. The folder called name declares its trigger and bindings in function.json; or another folder
// does, whose function.json has name as its entryPoint; or, without a folder, the options do. Names compare without regard to case.
//
// What the handler may be depends on the trigger; In and Out are types that JSON can carry, and may be left out:
//
//	HTTP       func(http.ResponseWriter, *http.Request), http.Handler,
//	           func(context.Context, In) (Out, error), func(context.Context, *Request[In]) (Out, error)
//	timer      func(context.Context, TimerInfo) error
//	manual     func(context.Context, In) (Out, error)
//	activity   func(context.Context, In) (Out, error)
//	orchestrator func(*durable.Orchestration, In) (Out, error)
//
// A context of an invocation carries what the functions Client, Logger, InvocationID, Input and SetOutput of this package return. It ends, with a
// cause for context.Cause, when functionTimeout of host.json is over, and with durable.ErrHostStops when the host stops; a handler must
// return then.
func (a *App) Function(name string, handler any, options ...Option) {
	a.register(name, handler, options, false)
}

// Orchestrator registers an orchestrator: a func(*durable.Orchestration, In) (Out, error). It needs no folder.
func (a *App) Orchestrator(name string, handler any) {
	a.register(name, handler, []Option{OrchestrationTrigger{}}, true)
}

// Activity registers an activity: a func(context.Context, In) (Out, error). It needs no folder.
//
// An error that it returns reaches the orchestrator as a *durable.TaskFailedError; one that wraps a durable.ErrorType is found there with
// errors.Is, and one marked by durable.NonRetriable is not tried again. An activity runs at least once: it may run again after a crash.
func (a *App) Activity(name string, handler any) {
	a.register(name, handler, []Option{ActivityTrigger{}}, true)
}

// register notes a handler. It is called by an exported method, whose caller is the place of the registration.
func (a *App) register(name string, handler any, options []Option, implied bool) {
	source := "an unknown place"
	if _, file, line, ok := runtime.Caller(2); ok {
		source = fmt.Sprintf("%s:%d", filepath.Base(file), line)
	}
	a.registrations = append(a.registrations, gofunc.Registration{
		Code: functions.Code{Name: name, Source: source, Config: declaration(options), Implied: implied},
		Bind: func(trigger string) (*gofunc.Handler, error) { return bind(handler, trigger) },
	})
}

// bind makes what runs a handler on a trigger, by its type in lower case.
func bind(handler any, trigger string) (*gofunc.Handler, error) {
	switch trigger {
	case strings.ToLower(httpTriggerType):
		return bindHTTP(handler)
	case strings.ToLower(timerTriggerType):
		return gofunc.Timer(handler, timerInfoType)
	case strings.ToLower(orchestrationTriggerType):
		return gofunc.Orchestrator(handler)
	case strings.ToLower(activityTriggerType):
		return gofunc.Activity(handler)
	default:
		return gofunc.Manual(handler)
	}
}

// Main runs the command line of the process, "start", "run" or "version", and returns the exit code: 0 when all went well, 1 for a failure, 2
// for a mistake in the command line. It is the whole of an app's main:
//
//	os.Exit(app.Main())
func (a *App) Main() int {
	p := cli.Program{Name: filepath.Base(os.Args[0]), Defaults: defaults, Version: version(), Handlers: append([]gofunc.Registration{}, a.registrations...)}
	return p.Run(context.Background(), os.Args[1:])
}
