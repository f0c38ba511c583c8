package durango_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango"
	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/internal/redistest"
)

// refused tries to start an app and returns the error.
func refused(t *testing.T, app *durango.App, cfg durango.Config) string {
	t.Helper()
	cfg.RedisURL = "redis://" + redistest.Mini(t).Addr
	cfg.Logger, _ = logTo(t)
	h, err := app.Start(t.Context(), cfg)
	if err == nil {
		stop(t, h)
	}
	require.Error(t, err)
	return err.Error()
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	const carried = " (In and Out are types that JSON can carry, and may be left out)"
	const activity = "; expected func(ctx context.Context, in In) (Out, error)" + carried
	const httpForms = "; expected func(w http.ResponseWriter, r *http.Request), an http.Handler, func(ctx context.Context, in In) (Out, error) or " +
		"func(ctx context.Context, req *durango.Request[In]) (Out, error)" + carried
	tests := map[string]struct {
		register func(app *durango.App)
		want     string
	}{
		"activity without context": {func(app *durango.App) { app.Activity("F", func(string) (string, error) { return "", nil }) },
			"the handler is func(string) (string, error): its first parameter is not context.Context" + activity},
		"activity without error": {func(app *durango.App) { app.Activity("F", func(context.Context) string { return "" }) },
			"the handler is func(context.Context) string: it does not return a value and an error, or an error alone" + activity},
		"activity that is nil": {func(app *durango.App) { app.Activity("F", nil) },
			"the handler is nil, expected func(ctx context.Context, in In) (Out, error)"},
		"activity with a channel": {func(app *durango.App) { app.Activity("F", func(context.Context, chan int) error { return nil }) },
			"the handler is func(context.Context, chan int) error: its input is of type chan int, which JSON cannot carry" + activity},
		"orchestrator with a context": {func(app *durango.App) {
			app.Orchestrator("F", func(context.Context) error { return nil })
		}, "the handler is func(context.Context) error: its first parameter is not *durable.Orchestration; expected func(o *durable.Orchestration, in In) (Out, error)" + carried},
		"timer with another input": {func(app *durango.App) {
			app.Function("F", func(context.Context, string) error { return nil }, durango.TimerTrigger{Schedule: "0 * * * * *"})
		}, "the handler is func(context.Context, string) error: its second parameter is not durango.TimerInfo; expected func(ctx context.Context, info durango.TimerInfo) error " +
			"(info may be left out)"},
		"manual that is no function": {func(app *durango.App) { app.Function("F", 5, durango.ManualTrigger{}) },
			"the handler is int: it is no function" + activity},
		"HTTP with the writer only": {func(app *durango.App) { app.Function("F", func(http.ResponseWriter) {}, durango.HTTPTrigger{}) },
			"the handler is func(http.ResponseWriter): its first parameter is not context.Context" + httpForms},
		"HTTP that is nil": {func(app *durango.App) { app.Function("F", nil, durango.HTTPTrigger{}) }, "the handler is nil, expected func(w http.ResponseWriter"},
		"HTTP that is a nil function": {func(app *durango.App) {
			var none func(http.ResponseWriter, *http.Request)
			app.Function("F", none, durango.HTTPTrigger{})
		}, "the handler is func(http.ResponseWriter, *http.Request): it is nil" + httpForms},
		"HTTP with a bad field": {func(app *durango.App) {
			app.Function("F", func(context.Context, struct {
				Where map[string]int `path:"where"`
			}) error {
				return nil
			}, durango.HTTPTrigger{})
		}, `: the field Where of its input has the tag path:"where" and is of type map[string]int: expected a string, a boolean, a number`},
		"HTTP with a hidden field": {func(app *durango.App) {
			app.Function("F", func(context.Context, *durango.Request[struct {
				id int `query:"id"`
			}]) error {
				return nil
			}, durango.HTTPTrigger{})
		}, `: the field id of its input has the tag query:"id" and is not exported`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := durango.NewApp()
			tt.register(app)
			app.Activity("Good", sayHello)
			got := refused(t, app, durango.Config{})
			require.Regexp(t, `^function F \(declare_test.go:\d+\): `, got)
			_, got, _ = strings.Cut(got, "): ")
			require.Contains(t, got, tt.want)
		})
	}
	app := durango.NewApp()
	app.Activity("A", 1)
	app.Activity("B", 2)
	require.Equal(t, 2, strings.Count(refused(t, app, durango.Config{}), "it is no function"), "all mistakes are told at once")
}

// TestDeclarations are functions that are left out, each with its reason, while the others run.
func TestDeclarations(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for path, text := range map[string]string{
		"host.json":               `{"version": "2.0"}`,
		"Activity/function.json":  `{"bindings": [{"type": "manualTrigger", "name": "input", "direction": "in"}]}`,
		"Forgotten/function.json": `{"bindings": [{"type": "manualTrigger", "name": "input", "direction": "in"}]}`,
		"Forgotten/forgotten.go":  "package forgotten",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, path), []byte(text), 0o600))
	}
	manual := func(context.Context) error { return nil }
	web := func(http.ResponseWriter, *http.Request) {}
	app := durango.NewApp()
	app.Activity("Good", sayHello)
	app.Activity("Activity", sayHello)
	app.Function("NoTrigger", manual, durango.RedisOutput{Name: "out", Command: "SET x"})
	app.Function("Nowhere", manual)
	app.Function("Twice", manual, durango.ManualTrigger{})
	app.Function("TWICE", manual, durango.ManualTrigger{})
	app.Function("Schedule", manual, durango.TimerTrigger{Schedule: "every day"})
	app.Function("NoSchedule", manual, durango.TimerTrigger{})
	app.Function("Route1", web, durango.HTTPTrigger{Route: "same", Methods: []string{"get"}})
	app.Function("Route2", web, durango.HTTPTrigger{Route: "Same"})
	app.Function("Template", web, durango.HTTPTrigger{Route: "{open"})
	app.Function("Reserved", web, durango.HTTPTrigger{Route: "admin/x"})
	app.Function("Method", web, durango.HTTPTrigger{Methods: []string{"FETCH"}})
	app.Function("Level", web, durango.HTTPTrigger{AuthLevel: "everybody"})
	app.Function("Two Words", manual, durango.ManualTrigger{})
	app.Function("TwoTriggers", manual, durango.ManualTrigger{}, durango.ActivityTrigger{})
	app.Function("Names", manual, durango.ManualTrigger{}, durango.RedisInput{Name: "input", Command: "GET x"})
	app.Function("Type", manual, durango.ManualTrigger{}, durango.Binding{Name: "q", Type: "queue", Direction: "out"})
	app.Function("Setting", manual, durango.ManualTrigger{}, durango.RedisInput{Name: "x", Command: "GET %NO_SUCH%"})
	app.Function("Retry", manual, durango.ManualTrigger{}, durango.ExponentialBackoffRetry{MaxRetryCount: -2, MinimumInterval: time.Hour, MaximumInterval: time.Second})
	app.Function("NoJSON", manual, durango.ManualTrigger{}, durango.Binding{Name: "x", Type: "redis", Properties: map[string]any{"command": func() {}}})
	logger, log := logTo(t)
	h := start(t, app, durango.Config{Root: root, Logger: logger})
	for name, want := range map[string]string{
		"Activity":    "Activity/function.json declares the trigger manualTrigger, but the registration at declare_test.go:",
		"Forgotten":   `The function is written in Go (forgotten.go), but the app's program registers no handler \"Forgotten\"`,
		"NoTrigger":   "No trigger binding specified. A function must have a trigger input binding. (declare_test.go:",
		"Nowhere":     "but nothing declares when it runs: make the folder Nowhere with a function.json, or add a trigger such as durango.HTTPTrigger{}",
		"Twice":       "The handler 'Twice' is registered 2 times, at declare_test.go:",
		"Schedule":    `\"every day\"`,
		"NoSchedule":  `\"schedule\"`,
		"Route2":      "The route specified conflicts with the route defined by function 'Route1'. (declare_test.go:",
		"Template":    "the route of the httpTrigger 'req' cannot be used",
		"Reserved":    "The specified route conflicts with one or more built in routes.",
		"Method":      `bindings[0].methods[0] is \"FETCH\", expected one of`,
		"Level":       `bindings[0].authLevel is \"everybody\", expected one of anonymous, function, admin`,
		"Two Words":   "'Two Words' is not a valid function name.",
		"TwoTriggers": "Multiple trigger bindings defined.",
		"Names":       "Multiple bindings with name 'input' discovered.",
		"Type":        "The binding type(s) 'queue' are not registered.",
		"Setting":     "'%NO_SUCH%' does not resolve to a value. (declare_test.go:",
		"Retry":       `retry.minimumInterval is \"01:00:00\", expected no more than maximumInterval, 00:00:01`,
		"NoJSON":      "syntax error",
	} {
		found := false
		for line := range strings.Lines(log.String()) {
			found = found || strings.Contains(line, "Function "+name+" is broken: ") && strings.Contains(line, want)
		}
		require.True(t, found, "%s: %s", name, want)
	}
	require.Equal(t, 19, strings.Count(log.String(), " is broken: "))
	require.Contains(t, log.String(), "Found function Good: activityTrigger")
	_, err := h.Client().StartNew(t.Context(), "Good", nil, durable.StartOptions{})
	require.ErrorContains(t, err, "no orchestrator function called 'Good'")
}

func TestStartRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  durango.Config
		want string
	}{
		"address":      {durango.Config{Addr: "7071"}, `Config.Addr is "7071": expected an address and a port, such as "127.0.0.1:7071", or ":0" for any free port`},
		"port":         {durango.Config{Addr: ":http"}, `Config.Addr is ":http"`},
		"open address": {durango.Config{Addr: "0.0.0.0:0"}, "can be reached from other machines"},
		"hub":          {durango.Config{HubName: "a b"}, "Config.HubName: "},
		"partitions":   {durango.Config{PartitionCount: 1000}, "Config.PartitionCount: "},
		"timeout":      {durango.Config{FunctionTimeout: time.Millisecond}, "Config.FunctionTimeout: "},
		"no folder":    {durango.Config{Root: "nowhere"}, "nowhere does not exist"},
		"keys":         {durango.Config{EnableAuth: true}, "a host without a folder has no place for keys"},
	} {
		require.Contains(t, refused(t, durango.NewApp(), c.cfg), c.want, name)
	}
}
