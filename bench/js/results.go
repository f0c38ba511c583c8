package js

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/durango-functions/durango/bench/measure"
	"github.com/durango-functions/durango/bench/report"
)

// results are what the run found out.
type results struct {
	When    time.Time      `json:"when"`
	Machine report.Machine `json:"machine"`
	Apps    []*appResult   `json:"apps"`
}

// appResult is about one version of durable-functions.
type appResult struct {
	SDK      string         `json:"sdk"`
	Bare     bareResult     `json:"bare"`
	Unloaded loadResult     `json:"unloaded"`
	Loaded   loadResult     `json:"loaded"`
	FanOuts  []fanOutResult `json:"fanOuts"`
	Lengths  []lengthResult `json:"lengths"`
}

// bareResult is the SDK's own part of HelloSequence5: its six episodes, on one core.
type bareResult struct {
	PerSecond float64 `json:"perSecond"`
	Micros    float64 `json:"cpuMicros"`
}

// loadResult is about HelloSequence5: five activities in sequence. All costs are per orchestration.
type loadResult struct {
	InFlight       int     `json:"inFlight"`
	Orchestrations int     `json:"orchestrations"`
	PerSecond      float64 `json:"perSecond"`
	P50Millis      float64 `json:"p50Millis"`
	P99Millis      float64 `json:"p99Millis"`
	HostMicros     float64 `json:"hostCpuMicros"`
	WorkerMicros   float64 `json:"workerCpuMicros"`
	RedisMicros    float64 `json:"redisCpuMicros"`
	RoundTrips     float64 `json:"roundTrips"`
	// Scripts are the EVALSHAs among the commands; Commands counts those that scripts call, too.
	Scripts  float64 `json:"scripts"`
	Commands float64 `json:"commands"`
	BytesIn  float64 `json:"bytesIn"`
	BytesOut float64 `json:"bytesOut"`
}

// micros is the processor time of host, workers and Redis.
func (l *loadResult) micros() float64 { return l.HostMicros + l.WorkerMicros + l.RedisMicros }

// fanOutResult is about one orchestration of many activities at once. Runs is how often its code was run.
type fanOutResult struct {
	Activities int     `json:"activities"`
	Millis     float64 `json:"millis"`
	Runs       int     `json:"runs"`
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
		BytesIn: float64(c.Redis.BytesIn) / n, BytesOut: float64(c.Redis.BytesOut) / n,
	}
	for command, calls := range c.Redis.Calls {
		if command == "evalsha" || command == "eval" {
			r.Scripts += float64(calls) / n
		}
	}
	return r
}

func read(file string) (*results, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := new(results)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

func (r *results) write(file string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

func (r *results) print(out io.Writer) {
	fmt.Fprintf(out, "%s\n\nHelloSequence5 in JavaScript, on a private redis-server, driven over HTTP\n", r.Machine)
	r.hello().Text(out)
	fmt.Fprintln(out, "\nFan-out")
	r.fanOuts().Text(out)
	fmt.Fprintln(out, "\nActivities in sequence: what one more costs as the history grows (the SDK replays all of it, the host must not)")
	r.lengths().Text(out)
	fmt.Fprintln(out)
	r.required().Text(out)
}

// section is the page's part.
func (r *results) section() string {
	return fmt.Sprintf("\nMeasured on %s with %s. All costs are per orchestration.\n\n%s\n%s\n%s\n%s\n", r.When.Format("2 January 2006"), r.Machine,
		r.hello().Markdown(), r.fanOuts().Markdown(), r.lengths().Markdown(), r.required().Markdown())
}

func (r *results) hello() *report.Table {
	t := &report.Table{Header: []string{
		"durable-functions", "HelloSequence5", "per second", "p50 ms", "p99 ms", "CPU µs: host", "workers", "Redis", "in all", "round trips", "scripts", "commands", "bytes to Redis",
	}}
	for _, a := range r.Apps {
		for _, l := range []*loadResult{&a.Unloaded, &a.Loaded} {
			t.Rows = append(t.Rows, []string{
				a.SDK, fmt.Sprintf("%d in flight", l.InFlight), digits(l.PerSecond, 0), digits(l.P50Millis, 2), digits(l.P99Millis, 2), digits(l.HostMicros, 0),
				digits(l.WorkerMicros, 0), digits(l.RedisMicros, 0), digits(l.micros(), 0), digits(l.RoundTrips, 1), digits(l.Scripts, 1), digits(l.Commands, 1), digits(l.BytesIn, 0),
			})
		}
		t.Rows = append(t.Rows, []string{
			a.SDK, "bare loop", digits(a.Bare.PerSecond, 0), "-", "-", "-", digits(a.Bare.Micros, 0), "-", digits(a.Bare.Micros, 0), "-", "-", "-", "-",
		})
	}
	return t
}

func (r *results) fanOuts() *report.Table {
	t := &report.Table{Header: []string{"durable-functions", "activities at once", "ms", "runs of the orchestrator"}}
	for _, a := range r.Apps {
		for _, f := range a.FanOuts {
			t.Rows = append(t.Rows, []string{a.SDK, strconv.Itoa(f.Activities), digits(f.Millis, 0), strconv.Itoa(f.Runs)})
		}
	}
	return t
}

func (r *results) lengths() *report.Table {
	t := &report.Table{Header: []string{
		"durable-functions", "activities in sequence", "orchestration ms", "ms per activity", "host CPU ms per activity", "Redis bytes per activity", "Redis commands per activity",
	}}
	for _, a := range r.Apps {
		for _, l := range a.Lengths {
			t.Rows = append(t.Rows, []string{
				a.SDK, strconv.Itoa(l.Activities), digits(l.MillisOfOrchestrator, 1), digits(l.MillisPerActivity, 2), digits(l.HostMillisCPU, 2),
				digits(l.BytesPerActivity, 0), digits(l.CommandsPerActivity, 1),
			})
		}
	}
	return t
}

// required is what durable JavaScript must reach on two cores. A row that is not met is said, never a failure: other machines have other figures.
func (r *results) required() *report.Table {
	t := &report.Table{Header: []string{"required", "durable-functions", "wanted", "measured", ""}}
	for _, a := range r.Apps {
		add := func(what, wanted, measured string, isMet bool) {
			verdict := "not met"
			if isMet {
				verdict = "met"
			}
			t.Rows = append(t.Rows, []string{what, a.SDK, wanted, measured, verdict})
		}
		add(fmt.Sprintf("HelloSequence5, %d in flight", a.Loaded.InFlight), "1,200 /s", digits(a.Loaded.PerSecond, 0)+" /s", a.Loaded.PerSecond >= 1200)
		add("HelloSequence5, one in flight, p50", "4 ms", digits(a.Unloaded.P50Millis, 2)+" ms", a.Unloaded.P50Millis <= 4)
		for _, f := range a.FanOuts {
			if most := map[int]float64{1000: 400, 10_000: 6000}[f.Activities]; most > 0 {
				add(fmt.Sprintf("Fan-out of %d activities", f.Activities), digits(most, 0)+" ms", digits(f.Millis, 0)+" ms", f.Millis <= most)
			}
			if most := map[int]int{1000: 20, 10_000: 40}[f.Activities]; most > 0 {
				add(fmt.Sprintf("Runs of the orchestrator for %d activities", f.Activities), strconv.Itoa(most), strconv.Itoa(f.Runs), f.Runs <= most)
			}
		}
		ratio := a.Loaded.micros() / a.Bare.Micros
		add("CPU of host, workers and Redis", "4 x the bare loop", fmt.Sprintf("%s µs to %s µs, %s x", digits(a.Loaded.micros(), 0), digits(a.Bare.Micros, 0), digits(ratio, 1)), ratio <= 4)
	}
	return t
}

func digits(v float64, after int) string { return strconv.FormatFloat(v, 'f', after, 64) }
