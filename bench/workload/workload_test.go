package workload

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/bench/engine"
)

// fake is an engine that answers at once with what it is told.
type fake struct {
	output any
	err    error
}

func (f *fake) Create(context.Context, string, string, any) error { return nil }

func (f *fake) Await(ctx context.Context, _ string, output any) error {
	if f.err != nil {
		return f.err
	}
	if f.output == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	data, err := json.Marshal(f.output)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, output)
}

func (f *fake) Raise(context.Context, string, string, any) error { return nil }
func (f *fake) Stop(context.Context) error                       { return nil }

func run(e engine.Engine) *Run {
	return &Run{Engine: e, Functions: &engine.Functions{}, Sizes: Sizes{
		WarmUp: 1, Hellos: 5, InFlight: [2]int{2, 4}, Window: 20 * time.Millisecond, Repeat: time.Second, Limit: 50 * time.Millisecond,
	}}
}

func find(t *testing.T, name string) *Workload {
	t.Helper()
	for _, w := range List(run(nil).Sizes) {
		if w.Name == name {
			return w
		}
	}
	t.Fatal("no workload " + name)
	return nil
}

func TestHelloCountsRuns(t *testing.T) {
	t.Parallel()
	r := run(&fake{output: greetings})
	m, err := find(t, HelloUnloaded).Measure(t.Context(), r)
	require.NoError(t, err)
	require.InDelta(t, 5, m[Runs], 0)
	m, err = find(t, HelloFlooded).Measure(t.Context(), r)
	require.NoError(t, err)
	require.GreaterOrEqual(t, m[Runs], 12., "each place is used three times at least")
	require.Positive(t, m[PerSecond])
}

func TestWrongOutputFails(t *testing.T) {
	t.Parallel()
	for _, output := range []any{[]string{"Hello Tokyo!"}, []string{}} {
		_, err := find(t, HelloUnloaded).Measure(t.Context(), run(&fake{output: output}))
		require.ErrorContains(t, err, "instead of")
	}
	r := run(&fake{output: 1})
	require.ErrorContains(t, runOne(t.Context(), r, engine.FanOut, 10, 90), "returned 1 instead of 90")
}

func TestEnginesErrorFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := find(t, HelloLoaded).Measure(t.Context(), run(&fake{err: broken}))
	require.ErrorIs(t, err, broken)
}

func TestOutOfTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errLimit)
	defer cancel()
	_, err := loaded(3)(ctx, run(&fake{}))
	incomplete, ok := errors.AsType[*IncompleteError](err)
	require.True(t, ok, err)
	require.Equal(t, 3, incomplete.Of)
	for _, w := range List(run(nil).Sizes) {
		_, err := w.Measure(t.Context(), run(&fake{}))
		require.ErrorAs(t, err, &incomplete, w.Name)
	}
}

func TestPayload(t *testing.T) {
	t.Parallel()
	require.Len(t, engine.Payload(1000), 1000)
	require.Equal(t, 1000, engine.CheckReversed(1000, engine.Reversed(engine.Payload(1000))))
	require.Equal(t, -1, engine.CheckReversed(1000, engine.Payload(1000)))
	data, err := json.Marshal(engine.Payload(1000))
	require.NoError(t, err)
	require.Len(t, data, 1002)
}
