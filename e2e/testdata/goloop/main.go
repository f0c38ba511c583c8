// Command goloop is a function app in Go that the tests change while it runs.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/durango-functions/durango"
	"github.com/durango-functions/durango/durable"
)

// build names this state of the code.
const build = "one"

func main() {
	app := durango.NewApp()
	app.Function("Version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, build) },
		durango.HTTPTrigger{AuthLevel: durango.Anonymous})
	app.Orchestrator("Gated", func(o *durable.Orchestration, name string) ([]string, error) {
		first, err := durable.CallActivity[string](o, "Gate", name).Await()
		if err != nil {
			return nil, err
		}
		second, err := durable.CallActivity[string](o, "Stamp", nil).Await()
		return []string{first, second}, err
	})
	app.Activity("Gate", gate)
	app.Activity("Stamp", func(context.Context, any) (string, error) { return build, nil })
	os.Exit(app.Main())
}

// gate waits until the test makes a file, and notes each of its runs in another one.
func gate(ctx context.Context, name string) (string, error) {
	file := filepath.Join(os.Getenv("E2E_DIR"), name)
	runs, err := os.OpenFile(file+".runs", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(runs, build); err != nil {
		return "", err
	}
	if err := runs.Close(); err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(file); err == nil {
			return build, nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}
