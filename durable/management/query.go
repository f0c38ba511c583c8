package management

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable"
)

// query holds the query parameters by their names in lower case: names compare without regard to case.
type query map[string][]string

// parseQuery reads a query as forgivingly as the original: SDKs put reasons into it without escaping them, so a "%" that begins no
// escape and a ";" are what they look like.
func parseQuery(raw string) query {
	q := query{}
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == "" {
			continue
		}
		name = strings.ToLower(unescape(name))
		q[name] = append(q[name], unescape(value))
	}
	return q
}

// unescape resolves the escapes that are well formed, and "+". The result is valid UTF-8.
func unescape(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return strings.ToValidUTF8(out, "\uFFFD")
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			out.WriteByte(' ')
		case s[i] == '%' && i+2 < len(s):
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				out.WriteByte(byte(n))
				i += 2
				continue
			}
			out.WriteByte('%')
		default:
			out.WriteByte(s[i])
		}
	}
	return strings.ToValidUTF8(out.String(), "\uFFFD")
}

// get returns the first value, "" for none. "undefined" and "null", which JavaScript callers send for a missing value, are none.
func (q query) get(name string) string {
	all := q[strings.ToLower(name)]
	if len(all) == 0 || all[0] == "undefined" || all[0] == "null" {
		return ""
	}
	return all[0]
}

// reason returns the free text of an order as it is; only the literal that JavaScript callers send for a missing one is none.
func (q query) reason() string {
	all := q["reason"]
	if len(all) == 0 || all[0] == "undefined" {
		return ""
	}
	return all[0]
}

// flag reads a boolean.
func (q query) flag(name string, absent bool) (bool, error) {
	switch v := q.get(name); strings.ToLower(v) {
	case "":
		return absent, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	default:
		return false, badRequest("The query parameter %s is '%s'; expected true or false.", name, v)
	}
}

// seconds reads a duration in seconds; ok is false when it is absent.
func (q query) seconds(name string) (d time.Duration, ok bool, err error) {
	v := q.get(name)
	if v == "" {
		return 0, false, nil
	}
	n, parseErr := strconv.ParseFloat(v, 64)
	if parseErr != nil || math.IsNaN(n) || n < 0 {
		return 0, false, badRequest("The query parameter %s is '%s'; expected a number of seconds, such as 10 or 0.5.", name, v)
	}
	const most = 24 * time.Hour // longer than any connection lives
	if n > most.Seconds() {
		return most, true, nil
	}
	return time.Duration(n * float64(time.Second)), true, nil
}

// pageSize reads top.
func (q query) pageSize() (int, error) {
	v := q.get("top")
	if v == "" {
		return DefaultPageSize, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		return 0, badRequest("The query parameter top is '%s'; expected a whole number from 1 to %d.", v, MaxPageSize)
	}
	return min(n, MaxPageSize), nil
}

// timeLayouts are the forms of times that are read. Without a zone it is UTC.
var timeLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02",
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "01/02/2006 15:04:05", "01/02/2006",
}

// time reads a time; zero when it is absent.
func (q query) time(name string) (time.Time, error) {
	v := strings.TrimSpace(q.get(name))
	if v == "" {
		return time.Time{}, nil
	}
	// A "+" that the caller has not escaped arrives as a space.
	forms := []string{v, strings.Replace(v, " ", "+", 1), strings.Replace(strings.Replace(v, " ", "T", 1), " ", "+", 1)}
	for _, form := range forms {
		for _, layout := range timeLayouts {
			if t, err := time.Parse(layout, form); err == nil {
				return t.UTC(), nil
			}
		}
	}
	return time.Time{}, badRequest("The query parameter %s is '%s'; expected a time such as 2018-03-10T10:01:00Z.", name, v)
}

// statuses reads runtimeStatus: names or numbers, comma-separated or repeated. unknown are those that are none.
func (q query) statuses() (known []durable.RuntimeStatus, unknown []string) {
	for _, value := range q["runtimestatus"] {
		for name := range strings.SplitSeq(value, ",") {
			name = strings.TrimSpace(name)
			if name == "" || name == "undefined" || name == "null" {
				continue
			}
			s, ok := durable.ParseRuntimeStatus(name)
			if n, err := strconv.Atoi(name); err == nil && n >= int(durable.Running) && n <= int(durable.Suspended) {
				s, ok = durable.RuntimeStatus(n), true
			}
			if ok {
				known = append(known, s)
			} else {
				unknown = append(unknown, name)
			}
		}
	}
	return known, unknown
}
