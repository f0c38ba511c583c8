package durabletest

import (
	"fmt"
	"time"

	"github.com/durango-functions/durango/durable/inproc"
)

// patience is how long a goroutine of an orchestrator may run before it is looked at. It is blocked when several looks in a row find it at
// the same place in the user's code, and in any case after the last look.
const (
	patience  = 3 * time.Second
	lookEvery = 500 * time.Millisecond
	sameLooks = 3
	maxLooks  = 240
)

// stuckError tells that the goroutine of an orchestrator does not come back.
type stuckError struct {
	instance, orchestrator string
	what                   string // what it does not do
	where                  string
}

func (e *stuckError) Error() string {
	where := e.where
	if where == "" {
		where = "(it is not found)"
	}
	return fmt.Sprintf("instance '%s' of '%s' %s: it blocks on something that is not its orchestration's. "+
		"An orchestrator must not sleep, do I/O, or wait for channels, locks or goroutines: that is for activities. It is\n%s",
		e.instance, e.orchestrator, e.what, where)
}

// stepSession runs one step of a session.
func stepSession(s *inproc.Session, step *inproc.Step) (*inproc.Outcome, error) {
	var out *inproc.Outcome
	done := make(chan struct{})
	s.Step(step, func(o *inproc.Outcome) {
		out = o
		close(done)
	})
	if err := waitFor(s, done, "does not come to an await"); err != nil {
		return nil, err
	}
	return out, nil
}

// closeSession ends a session and waits for its goroutine.
func closeSession(s *inproc.Session, cause error) error {
	s.Close(cause)
	return waitFor(s, s.Gone(), "does not end, in its deferred functions")
}

// waitFor waits for a session. This is the only place where real time matters: a test passes without it.
func waitFor(s *inproc.Session, done <-chan struct{}, what string) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	where, same := "", 0
	for looks := 1; ; looks++ {
		select {
		case <-done:
			return nil
		case <-timer.C:
		}
		at := inproc.WhereIs(s.Info().InstanceID)
		if at != where || at == "" { // it is in a session's own code, or on its way
			where, same = at, 0
		}
		if same++; same >= sameLooks || looks >= maxLooks {
			return &stuckError{instance: s.Info().InstanceID, orchestrator: s.Info().Name, what: what, where: where}
		}
		timer.Reset(lookEvery)
	}
}

// evict takes the run out of memory.
func (r *Run) evict(cause error) error {
	s := r.session
	if s == nil {
		return nil
	}
	r.session = nil
	return closeSession(s, cause)
}
