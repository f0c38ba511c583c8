package replay

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAccepted(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC)
	cases := []struct {
		result string
		ok     bool
		delay  time.Duration
	}{
		{`{"statusCode":202,"headers":{"Location":"/x"}}`, true, time.Minute},
		{`{"statusCode":202.0,"headers":{"LOCATION":"/x","Retry-After":"3"}}`, true, 3 * time.Second},
		{`{"statusCode":202,"headers":{"location":"/x","retry-after":2}}`, true, 2 * time.Second},
		{`{"statusCode":202,"headers":{"location":["/x"],"retry-after":"Tue, 24 Nov 2026 01:00:09 GMT"}}`, true, 9 * time.Second},
		{`{"statusCode":202,"headers":{"location":"/x","retry-after":"soon"}}`, true, time.Minute},
		{`{"statusCode":202,"headers":{"location":"/x","retry-after":"-5"}}`, true, 0},
		{`{"statusCode":202,"headers":{"location":"","Location":"/x"}}`, false, 0}, // the SDK looks at the first one
		{`{"statusCode":202,"headers":{}}`, false, 0},
		{`{"statusCode":202,"headers":null}`, false, 0},
		{`{"statusCode":202}`, false, 0},
		{`{"statusCode":"202","headers":{"location":"/x"}}`, false, 0},
		{`{"statusCode":200,"headers":{"location":"/x"}}`, false, 0},
		{`[]`, false, 0},
		{`null`, false, 0},
	}
	for _, c := range cases {
		a, ok := parseAccepted(&c.result)
		require.Equal(t, c.ok, ok, c.result)
		if ok {
			require.Equal(t, "/x", a.location)
			require.Equal(t, c.delay, a.delay(now, time.Minute), c.result)
		}
	}
	_, ok := parseAccepted(nil)
	require.False(t, ok)
}

func TestRequests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		raw    string
		schema int
		flag   bool
		polled bool
	}{
		{`{"uri":"http://x"}`, 2, false, true},
		{`{"uri":"http://x","asynchronousPatternEnabled":true}`, 2, false, true},
		{`{"uri":"http://x","asynchronousPatternEnabled":false}`, 2, false, false},
		{`{"uri":"http://x"}`, 0, true, false},
		{`{"uri":"http://x"}`, 1, true, false},
		{`{"uri":"http://x","asynchronousPatternEnabled":false}`, 0, false, false},
	} {
		input, polled, err := firstRequest(json.RawMessage(c.raw), c.schema)
		require.NoError(t, err)
		require.Equal(t, c.polled, polled, c.raw)
		require.JSONEq(t, fmt.Sprintf(`{"uri":"http://x","asynchronousPatternEnabled":%v}`, c.flag), string(input), c.raw)
	}
	before := json.RawMessage(`{"method":"POST","uri":"https://h/a/b?c","content":"x","headers":{"X-Functions-Key":"k","a":"b"},"tokenSource":{"kind":"K"}}`)
	next, err := pollRequest(before, "../s?t=1")
	require.NoError(t, err)
	require.JSONEq(t, `{"method":"GET","uri":"https://h/s?t=1","headers":{"a":"b"},"tokenSource":{"kind":"K"}}`, string(next))
	_, err = pollRequest(before, "http://[bad")
	require.ErrorContains(t, err, "Location")
}
