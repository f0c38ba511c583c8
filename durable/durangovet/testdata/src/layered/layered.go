// Package layered has orchestrators that call another package.
package layered

import (
	"slices"
	"time"

	"layered/clock"

	"github.com/durango-functions/durango/durable"
)

func Hello(o *durable.Orchestration) {
	_ = clock.Stamp()            // want `orchestrator Hello calls clock\.Stamp, which calls time\.Now at clock/clock\.go:16: each replay gets another time; use o\.Now\(\)`
	_ = clock.Tomorrow()         // want `orchestrator Hello calls clock\.Tomorrow, which calls next, which calls time\.Now at clock/clock\.go:24`
	_ = clock.Calendar{}.Today() // want `orchestrator Hello calls clock\.Calendar\.Today, which calls Stamp, which calls time\.Now at`
	_ = clock.Env(nil, "A")      // want `orchestrator Hello calls clock\.Env, which calls os\.Getenv at clock/clock\.go:37: a replay, perhaps on another host, may see another value; call it as an activity, through the \*durable\.Orchestration`
	local()

	o.CallActivity(clock.Env, "A")
	_ = clock.Upper("a")
	_ = clock.Cached()
	clock.Await(o)
}

func local() time.Time {
	return clock.Stamp() // want `orchestrator Hello calls local, which calls clock\.Stamp, which calls time\.Now at clock/clock\.go:16`
}

func Sorted(o *durable.Orchestration, m map[string]int) {
	o.CallActivity("All", clock.Keys(m)) // want `orchestrator Sorted passes a list in the order of a map to o\.CallActivity`
	keys := clock.Keys(m)
	slices.Sort(keys)
	o.CallActivity("All", keys)
	for k := range m { // want `ranges over a map and calls clock\.Await in the loop`
		_ = k
		clock.Await(o)
	}
}

// Local is no orchestrator, but it has a fact.
func Local() time.Time { // want Local:`calls local, which calls clock\.Stamp, which calls time\.Now at clock/clock\.go:16`
	return local()
}
