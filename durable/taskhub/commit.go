package taskhub

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
)

// The replies of commit.lua.
const (
	commitDone    = 0
	commitFenced  = -1
	commitStale   = -2
	commitRefused = -3
	commitAgain   = -4
)

// commitTimeout bounds a commit; a host that cannot reach the hub for so long has lost its lease anyway.
const commitTimeout = 10 * time.Second

// scriptChanges is how many changes one call of the script performs: it blocks the server for as long.
const scriptChanges = 64

// Commit performs the changes in order, and in one round trip with all that comes at the same time. done gets the results; an
// error means that the outcome of some is unknown.
func (h *Hub) Commit(p int, epoch int64, changes []*engine.Change, done func([]engine.CommitResult, error)) {
	calls := make([]*call, 0, 1+len(changes)/scriptChanges)
	for part := range slices.Chunk(changes, scriptChanges) {
		args, err := h.commitArgs(part)
		if err != nil {
			done(nil, err)
			return
		}
		calls = append(calls, &call{script: commitScript, key: h.prefix(p), args: args, epoch: epoch, changes: len(part)})
	}
	h.lane.submit(calls, func() {
		results, err := h.commitResults(p, changes, calls)
		for _, c := range calls {
			giveBackArgs(c.args)
		}
		done(results, err)
	})
}

func (h *Hub) commitResults(p int, changes []*engine.Change, calls []*call) ([]engine.CommitResult, error) {
	results := make([]engine.CommitResult, 0, len(changes))
	for part := range slices.Chunk(changes, scriptChanges) {
		c := calls[0]
		calls = calls[1:]
		if c.err != nil {
			return nil, fmt.Errorf("committing to partition %d: %w", p, c.err)
		}
		replies, isList := c.reply.([]any)
		if code, _ := c.reply.(int64); code == commitFenced {
			for range part {
				results = append(results, engine.CommitResult{Err: engine.ErrFenced})
			}
			continue
		}
		if !isList || len(replies) != len(part) {
			return nil, fmt.Errorf("committing to partition %d: the script answered %v to %d changes", p, c.reply, len(part))
		}
		for i, reply := range replies {
			result, err := h.commitResult(reply, part[i])
			if err != nil {
				return nil, fmt.Errorf("committing instance %q to partition %d: %w", part[i].InstanceID, p, err)
			}
			results = append(results, result)
		}
	}
	return results, nil
}

func (h *Hub) commitResult(reply any, c *engine.Change) (engine.CommitResult, error) {
	list, _ := reply.([]any)
	code, isCode := reply.(int64)
	if !isCode && len(list) > 0 {
		code, isCode = list[0].(int64)
	}
	if !isCode {
		return engine.CommitResult{}, fmt.Errorf("the commit script answered %v", reply)
	}
	switch code {
	case commitStale:
		return engine.CommitResult{Err: engine.ErrStale}, nil
	case commitAgain:
		return engine.CommitResult{Err: engine.ErrStartedBefore}, nil
	case commitRefused:
		_, status := sendReply(list)
		return engine.CommitResult{Err: &durable.InstanceExistsError{InstanceID: c.InstanceID, Status: status}}, nil
	case commitDone:
		return h.committed(list, c)
	default:
		return engine.CommitResult{}, fmt.Errorf("the commit script answered %d", code)
	}
}

// committed reads the reply to a commit that took place: the revision after a start, and the messages that went to the outbox, in the
// order of c.Send; those for the own partition are in its inbox.
func (h *Hub) committed(reply []any, c *engine.Change) (res engine.CommitResult, err error) {
	if len(reply) < 2 {
		return res, nil
	}
	if text, _ := reply[1].(string); text != "" {
		if res.Revision, err = strconv.ParseInt(text, 10, 64); err != nil {
			return res, fmt.Errorf("the commit script answered revision %q", text)
		}
	}
	at := 2
	for i := range c.Send {
		if at+2 >= len(reply) {
			break
		}
		to := h.PartitionOf(c.Send[i].InstanceID)
		replied, _ := reply[at+1].(string)
		if replied != strconv.Itoa(to) {
			continue
		}
		out := engine.OutboxMessage{To: to}
		out.ID, _ = reply[at].(string)
		out.Seq, _ = reply[at+2].(int64)
		if out.Payload, err = json.Marshal(&c.Send[i]); err != nil {
			return res, err
		}
		res.Outbox = append(res.Outbox, out)
		at += 3
	}
	return res, nil
}

// operations lays out what commit.lua is to do: a letter, a count and the values for each operation that there is.
type operations struct{ words }

// open begins an operation with n values, which the caller adds; it reports whether there are any.
func (o *operations) open(letter string, n int) bool {
	if n == 0 {
		return false
	}
	o.text(letter)
	o.number(int64(n))
	return true
}

func (o *operations) texts(letter string, values []string) {
	if o.open(letter, len(values)) {
		o.text(values...)
	}
}

func (o *operations) blobs(letter string, values [][]byte) {
	if o.open(letter, len(values)) {
		o.bytes(values...)
	}
}

// buffers of commits that were answered are used again.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func borrowArgs() words {
	b, _ := buffers.Get().(*[]byte)
	return words{b: (*b)[:0]}
}

// maxArgsKept is the size in bytes of the largest buffer that is kept for its memory.
const maxArgsKept = 64 << 10

func giveBackArgs(w words) {
	if cap(w.b) <= maxArgsKept {
		buffers.Put(&w.b)
	}
}

// commitArgs lays out changes as commit.lua reads them.
func (h *Hub) commitArgs(changes []*engine.Change) (words, error) {
	o := operations{borrowArgs()}
	for _, c := range changes {
		size, n := o.later(), o.n
		o.text(c.InstanceID, c.ExecutionID)
		o.must(c)
		if err := h.changeOps(&o, c); err != nil {
			return words{}, fmt.Errorf("committing instance %q: %w", c.InstanceID, err)
		}
		o.set(size, o.n-n)
	}
	return o.words, nil
}

func (h *Hub) changeOps(o *operations, c *engine.Change) error {
	if !c.AckOnly {
		if err := h.instanceOps(o, c); err != nil {
			return err
		}
	}
	o.texts("c", c.Consumed)
	if o.open("t", 2*len(c.TimersAdd)) {
		for _, t := range c.TimersAdd {
			o.number(t.FireAt.UnixMilli())
			o.text(timerMember(t))
		}
	}
	if o.open("T", len(c.TimersRemove)) {
		for _, t := range c.TimersRemove {
			o.text(timerMember(t))
		}
	}
	h.activityOps(o, c)
	return h.messageOps(o, c)
}

// must adds what the instance has to be at.
func (o *operations) must(c *engine.Change) {
	switch {
	case c.AckOnly:
		o.text("")
	case c.Start && c.AnyState:
		o.text("C")
	case c.Start:
		o.text("c")
	default:
		o.number(c.Revision)
	}
}

// instanceOps are the operations on the instance itself.
func (h *Hub) instanceOps(o *operations, c *engine.Change) error {
	if c.Entity != nil {
		return entityOps(o, c)
	}
	if c.Replace {
		o.open("R", 1)
		o.text("")
	}
	if err := fieldOps(o, c); err != nil {
		return err
	}
	if f := &c.Fields; f.Created != nil {
		o.open("i", 3)
		o.number(f.Created.UnixMilli())
		o.text(*f.Name)
		o.number(int64(*f.Status))
	} else if f.Status != nil && *f.Status != c.OldStatus {
		o.open("s", 3)
		o.number(int64(c.OldStatus))
		o.number(int64(*f.Status))
		o.number(c.Created.UnixMilli())
	}
	if c.ResetHistory {
		o.text("H")
		o.number(int64(len(c.Append)))
		o.bytes(c.Append...)
	} else {
		o.blobs("h", c.Append)
	}
	pendingOps(o, c)
	if c.Notify {
		o.text("n", "2", h.channel())
		o.number(int64(c.Status))
	}
	return nil
}

// pendingOps are the operations on pending events, and on whether the next episode is due.
func pendingOps(o *operations, c *engine.Change) {
	if o.open("e", 2*len(c.PendingAdd)) {
		for _, ev := range c.PendingAdd {
			o.number(ev.Seq)
			o.bytes(ev.Event)
		}
	}
	if o.open("E", len(c.PendingRemove)) {
		for _, seq := range c.PendingRemove {
			o.number(seq)
		}
	}
	switch c.Ready {
	case engine.ReadySet:
		o.text("y", "1", "1")
	case engine.ReadyClear:
		o.text("y", "1", "0")
	case engine.ReadyAsIs:
	}
}

func (h *Hub) activityOps(o *operations, c *engine.Change) {
	spilled := 0
	if o.open("a", 2*len(c.ActivitiesAdd)) {
		for i := range c.ActivitiesAdd {
			a := &c.ActivitiesAdd[i]
			o.text(a.Key)
			o.bytes(encodeActivity(&a.Outstanding))
			if a.Spill {
				spilled++
			}
		}
	}
	if o.open("q", spilled) {
		for i := range c.ActivitiesAdd {
			if c.ActivitiesAdd[i].Spill {
				o.text(c.ActivitiesAdd[i].Key)
			}
		}
	}
	o.texts("A", c.ActivitiesRemove)
	o.texts("k", c.ClaimsRemove)
}

func (h *Hub) messageOps(o *operations, c *engine.Change) error {
	if o.open("m", 2*len(c.Send)) {
		own := h.PartitionOf(c.InstanceID)
		for i := range c.Send {
			raw, err := json.Marshal(&c.Send[i])
			if err != nil {
				return err
			}
			if to := h.PartitionOf(c.Send[i].InstanceID); to == own {
				o.text("")
			} else {
				o.number(int64(to))
			}
			o.bytes(raw)
		}
	}
	if o.open("x", 2*len(c.SetAside)) {
		for _, m := range c.SetAside {
			o.bytes(m.Message)
			o.text(m.Reason)
		}
	}
	return nil
}

// Deliver puts messages of partition p's outbox into the inbox of partition to. It may be repeated: the receiver remembers the last
// number it got from each sender.
func (h *Hub) Deliver(ctx context.Context, p, to int, messages []engine.OutboxMessage) error {
	args := []any{p}
	ids := make([]string, 0, len(messages))
	for _, m := range messages {
		args = append(args, m.Seq, m.Payload)
		ids = append(ids, m.ID)
	}
	if err := h.run(ctx, deliverScript, h.prefix(to), args...).Err(); err != nil {
		return fmt.Errorf("delivering from partition %d to %d: %w", p, to, err)
	}
	if err := h.client.XDel(ctx, h.prefix(p)+keyOutbox, ids...).Err(); err != nil {
		return fmt.Errorf("clearing the outbox of partition %d: %w", p, err)
	}
	return nil
}
