package durango

import (
	"reflect"
	"time"

	"github.com/durango-functions/durango/functions"
)

// The types of triggers in function.json.
const (
	httpTriggerType          = "httpTrigger"
	timerTriggerType         = "timerTrigger"
	manualTriggerType        = "manualTrigger"
	orchestrationTriggerType = "orchestrationTrigger"
	activityTriggerType      = "activityTrigger"
)

// AuthLevel is the key that callers of an HTTP function must show, on a host that demands keys (--enable-auth).
type AuthLevel string

// The levels of authorization.
const (
	// Anonymous functions may be called by everybody.
	Anonymous AuthLevel = "anonymous"
	// FunctionKey functions need a key of their own, or one of the host. It is the default.
	FunctionKey AuthLevel = "function"
	// AdminKey functions need the master key.
	AdminKey AuthLevel = "admin"
)

// HTTPTrigger declares that a function runs for HTTP requests.
type HTTPTrigger struct {
	// Route is the route template, such as "orders/{id:int}/{part?}", below the route prefix of host.json. Defaults to the function's name.
	Route string
	// Methods are the HTTP methods, in any case. Defaults to all.
	Methods []string
	// AuthLevel is the key that callers must show. Defaults to FunctionKey.
	AuthLevel AuthLevel
}

func (t HTTPTrigger) declare(d *declared) {
	properties := map[string]any{"route": t.Route, "authLevel": string(t.AuthLevel)}
	d.add("req", httpTriggerType, functions.In, properties)
	if len(t.Methods) > 0 {
		d.Bindings[len(d.Bindings)-1]["methods"] = t.Methods
	}
	d.add("res", "http", functions.Out, nil)
}

// TimerTrigger declares that a function runs on a schedule, on one host of those that share the task hub.
type TimerTrigger struct {
	// Schedule is "{second} {minute} {hour} {day} {month} {day of the week}", as in "0 */5 * * * *", or the time "hh:mm:ss" from the end of
	// one run to the next. Times are UTC, or those of the zone in the app setting WEBSITE_TIME_ZONE.
	Schedule string
	// RunOnStartup runs the function when a host starts, too.
	RunOnStartup bool
	// Unmonitored lets an occurrence pass that falls into a time without a host; otherwise the function runs once when a host starts.
	Unmonitored bool
}

func (t TimerTrigger) declare(d *declared) {
	d.add("timer", timerTriggerType, functions.In, map[string]any{"schedule": t.Schedule, "runOnStartup": t.RunOnStartup})
	if t.Unmonitored {
		d.Bindings[len(d.Bindings)-1]["useMonitor"] = false
	}
}

// TimerInfo tells a timer function about its run.
type TimerInfo struct {
	// ScheduleStatus is nil when the schedule is not monitored.
	ScheduleStatus *ScheduleStatus
	// IsPastDue is true for a run that comes late: because no host was running, or for another reason more than 5 s late.
	IsPastDue bool
}

// ScheduleStatus is what the hosts keep of a timer.
type ScheduleStatus struct {
	// Last is the start of the last run, the zero time when there was none.
	Last time.Time
	// Next is the occurrence that runs now.
	Next time.Time
	// LastUpdated is the last change of either.
	LastUpdated time.Time
}

var timerInfoType = reflect.TypeFor[TimerInfo]()

// ManualTrigger declares that a function runs when it is asked to, by "durango run NAME --input JSON" or the admin API.
type ManualTrigger struct{}

func (ManualTrigger) declare(d *declared) { d.add("input", manualTriggerType, functions.In, nil) }

// OrchestrationTrigger declares an orchestrator, as App.Orchestrator does.
type OrchestrationTrigger struct{}

func (OrchestrationTrigger) declare(d *declared) {
	d.add("context", orchestrationTriggerType, functions.In, nil)
}

// ActivityTrigger declares an activity, as App.Activity does. With it, an activity may have bindings:
//
//	app.Function("Load", load, durango.ActivityTrigger{}, durango.RedisInput{Name: "rates", Command: "GET rates"})
type ActivityTrigger struct{}

func (ActivityTrigger) declare(d *declared) { d.add("input", activityTriggerType, functions.In, nil) }

var (
	_ Option = HTTPTrigger{}
	_ Option = TimerTrigger{}
	_ Option = ManualTrigger{}
	_ Option = OrchestrationTrigger{}
	_ Option = ActivityTrigger{}
)
