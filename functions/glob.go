package functions

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// glob returns the files below root that fit a pattern with *, ?, [abc], ** and {a,b}, as absolute paths: in the order of the alternatives of
// braces, and by name within one. Like npm's globs it does not look into node_modules, nor at names that begin with a dot unless the pattern
// spells the dot.
func glob(root, pattern string) []string {
	var found []string
	for _, p := range expandBraces(pattern) {
		p = path.Clean(strings.TrimPrefix(strings.ReplaceAll(p, `\`, "/"), "./"))
		if path.IsAbs(p) || p == ".." || strings.HasPrefix(p, "../") {
			continue
		}
		var matches []string
		globFrom(root, strings.Split(p, "/"), &matches)
		slices.Sort(matches)
		for _, m := range matches {
			if !slices.Contains(found, m) {
				found = append(found, m)
			}
		}
	}
	return found
}

// isGlob reports whether a pattern is more than the name of a file.
func isGlob(pattern string) bool { return strings.ContainsAny(pattern, "*?[{") }

// expandBraces returns the patterns that a pattern with {a,b} stands for. Braces without a comma or an end stand for themselves.
func expandBraces(pattern string) []string {
	for open, c := range pattern {
		if c != '{' {
			continue
		}
		parts, end := splitBraces(pattern[open:])
		if len(parts) < 2 {
			continue
		}
		var all []string
		for _, part := range parts {
			all = append(all, expandBraces(pattern[:open]+part+pattern[open+end:])...)
		}
		return all
	}
	return []string{pattern}
}

// splitBraces returns the alternatives of the braces that text begins with, and the length of these; none when they do not end.
func splitBraces(text string) (parts []string, end int) {
	depth, from := 0, 1
	for i, c := range text {
		switch {
		case c == '{':
			depth++
		case c == ',' && depth == 1:
			parts = append(parts, text[from:i])
			from = i + 1
		case c == '}':
			if depth--; depth == 0 {
				return append(parts, text[from:i]), i + 1
			}
		}
	}
	return nil, 0
}

// globFrom adds the files below dir that fit the segments of a pattern.
func globFrom(dir string, segments []string, found *[]string) {
	segment, rest := segments[0], segments[1:]
	if segment != "**" && !isGlob(segment) { // its name may be one that patterns leave out
		globEntry(dir, segment, rest, found)
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	if segment == "**" && len(rest) > 0 {
		globFrom(dir, rest, found) // no folder at all
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") && !strings.HasPrefix(segment, ".") || name == modulesFolder {
			continue
		}
		switch {
		case segment != "**":
			if ok, err := path.Match(strings.ReplaceAll(segment, "[!", "[^"), name); ok && err == nil {
				globEntry(dir, name, rest, found)
			}
		case e.IsDir(): // a link to a folder might lead back to one above
			globFrom(filepath.Join(dir, name), segments, found)
		case len(rest) == 0:
			globEntry(dir, name, nil, found)
		}
	}
}

func globEntry(dir, name string, rest []string, found *[]string) {
	file := filepath.Join(dir, name)
	info, err := os.Stat(file)
	switch {
	case err != nil:
	case len(rest) > 0 && info.IsDir():
		globFrom(file, rest, found)
	case len(rest) == 0 && info.Mode()&fs.ModeType == 0 && !slices.Contains(*found, file):
		*found = append(*found, file)
	}
}
