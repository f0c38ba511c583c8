package replay

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/durango-functions/durango/durable/entity"
	"github.com/durango-functions/durango/durable/history"
	"github.com/stretchr/testify/require"
)

// perform is what functions do, by the beginning of their name.
func (s *sim) perform(name string, input json.RawMessage) history.Event {
	ok := func(result string) history.Event {
		return history.Event{Type: history.TaskCompleted, ID: -1, Result: &result, Action: history.NoAction}
	}
	fail := func(reason string) history.Event {
		return history.Event{Type: history.TaskFailed, ID: -1, Reason: reason, Details: "details", Action: history.NoAction}
	}
	switch {
	case name == HTTPActivityName:
		return ok(s.request(input))
	case strings.Contains(name, "Flaky"):
		var in struct {
			Tag      string
			Failures int
		}
		require.NoError(s.t, json.Unmarshal(input, &in))
		if s.attempts[in.Tag]++; s.attempts[in.Tag] <= in.Failures {
			return fail(fmt.Sprintf("%s failed for the %d. time", name, s.attempts[in.Tag]))
		}
		return ok(strconv.Quote(in.Tag))
	case strings.HasPrefix(name, "Fail"):
		s.attempts[name]++
		return fail(fmt.Sprintf("%s failed for the %d. time", name, s.attempts[name]))
	case input == nil:
		return ok("null")
	default:
		return ok(string(input))
	}
}

// askEntity is the world of entities: those called "broken" fail, all others echo.
func (s *sim) askEntity(q *EntityRequest) {
	s.t.Helper()
	s.sent = append(s.sent, fmt.Sprintf("%d %d %s %s %s", q.Kind, q.TaskID, q.EntityID, q.Name, q.Input))
	input := ""
	switch {
	case q.Kind == EntitySignal:
		s.signals++
		return
	case q.Kind == EntityRelease:
		return
	case q.Kind == EntityLock:
		input = entity.Answer(nil)
	case strings.HasPrefix(q.EntityID, "@broken@"):
		input = entity.FailedAnswer("Fail_" + q.EntityID)
	default:
		input = entity.Answer(q.Input)
	}
	s.work = append(s.work, history.Event{Type: history.EventRaised, ID: -1, Name: q.RequestID, Input: &input, Action: history.NoAction})
}

// request is a service that answers 202 some times.
func (s *sim) request(input json.RawMessage) string {
	var in map[string]any
	require.NoError(s.t, json.Unmarshal(input, &in))
	s.requests = append(s.requests, in)
	u, err := url.Parse(in["uri"].(string))
	require.NoError(s.t, err)
	polls, _ := strconv.Atoi(u.Query().Get("polls"))
	if polled, _ := in[asyncPattern].(bool); polled || polls == 0 { // the host polls on its own
		return fmt.Sprintf(`{"statusCode":200,"content":"done %s","headers":{}}`, u.Query().Get("tag"))
	}
	retryAfter := ""
	if polls%2 == 0 {
		retryAfter = `,"retry-after":"7"`
	}
	return fmt.Sprintf(`{"statusCode":202,"content":"","headers":{"LOCATION":"/next?polls=%d&tag=%s"%s}}`, polls-1, u.Query().Get("tag"), retryAfter)
}
