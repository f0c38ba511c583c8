package gofunc

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/worker"
)

// panicError is the error of a handler that panicked.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// Unwrap returns the error that the handler panicked with, if it was one.
func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// panicked makes a failure of a panic. Called by the deferred function that recovered.
func panicked(r any) *worker.FunctionError {
	err := &panicError{r}
	return &worker.FunctionError{Message: err.Error(), Stack: userFrames(inproc.ShortStack(debug.Stack())), Err: err}
}

// ownFrames begin the names of functions between the host and a handler.
var ownFrames = []string{
	"at github.com/durango-functions/durango.", "at github.com/durango-functions/durango/worker/gofunc.", "at net/http.HandlerFunc.",
}

// userFrames leaves out what called the handler.
func userFrames(stack string) string {
	var frames []string
	for line := range strings.Lines(stack) {
		for _, prefix := range ownFrames {
			if strings.HasPrefix(line, prefix) {
				return strings.TrimRight(strings.Join(frames, ""), "\n")
			}
		}
		frames = append(frames, line)
	}
	return strings.TrimRight(strings.Join(frames, ""), "\n")
}
