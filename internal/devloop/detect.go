package devloop

import (
	"bufio"
	"bytes"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// durangoPath is what the program of a function app imports, itself or by its module.
const durangoPath = "github.com/durango-functions/durango"

// Detect reports whether the folder root is the app of a program in Go: its files are a package main, in a module that uses durango. It
// returns the folder of that module, which is root or above it.
func Detect(root string) (module string, found bool) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", false
	}
	if resolved, err := filepath.EvalSymlinks(root); err == nil {
		root = resolved // as the host does
	}
	imports, isMain := mainPackage(root)
	if !isMain {
		return "", false
	}
	for dir := root; ; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		switch {
		case err == nil:
			// A program without durango is some tool that lies in the folder of an app in another language.
			return dir, imports || bytes.Contains(text, []byte(durangoPath))
		case dir == filepath.Dir(dir):
			return "", false
		}
	}
}

// mainPackage tells whether the folder holds a package main for this system, and whether its files import durango themselves.
func mainPackage(dir string) (importsDurango, found bool) {
	names, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.go"))
	if err != nil {
		return false, false
	}
	for _, name := range names {
		base := filepath.Base(name)
		if match, err := build.Default.MatchFile(dir, base); err != nil || !match || strings.HasSuffix(base, "_test.go") {
			continue
		}
		// A file with mistakes still tells its package, as long as that line is right: the compiler will tell the mistakes.
		file, _ := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if file == nil || file.Name == nil || file.Name.Name != "main" {
			continue
		}
		found = true
		for _, i := range file.Imports {
			importsDurango = importsDurango || strings.Trim(i.Path.Value, `"`) == durangoPath
		}
	}
	return importsDurango, found
}

// escapeGlob makes a path one that Glob takes literally.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// isGo reports whether a changed file, relative to the module's folder and with slashes, may change the program.
func isGo(path string) bool {
	switch base := path[strings.LastIndexByte(path, '/')+1:]; {
	case path == ".": // anything may have changed
		return true
	case base == "go.mod", base == "go.sum", base == "go.work":
		return true
	default:
		return strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go")
	}
}

// isConfiguration reports whether a changed file is one that the host reads at its start.
func isConfiguration(path string) bool {
	base := path[strings.LastIndexByte(path, '/')+1:]
	return base == "host.json" || base == "local.settings.json" || base == "function.json"
}

// lastWords is the line of a process's error output that says best why it ended.
func lastWords(output []byte) string {
	last := ""
	for lines := bufio.NewScanner(bytes.NewReader(output)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			return line
		}
		if line != "" {
			last = line
		}
	}
	return last
}
