package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable/history"
)

// maxMadeUp bounds the attempts that are made up for a retry that has run out of time.
const maxMadeUp = 1000

// Apply takes the result of an episode, which was shown the events (from Select; the first episode's may be empty, or its
// ExecutionStarted) at the time now, that of the episode's OrchestratorStarted. It notes in the Action of a shown EventRaised which wait
// got it; the events are to be stored afterwards.
func (o *Orchestration) Apply(now time.Time, shown []history.Event, r *Result) (*Decisions, error) {
	d := &Decisions{CustomStatus: r.CustomStatus}
	if r.Failed {
		d.Outcome, d.FailureReason, d.Failure = Failed, r.Error, r.Failure
		o.now, o.started = truncate(now), true
		o.applyFailed(r, shown, d)
		return d, nil
	}
	fresh, err := o.absorb(r)
	if err != nil {
		return nil, err
	}
	o.now, o.started = truncate(now), true
	for i := range shown {
		if err := o.show(&shown[i], d); err != nil {
			return nil, err
		}
	}
	o.advance()
	for _, l := range fresh {
		if err := o.schedule(l, d); err != nil {
			return nil, err
		}
	}
	o.settleEntries()
	d.CancelTimers = o.dropCancelled()
	o.conclude(r, d)
	return d, nil
}

// show records a shown event and gives the ids that it makes necessary.
func (o *Orchestration) show(e *history.Event, d *Decisions) error {
	n, l := o.take(e)
	switch n {
	case needDelay:
		return o.delay(l, d)
	case needAttempt:
		if l.expired {
			return o.makeUp(l, d)
		}
		return o.emitAttempt(l, d)
	case needPoll:
		return o.poll(l, e, d)
	case needRequest:
		d.Activities = append(d.Activities, Activity{ID: l.dormant, Name: HTTPActivityName, Input: l.request})
	case needNothing:
	}
	return nil
}

// delay makes the timer after a failed attempt. After the last attempt the SDK waits for one more, which fires at once.
func (o *Orchestration) delay(l *leaf, d *Decisions) error {
	fireAt := o.now
	switch options := l.action.RetryOptions; {
	case options.exhausted(l.attempts, o.schema):
	case l.expired:
		if options.MaxNumberOfAttempts == nil || !options.exhausted(l.attempts+maxMadeUp, o.schema) {
			return fmt.Errorf("the retryTimeout of %s has ended after %d attempts, but its maxNumberOfAttempts would allow more than %d others, which the SDK counts one by one; "+
				"choose a smaller maxNumberOfAttempts. The last failure: %s", &l.action, l.attempts, maxMadeUp, l.reason)
		}
	default:
		fireAt = o.now.Add(options.delay(l.attempts))
	}
	return o.emitTimer(l, fireAt, d)
}

// makeUp gives the next attempt of a retry that has run out of time its id and lets it fail like the last real one. The SDK knows nothing of
// retryTimeout and reckons with all attempts.
func (o *Orchestration) makeUp(l *leaf, d *Decisions) error {
	e, _ := o.attempt(l)
	failed := history.Event{
		Type: history.TaskFailed, ID: -1, Timestamp: o.now, TaskID: e.ID, Reason: l.reason, Details: l.details, Action: history.NoAction,
	}
	if e.Type == history.SubOrchestrationCreated {
		failed.Type = history.SubOrchestrationFailed
	}
	d.Followups = append(d.Followups, failed)
	return o.emit(e, l, d)
}

// poll makes the timer before the next request of a polled one, and the request itself, which begins when the timer has fired.
func (o *Orchestration) poll(l *leaf, e *history.Event, d *Decisions) error {
	answer, _ := parseAccepted(e.Result)
	next, err := pollRequest(l.request, answer.location)
	if err != nil {
		return fmt.Errorf("action %d: %s: %w", l.index, &l.action, err)
	}
	if err := o.emitTimer(l, o.now.Add(answer.delay(o.now, o.cfg.DefaultHTTPSleep)), d); err != nil {
		return err
	}
	request := o.event(history.TaskScheduled, l)
	request.Name, request.Input = HTTPActivityName, text(next)
	return o.emit(request, l, d)
}

// schedule gives a new leaf its id.
func (o *Orchestration) schedule(l *leaf, d *Decisions) error {
	switch l.action.Type {
	case CreateTimer:
		return o.emitTimer(l, l.action.FireAt, d)
	case CallHTTP:
		input, _, err := firstRequest(l.action.HTTPRequest, o.schema)
		if err != nil {
			return err
		}
		e := o.event(history.TaskScheduled, l)
		e.Name, e.Input = HTTPActivityName, text(input)
		d.Activities = append(d.Activities, Activity{ID: e.ID, Name: e.Name, Input: input})
		return o.emit(e, l, d)
	case CallEntity, SignalEntity, ScheduledSignalEntity, LockEntities, ReleaseEntities:
		return o.request(l, d)
	case CallSubOrchestrator, CallSubOrchestratorWithRetry:
		if err := o.checkSubID(l.action.InstanceID); err != nil {
			return fmt.Errorf("action %d: %s: %w", l.index, &l.action, err)
		}
	default:
	}
	return o.emitAttempt(l, d)
}

func (o *Orchestration) emitAttempt(l *leaf, d *Decisions) error {
	e, input := o.attempt(l)
	if e.Type == history.SubOrchestrationCreated {
		d.SubOrchestration = append(d.SubOrchestration, SubOrchestration{ID: e.ID, Name: e.Name, InstanceID: e.InstanceID, Version: e.Version, Input: input})
	} else {
		d.Activities = append(d.Activities, Activity{ID: e.ID, Name: e.Name, Input: input})
	}
	return o.emit(e, l, d)
}

func (o *Orchestration) emitTimer(l *leaf, fireAt time.Time, d *Decisions) error {
	e := o.event(history.TimerCreated, l)
	e.FireAt = truncate(fireAt)
	if l.action.Type != CreateTimer || !l.action.IsCanceled {
		d.Timers = append(d.Timers, Timer{ID: e.ID, FireAt: e.FireAt})
	}
	return o.emit(e, l, d)
}

func (o *Orchestration) emit(e history.Event, l *leaf, d *Decisions) error {
	d.Events = append(d.Events, e)
	t, err := o.record(&e, l)
	if err == nil && l.action.Type == CreateTimer {
		t.closed = l.action.IsCanceled
	}
	return err
}

func (o *Orchestration) event(typ history.EventType, l *leaf) history.Event {
	return history.Event{Type: typ, ID: o.nextID, Timestamp: o.now, Action: l.index}
}

// attempt is the scheduling event of a call, and its input.
func (o *Orchestration) attempt(l *leaf) (e history.Event, input json.RawMessage) {
	a := &l.action
	e, input = o.event(history.TaskScheduled, l), a.input(o.schema)
	e.Name, e.Input = a.FunctionName, text(input)
	if a.Type == CallSubOrchestrator || a.Type == CallSubOrchestratorWithRetry {
		e.Type, e.InstanceID, e.Version = history.SubOrchestrationCreated, a.InstanceID, a.Version
		if e.InstanceID == "" && o.executionID != "" {
			e.InstanceID = fmt.Sprintf("%s:%d", o.executionID, e.ID)
		}
	}
	return e, input
}

// checkSubID refuses instance IDs that a sub-orchestration cannot have
// (azure-functions-durable-extension ContextImplementations/DurableOrchestrationContext.cs:594-607).
func (o *Orchestration) checkSubID(id string) error {
	switch {
	case id == "":
		return nil
	case strings.HasPrefix(id, "@"):
		return fmt.Errorf("the instance ID %q begins with @, which only entities do", id)
	case strings.EqualFold(id, o.instanceID):
		return fmt.Errorf("the instance ID %q is the orchestration's own", id)
	case o.parentID != "" && strings.EqualFold(id, o.parentID):
		return fmt.Errorf("the instance ID %q is that of the orchestration's parent", id)
	default:
		return nil
	}
}

// conclude finds the outcome. Tasks that are still open do not keep an orchestration from ending; its timers are dropped.
func (o *Orchestration) conclude(r *Result, d *Decisions) {
	if !r.IsDone {
		return
	}
	d.Timers = nil
	d.Outcome, d.Output = Completed, r.Output
	for _, l := range o.leaves {
		if l.action.Type == ContinueAsNewAction {
			d.Outcome, d.Output, d.NewInput = ContinuedAsNew, nil, l.action.input(o.schema)
			return
		}
	}
}

// applyFailed schedules what the orchestrator had asked for before it failed. A failed result names no repeated tasks, so an action that
// looks like one before it counts as repeated. Where the actions do not fit, the failure alone counts.
func (o *Orchestration) applyFailed(r *Result, shown []history.Event, d *Decisions) {
	if !o.learned && o.stored != nil {
		return
	}
	o.schema = r.SchemaVersion
	fresh := o.newAfterFailure(r)
	d2 := &Decisions{}
	for i := range shown {
		if err := o.show(&shown[i], d2); err != nil {
			return // the orchestrator's own failure is what counts
		}
	}
	for _, a := range fresh {
		l, err := o.newLeaf(len(o.leaves), a)
		if err != nil || !a.takesID() {
			return // as above
		}
		o.leaves = append(o.leaves, l)
		if err := o.schedule(l, d2); err != nil {
			return // as above
		}
	}
	d.Events, d.Activities, d.SubOrchestration, d.Requests = d2.Events, d2.Activities, d2.SubOrchestration, d2.Requests
}

// newAfterFailure returns the leaf actions of a failed result that are new.
func (o *Orchestration) newAfterFailure(r *Result) (fresh []*Action) {
	next, fits := 0, true
	var walk func(list []Action)
	walk = func(list []Action) {
		for i := range list {
			a := &list[i]
			switch {
			case !fits:
				return
			case a.isCompound() && a.Ref == nil:
				walk(a.CompoundActions)
			case a.Ref != nil:
			case next < len(o.leaves) && o.leaves[next].action.same(a):
				next++
			case o.looksRepeated(a, next):
			case next == len(o.leaves):
				fresh = append(fresh, a)
			default:
				fits = false
			}
		}
	}
	for _, list := range r.Actions {
		walk(list)
	}
	if !fits {
		return nil
	}
	return fresh
}

func (o *Orchestration) looksRepeated(a *Action, before int) bool {
	if a.Type == SignalEntity || a.Type == ScheduledSignalEntity || a.Type == ReleaseEntities {
		return false // nobody can await them, so each stands for itself
	}
	for _, l := range o.leaves[:before] {
		b := &l.action
		if b.same(a) && bytes.Equal(compact(a.Input), compact(b.Input)) && a.FireAt.Equal(b.FireAt) {
			return true
		}
	}
	return false
}

func compact(raw json.RawMessage) []byte {
	var buf bytes.Buffer
	if json.Compact(&buf, raw) != nil {
		return raw
	}
	return buf.Bytes()
}
