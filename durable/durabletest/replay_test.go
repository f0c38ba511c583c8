package durabletest_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/durabletest"
	"github.com/durango-functions/durango/durable/history"
)

var update = flag.Bool("update", false, "rewrite the recorded history")

// recordedOrder is the history of an order that was approved.
func recordedOrder(t *testing.T) []history.Event {
	env := newShop(t)
	run := env.Start("Order", order{"book", 12})
	run.RaiseEvent("Approval", true)
	require.Equal(t, durable.Completed, run.Status())
	return run.History()
}

// stored is a history as durable.Client's Status has it.
func stored(events []history.Event) []json.RawMessage {
	var out []json.RawMessage
	for i := range events {
		out = append(out, events[i].AppendLean(nil))
	}
	return out
}

func TestReplay(t *testing.T) {
	t.Parallel()
	events := recordedOrder(t)
	durabletest.Replay(t, buy, events)
	durabletest.Replay(t, buy, stored(events))
	for cut := range events { // as it was while it ran
		if events[cut].Type == history.OrchestratorStarted && cut > 0 {
			durabletest.Replay(t, buy, events[:cut])
		}
	}
	path := filepath.Join(t.TempDir(), "order.json")
	require.NoError(t, os.WriteFile(path, durabletest.MarshalHistory(events), 0o600))
	read := durabletest.ReadHistory(t, path)
	require.Equal(t, durabletest.Format(events), durabletest.Format(read))
	durabletest.Replay(t, buy, read)
}

// The file in testdata was recorded when the package was written: what is stored can be read by what comes after.
func TestReplayOfAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "order.json")
	if *update {
		require.NoError(t, os.WriteFile(path, durabletest.MarshalHistory(recordedOrder(t)), 0o600))
	}
	durabletest.Replay(t, buy, durabletest.ReadHistory(t, path))
}

func TestReplayOfOtherCode(t *testing.T) {
	t.Parallel()
	events := recordedOrder(t)
	running := events[:6] // it waits for the approval
	require.Equal(t, history.TimerCreated, running[5].Type, "%s", durabletest.Format(running))
	for name, c := range map[string]struct {
		fn     func(o *durable.Orchestration, in order) (string, error)
		events []history.Event
		parts  []string
		log    []string
	}{
		"an action more": {
			fn: func(o *durable.Orchestration, in order) (string, error) {
				durable.CallActivity[any](o, "Log", in.Item)
				return buy(o, in)
			},
			events: events,
			parts: []string{
				"durabletest: instance 'Order-1' of 'Order' is not deterministic. In episode 1\n", "the history has:  a call of activity 'Charge' with 12\n",
				"its replay has:   a call of activity 'Log' with \"book\"\n",
			},
		},
		"another action later": {
			fn: func(o *durable.Orchestration, in order) (string, error) {
				if err := call(o, "Charge", in.Price); err != nil {
					return "", err
				}
				ok, err := durable.WaitForEventWithin[bool](o, "Approval", 24*time.Hour)
				if err != nil || !ok {
					return "", err
				}
				return "shipped", call(o, "Ship", nil)
			},
			events: events,
			parts: []string{
				"In episode 3\n", "a call of sub-orchestration 'Ship' as instance 'Order-1.1:2' with \"book\"\n", "its replay has:   a call of activity 'Ship'\n",
				"The history before:\n\t0s  ExecutionStarted Order", "3s  EventRaised Approval true\n",
			},
		},
		"an action less": {
			fn:     func(o *durable.Orchestration, in order) (string, error) { return "done", call(o, "Charge", in.Price) },
			events: running,
			parts:  []string{"In episode 2\n", "the history has:  a timer until 24h0m3s\n", "its replay has:   nothing\n"},
		},
		"another input": {
			fn:     func(o *durable.Orchestration, in order) (string, error) { in.Price++; return buy(o, in) },
			events: events,
			log: []string{"durabletest: in episode 1, instance 'Order-1' of 'Order' has a call of activity 'Charge' with 12, " +
				"its replay has a call of activity 'Charge' with 13: the recorded one counts"},
		},
		"another output": {
			fn: func(o *durable.Orchestration, in order) (string, error) {
				out, err := buy(o, in)
				return "<" + out + ">", err
			},
			events: events,
			parts: []string{
				"In episode 4\n", "the history has:  the end of the orchestrator with output \"receipt for 12, shipped book after 2030-01-03\"\n",
				"its replay has:   the end of the orchestrator with output \"<receipt for 12, shipped book after 2030-01-03>\"\n",
			},
		},
		"another end": {
			fn: func(o *durable.Orchestration, in order) (string, error) {
				_, err := buy(o, in)
				_, _ = durable.WaitForEvent[any](o, "Thanks").Await()
				return "", err
			},
			events: events,
			parts:  []string{"its replay has:   waiting for event 'Thanks'\n"},
		},
		"failure": {
			fn: func(o *durable.Orchestration, in order) (string, error) {
				_, _ = buy(o, in)
				panic("broken")
			},
			events: events,
			parts:  []string{"its replay has:   the failure of the orchestrator: Orchestrator function 'Order' failed: panic: broken\n"},
		},
		"an end before the recorded events": {
			fn: func(o *durable.Orchestration, in order) (string, error) {
				durable.CallActivity[any](o, "Charge", in.Price)
				o.CreateTimer(24 * time.Hour)
				return "", nil
			},
			events: running,
			parts:  []string{"the history has:  going on with TaskCompleted\n", "its replay has:   the end of the orchestrator\n"},
		},
		"an end while it runs": {
			fn: func(o *durable.Orchestration, in order) (string, error) {
				err := call(o, "Charge", in.Price)
				o.CreateTimer(24 * time.Hour)
				return "free", err
			},
			events: running,
			log:    []string{"durabletest: instance 'Order-1' of 'Order' runs, and its replay comes to the end of the orchestrator with output \"free\""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test := func(tb durabletest.TB) { durabletest.Replay(tb, c.fn, c.events) }
			if len(c.parts) > 0 {
				requireFailure(t, test, c.parts...)
				return
			}
			r := record(test)
			require.Empty(t, r.failures)
			require.Equal(t, c.log, r.log)
		})
	}
}

func TestReplayOfFailedAndTerminated(t *testing.T) {
	t.Parallel()
	env := newShop(t)
	failed := env.Start("Order", order{"house", 1000})
	require.Equal(t, durable.Failed, failed.Status())
	durabletest.Replay(t, buy, failed.History())
	terminated := env.Start("Order", order{"book", 12})
	terminated.Suspend("hold")
	terminated.Resume("")
	terminated.Terminate("enough")
	durabletest.Replay(t, buy, terminated.History())
}

func TestReplayRefuses(t *testing.T) {
	t.Parallel()
	events := recordedOrder(t)
	foreign := []history.Event{{Type: history.ExecutionStarted, OwnInstanceID: "js"}}
	requireFailure(t, func(tb durabletest.TB) { durabletest.Replay(tb, 7, events) }, "the handler is int: it is no function")
	requireFailure(t, func(tb durabletest.TB) { durabletest.Replay(tb, buy, events[2:]) }, "the history holds no ExecutionStarted among its")
	requireFailure(t, func(tb durabletest.TB) { durabletest.Replay(tb, buy, []history.Event{}) }, "the history holds no ExecutionStarted among its 0 events")
	requireFailure(t, func(tb durabletest.TB) { durabletest.Replay(tb, buy, foreign) }, "the history of instance 'js' is not that of an orchestrator in Go")
	requireFailure(t, func(tb durabletest.TB) { durabletest.Replay(tb, buy, []json.RawMessage{[]byte(`{}`)}) }, "history event 0: decoding history event", "EventType is missing")
	requireFailure(t, func(tb durabletest.TB) { durabletest.ReadHistory(tb, "testdata/none.json") }, "reading a history: open testdata/none.json")
	for text, part := range map[string]string{
		`{"a":1}`: "a history is a JSON array of events in their stored form",
		`[{"EventType":"ExecutionStarted","FunctionName":"Order"}]`: "this seems to be the history as the HTTP management API shows it, which lacks ids",
	} {
		_, err := durabletest.UnmarshalHistory([]byte(text))
		require.ErrorContains(t, err, part)
	}
}
