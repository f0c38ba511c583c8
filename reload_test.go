package durango_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango"
	"github.com/durango-functions/durango/durable"
)

// TestReload changes the declarations of functions whose code stays.
func TestReload(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		file := filepath.Join(root, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file+".tmp~", []byte(text), 0o600))
		require.NoError(t, os.Rename(file+".tmp~", file))
	}
	declares := func(trigger string) string {
		return `{"bindings": [{"type": "` + trigger + `", "name": "context", "direction": "in"}]}`
	}
	write("Waits/function.json", declares("orchestrationTrigger"))
	logger, log := logTo(t)
	logged := func(text string) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(log.String(), text) }, 10*time.Second, 5*time.Millisecond, text)
	}
	app := durango.NewApp()
	app.Function("Waits", func(o *durable.Orchestration) (int, error) {
		return durable.WaitForEvent[int](o, "Go").Await()
	})
	h := start(t, app, durango.Config{Root: root, Logger: logger})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	begin := func() string {
		t.Helper()
		id, err := h.Client().StartNew(ctx, "Waits", nil, durable.StartOptions{})
		require.NoError(t, err)
		return id
	}
	finish := func(id string) {
		t.Helper()
		require.NoError(t, h.Client().RaiseEvent(ctx, id, "Go", 5))
		s, err := h.Client().WaitForCompletion(ctx, id)
		require.NoError(t, err)
		require.Equal(t, durable.Completed, s.RuntimeStatus, string(s.Output))
	}

	first, second := begin(), begin()
	write("Waits/function.json", "{")
	logged("Function Waits is broken: ")
	finish(first) // its code is as good as ever

	write("Waits/function.json", declares("activityTrigger"))
	logged("The app was not reloaded and goes on as it was:")
	logged("function Waits (reload_test.go:")

	write("Waits/function.json", declares("orchestrationTrigger"))
	logged("Reloaded in")
	require.Eventually(t, func() bool {
		_, err := h.Client().Start(ctx, "Waits", nil, durable.StartOptions{})
		return err == nil
	}, 10*time.Second, 5*time.Millisecond)
	finish(second)
}
