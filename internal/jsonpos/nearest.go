package jsonpos

import "strings"

// Nearest returns the known name that word most probably misspells, "" when none is near. Case does not count.
func Nearest(word string, known []string) string {
	w := []rune(strings.ToLower(word))
	if len(w) > 64 {
		return ""
	}
	best, bestDistance := "", len(w)+1
	for _, k := range known {
		r := []rune(strings.ToLower(k))
		if d := distance(w, r); d < bestDistance && d <= max(1, max(len(w), len(r))/3) {
			best, bestDistance = k, d
		}
	}
	return best
}

// DidYouMean returns ` (did you mean "x"?)` for the nearest known name, or "".
func DidYouMean(word string, known []string) string {
	if n := Nearest(word, known); n != "" {
		return ` (did you mean "` + n + `"?)`
	}
	return ""
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b.
func distance(a, b []rune) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range a {
		cur[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j+1]+1, cur[j]+1, prev[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cur[j+1] = min(cur[j+1], before[j-1]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
