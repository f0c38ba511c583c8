package functions

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/durango-functions/durango/internal/jsonpos"
)

// goExtension is that of Go source files.
const goExtension = ".go"

// modulePath is what Go code of function apps imports.
const modulePath = "github.com/durango-functions/durango"

// Code is a handler in Go that the app's program has registered.
type Code struct {
	// Name is the name of the function, or the entryPoint by which a function.json refers to the handler.
	Name string
	// Source is the place of the registration, for messages: "main.go:14".
	Source string
	// Config is the function.json of a function that code declares; nil: a folder declares it.
	Config json.RawMessage
	// Implied is true when Config follows from the kind of the registration alone. Then a folder of the same name declares the function.
	Implied bool
}

func codeNames(code []Code) []string {
	names := make([]string, len(code))
	for i := range code {
		names[i] = code[i].Name
	}
	return names
}

// codeIndex finds the registered handlers.
type codeIndex struct {
	// groups are the handlers by lower-case name; more than one of a name is a mistake.
	groups map[string][]*Code
	// used are the names of those that a folder refers to.
	used map[string]bool
}

func newCodeIndex(code []Code) *codeIndex {
	x := &codeIndex{groups: map[string][]*Code{}, used: map[string]bool{}}
	for i := range code {
		key := strings.ToLower(code[i].Name)
		x.groups[key] = append(x.groups[key], &code[i])
	}
	return x
}

// find returns the handlers of a name, and notes that it is used.
func (x *codeIndex) find(name string) []*Code {
	key := strings.ToLower(name)
	x.used[key] = true
	return x.groups[key]
}

// handlerName is the name of the handler that a folder refers to.
func (l *loader) handlerName() string {
	if l.fn.EntryPoint != "" {
		return l.fn.EntryPoint
	}
	return l.fn.Name
}

func (l *loader) hasHandler() bool { return len(l.code.groups[strings.ToLower(l.handlerName())]) > 0 }

// goScript makes the function in a folder one in Go. file is its code as far as it is known, "" when it is somewhere else.
func (l *loader) goScript(file string) {
	l.fn.Language, l.fn.ScriptFile = Go, ""
	if path := filepath.Join(l.fn.Dir, file); file != "" && fileExists(path) {
		l.fn.ScriptFile = path // deployed apps may come without their code
	}
	name := l.handlerName()
	l.fn.Handler = name
	switch found := l.code.find(name); {
	case len(found) == 1:
	case len(found) > 1:
		l.reason(registeredTwice(found), nil)
	case len(l.opts.Code) == 0:
		l.reason(fmt.Sprintf("The function is written in Go%s, and Go functions are part of a program of their own: start the app with \"go run . start\" "+
			"in the folder of its package main, or with the program that \"go build\" makes there.", inFile(file)), nil)
	default:
		hint := ""
		if near := jsonpos.Nearest(name, codeNames(l.opts.Code)); near != "" {
			hint = fmt.Sprintf("there is one called %q", near)
		}
		l.reason(fmt.Sprintf("The function is written in Go%s, but the app's program registers no handler %[2]q: add app.Function(%[2]q, handler) before app.Main().",
			inFile(file), name), nil, hint)
	}
}

func inFile(file string) string {
	if file == "" {
		return ""
	}
	return " (" + file + ")"
}

func fileExists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// checkOneLanguage refuses a function that has both a script and a handler in Go: it cannot be told which one is meant.
func (l *loader) checkOneLanguage() {
	if found := l.code.find(l.fn.Name); len(found) > 0 {
		l.reason(fmt.Sprintf("The function has the script %s and a handler in Go as well, registered at %s: remove one of them.",
			filepath.Base(l.fn.ScriptFile), found[0].Source), nil)
	}
}

// goFileOf returns the first file that is Go code and no test, "" when there is none.
func goFileOf(files []string) string {
	for _, f := range files {
		if lower := strings.ToLower(f); strings.HasSuffix(lower, goExtension) && !strings.HasSuffix(lower, "_test.go") {
			return f
		}
	}
	return ""
}

// declare adds the functions that code declares to those of folders.
func (x *codeIndex) declare(loaded []*loader, opts *Options) []*loader {
	folders := map[string]*loader{}
	for _, l := range loaded {
		folders[strings.ToLower(l.fn.Name)] = l
	}
	for _, key := range slices.Sorted(maps.Keys(x.groups)) {
		group := x.groups[key]
		first := group[0]
		if !opts.allows(first.Name) {
			continue
		}
		switch folder := folders[key]; {
		case folder != nil && len(group) == 1:
			folder.compare(first, x.used[key])
		case folder != nil: // it tells itself of the second handler
		case len(group) > 1:
			l := newLoader(first.Name, first.Source, opts, x)
			l.reason(registeredTwice(group), nil)
			loaded = append(loaded, l)
		case first.Config != nil:
			l := newLoader(first.Name, first.Source, opts, x)
			l.readFile(jsonpos.ParseGenerated(first.Source, first.Config))
			loaded = append(loaded, l)
		case !x.used[key]:
			l := newLoader(first.Name, first.Source, opts, x)
			l.reason(fmt.Sprintf("The handler is registered at %s, but nothing declares when it runs: make the folder %s with a %s, or add a trigger "+
				"such as durango.HTTPTrigger{} to the registration.", first.Source, first.Name, ConfigFile), nil)
			loaded = append(loaded, l)
		}
	}
	return loaded
}

func registeredTwice(group []*Code) string {
	places := make([]string, len(group))
	for i, c := range group {
		places[i] = c.Source
	}
	return fmt.Sprintf("The handler '%s' is registered %d times, at %s: a name stands for one handler, and case does not tell names apart.",
		group[0].Name, len(group), strings.Join(places, " and "))
}

// compare holds what code says of a function against its folder, which is the declaration.
func (l *loader) compare(c *Code, used bool) {
	if len(l.reasons) > 0 {
		return
	}
	if !used {
		l.warnings = append(l.warnings, fmt.Sprintf("The handler '%s' registered at %s is not used, since the entryPoint of %s names another one.",
			c.Name, c.Source, l.fn.Source))
	}
	if c.Config == nil {
		return
	}
	var declared struct{ Bindings []Binding }
	if json.Unmarshal(c.Config, &declared) != nil {
		return
	}
	at := slices.IndexFunc(declared.Bindings, func(b Binding) bool { return b.IsTrigger() })
	trigger := l.fn.Trigger()
	switch {
	case at >= 0 && trigger != nil && !strings.EqualFold(declared.Bindings[at].Type, trigger.Type):
		l.reason(fmt.Sprintf("%s declares the trigger %s, but the registration at %s is for %s: change one of them.",
			l.fn.Source, trigger.Type, c.Source, declared.Bindings[at].Type), nil)
	case !c.Implied:
		l.warnings = append(l.warnings, fmt.Sprintf("%s declares the function %s; what the registration at %s says of triggers and bindings has no effect.",
			l.fn.Source, l.fn.Name, c.Source))
	}
}

// goProgramWarnings tells of an app's folder that is a program in Go, when another program is asked to run it.
func goProgramWarnings(root string) []string {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != goExtension || e.IsDir() || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, e.Name()))
		if err == nil && strings.Contains(string(text), `"`+modulePath+`"`) {
			return []string{fmt.Sprintf("The folder holds a program in Go (%s), whose functions run when it is started itself: \"go run . start\".", e.Name())}
		}
	}
	return nil
}
