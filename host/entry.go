package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// indexer is a channel whose worker loads the app's entry files when it starts, and tells what these have registered.
type indexer interface{ Index() *worker.Index }

// entryFault tells why the functions that entry files register may be missing.
type entryFault struct {
	// File is an entry file relative to the app's folder, "" when it is no single file's fault.
	File   string
	Reason string
	stack  string
}

// startEntry starts the worker of an app with entry files, so that it is known what these register. The worker of another app starts once it is
// known that a function needs it.
func (h *Host) startEntry(ctx context.Context, a *app, entry *functions.Entry) ([]functions.Registered, error) {
	if entry.Problem != "" {
		a.entryFaults = append(a.entryFaults, entryFault{Reason: entry.Problem})
	}
	if len(entry.Files) == 0 {
		return nil, nil
	}
	if err := a.channel.Start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the worker: %w", err), a.channel.Stop(ctx))
	}
	a.started = true
	source, ok := a.channel.(indexer)
	if !ok {
		return nil, nil
	}
	index := source.Index()
	for _, e := range index.Errors {
		a.entryFaults = append(a.entryFaults, entryFault{File: h.relative(e.File), Reason: e.Message, stack: shortStack(e.Stack, h.root)})
	}
	if len(index.Functions) == 0 && len(index.Errors) == 0 && entry.Package != "" {
		a.entryFaults = append(a.entryFaults, entryFault{Reason: h.nothingRegistered(entry)})
	}
	return index.Functions, nil
}

// relative is a file's path in the app's folder.
func (h *Host) relative(file string) string {
	if rel, err := filepath.Rel(h.root, file); err == nil && file != "" {
		return filepath.ToSlash(rel)
	}
	return file
}

func (h *Host) nothingRegistered(entry *functions.Entry) string {
	const most = 3
	var names []string
	for _, file := range entry.Files[:min(len(entry.Files), most)] {
		names = append(names, h.relative(file))
	}
	if more := len(entry.Files) - most; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("package.json: main is %q, but what it names (%s) registers no function: app.http(name, options) of @azure/functions does that, "+
		"or df.app.orchestration(name, handler) of durable-functions.", entry.Main, strings.Join(names, ", "))
}

// unknownReason says why a function that is not known may be missing: entry files that cannot be loaded might register it. "" when there are none.
func (a *app) unknownReason() string {
	if len(a.entryFaults) == 0 {
		return ""
	}
	var reasons []string
	for _, f := range a.entryFaults {
		reasons = append(reasons, f.text())
	}
	return strings.Join(reasons, " ")
}

func (f *entryFault) text() string {
	if f.File == "" || strings.Contains(f.Reason, f.File) {
		return f.Reason
	}
	return f.File + ": " + f.Reason
}

// detail is the fault with the stack of what an entry file has thrown.
func (f *entryFault) detail() string {
	if f.stack == "" || strings.HasPrefix(f.Reason, "syntax error") {
		return f.text()
	}
	return f.text() + "\n" + indent(f.stack)
}

// reportEntry logs what is wrong with the app's entry files.
func (h *Host) reportEntry(a *app) {
	for i := range a.entryFaults {
		h.logger.Error("Functions in code are missing: " + a.entryFaults[i].detail())
	}
}

// hasRegistered reports whether entry files have registered functions.
func (a *app) hasRegistered() bool {
	return slices.ContainsFunc(a.functions.Functions, func(fn *functions.Function) bool { return fn.Registered })
}
