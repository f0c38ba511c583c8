package engine_test

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/internal/redistest"
)

// BenchmarkSequence runs orchestrations of three activities, 100 in flight, and reports what Redis sees of each.
func BenchmarkSequence(b *testing.B) {
	h := startHost(b, redistest.Real(b), redistest.HubName(b), "a", usual())
	client := redis.NewClient(redistest.Real(b))
	defer func() { require.NoError(b, client.Close()) }()
	before := serverStats(b, client)
	slots := make(chan struct{}, 100)
	b.ResetTimer()
	for i := range b.N {
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			id := fmt.Sprint("i", i)
			err := h.Create(b.Context(), durable.CreateRequest{Name: "Sequence", InstanceID: id, ExecutionID: id + "x"})
			if err == nil {
				_, err = h.Wait(b.Context(), id, durable.RuntimeStatus.IsFinished)
			}
			if err != nil {
				b.Error(err)
			}
		}()
	}
	for range cap(slots) {
		slots <- struct{}{}
	}
	b.StopTimer()
	after := serverStats(b, client)
	for name, v := range after {
		b.ReportMetric((v-before[name])/float64(b.N), name+"/op")
	}
}

// serverStats reads figures that tell what a server has done.
func serverStats(tb testing.TB, client *redis.Client) map[string]float64 {
	tb.Helper()
	info, err := client.InfoMap(tb.Context(), "stats", "cpu").Result()
	require.NoError(tb, err)
	out := map[string]float64{}
	for section, key := range map[string]string{"total_net_input_bytes": "Stats", "total_commands_processed": "Stats", "total_reads_processed": "Stats"} {
		var v float64
		_, err := fmt.Sscan(info[key][section], &v)
		require.NoError(tb, err)
		out[section] = v
	}
	return out
}
