// Package clock has helpers that orchestrators of another package call.
package clock

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable"
)

func Stamp() time.Time { // want Stamp:`calls time\.Now at clock/clock\.go:16`
	return time.Now()
}

func Tomorrow() time.Time { // want Tomorrow:`calls next, which calls time\.Now at clock/clock\.go:24`
	return next(1)
}

func next(days int) time.Time {
	return time.Now().AddDate(0, 0, days)
}

type Calendar struct{}

func (Calendar) Today() time.Time { return Stamp() } // want Today:`calls Stamp, which calls time\.Now at clock/clock\.go:16`

func Keys(m map[string]int) []string { // want Keys:`result in the order of a map`
	return slices.Collect(maps.Keys(m))
}

// Env is an activity.
func Env(ctx context.Context, name string) string { // want Env:`calls os\.Getenv at clock/clock\.go:37`
	return os.Getenv(name)
}

func Upper(s string) string { return strings.ToUpper(s) }

// Cached says why it is safe.
func Cached() time.Time {
	return time.Now() //durangovet:ignore the value is only logged
}

// Await takes part in the orchestration, so its own package has the diagnostic.
func Await(o *durable.Orchestration) {
	_ = time.Now() // want `orchestrator Await calls time\.Now`
}
