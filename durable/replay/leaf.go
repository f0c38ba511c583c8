package replay

import (
	"encoding/json"
	"time"

	"github.com/durango-functions/durango/durable/entity"
	"github.com/durango-functions/durango/durable/history"
)

// leaf is one task of the orchestrator, made by one leaf action: a call with all its attempts and delays, a request with all its polls,
// a timer, a wait.
type leaf struct {
	index  int
	action Action
	state  nodeState
	nodes  []*node // where the awaited trees hold it

	// Calls with retry. attempts counts the failed ones; expired: they have run out of time; no further attempt
	// is made, its failure is made up.
	attempts        int
	firstAt         time.Time
	expired         bool
	reason, details string

	// Requests that are polled. dormant is the id of the next request, which waits for the poll timer.
	polled  bool
	request json.RawMessage // the latest
	dormant int

	early    int   // of a wait: events that it got before its place among the waits is known
	timer    *task // of CreateTimer
	recorded bool  // has at least one scheduling event
}

// retries reports whether the leaf is a call with retry.
func (l *leaf) retries() bool {
	return l.action.Type == CallActivityWithRetry || l.action.Type == CallSubOrchestratorWithRetry
}

// task is one id: one attempt, one delay, one timer, one request.
type task struct {
	id     int
	kind   history.EventType // of its scheduling event
	leaf   *leaf             // nil: not known yet
	closed bool              // completed or cancelled
}

// accepts reports whether the event's type is one that completes the task.
func (t *task) accepts(typ history.EventType) bool {
	switch typ {
	case history.TaskCompleted, history.TaskFailed:
		return t.kind == history.TaskScheduled
	case history.SubOrchestrationCompleted, history.SubOrchestrationFailed:
		return t.kind == history.SubOrchestrationCreated
	case history.TimerFired:
		return t.kind == history.TimerCreated
	case history.EventRaised:
		return t.kind == history.EventSent
	default:
		return false
	}
}

// need is what a settled event makes necessary at once, before the generator goes on.
type need int

const (
	needNothing need = iota
	needDelay        // the timer before the next attempt, or the one after the last
	needAttempt      // the next attempt
	needPoll         // the poll timer and the next request
	needRequest      // no id: the dormant request may begin
)

// takesID reports whether the SDK counts ids for it.
func (n need) takesID() bool { return n == needDelay || n == needAttempt || n == needPoll }

// foresee tells what the completion of a task will make necessary. It changes nothing.
func (l *leaf) foresee(e *history.Event, schema int) need {
	if l == nil {
		return needNothing
	}
	switch {
	case l.retries() && (e.Type == history.TaskFailed || e.Type == history.SubOrchestrationFailed):
		return needDelay
	case l.retries() && e.Type == history.TimerFired:
		if l.action.RetryOptions.exhausted(l.attempts, schema) {
			return needNothing
		}
		return needAttempt
	case l.polled && e.Type == history.TaskCompleted:
		if _, ok := parseAccepted(e.Result); ok {
			return needPoll
		}
	case l.polled && e.Type == history.TimerFired:
		return needRequest
	}
	return needNothing
}

// settle records the completion of a task and returns what foresee told.
func (l *leaf) settle(t *task, e *history.Event, now time.Time, schema int) need {
	t.closed = true
	if l == nil {
		return needNothing
	}
	n := l.foresee(e, schema)
	switch n {
	case needDelay:
		l.attempts++
		l.reason, l.details = e.Reason, e.Details
		l.expired = l.expired || l.action.RetryOptions.expired(l.firstAt, now)
	case needAttempt, needPoll, needRequest:
	case needNothing:
		l.finish(l.fails(e))
	}
	return n
}

// fails reports whether the leaf has failed when its last event is e.
func (l *leaf) fails(e *history.Event) bool {
	if e.Type == history.EventRaised {
		return l.action.Type == CallEntity && entity.IsFailure(e.Input)
	}
	return e.Type == history.TaskFailed || e.Type == history.SubOrchestrationFailed || (l.retries() && e.Type == history.TimerFired)
}

// finish tells the trees that hold the leaf.
func (l *leaf) finish(failed bool) {
	if l.state != pending {
		return
	}
	l.state = completed
	if failed {
		l.state = faulted
	}
	for _, n := range l.nodes {
		n.settle(l.state)
	}
}
