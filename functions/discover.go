package functions

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/durango-functions/durango/internal/jsonpos"
)

// ConfigFile is the name of the file that makes a folder a function.
const ConfigFile = "function.json"

// WorkerRuntimeSetting is the app setting that names the language of an app's functions.
const WorkerRuntimeSetting = "FUNCTIONS_WORKER_RUNTIME"

// Options tell Discover what to accept. The zero value accepts every binding type and knows no app settings.
type Options struct {
	// Lookup returns an app setting, for %NAME%, AzureWebJobs.<function>.Disabled and FUNCTIONS_WORKER_RUNTIME. With nil there are no
	// settings.
	Lookup func(name string) (string, bool)
	// AllowList names the only functions to load (case-insensitive); the errors of others are left out as well. Empty: all.
	AllowList []string
	// RoutePrefix is the first part of all HTTP routes, "" for none.
	RoutePrefix string
	// DefaultRetry is the retry policy of functions that have none of their own.
	DefaultRetry *RetryPolicy
	// KnownTypes reports whether a binding type (trigger types included) can be used with a direction. With nil every type can.
	KnownTypes func(bindingType string, dir Direction) bool
	// TypeNames are further binding types that a message may suggest in place of an unknown one.
	TypeNames []string
	// CustomHandler is true for an app whose functions need no script file.
	CustomHandler bool
	// Languages maps lower-case extensions of script files, with the dot, to worker languages. Nil means DefaultLanguages.
	Languages map[string]string
	// Registered are the functions that the app's entry files have registered in JavaScript.
	Registered []Registered
	// Code are the handlers in Go that the app's program has registered. Empty for a program that is no app itself.
	Code []Code
}

func (o *Options) lookup(name string) (string, bool) {
	if o.Lookup == nil {
		return "", false
	}
	return o.Lookup(name)
}

// App is what Discover found in an app's folder.
type App struct {
	// Root is the absolute path of the app's folder.
	Root string
	// Functions are the usable functions, disabled ones included, sorted by name without regard to case.
	Functions []*Function
	// Errors tell of the folders with a function.json that is of no use, sorted in the same way.
	Errors []*LoadError
	// Warnings are sentences about what is accepted but probably not meant.
	Warnings []string
}

// Function returns the function called name (case-insensitive), or nil.
func (a *App) Function(name string) *Function {
	for _, f := range a.Functions {
		if strings.EqualFold(f.Name, name) {
			return f
		}
	}
	return nil
}

// Discover reads the functions of the app in root: each direct subdirectory with a function.json is one, and so are the functions of
// opts.Registered, and each handler of opts.Code that code declares and no folder. root "" is an app without a folder. A function that is not valid becomes an entry of App.Errors
// and never stops the others; the only error is that root cannot be read.
func Discover(root string, opts Options) (*App, error) {
	app, code := &App{}, newCodeIndex(opts.Code)
	var entries []fs.DirEntry
	if root != "" {
		var err error
		if app.Root, err = filepath.Abs(root); err != nil {
			return nil, fmt.Errorf("locating the app's folder: %w", err)
		}
		if entries, err = os.ReadDir(app.Root); err != nil {
			return nil, fmt.Errorf("reading the app's folder: %w", err)
		}
	}
	var loaded []*loader
	for _, name := range folderNames(entries) {
		if !opts.allows(name) {
			continue
		}
		l, err := load(app.Root, name, &opts, code)
		if err != nil {
			app.Warnings = append(app.Warnings, err.Error()+".")
		} else if l != nil {
			loaded = append(loaded, l)
		}
	}
	loaded = addRegistered(code.declare(loaded, &opts), &opts)
	slices.SortStableFunc(loaded, func(a, b *loader) int { return byName(a.fn.Name, b.fn.Name) })
	checkTogether(loaded)
	if root != "" && len(opts.Code) == 0 && !slices.ContainsFunc(loaded, func(l *loader) bool { return l.fn.Language == Go }) {
		app.Warnings = append(app.Warnings, goProgramWarnings(app.Root)...)
	}
	for _, l := range loaded {
		app.Warnings = append(app.Warnings, l.warnings...)
		if len(l.reasons) > 0 {
			app.Errors = append(app.Errors, &LoadError{Function: l.fn.Name, Reasons: l.reasons})
			continue
		}
		app.Functions = append(app.Functions, l.fn)
	}
	app.Warnings = append(app.Warnings, allowListWarnings(entries, loaded, &opts)...)
	app.Warnings = append(app.Warnings, languageWarnings(app.Functions, &opts)...)
	return app, nil
}

// allows reports whether the allow list lets a function be loaded.
func (o *Options) allows(name string) bool {
	return len(o.AllowList) == 0 || containsFold(o.AllowList, name)
}

// byName orders names without regard to case.
func byName(a, b string) int {
	return cmp.Or(cmp.Compare(strings.ToLower(a), strings.ToLower(b)), cmp.Compare(a, b))
}

// folderNames returns the names that may be function folders, sorted without regard to case.
func folderNames(entries []fs.DirEntry) []string {
	var names []string
	for _, e := range entries {
		// A symbolic link may lead to a folder; anything else is left to the look for function.json.
		if e.IsDir() || e.Type()&fs.ModeSymlink != 0 {
			names = append(names, e.Name())
		}
	}
	slices.SortFunc(names, byName)
	return names
}

// hasConfig reports whether dir holds a function.json, of whatever kind.
func hasConfig(dir string) (bool, error) {
	_, err := os.Lstat(filepath.Join(dir, ConfigFile))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrPermission):
		return false, fmt.Errorf("the folder %s is left out, it cannot be read: %w", filepath.Base(dir), err)
	default:
		// No such file; or dir is a link to nowhere, to itself, or to no folder.
		return false, nil
	}
}

func allowListWarnings(entries []fs.DirEntry, loaded []*loader, opts *Options) []string {
	var ws []string
	for _, want := range opts.AllowList {
		if slices.ContainsFunc(loaded, func(l *loader) bool { return strings.EqualFold(l.fn.Name, want) }) {
			continue
		}
		ws = append(ws, fmt.Sprintf("The function allow list names %q, but there is no such function%s.", want,
			jsonpos.DidYouMean(want, slices.Concat(folderNames(entries), codeNames(opts.Code), registeredNames(opts.Registered)))))
	}
	return ws
}

// languageWarnings says what the original host refuses to start with (azure-functions-host Utility.cs:632-655). Here every language
// has its own worker channel, so that an app may mix them.
func languageWarnings(fns []*Function, opts *Options) []string {
	if opts.CustomHandler || len(fns) == 0 {
		return nil
	}
	languages := map[string]bool{}
	for _, f := range fns {
		if f.Language != "" && f.Language != Go { // Go is part of the program and needs no worker
			languages[strings.ToLower(f.Language)] = true
		}
	}
	runtime, ok := opts.lookup(WorkerRuntimeSetting)
	runtime = strings.ToLower(strings.TrimSpace(runtime))
	switch {
	case ok && runtime == "dotnet":
		languages["dotnet"] = languages["csharp"] || languages["dotnetassembly"]
	case !ok || runtime == "":
		if len(languages) > 1 {
			return []string{"Found functions with more than one language. Select a language for your function app by specifying " +
				WorkerRuntimeSetting + " AppSetting"}
		}
		return nil
	}
	if len(languages) > 0 && !languages[runtime] {
		return []string{fmt.Sprintf("Did not find functions with language [%s].", runtime)}
	}
	return nil
}
