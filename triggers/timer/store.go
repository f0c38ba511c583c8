package timer

import (
	"context"
	"time"
)

// snapshot is the record of a timer at one instant of the store's clock. Times are whole milliseconds, zero for none.
type snapshot struct {
	now      time.Time // by the store's clock
	local    time.Time // by ours, when the snapshot arrived, with a monotonic reading
	last     time.Time // start of the last run
	next     time.Time // next occurrence
	updated  time.Time // last change of last or next
	schedule string    // the schedule that next belongs to
	owner    string    // who runs the function, "" for nobody
	leaseEnd time.Time // until when it holds its lease
}

// clock estimates the store's time.
func (s snapshot) clock() time.Time { return s.now.Add(time.Since(s.local)).Truncate(time.Millisecond) }

// held reports whether somebody runs the function.
func (s snapshot) held() bool { return s.owner != "" && s.leaseEnd.After(s.now) }

// store keeps the record of one timer. Each method returns the record as it was before, and does nothing unless the record's next is
// still expect and nobody holds the lease.
type store interface {
	look(ctx context.Context) (snapshot, error)
	// plan sets the schedule and the next occurrence.
	plan(ctx context.Context, expect time.Time, schedule string, next time.Time) (bool, snapshot, error)
	// claim starts a run: an occurrence if it is due, or any time if early. It takes the lease for ttl.
	claim(ctx context.Context, c claim) (bool, snapshot, error)
	// renew extends the lease and reports whether owner still has it.
	renew(ctx context.Context, owner string, ttl time.Duration) (bool, error)
	// finish ends a run, and sets the next occurrence if owner still has the lease.
	finish(ctx context.Context, owner string, next time.Time) (bool, snapshot, error)
}

type claim struct {
	owner  string
	ttl    time.Duration
	expect time.Time
	next   time.Time // after this run, should this host die in it
	early  bool
}
