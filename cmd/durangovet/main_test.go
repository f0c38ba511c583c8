package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An app of two packages, a stand-in for durango, and a library of others. It needs no network.
var files = map[string]string{
	"app/go.mod": `module example.com/app

go 1.26

require (
	example.com/library v1.0.0
	github.com/durango-functions/durango v0.0.0
)

replace example.com/library => ../library

replace github.com/durango-functions/durango => ../durango
`,
	"app/main.go": `package main

import (
	"time"

	"example.com/app/clock"
	"example.com/library"
	"github.com/durango-functions/durango/durable"
)

func main() {
	app := &durable.App{}
	app.Orchestrator("Hello", func(o *durable.Orchestration, in string) (string, error) {
		started := time.Now()
		_ = clock.Today()
		_ = library.Now()
		time.Sleep(1) //durangovet:ignore shows that it can be
		return started.String(), nil
	})
}
`,
	"app/main_test.go": `package main

import (
	"os"

	"github.com/durango-functions/durango/durable"
)

func tested(o *durable.Orchestration) { _ = os.Getenv("A") }
`,
	"app/clock/clock.go": `package clock

import "time"

func Today() string { return time.Now().Format(time.DateOnly) }
`,
	"library/go.mod":     "module example.com/library\n\ngo 1.26\n",
	"library/library.go": "package library\n\nimport \"time\"\n\nfunc Now() time.Time { return time.Now() }\n",
	"durango/go.mod":     "module github.com/durango-functions/durango\n\ngo 1.26\n",
}

var wanted = []string{
	"main.go:14:14: orchestrator Hello calls time.Now: each replay gets another time; use o.Now()",
	"main.go:15:7: orchestrator Hello calls clock.Today, which calls time.Now at clock/clock.go:5: each replay gets another time; use o.Now()",
	"main_test.go:9:45: orchestrator tested calls os.Getenv: a replay, perhaps on another host, may see another value; " +
		"pass it as input, or record it with durable.SideEffect",
}

// TestCommand runs the built command as its users do.
func TestCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	stub := filepath.Join("..", "..", "durable", "durangovet", "testdata", "src", "github.com", "durango-functions", "durango")
	require.NoError(t, os.CopyFS(filepath.Join(dir, "durango"), os.DirFS(stub)))
	command := filepath.Join(dir, "durangovet")
	out, err := exec.Command("go", "build", "-o", command, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)

	for name, run := range map[string]struct {
		args []string
		exit int
	}{
		"alone":  {[]string{command, "./..."}, 3},
		"go vet": {[]string{"go", "vet", "-vettool=" + command, "./..."}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(run.args[0], run.args[1:]...)
			cmd.Dir = filepath.Join(dir, "app")
			cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			var exit *exec.ExitError
			err := cmd.Run()
			require.ErrorAs(t, err, &exit, "%s", &stderr)
			require.Equal(t, wanted, diagnostics(stderr.String()), "%s", &stderr)
			require.Equal(t, run.exit, exit.ExitCode())
		})
	}
}

// diagnostics are the lines that have a position, without their folders, and in order.
func diagnostics(output string) []string {
	var found []string
	position := regexp.MustCompile(`[a-z_]+\.go:\d+:\d+: .*`)
	for line := range strings.Lines(output) {
		if match := position.FindString(line); match != "" {
			found = append(found, match)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
