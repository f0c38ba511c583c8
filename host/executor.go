package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/callhttp"
	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/triggers"
	"github.com/durango-functions/durango/worker"
	"github.com/durango-functions/durango/worker/node"
)

// executor runs orchestrators and activities for the engine, in the generation of the app that is current at each call.
type executor struct {
	// acquire returns the current app, which the caller releases; nil when the host has ended.
	acquire func() *app
	// httpClient performs the requests of callHttp.
	httpClient *http.Client
	// httpSleep is the delay between two polls of callHttp.
	httpSleep time.Duration
	logger    *slog.Logger
}

// HasOrchestrator implements engine.Executor. A broken function counts: its orchestrations wait until it is mended.
func (x *executor) HasOrchestrator(name string) bool {
	return x.has(name, func(a *app) map[string]*functions.Function { return a.orchestrators })
}

// HasActivity implements engine.Executor.
func (x *executor) HasActivity(name string) bool {
	return strings.EqualFold(name, replay.HTTPActivityName) ||
		x.has(name, func(a *app) map[string]*functions.Function { return a.activities })
}

func (x *executor) has(name string, kind func(*app) map[string]*functions.Function) bool {
	a := x.acquire()
	if a == nil {
		return true // it is not known at this moment; the work comes back
	}
	defer a.release()
	key := strings.ToLower(name)
	return kind(a)[key] != nil || a.broken[key] != nil || len(a.entryFaults) > 0
}

// ExecuteOrchestrator implements engine.Executor.
func (x *executor) ExecuteOrchestrator(ctx context.Context, w *engine.OrchestratorWork) (*replay.Result, error) {
	a := x.acquire()
	if a == nil {
		return nil, engine.ErrNotReady
	}
	defer a.release()
	key := strings.ToLower(w.Name)
	fn := a.orchestrators[key]
	if fn == nil {
		if broken := a.broken[key]; broken != nil {
			return nil, &engine.FunctionUnavailableError{Name: w.Name, Reason: strings.Join(broken.Reasons, " ")}
		}
		if reason := a.unknownReason(); reason != "" {
			return nil, &engine.FunctionUnavailableError{Name: w.Name, Reason: reason}
		}
		return nil, fmt.Errorf("orchestrator function '%s' is gone", w.Name)
	}
	if fn.Language == functions.Go {
		return nil, engine.ErrNotReady // the engine has looked a moment too early: it runs this one itself
	}
	logger := x.logger.With(categoryKey, functionCategory(fn.Name))
	if !w.IsReplaying {
		logger.Info(fmt.Sprintf("Started orchestration '%s' (Instance='%s')", fn.Name, w.InstanceID),
			"function", data{fn.Name}, "instance_id", data{w.InstanceID})
	}
	episode := &worker.Episode{
		Generation: w.Generation, Past: w.Past, New: w.New, Input: w.Input,
		Rest: replay.BuildPayload(nil, replay.PayloadInput{
			InstanceID: w.InstanceID, ParentInstanceID: w.ParentInstanceID, IsReplaying: w.IsReplaying, HTTPSleep: x.httpSleep,
		}),
	}
	result, err := a.invoker.invoke(ctx, fn,
		triggers.Event{Value: worker.Value{Kind: worker.Orchestration, Episode: episode}, Reason: "Orchestration episode"},
		mode{quiet: true, once: true, pure: true, instanceID: w.InstanceID})
	outcome, err := orchestratorOutcome(w.Name, result, err)
	x.logOutcome(logger, fn, w, outcome, err)
	return outcome, err
}

// orchestratorOutcome reads what an orchestrator function handed back, or how it failed.
func orchestratorOutcome(name string, result *worker.Result, err error) (*replay.Result, error) {
	var userErr *worker.FunctionError
	var loadErr *worker.LoadError
	switch {
	case errors.As(err, &userErr):
		if failed, ok := replay.ParseFailure(userErr.Message); ok {
			return failed, nil
		}
		return nil, &engine.TaskFailure{Reason: userErr.Message, Details: userErr.Stack}
	case errors.As(err, &loadErr):
		return nil, &engine.FunctionUnavailableError{Name: name, Reason: loadErr.Error()}
	case errors.Is(err, node.ErrStopped):
		return nil, fmt.Errorf("%w: %w", engine.ErrNotReady, err)
	case err != nil:
		return nil, err
	}
	parsed, err := replay.ParseResult(result.ReturnValue.Data)
	if err != nil {
		return nil, &engine.TaskFailure{Reason: err.Error()}
	}
	return parsed, nil
}

// logOutcome logs the end of an orchestration; the episodes before are logged at debug level by the invoker.
func (x *executor) logOutcome(logger *slog.Logger, fn *functions.Function, w *engine.OrchestratorWork, r *replay.Result, err error) {
	attrs := []any{"function", data{fn.Name}, "instance_id", data{w.InstanceID}}
	var failure *engine.TaskFailure
	switch {
	case errors.As(err, &failure):
		logger.Error(fmt.Sprintf("Orchestration '%s' failed (Instance='%s')\n%s", fn.Name, w.InstanceID, indent(failure.Reason)), append(attrs, "error", data{failure.Reason})...)
	case err != nil:
	case r.Failed:
		logger.Error(fmt.Sprintf("Orchestration '%s' failed (Instance='%s')\n%s", fn.Name, w.InstanceID, indent(r.Error)), append(attrs, "error", data{r.Error})...)
	case r.IsDone && r.ContinuesAsNew():
		logger.Info(fmt.Sprintf("Orchestration '%s' continues as new (Instance='%s')", fn.Name, w.InstanceID), attrs...)
	case r.IsDone:
		logger.Info(fmt.Sprintf("Orchestration '%s' completed (Instance='%s')", fn.Name, w.InstanceID), attrs...)
	}
}

// ExecuteActivity implements engine.Executor.
func (x *executor) ExecuteActivity(ctx context.Context, w *engine.ActivityWork) (json.RawMessage, error) {
	if strings.EqualFold(w.Name, replay.HTTPActivityName) {
		return x.executeHTTP(ctx, w)
	}
	a := x.acquire()
	if a == nil {
		return nil, engine.ErrNotReady
	}
	defer a.release()
	fn := a.spelled[w.Name]
	if fn == nil {
		fn = a.activities[strings.ToLower(w.Name)]
	}
	if fn == nil {
		key := strings.ToLower(w.Name)
		reason := "it does not exist, is disabled, or is no activity function"
		if broken := a.broken[key]; broken != nil {
			reason = strings.Join(broken.Reasons, " ")
		} else if unknown := a.unknownReason(); unknown != "" {
			if _, said := a.awaited.LoadOrStore(key, true); !said {
				x.logger.Warn(fmt.Sprintf("Activity '%s' waits until the code is mended that may register it: %s", w.Name, unknown),
					"function", data{w.Name}, "instance_id", data{w.InstanceID})
			}
			return nil, engine.ErrNotReady
		}
		return nil, activityFailure(w.Name, reason, "")
	}
	event := triggers.Event{Reason: "Activity"}
	if len(w.Input) > 0 {
		event.Value = worker.Value{Kind: worker.String, Data: w.Input}
	}
	if fn.Language == functions.Go && len(w.Input) > 0 {
		event.Value.Kind = worker.JSON
	}
	if fn.Language != functions.Go || len(fn.Bindings) > 1 { // else nobody asks for it
		instance, err := json.Marshal(w.InstanceID)
		if err != nil {
			return nil, fmt.Errorf("encoding the instance ID: %w", err)
		}
		event.Metadata = map[string]json.RawMessage{"instanceId": instance}
	}
	result, err := a.invoker.invoke(ctx, fn, event, mode{once: true, instanceID: w.InstanceID, task: true, taskID: w.TaskID})
	return activityOutcome(ctx, w.Name, result, err)
}

// activityOutcome makes JSON of what an activity returned. What the user's code did wrong, a timeout and code that does not load are
// failures for the history; after anything else the activity is run again.
func activityOutcome(ctx context.Context, name string, result *worker.Result, err error) (json.RawMessage, error) {
	if err == nil {
		return jsonOf(result.ReturnValue)
	}
	var userErr *worker.FunctionError
	var crash *worker.CrashError
	switch {
	case errors.As(err, &userErr):
		if reported := reportedFailure(userErr.Message); reported != nil {
			failure := activityFailure(name, reported.ErrorMessage, userErr.Stack)
			failure.Failure = reported
			return nil, failure
		}
		failure := activityFailure(name, userErr.Message, userErr.Stack)
		if userErr.Err != nil {
			failure.Failure = durable.FailureOf(userErr.Err)
		}
		return nil, failure
	case errors.Is(err, node.ErrStopped):
		return nil, fmt.Errorf("%w: %w", engine.ErrNotReady, err)
	case errors.As(err, &crash), ctx.Err() != nil:
		return nil, err
	}
	// The timeout, code that does not load, an input or output binding that refuses.
	return nil, activityFailure(name, err.Error(), "")
}

// reportedFailure reads the message of an activity's error for which the app's exception properties provider has told properties: durable-functions 3.x
// (lib/src/error/ExceptionPropertiesProvider.js) makes a JSON object of the error. nil: it is the message of any other error.
func reportedFailure(message string) *history.FailureDetails {
	if !strings.HasPrefix(message, "{") {
		return nil
	}
	var reported struct {
		ErrorType, ErrorMessage *string
		StackTrace              string
		IsNonRetriable          *bool
		Properties              map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(message), &reported); err != nil {
		return nil
	}
	if reported.ErrorType == nil || reported.ErrorMessage == nil || reported.IsNonRetriable == nil || reported.Properties == nil {
		return nil
	}
	properties, err := json.Marshal(reported.Properties)
	if err != nil {
		return nil
	}
	return &history.FailureDetails{
		ErrorType: *reported.ErrorType, ErrorMessage: *reported.ErrorMessage, StackTrace: reported.StackTrace, IsNonRetriable: *reported.IsNonRetriable, Properties: properties,
	}
}

func activityFailure(name, message, details string) *engine.TaskFailure {
	return &engine.TaskFailure{Reason: fmt.Sprintf("Activity function '%s' failed: %s", name, message), Details: details}
}

// jsonOf returns a value as JSON, nil for none. Binary data becomes a base64 text.
func jsonOf(v worker.Value) (json.RawMessage, error) {
	switch v.Kind {
	case worker.None:
		return nil, nil
	case worker.JSON:
		if bytes.Equal(bytes.TrimSpace(v.Data), []byte("null")) {
			return nil, nil
		}
		return v.Data, nil
	case worker.String:
		return json.Marshal(string(v.Data))
	case worker.Bytes:
		return json.Marshal(v.Data)
	case worker.HTTP:
		return json.Marshal(v.Response)
	case worker.Orchestration: // goes to workers only
	}
	return nil, fmt.Errorf("value of unknown kind %d", v.Kind)
}

// executeHTTP performs a callHttp action.
func (x *executor) executeHTTP(ctx context.Context, w *engine.ActivityWork) (json.RawMessage, error) {
	result, err := callhttp.DoPolling(ctx, x.httpClient, w.Input, callhttp.Options{DefaultSleep: x.httpSleep})
	var refused *callhttp.Error
	if errors.As(err, &refused) {
		return nil, &engine.TaskFailure{Reason: refused.Message}
	}
	return result, err
}

// InProcess implements engine.Executor. The function stays valid after a reload, since handlers do not change while the program runs.
func (x *executor) InProcess(name string) inproc.Function {
	a := x.acquire()
	if a == nil {
		return nil
	}
	defer a.release()
	return a.inProcess(strings.ToLower(name))
}

var _ engine.Executor = (*executor)(nil)
