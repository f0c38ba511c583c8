package devloop

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/durango-functions/durango/host"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// files makes a folder with files; names may have slashes.
func files(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for name, text := range texts {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

const (
	usesDurango = "module example.com/x\nrequire github.com/durango-functions/durango v1.0.0\n"
	imports     = "package main\nimport \"github.com/durango-functions/durango\"\n"
)

func TestDetect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		texts  map[string]string
		root   string
		module string // "-": no app in Go
	}{
		"module in the folder":     {map[string]string{"go.mod": usesDurango, "main.go": "package main\n"}, ".", "."},
		"module above":             {map[string]string{"go.mod": usesDurango, "apps/a/main.go": "package main\n"}, "apps/a", "."},
		"nearest module":           {map[string]string{"go.mod": usesDurango, "a/go.mod": "module a\n", "a/b/main.go": imports}, "a/b", "a"},
		"not required yet":         {map[string]string{"go.mod": "module a\n", "main.go": imports}, ".", "."},
		"mistakes in the code":     {map[string]string{"go.mod": usesDurango, "main.go": "package main\nfunc main( {"}, ".", "."},
		"pattern in the path":      {map[string]string{"go.mod": usesDurango, "a[b]/main.go": "package main\n"}, "a[b]", "."},
		"no module":                {map[string]string{"main.go": imports}, ".", "-"},
		"no Go":                    {map[string]string{"go.mod": usesDurango, "host.json": "{}"}, ".", "-"},
		"library":                  {map[string]string{"go.mod": usesDurango, "x.go": "package x\n"}, ".", "-"},
		"test alone":               {map[string]string{"go.mod": usesDurango, "x_test.go": imports}, ".", "-"},
		"script that is not built": {map[string]string{"go.mod": usesDurango, "gen.go": "//go:build ignore\n\n" + imports}, ".", "-"},
		"tool without durango":     {map[string]string{"go.mod": "module a\n", "main.go": "package main\n"}, ".", "-"},
		"no folder":                {nil, "nowhere", "-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := files(t, c.texts)
			module, found := Detect(filepath.Join(dir, c.root))
			require.Equal(t, c.module != "-", found)
			if found {
				require.Equal(t, filepath.Join(dir, c.module), module)
			}
		})
	}
}

func TestWhatChanges(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		".": true, "main.go": true, "a/b.go": true, "go.mod": true, "sub/go.sum": true, "go.work": true,
		"main_test.go": false, "Hello/function.json": false, "host.json": false, "index.js": false, "going": false,
	} {
		require.Equal(t, want, isGo(path), path)
	}
	require.True(t, isConfiguration("Hello/function.json"))
	require.False(t, isConfiguration("data.json"))
}

func newBuilder(t *testing.T, texts map[string]string) *builder {
	t.Helper()
	goTool, err := exec.LookPath("go")
	require.NoError(t, err)
	return &builder{goTool: goTool, root: files(t, texts), environ: os.Environ()}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	b := newBuilder(t, map[string]string{"go.mod": "module example.com/x\n", "main.go": "package main\n\nfunc main() { println(1) }\n"})
	first, err := b.build(t.Context())
	require.NoError(t, err)
	require.FileExists(t, first.path)
	second, err := b.build(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, first.path, second.path)
	require.Equal(t, first.sum, second.sum, "the same code is the same program")
	first.remove()
	require.NoDirExists(t, filepath.Dir(first.path))
	require.FileExists(t, second.path)

	require.NoError(t, os.WriteFile(filepath.Join(b.root, "main.go"), []byte("package main\n\nfunc main() {\n\tx := 1\n}\n"), 0o600))
	_, err = b.build(t.Context())
	var failed *buildError
	require.ErrorAs(t, err, &failed)
	require.Contains(t, err.Error(), "./main.go:4:2: declared and not used: x")
	require.Len(t, entries(t, b.bin()), 1, "a failed build leaves nothing behind")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = b.build(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func entries(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	found, err := os.ReadDir(dir)
	require.NoError(t, err)
	return found
}

func TestSweep(t *testing.T) {
	t.Parallel()
	ended := exec.Command("true")
	require.NoError(t, ended.Run())
	b := newBuilder(t, map[string]string{
		filepath.Join(".durango/bin", name(ended.Process.Pid)): "", filepath.Join(".durango/bin", name(os.Getpid())): "", ".durango/bin/other/app": "",
	})
	b.sweep()
	require.Len(t, entries(t, b.bin()), 2, "those of the process that has ended are gone")
}

func name(pid int) string { return strconv.Itoa(pid) + "-1/app" }

func TestLastWords(t *testing.T) {
	t.Parallel()
	require.Equal(t, "panic: oh no", lastWords([]byte("start\npanic: oh no\n\ngoroutine 1 [running]:\nmain.main()\n")))
	require.Equal(t, "app: wrong", lastWords([]byte("one\napp: wrong\n\n")))
	require.Empty(t, lastWords(nil))
}

// TestRunRefuses shows that what a host refuses is refused before anything is built.
func TestRunRefuses(t *testing.T) {
	t.Parallel()
	root := files(t, map[string]string{"go.mod": usesDurango, "main.go": imports, "host.json": "{"})
	defaults, err := os.ReadFile("../../host.json")
	require.NoError(t, err)
	code, err := Run(t.Context(), Config{
		Host:   host.Config{Root: root, Defaults: defaults, Port: -1, Logger: slog.New(slog.DiscardHandler)},
		Module: root, Stdout: io.Discard, Stderr: io.Discard, Logger: slog.New(slog.DiscardHandler),
	})
	require.Equal(t, 1, code)
	require.ErrorContains(t, err, "host.json")
	require.NoDirExists(t, filepath.Join(root, ".durango"))
}
