package taskhub

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/durable/engine"
)

// The replies of commit.lua.
const (
	commitDone   = 0
	commitFenced = -1
	commitStale  = -2
)

// Commit performs the changes in one round trip. An error means that the outcome of some is unknown.
func (h *Hub) Commit(ctx context.Context, p int, epoch int64, changes []*engine.Change) ([]engine.CommitResult, error) {
	calls := make([]pipeCall, len(changes))
	for i, c := range changes {
		args, err := h.commitArgs(p, epoch, c)
		if err != nil {
			return nil, fmt.Errorf("committing instance %q: %w", c.InstanceID, err)
		}
		calls[i] = pipeCall{commitScript, h.prefix(p), args}
	}
	cmds, err := h.runAll(ctx, calls)
	if err != nil {
		return nil, fmt.Errorf("committing to partition %d: %w", p, err)
	}
	results := make([]engine.CommitResult, len(changes))
	for i, cmd := range cmds {
		if results[i], err = commitResult(cmd, changes[i], h); err != nil {
			return nil, fmt.Errorf("committing instance %q to partition %d: %w", changes[i].InstanceID, p, err)
		}
	}
	return results, nil
}

func commitResult(cmd *redis.Cmd, c *engine.Change, h *Hub) (engine.CommitResult, error) {
	reply, err := cmd.Slice()
	if err != nil {
		return engine.CommitResult{}, err
	}
	code, _ := reply[0].(int64)
	switch code {
	case commitFenced:
		return engine.CommitResult{Err: engine.ErrFenced}, nil
	case commitStale:
		return engine.CommitResult{Err: engine.ErrStale}, nil
	case commitDone:
	default:
		return engine.CommitResult{}, fmt.Errorf("the commit script answered %d", code)
	}
	// The reply lists the messages that went to the outbox in the order of c.Send; those for the own partition are in its inbox.
	var res engine.CommitResult
	at := 1
	for _, m := range c.Send {
		if at+2 >= len(reply) {
			break
		}
		to := h.PartitionOf(m.InstanceID)
		replied, _ := reply[at+1].(string)
		if replied != strconv.Itoa(to) {
			continue
		}
		out := engine.OutboxMessage{To: to}
		out.ID, _ = reply[at].(string)
		out.Seq, _ = reply[at+2].(int64)
		if out.Payload, err = json.Marshal(m); err != nil {
			return engine.CommitResult{}, err
		}
		res.Outbox = append(res.Outbox, out)
		at += 3
	}
	return res, nil
}

// commitArgs lays out a change as commit.lua reads it.
func (h *Hub) commitArgs(p int, epoch int64, c *engine.Change) ([]any, error) {
	var flags strings.Builder
	for _, f := range []struct {
		on     bool
		letter byte
	}{{c.AckOnly, 'A'}, {c.Replace, 'R'}, {c.ResetHistory, 'H'}, {c.Ready, 'D'}, {c.Notify, 'N'}} {
		if f.on {
			flags.WriteByte(f.letter)
		}
	}
	args := []any{h.cfg.HostID, epoch, p, flags.String(), h.channel(), c.InstanceID, c.ExecutionID, c.Revision}
	count := func(n int) { args = append(args, n) }

	var fields []any
	if !c.AckOnly {
		var err error
		if fields, err = flatten(c.InstanceID, &c.Fields); err != nil {
			return nil, err
		}
	}
	count(len(fields))
	args = append(args, fields...)
	count(len(c.Append))
	for _, ev := range c.Append {
		args = append(args, ev)
	}
	count(len(c.Consumed))
	for _, id := range c.Consumed {
		args = append(args, id)
	}
	count(2 * len(c.PendingAdd))
	for _, ev := range c.PendingAdd {
		args = append(args, ev.Seq, ev.Event)
	}
	count(len(c.PendingRemove))
	for _, seq := range c.PendingRemove {
		args = append(args, seq)
	}
	count(2 * len(c.TimersAdd))
	for _, t := range c.TimersAdd {
		args = append(args, millis(t.FireAt), timerMember(t))
	}
	count(len(c.TimersRemove))
	for _, t := range c.TimersRemove {
		args = append(args, timerMember(t))
	}
	count(3 * len(c.ActivitiesAdd))
	for i := range c.ActivitiesAdd {
		a := &c.ActivitiesAdd[i]
		raw, err := encodeActivity(&a.Outstanding)
		if err != nil {
			return nil, err
		}
		spill := ""
		if a.Spill {
			spill = "s"
		}
		args = append(args, a.Key, raw, spill)
	}
	args = append(args, h.cfg.ClaimLease.Milliseconds())
	count(len(c.ActivitiesRemove))
	for _, key := range c.ActivitiesRemove {
		args = append(args, key)
	}
	count(2 * len(c.Send))
	for i := range c.Send {
		raw, err := json.Marshal(&c.Send[i])
		if err != nil {
			return nil, err
		}
		args = append(args, h.PartitionOf(c.Send[i].InstanceID), raw)
	}
	count(2 * len(c.SetAside))
	for _, m := range c.SetAside {
		args = append(args, m.Message, m.Reason)
	}
	return args, nil
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
