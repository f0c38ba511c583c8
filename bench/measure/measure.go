// Package measure reads what a stretch of work cost: time, this process's processor time and memory, and what Redis saw of it.
package measure

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/durango-functions/durango/bench/redisserver"
)

// Costs are what a stretch of work cost.
type Costs struct {
	Elapsed time.Duration
	// HostCPU is this process's processor time: the engine, its client, and the program that drives them.
	HostCPU time.Duration
	// PeakHeap is how many bytes the heap grew at most, garbage that is not collected yet among them.
	PeakHeap uint64
	// Others is how many cores everything else on the machine kept busy on average: other programs, and the kernel's part in the network.
	Others float64
	// Redis is what the server did; nil for an engine without one.
	Redis *redisserver.Stats
}

// Meter measures from Begin to End.
type Meter struct {
	server *redisserver.Server
	before *redisserver.Stats
	cpu    time.Duration
	busy   time.Duration
	began  time.Time
	heap   *heapWatch
}

// Begin collects garbage and starts to measure. server may be nil.
func Begin(ctx context.Context, server *redisserver.Server) (*Meter, error) {
	m := &Meter{server: server}
	runtime.GC()
	var err error
	if server != nil {
		if m.before, err = server.Stats(ctx); err != nil {
			return nil, fmt.Errorf("reading Redis's counters: %w", err)
		}
	}
	if m.cpu, err = processCPU(); err != nil {
		return nil, err
	}
	if m.busy, err = machineCPU(); err != nil {
		return nil, err
	}
	m.heap = watchHeap()
	m.began = time.Now()
	return m, nil
}

// End reads the costs. It must be called once after Begin, also when the work has failed.
func (m *Meter) End(ctx context.Context) (*Costs, error) {
	c := &Costs{Elapsed: time.Since(m.began)}
	c.PeakHeap = m.heap.stop()
	cpu, err := processCPU()
	if err != nil {
		return nil, err
	}
	c.HostCPU = cpu - m.cpu
	busy, err := machineCPU()
	if err != nil {
		return nil, err
	}
	others := busy - m.busy - c.HostCPU
	if m.server != nil {
		after, err := m.server.Stats(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading Redis's counters: %w", err)
		}
		c.Redis = after.Since(m.before)
		others -= c.Redis.CPU
	}
	c.Others = max(0, others.Seconds()/c.Elapsed.Seconds())
	return c, nil
}

func processCPU() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("reading this process's processor time: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// machineCPU is the processor time that all programs have used, the time that a hypervisor gave to other machines among it.
func machineCPU() (time.Duration, error) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("reading the machine's processor time (Linux only): %w", err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	const tick = 10 * time.Millisecond
	const idle, ioWait, steal = 4, 5, 8
	var busy time.Duration
	for i, field := range strings.Fields(line) {
		if i == 0 || i == idle || i == ioWait || i > steal { // the rest is counted among user and nice already
			continue
		}
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %w", err)
		}
		busy += time.Duration(ticks) * tick
	}
	return busy, nil
}

// heapWatch samples the size of the heap.
type heapWatch struct {
	base, peak uint64
	done       chan struct{}
	wg         sync.WaitGroup
}

func watchHeap() *heapWatch {
	h := &heapWatch{base: heapBytes(), done: make(chan struct{})}
	h.peak = h.base
	h.wg.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				h.peak = max(h.peak, heapBytes())
			case <-h.done:
				return
			}
		}
	})
	return h
}

func (h *heapWatch) stop() uint64 {
	close(h.done)
	h.wg.Wait()
	return max(h.peak, heapBytes()) - h.base
}

// heapBytes is the size of all objects on the heap. Unlike runtime.ReadMemStats it stops nothing.
func heapBytes() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// Percentile is the p-th percentile, p from 0 to 100, of some times; 0 of none.
func Percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

// Millis is a time in milliseconds.
func Millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Micros is a time in microseconds.
func Micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
