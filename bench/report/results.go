// Package report turns what was measured into tables, charts and a file.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/workload"
)

// Results are what one run has measured. The file results.json holds them.
type Results struct {
	When    time.Time `json:"when"`
	Machine Machine   `json:"machine"`
	// Rounds is how often each measurement was repeated; the figures are medians.
	Rounds    int        `json:"rounds"`
	Engines   []Engine   `json:"engines"`
	Workloads []Workload `json:"workloads"`
	Entries   []*Entry   `json:"entries"`
}

// Engine is one of those measured.
type Engine struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// Workload is one of those done.
type Workload struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// Entry is what an engine did with a workload and a durability.
type Entry struct {
	Workload   string            `json:"workload"`
	Durability engine.Durability `json:"durability"`
	Engine     string            `json:"engine"`
	// Note says why there are no figures, or not all.
	Note    string            `json:"note,omitempty"`
	Figures map[string]Figure `json:"figures,omitempty"`

	samples []workload.Metrics
}

// Figure is one measured quantity over the rounds.
type Figure struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// Add keeps what one round has measured; m may be nil when there is only a note.
func (r *Results) Add(workloadName string, d engine.Durability, engineName string, m workload.Metrics, note string) {
	e := r.entry(workloadName, d, engineName)
	if e == nil {
		e = &Entry{Workload: workloadName, Durability: d, Engine: engineName}
		r.Entries = append(r.Entries, e)
	}
	if note != "" {
		e.Note = note
	}
	if m != nil {
		e.samples = append(e.samples, m)
	}
	e.summarise()
}

func (e *Entry) summarise() {
	values := map[string][]float64{}
	for _, m := range e.samples {
		for name, v := range m {
			values[name] = append(values[name], v)
		}
	}
	e.Figures = map[string]Figure{}
	for name, v := range values {
		slices.Sort(v)
		median := v[len(v)/2]
		if len(v)%2 == 0 {
			median = (v[len(v)/2-1] + v[len(v)/2]) / 2
		}
		e.Figures[name] = Figure{Median: median, Min: v[0], Max: v[len(v)-1]}
	}
}

// entry finds an entry; nil when there is none.
func (r *Results) entry(workloadName string, d engine.Durability, engineName string) *Entry {
	for _, e := range r.Entries {
		if e.Workload == workloadName && e.Durability == d && e.Engine == engineName {
			return e
		}
	}
	return nil
}

// get finds a figure's median.
func (r *Results) get(workloadName string, d engine.Durability, engineName, figure string) (float64, bool) {
	e := r.entry(workloadName, d, engineName)
	if e == nil {
		return 0, false
	}
	f, ok := e.Figures[figure]
	return f.Median, ok
}

// others is how many cores everything else kept busy: the median and the most of all measurements.
func (r *Results) others() (median, most float64) {
	var all []float64
	for _, e := range r.Entries {
		if f, ok := e.Figures[workload.Others]; ok {
			all = append(all, f.Median)
		}
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)-1]
}

// title is a workload's title.
func (r *Results) title(name string) string {
	for _, w := range r.Workloads {
		if w.Name == name {
			return w.Title
		}
	}
	return name
}

// Write writes the file.
func (r *Results) Write(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// Read reads the file.
func Read(path string) (*Results, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: 'make bench' writes it", err)
	}
	var r Results
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &r, nil
}
