// Command goapp is a function app in Go with functions in JavaScript among them.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/durango-functions/durango"
	"github.com/durango-functions/durango/durable"
)

func main() {
	app := durango.NewApp()
	app.Orchestrator("GoThenJS", goThenJS) // the folder declares it
	app.Orchestrator("Parent", parent)
	app.Activity("Greet", greet)
	app.Function("Hello", hello)
	app.Function("Begin", begin, durango.HTTPTrigger{Route: "begin/{orchestrator}", Methods: []string{"post"}, AuthLevel: durango.Anonymous})
	app.Function("Seed", seed, durango.ManualTrigger{})
	if os.Getenv("WRONG") != "" {
		app.Activity("Wrong", func(name string) string { return name })
	}
	os.Exit(app.Main())
}

// goThenJS calls an activity in Go, and with its result one in JavaScript.
func goThenJS(o *durable.Orchestration, name string) (string, error) {
	greeting, err := durable.CallActivity[string](o, "Greet", name).Await()
	if err != nil {
		return "", err
	}
	return durable.CallActivity[string](o, "Shout", greeting).Await()
}

// parent calls an orchestrator in JavaScript, which calls an activity in Go.
func parent(o *durable.Orchestration, name string) (string, error) {
	return durable.CallSubOrchestrator[string](o, "JSThenGo", name).Await()
}

func greet(_ context.Context, name string) (string, error) { return "Hello " + name, nil }

func hello(_ context.Context, in struct {
	Name string `query:"name"`
}) (string, error) {
	return "Hello " + in.Name, nil
}

func begin(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	id, err := durango.Client(ctx).StartNew(ctx, r.PathValue("orchestrator"), r.URL.Query().Get("name"), durable.StartOptions{})
	if err == nil {
		err = durango.CheckStatus(w, r, id)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func seed(ctx context.Context, n int) (string, error) {
	durango.Logger(ctx).Info("seeding", "rows", n)
	return fmt.Sprintf("%d rows", n), nil
}
