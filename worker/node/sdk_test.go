package node

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/worker"
)

var installing sync.Mutex

// sdk returns the node_modules folder with the npm packages of testdata/name. They are installed there if they are not, unless the
// checkout cannot be written, when they are installed in a folder that later runs find again.
func sdk(t testing.TB, name string) string {
	t.Helper()
	installing.Lock()
	defer installing.Unlock()
	dir, err := filepath.Abs(filepath.Join("testdata", name))
	require.NoError(t, err)
	if modules := filepath.Join(dir, "node_modules"); isInstalled(modules) {
		return modules
	}
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	copied := filepath.Join(cache, "durango-test", name)
	require.NoError(t, os.MkdirAll(copied, 0o755))
	same := true
	for _, file := range []string{"package.json", "package-lock.json"} {
		data, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		old, _ := os.ReadFile(filepath.Join(copied, file))
		same = same && string(old) == string(data)
		require.NoError(t, os.WriteFile(filepath.Join(copied, file), data, 0o644))
	}
	modules := filepath.Join(copied, "node_modules")
	if same && isInstalled(modules) {
		return modules
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = copied
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "npm ci in %s: %s", copied, out)
	return modules
}

// isInstalled: npm writes this file when it is done.
func isInstalled(modules string) bool {
	_, err := os.Stat(filepath.Join(modules, ".package-lock.json"))
	return err == nil
}

// withSDK makes the packages of testdata/name those of the app.
func (a *app) withSDK(name string) *app {
	a.Helper()
	require.NoError(a, os.Symlink(sdk(a, name), filepath.Join(a.root, "node_modules")))
	return a
}

// history is the payload of an orchestrationTrigger: the start, and then the given events.
func history(events ...string) worker.Value {
	const common = `"EventId":-1,"IsPlayed":false,"Timestamp":"2026-01-01T00:00:00.000Z"`
	all := []string{`{"EventType":12,` + common + `}`, `{"EventType":0,"Name":"F","Input":null,` + common + `}`}
	for _, event := range events {
		all = append(all, strings.TrimSuffix(event, "}")+","+common+"}")
	}
	return worker.StringValue(fmt.Sprintf(`{"history":[%s],"input":null,"instanceId":"i","isReplaying":false,"parentInstanceId":null,`+
		`"upperSchemaVersion":1,"upperSchemaVersionNew":3,"longRunningTimerIntervalDuration":"3.00:00:00",`+
		`"maximumShortTimerDuration":"6.00:00:00","defaultHttpAsyncRequestSleepTimeMillseconds":30000}`, strings.Join(all, ",")))
}

const orchestrations = `const df = require("durable-functions");
	module.exports.%s = df.orchestrator(%s);`

func orchestrator(t *testing.T, sdk, name, source string) (*app, func(...string) (string, error)) {
	t.Helper()
	a := newApp(t, map[string]string{"F/index.js": fmt.Sprintf(orchestrations, name, source)}).withSDK(sdk)
	require.NoError(t, a.ch.Start(ctxFor(t)))
	fn := a.fn("F/index.js", "orchestrationTrigger context")
	return a, func(events ...string) (string, error) {
		result, err := a.invoke(fn, history(events...))
		if err != nil {
			return "", err
		}
		require.Equal(t, worker.JSON, result.ReturnValue.Kind)
		require.Empty(t, result.Outputs)
		return string(result.ReturnValue.Data), nil
	}
}

func TestOrchestratorOf214(t *testing.T) {
	t.Parallel()
	_, run := orchestrator(t, "sdk214", "run", `function* (context) {
		context.df.setCustomStatus({ at: 1 });
		const t = context.df.callActivity("A", 5);
		const e1 = context.df.waitForExternalEvent("e1"), e2 = context.df.waitForExternalEvent("e2");
		yield context.df.Task.any([t, e1]);
		yield context.df.Task.any([t, context.df.Task.all([e2, e1])]);
		const timer = context.df.createTimer(new Date(Date.UTC(2026, 0, 2)));
		yield timer;
		return { done: true };
	}`)
	const (
		first  = `{"actionType":11,"compoundActions":[{"functionName":"A","input":5,"actionType":0},{"externalEventName":"e1","reason":"ExternalEvent","actionType":6}]}`
		second = `{"actionType":11,"compoundActions":[{"actionRef":0},{"actionType":12,"compoundActions":[{"externalEventName":"e2","reason":"ExternalEvent","actionType":6},{"actionRef":1}]}]}`
		timer  = `{"isCanceled":false,"actionType":5,"fireAt":"2026-01-02T00:00:00.000Z"}`
		event1 = `{"EventType":15,"Name":"e1","Input":"1"}`
		taskA  = `{"EventType":5,"TaskScheduledId":0,"Result":"\"r\""}`
		fired  = `{"EventType":11,"TimerId":1,"FireAt":"2026-01-02T00:00:00.000Z"}`
	)
	state := func(isDone bool, output string, actions ...string) string {
		return fmt.Sprintf(`{"isDone":%t,"actions":[[%s]],%s"customStatus":{"at":1},"schemaVersion":2}`, isDone, strings.Join(actions, ","), output)
	}
	for _, step := range []struct {
		events []string
		want   string
	}{
		{nil, state(false, "", first)},
		{[]string{event1}, state(false, "", first, second)},
		{[]string{event1, taskA}, state(false, "", first, second, timer)},
		{[]string{event1, taskA, fired}, state(true, `"output":{"done":true},`, first, second, timer)},
	} {
		got, err := run(step.events...)
		require.NoError(t, err)
		require.JSONEq(t, step.want, got)
	}
}

func TestOrchestratorFailureOf214(t *testing.T) {
	t.Parallel()
	a, run := orchestrator(t, "sdk214", "run", `function* (context) {
		yield context.df.callActivity("A", "x".repeat(200000));
		throw new Error("broken ü");
	}`)
	_, err := run(`{"EventType":5,"TaskScheduledId":0,"Result":"1"}`)
	checkFailure(t, err)
	require.Empty(t, a.logged("Choose either"))
}

func checkFailure(t *testing.T, err error) {
	t.Helper()
	var failure *worker.FunctionError
	require.ErrorAs(t, err, &failure)
	_, data, found := strings.Cut(failure.Message, "\n\n$OutOfProcData$:")
	require.True(t, found, failure.Message)
	var state struct {
		Error   string
		Actions [][]struct{ Input string }
	}
	require.NoError(t, json.Unmarshal([]byte(data), &state))
	require.Equal(t, "broken ü", state.Error)
	require.Len(t, state.Actions[0][0].Input, 200000+strings.Count(state.Actions[0][0].Input, `"`))
}

func TestOrchestratorOf154(t *testing.T) {
	t.Parallel()
	a, run := orchestrator(t, "sdk154", "run", `function* (context) {
		const t = context.df.callActivity("A", 5), e = context.df.waitForExternalEvent("e");
		yield context.df.Task.any([t, e]);
		return yield context.df.callActivity("B");
	}`)
	got, err := run()
	require.NoError(t, err)
	require.JSONEq(t, `{"isDone":false,"actions":[[{"actionType":0,"functionName":"A","input":5},{"actionType":6,"externalEventName":"e","reason":"ExternalEvent"}]]}`, got)
	got, err = run(`{"EventType":4,"Name":"A"}`, `{"EventType":15,"Name":"e","Input":"1"}`)
	require.NoError(t, err)
	require.Contains(t, got, `[{"functionName":"B","actionType":0}]`)
	require.Empty(t, a.logged("Choose either"), "1.x calls done from async code, which is not the app's doing")
}

func TestOrchestratorFailureOf154(t *testing.T) {
	t.Parallel()
	_, run := orchestrator(t, "sdk154", "run", `function* (context) {
		context.df.setCustomStatus("s");
		const t = context.df.callActivity("A", "x".repeat(200000));
		context.df.Task.all([t]);
		yield t;
		throw new Error("broken ü");
	}`)
	_, err := run(`{"EventType":4,"Name":"A"}`, `{"EventType":5,"TaskScheduledId":-1,"Result":"1"}`)
	checkFailure(t, err)
}

func TestRefsAreOnlyForOrchestrators(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": `module.exports = async () => { const a = { x: 1 }; return { actions: [[a, a]] }; };`})
	require.JSONEq(t, `{"actions":[[{"x":1},{"x":1}]]}`, a.mustInvoke(activity(a, "F/index.js")))
	require.JSONEq(t, `{"actions":[[{"x":1},{"actionRef":0}]]}`, a.mustInvoke(a.fn("F/index.js", "orchestrationTrigger c")))
}

func TestClientOf214(t *testing.T) {
	t.Parallel()
	a := newApp(t, map[string]string{"F/index.js": `const df = require("durable-functions");
		module.exports = async (context, req) => df.getClient(context).createCheckStatusResponse(req, "the-id");`},
		func(c *Config) { c.Env = append(os.Environ(), "WEBSITE_HOSTNAME=localhost:1234") }).withSDK("sdk214")
	require.NoError(t, a.ch.Start(ctxFor(t)))
	client := `{"taskHubName":"h","creationUrls":{"createNewInstancePostUri":"http://localhost:1234/o","createAndWaitOnNewInstancePostUri":"http://localhost:1234/o"},
		"managementUrls":{"id":"INSTANCEID","statusQueryGetUri":"http://localhost:1234/i/INSTANCEID"},"baseUrl":"http://localhost:1234"}`
	result, err := a.invoke(a.fn("F/index.js", "httpTrigger req", "orchestrationClient starter", "http $return out"),
		request(worker.HTTPRequest{Method: "POST", URL: "http://localhost:1234/api/x"}), worker.StringValue(client))
	require.NoError(t, err)
	response := result.ReturnValue.Response
	require.Equal(t, "202", response.Status)
	require.Equal(t, "http://localhost:1234/i/the-id", response.Headers["location"])
	require.Equal(t, "10", response.Headers["retry-after"])
	require.Contains(t, string(response.Body.Data), `"id":"the-id"`)
}
