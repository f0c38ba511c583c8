package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Table is rows of text below a header.
type Table struct {
	Header []string
	Rows   [][]string
}

// Text writes the table for a terminal.
func (t *Table) Text(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.Header}, t.Rows...) {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush()
}

// Markdown is the table in a page.
func (t *Table) Markdown() string {
	var b strings.Builder
	write := func(row []string) { b.WriteString("| " + strings.Join(row, " | ") + " |\n") }
	write(t.Header)
	b.WriteString(strings.Repeat("|---", len(t.Header)) + "|\n")
	for _, row := range t.Rows {
		write(row)
	}
	return b.String()
}

// number writes a figure with about three digits, and thousands apart.
func number(v float64) string {
	switch {
	case v >= 100 || v == 0:
		return thousands(strconv.FormatFloat(v, 'f', 0, 64))
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

func thousands(digits string) string {
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
