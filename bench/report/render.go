package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// The page's parts between these lines are the reports'.
const (
	beginMark = "<!-- %s:begin -->"
	endMark   = "<!-- %s:end -->"
)

// Print writes the tables of what was measured for a terminal.
func (r *Results) Print(out io.Writer) {
	median, most := r.others()
	fmt.Fprintf(out, "\n%s\n%s, %s; everything else on the machine kept %.1f of %d cores busy, at most %.1f\n",
		r.Machine, r.rounds(), r.When.Format("2006-01-02"), median, r.Machine.Cores, most)
	for _, e := range r.Engines {
		fmt.Fprintln(out, "  "+e.About)
	}
	fmt.Fprintln(out)
	r.Speeds().Text(out)
	fmt.Fprintln(out, "\nWhat one HelloSequence5 costs, appendonly everysec")
	r.Costs().Text(out)
}

// Render writes the charts to the folder performance below docs, and the tables into the page performance.md. The same results give the
// same bytes.
func (r *Results) Render(docs string) error {
	dir := filepath.Join(docs, "performance")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	charts := r.charts()
	for _, c := range charts {
		if err := os.WriteFile(filepath.Join(dir, c.file), c.svg(), 0o644); err != nil {
			return err
		}
	}
	return Replace(filepath.Join(docs, "performance.md"), "bench", r.section(charts))
}

// Replace writes a section into a page, between the lines that mark it by its name.
func Replace(path, name, section string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := fmt.Sprintf(beginMark, name), fmt.Sprintf(endMark, name)
	before, rest, ok := bytes.Cut(page, []byte(begin))
	_, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		return fmt.Errorf("%s: it has no lines %s and %s, between which the tables go", path, begin, end)
	}
	page = fmt.Appendf(nil, "%s%s\n%s%s%s", before, begin, section, end, after)
	return os.WriteFile(path, page, 0o644)
}

func (r *Results) rounds() string {
	if r.Rounds == 1 {
		return "those of a single round"
	}
	return fmt.Sprintf("medians of %d rounds", r.Rounds)
}

// section is the page's part with tables and charts.
func (r *Results) section(charts []*chart) string {
	var b strings.Builder
	median, most := r.others()
	fmt.Fprintf(&b, "\nMeasured on %s with %s. The figures are %s. ", r.When.Format("2 January 2006"), r.Machine, r.rounds())
	fmt.Fprintf(&b, "Everything else on the machine kept %.1f of the cores busy meanwhile, at most %.1f.\n\n", median, most)
	for _, e := range r.Engines {
		fmt.Fprintf(&b, "- %s\n", e.About)
	}
	for _, c := range charts {
		fmt.Fprintf(&b, "\n![%s](performance/%s)\n", c.title, c.file)
	}
	fmt.Fprintf(&b, "\n### Workloads\n\n%s", r.Speeds().Markdown())
	fmt.Fprintf(&b, "\n### What one HelloSequence5 costs\n\nWith appendonly everysec.\n\n%s", r.Costs().Markdown())
	fmt.Fprintf(&b, "\n### What durango must reach\n\n%s\n", r.Required().Markdown())
	return b.String()
}
