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
	"time"

	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/measure"
	"github.com/durango-functions/durango/bench/redisserver"
	"github.com/durango-functions/durango/bench/report"
)

// plan says what to measure.
type plan struct {
	durango  string
	app      string
	warmUp   int
	unloaded int
	loaded   int
	inFlight int
	lengths  []int
}

// Run measures what the arguments say, and prints a table.
func Run(ctx context.Context, args []string, out io.Writer) error {
	p := &plan{lengths: []int{25, 50, 100, 200, 400}}
	flags := flag.NewFlagSet("js", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&p.durango, "durango", "../bin/durango", "the command to measure")
	flags.StringVar(&p.app, "app", "app", "the app with HelloSequence5 and Sequence")
	flags.IntVar(&p.warmUp, "warm-up", 200, "orchestrations before the first measurement")
	flags.IntVar(&p.unloaded, "unloaded", 500, "orchestrations one after the other")
	flags.IntVar(&p.loaded, "loaded", 5000, "orchestrations with many in flight")
	flags.IntVar(&p.inFlight, "in-flight", 100, "how many are in flight")
	file := flags.String("json", "", "file for the numbers as JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r, err := measured(ctx, p)
	if err != nil {
		return err
	}
	r.print(out)
	if *file == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(*file, append(data, '\n'), 0o644)
}

func measured(ctx context.Context, p *plan) (*results, error) {
	dir, err := os.MkdirTemp("", "durango-bench-js-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	server, err := redisserver.Start(ctx, dir, engine.EverySecond)
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	host, err := startHost(ctx, p, "redis://"+server.Addr, filepath.Join(dir, "host.log"))
	if err != nil {
		return nil, err
	}
	defer host.stop()
	r, err := measureAll(ctx, p, server, host)
	if err != nil {
		return nil, fmt.Errorf("%w\nlog of the host:\n%s", err, host.lastLog())
	}
	return r, nil
}

func measureAll(ctx context.Context, p *plan, server *redisserver.Server, host *durangoHost) (*results, error) {
	version, err := redisserver.Version()
	if err != nil {
		return nil, err
	}
	r := &results{When: time.Now().UTC(), Machine: report.ThisMachine(version)}
	if _, err := host.runMany(ctx, p.warmUp, min(p.inFlight, p.warmUp), "HelloSequence5", nil); err != nil {
		return nil, fmt.Errorf("warming up: %w", err)
	}
	if r.Unloaded, err = load(ctx, server, host, p.unloaded, 1); err != nil {
		return nil, fmt.Errorf("measuring without load: %w", err)
	}
	if r.Loaded, err = load(ctx, server, host, p.loaded, p.inFlight); err != nil {
		return nil, fmt.Errorf("measuring under load: %w", err)
	}
	for _, n := range p.lengths {
		l, err := length(ctx, server, host, n)
		if err != nil {
			return nil, fmt.Errorf("measuring a history of %d activities: %w", n, err)
		}
		r.Lengths = append(r.Lengths, l)
	}
	return r, nil
}

// load runs HelloSequence5 count times with that many in flight.
func load(ctx context.Context, server *redisserver.Server, host *durangoHost, count, inFlight int) (loadResult, error) {
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
	return newLoadResult(inFlight, times, costs), nil
}

// length runs one orchestration of n activities after the other, and asks what an activity costs.
func length(ctx context.Context, server *redisserver.Server, host *durangoHost, n int) (lengthResult, error) {
	count := max(1, 400/n)
	cpu, err := host.cpu()
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
	cpuAfter, err := host.cpu()
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
