package durablebinding_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/durango-functions/durango/bindings"
	durablebinding "github.com/durango-functions/durango/bindings/durable"
	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stub is a store that takes starts. Any other call panics.
type stub struct {
	durable.Store
	mu      sync.Mutex
	created map[string]durable.CreateRequest
	exists  map[string]bool
	// started lets an instance count as started.
	started func(ctx context.Context, id string) error
}

func (s *stub) Create(_ context.Context, req durable.CreateRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exists[req.InstanceID] {
		return &durable.InstanceExistsError{InstanceID: req.InstanceID, Status: durable.Running}
	}
	if s.created == nil {
		s.created = map[string]durable.CreateRequest{}
	}
	s.created[req.InstanceID] = req
	return nil
}

func (s *stub) Wait(ctx context.Context, id string, until func(durable.RuntimeStatus) bool) (*durable.Status, error) {
	if until(durable.Pending) {
		return nil, errors.New("must wait until the orchestrator has started")
	}
	if s.started != nil {
		if err := s.started(ctx, id); err != nil {
			return nil, err
		}
	}
	return &durable.Status{InstanceID: id, RuntimeStatus: durable.Running}, nil
}

// set-up of one binding.
type fixture struct {
	store   *stub
	binding *durablebinding.Binding
	log     *bytes.Buffer
	call    *bindings.Call
	decl    *functions.Binding
}

func newFixture() *fixture {
	f := &fixture{store: &stub{}, log: &bytes.Buffer{}}
	client := durable.NewClient(f.store, durable.ClientConfig{
		Orchestrators: func() []string { return []string{"HelloWorld", "Other"} }, MaxPayload: 1000,
	})
	f.binding = durablebinding.New(client, durablebinding.Options{HubName: "MyHub", Logger: slog.New(slog.NewTextHandler(f.log, nil))})
	f.call = &bindings.Call{InvocationID: "i", Function: &functions.Function{Name: "HelloWorldManualStart"}}
	f.decl = &functions.Binding{Name: "starter", Type: "orchestrationClient", Direction: functions.Out}
	return f
}

func (f *fixture) prepare(t *testing.T, v worker.Value) (bindings.Effect, error) {
	t.Helper()
	return f.binding.PrepareOutput(t.Context(), f.call, f.decl, v)
}

// names lists what was started, "NAME ID INPUT", with a random ID shown as "*".
func (f *fixture) names(t *testing.T) []string {
	t.Helper()
	var out []string
	for id, req := range f.store.created {
		if len(id) == 32 {
			require.Regexp(t, "^[0-9a-f]{32}$", id)
			id = "*"
		}
		out = append(out, strings.TrimSpace(req.Name+" "+id+" "+string(req.Input)))
	}
	return out
}

func TestStarts(t *testing.T) {
	t.Parallel()
	one := []string{`HelloWorld one {"a":1}`}
	for name, c := range map[string]struct {
		value worker.Value
		want  []string
	}{
		"an object":           {worker.JSONValue([]byte(`{"FunctionName":"HelloWorld","Input":{"a":1},"InstanceId":"one"}`)), one},
		"names in any case":   {worker.JSONValue([]byte(`{"functionName":"helloworld","INPUT":{"a":1},"instanceid":"one"}`)), one},
		"an array":            {worker.JSONValue([]byte(` [{"FunctionName":"HelloWorld","Input":1},{"FunctionName":"Other","InstanceId":"two","Input":"x"}]`)), []string{"HelloWorld * 1", `Other two "x"`}},
		"text of an object":   {worker.StringValue(` {"FunctionName":"HelloWorld","Input":{"a":1},"InstanceId":"one"} `), one},
		"text of an array":    {worker.StringValue(`[{"FunctionName":"HelloWorld","Input":{"a":1},"InstanceId":"one"}]`), one},
		"text in JSON":        {worker.JSONValue([]byte(`"{\"FunctionName\":\"HelloWorld\",\"Input\":{\"a\":1},\"InstanceId\":\"one\"}"`)), one},
		"array of texts":      {worker.JSONValue([]byte(`["{\"FunctionName\":\"HelloWorld\",\"Input\":{\"a\":1},\"InstanceId\":\"one\"}"]`)), one},
		"bytes":               {worker.Value{Kind: worker.Bytes, Data: []byte(`{"FunctionName":"HelloWorld","Input":{"a":1},"InstanceId":"one"}`)}, one},
		"no input, no id":     {worker.JSONValue([]byte(`{"FunctionName":"HelloWorld"}`)), []string{"HelloWorld *"}},
		"null input and id":   {worker.JSONValue([]byte(`{"FunctionName":"HelloWorld","Input":null,"InstanceId":null}`)), []string{"HelloWorld *"}},
		"empty id":            {worker.JSONValue([]byte(`{"FunctionName":"HelloWorld","InstanceId":""}`)), []string{"HelloWorld *"}},
		"empty text is input": {worker.JSONValue([]byte(`{"FunctionName":"HelloWorld","Input":""}`)), []string{`HelloWorld * ""`}},
		"unknown fields":      {worker.JSONValue([]byte(`{"FunctionName":"HelloWorld","InstanceId":"one","Input":{"a":1},"More":true}`)), one},
		"null":                {worker.JSONValue([]byte(`null`)), nil},
		"null as text":        {worker.StringValue(`null`), nil},
		"nothing":             {worker.Value{}, nil},
		"empty text":          {worker.StringValue(``), nil},
		"no objects":          {worker.JSONValue([]byte(`[]`)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture()
			effect, err := f.prepare(t, c.value)
			require.NoError(t, err)
			require.Empty(t, f.store.created, "nothing starts before the effect")
			if c.want == nil {
				require.Nil(t, effect)
				return
			}
			require.NoError(t, effect(t.Context()))
			require.ElementsMatch(t, c.want, f.names(t))
			require.Equal(t, name == "unknown fields", strings.Contains(f.log.String(), "field=More"), f.log)
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const good = `{"FunctionName":"HelloWorld"}`
	const want = "expected an object with FunctionName, Input and InstanceId"
	for name, c := range map[string]struct{ value, want string }{
		"misspelt function": {`[` + good + `,` + good + `,{"FunctionName":"HelloWorl"}]`, "binding 'starter' [2].FunctionName: no orchestrator function called 'HelloWorl'; did you mean 'HelloWorld'?"},
		"one object":        {`{"FunctionName":"Nope"}`, "binding 'starter'.FunctionName: no orchestrator function called 'Nope': it does not exist, is disabled, or has no orchestrationTrigger"},
		"no function":       {`[{"InstanceId":"x"}]`, "binding 'starter' [0].FunctionName: missing; give the name of the orchestrator function to start"},
		"function null":     {`{"FunctionName":null}`, "binding 'starter'.FunctionName: expected a string, got null"},
		"function number":   {`[` + good + `,{"functionname":7}]`, "binding 'starter' [1].FunctionName: expected a string, got the number 7"},
		"function empty":    {`{"FunctionName":""}`, "binding 'starter'.FunctionName: no orchestrator function is named; give the name of a function with an orchestrationTrigger"},
		"bad id":            {`{"FunctionName":"Other","InstanceId":"a#b"}`, `binding 'starter'.InstanceId: 'a#b' cannot be an instance ID: it contains '#'; the characters / \ # ? are not allowed`},
		"id object":         {`{"FunctionName":"Other","InstanceId":{}}`, "binding 'starter'.InstanceId: expected a string, got an object"},
		"id boolean":        {`{"FunctionName":"Other","InstanceId":true}`, "binding 'starter'.InstanceId: expected a string, got the boolean true"},
		"same id twice": {`[{"FunctionName":"Other","InstanceId":"x"},` + good + `,{"FunctionName":"Other","InstanceId":"x"}]`,
			"binding 'starter' [2].InstanceId: 'x' is the ID of binding 'starter' [0] too; each instance needs an ID of its own"},
		"misspelt field":  {`{"FunctionName":"Other","Inputs":1}`, "binding 'starter'.Inputs: unknown field; did you mean 'Input'?"},
		"field twice":     {`{"FunctionName":"Other","functionName":"Other"}`, "binding 'starter'.FunctionName: given twice, as 'FunctionName' and as 'functionName'"},
		"input too large": {`{"FunctionName":"Other","Input":"` + strings.Repeat("x", 1000) + `"}`, "binding 'starter'.Input: the input of orchestrator 'Other' is 1002 bytes, the task hub takes at most 1000 (extensions.durableTask.maxPayloadSize)"},
		"number":          {`7`, "binding 'starter': " + want + ", or an array of such objects, got the number 7"},
		"text":            {`"HelloWorld"`, "binding 'starter': " + want + `, or an array of such objects, got the text "HelloWorld"`},
		"array of null":   {`[null]`, "binding 'starter' [0]: " + want + ", got null"},
		"array in array":  {`[[]]`, "binding 'starter' [0]: " + want + ", got an array"},
		"several":         {`[7,{"FunctionName":"X"},{}]`, "binding 'starter' [0]: " + want + ", got the number 7\nbinding 'starter' [2].FunctionName: missing; give the name of the orchestrator function to start"},
		"several names":   {`[{"FunctionName":"X1"},{"FunctionName":"Other","InstanceId":"@"}]`, "binding 'starter' [0].FunctionName: no orchestrator function called 'X1': it does not exist, is disabled, or has no orchestrationTrigger\nbinding 'starter' [1].InstanceId: '@' cannot be an instance ID: it begins with '@', which is for entities"},
		"broken in text":  {`"{\"a\":"`, "binding 'starter': the text is not valid JSON, at byte 5: unexpected end of JSON input"},
		"broken":          {`{"a":`, "binding 'starter': the value is not valid JSON, at byte 5: unexpected end of JSON input"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture()
			effect, err := f.prepare(t, worker.JSONValue([]byte(c.value)))
			require.EqualError(t, err, c.want)
			require.Nil(t, effect)
			require.Empty(t, f.store.created)
		})
	}
	_, err := newFixture().prepare(t, worker.StringValue("HelloWorld"))
	require.EqualError(t, err, "binding 'starter': "+want+", or JSON text of it; got the text HelloWorld")
	_, err = newFixture().prepare(t, worker.Value{Kind: worker.HTTP, Response: &worker.HTTPResponse{}})
	require.EqualError(t, err, "binding 'starter': "+want+", or an array of such objects, got an HTTP response")
}

// TestSideBySide starts more instances than are sent at a time; each starts only when all have been sent.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	const n = 200
	f := newFixture()
	all := make(chan struct{})
	var mu sync.Mutex
	waiting := 0
	f.store.started = func(ctx context.Context, _ string) error {
		mu.Lock()
		if waiting++; waiting == n {
			close(all)
		}
		mu.Unlock()
		select {
		case <-all:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	value := `[` + strings.Repeat(`{"FunctionName":"HelloWorld"},`, n-1) + `{"FunctionName":"HelloWorld"}]`
	effect, err := f.prepare(t, worker.JSONValue([]byte(value)))
	require.NoError(t, err)
	require.NoError(t, effect(t.Context()))
	require.Len(t, f.store.created, n)
}

func TestEffectErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture()
		f.store.exists = map[string]bool{"taken": true}
		f.store.started = func(ctx context.Context, id string) error {
			if id == "slow" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		effect, err := f.prepare(t, worker.JSONValue([]byte(`[{"FunctionName":"Other","InstanceId":"fine"},{"FunctionName":"Other","InstanceId":"taken"},{"FunctionName":"Other","InstanceId":"slow"}]`)))
		require.NoError(t, err)
		began := time.Now()
		err = effect(t.Context())
		require.Equal(t, durable.DefaultStartTimeout, time.Since(began))
		require.EqualError(t, err, "binding 'starter' [1].InstanceId: 'taken': An Orchestration instance with the status Running already exists.\n"+
			"binding 'starter' [2]: the orchestrator of instance 'slow' has not started within 30s; the start remains durable: it will run as soon as a host has room for it")
		require.ErrorIs(t, err, durable.ErrStartTimeout)
		require.Contains(t, f.store.created, "fine")
	})
}

func TestInput(t *testing.T) {
	t.Parallel()
	f := newFixture()
	b := durablebinding.New(durable.NewClient(f.store, durable.ClientConfig{}), durablebinding.Options{
		Origin: func() string { return "http://localhost:7071" }, RPCBaseURL: func() string { return "http://127.0.0.1:17071/durabletask" },
		HubName: "MyHub", ConnectionName: "Storage", SystemKey: func() string { return "key" },
	})
	v, err := b.BindInput(t.Context(), f.call, f.decl)
	require.NoError(t, err)
	require.Equal(t, worker.String, v.Kind)
	const base = "http://localhost:7071/runtime/webhooks/durabletask"
	const query = "taskHub=MyHub&connection=Storage&code=key"
	const one = base + "/instances/INSTANCEID"
	require.Equal(t, `{"taskHubName":"MyHub","connectionName":null,`+
		`"creationUrls":{"createNewInstancePostUri":"`+base+`/orchestrators/{functionName}[/{instanceId}]?code=key",`+
		`"createAndWaitOnNewInstancePostUri":"`+base+`/orchestrators/{functionName}[/{instanceId}]?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&code=key"},`+
		`"managementUrls":{"id":"INSTANCEID",`+
		`"statusQueryGetUri":"`+one+`?`+query+`",`+
		`"sendEventPostUri":"`+one+`/raiseEvent/{eventName}?`+query+`",`+
		`"terminatePostUri":"`+one+`/terminate?reason={text}&`+query+`",`+
		`"rewindPostUri":"`+one+`/rewind?reason={text}&`+query+`",`+
		`"purgeHistoryDeleteUri":"`+one+`?`+query+`",`+
		`"restartPostUri":"`+one+`/restart?`+query+`",`+
		`"suspendPostUri":"`+one+`/suspend?reason={text}&`+query+`",`+
		`"resumePostUri":"`+one+`/resume?reason={text}&`+query+`"},`+
		`"baseUrl":"`+base+`","requiredQueryStringParameters":"code=key","rpcBaseUrl":"http://127.0.0.1:17071/durabletask/","httpBaseUrl":null}`, string(v.Data))

	v, err = f.binding.BindInput(t.Context(), f.call, f.decl) // the defaults
	require.NoError(t, err)
	var p struct {
		CreationUrls, ManagementUrls  map[string]any
		RequiredQueryStringParameters *string
		RPCBaseURL                    *string
	}
	require.NoError(t, json.Unmarshal(v.Data, &p))
	require.Nil(t, p.RPCBaseURL)
	require.Empty(t, *p.RequiredQueryStringParameters)
	require.Equal(t, base+"/orchestrators/{functionName}[/{instanceId}]", p.CreationUrls["createNewInstancePostUri"])
	for _, urls := range []map[string]any{p.CreationUrls, p.ManagementUrls} {
		for name, value := range urls {
			require.IsType(t, "", value, name)
		}
	}
}

func TestAnotherHub(t *testing.T) {
	t.Parallel()
	for hub, want := range map[string]string{
		"":        "",
		"myhub":   "",
		"Another": "binding 'starter': taskHub is 'Another', and this host serves the task hub 'MyHub' only; remove the property taskHub or set extensions.durableTask.hubName in host.json",
	} {
		f := newFixture()
		f.decl.Properties = map[string]json.RawMessage{"TaskHub": json.RawMessage(strconv.Quote(hub))}
		_, inErr := f.binding.BindInput(t.Context(), f.call, f.decl)
		_, outErr := f.prepare(t, worker.JSONValue([]byte(`{"FunctionName":"Other"}`)))
		if want == "" {
			require.NoError(t, inErr)
			require.NoError(t, outErr)
			continue
		}
		require.EqualError(t, inErr, want)
		require.EqualError(t, outErr, want)
	}
}

func FuzzPrepareOutput(f *testing.F) {
	f.Add([]byte(`[{"FunctionName":"HelloWorld","Input":{"a":[1]},"InstanceId":"x"},"{}",null]`), true)
	f.Add([]byte(`"{\"functionname\":\"Other\"}"`), false)
	f.Add([]byte("{\"\xff\":1}"), true)
	f.Fuzz(func(t *testing.T, data []byte, isJSON bool) {
		fix := newFixture()
		v := worker.Value{Kind: worker.String, Data: data}
		if isJSON {
			v.Kind = worker.JSON
		}
		effect, err := fix.prepare(t, v)
		require.Empty(t, fix.store.created)
		switch {
		case err != nil:
			require.True(t, strings.HasPrefix(err.Error(), "binding 'starter'"), err)
			require.Nil(t, effect)
		case effect != nil:
			require.NoError(t, effect(t.Context()))
			require.NotEmpty(t, fix.store.created)
		}
	})
}
