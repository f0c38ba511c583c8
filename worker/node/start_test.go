package node

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/worker"
)

func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "node")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755))
	return path
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mod  func(*Config)
		want []string
	}{
		"node missing": {
			func(c *Config) { c.Env = []string{"PATH=" + c.Root} },
			[]string{"Node.js is missing: there is no 'node' on PATH. Install Node.js 18 or newer from https://nodejs.org/"},
		},
		"named node missing": {
			func(c *Config) { c.NodePath = "/nowhere/node" },
			[]string{"Node.js is missing: /nowhere/node does not exist. Install Node.js 18 or newer"},
		},
		"named node not on PATH": {func(c *Config) { c.NodePath = "no-such-node" }, []string{"Node.js is missing: no-such-node is not on PATH."}},
		"no executable":          {func(c *Config) { c.NodePath = c.Root + "/host.json" }, []string{"host.json is not executable"}},
		"too old, cannot read the script": {
			func(c *Config) { c.NodePath = script(t, `[ "$1" = --version ] && { echo v10.24.1; exit; }; exit 1`) },
			[]string{"Node.js v10.24.1 is too old: ", "has this version, and 18 or newer is needed. Install Node.js 18 or newer"},
		},
		"too old, can read the script": {
			func(c *Config) {
				pre := filepath.Join(c.Root, "pre.cjs")
				require.NoError(t, os.WriteFile(pre, []byte(`Object.defineProperty(process, "version", { value: "v16.20.2" });`), 0o644))
				c.NodeArgs = []string{"-r", pre}
			},
			[]string{"Node.js v16.20.2 is too old: "},
		},
		"bad argument":  {func(c *Config) { c.NodeArgs = []string{"--no-such-flag"} }, []string{"starting node (", "exit code 9", "bad option: --no-such-flag"}},
		"never ready":   {func(c *Config) { c.NodePath = script(t, "exec sleep 60"); c.StartTimeout = 50 * time.Millisecond }, []string{"it was not ready within 50ms"}},
		"no root":       {func(c *Config) { c.Root = "" }, []string{"Root is empty"}},
		"relative root": {func(c *Config) { c.Root = "app" }, []string{`Root is "app": an absolute path is needed`}},
		"missing root":  {func(c *Config) { c.Root += "/none" }, []string{"no such file or directory"}},
		"bad Processes": {func(c *Config) { c.Processes = -1 }, []string{"Processes is -1: 1 to 64 are possible"}},
		"bad backoff":   {func(c *Config) { c.RestartMin = time.Hour }, []string{"RestartMin (1h0m0s) is longer than RestartMax (10s)"}},
		"answers no sense": {
			func(c *Config) {
				c.NodePath = script(t, `[ "$1" = --version ] && exit; printf 'xxxxxxxxxxxxxxxx' >&4; exec sleep 60`)
			},
			[]string{"protocol error: frame of 2021161080 bytes: 9 to 268435456 are possible"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, map[string]string{"host.json": "{}"}, tt.mod)
			err := a.ch.Start(ctxFor(t))
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestEnvironmentOfTheProcess(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{"F/index.js": `module.exports = async () => {
		const { FUNCTIONS_WORKER_RUNTIME, AzureWebJobsScriptRoot, FUNCTIONS_APPLICATION_DIRECTORY, MINE } = process.env;
		return JSON.stringify([process.cwd(), FUNCTIONS_WORKER_RUNTIME, AzureWebJobsScriptRoot, FUNCTIONS_APPLICATION_DIRECTORY, MINE, process.execArgv,
			require.main !== module, typeof globalThis.load]);
	};`}, func(c *Config) {
		c.Env = append(os.Environ(), "MINE=1", "FUNCTIONS_WORKER_RUNTIME=other")
		c.NodeArgs = []string{"--max-old-space-size=100"}
	})
	require.Equal(t, fmt.Sprintf(`[%q,"node",%q,%q,"1",["--max-old-space-size=100"],true,"undefined"]`, a.root, a.root, a.root), a.mustInvoke(activity(a, "F/index.js")))
	require.NoFileExists(t, a.process().script, "node has read it")
}

func TestConsoleRecords(t *testing.T) {
	t.Parallel()
	var lines []string
	readLines(strings.NewReader("a\r\nb\n\n"+strings.Repeat("x", maxLine+5)+"\nlast\xff"), func(line string) { lines = append(lines, line) })
	require.Equal(t, []string{"a", "b", ""}, lines[:3])
	require.Equal(t, strings.Repeat("x", maxLine+5), strings.Join(lines[3:len(lines)-1], ""))
	require.Equal(t, "last\uFFFD", lines[len(lines)-1])

	var tl tail
	for i := range tailLines + 2 {
		tl.add(strconv.Itoa(i))
	}
	require.True(t, strings.HasPrefix(tl.String(), "2\n3\n"))
	require.True(t, strings.HasSuffix(tl.String(), "\n21"))
}

func TestConsoleLevels(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]worker.LogRecord{
		"LanguageWorkerConsoleLog[warn] a":  {Level: slog.LevelWarn, Message: "a", Category: "Worker.node"},
		"LanguageWorkerConsoleLog[error] a": {Level: slog.LevelError, Message: "a", Category: "Worker.node"},
		"LanguageWorkerConsoleLog a":        {Level: slog.LevelInfo, Message: "a", Category: "Worker.node"},
		"azfuncjsonlog:{}":                  {Level: slog.LevelDebug, Message: "azfuncjsonlog:{}", Category: "Worker.node"},
		"(node:1) Warning: old":             {Level: slog.LevelWarn, Message: "(node:1) Warning: old", Category: "Host.Function.Console"},
		"Debugger listening on ws://x":      {Level: slog.LevelInfo, Message: "Debugger listening on ws://x", Category: "Host.Function.Console"},
		"broken":                            {Level: slog.LevelError, Message: "broken", Category: "Host.Function.Console"},
	} {
		got := consoleRecord(line, true)
		want.Time = got.Time
		require.Equal(t, want, got)
	}
}

func TestDebuggerPortGoesToTheNextChannel(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	inspect := func(c *Config) { c.NodeArgs = []string{"--inspect=" + address} }
	files := map[string]string{"F/index.js": `module.exports = async () => require("inspector").url() || "none";`}
	old := startApp(t, files, inspect)
	require.Contains(t, old.mustInvoke(activity(old, "F/index.js")), address)
	next := startApp(t, files, inspect)
	fn := activity(next, "F/index.js")
	require.Equal(t, "none", next.mustInvoke(fn))
	require.NoError(t, old.ch.Stop(ctxFor(t)))
	require.Eventually(t, func() bool { return strings.Contains(next.mustInvoke(fn), address) }, 20*time.Second, 20*time.Millisecond)
	require.Equal(t, slog.LevelInfo, next.log("Starting inspector on").Level)
}
