package management_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/durango-functions/durango/durable"
)

// fakeStore is a task hub in memory whose instances only change when they are told to.
type fakeStore struct {
	mu            sync.Mutex
	instances     map[string]*durable.Status
	calls         []string // what was ordered, in order
	broken        error    // all calls fail with it
	changed       chan struct{}
	onCreate      func(st *durable.Status) // decides what becomes of a new instance
	purged        []durable.PurgeFilter
	queries       []durable.Query
	entities      map[durable.EntityID]json.RawMessage
	entityQueries []durable.EntityQuery
	now           time.Time
}

func newFakeStore() *fakeStore {
	return &fakeStore{
		entities: map[durable.EntityID]json.RawMessage{}, instances: map[string]*durable.Status{}, changed: make(chan struct{}), now: time.Date(2018, 3, 10, 10, 1, 0, 123456789, time.UTC),
	}
}

// put makes an instance with a status.
func (f *fakeStore) put(id string, status durable.RuntimeStatus) *durable.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	st := &durable.Status{Name: "HelloWorld", InstanceID: id, RuntimeStatus: status, CreatedTime: f.now, LastUpdated: f.now}
	f.instances[id] = st
	return st
}

// set changes an instance and tells those who wait.
func (f *fakeStore) set(id string, change func(st *durable.Status)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	st := *f.instances[id]
	change(&st)
	f.instances[id] = &st
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeStore) called() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

func (f *fakeStore) Create(_ context.Context, req durable.CreateRequest) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return f.broken
	}
	if old := f.instances[req.InstanceID]; old != nil && !old.RuntimeStatus.IsFinished() && !req.AnyState {
		return &durable.InstanceExistsError{InstanceID: req.InstanceID, Status: old.RuntimeStatus}
	}
	st := &durable.Status{
		Name: req.Name, InstanceID: req.InstanceID, ExecutionID: req.ExecutionID, Version: req.Version, Input: req.Input,
		RuntimeStatus: durable.Pending, CreatedTime: f.now, LastUpdated: f.now,
	}
	if f.onCreate != nil {
		f.onCreate(st)
	}
	f.instances[req.InstanceID] = st
	f.calls = append(f.calls, fmt.Sprintf("create %s %s %s", req.Name, req.InstanceID, req.Input))
	return nil
}

// order does something to a live instance.
func (f *fakeStore) order(id, call string, refuse func(durable.RuntimeStatus) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	st := f.instances[id]
	if f.broken != nil {
		return f.broken
	}
	if st == nil {
		return durable.ErrInstanceNotFound
	}
	if err := refuse(st.RuntimeStatus); err != nil {
		return err
	}
	f.calls = append(f.calls, call)
	return nil
}

func live(s durable.RuntimeStatus) error {
	if s.IsFinished() {
		return fmt.Errorf("%w: its status is %s", durable.ErrInstanceFinished, s)
	}
	return nil
}

func (f *fakeStore) RaiseEvent(_ context.Context, id, name string, data json.RawMessage) error {
	return f.order(id, fmt.Sprintf("event %s %s %s", id, name, data), live)
}

func (f *fakeStore) Terminate(_ context.Context, id, reason string, cascade bool) error {
	return f.order(id, fmt.Sprintf("terminate %s %q %t", id, reason, cascade), live)
}

func (f *fakeStore) Suspend(_ context.Context, id, reason string) error {
	return f.order(id, fmt.Sprintf("suspend %s %q", id, reason), func(s durable.RuntimeStatus) error {
		if s == durable.Suspended {
			return durable.ErrInstanceSuspended
		}
		return live(s)
	})
}

func (f *fakeStore) Resume(_ context.Context, id, reason string) error {
	return f.order(id, fmt.Sprintf("resume %s %q", id, reason), func(s durable.RuntimeStatus) error {
		if err := live(s); err != nil || s == durable.Suspended {
			return err
		}
		return durable.ErrInstanceNotSuspended
	})
}

func (f *fakeStore) Rewind(_ context.Context, id, reason string) error {
	return f.order(id, fmt.Sprintf("rewind %s %q", id, reason), func(s durable.RuntimeStatus) error {
		if s != durable.Failed {
			return fmt.Errorf("%w: its status is %s", durable.ErrInstanceNotFailed, s)
		}
		return nil
	})
}

func (f *fakeStore) Status(_ context.Context, id string, opts durable.StatusOptions) (*durable.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return nil, f.broken
	}
	st := f.instances[id]
	if st == nil {
		return nil, durable.ErrInstanceNotFound
	}
	out := *st
	if !opts.History {
		out.History = nil
	}
	return &out, nil
}

// Query gives pages in the order of IDs; the token is the last ID.
func (f *fakeStore) Query(_ context.Context, q durable.Query) (*durable.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queries = append(f.queries, q)
	if strings.HasPrefix(q.ContinuationToken, "!") {
		return nil, fmt.Errorf("%w: %q", durable.ErrBadContinuationToken, q.ContinuationToken)
	}
	var found []*durable.Status
	for _, st := range f.instances {
		if st.InstanceID > q.ContinuationToken && strings.HasPrefix(st.InstanceID, q.InstanceIDPrefix) &&
			(len(q.RuntimeStatus) == 0 || slices.Contains(q.RuntimeStatus, st.RuntimeStatus)) {
			found = append(found, st)
		}
	}
	slices.SortFunc(found, func(a, b *durable.Status) int { return cmp.Compare(a.InstanceID, b.InstanceID) })
	page := &durable.Page{Instances: found}
	if len(found) > q.Top {
		page.Instances = found[:q.Top]
		page.ContinuationToken = found[q.Top-1].InstanceID
	}
	return page, f.broken
}

func (f *fakeStore) Purge(_ context.Context, id string) error {
	err := f.order(id, "purge "+id, func(durable.RuntimeStatus) error { return nil })
	if err == nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.instances, id)
	}
	return err
}

func (f *fakeStore) PurgeWhere(_ context.Context, filter durable.PurgeFilter) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.purged = append(f.purged, filter)
	n := 0
	for id, st := range f.instances {
		if st.RuntimeStatus.IsFinished() && len(filter.RuntimeStatus) == 0 || slices.Contains(filter.RuntimeStatus, st.RuntimeStatus) {
			delete(f.instances, id)
			n++
		}
	}
	return n, f.broken
}

func (f *fakeStore) Wait(ctx context.Context, id string, until func(durable.RuntimeStatus) bool) (*durable.Status, error) {
	for {
		f.mu.Lock()
		st, changed := f.instances[id], f.changed
		f.mu.Unlock()
		switch {
		case st == nil:
			return nil, durable.ErrInstanceNotFound
		case until(st.RuntimeStatus):
			return st, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting: %w", context.Cause(ctx))
		}
	}
}

// SignalEntity lets each operation count as one that adds its input to a list; "delete" deletes.
func (f *fakeStore) SignalEntity(_ context.Context, s durable.EntitySignal) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return f.broken
	}
	f.calls = append(f.calls, fmt.Sprintf("signal %s %q %s", s.Entity, s.Operation, s.Input))
	if s.Operation == "delete" {
		delete(f.entities, s.Entity)
		return nil
	}
	f.entities[s.Entity] = s.Input
	return nil
}

func (f *fakeStore) ReadEntity(_ context.Context, id durable.EntityID) (*durable.EntityStatus, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	state, ok := f.entities[id]
	if !ok {
		return nil, durable.ErrEntityNotFound
	}
	return &durable.EntityStatus{Entity: id, State: state, LastOperation: f.now}, f.broken
}

func (f *fakeStore) QueryEntities(_ context.Context, q durable.EntityQuery) (*durable.EntityPage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entityQueries = append(f.entityQueries, q)
	page := &durable.EntityPage{ContinuationToken: "next"}
	for id, state := range f.entities {
		page.Entities = append(page.Entities, &durable.EntityStatus{Entity: id, State: state, LastOperation: f.now})
	}
	return page, f.broken
}

var _ durable.Store = (*fakeStore)(nil)
