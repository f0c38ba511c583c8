package taskhub

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/entity"
)

// Create makes the instance Pending and sends it its start, in one script.
func (h *Hub) Create(ctx context.Context, req durable.CreateRequest) error {
	if err := h.checkSize("the input of the orchestration", len(req.Input)); err != nil {
		return err
	}
	message, err := json.Marshal(engine.Message{Kind: engine.MessageStart, InstanceID: req.InstanceID, ExecutionID: req.ExecutionID})
	if err != nil {
		return fmt.Errorf("creating instance %q: %w", req.InstanceID, err)
	}
	anyState := "0"
	if req.AnyState {
		anyState = "1"
	}
	reply, err := h.share(ctx, h.PartitionOf(req.InstanceID), createScript, req.InstanceID, req.ExecutionID, req.Name, req.Version,
		[]byte(req.Input), anyState, message).Slice()
	if err != nil {
		return fmt.Errorf("creating instance %q: %w", req.InstanceID, err)
	}
	if code, status := sendReply(reply); code != 0 {
		return &durable.InstanceExistsError{InstanceID: req.InstanceID, Status: status}
	}
	return nil
}

// RaiseEvent sends an external event.
func (h *Hub) RaiseEvent(ctx context.Context, id, name string, data json.RawMessage) error {
	if err := h.checkSize("the data of the event", len(data)); err != nil {
		return err
	}
	return h.send(ctx, "live", engine.Message{Kind: engine.MessageEvent, InstanceID: id, Name: name, Data: data})
}

// Terminate sends the order to end.
func (h *Hub) Terminate(ctx context.Context, id, reason string, cascade bool) error {
	return h.send(ctx, "live", engine.Message{Kind: engine.MessageTerminate, InstanceID: id, Reason: reason, Cascade: cascade})
}

// Suspend sends the order to pause.
func (h *Hub) Suspend(ctx context.Context, id, reason string) error {
	return h.send(ctx, "running", engine.Message{Kind: engine.MessageSuspend, InstanceID: id, Reason: reason})
}

// Resume sends the order to go on.
func (h *Hub) Resume(ctx context.Context, id, reason string) error {
	return h.send(ctx, "suspended", engine.Message{Kind: engine.MessageResume, InstanceID: id, Reason: reason})
}

// Rewind makes a failed instance Pending and sends it the order to run again.
func (h *Hub) Rewind(ctx context.Context, id, reason string) error {
	return h.send(ctx, "failed", engine.Message{Kind: engine.MessageRewind, InstanceID: id, Reason: reason})
}

// send sends a message to an existing instance whose status must be as told (see send.lua).
func (h *Hub) send(ctx context.Context, must string, m engine.Message) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("sending %s to instance %q: %w", m.Kind, m.InstanceID, err)
	}
	reply, err := h.share(ctx, h.PartitionOf(m.InstanceID), sendScript, m.InstanceID, must, raw, h.channel()).Slice()
	if err != nil {
		return fmt.Errorf("sending %s to instance %q: %w", m.Kind, m.InstanceID, err)
	}
	code, status := sendReply(reply)
	switch {
	case code == 0:
		return nil
	case code == 1:
		return durable.ErrInstanceNotFound
	case must == "failed":
		return fmt.Errorf("%w: its status is %s", durable.ErrInstanceNotFailed, status)
	case status.IsFinished():
		return fmt.Errorf("%w: its status is %s", durable.ErrInstanceFinished, status)
	case must == "running":
		return durable.ErrInstanceSuspended
	default:
		return fmt.Errorf("%w: its status is %s", durable.ErrInstanceNotSuspended, status)
	}
}

// sendReply reads {code} or {code, status}.
func sendReply(reply []any) (code int64, status durable.RuntimeStatus) {
	code, _ = reply[0].(int64)
	if len(reply) > 1 {
		s, _ := reply[1].(string)
		n, err := strconv.Atoi(s)
		if err == nil {
			status = durable.RuntimeStatus(n)
		}
	}
	return code, status
}

// Status reads one instance.
func (h *Hub) Status(ctx context.Context, id string, opts durable.StatusOptions) (*durable.Status, error) {
	what := ""
	if entity.Is(id) {
		return nil, durable.ErrInstanceNotFound
	}
	if opts.History {
		what = "h"
	}
	rec, err := h.load(ctx, h.PartitionOf(id), id, what)
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, durable.ErrInstanceNotFound
	}
	return statusOf(rec), nil
}

// Purge deletes the instance whatever its status. Work of it that is under way finds it gone.
func (h *Hub) Purge(ctx context.Context, id string) error {
	n, err := h.run(ctx, purgeScript, h.prefixOf(id), "", h.channel(), id).Int()
	if err != nil {
		return fmt.Errorf("purging instance %q: %w", id, err)
	}
	if n == 0 {
		return durable.ErrInstanceNotFound
	}
	return nil
}

// purgeChunk is how many instances one script deletes: it blocks the server for as long.
const purgeChunk = 200

// PurgeWhere deletes the matching instances in chunks.
func (h *Hub) PurgeWhere(ctx context.Context, f durable.PurgeFilter) (int, error) {
	statuses := f.RuntimeStatus
	if len(statuses) == 0 {
		statuses = []durable.RuntimeStatus{durable.Completed, durable.Failed, durable.Canceled, durable.Terminated}
	}
	allowed := ","
	for _, s := range statuses {
		allowed += strconv.Itoa(int(s)) + ","
	}
	total := 0
	q := durable.Query{CreatedFrom: f.CreatedFrom, CreatedTo: f.CreatedTo, RuntimeStatus: statuses, Top: purgeChunk}
	for {
		page, err := h.Query(ctx, q)
		if err != nil {
			return total, err
		}
		byPartition := map[int][]any{}
		for _, st := range page.Instances {
			p := h.PartitionOf(st.InstanceID)
			byPartition[p] = append(byPartition[p], st.InstanceID)
		}
		for p, ids := range byPartition {
			n, err := h.run(ctx, purgeScript, h.prefix(p), append([]any{allowed, h.channel()}, ids...)...).Int()
			if err != nil {
				return total, fmt.Errorf("purging instances of partition %d: %w", p, err)
			}
			total += n
		}
		if page.ContinuationToken == "" {
			return total, nil
		}
		q.ContinuationToken = page.ContinuationToken
	}
}
