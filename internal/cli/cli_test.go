package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/durango-functions/durango/host"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// buffer is a buffer that several goroutines may write to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// run runs a command and returns its exit code and output.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs buffer
	defaults, err := os.ReadFile("../../host.json")
	require.NoError(t, err)
	p := Program{Defaults: defaults, Version: "1.2.3", Stdout: &out, Stderr: &errs, Environ: []string{"PATH=" + os.Getenv("PATH")}}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	code = p.Run(ctx, args)
	return code, out.String(), errs.String()
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	app := t.TempDir()
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"unknown command":   {[]string{"sart"}, exitUsage, `unknown command "sart": did you mean start?`},
		"far command":       {[]string{"publish"}, exitUsage, "the commands are"},
		"unknown flag":      {[]string{"start", "--prot", "1"}, exitUsage, "--prot"},
		"port no number":    {[]string{"start", "--port", "x"}, exitUsage, "--port"},
		"port too large":    {[]string{"start", "--port", "65536"}, exitUsage, "--port 65536: expected a number from 0 (any free port) to 65535"},
		"port negative":     {[]string{"start", "--port", "-1"}, exitUsage, "--port -1"},
		"superfluous words": {[]string{"start", "here"}, exitUsage, "takes no arguments but flags"},
		"log format":        {[]string{"start", "--root", app, "--log-format", "xml"}, exitUsage, `--log-format "xml": expected text or json`},
		"log level":         {[]string{"start", "--root", app, "--log-level", "loud"}, exitUsage, `--log-level: "loud" is no log level: expected trace, debug`},
		"no folder":         {[]string{"start", "--root", filepath.Join(app, "nowhere")}, exitFailure, "nowhere does not exist: give the folder"},
		"address":           {[]string{"start", "--root", app, "--address", "nonsense"}, exitFailure, `address "nonsense" is no IP address`},
		"open address":      {[]string{"start", "--root", app, "--address", "0.0.0.0"}, exitFailure, "add --enable-auth, or --insecure-no-auth"},
		"run without name":  {[]string{"run"}, exitUsage, "durango run takes the name of a function"},
		"run two":           {[]string{"run", "A", "B"}, exitUsage, "durango run takes the name of a function"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := run(t, c.args...)
			require.Equal(t, c.code, code, stderr)
			require.Contains(t, stderr, c.want)
			require.True(t, strings.HasPrefix(stderr, "durango: "), stderr)
			require.Equal(t, 1, strings.Count(stderr, "\n"), "one line: %s", stderr)
			require.NotContains(t, stdout+stderr, "strconv")
		})
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	code, stdout, _ := run(t, "version")
	require.Equal(t, exitOK, code)
	require.Contains(t, stdout, "durango 1.2.3\n")
	require.Regexp(t, `(?m)^go +\d+\.\d+`, stdout)
	require.Regexp(t, `(?m)^node +(\d+\.\d+|not found)`, stdout)
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--help"}, {"start", "--help"}, {"run", "--help"}} {
		code, stdout, stderr := run(t, args...)
		require.Equal(t, exitOK, code)
		require.Empty(t, stderr)
		require.Contains(t, stdout, "durango")
	}
}

func TestHostConfig(t *testing.T) {
	t.Parallel()
	p := Program{Stdout: &buffer{}}
	config := func(args ...string) host.Config {
		t.Helper()
		var f startFlags
		cmd := p.startCommand()
		require.NoError(t, cmd.ParseFlags(args))
		f.root, _ = cmd.Flags().GetString("root")
		f.port, _ = cmd.Flags().GetInt("port")
		f.functions, _ = cmd.Flags().GetStringSlice("functions")
		f.logFormat, _ = cmd.Flags().GetString("log-format")
		f.logLevel, _ = cmd.Flags().GetString("log-level")
		cfg, err := p.hostConfig(&f, cmd.Flags().Changed("port"))
		require.NoError(t, err)
		return cfg
	}
	require.Zero(t, config().Port, "local.settings.json may say")
	require.Equal(t, 8080, config("--port", "8080").Port)
	require.Equal(t, 7071, config("--port", "7071").Port, "given in so many words, it prevails over local.settings.json")
	require.Equal(t, -1, config("--port", "0").Port)
	require.Equal(t, []string{"A", "B"}, config("--functions", "A, B,").Functions)
	require.NotNil(t, config().Out)
	require.Nil(t, config("--log-format", "JSON").Out, "every line is JSON then")
}
