package durabletest

import (
	"fmt"
	"strings"
)

// AssertHistory fails the test unless the history of the present execution is the wanted one, in the form of Format. Blank lines, indentation and
// the width of the gap after the time do not count.
func (r *Run) AssertHistory(want string) {
	r.env.t.Helper()
	got := lines(r.history)
	wanted := parseLines(want)
	if !equalLines(got, wanted) {
		r.env.t.Errorf("durabletest: the history of %s is not the wanted one (-wanted +got):\n%s\nThe history is:\n%s", r.title(), diff(wanted, got), Format(r.history))
	}
}

// parseLines reads what Format wrote.
func parseLines(text string) []line {
	var out []line
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		at, rest, _ := strings.Cut(l, " ")
		out = append(out, line{at, strings.TrimSpace(rest)})
	}
	return out
}

func equalLines(a, b []line) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].equal(b[i]) {
			return false
		}
	}
	return true
}

// equal compares without trailing blanks, which editors remove.
func (l line) equal(other line) bool {
	return l.at == other.at && strings.TrimRight(l.text, " ") == strings.TrimRight(other.text, " ")
}

// diff shows two lists of lines as one, with what they share at the beginning and at the end in common.
func diff(wanted, got []line) string {
	head := 0
	for head < min(len(wanted), len(got)) && wanted[head].equal(got[head]) {
		head++
	}
	tail := 0
	for tail < min(len(wanted), len(got))-head && wanted[len(wanted)-1-tail].equal(got[len(got)-1-tail]) {
		tail++
	}
	var b strings.Builder
	write := func(mark string, list []line) {
		for _, l := range list {
			fmt.Fprintf(&b, "%s %s  %s\n", mark, l.at, l.text)
		}
	}
	write(" ", wanted[:head])
	write("-", wanted[head:len(wanted)-tail])
	write("+", got[head:len(got)-tail])
	write(" ", got[len(got)-tail:])
	return b.String()
}
