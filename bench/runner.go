package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/redisserver"
	"github.com/durango-functions/durango/bench/report"
	"github.com/durango-functions/durango/bench/workload"
)

// runner measures each engine with each workload, one at a time.
type runner struct {
	plan    *plan
	kinds   []engine.Kind
	dir     string
	out     io.Writer
	results *report.Results
}

// run does the rounds. Within a round the engines take turns with each workload, and who begins changes from round to round, so that
// whatever else the machine does at that minute falls on all of them.
func (r *runner) run(ctx context.Context) error {
	for round := range r.plan.rounds {
		for _, d := range engine.Durabilities() {
			for _, w := range r.plan.workloads(d) {
				for i := range r.kinds {
					kind := r.kinds[(i+round)%len(r.kinds)]
					if err := r.one(ctx, round, kind, w, d); err != nil {
						return fmt.Errorf("%s, %s, appendonly %s: %w", kind.Name, w.Name, d, err)
					}
				}
				if err := r.ceiling(ctx, round, w, d); err != nil {
					return fmt.Errorf("ceiling of %s, appendonly %s: %w", w.Name, d, err)
				}
			}
		}
	}
	return nil
}

// say prints what a measurement found, as soon as it is known.
func (r *runner) say(round int, d engine.Durability, workloadName, engineName, found string) {
	fmt.Fprintf(r.out, "%d/%d  %-8s  %-15s  %-14s  %s\n", round+1, r.plan.rounds, d, workloadName, engineName, found)
}

// one makes one measurement and keeps and prints what it found.
func (r *runner) one(ctx context.Context, round int, kind engine.Kind, w *workload.Workload, d engine.Durability) error {
	if why := kind.Lacks[w.Name]; why != "" {
		r.results.Add(w.Name, d, kind.Name, nil, "- ("+why+")")
		return nil
	}
	if r.results.Note(w.Name, d, kind.Name) != "" {
		return nil // it ran out of time in an earlier round; it would again
	}
	m, err := r.measure(ctx, kind, w, d, r.plan.sizes)
	note := ""
	if incomplete, ok := errors.AsType[*workload.IncompleteError](err); ok && !kind.MustFinish {
		note, err = incomplete.Error(), nil
	}
	if err != nil {
		return err
	}
	r.results.Add(w.Name, d, kind.Name, m, note)
	r.say(round, d, w.Name, kind.Name, report.Brief(w.Name, m, note))
	return nil
}

// measure gives the engine a fresh store, starts it, lets it do the workload, and stops it.
func (r *runner) measure(ctx context.Context, kind engine.Kind, w *workload.Workload, d engine.Durability, s workload.Sizes) (m workload.Metrics, err error) {
	dir, err := os.MkdirTemp(r.dir, "store-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	store := engine.Store{Durability: d, Dir: dir, Timers: w.Timers}
	run := &workload.Run{Functions: &engine.Functions{}, Sizes: s}
	if kind.Redis {
		server, err := redisserver.Start(ctx, dir, d)
		if err != nil {
			return nil, err
		}
		defer server.Stop()
		run.Server, store.Redis = server, server.Addr
	}
	goroutines := runtime.NumGoroutine()
	if run.Engine, err = kind.Begin(ctx, store, run.Functions); err != nil {
		return nil, fmt.Errorf("starting: %w", err)
	}
	m, err = w.Measure(ctx, run)
	_, incomplete := errors.AsType[*workload.IncompleteError](err)
	if stopping := stop(ctx, run.Engine, goroutines); stopping != nil {
		// Whoever has not done its work in time cannot be expected to stop in time.
		if !incomplete {
			return nil, errors.Join(err, fmt.Errorf("stopping: %w", stopping))
		}
		fmt.Fprintf(r.out, "%s has not stopped: %v\n", kind.Name, stopping)
	}
	return m, err
}

// stop stops an engine and waits until its goroutines are gone, nearly all: what is left would share the processor with the next.
func stop(ctx context.Context, e engine.Engine, goroutines int) error {
	const limit, slack = 15 * time.Second, 8
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := e.Stop(bounded); err != nil {
		return err
	}
	return redisserver.Poll(ctx, limit, func() error {
		if n := runtime.NumGoroutine(); n > goroutines+slack {
			return fmt.Errorf("%d goroutines are left, of %d before the start", n, goroutines)
		}
		return nil
	})
}

// describe notes what the results are about.
func (r *runner) describe() {
	for _, k := range r.kinds {
		r.results.Engines = append(r.results.Engines, report.Engine{Name: k.Name, About: k.About})
	}
	for _, w := range workload.List(r.plan.sizes) {
		r.results.Workloads = append(r.results.Workloads, report.Workload{Name: w.Name, Title: w.Title})
	}
}
