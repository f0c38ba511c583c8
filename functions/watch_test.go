package functions

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// watching starts a watcher and returns the channel of its changes.
func watching(t *testing.T, cfg WatchConfig) <-chan Change {
	t.Helper()
	changes := make(chan Change, 100)
	w, err := NewWatcher(cfg, func(c Change) { changes <- c })
	require.NoError(t, err)
	require.NoError(t, w.Start(t.Context()))
	t.Cleanup(func() {
		require.NoError(t, w.Stop(context.Background()))
		require.NoError(t, w.Stop(context.Background()), "stopping twice")
	})
	return changes
}

// awaitPath waits for a change that names path, and returns all paths seen until then.
func awaitPath(t *testing.T, changes <-chan Change, path string) []string {
	t.Helper()
	var seen []string
	deadline := time.After(5 * time.Second)
	for {
		select {
		case c := <-changes:
			require.NotEmpty(t, c.Paths)
			require.True(t, slices.IsSorted(c.Paths))
			seen = append(seen, c.Paths...)
			if slices.Contains(c.Paths, path) {
				return seen
			}
		case <-deadline:
			require.Failf(t, "no change", "of %s, only of %v", path, seen)
		}
	}
}

func TestWatcherReportsEachKindOfSave(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		act  func(t *testing.T, root string)
		path string
	}{
		"write in place": {func(t *testing.T, root string) { write(t, root, map[string]string{"Hello/index.js": "2"}) }, "Hello/index.js"},
		"atomic save over the file": {func(t *testing.T, root string) {
			write(t, root, map[string]string{"Hello/index.js.tmp": "2"})
			require.NoError(t, os.Rename(filepath.Join(root, "Hello/index.js.tmp"), filepath.Join(root, "Hello/index.js")))
		}, "Hello/index.js"},
		"backup, then a new file": {func(t *testing.T, root string) {
			require.NoError(t, os.Rename(filepath.Join(root, "Hello/index.js"), filepath.Join(root, "Hello/index.js~")))
			write(t, root, map[string]string{"Hello/index.js": "2"})
		}, "Hello/index.js"},
		"remove":              {func(t *testing.T, root string) { require.NoError(t, os.Remove(filepath.Join(root, "host.json"))) }, "host.json"},
		"dot env":             {func(t *testing.T, root string) { write(t, root, map[string]string{".env": "A=1"}) }, ".env"},
		"settings":            {func(t *testing.T, root string) { write(t, root, map[string]string{"local.settings.json": "{}"}) }, "local.settings.json"},
		"TypeScript":          {func(t *testing.T, root string) { write(t, root, map[string]string{"lib/deep/x.ts": "2"}) }, "lib/deep/x.ts"},
		"data file":           {func(t *testing.T, root string) { write(t, root, map[string]string{"Hello/sample.dat": "{}"}) }, "Hello/sample.dat"},
		"new function folder": {func(t *testing.T, root string) { write(t, root, map[string]string{"New/a/b/function.json": "{}"}) }, "New/a/b/function.json"},
		"new package": {func(t *testing.T, root string) {
			require.NoError(t, os.MkdirAll(filepath.Join(root, "node_modules/left-pad"), 0o755))
		}, "node_modules/left-pad"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := app(t, map[string]string{"Hello/index.js": "1", "host.json": "{}", "lib/deep/x.ts": "1", "node_modules/a/index.js": "1"})
			changes := watching(t, WatchConfig{Root: root})
			tt.act(t, root)
			awaitPath(t, changes, tt.path)
		})
	}
}

func TestWatcherLeavesOutWhatIsNotTheApps(t *testing.T) {
	t.Parallel()
	root := app(t, map[string]string{
		"Hello/index.js": "1", ".git/HEAD": "1", ".durango/redis/dump.rdb": "1", "node_modules/a/index.js": "1", "x/node_modules/b/c.js": "1",
	})
	changes := watching(t, WatchConfig{Root: root})
	write(t, root, map[string]string{
		".git/HEAD": "2", ".git/refs/new/x": "1", ".durango/redis/dump.rdb": "2", "node_modules/a/index.js": "2", "node_modules/a/lib/x.js": "1",
		"x/node_modules/b/c.js": "2", "node_modules/.package-lock.json": "{}", "Hello/.index.js.swp": "1", "Hello/index.js~": "1",
		"Hello/.#index.js": "1", "Hello/4913": "1", "#index.js#": "1", "app.log": "1", "data.sqlite-journal": "1", "data.db": "1",
	})
	write(t, root, map[string]string{"Hello/index.js": "2"})
	require.Equal(t, []string{"Hello/index.js"}, awaitPath(t, changes, "Hello/index.js"))
}

func TestWatcherTakesInWhatTheConfigurationNames(t *testing.T) {
	t.Parallel()
	root := app(t, map[string]string{"node_modules/a/lib/index.js": "1", "data.db": "1"})
	changes := watching(t, WatchConfig{Root: root, WatchDirectories: []string{"node_modules"}, WatchFiles: []string{"data.db"}})
	write(t, root, map[string]string{"node_modules/a/lib/index.js": "2"})
	awaitPath(t, changes, "node_modules/a/lib/index.js")
	write(t, root, map[string]string{"data.db": "2"})
	awaitPath(t, changes, "data.db")
}

func TestWatcherFollowsRenamedFolders(t *testing.T) {
	t.Parallel()
	root := app(t, map[string]string{"Old/sub/index.js": "1"})
	changes := watching(t, WatchConfig{Root: root})
	require.NoError(t, os.Rename(filepath.Join(root, "Old"), filepath.Join(root, "New")))
	seen := awaitPath(t, changes, "New/sub/index.js")
	require.Contains(t, seen, "Old")
	require.Contains(t, seen, "New")
	write(t, root, map[string]string{"New/sub/index.js": "2"})
	require.Equal(t, []string{"New/sub/index.js"}, awaitPath(t, changes, "New/sub/index.js"))
	require.NoError(t, os.RemoveAll(filepath.Join(root, "New")))
	awaitPath(t, changes, "New")
}

func TestWatcherSurvivesTheRoot(t *testing.T) {
	t.Parallel()
	for _, depth := range []string{"app", "a/b/app"} {
		t.Run(depth, func(t *testing.T) {
			t.Parallel()
			base := t.TempDir()
			root := filepath.Join(base, filepath.FromSlash(depth))
			write(t, root, map[string]string{"Hello/index.js": "1"})
			changes := watching(t, WatchConfig{Root: root})
			top, _, _ := cutFirst(depth)
			require.NoError(t, os.RemoveAll(filepath.Join(base, top)))
			awaitPath(t, changes, ".")
			write(t, root, map[string]string{"Hello/index.js": "2"})
			awaitPath(t, changes, ".")
			write(t, root, map[string]string{"Hello/other.js": "2"})
			awaitPath(t, changes, "Hello/other.js")
		})
	}
}

func cutFirst(p string) (string, string, bool) {
	dir, file := filepath.Split(filepath.FromSlash(p))
	if dir == "" {
		return file, "", false
	}
	return filepath.ToSlash(dir)[:1], file, true
}

func TestWatcherFollowsLinksButNotInCircles(t *testing.T) {
	t.Parallel()
	outside := app(t, map[string]string{"index.js": "1"})
	root := app(t, map[string]string{"Hello/index.js": "1"})
	require.NoError(t, os.Symlink(root, filepath.Join(root, "Hello/circle")))
	require.NoError(t, os.Symlink(outside, filepath.Join(root, "Linked")))
	require.NoError(t, os.Symlink(filepath.Join(root, "nowhere"), filepath.Join(root, "Dangling")))
	changes := watching(t, WatchConfig{Root: root})
	write(t, outside, map[string]string{"index.js": "2"})
	awaitPath(t, changes, "Linked/index.js")
}

func TestWatcherFollowsALinkedRootToItsNextTarget(t *testing.T) {
	t.Parallel()
	base := app(t, map[string]string{"v1/index.js": "1", "v2/index.js": "2"})
	current := filepath.Join(base, "current")
	require.NoError(t, os.Symlink("v1", current))
	changes := watching(t, WatchConfig{Root: current})
	require.NoError(t, os.Symlink("v2", current+".new"))
	require.NoError(t, os.Rename(current+".new", current))
	awaitPath(t, changes, ".")
	write(t, base, map[string]string{"v2/index.js": "3"})
	awaitPath(t, changes, "index.js")
}

func TestWatcherReportsOnceAndInTime(t *testing.T) {
	t.Parallel()
	root := app(t, map[string]string{"a.js": "0", "b.js": "0"})
	changes := watching(t, WatchConfig{Root: root})
	write(t, root, map[string]string{"a.js": "1", "b.js": "1"})
	last := time.Now()
	require.Equal(t, []string{"a.js", "b.js"}, awaitPath(t, changes, "b.js"))
	require.Less(t, time.Since(last), 500*time.Millisecond)
}

func TestWatcherDoesNotWaitForEverForQuiet(t *testing.T) {
	t.Parallel()
	root := app(t, map[string]string{"a.js": "0"})
	changes := watching(t, WatchConfig{Root: root, Quiet: time.Hour, MaxWait: 200 * time.Millisecond})
	write(t, root, map[string]string{"a.js": "1"})
	awaitPath(t, changes, "a.js")
}

func TestWatcherMergesChangesWhileTheLastIsHandled(t *testing.T) {
	t.Parallel()
	root := app(t, map[string]string{"a.js": "0"})
	entered, release, changes := make(chan struct{}, 10), make(chan struct{}), make(chan Change, 10)
	w, err := NewWatcher(WatchConfig{Root: root, Quiet: 20 * time.Millisecond}, func(c Change) {
		entered <- struct{}{}
		<-release
		changes <- c
	})
	require.NoError(t, err)
	require.NoError(t, w.Start(t.Context()))
	write(t, root, map[string]string{"a.js": "1"})
	<-entered
	write(t, root, map[string]string{"b.js": "1"})
	write(t, root, map[string]string{"c.js": "1"})
	close(release)
	awaitPath(t, changes, "a.js")
	seen := awaitPath(t, changes, "c.js")
	require.NotContains(t, seen, "a.js")
	require.Contains(t, seen, "b.js")
	require.NoError(t, w.Stop(t.Context()))
}

func TestWatcherLifeCycle(t *testing.T) {
	t.Parallel()
	_, err := NewWatcher(WatchConfig{}, func(Change) {})
	require.Error(t, err)
	w, err := NewWatcher(WatchConfig{Root: t.TempDir()}, func(Change) {})
	require.NoError(t, err)
	require.NoError(t, w.Stop(t.Context()), "before Start")
	require.Error(t, w.Start(t.Context()), "after Stop")

	w, err = NewWatcher(WatchConfig{Root: filepath.Join(t.TempDir(), "not", "there")}, func(Change) {})
	require.NoError(t, err)
	require.NoError(t, w.Start(t.Context()), "the root may come later")
	require.Error(t, w.Start(t.Context()), "twice")
	require.NoError(t, w.Stop(t.Context()))
}

func TestWatcherWaitsForTheCompiler(t *testing.T) {
	t.Parallel()
	root := app(t, map[string]string{"tsconfig.json": "{}", "src/a.ts": "1", "dist/a.js": "1"})
	changes := watching(t, WatchConfig{Root: root, Quiet: 600 * time.Millisecond, MaxWait: time.Millisecond})
	// Sources alone are nothing to reload for. Then the compiler writes, and takes longer than other changes are held back.
	write(t, root, map[string]string{"src/a.ts": "2", "src/b.mts": "1", "dist/a.d.ts": "1", "dist/a.js.map": "{}"})
	write(t, root, map[string]string{"dist/a.js": "2"})
	for _, name := range []string{"dist/b.js.map", "dist/b.js", "dist/c.js.map", "dist/c.js"} {
		write(t, root, map[string]string{name: "1"})
	}
	select {
	case c := <-changes:
		require.Equal(t, []string{"dist/a.js", "dist/b.js", "dist/c.js"}, c.Paths, "one change with all that was written")
	case <-time.After(5 * time.Second):
		require.Fail(t, "no change")
	}
}
