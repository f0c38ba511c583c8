package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// built are the programs of the samples in Go, by sample. Each is built once.
var built struct {
	sync.Mutex
	programs map[string]string
}

// sampleOptions starts a sample: with durango, or with its own program if it is one in Go.
func sampleOptions(t testing.TB, name string) options {
	t.Helper()
	dir := filepath.Join("..", "samples", name)
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return options{Root: sample(t, name)}
	}
	built.Lock()
	defer built.Unlock()
	program := built.programs[name]
	if program == "" {
		program = filepath.Join(filepath.Dir(durango), name)
		build := exec.Command("go", "build", "-o", program, ".")
		build.Dir = dir
		out, err := build.CombinedOutput()
		require.NoError(t, err, "go build in %s: %s", dir, out)
		if built.programs == nil {
			built.programs = map[string]string{}
		}
		built.programs[name] = program
	}
	return options{Program: program, Root: app(t, dir, "")}
}
