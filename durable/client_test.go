package durable_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/durango-functions/durango/durable"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stub is a store of which a test gives the methods that it expects to be called; any other call panics.
type stub struct {
	durable.Store
	created []durable.CreateRequest
	refuse  error
	wait    func(ctx context.Context, id string, until func(durable.RuntimeStatus) bool) (*durable.Status, error)
	status  *durable.Status
	events  []string
	orders  []string
}

func (s *stub) Create(_ context.Context, req durable.CreateRequest) error {
	s.created = append(s.created, req)
	return s.refuse
}

func (s *stub) Wait(ctx context.Context, id string, until func(durable.RuntimeStatus) bool) (*durable.Status, error) {
	return s.wait(ctx, id, until)
}

func (s *stub) Status(context.Context, string, durable.StatusOptions) (*durable.Status, error) {
	if s.status == nil {
		return nil, durable.ErrInstanceNotFound
	}
	return s.status, nil
}

func (s *stub) RaiseEvent(_ context.Context, id, name string, data json.RawMessage) error {
	s.events = append(s.events, id+" "+name+" "+string(data))
	return s.refuse
}

func (s *stub) Rewind(_ context.Context, id, reason string) error {
	s.orders = append(s.orders, "rewind "+id+" "+reason)
	return s.refuse
}

func (s *stub) Terminate(_ context.Context, id, reason string, cascade bool) error {
	s.orders = append(s.orders, "terminate "+id+" "+reason)
	if cascade {
		s.orders = append(s.orders, "cascade")
	}
	return s.refuse
}

func (s *stub) PurgeWhere(context.Context, durable.PurgeFilter) (int, error) { return 3, s.refuse }

// until answers a wait with the first of the statuses that it is for.
func until(statuses ...durable.RuntimeStatus) func(context.Context, string, func(durable.RuntimeStatus) bool) (*durable.Status, error) {
	return func(_ context.Context, id string, until func(durable.RuntimeStatus) bool) (*durable.Status, error) {
		for _, s := range statuses {
			if until(s) {
				return &durable.Status{InstanceID: id, RuntimeStatus: s}, nil
			}
		}
		return nil, errors.New("waited in vain")
	}
}

func never(ctx context.Context, _ string, _ func(durable.RuntimeStatus) bool) (*durable.Status, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestStartNew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		input any
		want  string
	}{
		"none":          {nil, ""},
		"text":          {"a<b", `"a<b"`},
		"struct":        {struct{ N int }{7}, `{"N":7}`},
		"JSON as it is": {json.RawMessage(" {\"a\" : 1}\n"), `{"a" : 1}`},
		"no JSON":       {json.RawMessage(nil), ""},
		"not UTF-8":     {json.RawMessage("\"a\xff\""), "\"a\uFFFD\""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &stub{wait: until(durable.Pending, durable.Running)}
			id, err := durable.NewClient(s, durable.ClientConfig{}).StartNew(t.Context(), "HelloWorld", c.input, durable.StartOptions{})
			require.NoError(t, err)
			require.Regexp(t, "^[0-9a-f]{32}$", id)
			require.Len(t, s.created, 1)
			require.Equal(t, id, s.created[0].InstanceID)
			require.Regexp(t, "^[0-9a-f]{32}$", s.created[0].ExecutionID)
			require.NotEqual(t, id, s.created[0].ExecutionID)
			require.Equal(t, c.want, string(s.created[0].Input))
			require.False(t, s.created[0].AnyState)
		})
	}
}

func TestStartOptions(t *testing.T) {
	t.Parallel()
	s := &stub{}
	c := durable.NewClient(s, durable.ClientConfig{
		OverridableExistingInstanceStates: "anystate", Orchestrators: func() []string { return []string{"HelloWorld"} },
	})
	id, err := c.Start(t.Context(), "helloworld", nil, durable.StartOptions{InstanceID: "mine", Version: "2"})
	require.NoError(t, err, "Start does not wait")
	require.Equal(t, "mine", id)
	require.Equal(t, "HelloWorld", s.created[0].Name, "as declared")
	require.Equal(t, "2", s.created[0].Version)
	require.True(t, s.created[0].AnyState)

	c = durable.NewClient(s, durable.ClientConfig{DefaultVersion: "1.0"})
	for _, given := range []string{"", "2.0"} {
		_, err = c.Start(t.Context(), "HelloWorld", nil, durable.StartOptions{Version: given})
		require.NoError(t, err)
	}
	require.Equal(t, "1.0", s.created[1].Version)
	require.Equal(t, "2.0", s.created[2].Version)
}

func TestStartTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		id, err := durable.NewClient(&stub{wait: never}, durable.ClientConfig{}).StartNew(t.Context(), "F", nil, durable.StartOptions{InstanceID: "one"})
		require.Equal(t, 30*time.Second, time.Since(began))
		require.Equal(t, "one", id)
		require.ErrorIs(t, err, durable.ErrStartTimeout)
		var timeout *durable.StartTimeoutError
		require.ErrorAs(t, err, &timeout)
		require.Equal(t, "one", timeout.InstanceID)
		require.EqualError(t, err, "the orchestrator of instance 'one' has not started within 30s; the start remains durable: it will run as soon as a host has room for it")
	})
}

func TestStartGivenUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	id, err := durable.NewClient(&stub{wait: never}, durable.ClientConfig{}).StartNew(ctx, "F", nil, durable.StartOptions{InstanceID: "one"})
	require.Equal(t, "one", id)
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, durable.ErrStartTimeout)
	require.ErrorContains(t, err, "the start remains durable")
}

func TestStartRefused(t *testing.T) {
	t.Parallel()
	cfg := durable.ClientConfig{MaxPayload: 10, Orchestrators: func() []string { return []string{"HelloWorld", "Other"} }}
	for name, c := range map[string]struct {
		function, id string
		input        any
		want         string
	}{
		"misspelt":   {function: "HelloWorl", want: "no orchestrator function called 'HelloWorl'; did you mean 'HelloWorld'?"},
		"unknown":    {function: "Quite another", want: "no orchestrator function called 'Quite another': it does not exist, is disabled, or has no orchestrationTrigger"},
		"no name":    {want: "no orchestrator function is named; give the name of a function with an orchestrationTrigger"},
		"bad id":     {function: "Other", id: "a#b", want: `'a#b' cannot be an instance ID: it contains '#'; the characters / \ # ? are not allowed`},
		"bad JSON":   {function: "Other", input: json.RawMessage(`{"a":}`), want: "the input of orchestrator 'Other' is not valid JSON, at byte 6: invalid character '}' looking for beginning of value"},
		"no JSON":    {function: "Other", input: make(chan int), want: "the input of orchestrator 'Other' cannot be written as JSON: json: unsupported type: chan int"},
		"too large":  {function: "Other", input: "0123456789", want: "the input of orchestrator 'Other' is 12 bytes, the task hub takes at most 10 (extensions.durableTask.maxPayloadSize)"},
		"cut short":  {function: "Other", input: json.RawMessage(`[1,`), want: "the input of orchestrator 'Other' is not valid JSON, at byte 3: unexpected end of JSON input"},
		"two values": {function: "Other", input: json.RawMessage(`1 2`), want: "the input of orchestrator 'Other' is not valid JSON, at byte 3: invalid character '2' after top-level value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &stub{}
			client := durable.NewClient(s, cfg)
			opts := durable.StartOptions{InstanceID: c.id}
			id, err := client.StartNew(t.Context(), c.function, c.input, opts)
			require.EqualError(t, err, c.want)
			require.Empty(t, id)
			require.Empty(t, s.created, "nothing was sent")
			require.EqualError(t, client.CheckStart(c.function, c.input, opts), c.want)
		})
	}
}

func TestHasOrchestrator(t *testing.T) {
	t.Parallel()
	has := func(name string) bool { return name == "One" }
	c := durable.NewClient(&stub{}, durable.ClientConfig{HasOrchestrator: has})
	require.NoError(t, c.CheckStart("One", nil, durable.StartOptions{}))
	var unknown *durable.UnknownFunctionError
	require.ErrorAs(t, c.CheckStart("Two", nil, durable.StartOptions{}), &unknown)
	require.NoError(t, durable.NewClient(&stub{}, durable.ClientConfig{}).CheckStart("Any", nil, durable.StartOptions{}))
	require.Error(t, durable.NewClient(&stub{}, durable.ClientConfig{}).CheckStart("@entity", nil, durable.StartOptions{}))
}

func TestStoreErrors(t *testing.T) {
	t.Parallel()
	s := &stub{refuse: &durable.InstanceExistsError{InstanceID: "one", Status: durable.Running}}
	c := durable.NewClient(s, durable.ClientConfig{})
	_, err := c.Start(t.Context(), "F", nil, durable.StartOptions{InstanceID: "one"})
	require.EqualError(t, err, "An Orchestration instance with the status Running already exists.")

	s.refuse = errors.New("no connection")
	_, err = c.Start(t.Context(), "F", nil, durable.StartOptions{InstanceID: "one"})
	require.EqualError(t, err, "starting orchestrator 'F' as instance 'one': no connection")
	n, err := c.PurgeWhere(t.Context(), durable.PurgeFilter{})
	require.Equal(t, 3, n, "what was deleted is told, though it failed then")
	require.ErrorIs(t, err, s.refuse)

	s.refuse = durable.ErrInstanceNotFailed
	require.EqualError(t, c.Rewind(t.Context(), "one", "r"), "instance 'one': orchestration instance has not failed")
	s.refuse = durable.ErrInstanceFinished
	require.ErrorIs(t, c.RaiseEvent(t.Context(), "one", "E", 1), durable.ErrInstanceFinished)
	_, err = c.Status(t.Context(), "nobody", durable.StatusOptions{})
	require.ErrorIs(t, err, durable.ErrInstanceNotFound)
	require.ErrorContains(t, err, "nobody")
}

func TestRaiseEvent(t *testing.T) {
	t.Parallel()
	s := &stub{}
	c := durable.NewClient(s, durable.ClientConfig{MaxPayload: 8})
	require.NoError(t, c.RaiseEvent(t.Context(), "one", "E", []int{1, 2, 3}))
	require.NoError(t, c.RaiseEvent(t.Context(), "one", "E", nil))
	require.Equal(t, []string{"one E [1,2,3]", "one E "}, s.events)

	var name *durable.InvalidEventNameError
	require.ErrorAs(t, c.RaiseEvent(t.Context(), "one", "", 1), &name)
	var id *durable.InvalidInstanceIDError
	require.ErrorAs(t, c.RaiseEvent(t.Context(), "", "E", 1), &id)
	var syntax *durable.InvalidJSONError
	require.ErrorAs(t, c.RaiseEvent(t.Context(), "one", "E", json.RawMessage("[1,]")), &syntax)
	require.EqualValues(t, 4, syntax.Offset)
	require.ErrorIs(t, c.RaiseEvent(t.Context(), "one", "E", "too long"), durable.ErrPayloadTooLarge)
	require.Len(t, s.events, 2)
}

func TestTerminate(t *testing.T) {
	t.Parallel()
	s := &stub{}
	c := durable.NewClient(s, durable.ClientConfig{})
	require.NoError(t, c.Terminate(t.Context(), "one", "enough", durable.TerminateOptions{}))
	require.NoError(t, c.Terminate(t.Context(), "two", "", durable.TerminateOptions{Cascade: true}))
	require.Equal(t, []string{"terminate one enough", "terminate two ", "cascade"}, s.orders)
}

func TestRestart(t *testing.T) {
	t.Parallel()
	s := &stub{status: &durable.Status{Name: "F", InstanceID: "old", Version: "3", Input: json.RawMessage(`[1]`)}}
	c := durable.NewClient(s, durable.ClientConfig{})
	id, err := c.Restart(t.Context(), "old", durable.RestartOptions{})
	require.NoError(t, err)
	require.Regexp(t, "^[0-9a-f]{32}$", id)
	same, err := c.Restart(t.Context(), "old", durable.RestartOptions{SameID: true})
	require.NoError(t, err)
	require.Equal(t, "old", same)
	for i, want := range []string{id, "old"} {
		require.Equal(t, want, s.created[i].InstanceID)
		require.Equal(t, "F", s.created[i].Name)
		require.Equal(t, "3", s.created[i].Version)
		require.JSONEq(t, "[1]", string(s.created[i].Input))
	}
	s.status = nil
	_, err = c.Restart(t.Context(), "old", durable.RestartOptions{})
	require.ErrorIs(t, err, durable.ErrInstanceNotFound)
}

func TestWaitForCompletion(t *testing.T) {
	t.Parallel()
	c := durable.NewClient(&stub{wait: until(durable.Pending, durable.Running, durable.ContinuedAsNew, durable.Suspended, durable.Terminated)}, durable.ClientConfig{})
	st, err := c.WaitForCompletion(t.Context(), "one")
	require.NoError(t, err)
	require.Equal(t, durable.Terminated, st.RuntimeStatus)
}

func TestValidateInstanceID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"a": "", "with space": "", "a:b@c": "", "%": "", "日本": "",
		strings.Repeat("x", 256): "",
		"":                       "is empty",
		"@counter@x":             "begins with '@', which is for entities",
		"a/b":                    `contains '/'; the characters / \ # ? are not allowed`,
		`a\b`:                    `contains '\'; the characters / \ # ? are not allowed`,
		"a?":                     `contains '?'; the characters / \ # ? are not allowed`,
		"a\nb":                   "contains the control character U+000A",
		"a\u0085":                "contains the control character U+0085",
		"a\xff":                  "is not valid UTF-8",
		strings.Repeat("x", 257): "has 257 characters, at most 256 are allowed",
		strings.Repeat("😀", 129): "has 258 characters, at most 256 are allowed",
	} {
		err := durable.ValidateInstanceID(id)
		if want == "" {
			require.NoError(t, err, "%q", id)
			continue
		}
		var invalid *durable.InvalidInstanceIDError
		require.ErrorAs(t, err, &invalid, "%q", id)
		require.Equal(t, want, invalid.Rule, "%q", id)
		require.Less(t, len(err.Error()), 450, "a long ID is cut in the text")
	}
}
