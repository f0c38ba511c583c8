package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/engine"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/internal/redistest"
)

// BenchmarkHelloSequence5 runs orchestrations of five activities in sequence, in Go, and reports what they cost Redis and this process.
func BenchmarkHelloSequence5(b *testing.B) {
	for _, inFlight := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(inFlight), func(b *testing.B) { benchmarkHello(b, inFlight) })
	}
}

func benchmarkHello(b *testing.B, inFlight int) {
	a := helloApp()
	h := startHost(b, redistest.Real(b), redistest.HubName(b), "a", a, func(c *engine.Config) {
		c.Logger = slog.New(slog.DiscardHandler)
	})
	client := redis.NewClient(redistest.Real(b))
	defer func() { require.NoError(b, client.Close()) }()
	slots := make(chan struct{}, inFlight)
	run := func(n int, prefix string) {
		for i := range n {
			slots <- struct{}{}
			go func() {
				defer func() { <-slots }()
				id := prefix + strconv.Itoa(i)
				err := h.store.Create(b.Context(), durable.CreateRequest{Name: "HelloSequence5", InstanceID: id, ExecutionID: id + "x"})
				if err == nil {
					_, err = h.store.Wait(b.Context(), id, durable.RuntimeStatus.IsFinished)
				}
				if err != nil {
					b.Error(err)
				}
			}()
		}
		for range cap(slots) {
			slots <- struct{}{}
		}
		for range cap(slots) {
			<-slots
		}
	}
	run(inFlight, "w")
	before, cpu := serverStats(b, client), ownCPU()
	b.ResetTimer()
	run(b.N, "i")
	b.StopTimer()
	after := serverStats(b, client)
	for name, v := range after {
		b.ReportMetric((v-before[name])/float64(b.N), name+"/op")
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "/s")
	b.ReportMetric((ownCPU()-cpu)*1e6/float64(b.N), "host_cpu_us/op")
}

func ownCPU() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// helloApp has HelloSequence5 in Go, without the delays that tests need.
func helloApp() *app {
	a := newApp()
	a.activities["SayHello"] = func(_ context.Context, in json.RawMessage) (any, error) {
		var name string
		err := json.Unmarshal(in, &name)
		return "Hello " + name + "!", err
	}
	a.native["HelloSequence5"] = func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		var out []string
		for _, city := range []string{"Tokyo", "Seattle", "London", "Amsterdam", "Mumbai"} {
			t := s.Activity(inproc.Call{Name: "SayHello", Input: raw(city)})
			s.Await(t)
			var greeting string
			if err := json.Unmarshal(t.Result(), &greeting); err != nil {
				return nil, err
			}
			out = append(out, greeting)
		}
		return json.Marshal(out)
	}
	return a
}

// serverStats reads figures that tell what a server has done.
func serverStats(tb testing.TB, client *redis.Client) map[string]float64 {
	tb.Helper()
	info, err := client.InfoMap(tb.Context(), "stats", "cpu").Result()
	require.NoError(tb, err)
	out := map[string]float64{}
	for section, key := range map[string]string{"total_net_input_bytes": "Stats", "total_commands_processed": "Stats", "total_reads_processed": "Stats", "used_cpu_user": "CPU", "used_cpu_sys": "CPU"} {
		var v float64
		_, err := fmt.Sscan(info[key][section], &v)
		require.NoError(tb, err)
		out[section] = v
	}
	cmds, err := client.Info(tb.Context(), "commandstats").Result()
	require.NoError(tb, err)
	for line := range strings.Lines(cmds) {
		name, stats, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "cmdstat_"), ":")
		if !ok || os.Getenv("DURANGO_BENCH_COMMANDS") == "" {
			continue
		}
		for field := range strings.SplitSeq(stats, ",") {
			if text, found := strings.CutPrefix(field, "usec="); found {
				v, err := strconv.ParseFloat(text, 64)
				require.NoError(tb, err)
				out[name+"_us"] = v
			}
		}
	}
	return out
}
