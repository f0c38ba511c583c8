package taskhub

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/entity"
)

// The fields of an entity's HASH, besides fieldUpdated and fieldRevision.
const (
	fieldExists = "ex" // "1" or absent
	fieldState  = "st" // JSON; absent: none
	fieldLock   = "lo" // JSON of an engine.EntityLock; absent: none
)

// entityOps are the operations of a change of an entity.
func entityOps(o *operations, c *engine.Change) error {
	en := c.Entity
	if en.Delete {
		o.text("D", "1", "")
		pendingOps(o, c)
		return nil
	}
	o.text("f")
	count := o.later()
	first := o.n
	o.text(fieldUpdated)
	o.number(en.Updated.UnixMilli())
	if c.Revision == 0 {
		o.text(fieldRevision, "1")
	}
	var drop []string
	set := func(name string, value []byte) {
		if value == nil {
			drop = append(drop, name)
			return
		}
		o.text(name)
		o.bytes(value)
	}
	var exists, lock []byte
	if en.State.Exists {
		exists = []byte("1")
	}
	if en.Lock != nil {
		var err error
		if lock, err = json.Marshal(en.Lock); err != nil {
			return fmt.Errorf("entity %q: %w", c.InstanceID, err)
		}
	}
	set(fieldExists, exists)
	set(fieldState, en.State.Value)
	set(fieldLock, lock)
	o.set(count, o.n-first)
	if c.Revision == 0 {
		o.text("N", "1", "")
	} else {
		o.texts("F", drop)
	}
	pendingOps(o, c)
	return nil
}

// LoadEntity reads one entity, nil when there is none.
func (h *Hub) LoadEntity(ctx context.Context, p int, id string) (*engine.EntityRecord, error) {
	reply, err := h.shareRead(ctx, p, loadScript, id, "e").Slice()
	if err != nil {
		return nil, fmt.Errorf("loading entity %q: %w", id, err)
	}
	fields := texts(reply[0])
	if len(fields) == 0 {
		return nil, nil
	}
	rec, err := parseEntity(id, fields)
	if err != nil {
		return nil, err
	}
	pending := texts(reply[2])
	for i := 0; i+1 < len(pending); i += 2 {
		seq, err := strconv.ParseInt(pending[i], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("entity %q: waiting message %q has no number", id, pending[i])
		}
		rec.Pending = append(rec.Pending, engine.PendingEvent{Seq: seq, Event: []byte(pending[i+1])})
	}
	sortPending(rec.Pending)
	return rec, nil
}

func parseEntity(id string, flat []string) (*engine.EntityRecord, error) {
	rec := &engine.EntityRecord{ID: id}
	for i := 0; i+1 < len(flat); i += 2 {
		value := flat[i+1]
		var err error
		switch flat[i] {
		case fieldExists:
			rec.State.Exists = true
		case fieldState:
			rec.State.Value = json.RawMessage(value)
		case fieldLock:
			err = json.Unmarshal([]byte(value), &rec.Lock)
		case fieldUpdated:
			rec.Updated, err = parseMillis(value)
		case fieldRevision:
			rec.Revision, err = strconv.ParseInt(value, 10, 64)
		}
		if err != nil {
			return nil, fmt.Errorf("entity %q: field %s holds %q: %w", id, flat[i], value, err)
		}
	}
	return rec, nil
}

// SignalEntity implements durable.Store.
func (h *Hub) SignalEntity(ctx context.Context, s durable.EntitySignal) error {
	id := s.Entity.String()
	if err := h.checkSize("the input of the operation", len(s.Input)); err != nil {
		return err
	}
	m := engine.Message{Kind: engine.MessageOperation, InstanceID: id, Name: s.Operation, Data: s.Input}
	if !s.At.IsZero() {
		m.Due = max(s.At.UnixMilli(), 1)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("signalling entity %q: %w", id, err)
	}
	if err := h.share(ctx, h.PartitionOf(id), signalScript, raw).Err(); err != nil {
		return fmt.Errorf("signalling entity %q: %w", id, err)
	}
	return nil
}

// ReadEntity implements durable.Store.
func (h *Hub) ReadEntity(ctx context.Context, id durable.EntityID) (*durable.EntityStatus, error) {
	p := h.PartitionOf(id.String())
	reply, err := h.shareRead(ctx, p, loadScript, id.String(), "").Slice()
	if err != nil {
		return nil, fmt.Errorf("reading entity %q: %w", id, err)
	}
	rec, err := parseEntity(id.String(), texts(reply[0]))
	if err != nil {
		return nil, err
	}
	if !rec.State.Exists {
		return nil, durable.ErrEntityNotFound
	}
	return entityStatus(rec)
}

func entityStatus(rec *engine.EntityRecord) (*durable.EntityStatus, error) {
	id, err := entity.Parse(rec.ID)
	if err != nil {
		return nil, err
	}
	st := &durable.EntityStatus{Entity: id, State: rec.State.Value, LastOperation: rec.Updated}
	if rec.Lock != nil {
		st.LockedBy = rec.Lock.InstanceID
	}
	return st, nil
}

// QueryEntities implements durable.Store. Order: entity ID.
func (h *Hub) QueryEntities(ctx context.Context, q durable.EntityQuery) (*durable.EntityPage, error) {
	top := cmp.Or(q.Top, 100)
	prefix := "@"
	if q.Name != "" {
		prefix = "@" + strings.ToLower(q.Name) + "@"
	}
	from := "[" + prefix
	if q.ContinuationToken != "" {
		after, err := base64.RawURLEncoding.DecodeString(q.ContinuationToken)
		if err != nil || !entity.Is(string(after)) {
			return nil, fmt.Errorf("%w: %q", durable.ErrBadContinuationToken, q.ContinuationToken)
		}
		from = "(" + string(after)
	}
	var found []*durable.EntityStatus
	for p := range h.partitions {
		some, err := h.entitiesOf(ctx, p, q, from, "["+prefix+"\xff", top+1)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	slices.SortFunc(found, func(a, b *durable.EntityStatus) int { return strings.Compare(a.Entity.String(), b.Entity.String()) })
	page := &durable.EntityPage{Entities: found}
	if len(found) > top {
		page.Entities = found[:top]
		page.ContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(found[top-1].Entity.String()))
	}
	return page, nil
}

// entitiesOf reads the matching entities of one partition, at most limit.
func (h *Hub) entitiesOf(ctx context.Context, p int, q durable.EntityQuery, from, to string, limit int) ([]*durable.EntityStatus, error) {
	var found []*durable.EntityStatus
	for {
		reply, err := h.shareRead(ctx, p, entitiesScript, from, to, limit).Slice()
		if err != nil {
			return nil, fmt.Errorf("querying the entities of partition %d: %w", p, err)
		}
		items, _ := reply[0].([]any)
		for i := 0; i+1 < len(items); i += 2 {
			id, _ := items[i].(string)
			from = "(" + id
			rec, err := parseEntity(id, texts(items[i+1]))
			if err != nil {
				return nil, err
			}
			if !rec.State.Exists || !between(rec.Updated, q.LastOperationFrom, q.LastOperationTo) {
				continue
			}
			st, err := entityStatus(rec)
			if err != nil {
				return nil, err
			}
			if found = append(found, st); len(found) == limit {
				return found, nil
			}
		}
		if more, _ := reply[1].(string); more != "1" {
			return found, nil
		}
	}
}

// between reports whether at lies between from and to, zero ones of which do not restrict.
func between(at, from, to time.Time) bool {
	return (from.IsZero() || !at.Before(from)) && (to.IsZero() || !at.After(to))
}
