package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/host/hostjson"
	"github.com/durango-functions/durango/host/settings"
	httptrigger "github.com/durango-functions/durango/triggers/http"
	"github.com/durango-functions/durango/worker"
	"github.com/durango-functions/durango/worker/gofunc"
)

// triggerTypes are the types that a trigger binding may have, as function.json usually spells them.
var triggerTypes = []string{"httpTrigger", "manualTrigger", "timerTrigger", "orchestrationTrigger", "activityTrigger", "entityTrigger"}

// nodeLanguage is the language of functions in JavaScript.
const nodeLanguage = "node"

// knownType reports whether a binding type can be used with a direction.
func (h *Host) knownType(typ string, dir functions.Direction) bool {
	for _, t := range triggerTypes {
		if strings.EqualFold(t, typ) {
			return dir != functions.Out
		}
	}
	if strings.EqualFold(typ, "http") {
		return dir != functions.In
	}
	return dir != functions.Out && h.bindings.Input(typ) != nil || dir != functions.In && h.bindings.Output(typ) != nil
}

// prepareApp reads the functions and loads them into a worker of their own. What needs the task hub is left to completeApp, so that
// both can be made ready side by side.
func (h *Host) prepareApp(ctx context.Context, number int, s *settings.Settings, config *hostjson.Config) (*app, error) {
	allowed := config.Functions
	if len(h.cfg.Functions) > 0 {
		allowed = h.cfg.Functions
	}
	a := newApp(number)
	a.config, a.settings = config, s
	entry := functions.FindEntry(h.root)
	if len(h.cfg.Handlers) > 0 && entry.Package == "" {
		entry = &functions.Entry{} // a package.json beside a program in Go may be about anything
	}
	h.makeChannel(a, entry)
	registered, err := h.startEntry(ctx, a, entry)
	if err != nil {
		return nil, err
	}
	found, err := functions.Discover(h.root, functions.Options{
		Lookup: s.Lookup, AllowList: allowed, RoutePrefix: config.HTTP.RoutePrefix, DefaultRetry: config.Retry,
		KnownTypes: h.knownType, TypeNames: append([]string{"http", "durableClient", "orchestrationClient", "redis"}, triggerTypes...),
		Code: h.code, Registered: registered,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the app's functions: %w", err), a.channel.Stop(ctx))
	}
	for _, w := range found.Warnings {
		h.logger.Warn(w)
	}
	if len(allowed) > 0 {
		h.logger.Info(fmt.Sprintf("A function allow list has been specified, excluding all but the following functions: [%s]", strings.Join(allowed, ", ")))
	}
	dropOtherLanguages(found)
	a.functions = found
	a.index()
	if len(found.Functions) == 0 {
		return a, nil // nothing needs a worker
	}
	if err := a.startWorker(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the worker: %w", err), a.channel.Stop(ctx))
	}
	if err := a.loadFunctions(ctx); err != nil {
		return nil, errors.Join(err, a.channel.Stop(ctx))
	}
	return a, nil
}

// startWorker starts the worker if it is needed and does not run yet.
func (a *app) startWorker(ctx context.Context) error {
	if a.started || !slices.ContainsFunc(a.functions.Functions, func(fn *functions.Function) bool { return fn.Language != functions.Go }) {
		return nil
	}
	a.started = true
	return a.channel.Start(ctx)
}

// makeChannel makes what runs the app's functions.
func (h *Host) makeChannel(a *app, entry *functions.Entry) {
	a.channel = h.cfg.newChannel(h, a.settings, entry.Files)
	if len(h.cfg.Handlers) == 0 {
		return
	}
	a.goCode = gofunc.New(gofunc.Config{Registrations: h.cfg.Handlers, Services: h.services(), Watch: h.watchOrchestrator, Logger: h.logger})
	a.channel = &mixedChannel{goCode: a.goCode, others: a.channel}
}

// dropOtherLanguages makes functions that no worker of ours runs broken ones.
func dropOtherLanguages(found *functions.App) {
	kept := found.Functions[:0:0]
	for _, fn := range found.Functions {
		if fn.Language == nodeLanguage || fn.Language == functions.Go {
			kept = append(kept, fn)
			continue
		}
		what := "its script file has an extension that no worker knows"
		if fn.Language != "" {
			what = "its language is " + fn.Language
		}
		found.Errors = append(found.Errors, &functions.LoadError{Function: fn.Name, Reasons: []string{
			fmt.Sprintf("%s: %s; this host runs JavaScript (.js, .mjs, .cjs), and Go in a program of its own.", fn.ScriptFile, what),
		}})
	}
	found.Functions = kept
}

// loadFunctions loads all functions, side by side, and notes which cannot be. The error is that of the worker itself, or tells of handlers in
// Go with the wrong signature: these are mistakes in the program, which no change of the app's files can mend.
func (a *app) loadFunctions(ctx context.Context) error {
	a.unloadable = map[string]*worker.LoadError{}
	errs := make([]error, len(a.functions.Functions))
	var wg sync.WaitGroup
	for i, fn := range a.functions.Functions {
		wg.Go(func() { errs[i] = a.channel.Load(ctx, fn) })
	}
	wg.Wait()
	var mistakes []error
	for i, fn := range a.functions.Functions {
		var loadErr *worker.LoadError
		switch {
		case errs[i] == nil:
		case errors.As(errs[i], new(*gofunc.SignatureError)):
			mistakes = append(mistakes, errs[i])
		case errors.As(errs[i], &loadErr):
			a.unloadable[strings.ToLower(fn.Name)] = loadErr
		case ctx.Err() != nil:
			return context.Cause(ctx)
		default:
			a.unloadable[strings.ToLower(fn.Name)] = &worker.LoadError{Function: fn.Name, Message: errs[i].Error()}
		}
	}
	return errors.Join(mistakes...)
}

// completeApp makes what runs and serves the functions.
func (h *Host) completeApp(a *app) {
	a.invoker = &invoker{
		channel: a.channel, bindings: h.bindings, timeout: a.config.FunctionTimeout, root: h.root, logger: h.cfg.Logger,
		timedOut: func(fn *functions.Function) {
			if c, ok := a.channel.(recycler); ok && fn.Language != functions.Go {
				c.Recycle("function " + fn.Name + " exceeded functionTimeout")
			}
		},
	}
	h.completeHTTP(a)
	h.completeTimers(a)
}

// completeHTTP makes the routes.
func (h *Host) completeHTTP(a *app) {
	handler, failed := httptrigger.NewHandler(a.functions.Functions, httptrigger.Options{
		RoutePrefix: a.config.HTTP.RoutePrefix, CustomHeaders: a.config.HTTP.CustomHeaders,
		MaxOutstandingRequests: a.config.HTTP.MaxOutstandingRequests, MaxConcurrentRequests: a.config.HTTP.MaxConcurrentRequests,
		Authorize: h.authorize(), Logger: h.logger,
	}, a.invoker)
	a.exclude(failed)
	a.http = handler
	a.cors = httptrigger.CORSMiddleware(a.settings.Host.CORS, a.settings.Host.CORSCredentials)
	for _, r := range handler.Routes() {
		a.rootRoute = a.rootRoute || coversRoot(r.Template)
	}
}

// coversRoot reports whether a route template fits the path "/".
func coversRoot(template string) bool {
	if template == "" {
		return true
	}
	return strings.HasPrefix(template, "{") && !strings.Contains(template, "/") &&
		(strings.HasPrefix(template, "{*") || strings.HasSuffix(template, "?}") || strings.Contains(template, "="))
}

// exclude makes broken ones of functions that turned out to be of no use.
func (a *app) exclude(failed []*functions.LoadError) {
	if len(failed) == 0 {
		return
	}
	a.functions.Functions = slices.DeleteFunc(slices.Clone(a.functions.Functions), func(fn *functions.Function) bool {
		return slices.ContainsFunc(failed, func(e *functions.LoadError) bool { return e.Function == fn.Name })
	})
	a.functions.Errors = append(a.functions.Errors, failed...)
	a.index()
}
