// Command bench measures durango beside its peers, all in this process with a private redis-server each time, and says what came of it.
//
//	go run .            measures, prints tables and writes results.json
//	go run . report     writes charts and tables from results.json into the docs
//	go run . js         measures the built command with an app in JavaScript over HTTP
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/durango-functions/durango/bench/durabletask"
	"github.com/durango-functions/durango/bench/durango"
	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/goworkflows"
	"github.com/durango-functions/durango/bench/js"
	"github.com/durango-functions/durango/bench/redisserver"
	"github.com/durango-functions/durango/bench/report"
)

// gcPercent is what durango's own command sets: how much the heap may grow between garbage collections. All engines are in this process and have it.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "js":
			return js.Run(ctx, args[1:], out)
		case "report":
			return render(args[1:], out)
		}
	}
	return compare(ctx, args, out)
}

// compare measures the engines.
func compare(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(out)
	short := flags.Bool("smoke", false, "do everything once and in small, to see that it works")
	all := flags.Bool("all", false, "measure each workload with each durability, not only the core ones")
	rounds := flags.Int("rounds", 0, "how often each measurement is repeated; 0: as planned")
	engines := flags.String("engines", "", "the engines to measure, with commas; empty: all")
	only := flags.String("only", "", "a regular expression of the workloads to measure")
	durability := flags.String("durability", "", "measure with this one only: off, everysec or always")
	pollers := flags.Int("pollers", 0, "pollers of go-workflows; 0: try some numbers and take the best")
	retries := flags.Bool("retries", false, "leave go-workflows' retry options at their defaults")
	file := flags.String("json", "", "file for the figures")
	if err := flags.Parse(args); err != nil {
		return err
	}
	p := full()
	if *short {
		p = smoke()
	}
	if *rounds > 0 {
		p.rounds = *rounds
	}
	if *pollers > 0 {
		p.pollers = []int{*pollers}
	}
	p.retries = *retries
	if *all {
		p.rest = p.core
	}
	if *durability != "" {
		d, err := engine.ParseDurability(*durability)
		if err != nil {
			return err
		}
		p.core, p.rest = []engine.Durability{d}, []engine.Durability{d}
	}
	var err error
	if p.only, err = regexp.Compile(*only); err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	r, err := measureAll(ctx, p, strings.FieldsFunc(*engines, func(c rune) bool { return c == ',' }), out)
	if err != nil {
		return err
	}
	r.Print(out)
	if !*short { // in small, nothing is as it must be
		fmt.Fprintln(out)
		r.Required().Text(out)
	}
	if *file == "" {
		return nil
	}
	return r.Write(*file)
}

func measureAll(ctx context.Context, p *plan, engines []string, out io.Writer) (*report.Results, error) {
	dir, err := os.MkdirTemp("", "durango-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	version, err := redisserver.Version()
	if err != nil {
		return nil, err
	}
	r := &runner{plan: p, dir: dir, out: out, results: &report.Results{
		When: time.Now().UTC().Truncate(time.Second), Machine: report.ThisMachine(version), Rounds: p.rounds,
	}}
	fmt.Fprintf(out, "%s\n\n", r.results.Machine)
	for _, name := range []string{durango.Name, goworkflows.Name, durabletask.Name} {
		if len(engines) == 0 || slices.Contains(engines, name) {
			kind, err := r.kind(ctx, name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			r.kinds = append(r.kinds, kind)
		}
	}
	r.describe()
	return r.results, r.run(ctx)
}

// kind is an engine with the settings that it is measured with.
func (r *runner) kind(ctx context.Context, name string) (engine.Kind, error) {
	switch name {
	case durango.Name:
		return durango.Kind(), nil
	case goworkflows.Name:
		return r.calibrated(ctx)
	default:
		return durabletask.Kind(), nil
	}
}

// render writes the report into the docs.
func render(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	flags.SetOutput(out)
	file := flags.String("json", "results.json", "file with the figures")
	docs := flags.String("docs", "../docs", "folder with performance.md")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r, err := report.Read(*file)
	if err != nil {
		return err
	}
	return r.Render(*docs)
}
