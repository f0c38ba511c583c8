package node

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/worker"
)

// TestRecycleOfBlockedProcess: an endless loop keeps a process from everything; invocations that come after Recycle must not go there.
func TestRecycleOfBlockedProcess(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{
		"Loops/index.js": `module.exports = async () => { require("fs").writeFileSync("looping", ""); for (;;) {} }`,
		"Quick/index.js": `module.exports = async () => "quick"`,
	}, func(c *Config) { c.DrainTimeout = 100 * time.Millisecond })
	quick := activity(a, "Quick/index.js")
	_, err := a.invoke(quick, worker.StringValue("x"))
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	looping := make(chan error, 1)
	loops := activity(a, "Loops/index.js")
	go func() {
		_, err := a.ch.Invoke(ctx, &worker.Invocation{ID: "loop", Function: loops, Inputs: []worker.Input{{Name: "name", Value: worker.StringValue("x")}}})
		looping <- err
	}()
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(a.root, "looping"))
		return err == nil
	}, 20*time.Second, 5*time.Millisecond)
	cancel()
	require.ErrorIs(t, <-looping, context.Canceled)
	a.ch.Recycle("it loops")
	result, err := a.invoke(quick, worker.StringValue("x"))
	require.NoError(t, err)
	require.Equal(t, worker.StringValue("quick"), result.ReturnValue)
}
