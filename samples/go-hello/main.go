// Command go-hello is a function app in Go, with one of its activities in JavaScript.
package main

import (
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/durango-functions/durango"
	"github.com/durango-functions/durango/durable"
)

func main() {
	app := durango.NewApp()
	app.Function("Hello", hello) // the folder Hello declares its trigger
	app.Function("HttpStart", start, durango.HTTPTrigger{
		Route: "orchestrators/{name}/{id?}", Methods: []string{"post"}, AuthLevel: durango.Anonymous,
	})
	app.Orchestrator("HelloSequence", helloSequence)
	app.Activity("SayHello", sayHello)
	os.Exit(app.Main())
}

// hello answers with a text: a string of a typed handler would be JSON, with quotes.
func hello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("Hello " + r.PathValue("name") + "!\n")) // an error is the caller's going away
}

// helloSequence says hello to three cities, one after the other, and raises its voice in JavaScript at the last.
func helloSequence(o *durable.Orchestration) ([]string, error) {
	var greetings []string
	for _, city := range []string{"Tokyo", "Seattle", "London"} {
		greeting, err := durable.CallActivity[string](o, "SayHello", city).Await()
		if err != nil {
			return nil, err
		}
		greetings = append(greetings, greeting)
	}
	// The folder Shout has the code of this one. The caller cannot tell.
	shouted, err := durable.CallActivity[string](o, "Shout", greetings[2]).Await()
	if err != nil {
		return nil, err
	}
	greetings[2] = shouted
	return greetings, nil
}

func sayHello(_ context.Context, name string) (string, error) {
	return "Hello " + name + "!", nil
}

// start starts the orchestration that the URL names, and answers where it can be watched.
func start(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	id, err := durango.Client(ctx).StartNew(ctx, r.PathValue("name"), nil, durable.StartOptions{InstanceID: r.PathValue("id")})
	if err == nil {
		durango.Logger(ctx).Info("started an orchestration", "instance_id", id)
		err = durango.CheckStatus(w, r, id)
	}
	if err != nil {
		http.Error(w, err.Error(), statusOf(err))
	}
}

// statusOf tells the caller's mistakes from ours.
func statusOf(err error) int {
	var unknown *durable.UnknownFunctionError
	var exists *durable.InstanceExistsError
	switch {
	case errors.As(err, &unknown):
		return http.StatusNotFound
	case errors.As(err, &exists):
		return http.StatusConflict
	default:
		return http.StatusInternalServerError
	}
}
