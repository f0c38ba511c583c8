package taskhub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/durable/engine"
)

// inboxBatch is how many messages one read of an inbox takes; inboxBlock how long a read waits, which only bounds how long a
// connection that died in silence stays unnoticed.
const (
	inboxBatch = 512
	inboxBlock = time.Minute
)

// Open reads the work that a new owner of the partition finds.
func (h *Hub) Open(ctx context.Context, p int, epoch int64) (*engine.PartitionState, error) {
	reply, err := h.run(ctx, openScript, h.prefix(p), h.cfg.HostID, epoch).Slice()
	if err != nil {
		return nil, fmt.Errorf("opening partition %d: %w", p, err)
	}
	if len(reply) < 6 {
		return nil, fmt.Errorf("opening partition %d: %w", p, engine.ErrFenced)
	}
	state := &engine.PartitionState{}
	if state.Timers, err = parseTimers(texts(reply[1])); err != nil {
		return nil, fmt.Errorf("opening partition %d: %w", p, err)
	}
	if state.Activities, err = parseOutstanding(p, texts(reply[2]), texts(reply[3])); err != nil {
		return nil, fmt.Errorf("opening partition %d: %w", p, err)
	}
	if state.Outbox, err = parseOutbox(reply[4]); err != nil {
		return nil, fmt.Errorf("opening partition %d: %w", p, err)
	}
	state.Ready = texts(reply[5])
	return state, nil
}

// texts turns a reply's array of bulk strings into strings.
func texts(v any) []string {
	items, _ := v.([]any)
	out := make([]string, len(items))
	for i, item := range items {
		switch item := item.(type) {
		case string:
			out[i] = item
		case float64: // RESP3 scores
			out[i] = strconv.FormatFloat(item, 'f', -1, 64)
		case int64:
			out[i] = strconv.FormatInt(item, 10)
		}
	}
	return out
}

func timerMember(t engine.TimerEntry) string {
	return t.ExecutionID + "|" + strconv.Itoa(t.TimerID) + "|" + t.InstanceID
}

func parseTimers(flat []string) ([]engine.TimerEntry, error) {
	timers := make([]engine.TimerEntry, 0, len(flat)/2)
	for i := 0; i+1 < len(flat); i += 2 {
		parts := strings.SplitN(flat[i], "|", 3)
		score, err := strconv.ParseFloat(flat[i+1], 64)
		if len(parts) != 3 || err != nil {
			return nil, fmt.Errorf("timer %q at %q is malformed", flat[i], flat[i+1])
		}
		id, err := strconv.Atoi(parts[1])
		if err != nil {
			return nil, fmt.Errorf("timer %q has no number: %w", flat[i], err)
		}
		timers = append(timers, engine.TimerEntry{
			ExecutionID: parts[0], TimerID: id, InstanceID: parts[2], FireAt: time.UnixMilli(int64(score)).UTC(),
		})
	}
	return timers, nil
}

// encodeActivity makes the stored form of an outstanding activity: instance, name and input, a line feed between. The rest is in its key.
// Neither IDs nor names hold control characters.
func encodeActivity(a *engine.Outstanding) []byte {
	out := make([]byte, 0, len(a.InstanceID)+len(a.Name)+len(a.Input)+2)
	out = append(append(out, a.InstanceID...), '\n')
	out = append(append(out, a.Name...), '\n')
	return append(out, a.Input...)
}

// jsonActivity is the stored form of schema version 1.
type jsonActivity struct {
	InstanceID  string          `json:"i"`
	ExecutionID string          `json:"x"`
	TaskID      int             `json:"t"`
	Name        string          `json:"n"`
	Input       json.RawMessage `json:"d,omitempty"`
}

func decodeActivity(p int, key, raw string) (engine.Outstanding, error) {
	a := engine.Outstanding{Partition: p, Key: key}
	if strings.HasPrefix(raw, "{") {
		var old jsonActivity
		if err := json.Unmarshal([]byte(raw), &old); err == nil {
			a.InstanceID, a.ExecutionID, a.TaskID, a.Name, a.Input = old.InstanceID, old.ExecutionID, old.TaskID, old.Name, old.Input
			return a, nil
		}
	}
	at := strings.LastIndexByte(key, ':')
	parts := strings.SplitN(raw, "\n", 3)
	if at < 0 || len(parts) != 3 {
		return a, fmt.Errorf("activity %q is malformed", key)
	}
	id, err := strconv.Atoi(key[at+1:])
	if err != nil {
		return a, fmt.Errorf("activity %q has no task id: %w", key, err)
	}
	a.InstanceID, a.ExecutionID, a.TaskID, a.Name = parts[0], key[:at], id, parts[1]
	if parts[2] != "" {
		a.Input = json.RawMessage(parts[2])
	}
	return a, nil
}

// claimDone stands in place of a claim when the activity's outcome is in the inbox.
const claimDone = "done"

// parseOutstanding leaves out the activities whose outcome is in the inbox already.
func parseOutstanding(p int, flat, flatClaims []string) ([]engine.Outstanding, error) {
	claims := make(map[string]string, len(flatClaims)/2)
	for i := 0; i+1 < len(flatClaims); i += 2 {
		claims[flatClaims[i]] = flatClaims[i+1]
	}
	acts := make([]engine.Outstanding, 0, len(flat)/2)
	for i := 0; i+1 < len(flat); i += 2 {
		claim := claims[flat[i]]
		if claim == claimDone {
			continue
		}
		a, err := decodeActivity(p, flat[i], flat[i+1])
		if err != nil {
			return nil, err
		}
		if at := strings.LastIndexByte(claim, '|'); at >= 0 {
			a.ClaimedBy = claim[:at]
			if a.ClaimedUntil, err = parseMillis(claim[at+1:]); err != nil {
				return nil, fmt.Errorf("claim of activity %q: %w", flat[i], err)
			}
		}
		acts = append(acts, a)
	}
	return acts, nil
}

func parseOutbox(v any) ([]engine.OutboxMessage, error) {
	entries, _ := v.([]any)
	out := make([]engine.OutboxMessage, 0, len(entries))
	for _, e := range entries {
		pair, _ := e.([]any)
		if len(pair) != 2 {
			return nil, errors.New("an outbox entry is malformed")
		}
		m := engine.OutboxMessage{}
		m.ID, _ = pair[0].(string)
		flat := texts(pair[1])
		var err error
		for i := 0; i+1 < len(flat) && err == nil; i += 2 {
			switch flat[i] {
			case "to":
				m.To, err = strconv.Atoi(flat[i+1])
			case "seq":
				m.Seq, err = strconv.ParseInt(flat[i+1], 10, 64)
			case "m":
				m.Payload = []byte(flat[i+1])
			}
		}
		if err != nil {
			return nil, fmt.Errorf("outbox entry %s: %w", m.ID, err)
		}
		out = append(out, m)
	}
	return out, nil
}

// Load reads one instance, nil when there is none.
func (h *Hub) Load(ctx context.Context, p int, instanceID string) (*engine.Record, error) {
	return h.load(ctx, p, instanceID, "he")
}

func (h *Hub) load(ctx context.Context, p int, instanceID, what string) (*engine.Record, error) {
	reply, err := h.shareRead(ctx, p, loadScript, instanceID, what).Slice()
	if err != nil {
		return nil, fmt.Errorf("loading instance %q: %w", instanceID, err)
	}
	fields := texts(reply[0])
	if len(fields) == 0 {
		return nil, nil
	}
	rec, err := parseRecord(instanceID, fields)
	if err != nil {
		return nil, err
	}
	for _, ev := range texts(reply[1]) {
		rec.History = append(rec.History, []byte(ev))
	}
	pending := texts(reply[2])
	for i := 0; i+1 < len(pending); i += 2 {
		seq, err := strconv.ParseInt(pending[i], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("instance %q: pending event %q has no number", instanceID, pending[i])
		}
		rec.Pending = append(rec.Pending, engine.PendingEvent{Seq: seq, Event: []byte(pending[i+1])})
	}
	sortPending(rec.Pending)
	if n := len(rec.Pending); n > 0 {
		rec.NextPending = rec.Pending[n-1].Seq + 1
	}
	return rec, nil
}

// inbox reads one partition's inbox over a connection of its own.
type inbox struct {
	client redis.UniversalClient
	key    string
	last   string
	closed atomic.Bool
}

// Inbox returns a blocking reader of the partition's inbox, from its first message.
func (h *Hub) Inbox(p int) engine.InboxReader {
	return &inbox{client: h.cfg.Dial(), key: h.prefix(p) + keyInbox, last: "0"}
}

func (in *inbox) Read(ctx context.Context) ([]engine.Message, error) {
	for {
		streams, err := in.client.XRead(ctx, &redis.XReadArgs{
			Streams: []string{in.key, in.last}, Count: inboxBatch, Block: inboxBlock,
		}).Result()
		switch {
		case in.closed.Load():
			return nil, engine.ErrClosed
		case errors.Is(err, redis.Nil): // nothing came in time
			continue
		case err != nil:
			return nil, fmt.Errorf("reading inbox %s: %w", in.key, err)
		}
		messages := make([]engine.Message, 0, len(streams[0].Messages))
		for _, entry := range streams[0].Messages {
			in.last = entry.ID
			raw, _ := entry.Values["m"].(string)
			m := engine.Message{}
			if err := json.Unmarshal([]byte(raw), &m); err != nil {
				// Never written by us; the engine sets it aside.
				m = engine.Message{Reason: "it cannot be read: " + err.Error()}
			}
			m.ID, m.Raw = entry.ID, []byte(raw)
			messages = append(messages, m)
		}
		return messages, nil
	}
}

func (in *inbox) Close() error {
	if in.closed.Swap(true) {
		return nil
	}
	return in.client.Close()
}
