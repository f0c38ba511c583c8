package replay

import (
	"strings"
	"testing"
	"time"

	"github.com/durango-functions/durango/durable/history"
	"github.com/stretchr/testify/require"
)

func TestDivergence(t *testing.T) {
	t.Parallel()
	sub := func(id string) Action { return Action{Type: CallSubOrchestrator, FunctionName: "S", InstanceID: id} }
	cases := []struct {
		name          string
		before, after *Result
		want          string // "": none
	}{
		{"same", waiting(activity("A")), waiting(activity("a")), ""},
		{"other name", waiting(activity("A")), waiting(activity("B")), `recorded as CallActivity "A", but this replay asks for CallActivity "B"`},
		{"other type", waiting(activity("A")), waiting(timer(epoch)), `CreateTimer for 2026-11-24T08:00:00Z`},
		{"retry instead of plain", waiting(activity("A")), waiting(retrying("A", 1, 1)), `CallActivityWithRetry "A"`},
		{"other event", waiting(wait("a")), waiting(wait("b")), `WaitForExternalEvent "a", but this replay asks for WaitForExternalEvent "b"`},
		{"other instance", waiting(sub("i")), waiting(sub("j")), `with instance ID "i"`},
		{"instance now given", waiting(sub("")), waiting(sub("j")), `with instance ID "j"`},
		{"instance no more given", waiting(sub("i")), waiting(sub("")), ""},
		{"fewer", waiting(activity("A"), activity("B")), waiting(activity("A")), `action 1 was recorded as CallActivity "B", but this replay asks for nothing`},
		{"smaller compound", waiting(compound(WhenAll, activity("A"), activity("B"))), waiting(compound(WhenAll, activity("A"))), `action 1`},
		{"grown compound", waiting(compound(WhenAll, activity("A"))), waiting(compound(WhenAll, activity("A"), activity("B"))), `action 2`},
		{"other time in 1.x", &Result{Actions: [][]Action{{timer(epoch)}}}, &Result{Actions: [][]Action{{timer(epoch.Add(time.Hour))}}}, `CreateTimer for`},
		{"other time in 2.x", waiting(timer(epoch)), waiting(timer(epoch.Add(time.Hour))), ""},
	}
	for _, c := range cases {
		o, d := begin(t, c.before)
		_, err := o.Apply(epoch, nil, c.after)
		restored, restoreErr := Restore(Config{}, stored(d))
		require.NoError(t, restoreErr)
		again := restored.Learn(c.after)
		if c.want == "" {
			require.NoError(t, err, c.name)
			require.NoError(t, again, c.name)
			continue
		}
		var divergence *DivergenceError
		require.ErrorAs(t, err, &divergence, c.name)
		require.ErrorContains(t, err, c.want, c.name)
		if strings.HasPrefix(c.name, "other event") || strings.HasPrefix(c.name, "retry") || strings.HasPrefix(c.name, "other time") {
			continue // the history does not tell
		}
		require.ErrorAs(t, again, &divergence, c.name)
	}
}

// stored is the history after a first episode.
func stored(d *Decisions) []history.Event {
	return append([]history.Event{
		{Type: history.OrchestratorStarted, ID: -1, Timestamp: epoch, Action: history.NoAction},
		{Type: history.ExecutionStarted, ID: -1, Timestamp: epoch, Action: history.NoAction},
	}, d.Events...)
}

func TestRestore(t *testing.T) {
	t.Parallel()
	r := waiting(compound(WhenAll, wait("e"), activity("A"), retrying("F", 3, 1)))
	_, d := begin(t, r)
	o, err := Restore(Config{}, stored(d))
	require.NoError(t, err)
	require.False(t, o.Learned())
	require.False(t, o.Stale(done(0, "1")))
	require.True(t, o.Stale(done(7, "1")))
	require.Equal(t, []int{1, 0}, chosen(o, done(0, "1"), failed(1), raised("e")), "a failure may need a timer, an event must wait")
	require.False(t, o.NeedsReplay([]history.Event{done(0, "1"), raised("e")}), "an episode is run anyway")
	require.True(t, o.NeedsReplay([]history.Event{raised("e")}))
	require.False(t, o.NeedsReplay(nil))
	require.NoError(t, o.Learn(r))
	require.NoError(t, o.Learn(r), "once more does nothing")
	require.Equal(t, []int{0}, chosen(o, raised("e")))

	// Without Learn, the first Apply learns.
	o, err = Restore(Config{}, stored(d))
	require.NoError(t, err)
	got := apply(t, o, time.Second, r, failed(1))
	require.Equal(t, "TimerCreated 2", summary(got))

	// An execution without history is a new one.
	o, err = Restore(Config{}, nil)
	require.NoError(t, err)
	require.True(t, o.Learned())
	require.Equal(t, "TaskScheduledA 0, TaskScheduledF 1", summary(apply(t, o, 0, r)))

	_, err = Restore(Config{}, append(stored(d), d.Events[0]))
	require.ErrorContains(t, err, "a second one with task id 0")
	foreign := d.Events[0]
	foreign.ID, foreign.Action = 9, history.NoAction
	_, err = Restore(Config{}, append(stored(d), foreign))
	require.ErrorContains(t, err, "belongs to no action")

	o, err = Restore(Config{}, stored(d))
	require.NoError(t, err)
	require.ErrorContains(t, o.Learn(&Result{Failed: true, Error: "boom"}), "boom")
	o, _ = Restore(Config{}, stored(d))
	require.ErrorContains(t, o.Learn(&Result{IsDone: true, SchemaVersion: 2, Actions: r.Actions}), "completion")
	o, _ = Restore(Config{}, stored(d))
	require.ErrorContains(t, o.Learn(waiting(r.Actions[0][0], activity("New"))), `recorded as nothing, but this replay asks for CallActivity "New"`)
}
