package taskhub

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
)

// cursor is a place in the order of a query: after the instance ID, created then. It holds no state of a host, and does not move when
// instances before or after it come, go or change.
type cursor struct {
	Created int64  `json:"c"` // ms
	ID      string `json:"i"`
}

func (c cursor) token() string {
	raw, _ := json.Marshal(c) // cannot fail
	return base64.RawURLEncoding.EncodeToString(raw)
}

func parseCursor(token string) (cursor, error) {
	var c cursor
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil || c.ID == "" {
		return c, fmt.Errorf("%w: %q", durable.ErrBadContinuationToken, token)
	}
	return c, nil
}

// Query reads one page. Order: creation time, then instance ID; with a prefix of the ID: instance ID alone.
func (h *Hub) Query(ctx context.Context, q durable.Query) (*durable.Page, error) {
	top := cmp.Or(q.Top, 100)
	var after cursor
	if q.ContinuationToken != "" {
		var err error
		if after, err = parseCursor(q.ContinuationToken); err != nil {
			return nil, err
		}
	}
	scans := h.scans(q, after)
	var found []*engine.Record
	for len(scans) > 0 {
		var err error
		if scans, found, err = h.advance(ctx, q, scans, found, top); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, func(a, b *engine.Record) int { return order(q, a, b) })
	found = slices.CompactFunc(found, func(a, b *engine.Record) bool { return a.InstanceID == b.InstanceID })
	page := &durable.Page{}
	if len(found) > top {
		last := found[top-1]
		page.ContinuationToken = cursor{last.Created.UnixMilli(), last.InstanceID}.token()
		found = found[:top]
	}
	for _, rec := range found {
		page.Instances = append(page.Instances, statusOf(rec))
	}
	return page, nil
}

func order(q durable.Query, a, b *engine.Record) int {
	if q.InstanceIDPrefix == "" {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
	}
	return strings.Compare(a.InstanceID, b.InstanceID)
}

// scan is the reading of one index of one partition.
type scan struct {
	partition       int
	index, from, to string
	after           string // members of score from up to this one are behind us
	got             int    // matching instances so far
}

// scans lists the indexes to read: the most selective one that the query allows, in each partition.
func (h *Hub) scans(q durable.Query, after cursor) []*scan {
	var indexes []string
	switch {
	case q.InstanceIDPrefix != "":
		indexes = []string{"id"}
	case q.FunctionName != "":
		indexes = []string{"f:" + strings.ToLower(q.FunctionName)}
	case len(q.RuntimeStatus) > 0:
		for _, s := range q.RuntimeStatus {
			indexes = append(indexes, "s:"+strconv.Itoa(int(s)))
		}
		slices.Sort(indexes)
		indexes = slices.Compact(indexes)
	default:
		indexes = []string{"all"}
	}
	var scans []*scan
	for p := range h.partitions {
		for _, index := range indexes {
			s := &scan{partition: p, index: index, from: "-inf", to: "+inf"}
			if index == "id" {
				s.from, s.to = "["+q.InstanceIDPrefix, "["+q.InstanceIDPrefix+"\xff"
				if after.ID != "" {
					s.from = "(" + after.ID
				}
			} else {
				from := int64(math.MinInt64)
				if !q.CreatedFrom.IsZero() {
					from = ceilMillis(q)
				}
				if after.ID != "" && after.Created >= from {
					from, s.after = after.Created, after.ID
				}
				if from != math.MinInt64 {
					s.from = strconv.FormatInt(from, 10)
				}
				if !q.CreatedTo.IsZero() {
					s.to = millis(q.CreatedTo)
				}
			}
			scans = append(scans, s)
		}
	}
	return scans
}

// arguments are those of the query script for the next stretch.
func (s *scan) arguments(top int) []any { return []any{s.index, s.from, s.to, s.after, top + 1} }

// ceilMillis is CreatedFrom in whole ms, rounded up: creation times have whole ms.
func ceilMillis(q durable.Query) int64 {
	ms := q.CreatedFrom.UnixMilli()
	if q.CreatedFrom.Nanosecond()%1e6 != 0 {
		ms++
	}
	return ms
}

// advance reads the next stretch of each scan, in one round trip, and returns the scans that are not at their end.
func (h *Hub) advance(ctx context.Context, q durable.Query, scans []*scan, found []*engine.Record, top int) ([]*scan, []*engine.Record, error) {
	replies := make([]*redis.Cmd, len(scans))
	pipe := h.client.Pipeline()
	for i, s := range scans {
		replies[i] = pipe.EvalSha(ctx, queryScript.sha, []string{h.prefix(s.partition)}, s.arguments(top)...)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	if ctx.Err() != nil {
		return nil, nil, fmt.Errorf("querying instances: %w", context.Cause(ctx))
	}
	var rest []*scan
	for i, s := range scans {
		reply, err := replies[i].Result()
		if isConnectionFault(err) || isNoScript(err) {
			reply, err = h.read(ctx, queryScript, h.prefix(s.partition), s.arguments(top)...).Result()
		}
		values, ok := reply.([]any)
		switch {
		case err == nil && (!ok || len(values) == 0):
			err = fmt.Errorf("the query script answered %v", reply)
			fallthrough
		case err != nil:
			return nil, nil, fmt.Errorf("querying partition %d: %w", s.partition, err)
		}
		items, _ := values[0].([]any)
		var last *engine.Record
		for j := 0; j+1 < len(items); j += 2 {
			id, _ := items[j].(string)
			if last, err = parseRecord(id, texts(items[j+1])); err != nil {
				return nil, nil, err
			}
			if matches(q, last) {
				found = append(found, last)
				s.got++
			}
		}
		if more, _ := values[1].(string); more == "1" && s.got <= top && last != nil {
			if s.index == "id" {
				s.from = "(" + last.InstanceID
			} else {
				s.from, s.after = millis(last.Created), last.InstanceID
			}
			rest = append(rest, s)
		}
	}
	return rest, found, nil
}

func matches(q durable.Query, rec *engine.Record) bool {
	return (len(q.RuntimeStatus) == 0 || slices.Contains(q.RuntimeStatus, rec.Status)) &&
		(q.FunctionName == "" || strings.EqualFold(q.FunctionName, rec.Name)) &&
		strings.HasPrefix(rec.InstanceID, q.InstanceIDPrefix) &&
		(q.CreatedFrom.IsZero() || !rec.Created.Before(q.CreatedFrom)) &&
		(q.CreatedTo.IsZero() || !rec.Created.After(q.CreatedTo))
}
