package functions

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/durango-functions/durango/internal/jsonpos"
)

// packageFile describes an app in JavaScript to npm. Its "main" names the entry files.
const packageFile = "package.json"

// packagesOfV4 are npm packages whose functions register themselves in code, with the first major version that has it so.
var packagesOfV4 = []struct {
	name  string
	major *regexp.Regexp
}{
	{"@azure/functions", regexp.MustCompile(`^\D*([4-9]|\d\d+)(\D|$)`)},
	{"durable-functions", regexp.MustCompile(`^\D*([3-9]|\d\d+)(\D|$)`)},
}

// Entry is what an app's package.json says of code that registers functions by itself: the programming model v4.
type Entry struct {
	// Main is the pattern for the entry files, as written; "" is none.
	Main string
	// Files are the entry files, as absolute paths, in the order in which they are to be loaded.
	Files []string
	// Package is the npm package that calls for entry files, with its version: "@azure/functions ^4.5.0". "" is none.
	Package string
	// Problem is a sentence that says why an app which calls for entry files has none. "" when there is nothing to say.
	Problem string
}

// Registered is a function that an entry file has registered.
type Registered struct {
	Name string
	// Source is the place of the registration, for messages: "src/functions/hello.ts:12".
	Source string
	// Script is the entry file, as an absolute path.
	Script string
	// Config is what its function.json would say.
	Config json.RawMessage
	// Stream is true when its HTTP requests and responses are streamed to and from the worker.
	Stream bool
}

// FindEntry looks for entry files as package.json in root names them. In an app of function folders an ordinary "main" that leads nowhere, which
// "npm init" writes by itself, is no problem.
func FindEntry(root string) *Entry {
	e := &Entry{}
	if root == "" {
		return e
	}
	file, err := jsonpos.ReadFile(filepath.Join(root, packageFile), packageFile)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			e.Problem = sentence(err.Error())
		}
		return e
	}
	e.Package = packageOfV4(file.Root)
	main := file.Root.Get("main")
	if main.IsNull() {
		if e.Package != "" && !hasFolders(root) {
			e.Problem = fmt.Sprintf(`package.json asks for %s, but has no "main": it names the files that register functions, such as "src/functions/*.js".`, e.Package)
		}
		return e
	}
	if e.Main, err = main.Text(); err != nil {
		e.Main = ""
		if e.Package != "" {
			e.Problem = sentence(err.Error())
		}
		return e
	}
	e.Files = entryFiles(root, e.Main)
	if len(e.Files) == 0 && (e.Package != "" || isGlob(e.Main)) {
		e.Problem = noEntryFile(root, e.Main, main.Where())
	}
	if e.Package == "" && !fileExists(filepath.Join(root, "host.json")) && !hasFolders(root) {
		e.Files = nil // a program of any kind, which is not ours to run
	}
	return e
}

// entryFiles returns what main stands for: a file, whose extension may be left out as node allows it, or the files of a pattern.
func entryFiles(root, main string) []string {
	for _, extension := range []string{"", ".js", ".mjs", ".cjs", "/index.js"} {
		if path := filepath.Join(root, filepath.FromSlash(main)+extension); fileExists(path) {
			return []string{path}
		}
	}
	if !isGlob(main) {
		return nil
	}
	return glob(root, main)
}

// noEntryFile tells that main leads nowhere, and what may be missing.
func noEntryFile(root, main, where string) string {
	problem := fmt.Sprintf("%s: main is %s, and there is no such file", where, jsonpos.Quote(main))
	if isGlob(main) {
		problem = fmt.Sprintf("%s: main is %s, which matches no file", where, jsonpos.Quote(main))
	}
	if fileExists(filepath.Join(root, "tsconfig.json")) {
		return problem + `. The app is in TypeScript: compile it with "npx tsc", or the build script of package.json; main names what that writes.`
	}
	return problem + fmt.Sprintf(" in %s: main names the files that register functions, such as \"src/functions/*.js\".", root)
}

// packageOfV4 returns the package of the programming model v4 that an app depends on.
func packageOfV4(root *jsonpos.Node) string {
	for _, p := range packagesOfV4 {
		for _, kind := range []string{"dependencies", "devDependencies", "optionalDependencies"} {
			version := root.Get(kind).Get(p.name)
			if version.IsNull() {
				continue
			}
			if text, err := version.Text(); err == nil && p.major.MatchString(text) {
				return p.name + " " + text
			}
		}
	}
	return ""
}

// hasFolders reports whether an app has a folder with a function.json.
func hasFolders(root string) bool {
	entries, err := os.ReadDir(root)
	if err != nil {
		return false
	}
	for _, name := range folderNames(entries) {
		if ok, err := hasConfig(filepath.Join(root, name)); ok && err == nil {
			return true
		}
	}
	return false
}

// addRegistered adds the functions that entry files have registered to those of folders and Go code. A name that two of them have is nobody's: it
// cannot be told which one is meant.
func addRegistered(loaded []*loader, opts *Options) []*loader {
	for i := range opts.Registered {
		r := &opts.Registered[i]
		if !opts.allows(r.Name) {
			continue
		}
		other := loaderOf(loaded, r.Name)
		if other != nil && other.registered == nil {
			other.reason(fmt.Sprintf("The function '%s' is declared twice, by %s and by %s: remove one of them, or give it another name.",
				r.Name, other.fn.Source, r.Source), nil)
			continue
		}
		l := newLoader(r.Name, r.Source, opts, newCodeIndex(nil))
		l.registered = r
		l.fn.Registered, l.fn.Language, l.fn.ScriptFile, l.fn.Dir, l.fn.Stream = true, nodeLanguage, r.Script, filepath.Dir(r.Script), r.Stream
		l.readFile(jsonpos.ParseGenerated(r.Source, r.Config))
		loaded = append(loaded, l)
	}
	return loaded
}

func loaderOf(loaded []*loader, name string) *loader {
	for _, l := range loaded {
		if strings.EqualFold(l.fn.Name, name) {
			return l
		}
	}
	return nil
}

func registeredNames(registered []Registered) []string {
	names := make([]string, len(registered))
	for i := range registered {
		names[i] = registered[i].Name
	}
	return names
}
