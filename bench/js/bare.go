package js

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

//go:embed bare.js
var bareScript string

// bareRun is what bare.js prints.
type bareRun struct {
	Version        string  `json:"version"`
	Orchestrations int     `json:"orchestrations"`
	Seconds        float64 `json:"seconds"`
	CPUMicros      float64 `json:"cpuMicros"`
}

func (r *bareRun) add(other *bareRun) {
	r.Orchestrations += other.Orchestrations
	r.Seconds += other.Seconds
	r.CPUMicros += other.CPUMicros
}

// runBare runs the app's SDK without durango.
func runBare(ctx context.Context, app string, count int) (*bareRun, error) {
	cmd := exec.CommandContext(ctx, "node", "-", app, strconv.Itoa(count))
	cmd.Stdin = strings.NewReader(bareScript)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("running the SDK alone: %w", err)
	}
	r := new(bareRun)
	if err := json.Unmarshal(out, r); err != nil {
		return nil, fmt.Errorf("running the SDK alone: it printed %q: %w", out, err)
	}
	return r, nil
}
