// Command bench measures durango as a whole: the built command with an app in JavaScript and a redis-server of its own, all on this
// machine, driven over HTTP. It prints a table and, when asked, writes the numbers as JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
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

func main() {
	p := plan{lengths: []int{25, 50, 100, 200, 400}}
	flag.StringVar(&p.durango, "durango", "../bin/durango", "the command to measure")
	flag.StringVar(&p.app, "app", "app", "the app with HelloSequence5 and Sequence")
	flag.IntVar(&p.warmUp, "warm-up", 200, "orchestrations before the first measurement")
	flag.IntVar(&p.unloaded, "unloaded", 500, "orchestrations one after the other")
	flag.IntVar(&p.loaded, "loaded", 5000, "orchestrations with many in flight")
	flag.IntVar(&p.inFlight, "in-flight", 100, "how many are in flight")
	out := flag.String("json", "", "file for the numbers as JSON")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, p, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan, out string) error {
	dir, err := os.MkdirTemp("", "durango-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	redis, err := startRedis(ctx, dir)
	if err != nil {
		return err
	}
	defer redis.stop()
	host, err := startHost(ctx, p, redis.url(), filepath.Join(dir, "host.log"))
	if err != nil {
		return err
	}
	defer host.stop()

	r, err := measure(ctx, p, redis, host)
	if err != nil {
		return fmt.Errorf("%w\nlog of the host:\n%s", err, host.lastLog())
	}
	r.print(os.Stdout)
	if out == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(data, '\n'), 0o644)
}

func measure(ctx context.Context, p plan, redis *redisServer, host *durangoHost) (*report, error) {
	r := &report{When: time.Now().UTC(), Machine: machine()}
	if _, err := host.runMany(ctx, p.warmUp, min(p.inFlight, p.warmUp), "HelloSequence5", nil); err != nil {
		return nil, fmt.Errorf("warming up: %w", err)
	}
	var err error
	if r.Unloaded, err = load(ctx, redis, host, p.unloaded, 1); err != nil {
		return nil, fmt.Errorf("measuring without load: %w", err)
	}
	if r.Loaded, err = load(ctx, redis, host, p.loaded, p.inFlight); err != nil {
		return nil, fmt.Errorf("measuring under load: %w", err)
	}
	for _, n := range p.lengths {
		l, err := length(ctx, redis, host, n)
		if err != nil {
			return nil, fmt.Errorf("measuring a history of %d activities: %w", n, err)
		}
		r.Lengths = append(r.Lengths, l)
	}
	return r, nil
}

// load runs HelloSequence5 count times with that many in flight.
func load(ctx context.Context, redis *redisServer, host *durangoHost, count, inFlight int) (loadResult, error) {
	before, err := redis.stats(ctx)
	if err != nil {
		return loadResult{}, err
	}
	began := time.Now()
	times, err := host.runMany(ctx, count, inFlight, "HelloSequence5", nil)
	if err != nil {
		return loadResult{}, err
	}
	took := time.Since(began)
	after, err := redis.stats(ctx)
	if err != nil {
		return loadResult{}, err
	}
	return newLoadResult(inFlight, times, took, after.since(before)), nil
}

// length runs one orchestration of n activities after the other, and asks what an activity costs.
func length(ctx context.Context, redis *redisServer, host *durangoHost, n int) (lengthResult, error) {
	count := max(1, 400/n)
	cpu, err := host.cpu()
	if err != nil {
		return lengthResult{}, err
	}
	before, err := redis.stats(ctx)
	if err != nil {
		return lengthResult{}, err
	}
	began := time.Now()
	if _, err := host.runMany(ctx, count, 1, "Sequence", n); err != nil {
		return lengthResult{}, err
	}
	took := time.Since(began)
	after, err := redis.stats(ctx)
	if err != nil {
		return lengthResult{}, err
	}
	cpuAfter, err := host.cpu()
	if err != nil {
		return lengthResult{}, err
	}
	activities, d := float64(count*n), after.since(before)
	return lengthResult{
		Activities:           n,
		MillisPerActivity:    millis(took) / activities,
		HostMillisCPU:        millis(cpuAfter-cpu) / activities,
		BytesPerActivity:     float64(d.bytesIn+d.bytesOut) / activities,
		CommandsPerActivity:  float64(d.commands) / activities,
		MillisOfOrchestrator: millis(took) / float64(count),
	}, nil
}
