package node

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// execution is an orchestration of activities in sequence as the engine would run it.
type execution struct {
	generation uint64
	input      string
	past, new  [][]byte
	tasks      int
	clock      time.Time
}

func newExecution(generation uint64, input string) *execution {
	x := &execution{generation: generation, input: input, clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	x.begin(0, `"OrchestrationInstance":{"InstanceId":"i","ExecutionId":"x"},"ParentInstance":null,"Name":"F","Version":"","Input":null,"Tags":null`)
	return x
}

func (x *execution) event(typ, id int, more string) []byte {
	if more != "" {
		more = "," + more
	}
	return fmt.Appendf(nil, `{"EventType":%d,"EventId":%d,"IsPlayed":false,"Timestamp":"%s"%s}`, typ, id, x.clock.Format("2006-01-02T15:04:05.0000000Z"), more)
}

// begin begins an episode that shows one event.
func (x *execution) begin(typ int, more string) {
	x.clock = x.clock.Add(time.Second)
	x.new = [][]byte{x.event(12, -1, ""), x.event(typ, -1, more)}
}

// answered goes on after an episode that has called an activity, with its outcome.
func (x *execution) answered(outcome string) {
	for _, ev := range x.new {
		x.past = append(x.past, []byte(strings.Replace(string(ev), `"IsPlayed":false`, `"IsPlayed":true`, 1)))
	}
	x.past = append(x.past, x.event(4, x.tasks, `"Name":"A","Version":"","Input":"1"`), x.event(13, -1, ""))
	typ := 5
	if strings.HasPrefix(outcome, `"Reason"`) {
		typ = 6
	}
	x.begin(typ, fmt.Sprintf(`"TaskScheduledId":%d,%s`, x.tasks, outcome))
	x.tasks++
}

func (x *execution) value() worker.Value {
	return worker.Value{Kind: worker.Orchestration, Episode: &worker.Episode{
		Generation: x.generation, Past: x.past, New: x.new, Input: json.RawMessage(x.input),
		Rest: fmt.Appendf(nil, `{"history":[],"input":null,"instanceId":"i%d","isReplaying":%t,"parentInstanceId":null,"upperSchemaVersion":1,"upperSchemaVersionNew":2,`+
			`"longRunningTimerIntervalDuration":"3.00:00:00","maximumShortTimerDuration":"6.00:00:00","defaultHttpAsyncRequestSleepTimeMillseconds":30000}`,
			x.generation, len(x.past) > 0),
	}}
}

// kept returns how many events of the execution the process has kept, -1 for none.
func (a *app) kept(x *execution) int {
	p := a.process()
	p.mu.Lock()
	defer p.mu.Unlock()
	if k := p.kept[x.generation]; k != nil {
		return k.events
	}
	return -1
}

// episodes is the function of F/index.js.
func episodes(a *app) *functions.Function {
	return a.fn("F/index.js", "orchestrationTrigger context")
}

const sequence = `const df = require('durable-functions');
module.exports = df.orchestrator(function* (context) {
	const out = [context.df.getInput(), context.df.instanceId];
	context.df.getInput().push('changed by the orchestrator');
	for (let i = 0; i < 5; i++) {
		const time = context.df.currentUtcDateTime;
		out.push(time.toISOString());
		time.setFullYear(1999); // it is the event's own Date
		try {
			out.push(yield context.df.callActivity('A', 1));
		} catch (err) {
			out.push(err.message);
		}
	}
	out.push(context.df.isReplaying);
	return out;
});`

// outcomes of the five activities of sequence.
var outcomes = []string{
	`"Result":"\"one\""`, `"Result":"null"`, `"Reason":"no luck","Details":"d","FailureDetails":{"ErrorType":"Error","ErrorMessage":"no luck"}`,
	`"Result":"{\"a\":[1]}"`, `"Result":"5"`,
}

// runSequence runs the execution to its end and returns the results of all episodes. before is called before each.
func (a *app) runSequence(x *execution, before func(episode int)) (results []string) {
	a.Helper()
	for i := 0; ; i++ {
		before(i)
		results = append(results, a.mustInvoke(episodes(a), x.value()))
		if i == len(outcomes) {
			return results
		}
		x.answered(outcomes[i])
	}
}

func TestHistoriesAreKept(t *testing.T) {
	t.Parallel()
	app := map[string]string{"F/index.js": sequence}
	whole := startApp(t, app, func(c *Config) { c.KeepBytes = -1 }).withSDK("sdk214")
	want := whole.runSequence(newExecution(1, `["in"]`), func(int) { require.Empty(t, whole.process().kept) })
	require.Contains(t, want[5], `"output":[["in","changed by the orchestrator"],"i1","2026-01-01T00:00:01.000Z","one",`)

	a := startApp(t, app).withSDK("sdk214")
	x := newExecution(1, `["in"]`)
	got := a.runSequence(x, func(episode int) {
		if episode > 0 {
			require.Equal(t, max(4*(episode-1), 0), a.kept(x), "episode %d", episode)
		}
	})
	require.Equal(t, want, got)
	require.Equal(t, -1, a.kept(x), "nothing is kept of what has ended")
}

// durable-functions 3.5 with the programming model v4 gets kept histories as well.
func TestHistoriesAreKeptForV4(t *testing.T) {
	t.Parallel()
	app := map[string]string{"app.js": strings.Replace(sequence, "module.exports = df.orchestrator(", "df.app.orchestration('O', ", 1)}
	whole := entryApp(t, []string{"app.js"}, app, func(c *Config) { c.KeepBytes = -1 })
	a := entryApp(t, []string{"app.js"}, app)
	x := newExecution(1, `["in"]`)
	for i := 0; ; i++ {
		want := whole.mustInvoke(whole.registered("O"), x.value())
		require.Equal(t, want, a.mustInvoke(a.registered("O"), x.value()), "episode %d", i)
		if i == len(outcomes) {
			require.Contains(t, want, `"isDone":true`)
			require.Equal(t, -1, a.kept(x))
			return
		}
		require.Equal(t, len(x.past), a.kept(x), "episode %d", i)
		x.answered(outcomes[i])
	}
}

// The value looks the same to code that reads it without the SDK, whether the history was kept or not.
func TestKeptValueLooksTheSame(t *testing.T) {
	t.Parallel()
	app := map[string]string{"F/index.js": `module.exports = (context) => context.done(null, { text: JSON.stringify(context.bindings.context) });`}
	a := startApp(t, app)
	whole := startApp(t, app, func(c *Config) { c.KeepBytes = -1 })
	x := newExecution(7, `{"a":1}`)
	for i := range 4 {
		v := x.value()
		got := a.mustInvoke(episodes(a), v)
		require.Equal(t, whole.mustInvoke(episodes(whole), v), got)
		require.Equal(t, len(x.past), a.kept(x))
		var result struct{ Text string }
		require.NoError(t, json.Unmarshal([]byte(got), &result))
		want := strings.Replace(string(v.Episode.Rest), `"history":[],"input":null`, `"history":`+string(joinArray(append(x.past[:len(x.past):len(x.past)], x.new...)))+`,"input":{"a":1}`, 1)
		require.Equal(t, want, result.Text)
		x.answered(outcomes[i])
	}
}

func TestHistoriesThatDoNotFitAreSentAnew(t *testing.T) {
	t.Parallel()
	app := map[string]string{"F/index.js": sequence}
	whole := startApp(t, app, func(c *Config) { c.KeepBytes = -1 }).withSDK("sdk214")
	a := startApp(t, app, func(c *Config) { c.KeepBytes = 20_000 }).withSDK("sdk214")
	const n = 6
	var executions []*execution
	for i := range n {
		executions = append(executions, newExecution(uint64(i+1), `["in"]`))
	}
	most := 0
	for episode := range len(outcomes) + 1 {
		for _, x := range executions {
			require.Equal(t, whole.mustInvoke(episodes(whole), x.value()), a.mustInvoke(episodes(a), x.value()))
			kept := 0
			for _, other := range executions {
				if a.kept(other) >= 0 {
					kept++
				}
			}
			most = max(most, kept)
			if episode >= 3 {
				require.Less(t, kept, n, "they do not fit, and the host knows it")
			}
			if episode < len(outcomes) {
				x.answered(outcomes[episode])
			}
		}
	}
	require.GreaterOrEqual(t, most, 2)
}

// A process that has dropped what the host relies on says so, and gets all.
func TestForgottenHistoryIsSentAnew(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": sequence}).withSDK("sdk214")
	x := newExecution(1, `["in"]`)
	a.runSequence(x, func(int) {
		p := a.process()
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(x.past) > 4 {
			p.kept[1] = &keptHistory{events: len(x.past) - 1} // another number than the process has
		}
	})
	require.Equal(t, -1, a.kept(x))
}

// A history that became another one under the same number, or is shorter than what was kept, must not be mixed with what was kept.
func TestAnotherGenerationStartsFromTheBeginning(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": sequence}).withSDK("sdk214")
	x := newExecution(1, `["first"]`)
	a.mustInvoke(episodes(a), x.value())
	x.answered(outcomes[0])
	a.mustInvoke(episodes(a), x.value())

	rewound := newExecution(2, `["second"]`)
	rewound.answered(`"Result":"\"another\""`)
	want := `"actions":[[{"functionName":"A","actionType":0,"input":1},{"functionName":"A","actionType":0,"input":1}]]`
	require.Contains(t, a.mustInvoke(episodes(a), rewound.value()), want)
	require.Equal(t, 4, a.kept(rewound))
	shorter := newExecution(2, `["second"]`)
	require.Contains(t, a.mustInvoke(episodes(a), shorter.value()), `"actions":[[{"functionName":"A","actionType":0,"input":1}]]`)
}

func TestHistoriesOfVersion1AreNotKept(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": `const df = require('durable-functions');
module.exports = df.orchestrator(function* (context) {
	const out = [];
	for (let i = 0; i < 4; i++) out.push(yield context.df.callActivity('A', 1));
	return out;
});`}).withSDK("sdk154")
	x := newExecution(1, `["in"]`)
	for i := range 4 {
		result := a.mustInvoke(episodes(a), x.value())
		require.Equal(t, i+1, strings.Count(result, `"functionName":"A"`), result)
		if i > 0 {
			require.Equal(t, -1, a.kept(x), "it writes into the events")
		}
		x.answered(`"Result":"1"`)
	}
	require.Contains(t, a.mustInvoke(episodes(a), x.value()), `"output":[1,1,1,1]`)
}

func TestKeptHistoriesEndWithTheirProcess(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{
		"F/index.js":    sequence,
		"Exit/index.js": `module.exports = async () => process.exit(1);`,
	}).withSDK("sdk214")
	x := newExecution(1, `["in"]`)
	results := a.runSequence(x, func(episode int) {
		if episode == 3 {
			require.Equal(t, 8, a.kept(x))
			_, err := a.invoke(activity(a, "Exit/index.js"), worker.StringValue("1"))
			require.Error(t, err)
		}
	})
	require.Contains(t, results[5], `"isDone":true`)
}

func TestExecutionsStickToAProcess(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": strings.Replace(sequence, "const out = [", "context.df.setCustomStatus(process.pid); const out = [", 1)},
		func(c *Config) { c.Processes = 3 }).withSDK("sdk214")
	pids := map[string]int{}
	var executions []*execution
	for i := range 9 {
		executions = append(executions, newExecution(uint64(i+1), `["in"]`))
	}
	pid := func(x *execution) string {
		var state struct{ CustomStatus json.Number }
		require.NoError(t, json.Unmarshal([]byte(a.mustInvoke(episodes(a), x.value())), &state))
		return state.CustomStatus.String()
	}
	for _, x := range executions {
		first := pid(x)
		pids[first]++
		for _, outcome := range outcomes[:4] {
			x.answered(outcome)
			require.Equal(t, first, pid(x))
		}
	}
	require.NotEmpty(t, pids)
}

// BenchmarkEpisodes measures an orchestration of five activities in sequence with durable-functions 2.1.4: six episodes, five activities.
func BenchmarkEpisodes(b *testing.B) {
	ch, activity := benchChannel(b)
	orchestrator := benchFunction(b, ch, "O", "orchestrationTrigger context", `const df = require(`+fmt.Sprintf("%q", sdk(b, "sdk214"))+` + '/durable-functions');
module.exports = df.orchestrator(function* (context) {
	const out = [];
	for (let i = 0; i < 5; i++) out.push(yield context.df.callActivity('F', 'Tokyo'));
	return out;
});`)
	generation := uint64(0)
	b.ReportAllocs()
	measure(b, ch, 100, func() func() error {
		generation++
		x := newExecution(generation, "null")
		return func() error {
			for i := range 6 {
				if _, err := ch.Invoke(b.Context(), invocation(orchestrator, x.value())); err != nil {
					return err
				}
				if i < 5 {
					if _, err := ch.Invoke(b.Context(), invocation(activity, worker.StringValue(`"Tokyo"`))); err != nil {
						return err
					}
					x.answered(`"Result":"\"Hello Tokyo!\""`)
				}
			}
			return nil
		}
	})
}
