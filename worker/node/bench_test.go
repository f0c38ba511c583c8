package node

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

func benchChannel(b *testing.B) (*Channel, *functions.Function) {
	b.Helper()
	root := b.TempDir()
	path := filepath.Join(root, "F", "index.js")
	require.NoError(b, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(b, os.WriteFile(path, []byte(`module.exports = async (context, input) => input;`), 0o644))
	ch := New(Config{Root: root})
	fn := &functions.Function{
		Name: "F", Dir: filepath.Dir(path), ScriptFile: path,
		Bindings: []functions.Binding{{Type: "activityTrigger", Name: "input", Direction: functions.In}},
	}
	require.NoError(b, ch.Start(ctxFor(b)))
	b.Cleanup(func() { require.NoError(b, ch.Stop(ctxFor(b))) })
	require.NoError(b, ch.Load(ctxFor(b), fn))
	return ch, fn
}

// BenchmarkInvoke measures an activity that does nothing, from Go to JavaScript and back.
func BenchmarkInvoke(b *testing.B) {
	for _, inFlight := range []int{1, 32} {
		b.Run(fmt.Sprintf("inflight=%d", inFlight), func(b *testing.B) {
			ch, fn := benchChannel(b)
			b.ReportAllocs()
			b.ResetTimer()
			work := make(chan struct{})
			var wg sync.WaitGroup
			for range inFlight {
				wg.Go(func() {
					for range work {
						inv := &worker.Invocation{ID: "i", Function: fn, Inputs: []worker.Input{{Name: "input", Value: worker.StringValue(`"Tokyo"`)}}}
						if _, err := ch.Invoke(b.Context(), inv); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for range b.N {
				work <- struct{}{}
			}
			close(work)
			wg.Wait()
		})
	}
}

// BenchmarkStart measures the time until a process is ready, and until it has ended.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		ch := New(Config{Root: b.TempDir()})
		require.NoError(b, ch.Start(b.Context()))
		b.StopTimer()
		require.NoError(b, ch.Stop(b.Context()))
		b.StartTimer()
	}
}
