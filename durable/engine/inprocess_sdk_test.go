package engine_test

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/inproc"
)

// The package's tests run their orchestrators in one of four ways, as DURANGO_TEST_ORCHESTRATORS says: through the Executor, as those in JavaScript,
// with clients in another process (the default) or in this one ("local"); in process ("go"), or in process without any memory between episodes, so
// that each episode replays the history ("go-replay").
var orchestrators = os.Getenv("DURANGO_TEST_ORCHESTRATORS")

// throughExecutor is for tests of what can only happen when orchestrators run in a worker.
func throughExecutor(t *testing.T) {
	t.Helper()
	if inProcess() {
		t.Skip("orchestrators in process do not lose their worker")
	}
}

func inProcess() bool { return orchestrators == "go" || orchestrators == "go-replay" }

// InProcess implements engine.Executor.
func (a *app) InProcess(name string) inproc.Function {
	if f := a.native[name]; f != nil {
		return f
	}
	f := a.orchestrator(name)
	if !inProcess() || f == nil {
		return nil
	}
	return func(s *inproc.Session, input json.RawMessage) (json.RawMessage, error) {
		a.episodes.Add(1) // beginnings, in this case
		info := s.Info()
		o := &orch{s: s, work: &engine.OrchestratorWork{
			Name: info.Name, InstanceID: info.InstanceID, ExecutionID: info.ExecutionID, ParentInstanceID: info.ParentInstanceID, Input: input,
		}}
		o.sync()
		out, err := f(o)
		switch {
		case err != nil:
			return nil, err
		case o.again != nil:
			return nil, s.ContinueAsNew(*o.again)
		}
		return json.Marshal(out)
	}
}

// sync takes over the session's clock.
func (o *orch) sync() {
	o.now = o.s.Now()
	o.work.IsReplaying = o.s.Replaying()
	if o.status != nil {
		o.s.SetCustomStatus(o.status)
	}
}

func (o *orch) awaitHere(t *inproc.Task) (json.RawMessage, error) {
	if o.status != nil {
		o.s.SetCustomStatus(o.status)
	}
	o.s.Await(t)
	o.sync()
	if t.Failed() {
		for t.First() >= 0 { // of a compound
			t = t.Part(t.First())
		}
		return nil, errors.New(t.Event().Reason)
	}
	return t.Result(), nil
}

func (o *orch) allHere(name string, inputs []any) ([]json.RawMessage, error) {
	var tasks []*inproc.Task
	for _, in := range inputs {
		tasks = append(tasks, o.s.Activity(inproc.Call{Name: name, Input: raw(in)}))
	}
	if _, err := o.awaitHere(o.s.All(tasks)); err != nil {
		return nil, err
	}
	out := make([]json.RawMessage, len(tasks))
	for i, t := range tasks {
		out[i] = t.Result()
	}
	return out, nil
}

func (o *orch) subHere(name, id string, input any) (json.RawMessage, error) {
	t, err := o.s.SubOrchestration(inproc.Call{Name: name, InstanceID: id, Input: raw(input)})
	if err != nil {
		return nil, err
	}
	return o.awaitHere(t)
}

func (o *orch) sleepHere(d time.Duration, started time.Time) {
	_, _ = o.awaitHere(o.s.Timer(started.Add(d).Sub(o.now)))
}
