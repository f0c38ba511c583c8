package report

import (
	"fmt"
	"strings"

	"github.com/durango-functions/durango/bench/durango"
	"github.com/durango-functions/durango/bench/engine"
	"github.com/durango-functions/durango/bench/goworkflows"
	"github.com/durango-functions/durango/bench/workload"
)

// Ceiling is the name of the row of commits without an engine.
const Ceiling = "ceiling"

// line is a figure of a workload that the table of speeds shows.
type line struct {
	workload, figure string
	// what is said of the figure, after the workload's title.
	what string
	unit string
	// more says that more is better; otherwise less is.
	more bool
}

func lines() []line {
	return []line{
		{workload.HelloUnloaded, workload.P50, "p50", "ms", false},
		{workload.HelloUnloaded, workload.P99, "p99", "ms", false},
		{workload.HelloLoaded, workload.PerSecond, "", "/s", true},
		{workload.HelloFlooded, workload.PerSecond, "", "/s", true},
		{workload.FanOutSmall, workload.Total, "", "ms", false},
		{workload.FanOutMedium, workload.Total, "", "ms", false},
		{workload.FanOutLarge, workload.Total, "", "ms", false},
		{workload.Children, workload.Total, "", "ms", false},
		{workload.TimersFew, workload.LateP50, "late by, p50", "ms", false},
		{workload.TimersMany, workload.LateP50, "late by, p50", "ms", false},
		{workload.TimersMany, workload.LateMax, "late by, at most", "ms", false},
		{workload.EventsToOne, workload.PerSecond, "", "/s", true},
		{workload.EventsToMany, workload.PerSecond, "", "/s", true},
		{workload.ContinueAsNew, workload.Total, "", "ms", false},
		{workload.SequenceLong, workload.PerItem, "each", "µs", false},
		{workload.SequenceLong, workload.FirstEdge, "each of the first", "µs", false},
		{workload.SequenceLong, workload.LastEdge, "each of the last", "µs", false},
		{workload.PayloadLarge, workload.P50, "p50", "ms", false},
	}
}

// Brief says in a few words what a measurement found.
func Brief(name string, m workload.Metrics, note string) string {
	var words []string
	for _, l := range lines() {
		if v, ok := m[l.figure]; ok && l.workload == name {
			words = append(words, strings.TrimSpace(l.what+" "+number(v)+" "+l.unit))
		}
	}
	if note != "" {
		words = append(words, note)
	}
	return strings.Join(words, ", ")
}

// Note is what was noted about an engine, a workload and a durability.
func (r *Results) Note(name string, d engine.Durability, engineName string) string {
	if e := r.entry(name, d, engineName); e != nil {
		return e.Note
	}
	return ""
}

// Speeds is the table of all workloads.
func (r *Results) Speeds() *Table {
	t := &Table{Header: []string{"workload", "appendonly"}}
	for _, e := range r.Engines {
		t.Header = append(t.Header, e.Name)
	}
	t.Header = append(t.Header, Ceiling, "durango is")
	for _, l := range lines() {
		for _, d := range engine.Durabilities() {
			if row := r.speed(l, d); row != nil {
				t.Rows = append(t.Rows, row)
			}
		}
	}
	return t
}

// speed is one row; nil when nothing was measured.
func (r *Results) speed(l line, d engine.Durability) []string {
	title := r.title(l.workload)
	if l.what != "" {
		title += ", " + l.what
	}
	row, known := []string{title, string(d)}, false
	for _, name := range append(r.engineNames(), Ceiling) {
		cell, found := "", false
		if e := r.entry(l.workload, d, name); e != nil {
			cell, found = e.cell(l), true
		}
		row, known = append(row, cell), known || found
	}
	if !known {
		return nil
	}
	ratio := ""
	ours, ok := r.get(l.workload, d, durango.Name, l.figure)
	theirs, ok2 := r.get(l.workload, d, goworkflows.Name, l.figure)
	if ok && ok2 && ours > 0 && theirs > 0 {
		faster := theirs / ours
		if l.more {
			faster = ours / theirs
		}
		ratio = number(faster) + " x " + goworkflows.Name
	}
	return append(row, ratio)
}

func (e *Entry) cell(l line) string {
	f, ok := e.Figures[l.figure]
	switch {
	case ok && e.Note != "":
		return fmt.Sprintf("%s %s (%s)", number(f.Median), l.unit, e.Note)
	case ok:
		return number(f.Median) + " " + l.unit
	case e.Note != "":
		return e.Note
	default:
		return "-"
	}
}

func (r *Results) engineNames() []string {
	var names []string
	for _, e := range r.Engines {
		names = append(names, e.Name)
	}
	return names
}

// Costs is the table of what one HelloSequence5 costs.
func (r *Results) Costs() *Table {
	t := &Table{Header: []string{
		"HelloSequence5", "engine", "round trips", "commands", "bytes to Redis", "bytes from Redis", "Redis CPU µs", "host CPU µs", "peak heap MB",
	}}
	figures := []string{
		workload.RoundTrips, workload.Commands, workload.BytesIn, workload.BytesOut, workload.RedisCPU, workload.HostCPU, workload.PeakHeap,
	}
	for _, name := range []string{workload.HelloUnloaded, workload.HelloLoaded} {
		for _, engineName := range append(r.engineNames(), Ceiling) {
			e := r.entry(name, engine.EverySecond, engineName)
			if e == nil {
				continue
			}
			row := []string{strings.TrimPrefix(r.title(name), "HelloSequence5, "), engineName}
			for _, f := range figures {
				cell := "-"
				if v, ok := e.Figures[f]; ok {
					cell = number(v.Median)
				}
				row = append(row, cell)
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}
