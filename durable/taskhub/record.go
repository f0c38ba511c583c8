package taskhub

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/history"
)

// The fields of an instance's HASH. Names are short because they travel with each commit.
const (
	fieldName         = "n"
	fieldExecution    = "x"
	fieldVersion      = "v"
	fieldStatus       = "s"  // number of durable.RuntimeStatus
	fieldCreated      = "c"  // ms since 1970
	fieldUpdated      = "u"  // ms since 1970
	fieldInput        = "i"  // JSON
	fieldCustomStatus = "cs" // JSON
	fieldOutput       = "o"  // JSON
	fieldParent       = "p"  // JSON
	fieldRevision     = "rev"
	fieldLocks        = "lk" // JSON: lock set by request ID
	fieldLatest       = "~"  // of replies only: the latest history event
)

func parseRecord(instanceID string, flat []string) (*engine.Record, error) {
	rec := &engine.Record{InstanceID: instanceID}
	for i := 0; i+1 < len(flat); i += 2 {
		value := flat[i+1]
		var err error
		switch flat[i] {
		case fieldName:
			rec.Name = value
		case fieldExecution:
			rec.ExecutionID = value
		case fieldVersion:
			rec.Version = value
		case fieldStatus:
			var n int
			n, err = strconv.Atoi(value)
			rec.Status = durable.RuntimeStatus(n)
		case fieldCreated:
			rec.Created, err = parseMillis(value)
		case fieldUpdated:
			rec.Updated, err = parseMillis(value)
		case fieldInput:
			rec.Input = json.RawMessage(value)
		case fieldCustomStatus:
			rec.CustomStatus = json.RawMessage(value)
		case fieldOutput:
			rec.Output = json.RawMessage(value)
		case fieldParent:
			err = json.Unmarshal([]byte(value), &rec.Parent)
		case fieldRevision:
			rec.Revision, err = strconv.ParseInt(value, 10, 64)
		case fieldLatest:
			if at := history.TimestampOf([]byte(value)); at.After(rec.Updated) {
				rec.Updated = at.Truncate(time.Millisecond)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("instance %q: field %s holds %q: %w", instanceID, flat[i], value, err)
		}
	}
	return rec, nil
}

// fieldOps sets and deletes the instance's fields.
func fieldOps(o *operations, c *engine.Change) error {
	f := &c.Fields
	begin := o.words
	o.text("f")
	count := o.later()
	first := o.n
	if c.Revision == 0 && !c.Start {
		o.text(fieldRevision, "1")
	}
	var drop []string
	text := func(name string, v *string) {
		if v != nil {
			o.text(name, *v)
		}
	}
	raw := func(name string, v *json.RawMessage) {
		switch {
		case v == nil:
		case len(*v) == 0:
			drop = append(drop, name)
		default:
			o.text(name)
			o.bytes(*v)
		}
	}
	text(fieldName, f.Name)
	text(fieldVersion, f.Version)
	text(fieldExecution, f.ExecutionID)
	if f.Status != nil {
		o.text(fieldStatus)
		o.number(int64(*f.Status))
	}
	if f.Created != nil {
		o.text(fieldCreated)
		o.number(f.Created.UnixMilli())
	}
	raw(fieldInput, f.Input)
	raw(fieldCustomStatus, f.CustomStatus)
	raw(fieldOutput, f.Output)
	raw(fieldLocks, f.Locks)
	if f.Parent != nil {
		p, err := json.Marshal(f.Parent)
		if err != nil {
			return fmt.Errorf("instance %q: %w", c.InstanceID, err)
		}
		o.text(fieldParent)
		o.bytes(p)
	}
	if o.n == first && len(c.Append) > 0 {
		o.words = begin // the latest history event tells when the instance was updated
	} else {
		o.text(fieldUpdated)
		o.number(f.Updated.UnixMilli())
		o.set(count, o.n-first)
	}
	o.texts("F", drop)
	return nil
}

func sortPending(events []engine.PendingEvent) {
	slices.SortFunc(events, func(a, b engine.PendingEvent) int { return int(a.Seq - b.Seq) })
}

func statusOf(rec *engine.Record) *durable.Status {
	st := &durable.Status{
		Name: rec.Name, InstanceID: rec.InstanceID, ExecutionID: rec.ExecutionID, Version: rec.Version, RuntimeStatus: rec.Status,
		CreatedTime: rec.Created, LastUpdated: rec.Updated,
		Input: rec.Input, CustomStatus: rec.CustomStatus, Output: rec.Output,
	}
	for _, ev := range rec.History {
		st.History = append(st.History, json.RawMessage(ev))
	}
	return st
}
