package worker

import (
	"log/slog"
	"time"
)

// LevelTrace is the level below slog.LevelDebug: context.log.verbose in JavaScript.
const LevelTrace = slog.Level(-8)

// ConsoleCategory is the category of what a worker's code wrote to its stdout or stderr.
const ConsoleCategory = "Host.Function.Console"

// LogRecord is a log line that comes out of a worker.
type LogRecord struct {
	Time    time.Time
	Level   slog.Level // LevelTrace or one of slog's
	Message string
	// Category is "Function.<name>.User" for what a function logged, "Function.<name>" for what the worker has to say about an
	// invocation, ConsoleCategory for stdout and stderr, and "Worker.<language>" for the worker's own remarks.
	Category string
	// Function and InvocationID are "" when the worker does not know them.
	Function     string
	InvocationID string
}
