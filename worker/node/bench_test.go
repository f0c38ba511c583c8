package node

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// benchChannel starts a channel with an activity that does nothing.
func benchChannel(b *testing.B) (*Channel, *functions.Function) {
	b.Helper()
	ch := New(Config{Root: b.TempDir()})
	require.NoError(b, ch.Start(ctxFor(b)))
	b.Cleanup(func() { require.NoError(b, ch.Stop(ctxFor(b))) })
	return ch, benchFunction(b, ch, "F", "activityTrigger input", `module.exports = async (context, input) => input;`)
}

func benchFunction(b *testing.B, ch *Channel, name, binding, code string) *functions.Function {
	b.Helper()
	path := filepath.Join(ch.cfg.Root, name, "index.js")
	require.NoError(b, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(b, os.WriteFile(path, []byte(code), 0o644))
	typ, binds, _ := strings.Cut(binding, " ")
	fn := &functions.Function{
		Name: name, Dir: filepath.Dir(path), ScriptFile: path,
		Bindings: []functions.Binding{{Type: typ, Name: binds, Direction: functions.In}},
	}
	require.NoError(b, ch.Load(ctxFor(b), fn))
	return fn
}

// measure runs what next makes, b.N times and that many at once, and reports the median time and the processor time of node.
func measure(b *testing.B, ch *Channel, inFlight int, next func() func() error) {
	b.Helper()
	times := make([]time.Duration, b.N)
	work := make(chan int)
	var mu sync.Mutex
	var wg sync.WaitGroup
	node := nodeCPU(b, ch)
	b.ResetTimer()
	for range inFlight {
		wg.Go(func() {
			for i := range work {
				mu.Lock()
				run := next()
				mu.Unlock()
				began := time.Now()
				if err := run(); err != nil {
					b.Error(err)
				}
				times[i] = time.Since(began)
			}
		})
	}
	for i := range b.N {
		work <- i
	}
	close(work)
	wg.Wait()
	b.StopTimer()
	slices.Sort(times)
	b.ReportMetric(float64(times[b.N/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
	b.ReportMetric(float64((nodeCPU(b, ch)-node).Microseconds())/float64(b.N), "node-µs/op")
}

// nodeCPU is the processor time that the channel's processes have used.
func nodeCPU(b *testing.B, ch *Channel) (total time.Duration) {
	b.Helper()
	for _, s := range ch.slots {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.current.cmd.Process.Pid))
		require.NoError(b, err)
		const utime, stime, tick = 11, 12, 10 * time.Millisecond // after the name in brackets
		fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
		for _, i := range []int{utime, stime} {
			n, err := strconv.Atoi(fields[i])
			require.NoError(b, err)
			total += time.Duration(n) * tick
		}
	}
	return total
}

// BenchmarkInvoke measures an activity that does nothing, from Go to JavaScript and back.
func BenchmarkInvoke(b *testing.B) {
	for _, inFlight := range []int{1, 32} {
		b.Run(fmt.Sprintf("inflight=%d", inFlight), func(b *testing.B) {
			ch, fn := benchChannel(b)
			b.ReportAllocs()
			measure(b, ch, inFlight, func() func() error {
				inv := &worker.Invocation{ID: "i", Function: fn, Inputs: []worker.Input{{Name: "input", Value: worker.StringValue(`"Tokyo"`)}}}
				return func() error {
					_, err := ch.Invoke(b.Context(), inv)
					return err
				}
			})
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
