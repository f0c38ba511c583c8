package report

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/bench/durango"
	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/goworkflows"
	"github.com/durango-functions/durango/bench/workload"
)

// sample are results of three rounds in which durango is ten times as good as its peer, except for fan-outs.
func sample() *Results {
	r := &Results{
		When: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), Machine: Machine{CPU: "a <CPU> & co", Cores: 2}, Rounds: 3,
		Engines: []Engine{{Name: durango.Name, About: "durango 1"}, {Name: goworkflows.Name, About: "go-workflows 1"}},
	}
	for _, w := range workload.List(workload.Sizes{InFlight: [2]int{100, 1000}, FanOut: [3]int{100, 1000, 10_000}, Events: 1, EventInstances: 1}) {
		r.Workloads = append(r.Workloads, Workload{Name: w.Name, Title: w.Title})
	}
	for _, d := range engine.Durabilities() {
		for _, noise := range []float64{1.5, 1, 0.5} {
			add := func(w, e string, m workload.Metrics) {
				for name := range m {
					m[name] *= noise
				}
				r.Add(w, d, e, m, "")
			}
			add(workload.HelloUnloaded, durango.Name, workload.Metrics{workload.P50: 0.5, workload.RoundTrips: 7, workload.BytesIn: 4000})
			add(workload.HelloUnloaded, goworkflows.Name, workload.Metrics{workload.P50: 5, workload.RoundTrips: 66})
			add(workload.HelloLoaded, durango.Name, workload.Metrics{workload.PerSecond: 5000, workload.RoundTrips: 1.5, workload.BytesIn: 6000})
			add(workload.HelloLoaded, goworkflows.Name, workload.Metrics{workload.PerSecond: 500})
			add(workload.HelloLoaded, Ceiling, workload.Metrics{workload.PerSecond: 20_000})
			add(workload.FanOutMedium, durango.Name, workload.Metrics{workload.Total: 20, workload.PerItem: 20})
			add(workload.FanOutMedium, goworkflows.Name, workload.Metrics{workload.Total: 100, workload.PerItem: 100})
		}
	}
	r.Add(workload.SequenceLong, engine.EverySecond, goworkflows.Name, workload.Metrics{workload.FirstEdge: 900}, "5000 of 10000 activities in 30 s")
	return r
}

func TestMediansOfRounds(t *testing.T) {
	t.Parallel()
	e := sample().entry(workload.HelloLoaded, engine.Always, durango.Name)
	require.Equal(t, Figure{Median: 5000, Min: 2500, Max: 7500}, e.Figures[workload.PerSecond])
	r := &Results{}
	r.Add("w", engine.Off, "e", workload.Metrics{"x": 1}, "")
	r.Add("w", engine.Off, "e", workload.Metrics{"x": 2}, "")
	require.Equal(t, Figure{Median: 1.5, Min: 1, Max: 2}, r.entry("w", engine.Off, "e").Figures["x"])
}

func TestRequired(t *testing.T) {
	t.Parallel()
	verdicts := map[string]string{}
	for _, row := range sample().Required().Rows {
		verdicts[row[0]] = row[3]
	}
	require.Equal(t, map[string]string{
		"HelloSequence5, 100 in flight, everysec":  "met",
		"HelloSequence5, 100 in flight, always":    "met",
		"HelloSequence5, 1000 in flight, everysec": "not measured",
		"HelloSequence5, 1000 in flight, always":   "not measured",
		"HelloSequence5, one in flight, p50":       "met",
		"Fan-out of 1000 activities":               "not met",
		"Fan-out of 10000 activities":              "not measured",
		"Fan-out of 10000 activities, peak heap":   "for the reader",
		"Round trips per HelloSequence5":           "met",
		"Bytes to Redis per HelloSequence5":        "not met",
		"0 activities in sequence":                 "not measured",
	}, verdicts)
}

func TestSpeeds(t *testing.T) {
	t.Parallel()
	page := sample().Speeds().Markdown()
	require.Contains(t, page, "| HelloSequence5, 100 in flight | everysec | 5,000 /s | 500 /s | 20,000 /s | 10.0 x go-workflows |")
	require.Contains(t, page, "| 900 µs (5000 of 10000 activities in 30 s) |", "what was cut short says so")
	require.Contains(t, page, "|  | 5000 of 10000 activities in 30 s |", "also without a figure")
}

func TestRender(t *testing.T) {
	t.Parallel()
	docs := t.TempDir()
	page := filepath.Join(docs, "performance.md")
	require.Error(t, sample().Render(docs), "without a page")
	require.NoError(t, os.WriteFile(page, []byte("before\n"), 0o644))
	require.ErrorContains(t, sample().Render(docs), "bench:begin")
	require.NoError(t, os.WriteFile(page, []byte("before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n"), 0o644))

	file := filepath.Join(docs, "results.json")
	require.NoError(t, sample().Write(file))
	read, err := Read(file)
	require.NoError(t, err)
	require.NoError(t, read.Render(docs))
	first := contents(t, docs)
	require.NoError(t, read.Render(docs))
	require.Equal(t, first, contents(t, docs), "the same results give the same bytes")

	text := first["performance.md"]
	require.True(t, strings.HasPrefix(text, "before\n") && strings.HasSuffix(text, "\nafter\n"))
	require.NotContains(t, text, "old")
	for name, data := range first {
		if strings.HasSuffix(name, ".svg") {
			require.Contains(t, text, "](performance/"+name+")")
			requireXML(t, name, data)
		}
	}
	require.Contains(t, first["throughput.svg"], ">20,000</text>")
	require.Contains(t, first["sequence.svg"], "not measured")
}

func contents(t *testing.T, docs string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(docs, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		out[d.Name()] = string(data)
		return err
	}))
	return out
}

func requireXML(t *testing.T, name, data string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(data))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err, name)
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 0.1234: "0.12", 12.34: "12.3", 123.4: "123", 1234: "1,234", 1234567: "1,234,567"} {
		require.Equal(t, want, number(v))
	}
}

func TestFarLongerBarsAreCut(t *testing.T) {
	t.Parallel()
	c := &chart{groups: []group{{bars: []bar{{value: 1}, {value: 6}, {value: 300}}}, {bars: []bar{{value: 2}, {value: 7}, {value: 400}}}}}
	require.InDelta(t, 7, c.scale(), 0)
	require.Contains(t, string(c.svg()), ">… 400</text>")
	c.groups[0].bars[2].value, c.groups[1].bars[2].value = 8, 9
	require.InDelta(t, 9, c.scale(), 0)
	require.Zero(t, (&chart{}).scale())
}
