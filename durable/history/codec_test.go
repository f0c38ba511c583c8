package history

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func text(s string) *string { return &s }

var at = time.Date(2026, 11, 24, 1, 2, 3, 123456700, time.UTC)

// samples holds one event of each type with every field that the type has.
func samples() []Event {
	head := func(t EventType, id int) Event { return Event{Type: t, ID: id, Timestamp: at, Action: NoAction} }
	with := func(e Event, f func(*Event)) Event { f(&e); return e }
	return []Event{
		with(head(ExecutionStarted, -1), func(e *Event) {
			e.Name, e.Version, e.Input = "HelloSequence", "1.0", text(`{"a":"\u2028"}`)
			e.OwnInstanceID, e.ExecutionID = "abc", "x1"
			e.Parent = &ParentInstance{Name: "Parent", InstanceID: "p", ExecutionID: "px", TaskScheduledID: 3}
		}),
		with(head(ExecutionStarted, -1), func(e *Event) { e.Name, e.OwnInstanceID, e.ExecutionID = "Bare", "b", "x2" }),
		with(head(ExecutionCompleted, -1), func(e *Event) { e.Status, e.Result = 1, text(`["a"]`) }),
		with(head(ExecutionCompleted, -1), func(e *Event) { e.Status = 3 }),
		with(head(ExecutionFailed, -1), func(e *Event) { e.Reason, e.Details = "r", "d" }),
		with(head(ExecutionTerminated, -1), func(e *Event) { e.Input = text("enough") }),
		with(head(TaskScheduled, 0), func(e *Event) { e.Name, e.Input, e.Action = "SayHello", text(`"Tokyo"`), 0 }),
		with(head(TaskScheduled, 7), func(e *Event) { e.Name = "NoInput" }),
		with(head(TaskCompleted, -1), func(e *Event) { e.TaskID, e.Result = 0, text(`"Hello Tokyo!"`) }),
		with(head(TaskCompleted, -1), func(e *Event) { e.TaskID = 1 }),
		with(head(TaskFailed, -1), func(e *Event) { e.TaskID, e.Reason, e.Details = 1, "Activity function 'F' failed: no", "" }),
		with(head(SubOrchestrationCreated, 2), func(e *Event) {
			e.Name, e.InstanceID, e.Input, e.Action, e.Version = "Child", "x1:2", text("null"), 2, "2"
		}),
		with(head(SubOrchestrationCompleted, -1), func(e *Event) { e.TaskID, e.Result = 2, text("1") }),
		with(head(SubOrchestrationFailed, -1), func(e *Event) { e.TaskID, e.Reason, e.Details = 2, "r", "d\n\x00" }),
		with(head(TimerCreated, 3), func(e *Event) { e.FireAt, e.Action = at.Add(time.Hour), 3 }),
		with(head(TimerFired, -1), func(e *Event) { e.TaskID, e.FireAt = 3, at.Add(time.Hour) }),
		head(OrchestratorStarted, -1),
		head(OrchestratorCompleted, -1),
		with(head(EventSent, 4), func(e *Event) { e.InstanceID, e.Name, e.Input, e.Action = "@counter@a", "op", text(`{"id":"1"}`), 4 }),
		with(head(EventRaised, -1), func(e *Event) { e.Name, e.Input, e.Action = "Approval", text("true"), 5 }),
		with(head(EventRaised, -1), func(e *Event) { e.Name = "Bare" }),
		with(head(ContinueAsNew, -1), func(e *Event) { e.Status, e.Result = 2, text("2") }),
		with(head(GenericEvent, -1), func(e *Event) { e.Data = "rewound by hand" }),
		with(head(GenericEvent, -1), func(e *Event) { e.Data, e.Reason = "x", "Rewound: TaskFailed" }),
		head(HistoryState, -1),
		with(head(ExecutionSuspended, -1), func(e *Event) { e.Reason = "wait" }),
		with(head(ExecutionResumed, -1), func(e *Event) { e.Reason = "go" }),
		with(head(ExecutionRewound, -1), func(e *Event) { e.Reason, e.ExecutionID, e.InstanceID = "again", "px", "p" }),
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	seen := map[EventType]bool{}
	for _, want := range samples() {
		seen[want.Type] = true
		for _, isPlayed := range []bool{true, false} {
			raw := want.AppendJSON(nil, isPlayed)
			require.True(t, json.Valid(raw), "%s", raw)
			got, err := Decode(raw)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
	for typ := ExecutionStarted; typ.IsKnown(); typ++ {
		require.True(t, seen[typ], "no sample of %s", typ)
	}
}

// TestGolden protects the stored form: histories written by an older version must stay readable, and what the SDKs are shown must not
// change unnoticed.
func TestGolden(t *testing.T) {
	t.Parallel()
	var out []byte
	for _, e := range samples() {
		out = append(e.AppendJSON(out, true), '\n')
	}
	path := filepath.Join("testdata", "events.jsonl")
	if *update {
		require.NoError(t, os.WriteFile(path, out, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(out))
	for i, line := range strings.Split(strings.TrimSuffix(string(want), "\n"), "\n") {
		e, err := Decode([]byte(line))
		require.NoError(t, err)
		require.Equal(t, samples()[i], e)
	}
}

func TestMarkPlayed(t *testing.T) {
	t.Parallel()
	for _, e := range samples() {
		unplayedForm, playedForm := e.AppendJSON(nil, false), e.AppendJSON(nil, true)
		before := string(unplayedForm)
		require.Equal(t, string(playedForm), string(MarkPlayed(unplayedForm)))
		require.Equal(t, before, string(unplayedForm), "the input was changed")
		require.Equal(t, string(playedForm), string(MarkPlayed(playedForm)))
	}
	tricky := Event{Type: EventRaised, ID: -1, Timestamp: at, Name: `x,"IsPlayed":false,`, Input: text(`{"a":1,"IsPlayed":false,"b":2}`), Action: NoAction}
	require.Equal(t, string(tricky.AppendJSON(nil, true)), string(MarkPlayed(tricky.AppendJSON(nil, true))))
	require.Equal(t, string(tricky.AppendJSON(nil, true)), string(MarkPlayed(tricky.AppendJSON(nil, false))))
}

func TestJoinArray(t *testing.T) {
	t.Parallel()
	require.Equal(t, `[]`, string(JoinArray(nil)))
	require.Equal(t, `[{"a":1},{"b":2}]`, string(JoinArray([][]byte{[]byte(`{"a":1}`), []byte(`{"b":2}`)})))
}

func TestActionIsKeptWhereItMeansSomething(t *testing.T) {
	t.Parallel()
	e := Event{Type: TaskCompleted, ID: -1, Timestamp: at} // a zero Action is no claim
	require.NotContains(t, string(e.AppendJSON(nil, true)), "DurangoAction")
	e = Event{Type: TimerCreated, ID: 1, Timestamp: at, Action: 0}
	require.Contains(t, string(e.AppendJSON(nil, true)), `"DurangoAction":0`)
}

func TestStrings(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", `"\/`, "\x00\x01\x1f\x7f\b\f\n\r\t", "<>&", "äß世界🎉", "\u2028\u2029", "\ufffd"} {
		var got string
		raw := appendString(nil, s)
		require.NoError(t, json.Unmarshal(raw, &got), "%s", raw)
		require.Equal(t, s, got)
	}
	require.Equal(t, `"a\u2028b"`, string(appendString(nil, "a\u2028b")))
	require.Equal(t, `"a\ufffd\ufffdb"`, string(appendString(nil, "a\xff\xc0b")))
	require.Equal(t, `"\ufffd"`, string(appendString(nil, "\xe2"))) // cut in the middle of a rune
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		``:    "unexpected end of JSON input",
		`{}`:  "EventType is missing",
		`[1]`: "cannot unmarshal array",
		`{"EventType":"TaskScheduled","Timestamp":"2026-11-24T01:02:03Z"}`: "EventType",
		`{"EventType":99,"Timestamp":"2026-11-24T01:02:03Z"}`:              "EventType 99 is unknown",
		`{"EventType":-1,"Timestamp":"2026-11-24T01:02:03Z"}`:              "EventType -1 is unknown",
		`{"EventType":12}`:                                                        "Timestamp is missing",
		`{"EventType":12,"Timestamp":"yesterday"}`:                                "yesterday",
		`{"EventType":4,"Timestamp":"2026-11-24T01:02:03Z","Name":"F"}`:           "EventId is missing in a TaskScheduled",
		`{"EventType":5,"Timestamp":"2026-11-24T01:02:03Z","Result":null}`:        "TaskScheduledId is missing in a TaskCompleted",
		`{"EventType":11,"Timestamp":"2026-11-24T01:02:03Z","TaskScheduledId":1}`: "TimerId is missing in a TimerFired",
		`{"EventType":15,"Timestamp":"2026-11-24T01:02:03Z","Input":{"a":1}}`:     "Input",
	}
	for raw, want := range cases {
		_, err := Decode([]byte(raw))
		require.ErrorContains(t, err, want, "%s", raw)
	}
	_, err := Decode([]byte(`{"EventType":99,"Timestamp":"2026-11-24T01:02:03Z","Name":"` + strings.Repeat("x", 1000) + `"}`))
	require.Less(t, len(err.Error()), 300)
}

func TestNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, "SubOrchestrationInstanceCreated", SubOrchestrationCreated.String())
	require.Equal(t, "SubOrchestrationInstanceCompleted", SubOrchestrationCompleted.String())
	require.Equal(t, "ExecutionStarted", ExecutionStarted.String())
	require.Equal(t, "ExecutionRewound", ExecutionRewound.String())
	require.Equal(t, "EventType(22)", EventType(22).String())
	require.Equal(t, "EventType(-1)", EventType(-1).String())
}

func FuzzDecode(f *testing.F) {
	for _, e := range samples() {
		f.Add(e.AppendJSON(nil, false))
	}
	f.Add([]byte(`{"EventType":4,"EventId":1e3,"Timestamp":"9999-12-31T23:59:59.9999999Z"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		MarkPlayed(raw)
		e, err := Decode(raw)
		if err != nil {
			return
		}
		form := e.AppendJSON(nil, false)
		require.True(t, json.Valid(form), "%q", form)
		again, err := Decode(form)
		require.NoError(t, err)
		require.Equal(t, string(form), string(again.AppendJSON(nil, false)))
		require.Equal(t, string(again.AppendJSON(nil, true)), string(MarkPlayed(form)))
	})
}

func BenchmarkAppendJSON(b *testing.B) {
	e := Event{Type: TaskCompleted, ID: -1, Timestamp: at, TaskID: 3, Result: text(strings.Repeat("0123456789", 20))}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = e.AppendJSON(buf[:0], true)
	}
}

func TestTimesAreThoseOfTheLayout(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{
		{}, time.Unix(0, 0), time.Unix(1732412345, 123456789), time.Unix(1732412345, 99), time.Unix(1732412345, 999999999),
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(999, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 2, 3, 4, 5, 6, 7000, time.FixedZone("", 3600)),
	} {
		require.Equal(t, `"`+at.UTC().Format(timeLayout)+`"`, string(appendTime(nil, at)))
	}
}
