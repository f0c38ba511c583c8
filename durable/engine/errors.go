package engine

import (
	"errors"
	"fmt"
)

// ErrNotReady is what an Executor answers when it can run nothing at this moment, because its host starts or stops. The work is tried
// again, as often as need be.
var ErrNotReady = errors.New("the host is not ready to run functions")

// FunctionUnavailableError tells that a function exists but cannot be run at present, because its code does not load. An
// orchestration that has started waits for it to be mended; one that has not fails.
type FunctionUnavailableError struct {
	Name   string
	Reason string
}

func (e *FunctionUnavailableError) Error() string {
	return fmt.Sprintf("function '%s' cannot be run: %s", e.Name, e.Reason)
}

// missingFunction is the text of a failure because a function is not there (azure-functions-durable-extension
// DurableTaskExtension.cs:1325-1365).
func missingFunction(name, kind string) string {
	return fmt.Sprintf("The function '%s' doesn't exist, is disabled, or is not %s function.", name, kind)
}

// orchestratorFailed is the output of a failed orchestration (durable-extension OutOfProcOrchestrationShim.cs:75-101).
func orchestratorFailed(name, reason string) string {
	return fmt.Sprintf("Orchestrator function '%s' failed: %s", name, reason)
}
