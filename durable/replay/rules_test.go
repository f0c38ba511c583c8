package replay

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/durango-functions/durango/durable/entity"
	"github.com/durango-functions/durango/durable/history"
	"github.com/stretchr/testify/require"
)

// waiting is the result of an orchestrator that yielded these actions, in schema version 2.
func waiting(actions ...Action) *Result {
	return &Result{SchemaVersion: 2, Actions: [][]Action{actions}}
}

func activity(name string) Action { return Action{Type: CallActivity, FunctionName: name} }

func wait(name string) Action { return Action{Type: WaitForExternalEvent, ExternalEventName: name} }

func timer(at time.Time) Action { return Action{Type: CreateTimer, FireAt: at} }

func compound(t ActionType, parts ...Action) Action { return Action{Type: t, CompoundActions: parts} }

func ref(i int) Action { return Action{Ref: &i} }

func retrying(name string, attempts, first float64) Action {
	return Action{
		Type: CallActivityWithRetry, FunctionName: name,
		RetryOptions: &RetryOptions{MaxNumberOfAttempts: &attempts, FirstRetryIntervalInMilliseconds: first},
	}
}

func done(id int, result string) history.Event {
	return history.Event{Type: history.TaskCompleted, ID: -1, TaskID: id, Result: &result, Action: history.NoAction}
}

func failed(id int) history.Event {
	return history.Event{Type: history.TaskFailed, ID: -1, TaskID: id, Reason: "r", Details: "d", Action: history.NoAction}
}

func fired(id int) history.Event {
	return history.Event{Type: history.TimerFired, ID: -1, TaskID: id, Action: history.NoAction}
}

func raised(name string) history.Event {
	return history.Event{Type: history.EventRaised, ID: -1, Name: name, Action: history.NoAction}
}

// outcomes lets all that was asked for fail and fire.
func outcomes(d *Decisions) (events []history.Event) {
	for _, e := range d.Events {
		switch e.Type {
		case history.TaskScheduled:
			events = append(events, failed(e.ID))
		case history.SubOrchestrationCreated:
			e := failed(e.ID)
			e.Type = history.SubOrchestrationFailed
			events = append(events, e)
		case history.TimerCreated:
			events = append(events, fired(e.ID))
		default:
		}
	}
	return events
}

func begin(t *testing.T, r *Result) (*Orchestration, *Decisions) {
	t.Helper()
	o := New(Config{})
	d, err := o.Apply(epoch, nil, r)
	require.NoError(t, err)
	return o, d
}

func apply(t *testing.T, o *Orchestration, at time.Duration, r *Result, shown ...history.Event) *Decisions {
	t.Helper()
	d, err := o.Apply(epoch.Add(at), shown, r)
	require.NoError(t, err)
	return d
}

// chosen lists what is chosen, by index.
func chosen(o *Orchestration, arrived ...history.Event) []int {
	var list []int
	for _, c := range o.Select(arrived) {
		list = append(list, c.Index)
	}
	return list
}

// summary lists scheduling events by kind and id.
func summary(d *Decisions) string {
	var parts []string
	for _, e := range d.Events {
		parts = append(parts, fmt.Sprintf("%s %d", strings.TrimSuffix(e.Type.String(), "InstanceCreated")+e.Name, e.ID))
	}
	return strings.Join(parts, ", ")
}

func TestFirstEpisode(t *testing.T) {
	t.Parallel()
	o := New(Config{})
	start := history.Event{Type: history.ExecutionStarted, ID: -1, OwnInstanceID: "me", ExecutionID: "x"}
	require.Equal(t, []int{1}, chosen(o, raised("e"), start, done(0, "1")), "the start stands alone")
	require.Empty(t, chosen(o, raised("e")))
	require.False(t, o.NeedsReplay([]history.Event{raised("e")}))
	d := apply(t, o, 0, waiting(Action{Type: CallSubOrchestrator, FunctionName: "S", Version: "2.0"}, activity("A")), start)
	require.Equal(t, "SubOrchestrationS 0, TaskScheduledA 1", summary(d))
	require.Equal(t, "2.0", d.SubOrchestration[0].Version)
	require.Equal(t, "x:0", d.SubOrchestration[0].InstanceID)
	require.Equal(t, "x:0", d.Events[0].InstanceID)
	require.True(t, o.Stale(start))
}

// TestIdsOfRetryBesideActivity: the two orders of any([retry F, A]) and then B.
func TestIdsOfRetryBesideActivity(t *testing.T) {
	t.Parallel()
	first := waiting(compound(WhenAny, retrying("F", 3, 1000), activity("A")))
	then := waiting(first.Actions[0][0], activity("B"))

	o, d := begin(t, first)
	require.Equal(t, "TaskScheduledF 0, TaskScheduledA 1", summary(d))
	require.Equal(t, []int{1, 0}, chosen(o, done(1, "1"), failed(0)), "the failed attempt comes first")
	d = apply(t, o, time.Second, then, failed(0), done(1, "1"))
	require.Equal(t, "TimerCreated 2, TaskScheduledB 3", summary(d))
	require.Equal(t, []Timer{{ID: 2, FireAt: epoch.Add(2 * time.Second)}}, d.Timers)
	d = apply(t, o, 2*time.Second, then, fired(2))
	require.Equal(t, "TaskScheduledF 4", summary(d))

	o, _ = begin(t, first)
	d = apply(t, o, time.Second, then, done(1, "1"))
	require.Equal(t, "TaskScheduledB 2", summary(d))
	d = apply(t, o, time.Second, then, failed(0))
	require.Equal(t, "TimerCreated 3", summary(d))
	d = apply(t, o, 2*time.Second, then, fired(3))
	require.Equal(t, "TaskScheduledF 4", summary(d))
}

func TestOneIdTakingEventPerEpisode(t *testing.T) {
	t.Parallel()
	o, _ := begin(t, waiting(compound(WhenAll, retrying("F", 3, 1), retrying("G", 3, 1), activity("A"), activity("B"))))
	require.Equal(t, []int{1, 0, 3}, chosen(o, done(2, "1"), failed(0), failed(1), done(3, "1"), done(3, "2"), done(99, "1"), fired(0)))
	require.True(t, o.Stale(done(99, "1")))
	require.True(t, o.Stale(fired(0)), "no timer has this id")
	require.False(t, o.Stale(failed(1)))
	require.False(t, o.Stale(raised("nobody")))
}

func TestRetryDelays(t *testing.T) {
	t.Parallel()
	a := retrying("F", 4, 1000)
	a.RetryOptions.BackoffCoefficient, a.RetryOptions.MaxRetryIntervalInMilliseconds = 2, 3000
	r := waiting(a)
	o, d := begin(t, r)
	for i, want := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 0} {
		d = apply(t, o, time.Hour, r, failed(d.Events[0].ID))
		require.Equal(t, epoch.Add(time.Hour+want), d.Timers[0].FireAt, "failure %d", i+1)
		d = apply(t, o, time.Hour, r, fired(d.Events[0].ID))
	}
	require.Empty(t, d.Events, "the last timer makes nothing")

	require.Equal(t, longest, milliseconds(1e300))
	require.Equal(t, time.Duration(0), milliseconds(-1))
	half := 2.5
	o2 := &RetryOptions{MaxNumberOfAttempts: &half}
	require.True(t, o2.exhausted(2, 2))
	require.False(t, o2.exhausted(2, 0))
	require.False(t, (&RetryOptions{}).exhausted(1_000_000, 2))
}

func TestRetryTimeout(t *testing.T) {
	t.Parallel()
	a := retrying("F", 3, 1000)
	a.RetryOptions.RetryTimeoutInMilliseconds = 500
	r := waiting(a)
	o, _ := begin(t, r)
	d := apply(t, o, time.Second, r, failed(0))
	require.Equal(t, epoch.Add(time.Second), d.Timers[0].FireAt, "at once: no time is left")
	for _, id := range []int{2, 4} {
		d = apply(t, o, time.Second, r, fired(id-1))
		require.Equal(t, fmt.Sprintf("TaskScheduledF %d", id), summary(d))
		require.Empty(t, d.Activities, "the attempt is made up")
		require.Len(t, d.Followups, 1)
		require.Equal(t, id, d.Followups[0].TaskID)
		require.Equal(t, "r", d.Followups[0].Reason)
		d = apply(t, o, time.Second, r, d.Followups[0])
		require.Equal(t, fmt.Sprintf("TimerCreated %d", id+1), summary(d))
	}
	d = apply(t, o, time.Second, r, fired(5))
	require.Empty(t, d.Events)
	require.Empty(t, d.Followups)

	endless := retrying("F", 1e9, 1000)
	endless.RetryOptions.RetryTimeoutInMilliseconds = 500
	o, _ = begin(t, waiting(endless))
	_, err := o.Apply(epoch.Add(time.Second), []history.Event{failed(0)}, waiting(endless))
	require.ErrorContains(t, err, "choose a smaller maxNumberOfAttempts")
}

func TestEventsAreHeldBack(t *testing.T) {
	t.Parallel()
	o, _ := begin(t, waiting(activity("A")))
	require.Empty(t, chosen(o, raised("e"), raised("e")), "nobody waits")
	d := apply(t, o, 1, waiting(activity("A"), compound(WhenAny, wait("e"), wait("Other"), activity("B"))), done(0, "1"))
	require.Equal(t, "TaskScheduledB 1", summary(d), "waits have no ids")
	require.Equal(t, []int{1, 3}, chosen(o, raised("unknown"), raised("e"), raised("e"), raised("OTHER")))
	require.Equal(t, "Other", o.Select([]history.Event{raised("OTHER")})[0].Event.Name)

	// The wait is abandoned: the orchestrator goes on with B's outcome and waits for C.
	list := []Action{activity("A"), compound(WhenAny, wait("e"), wait("Other"), activity("B")), activity("C")}
	apply(t, o, 2, waiting(list...), done(1, "1"))
	require.Empty(t, chosen(o, raised("e")), "C is awaited, not the event")
	list = append(list, compound(WhenAny, ref(1), activity("D")))
	apply(t, o, 3, waiting(list...), done(2, "1"))
	require.Equal(t, []int{0}, chosen(o, raised("e")), "the same wait is awaited again")

	// D is done, and no new action: the orchestrator awaits some older task, perhaps the other wait.
	apply(t, o, 4, waiting(list...), done(3, "1"))
	require.Equal(t, []int{0, 1}, chosen(o, raised("e"), raised("Other")))
}

func TestExactSpellingIsPreferred(t *testing.T) {
	t.Parallel()
	o, _ := begin(t, waiting(compound(WhenAll, wait("e"), wait("E"))))
	got := o.Select([]history.Event{raised("E"), raised("e"), raised("e")})
	require.Len(t, got, 2)
	require.Equal(t, "E", got[0].Event.Name)
	require.Equal(t, "e", got[1].Event.Name)
}

// TestWhichWaitGetsTheEvent: the last one in 2.x, even when it is complete; the first one that is open in 1.x.
func TestWhichWaitGetsTheEvent(t *testing.T) {
	t.Parallel()
	r := waiting(compound(WhenAll, wait("e"), wait("e"), wait("e")))
	o, _ := begin(t, r)
	for _, want := range []int{2, 1, 0} {
		shown := []history.Event{raised("e")}
		apply(t, o, 1, r, shown...)
		require.Equal(t, want, shown[0].Action)
	}
	require.Empty(t, chosen(o, raised("e")), "all have one")

	r = &Result{Actions: [][]Action{{wait("e"), wait("e")}}}
	o, _ = begin(t, r)
	for _, want := range []int{0, 1} {
		shown := []history.Event{raised("e")}
		apply(t, o, 1, r, shown...)
		require.Equal(t, want, shown[0].Action)
	}
}

func TestWakes(t *testing.T) {
	t.Parallel()
	all := waiting(compound(WhenAll, activity("A"), activity("B"), retrying("F", 2, 1)))
	o, _ := begin(t, all)
	require.False(t, o.Wakes(nil))
	require.False(t, o.Wakes([]history.Event{done(0, "1")}))
	require.True(t, o.Wakes([]history.Event{failed(0)}), "the first failure ends Task.all")
	require.True(t, o.Wakes([]history.Event{failed(2)}), "the retry needs its timer")
	require.True(t, o.Wakes([]history.Event{done(0, "1"), done(1, "1"), done(2, "1")}))
	require.True(t, o.Wakes([]history.Event{raised("e")}))

	nested := waiting(compound(WhenAny, compound(WhenAll, activity("A"), activity("B")), compound(WhenAll, activity("C"), timer(epoch))))
	o, _ = begin(t, nested)
	require.False(t, o.Wakes([]history.Event{done(0, "1"), done(2, "1")}))
	require.True(t, o.Wakes([]history.Event{done(0, "1"), done(1, "1")}))
	require.True(t, o.Wakes([]history.Event{failed(0)}), "a failed part completes Task.any")
	apply(t, o, 1, nested, done(0, "1"))
	require.True(t, o.Wakes([]history.Event{done(1, "1")}))

	twice := waiting(compound(WhenAll, activity("A"), ref(0)))
	o, _ = begin(t, twice)
	require.True(t, o.Wakes([]history.Event{done(0, "1")}), "one task, twice in the list")

	require.True(t, New(Config{}).Wakes(nil))
}

func TestAtLeast(t *testing.T) {
	t.Parallel()
	require.Equal(t, 0, New(Config{}).AtLeast())
	all := waiting(compound(WhenAll, activity("A"), activity("B"), activity("C")))
	o, _ := begin(t, all)
	require.Equal(t, 3, o.AtLeast())
	apply(t, o, 1, all, done(1, "1"))
	require.Equal(t, 2, o.AtLeast())
	for _, a := range []Action{
		activity("A"),
		compound(WhenAny, activity("A"), activity("B")),
		compound(WhenAll, activity("A"), wait("e")),
		compound(WhenAll, activity("A"), ref(0)),
		compound(WhenAll, compound(WhenAll, activity("A"), activity("B"))),
		compound(WhenAll, activity("A"), Action{Type: CallHTTP, HTTPRequest: json.RawMessage(`{"uri":"http://x"}`)}),
	} {
		o, _ = begin(t, waiting(a))
		require.Equal(t, 1, o.AtLeast(), "%s", &a)
	}
}

func TestTimers(t *testing.T) {
	t.Parallel()
	at := epoch.Add(time.Hour)
	cancelled := Action{Type: CreateTimer, FireAt: at, IsCanceled: true}
	o, d := begin(t, waiting(compound(WhenAny, timer(at), activity("A"))))
	require.Equal(t, []Timer{{ID: 0, FireAt: at}}, d.Timers)
	d = apply(t, o, 1, waiting(compound(WhenAny, cancelled, activity("A")), activity("B")), done(1, "1"))
	require.Equal(t, []int{0}, d.CancelTimers)
	require.Empty(t, chosen(o, fired(0)))
	require.True(t, o.Stale(fired(0)))
	d = apply(t, o, 2, waiting(compound(WhenAny, cancelled, activity("A")), activity("B"), cancelled), done(2, "1"))
	require.Equal(t, "TimerCreated 3", summary(d))
	require.Empty(t, d.Timers, "cancelled before it was yielded")
	require.Empty(t, d.CancelTimers)
	require.True(t, o.Stale(fired(3)))

	// 1.x is shown the end of a timer alone.
	v1 := &Result{Actions: [][]Action{{timer(at), activity("A"), retrying("F", 3, 1)}}}
	o, _ = begin(t, v1)
	require.Equal(t, []int{0}, chosen(o, fired(0), done(1, "1")))
	require.Equal(t, []int{0}, chosen(o, done(1, "1"), fired(0), failed(2)))
	require.Equal(t, []int{1, 0}, chosen(o, done(1, "1"), failed(2), fired(0)))
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	first := waiting(compound(WhenAny, activity("A"), timer(epoch.Add(time.Hour))))
	end := func(r *Result) *Decisions {
		o, _ := begin(t, first)
		return apply(t, o, 1, r, done(0, "1"))
	}
	d := end(&Result{IsDone: true, SchemaVersion: 2, Output: json.RawMessage(`5`), CustomStatus: json.RawMessage(`"s"`), Actions: first.Actions})
	require.Equal(t, Completed, d.Outcome)
	require.JSONEq(t, `5`, string(d.Output))
	require.JSONEq(t, `"s"`, string(d.CustomStatus))

	// What was asked for in the last moment is begun, but no timer.
	more := append(first.Actions[0][:1:1], activity("B"), timer(epoch))
	d = end(&Result{IsDone: true, SchemaVersion: 2, Actions: [][]Action{more}})
	require.Equal(t, "TaskScheduledB 2, TimerCreated 3", summary(d))
	require.Len(t, d.Activities, 1)
	require.Empty(t, d.Timers)

	anew := append(first.Actions[0][:1:1], Action{Type: ContinueAsNewAction, Input: json.RawMessage(`"\"x\""`)})
	r := &Result{IsDone: true, SchemaVersion: 2, Actions: [][]Action{anew}, Output: json.RawMessage(`1`)}
	require.True(t, r.ContinuesAsNew())
	d = end(r)
	require.Equal(t, ContinuedAsNew, d.Outcome)
	require.Nil(t, d.Output)
	require.Equal(t, `"x"`, string(d.NewInput))

	// A failed result has no refs: what looks like a known action is that one.
	d = end(&Result{Failed: true, Error: "e", SchemaVersion: 2, Actions: [][]Action{append(first.Actions[0][:1:1], activity("A"), activity("B"))}})
	require.Equal(t, Failed, d.Outcome)
	require.Equal(t, "e", d.FailureReason)
	require.Equal(t, "TaskScheduledB 2", summary(d))
	d = end(&Result{Failed: true, Error: "e", SchemaVersion: 2, Actions: [][]Action{{activity("Z")}}})
	require.Equal(t, "e", d.FailureReason, "what does not fit is no second failure")
	require.Empty(t, d.Events)
}

// TestDivergenceOfRequests names both sides when requests to entities differ from the recorded ones.
func TestDivergenceOfRequests(t *testing.T) {
	t.Parallel()
	call := func(op string) Action { return Action{Type: CallEntity, InstanceID: "@c@k", Operation: op} }
	lock := Action{Type: LockEntities, LockRequestID: "r", LockSet: []entity.ID{{Name: "c", Key: "k"}}}
	release, signal := Action{Type: ReleaseEntities}, Action{Type: SignalEntity, InstanceID: "@c@k", Operation: "add"}
	cases := map[string]struct {
		before, after []Action
		want          string
	}{
		"operation": {[]Action{call("add")}, []Action{call("get")}, `recorded as CallEntity "@c@k", operation "add", but this replay asks for CallEntity "@c@k", operation "get"`},
		"signal":    {[]Action{signal}, []Action{call("add")}, `recorded as SignalEntity "@c@k", operation "add", but this replay asks for CallEntity`},
		"lock":      {[]Action{lock}, []Action{call("add")}, "recorded as LockEntities, but this replay asks for CallEntity"},
		"release":   {[]Action{lock, release}, []Action{lock, signal}, "recorded as ReleaseEntities, but this replay asks for SignalEntity"},
	}
	for name, c := range cases {
		for _, restored := range []bool{false, true} {
			o := New(Config{})
			d, err := o.Apply(epoch, nil, &Result{SchemaVersion: 3, Actions: [][]Action{c.before}})
			require.NoError(t, err, name)
			if restored {
				o, err = Restore(Config{}, append([]history.Event{{Type: history.OrchestratorStarted, Timestamp: epoch}}, d.Events...))
				require.NoError(t, err, name)
			}
			_, err = o.Apply(epoch, nil, &Result{SchemaVersion: 3, Actions: [][]Action{c.after}})
			require.ErrorContains(t, err, c.want, "%s, restored %v", name, restored)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		action Action
		want   string
	}{
		"entity":  {Action{Type: CallEntity, InstanceID: "counter", Operation: "add"}, `action 0: CallEntity "counter", operation "add": 'counter' cannot be an entity ID: it is not of the form @name@key`},
		"signal":  {Action{Type: SignalEntity, InstanceID: "@@k"}, "has no name"},
		"lock":    {Action{Type: LockEntities}, "lockRequestId or lockSet is missing"},
		"release": {Action{Type: ReleaseEntities}, "there is no lock before it"},
		"own id":  {Action{Type: CallSubOrchestrator, FunctionName: "S", InstanceID: "ME"}, "is the orchestration's own"},
		"parent":  {Action{Type: CallSubOrchestrator, FunctionName: "S", InstanceID: "boss"}, "is that of the orchestration's parent"},
		"at sign": {Action{Type: CallSubOrchestrator, FunctionName: "S", InstanceID: "@x"}, "begins with @"},
	}
	for name, c := range cases {
		o := New(Config{})
		start := history.Event{Type: history.ExecutionStarted, OwnInstanceID: "me", ExecutionID: "x", Parent: &history.ParentInstance{InstanceID: "Boss"}}
		_, err := o.Apply(epoch, []history.Event{start}, waiting(c.action))
		require.ErrorContains(t, err, c.want, name)
	}
	_, err := New(Config{MaxActions: 2}).Apply(epoch, nil, waiting(activity("A"), activity("B"), activity("C")))
	require.ErrorContains(t, err, "asked for 3 actions in one execution; the limit is 2")
	_, err = New(Config{}).Apply(epoch, nil, &Result{Actions: [][]Action{{compound(WhenAll)}}})
	require.ErrorContains(t, err, "schema version 0, but holds a WhenAll")
}
