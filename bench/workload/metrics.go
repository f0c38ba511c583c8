package workload

import (
	"time"

	"github.com/durango-functions/durango/bench/measure"
)

// Metrics are a measurement's figures.
type Metrics map[string]float64

// The figures, with their unit.
const (
	Runs       = "runs"         // how often it was done
	PerSecond  = "per_second"   // orchestrations, activities, events or timers, as the workload says
	P50        = "p50_ms"       // the median time of one run
	P99        = "p99_ms"       //
	Total      = "total_ms"     // the median time of all of it
	PerItem    = "per_item_us"  // Total by the number of activities, children or turns
	FirstEdge  = "first_us"     // time per activity of the first thousand
	LastEdge   = "last_us"      // and of the last
	LateP50    = "late_p50_ms"  // by how much the last timer of an instance was later than it was due
	LateMax    = "late_max_ms"  //
	RoundTrips = "round_trips"  // per orchestration, as all below
	Commands   = "commands"     //
	BytesIn    = "bytes_in"     // to Redis
	BytesOut   = "bytes_out"    // from Redis
	RedisCPU   = "redis_cpu_us" //
	HostCPU    = "host_cpu_us"  //
	PeakHeap   = "peak_heap_mb" // not per orchestration: how much the heap grew at most
	Others     = "others_cores" // how many cores everything else on the machine kept busy
	// Calls is the prefix of a Redis command's name: how often clients and scripts called it.
	Calls = "calls."
)

// perOne adds what one of n runs cost.
func (m Metrics) perOne(c *measure.Costs, n int) {
	if c == nil || n == 0 {
		return
	}
	by := 1 / float64(n)
	m[HostCPU] = measure.Micros(c.HostCPU) * by
	m[Others] = c.Others
	m[PeakHeap] = float64(c.PeakHeap) / (1 << 20)
	if c.Redis == nil {
		return
	}
	m[RoundTrips] = float64(c.Redis.RoundTrips) * by
	m[Commands] = float64(c.Redis.Commands) * by
	m[BytesIn] = float64(c.Redis.BytesIn) * by
	m[BytesOut] = float64(c.Redis.BytesOut) * by
	m[RedisCPU] = measure.Micros(c.Redis.CPU) * by
	for command, calls := range c.Redis.Calls {
		if share := float64(calls) * by; share >= 0.05 {
			m[Calls+command] = share
		}
	}
}

// times adds the figures of single runs.
func (m Metrics) times(times []time.Duration) {
	m[Runs] = float64(len(times))
	m[P50] = measure.Millis(measure.Percentile(times, 50))
	m[P99] = measure.Millis(measure.Percentile(times, 99))
}
