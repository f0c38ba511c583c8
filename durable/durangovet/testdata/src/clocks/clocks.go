// Package clocks has orchestrators that look at the host's clock.
package clocks

import (
	"time"

	"github.com/durango-functions/durango/durable"
)

func Now(o *durable.Orchestration) (time.Duration, error) {
	started := time.Now()                                  // want `orchestrator Now calls time\.Now: each replay gets another time; use o\.Now\(\)`
	_ = time.Until(started)                                // want `orchestrator Now calls time\.Until`
	return time.Since(started) + o.Now().Sub(started), nil // want `orchestrator Now calls time\.Since`
}

func Wait(o *durable.Orchestration) {
	time.Sleep(time.Second)                // want `orchestrator Wait calls time\.Sleep: the host forgets the wait when it stops, and waits again on each replay; use o\.Sleep, or await o\.CreateTimer`
	time.AfterFunc(time.Second, func() {}) // want `calls time\.AfterFunc`
	_ = time.After(time.Second)            // want `calls time\.After`
	_ = time.Tick(time.Second)             // want `calls time\.Tick`
	_ = time.NewTimer(time.Second)         // want `calls time\.NewTimer`
	_ = time.NewTicker(time.Second)        // want `calls time\.NewTicker`
}

func Zone(o *durable.Orchestration) {
	_ = time.Date(2026, 1, 1, 0, 0, 0, 0, time.Local) // want `orchestrator Zone uses time\.Local: the time zone is the host's; use UTC, or a zone that the input names`
	_ = o.Now().Local()                               // want `calls time\.Time\.Local`
}

func Value(o *durable.Orchestration) time.Time {
	clock := time.Now // want `orchestrator Value uses time\.Now`
	return clock()
}

// Helped gets at the clock through two helpers, one of which a closure calls.
func Helped(o *durable.Orchestration) {
	deadline := func() time.Time { return soon(time.Minute) }
	_ = deadline()
}

func soon(d time.Duration) time.Time { return stamp().Add(d) }

func stamp() time.Time {
	return time.Now() // want `orchestrator Helped calls soon, which calls stamp, which calls time\.Now: each replay gets another time; use o\.Now\(\)`
}

type deadlines struct{ limit time.Duration }

func (d *deadlines) next() time.Time {
	return time.Now().Add(d.limit) // want `orchestrator Method calls deadlines\.next, which calls time\.Now`
}

func Method(o *durable.Orchestration) {
	d := &deadlines{}
	_ = d.next()
}

// Fine does what is allowed.
func Fine(o *durable.Orchestration) error {
	at := o.Now().Add(5 * time.Minute).UTC()
	_ = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := time.ParseDuration("5m"); err != nil {
		return err
	}
	if _, err := durable.SideEffect(o, time.Now); err != nil {
		return err
	}
	_, err := o.CreateTimer(at).Await()
	return err
}

// unreached is nobody's concern.
func unreached() time.Time { return time.Now() }
