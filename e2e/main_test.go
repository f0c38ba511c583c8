package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// durango is the path of the command under test.
var durango string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "durango-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)

		durango = filepath.Join(dir, "durango")
		build := exec.Command("go", "build", "-o", durango, "../cmd/durango")
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "building the command:", err)
			return 1
		}
		return m.Run()
	}())
}

// patience is how long a test waits for what should take well under a second; a busy CI machine needs it now and then.
const patience = 30 * time.Second

// eventually asks probe until it reports true, and fails the test with the probe's last words after the patience.
func eventually(t testing.TB, what string, probe func() (ok bool, found any)) {
	t.Helper()
	eventuallyWithin(t, patience, what, probe)
}

func eventuallyWithin(t testing.TB, limit time.Duration, what string, probe func() (ok bool, found any)) {
	t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, found := probe()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			require.FailNow(t, "gave up after "+limit.String()+" on: "+what, "found at last: %v", found)
		}
		<-tick.C
	}
}

// installed remembers the folders that are known to have their npm packages.
var installed struct {
	sync.Mutex
	dirs map[string]bool
}

// packages makes sure that dir has its npm packages and returns its node_modules.
func packages(t testing.TB, dir string) string {
	t.Helper()
	installed.Lock()
	defer installed.Unlock()
	dir, err := filepath.Abs(dir)
	require.NoError(t, err)
	modules := filepath.Join(dir, "node_modules")
	if installed.dirs[dir] {
		return modules
	}
	if _, err := os.Stat(filepath.Join(modules, ".package-lock.json")); err != nil {
		out, err := exec.Command("npm", "ci", "--prefix", dir, "--no-audit", "--no-fund").CombinedOutput()
		require.NoError(t, err, "npm ci in %s: %s", dir, out)
	}
	if installed.dirs == nil {
		installed.dirs = map[string]bool{}
	}
	installed.dirs[dir] = true
	return modules
}

// app copies an app into a folder of the test's own, so that the test may edit it, with the npm packages of the folder packagesOf.
func app(t testing.TB, source, packagesOf string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), filepath.Base(source))
	copyTree(t, source, root)
	if packagesOf != "" {
		require.NoError(t, os.Symlink(packages(t, packagesOf), filepath.Join(root, "node_modules")))
	}
	return root
}

// compile runs the build script of an app in TypeScript.
func compile(t testing.TB, root string) {
	t.Helper()
	build := exec.Command("npm", "run", "build")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, "npm run build in %s: %s", root, out)
}

// sample is an app from the samples folder, compiled if it is in TypeScript.
func sample(t testing.TB, name string) string {
	dir := filepath.Join("..", "samples", name)
	root := app(t, dir, dir)
	if exists(filepath.Join(root, "tsconfig.json")) {
		compile(t, root)
	}
	return root
}

// scenarios is the app of testdata/scenarios on the generation of durable-functions that the folder sdk of testdata pins.
func scenarios(t testing.TB, sdk string) string {
	return app(t, filepath.Join("testdata", "scenarios"), filepath.Join("testdata", sdk))
}

func copyTree(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "node_modules" || d.Name() == "dist" || strings.HasPrefix(d.Name(), ".durango") {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o644)
	})
	require.NoError(t, err)
}

// write puts a file of an app in place in one step, as editors do.
func write(t testing.TB, text string, path ...string) {
	t.Helper()
	file := filepath.Join(path...)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file+".tmp~", []byte(text), 0o644))
	require.NoError(t, os.Rename(file+".tmp~", file))
}

// lines returns the lines of a file, none when there is no such file.
func lines(t testing.TB, path ...string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

// log collects what a process prints.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

var _ io.Writer = (*log)(nil)

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
