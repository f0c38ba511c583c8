package durabletest

import (
	"fmt"
	"time"
)

// Advance moves the clock on by d and lets all happen that is due on the way, in its order. Without ManualTime, the clock may then go on by
// itself again.
func (e *Env) Advance(d time.Duration) {
	e.t.Helper()
	switch {
	case d < 0:
		e.fatal(fmt.Errorf("the clock cannot go back by %s", -d))
	case e.driving:
		e.fatal(fmt.Errorf("an activity, or a function of After, cannot move the clock; let it take its time with Takes"))
	}
	until := e.now.Add(d)
	e.settle(&until)
	e.now = until
	e.settle(nil)
}

// After calls f when the clock has gone on by d, on the test's goroutine: to raise an event while an orchestration waits, for example. As long
// as such a function is ahead, the clock goes on although an orchestration waits for an external event.
func (e *Env) After(d time.Duration, f func()) {
	e.enqueue(&item{due: e.now.Add(max(d, 0)), call: f})
}

// settle lets everything happen that can: up to a time, or as far as the clock goes by itself. A failure ends the test.
func (e *Env) settle(until *time.Time) {
	e.t.Helper()
	if e.driving {
		return // a function that is being called has done something; it takes effect when the function returns
	}
	if e.broken == nil {
		e.broken = e.drive(until)
	}
	if e.broken != nil {
		e.fatal(e.broken)
	}
}

func (e *Env) drive(until *time.Time) error {
	e.driving, e.episodes = true, 0
	defer func() { e.driving = false }()
	for {
		worked, err := e.workNow()
		if err != nil {
			return err
		}
		if worked {
			continue
		}
		if e.skip(until) {
			continue
		}
		if worked, err = e.flush(); err != nil || !worked {
			return err
		}
	}
}

// skip moves the clock to the next item, if it may.
func (e *Env) skip(until *time.Time) bool {
	it := e.next()
	switch {
	case it == nil:
		return false
	case until != nil:
		if it.due.After(*until) {
			return false
		}
	case e.manual, e.blocked > 0 && e.callbacks == 0:
		return false
	}
	e.now = it.due
	return true
}

// workNow does one of the things that can be done without moving the clock.
func (e *Env) workNow() (bool, error) {
	it := e.next()
	due := it != nil && !it.due.After(e.now)
	var choices []func() error
	if len(e.calls) > 0 {
		choices = append(choices, e.callOne)
	}
	if due {
		choices = append(choices, func() error { e.happen(it); return nil })
	}
	// Without a shuffle an orchestrator is shown together what comes at one time.
	if len(e.ready) > 0 && (len(choices) == 0 || e.random != nil) {
		choices = append(choices, e.episodeOfOne)
	}
	if len(choices) == 0 {
		return false, nil
	}
	return true, choices[e.pick(len(choices))]()
}

// pick is the first of n, or any in a shuffle.
func (e *Env) pick(n int) int {
	if e.random == nil {
		return 0
	}
	return e.random.IntN(n)
}

// take takes one out of a list.
func take[T any](e *Env, list *[]T) T {
	l := *list
	i := e.pick(len(l))
	taken := l[i]
	l[i] = l[0]
	var none T
	l[0] = none
	*list = l[1:]
	return taken
}

func (e *Env) callOne() error {
	e.perform(take(e, &e.calls))
	return nil
}

func (e *Env) episodeOfOne() error {
	r := take(e, &e.ready)
	r.queued = false
	switch {
	case !r.runs() || r.suspended():
		return nil
	case !r.awaitsMore():
		return e.episodeOf(r)
	case !r.waits:
		r.waits = true
		e.waiting = append(e.waiting, r)
	}
	return nil
}

// flush records what has come for orchestrators and does not get them on yet, so that the test finds it in their histories.
func (e *Env) flush() (bool, error) {
	worked := false
	waiting := e.waiting
	e.waiting = nil
	for _, r := range waiting {
		r.waits = false
		if r.fresh && r.runs() && !r.suspended() {
			worked = true
			if err := e.episodeOf(r); err != nil {
				return worked, err
			}
		}
	}
	return worked, nil
}

func (e *Env) episodeOf(r *Run) error {
	e.episodes++
	if e.episodes > e.maxEpisodes {
		return fmt.Errorf("%d episodes have followed one step of the test, the last one of %s in its execution %d: is it an orchestration that never ends? "+
			"Call ManualTime and move the clock with Advance for as long as the test needs it (MaxEpisodes changes the limit)",
			e.maxEpisodes, r.title(), r.executions)
	}
	return r.episode()
}
