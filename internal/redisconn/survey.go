package redisconn

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Report is what a server says of itself. Strings are empty, and MaxMemory is -1, where it does not tell.
type Report struct {
	Version         string // of Redis, or the one that a work-alike claims
	Role            string // "master" or "slave"
	Master          string // host:port of the master, of a replica
	AppendOnly      string // "yes" or "no"
	AppendFsync     string // "always", "everysec" or "no"
	Save            string // "" after a successful CONFIG GET: no snapshots
	SaveKnown       bool
	MaxMemory       int64 // bytes, 0: no limit
	MaxMemoryPolicy string
	Replicas        int
	// InMemory says that it is the miniredis of this project, which keeps nothing.
	InMemory bool
}

// minMajor.minMinor is the oldest Redis whose commands the task hub's scripts can use.
const minMajor, minMinor = 6, 2

// The failures of Survey that callers may want to tell apart.
var (
	// ErrOldServer says that the server lacks commands that the task hub needs.
	ErrOldServer = errors.New("the Redis server is too old")
	// ErrEvicts says that the server may throw away state when its memory is full.
	ErrEvicts = errors.New("the Redis server may evict state")
	// ErrReplica says that the server takes no writes.
	ErrReplica = errors.New("the Redis server is a replica")
)

// Survey asks the server what it will survive. An error is a server that cannot hold a task hub (ErrOldServer, ErrEvicts, ErrReplica), or one
// that does not answer; the report holds then what is known.
func Survey(ctx context.Context, client redis.UniversalClient) (Report, error) {
	r := Report{MaxMemory: -1}
	text, err := client.Info(ctx).Result()
	switch {
	case redis.IsPermissionError(err):
	case err != nil:
		return r, fmt.Errorf("asking the Redis server about itself: %w", err)
	}
	info := parseInfo(text)
	r.Version, r.Role, r.MaxMemoryPolicy = info["redis_version"], info["role"], info["maxmemory_policy"]
	if r.Role == "slave" {
		r.Master = info["master_host"] + ":" + info["master_port"]
	}
	r.Replicas, _ = strconv.Atoi(info["connected_slaves"])
	if n, err := strconv.ParseInt(info["maxmemory"], 10, 64); err == nil {
		r.MaxMemory = n
	}
	switch info["aof_enabled"] {
	case "1":
		r.AppendOnly = "yes"
	case "0":
		r.AppendOnly = "no"
	}
	if err := readConfig(ctx, client, &r); err != nil {
		return r, err
	}
	// miniredis tells its clients and nothing more; each server tells its version.
	r.InMemory = err == nil && r.Version == "" && r.Role == "" && info["connected_clients"] != "" && r.AppendOnly == ""
	return r, r.check()
}

// readConfig adds what only CONFIG tells. Servers run by a provider often refuse it.
func readConfig(ctx context.Context, client redis.UniversalClient, r *Report) error {
	for _, setting := range []string{"appendonly", "appendfsync", "save", "maxmemory", "maxmemory-policy"} {
		values, err := client.ConfigGet(ctx, setting).Result()
		var refused redis.Error
		if errors.As(err, &refused) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("asking the Redis server for its setting %s: %w", setting, err)
		}
		value, found := values[setting]
		if !found {
			continue
		}
		switch setting {
		case "appendonly":
			r.AppendOnly = value
		case "appendfsync":
			r.AppendFsync = value
		case "save":
			r.Save, r.SaveKnown = value, true
		case "maxmemory":
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				r.MaxMemory = n
			}
		case "maxmemory-policy":
			r.MaxMemoryPolicy = value
		}
	}
	return nil
}

// check returns why the server cannot hold a task hub.
func (r Report) check() error {
	if r.Version != "" && !r.recent() {
		return fmt.Errorf("%w: it is version %s, and %d.%d or later is needed", ErrOldServer, r.Version, minMajor, minMinor)
	}
	if r.Role == "slave" {
		return fmt.Errorf("%w of %s and takes no writes: connect to that", ErrReplica, r.Master)
	}
	if r.evicting() && r.MaxMemory != 0 {
		limit := "an unknown limit"
		if r.MaxMemory > 0 {
			limit = fmt.Sprintf("%d bytes", r.MaxMemory)
		}
		return fmt.Errorf("%w: its maxmemory-policy is %s and its maxmemory %s, so it drops orchestrations when its memory is full; set maxmemory-policy to noeviction, or use a server without a limit",
			ErrEvicts, r.MaxMemoryPolicy, limit)
	}
	return nil
}

func (r Report) evicting() bool { return r.MaxMemoryPolicy != "" && r.MaxMemoryPolicy != "noeviction" }

// recent reports whether the version is minMajor.minMinor or later; a version that is no number is let pass.
func (r Report) recent() bool {
	major, rest, _ := strings.Cut(r.Version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, err1 := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	return err1 != nil || a > minMajor || a == minMajor && (err2 != nil || b >= minMinor)
}

func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if key, value, found := strings.Cut(strings.TrimSpace(line), ":"); found {
			info[key] = value
		}
	}
	return info
}
