package durango_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/durango-functions/durango"
	"github.com/durango-functions/durango/durable"
)

// A program that is a function app: "go run . start" runs it, and "go run . run Import" its manual function.
func Example() {
	app := durango.NewApp()
	app.Orchestrator("Order", func(o *durable.Orchestration, id string) (string, error) {
		return durable.CallActivity[string](o, "Ship", id).Await()
	})
	app.Activity("Ship", func(_ context.Context, id string) (string, error) {
		return "shipped " + id, nil
	})
	app.Function("Start", func(w http.ResponseWriter, r *http.Request) {
		id, err := durango.Client(r.Context()).StartNew(r.Context(), "Order", r.PathValue("id"), durable.StartOptions{})
		if err == nil {
			err = durango.CheckStatus(w, r, id)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}, durango.HTTPTrigger{Route: "orders/{id}", Methods: []string{"post"}, AuthLevel: durango.Anonymous})
	app.Function("Import", func(ctx context.Context, rows []string) (int, error) {
		durango.Logger(ctx).Info("importing", "rows", len(rows))
		return len(rows), nil
	}, durango.ManualTrigger{})

	os.Exit(app.Main())
}

// A host inside of another program, with a task hub of its own.
func ExampleApp_Start() {
	app := durango.NewApp()
	app.Orchestrator("Greet", func(o *durable.Orchestration, name string) (string, error) {
		return durable.CallActivity[string](o, "SayHello", name).Await()
	})
	app.Activity("SayHello", func(_ context.Context, name string) (string, error) {
		return "Hello " + name + "!", nil
	})
	ctx := context.Background()
	host, err := app.Start(ctx, durango.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = host.Stop(ctx) }()

	id, err := host.Client().StartNew(ctx, "Greet", "Ada", durable.StartOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	status, err := host.Client().WaitForCompletion(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(status.RuntimeStatus, string(status.Output))
	// Output: Completed "Hello Ada!"
}

// A typed HTTP handler: the body, the route and the query are read into a struct, and the result is the response.
func ExampleRequest() {
	type lookup struct {
		ID    int    `path:"id"`
		Lang  string `query:"lang"`
		Notes []string
	}
	type customer struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	}
	app := durango.NewApp()
	app.Function("Customer", func(_ context.Context, req *durango.Request[lookup]) (customer, error) {
		if req.Input.ID != 7 {
			return customer{}, durango.HTTPError{Status: http.StatusNotFound, Message: "no such customer"}
		}
		return customer{ID: 7, Name: "Ada"}, nil
	}, durango.HTTPTrigger{Route: "customers/{id}"})
}
