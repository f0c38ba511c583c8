package replay

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type scenario struct {
	name  string
	sdks  []string
	input any
	slow  []string
	setup func(*sim)
	want  any // output; nil: see check
	check func(*sim)
}

var scenarios = []scenario{
	{name: "sequence", input: []string{"Tokyo", "Seattle", "\"quoted\""}, want: []any{"Tokyo", "Seattle", "\"quoted\""}},
	{name: "fanOut", input: []any{1, "two", nil, map[string]any{"three": 3}}, want: []any{1.0, "two", nil, map[string]any{"three": 3.0}}},
	{name: "fanOutFails", slow: []string{"Slow"}, want: []any{true, "d"}},
	{name: "nested", sdks: []string{sdk2}, want: []any{true, []any{1.0, 2.0}, 4.0}},
	{name: "retryBesideActivity", want: []any{"a", "b", "F"}, slow: []string{}, check: func(s *sim) {
		if s.output.([]any)[0] == "F" {
			require.Equal(s.t, []any{"F", "b", "F"}, s.output)
			s.output = []any{"a", "b", "F"}
		}
	}},
	{name: "retriesInParallel", want: []any{"F1", "a", "F2", "b"}},
	{name: "retryExhausted", input: 3, want: []any{"failed: Fail failed for the 3. time", "after"}},
	{name: "retryExhausted", input: 1, want: []any{"failed: Fail failed for the 1. time", "after"}},
	{name: "retryTimeout", sdks: []string{sdk2}, slow: []string{"Slow"}, want: []any{"failed: Fail failed for the 4. time", "s", "after"}, check: func(s *sim) {
		require.Equal(s.t, 4, s.attempts["Fail"], "attempts at 0, 1, 2 and 3 s; the fourth is past 2.5 s")
	}},
	{name: "subRetry", want: []any{"S", "input"}, check: func(s *sim) {
		ids := map[string]bool{}
		for _, sub := range s.subs[:3] {
			require.NotContains(s.t, ids, sub.InstanceID, "each attempt is an instance of its own")
			if sub.InstanceID != "" {
				require.Equal(s.t, fmt.Sprintf("x0:%d", sub.ID), sub.InstanceID)
				ids[sub.InstanceID] = true
			}
		}
		require.Equal(s.t, "given-id", s.subs[3].InstanceID)
		require.JSONEq(s.t, `"input"`, string(s.subs[3].Input))
	}},
	{name: "timerCancelled", setup: func(s *sim) { s.punctual, s.eager = true, true }, want: []any{true, "after"}, check: func(s *sim) { require.Less(s.t, s.now.Sub(epoch), time.Hour) }},
	{name: "approval", setup: func(s *sim) { s.raise("Approval", "yes") }, check: func(s *sim) {
		if s.output.([]any)[0] == "timed out" {
			require.Equal(s.t, []any{"timed out", "boss"}, s.output)
		} else {
			require.Equal(s.t, []any{"approved", "yes"}, s.output)
		}
	}},
	{name: "approval", setup: func(s *sim) { s.raise("approval", "in another case") }, check: func(s *sim) {
		if s.output.([]any)[0] != "timed out" {
			require.Equal(s.t, []any{"approved", "in another case"}, s.output)
		}
	}},
	{name: "approval", want: []any{"timed out", "boss"}},
	{name: "reminders", setup: func(s *sim) { s.raise("Other", 1); s.raise("Approval", "ok") }, check: func(s *sim) {
		require.Equal(s.t, "ok", s.output.([]any)[1])
	}},
	{name: "monitor2x", sdks: []string{sdk2}, input: 4, setup: func(s *sim) {
		for i := range 4 {
			s.raise("Tick", i)
		}
	}, want: []any{0.0, 1.0, 2.0, 3.0}},
	{name: "twoWaits", setup: func(s *sim) { s.raise("e", 1); s.raise("e", 2) }, check: func(s *sim) {
		if s.name == sdk2 { // the last wait gets the first event
			require.Equal(s.t, []any{2.0, 1.0}, s.output)
		} else {
			require.Equal(s.t, []any{1.0, 2.0}, s.output)
		}
	}},
	{name: "inbox", setup: func(s *sim) { s.raise("e", 1); s.raise("e", 2) }, want: []any{"begin", 1.0, 1.0, 2.0}},
	{name: "http", sdks: []string{sdk2}, slow: []string{"Slow"}, want: []any{200.0, "done ", "s"}, check: func(s *sim) {
		require.Len(s.t, s.requests, 4)
		first, last := s.requests[0], s.requests[3]
		require.Equal(s.t, map[string]any{
			"method": "POST", "uri": "http://service/start?polls=3", "content": "body", asyncPattern: false,
			"headers": map[string]any{"x-functions-key": "k", "accept": "y"},
		}, first)
		require.Equal(s.t, map[string]any{
			"method": "GET", "uri": "http://service/next?polls=0&tag=", asyncPattern: false, "headers": map[string]any{"accept": "y"},
		}, last)
		require.GreaterOrEqual(s.t, s.now.Sub(epoch), 67*time.Second, "30 s twice by default, and 7 s as the service asked")
		require.Less(s.t, s.now.Sub(epoch), 68*time.Second)
	}},
	{name: "http", sdks: []string{sdk1}, slow: []string{"Slow"}, want: []any{200.0, "done ", "s"}, check: func(s *sim) {
		require.Len(s.t, s.requests, 1)
		require.Equal(s.t, true, s.requests[0][asyncPattern], "the host polls")
	}},
	{name: "eternal", input: map[string]any{"sum": 0, "rounds": 5}, want: 15.0, setup: func(s *sim) {
		for i := range 5 {
			s.raise("add", i+1)
		}
	}, check: func(s *sim) { require.Equal(s.t, 4, s.run) }},
	{name: "restartWithText", input: "a", want: "axxx", check: func(s *sim) { require.Equal(s.t, `"axxx"`, string(s.input)) }},
	{name: "guids", check: func(s *sim) {
		require.Len(s.t, s.output, 6)
		require.NotEqual(s.t, s.output.([]any)[0], s.output.([]any)[2])
	}},
	{name: "numericEvent", sdks: []string{sdk2}, slow: []string{"Slow"}, setup: func(s *sim) { s.raise("0", "event") }, want: []any{"work", "event"}},
	{name: "locks", sdks: []string{sdk3}, want: []any{false, "a,b", "first", 1.0, 2.0, "between", "after", false}, check: func(s *sim) {
		require.Equal(s.t, []string{
			"2 0 @account@a  ", `0 1 @account@a echo "first"`, "0 2 @account@a echo 1", "0 3 @account@b echo 2", "3 4 @account@a  ", "3 5 @account@b  ",
			`1 6 @account@a note "released"`, "2 8 @account@a  ", "3 9 @account@a  ", "2 11 @account@b  ",
		}, s.sent)
	}},
	{name: "dropsOpenTasks", slow: []string{"Never"}, want: "early"},
}

// TestScenarios drives orchestrators to their end, with the timing of many seeds.
func TestScenarios(t *testing.T) {
	t.Parallel()
	seeds := uint64(15)
	if testing.Short() {
		seeds = 5
	}
	for _, name := range allSDKs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			process := startSDK(t, name)
			for _, sc := range scenarios {
				if sc.sdks == nil && name == sdk3 || sc.sdks != nil && sc.sdks[0] != name {
					continue
				}
				for seed := range seeds {
					s := newSim(process, seed, sc.name, sc.input)
					for _, f := range sc.slow {
						s.slow[f] = true
					}
					if sc.setup != nil {
						sc.setup(s)
					}
					s.finish()
					require.NoError(t, s.err, "%s, seed %d", sc.name, seed)
					require.Equal(t, Completed, s.outcome, "%s, seed %d: %s", sc.name, seed, s.failure)
					if sc.check != nil {
						sc.check(s)
					}
					if sc.want != nil {
						require.Equal(t, sc.want, s.output, "%s, seed %d\n%s", sc.name, seed, s.dump())
					}
				}
			}
		})
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, name := range bothSDKs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			process := startSDK(t, name)
			end := func(orchestrator string, input any) *sim {
				s := newSim(process, 1, orchestrator, input)
				s.noSwap = true
				s.finish()
				return s
			}
			s := end("fails", nil)
			require.Equal(t, Failed, s.outcome)
			require.Equal(t, "my reason", s.failure)

			s = end("failsWithoutMessage", "just text")
			require.Equal(t, Failed, s.outcome)
			if name == sdk2 {
				require.Equal(t, noMessage, s.failure)
			} else {
				require.Equal(t, "just text", s.failure)
			}

			s = end("unhandled", nil)
			require.Equal(t, Failed, s.outcome)
			require.Contains(t, s.failure, "Fail failed for the 1. time")

			s = end("undeterministic", nil)
			var divergence *DivergenceError
			require.ErrorAs(t, s.err, &divergence)
			require.Equal(t, 0, divergence.Index)
			require.Regexp(t, `CallActivity "Echo\d+"`, divergence.Recorded)
			require.Regexp(t, `CallActivity "Echo\d+"`, divergence.New)
			require.NotEqual(t, divergence.Recorded, divergence.New)
		})
	}
}
