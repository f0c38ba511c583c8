package js

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/durango-functions/durango/bench/measure"
	"github.com/durango-functions/durango/bench/report"
)

// results are what the run found out.
type results struct {
	When     time.Time      `json:"when"`
	Machine  report.Machine `json:"machine"`
	Unloaded loadResult     `json:"unloaded"`
	Loaded   loadResult     `json:"loaded"`
	Lengths  []lengthResult `json:"lengths"`
}

// loadResult is about HelloSequence5: five activities in sequence. All costs are per orchestration.
type loadResult struct {
	InFlight       int     `json:"inFlight"`
	Orchestrations int     `json:"orchestrations"`
	PerSecond      float64 `json:"perSecond"`
	P50Millis      float64 `json:"p50Millis"`
	P99Millis      float64 `json:"p99Millis"`
	RoundTrips     float64 `json:"roundTrips"`
	// Scripts are the EVALSHAs among the commands; Commands counts those that scripts call, too.
	Scripts  float64 `json:"scripts"`
	Commands float64 `json:"commands"`
	BytesIn  float64 `json:"bytesIn"`
	BytesOut float64 `json:"bytesOut"`
	// Calls are those of clients and of scripts, by command.
	Calls map[string]float64 `json:"calls"`
}

// lengthResult is what one activity costs in an orchestration of many. The host's and Redis's part must not grow with their number; the
// time may, since the SDK runs the orchestrator from its beginning for each new event.
type lengthResult struct {
	Activities           int     `json:"activities"`
	MillisOfOrchestrator float64 `json:"millisOfOrchestration"`
	MillisPerActivity    float64 `json:"millisPerActivity"`
	HostMillisCPU        float64 `json:"hostCpuMillisPerActivity"`
	BytesPerActivity     float64 `json:"redisBytesPerActivity"`
	CommandsPerActivity  float64 `json:"redisCommandsPerActivity"`
}

func newLoadResult(inFlight int, times []time.Duration, c *measure.Costs) loadResult {
	n := float64(len(times))
	r := loadResult{
		InFlight: inFlight, Orchestrations: len(times), PerSecond: n / c.Elapsed.Seconds(),
		P50Millis: measure.Millis(measure.Percentile(times, 50)), P99Millis: measure.Millis(measure.Percentile(times, 99)),
		RoundTrips: float64(c.Redis.RoundTrips) / n, Commands: float64(c.Redis.Commands) / n,
		BytesIn: float64(c.Redis.BytesIn) / n, BytesOut: float64(c.Redis.BytesOut) / n, Calls: map[string]float64{},
	}
	for command, calls := range c.Redis.Calls {
		r.Calls[command] = float64(calls) / n
		if command == "evalsha" || command == "eval" {
			r.Scripts += float64(calls) / n
		}
	}
	return r
}

func (r *results) print(out io.Writer) {
	fmt.Fprintf(out, "%s\n\nHelloSequence5 in JavaScript, on a private redis-server, driven over HTTP\n", r.Machine)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "in flight\torchestrations\tper second\tp50 ms\tp99 ms\tround trips\tscripts\tcommands\tbytes in\tbytes out\t")
	for _, l := range []loadResult{r.Unloaded, r.Loaded} {
		fmt.Fprintf(w, "%d\t%d\t%.0f\t%.2f\t%.2f\t%.1f\t%.1f\t%.1f\t%.0f\t%.0f\t\n",
			l.InFlight, l.Orchestrations, l.PerSecond, l.P50Millis, l.P99Millis, l.RoundTrips, l.Scripts, l.Commands, l.BytesIn, l.BytesOut)
	}
	_ = w.Flush()
	for _, l := range []loadResult{r.Unloaded, r.Loaded} {
		fmt.Fprintf(out, "\ncommands of clients and scripts per orchestration, %d in flight:", l.InFlight)
		commands := slices.SortedFunc(maps.Keys(l.Calls), func(a, b string) int {
			return int(1000 * (l.Calls[b] - l.Calls[a]))
		})
		for _, c := range commands {
			if l.Calls[c] >= 0.05 {
				fmt.Fprintf(out, " %s %.1f", c, l.Calls[c])
			}
		}
	}
	fmt.Fprint(out, "\n\nActivities in sequence: what one more costs as the history grows (the SDK replays all of it, the host must not)\n")
	w = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "activities\torchestration ms\tms/activity\thost CPU ms/activity\tRedis bytes/activity\tRedis commands/activity\t")
	for _, l := range r.Lengths {
		fmt.Fprintf(w, "%d\t%.1f\t%.2f\t%.2f\t%.0f\t%.1f\t\n",
			l.Activities, l.MillisOfOrchestrator, l.MillisPerActivity, l.HostMillisCPU, l.BytesPerActivity, l.CommandsPerActivity)
	}
	_ = w.Flush()
}
