package durable_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
)

func TestTypedResults(t *testing.T) {
	t.Parallel()
	st := &durable.Status{
		Name: "F", InstanceID: "one", RuntimeStatus: durable.Completed,
		Input: json.RawMessage(`"in"`), Output: json.RawMessage(`[1,2]`), CustomStatus: json.RawMessage(`{"Step":3}`),
	}
	out, err := durable.OutputOf[[]int](st)
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, out)
	in, err := durable.InputOf[string](st)
	require.NoError(t, err)
	require.Equal(t, "in", in)
	custom, err := durable.CustomStatusOf[struct{ Step int }](st)
	require.NoError(t, err)
	require.Equal(t, 3, custom.Step)
	none, err := durable.OutputOf[*int](&durable.Status{RuntimeStatus: durable.Completed})
	require.NoError(t, err)
	require.Nil(t, none)
	_, err = durable.OutputOf[string](st)
	require.EqualError(t, err, "the output of instance 'one' does not fit *string: json: cannot unmarshal array into Go value of type string")
}

func TestNoOutput(t *testing.T) {
	t.Parallel()
	for status, want := range map[durable.RuntimeStatus]string{
		durable.Running:    "instance 'one' of orchestrator 'F' is Running",
		durable.Failed:     "instance 'one' of orchestrator 'F' is Failed: no luck",
		durable.Terminated: "instance 'one' of orchestrator 'F' is Terminated: no luck",
	} {
		st := &durable.Status{Name: "F", InstanceID: "one", RuntimeStatus: status}
		if status != durable.Running {
			st.Output = json.RawMessage(`"no luck"`)
		}
		_, err := durable.OutputOf[int](st)
		require.EqualError(t, err, want)
		var not *durable.NotCompletedError
		require.ErrorAs(t, err, &not)
		require.Equal(t, status, not.Status)
		if status == durable.Terminated {
			require.ErrorIs(t, err, durable.ErrTerminated)
		} else {
			require.NotErrorIs(t, err, durable.ErrTerminated)
		}
	}
}
