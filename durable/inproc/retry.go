package inproc

import (
	"math"
	"time"

	"github.com/durango-functions/durango/durable/history"
)

// Retry tells when a failed call is tried again (Azure/durabletask DurableTask.Core/RetryInterceptor.cs:103-130).
type Retry struct {
	First       time.Duration
	MaxAttempts int     // the first one counts
	Coefficient float64 // 0: 1
	Max         time.Duration
	Timeout     time.Duration // from the first attempt; 0: none
	// Handle decides by the failure; nil: yes. It is the user's code and must be deterministic.
	Handle func(failed *history.Event) bool
}

// delay is the time between the failure of attempt n, counted from 1, and the next attempt.
func (r *Retry) delay(n int) time.Duration {
	coefficient := r.Coefficient
	if coefficient <= 0 {
		coefficient = 1
	}
	const longest = 100 * 365 * 24 * time.Hour
	d := longest
	if f := float64(r.First) * math.Pow(coefficient, float64(n-1)); f < float64(longest) {
		d = time.Duration(f)
	}
	if r.Max > 0 {
		d = min(d, r.Max)
	}
	return d
}

// retrying is where a task with retry stands.
type retrying struct {
	policy   *Retry
	call     Call
	attempts int // failed ones
	firstAt  time.Time
	delaying bool // the timer before the next attempt runs
}

// retry takes the completion of an attempt or of a delay.
func (s *Session) retry(t *Task, ev *history.Event) {
	r := t.retry
	switch ev.Type {
	case history.TimerFired:
		r.delaying = false
		s.attempt(t, r.call)
	case history.TaskFailed, history.SubOrchestrationFailed:
		r.attempts++
		if !r.again(ev, s.now) {
			t.settle(ev)
			return
		}
		r.delaying = true
		s.timer(t, r.policy.delay(r.attempts))
	default:
		t.settle(ev)
	}
}

// again reports whether another attempt is made after a failure.
func (r *retrying) again(ev *history.Event, now time.Time) bool {
	p := r.policy
	switch {
	case r.attempts >= p.MaxAttempts, ev.Failure != nil && ev.Failure.IsNonRetriable:
		return false
	case p.Timeout > 0 && !now.Add(p.delay(r.attempts)).Before(r.firstAt.Add(p.Timeout)):
		return false
	default:
		return p.Handle == nil || p.Handle(ev)
	}
}
