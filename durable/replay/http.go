package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// HTTP requests of callHttp. From schema version 2 on the SDK itself counts the ids of the polls that follow a 202, so the polls are
// decided here and the host performs single requests; before, the host polls on its own. The host is told by the request's member
// asynchronousPatternEnabled: it follows a 202 exactly when that is true.

const asyncPattern = "asynchronousPatternEnabled"

// httpRequest is what is read of a request; other members are passed on.
type httpRequest struct {
	URI     string `json:"uri"`
	Pattern *bool  `json:"asynchronousPatternEnabled"` // absent: true
}

func parseRequest(raw json.RawMessage) (*httpRequest, error) {
	if raw == nil {
		return nil, errors.New("httpRequest is missing")
	}
	var r httpRequest
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("httpRequest: %w", err)
	}
	if r.URI == "" {
		return nil, errors.New("httpRequest.uri is missing")
	}
	return &r, nil
}

// editObject returns the JSON object with some members set (nil: removed).
func editObject(raw json.RawMessage, set map[string]json.RawMessage) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	for name, value := range set {
		if value == nil {
			delete(members, name)
		} else {
			members[name] = value
		}
	}
	return json.Marshal(members)
}

// firstRequest is the input of the first request; polled tells whether the SDK reckons with polls.
func firstRequest(raw json.RawMessage, schema int) (input json.RawMessage, polled bool, err error) {
	r, err := parseRequest(raw)
	if err != nil {
		return nil, false, err
	}
	enabled := r.Pattern == nil || *r.Pattern
	polled = enabled && schema >= 2
	flag := json.RawMessage("false")
	if enabled && !polled {
		flag = json.RawMessage("true")
	}
	input, err = editObject(raw, map[string]json.RawMessage{asyncPattern: flag})
	return input, polled, err
}

// pollRequest is the request that asks a 202's Location for the outcome: a GET with the headers and the token source of the request
// before it, except its function key, which is that of another function
// (azure-functions-durable-extension ContextImplementations/DurableOrchestrationContext.cs, CreateLocationPollRequest).
func pollRequest(before json.RawMessage, location string) (json.RawMessage, error) {
	r, err := parseRequest(before)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(r.URI)
	if err != nil {
		return nil, fmt.Errorf("httpRequest.uri: %w", err)
	}
	next, err := base.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("the header Location of the answer 202 from %s: %w", r.URI, err)
	}
	uri, err := json.Marshal(next.String())
	if err != nil {
		return nil, err
	}
	set := map[string]json.RawMessage{"method": json.RawMessage(`"GET"`), "uri": uri, "content": nil}
	var withHeaders struct {
		Headers map[string]json.RawMessage `json:"headers"`
	}
	if err := json.Unmarshal(before, &withHeaders); err == nil && withHeaders.Headers != nil {
		for name := range withHeaders.Headers {
			if strings.EqualFold(name, "x-functions-key") {
				delete(withHeaders.Headers, name)
			}
		}
		if set["headers"], err = json.Marshal(withHeaders.Headers); err != nil {
			return nil, err
		}
	}
	return editObject(before, set)
}

// accepted is an answer that asks to poll.
type accepted struct {
	location   string
	retryAfter string // "": the default sleep
}

// parseAccepted reports whether the SDK takes the result of a request for a 202 to poll on, by its own test: statusCode is the number
// 202, and the first header that is named Location, in any case, is not empty (durable-functions lib/src/task.js:168,
// durablehttpresponse.js:11).
func parseAccepted(result *string) (accepted, bool) {
	if result == nil {
		return accepted{}, false
	}
	var r struct {
		StatusCode json.RawMessage `json:"statusCode"`
		Headers    json.RawMessage `json:"headers"`
	}
	if err := json.Unmarshal([]byte(*result), &r); err != nil {
		return accepted{}, false
	}
	if code, err := strconv.ParseFloat(string(r.StatusCode), 64); err != nil || code != http.StatusAccepted {
		return accepted{}, false
	}
	a := accepted{location: header(r.Headers, "location"), retryAfter: header(r.Headers, "retry-after")}
	return a, a.location != ""
}

// header returns the first header with that name in any case, "" for none and for what is no true value in JavaScript.
func header(headers json.RawMessage, name string) string {
	dec := json.NewDecoder(bytes.NewReader(headers))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return ""
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return ""
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return ""
		}
		if k, ok := key.(string); ok && strings.ToLower(k) == name {
			return headerText(value)
		}
	}
	return ""
}

func headerText(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	var list []string
	if json.Unmarshal(value, &list) == nil && len(list) > 0 {
		return list[0]
	}
	switch text := string(value); text {
	case "null", "false", "0":
		return ""
	default:
		return text
	}
}

// delay is how long to wait before the poll. Retry-After is a number of seconds or a date.
func (a accepted) delay(now time.Time, byDefault time.Duration) time.Duration {
	if a.retryAfter == "" {
		return byDefault
	}
	if seconds, err := strconv.ParseFloat(strings.TrimSpace(a.retryAfter), 64); err == nil {
		if math.IsNaN(seconds) || seconds < 0 {
			return 0
		}
		return milliseconds(seconds * 1000)
	}
	if date, err := http.ParseTime(a.retryAfter); err == nil {
		return max(date.Sub(now), 0)
	}
	return byDefault
}
