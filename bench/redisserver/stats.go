package redisserver

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Stats are counters of a server.
type Stats struct {
	// RoundTrips counts how often the server read from a connection: a pipeline is one, and so is a script.
	RoundTrips int64
	// Commands counts what clients sent and what scripts called.
	Commands int64
	// BytesIn and BytesOut are what went to the server and what came from it.
	BytesIn, BytesOut int64
	// CPU is the processor time that the server has used, with its threads for the disk.
	CPU time.Duration
	// Calls is Commands by name.
	Calls map[string]int64
}

// Stats reads the counters.
func (s *Server) Stats(ctx context.Context) (*Stats, error) {
	info, err := s.client.Info(ctx, "stats", "commandstats", "cpu").Result()
	if err != nil {
		return nil, err
	}
	out := &Stats{Calls: map[string]int64{}}
	counters := map[string]*int64{
		"total_commands_processed": &out.Commands, "total_reads_processed": &out.RoundTrips,
		"total_net_input_bytes": &out.BytesIn, "total_net_output_bytes": &out.BytesOut,
	}
	for line := range strings.SplitSeq(info, "\r\n") {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		if counter := counters[key]; counter != nil {
			if *counter, err = strconv.ParseInt(value, 10, 64); err != nil {
				return nil, fmt.Errorf("INFO %s: %w", key, err)
			}
		}
		if key == "used_cpu_sys" || key == "used_cpu_user" {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return nil, fmt.Errorf("INFO %s: %w", key, err)
			}
			out.CPU += time.Duration(seconds * float64(time.Second))
		}
		if command, ok := strings.CutPrefix(key, "cmdstat_"); ok {
			calls, _, _ := strings.Cut(strings.TrimPrefix(value, "calls="), ",")
			if out.Calls[command], err = strconv.ParseInt(calls, 10, 64); err != nil {
				return nil, fmt.Errorf("INFO %s: %w", key, err)
			}
		}
	}
	if out.RoundTrips == 0 {
		return nil, errors.New("INFO stats has no total_reads_processed: a newer Redis is needed to count round trips")
	}
	return out, nil
}

// Since is the difference to earlier counters, without our own INFO.
func (s *Stats) Since(before *Stats) *Stats {
	d := &Stats{
		RoundTrips: s.RoundTrips - before.RoundTrips - 1, Commands: s.Commands - before.Commands - 1,
		BytesIn: s.BytesIn - before.BytesIn, BytesOut: s.BytesOut - before.BytesOut, CPU: s.CPU - before.CPU,
		Calls: map[string]int64{},
	}
	for command, n := range s.Calls {
		if n -= before.Calls[command]; n > 0 && command != "info" {
			d.Calls[command] = n
		}
	}
	return d
}
