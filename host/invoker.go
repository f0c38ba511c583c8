package host

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/durango-functions/durango/bindings"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/triggers"
	"github.com/durango-functions/durango/worker"
)

// timeoutError fails an invocation that took longer than functionTimeout.
type timeoutError struct {
	Function     string
	InvocationID string
	Timeout      time.Duration
}

func (e *timeoutError) Error() string {
	return fmt.Sprintf("Timeout value of %s exceeded by function 'Functions.%s' (Id: '%s'). The invocation is given up.",
		functions.FormatTimeSpan(e.Timeout), e.Function, e.InvocationID)
}

// invoker runs the functions of one app generation: it makes inputs, calls the worker channel, applies the retry policy and the
// timeout, performs outputs and logs the outcome. It implements triggers.Invoker.
type invoker struct {
	channel  worker.Channel
	bindings *bindings.Registry
	// timeout bounds one attempt; 0 is no bound.
	timeout time.Duration
	// timedOut is told of the function whose invocation was given up, since its handler may block the worker. May be nil.
	timedOut func(fn *functions.Function)
	// root is the app's folder, to show stacks of its code only.
	root   string
	logger *slog.Logger
	// sleep waits between attempts, rand returns a number in [0,1); tests replace them.
	sleep func(ctx context.Context, d time.Duration) error
	rand  func() float64

	// loggers are the functions' loggers: *functions.Function to *slog.Logger. Making one costs more than many a function does.
	loggers sync.Map
}

// mode says how an invocation differs from that of an ordinary trigger.
type mode struct {
	// quiet logs the execution at debug level: replays of orchestrators.
	quiet bool
	// once ignores the retry policy: the orchestration decides about retries.
	once bool
	// pure performs no outputs: an orchestrator is run again and again for one orchestration.
	pure bool
	// untimed has no functionTimeout.
	untimed bool
	// instanceID is the orchestration instance on whose behalf the function runs, "" for none; with task, taskID is its task.
	instanceID string
	task       bool
	taskID     int
}

// source is what log lines say of the instance.
func (m *mode) source() string {
	switch {
	case m.instanceID == "":
		return ""
	case m.task:
		return fmt.Sprintf(", Instance='%s', TaskId=%d", m.instanceID, m.taskID)
	}
	return fmt.Sprintf(", Instance='%s'", m.instanceID)
}

// Invoke implements triggers.Invoker.
func (v *invoker) Invoke(ctx context.Context, fn *functions.Function, ev triggers.Event) (*worker.Result, error) {
	return v.invoke(ctx, fn, ev, mode{})
}

func (v *invoker) invoke(ctx context.Context, fn *functions.Function, ev triggers.Event, m mode) (*worker.Result, error) {
	// What lives as long as the invocation is made at once: making it bit by bit is what the quickest functions would wait for most.
	made := &struct {
		inv   worker.Invocation
		input [1]worker.Input
	}{inv: worker.Invocation{
		ID: ev.InvocationID, Function: fn, TriggerMetadata: ev.Metadata, TraceParent: ev.TraceParent, TraceState: ev.TraceState,
	}}
	inv := &made.inv
	inv.Inputs = made.input[:]
	if inv.ID == "" {
		inv.ID = newInvocationID()
	}
	retry := fn.Retry
	if m.once || ev.Value.Request != nil && ev.Value.Request.Live != nil { // a request's body is read once, a response written once
		retry = nil
	}
	for attempt := 0; ; attempt++ {
		result, err := v.attempt(ctx, inv, ev, m)
		if err == nil || !retryable(ctx, err) || !retryLeft(retry, attempt) {
			return result, err
		}
		delay := retryDelay(retry, attempt, v.random)
		v.functionLogger(fn).Info(fmt.Sprintf("Waiting for %s before retrying function execution. Next attempt: '%d'. Max retry count: '%d'",
			functions.FormatTimeSpan(delay), attempt+1, retry.MaxRetryCount), "function", data{fn.Name}, "invocation_id", data{inv.ID})
		if waitErr := v.wait(ctx, delay); waitErr != nil {
			return nil, fmt.Errorf("no further attempt, since %w; the last one failed: %w", waitErr, err)
		}
		next := *inv // the channel may still have an eye on the one that was given up
		next.Inputs = make([]worker.Input, 1)
		next.Retry = &worker.RetryContext{RetryCount: attempt + 1, MaxRetryCount: retry.MaxRetryCount, Exception: err.Error()}
		inv = &next
	}
}

// attempt runs the function once and logs how it went. Lines are made only when they are wanted: there are functions that take less time.
func (v *invoker) attempt(ctx context.Context, inv *worker.Invocation, ev triggers.Event, m mode) (*worker.Result, error) {
	fn := inv.Function
	logger := v.functionLogger(fn)
	level := slog.LevelInfo
	if m.quiet {
		level = slog.LevelDebug
	}
	if logger.Enabled(ctx, level) {
		logger.Log(ctx, level, fmt.Sprintf("Executing 'Functions.%s' (Reason='%s', Id=%s%s)", fn.Name, ev.Reason, inv.ID, m.source()),
			"function", data{fn.Name}, "invocation_id", data{inv.ID}, "reason", data{ev.Reason})
	}
	began := time.Now()
	result, err := v.run(ctx, inv, ev, m)
	if err != nil {
		level = max(level, slog.LevelError)
		if errors.Is(context.Cause(ctx), errStopping) || m.quiet || errors.Is(err, http.ErrAbortHandler) {
			level = slog.LevelDebug
		}
	}
	if !logger.Enabled(ctx, level) {
		return result, err
	}
	took := time.Since(began)
	outcome := "Succeeded"
	attrs := []any{"function", data{fn.Name}, "invocation_id", data{inv.ID}, "duration_ms", data{took.Milliseconds()}}
	detail := ""
	if err != nil {
		outcome = "Failed"
		message, stack := describeError(err, v.root)
		attrs = append(attrs, "error", data{message}, "stack", data{stack})
		detail = "\n" + indent(message)
		if stack != "" {
			detail += "\n" + indent(stack)
		}
	}
	logger.Log(ctx, level, fmt.Sprintf("Executed 'Functions.%s' (%s, Id=%s, Duration=%dms%s)%s", fn.Name, outcome, inv.ID,
		took.Milliseconds(), m.source(), detail), append(attrs, "outcome", data{outcome})...)
	return result, err
}

// run is one attempt: inputs, worker, outputs.
func (v *invoker) run(ctx context.Context, inv *worker.Invocation, ev triggers.Event, m mode) (*worker.Result, error) {
	fn := inv.Function
	trigger := fn.Trigger()
	if trigger == nil {
		return nil, fmt.Errorf("function %s has no trigger", fn.Name)
	}
	if v.timeout > 0 && !m.untimed {
		limit := &timeoutError{Function: fn.Name, InvocationID: inv.ID, Timeout: v.timeout}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, v.timeout, limit)
		defer cancel()
	}
	inv.Inputs[0] = worker.Input{Name: trigger.Name, Value: ev.Value}
	var call *bindings.Call
	if len(fn.Bindings) > 1 {
		call = &bindings.Call{InvocationID: inv.ID, Function: fn, Data: ev.Metadata}
		if err := v.inputs(ctx, call, inv); err != nil {
			return nil, v.explain(ctx, fn, err)
		}
	}
	result, err := v.channel.Invoke(ctx, inv)
	if err != nil {
		return nil, v.explain(ctx, fn, err)
	}
	if m.pure || call == nil && len(result.Outputs) == 0 {
		return result, nil
	}
	if call == nil {
		call = &bindings.Call{InvocationID: inv.ID, Function: fn, Data: ev.Metadata}
	}
	if err := v.outputs(ctx, call, result); err != nil {
		return nil, v.explain(ctx, fn, err)
	}
	return result, nil
}

// explain replaces an error that only says that the context ended by the reason for that, and has the worker looked after when that was
// the timeout.
func (v *invoker) explain(ctx context.Context, fn *functions.Function, err error) error {
	cause := context.Cause(ctx)
	var timeout *timeoutError
	if errors.As(cause, &timeout) && (errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*timeoutError))) {
		if v.timedOut != nil {
			v.timedOut(fn)
		}
		return timeout
	}
	if cause != nil && errors.Is(err, context.Canceled) && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// inputs adds the values of the input bindings to that of the trigger.
func (v *invoker) inputs(ctx context.Context, call *bindings.Call, inv *worker.Invocation) error {
	for i := range call.Function.Bindings {
		b := &call.Function.Bindings[i]
		if b.IsTrigger() || !b.IsInput() {
			continue
		}
		in := v.bindings.Input(b.Type)
		if in == nil {
			if b.Direction == functions.In && v.bindings.Output(b.Type) == nil && !isHTTPOutput(b) {
				return fmt.Errorf("input binding '%s': nothing makes inputs of type %s", b.Name, b.Type)
			}
			continue // an output whose author left out the direction
		}
		value, err := in.BindInput(ctx, call, b)
		if err != nil {
			return fmt.Errorf("binding input '%s' (%s): %w", b.Name, b.Type, err)
		}
		inv.Inputs = append(inv.Inputs, worker.Input{Name: b.Name, Value: value})
	}
	return nil
}

func (v *invoker) functionLogger(fn *functions.Function) *slog.Logger {
	if logger, ok := v.loggers.Load(fn); ok {
		return logger.(*slog.Logger) //nolint:forcetypeassert // stored below
	}
	logger := v.logger.With(categoryKey, functionCategory(fn.Name))
	v.loggers.Store(fn, logger)
	return logger
}

// newInvocationID makes a random UUID of version 4. It is no secret, and an ordinary source of random numbers makes it in a fraction of the
// time.
func newInvocationID() string {
	var id uuid.UUID
	binary.LittleEndian.PutUint64(id[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(id[8:], rand.Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

func (v *invoker) wait(ctx context.Context, d time.Duration) error {
	if v.sleep != nil {
		return v.sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (v *invoker) random() float64 {
	if v.rand != nil {
		return v.rand()
	}
	return rand.Float64()
}

// describeError returns an error's message, and of its stack the few lines that lie in the app.
func describeError(err error, root string) (message, stack string) {
	var userErr *worker.FunctionError
	var loadErr *worker.LoadError
	switch {
	case errors.As(err, &userErr):
		return cleanMessage(err.Error()), shortStack(userErr.Stack, root)
	case errors.As(err, &loadErr):
		return err.Error(), shortStack(loadErr.Stack, root)
	}
	return err.Error(), ""
}

// outOfProcLabel stands between a message and the state that an orchestration SDK puts behind it.
const outOfProcLabel = "$OutOfProcData$:"

// cleanMessage keeps an orchestrator's state, which travels in its error message, out of the log.
func cleanMessage(message string) string {
	_, state, found := strings.Cut(message, outOfProcLabel)
	if !found {
		return message
	}
	var s struct {
		Error string `json:"error"`
	}
	if json.Unmarshal([]byte(state), &s) == nil && s.Error != "" {
		return s.Error
	}
	return "the orchestrator failed without a message"
}

// maxStackLines is how many lines of a stack the log shows.
const maxStackLines = 5

// shortStack returns the first lines of a JavaScript stack that lie in the app's own code, with paths relative to its folder; the first
// lines of all when none does.
func shortStack(stack, root string) string {
	var own, all []string
	for line := range strings.Lines(stack) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "at ") {
			continue
		}
		all = append(all, line)
		if root != "" && strings.Contains(line, root) && !strings.Contains(line, "/node_modules/") {
			own = append(own, strings.ReplaceAll(strings.ReplaceAll(line, "file://", ""), strings.TrimSuffix(root, "/")+"/", ""))
		}
	}
	if len(own) == 0 {
		own = all
	}
	return strings.Join(own[:min(len(own), maxStackLines)], "\n")
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}

var _ triggers.Invoker = (*invoker)(nil)
