// Package js measures durango as a whole: the built command with an app in JavaScript and a redis-server of its own, driven over HTTP.
package js

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/measure"
	"github.com/durango-functions/durango/bench/redisserver"
	"github.com/durango-functions/durango/bench/report"
)

// plan says what to measure.
type plan struct {
	durango  string
	apps     []string
	warmUp   int
	unloaded int
	loaded   int
	inFlight int
	bare     int
	fanOuts  []int
	lengths  []int
}

func full() *plan {
	return &plan{warmUp: 1000, unloaded: 500, loaded: 6000, inFlight: 100, bare: 6000, fanOuts: []int{1000, 10_000}, lengths: []int{25, 50, 100, 200, 400}}
}

func smoke() *plan {
	return &plan{warmUp: 10, unloaded: 5, loaded: 50, inFlight: 10, bare: 200, fanOuts: []int{50}, lengths: []int{5}}
}

// Run measures what the arguments say, and prints tables.
func Run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("js", flag.ContinueOnError)
	flags.SetOutput(out)
	short := flags.Bool("smoke", false, "do everything in small, to see that it works")
	command := flags.String("durango", "../bin/durango", "the command to measure")
	apps := flags.String("apps", "app", "folders of apps with the same functions, with commas: one per version of durable-functions")
	file := flags.String("json", "", "file for the figures")
	docs := flags.String("docs", "", "folder with performance.md, into which the tables of the file -json are written; nothing is measured")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *docs != "" {
		r, err := read(*file)
		if err != nil {
			return err
		}
		return report.Replace(filepath.Join(*docs, "performance.md"), "bench-js", r.section())
	}
	p := full()
	if *short {
		p = smoke()
	}
	p.durango, p.apps = *command, strings.Split(*apps, ",")
	r, err := measureAll(ctx, p)
	if err != nil {
		return err
	}
	r.print(out)
	if *file == "" {
		return nil
	}
	return r.write(*file)
}

func measureAll(ctx context.Context, p *plan) (*results, error) {
	version, err := redisserver.Version()
	if err != nil {
		return nil, err
	}
	r := &results{When: time.Now().UTC().Truncate(time.Second), Machine: report.ThisMachine(version)}
	for _, app := range p.apps {
		result, err := measureApp(ctx, p, app)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", app, err)
		}
		r.Apps = append(r.Apps, result)
	}
	return r, nil
}

// measureApp measures an app, and the SDK that it uses without durango, before and after: the machine may be slower for a while.
func measureApp(ctx context.Context, p *plan, app string) (*appResult, error) {
	before, err := runBare(ctx, app, p.bare)
	if err != nil {
		return nil, err
	}
	r := &appResult{SDK: before.Version}
	if err := measured(ctx, p, app, r); err != nil {
		return nil, err
	}
	after, err := runBare(ctx, app, p.bare)
	if err != nil {
		return nil, err
	}
	before.add(after)
	r.Bare = bareResult{PerSecond: float64(before.Orchestrations) / before.Seconds, Micros: before.CPUMicros / float64(before.Orchestrations)}
	return r, nil
}

func measured(ctx context.Context, p *plan, app string, r *appResult) error {
	dir, err := os.MkdirTemp("", "durango-bench-js-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	server, err := redisserver.Start(ctx, dir, engine.EverySecond)
	if err != nil {
		return err
	}
	defer server.Stop()
	host, err := startHost(ctx, p, app, "redis://"+server.Addr, filepath.Join(dir, "host.log"))
	if err != nil {
		return err
	}
	defer host.stop()
	if err := measureHost(ctx, p, server, host, r); err != nil {
		return fmt.Errorf("%w\nlog of the host:\n%s", err, host.lastLog())
	}
	return nil
}

func measureHost(ctx context.Context, p *plan, server *redisserver.Server, host *durangoHost, r *appResult) (err error) {
	if _, err := host.runMany(ctx, p.warmUp, min(p.inFlight, p.warmUp), "HelloSequence5", nil); err != nil {
		return fmt.Errorf("warming up: %w", err)
	}
	if r.Unloaded, err = load(ctx, server, host, p.unloaded, 1); err != nil {
		return fmt.Errorf("measuring without load: %w", err)
	}
	if r.Loaded, err = load(ctx, server, host, p.loaded, p.inFlight); err != nil {
		return fmt.Errorf("measuring under load: %w", err)
	}
	for _, n := range p.fanOuts {
		f, err := fanOut(ctx, host, n)
		if err != nil {
			return fmt.Errorf("measuring a fan-out of %d activities: %w", n, err)
		}
		r.FanOuts = append(r.FanOuts, f)
	}
	for _, n := range p.lengths {
		l, err := length(ctx, server, host, n)
		if err != nil {
			return fmt.Errorf("measuring a history of %d activities: %w", n, err)
		}
		r.Lengths = append(r.Lengths, l)
	}
	return nil
}

// load runs HelloSequence5 count times with that many in flight.
func load(ctx context.Context, server *redisserver.Server, host *durangoHost, count, inFlight int) (loadResult, error) {
	hostCPU, workerCPU, err := host.cpu()
	if err != nil {
		return loadResult{}, err
	}
	meter, err := measure.Begin(ctx, server)
	if err != nil {
		return loadResult{}, err
	}
	times, err := host.runMany(ctx, count, inFlight, "HelloSequence5", nil)
	if err != nil {
		return loadResult{}, err
	}
	costs, err := meter.End(ctx)
	if err != nil {
		return loadResult{}, err
	}
	hostAfter, workersAfter, err := host.cpu()
	if err != nil {
		return loadResult{}, err
	}
	r := newLoadResult(inFlight, times, costs)
	n := float64(count)
	r.HostMicros, r.WorkerMicros = measure.Micros(hostAfter-hostCPU)/n, measure.Micros(workersAfter-workerCPU)/n
	r.RedisMicros = measure.Micros(costs.Redis.CPU) / n
	return r, nil
}

// fanOut runs an orchestration of n activities at once, some times over, and takes the median.
func fanOut(ctx context.Context, host *durangoHost, n int) (fanOutResult, error) {
	const times = 5
	var took []time.Duration
	r := fanOutResult{Activities: n}
	for range times {
		began := time.Now()
		output, err := host.runOne(ctx, "FanOut", n)
		if err != nil {
			return r, err
		}
		took = append(took, time.Since(began))
		var sumAndRuns [2]int
		if err := json.Unmarshal(output, &sumAndRuns); err != nil {
			return r, fmt.Errorf("the output is %s: %w", output, err)
		}
		if want := n * (n - 1) / 2; sumAndRuns[0] != want {
			return r, fmt.Errorf("the sum is %d instead of %d", sumAndRuns[0], want)
		}
		r.Runs = max(r.Runs, sumAndRuns[1])
	}
	r.Millis = measure.Millis(measure.Percentile(took, 50))
	return r, nil
}

// length runs one orchestration of n activities after the other, and asks what an activity costs.
func length(ctx context.Context, server *redisserver.Server, host *durangoHost, n int) (lengthResult, error) {
	count := max(1, 400/n)
	cpu, _, err := host.cpu()
	if err != nil {
		return lengthResult{}, err
	}
	meter, err := measure.Begin(ctx, server)
	if err != nil {
		return lengthResult{}, err
	}
	if _, err := host.runMany(ctx, count, 1, "Sequence", n); err != nil {
		return lengthResult{}, err
	}
	costs, err := meter.End(ctx)
	if err != nil {
		return lengthResult{}, err
	}
	cpuAfter, _, err := host.cpu()
	if err != nil {
		return lengthResult{}, err
	}
	activities := float64(count * n)
	return lengthResult{
		Activities:           n,
		MillisPerActivity:    measure.Millis(costs.Elapsed) / activities,
		HostMillisCPU:        measure.Millis(cpuAfter-cpu) / activities,
		BytesPerActivity:     float64(costs.Redis.BytesIn+costs.Redis.BytesOut) / activities,
		CommandsPerActivity:  float64(costs.Redis.Commands) / activities,
		MillisOfOrchestrator: measure.Millis(costs.Elapsed) / float64(count),
	}, nil
}
