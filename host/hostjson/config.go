// Package hostjson reads host.json: the settings of a host. The defaults are a host.json too, part of the binary; the app's file
// overlays them, and environment variables overlay both. Every fault is told with file, line, key, value and what was expected.
package hostjson

import (
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"github.com/durango-functions/durango/functions"
)

// FileName is the name of the file in an app's folder.
const FileName = "host.json"

// Config is the configuration of a host.
type Config struct {
	// Version is the version of the schema: "2.0".
	Version string
	// Functions names the only functions to load; empty: all.
	Functions []string
	// FunctionTimeout is the longest time that an invocation may take; 0: no limit.
	FunctionTimeout time.Duration
	// WatchDirectories are first-level folders to watch in depth although they are left out otherwise.
	WatchDirectories []string
	// WatchFiles are names of files whose change reloads the app although they are left out otherwise.
	WatchFiles []string
	// Retry is the retry policy of functions that have none of their own, nil for none.
	Retry *functions.RetryPolicy
	// Logging says what is logged.
	Logging Logging
	// CustomHandler is the section customHandler, or httpWorker as it was called before; nil when there is none.
	CustomHandler json.RawMessage
	// HTTP is extensions.http.
	HTTP HTTP
	// DurableTask is extensions.durableTask.
	DurableTask DurableTask
	// Effective is the whole configuration as one JSON object, sections of other extensions included.
	Effective json.RawMessage
}

// The log levels that slog has no names for.
const (
	LevelTrace    = slog.LevelDebug - 4
	LevelCritical = slog.LevelError + 4
	// LevelNone is above every record: nothing is logged.
	LevelNone = slog.Level(1 << 20)
)

// Logging is the section logging.
type Logging struct {
	// LogLevel is the least level that is logged, by category; "default" is for categories that are not named.
	LogLevel map[string]slog.Level
}

// Level returns the least level for a category such as "Function.HelloWorld": that of the longest category that it begins with (at a dot,
// case-insensitive), else that of "default", else Information.
func (l Logging) Level(category string) slog.Level {
	level, length := slog.LevelInfo, -1
	category = strings.ToLower(category)
	for name, v := range l.LogLevel {
		name = strings.ToLower(name)
		switch {
		case name == "default":
			if length < 0 {
				level, length = v, 0
			}
		case category == name, strings.HasPrefix(category, name+"."):
			if len(name) > length {
				level, length = v, len(name)
			}
		}
	}
	return level
}

// HTTP is the section extensions.http.
type HTTP struct {
	// RoutePrefix is the first part of all routes, without slashes around it; "": none.
	RoutePrefix string
	// MaxOutstandingRequests limits the requests that wait or run, MaxConcurrentRequests those that run; -1: no limit.
	MaxOutstandingRequests int
	MaxConcurrentRequests  int
	// DynamicThrottlesEnabled refuses requests while the machine is overloaded.
	DynamicThrottlesEnabled bool
	// CustomHeaders are added to every response.
	CustomHeaders map[string]string
	HSTS          HSTS
}

// HSTS is the section extensions.http.hsts.
type HSTS struct {
	Enabled           bool
	MaxAge            time.Duration
	IncludeSubDomains bool
	Preload           bool
	ExcludedHosts     []string
}

// DurableTask is the section extensions.durableTask.
type DurableTask struct {
	// HubName is the name of the task hub: 1 to 64 letters, digits, "-" and "_".
	HubName string
	// DefaultVersion is the version of orchestrations that are started without one.
	DefaultVersion  string
	StorageProvider StorageProvider
	// DefaultAsyncRequestSleepTime is the pause between two polls of an HTTP call that answered 202 without Retry-After.
	DefaultAsyncRequestSleepTime time.Duration
	// The concurrency limits are per host; 0: ten per core.
	MaxConcurrentActivityFunctions     int
	MaxConcurrentOrchestratorFunctions int
	MaxConcurrentEntityFunctions       int
	MaxEntityOperationBatchSize        int
	// RollbackEntityOperations drops what a failed operation of an entity has changed and sent.
	RollbackEntityOperations bool
	// LocalRPCEndpointEnabled offers the SDKs the host's own address for their calls.
	LocalRPCEndpointEnabled bool
	// MaxOrchestrationActions is the number of actions after which an orchestration fails.
	MaxOrchestrationActions int
	// OverridableExistingInstanceStates is NonRunningStates or AnyState.
	OverridableExistingInstanceStates string
	// StartTimeout bounds how long a start waits for the orchestrator to begin.
	StartTimeout time.Duration
	// MaxPayloadSize bounds one input, output, event or result, in bytes.
	MaxPayloadSize int
	// MaxCachedBytes is about how much memory instances that wait for something may take; -1 keeps none in memory.
	MaxCachedBytes int
	// MaxWorkerCachedBytes is about how much memory a worker process may take for the histories that it keeps; -1 keeps none.
	MaxWorkerCachedBytes int
}

// The values of DurableTask.OverridableExistingInstanceStates.
const (
	NonRunningStates = "NonRunningStates"
	AnyState         = "AnyState"
)

// StorageProvider is the section extensions.durableTask.storageProvider.
type StorageProvider struct {
	// Type is "redis".
	Type string
	// ConnectionName names the app setting that holds the address of Redis.
	ConnectionName string
	// PartitionCount is the number of partitions of a new hub, 1 to 256.
	PartitionCount int
	// Durability says what Redis must have done before a change is acknowledged: "memory".
	Durability string
}

// Default returns the documented defaults, which are also those of the host.json in the binary.
func Default() *Config {
	return &Config{
		Version:         "2.0",
		FunctionTimeout: 30 * time.Minute,
		Logging:         Logging{LogLevel: map[string]slog.Level{"default": slog.LevelInfo}},
		HTTP: HTTP{
			RoutePrefix:            "api",
			MaxOutstandingRequests: -1,
			MaxConcurrentRequests:  -1,
			HSTS:                   HSTS{MaxAge: 30 * 24 * time.Hour},
		},
		DurableTask: DurableTask{
			HubName:                           "TestHubName",
			StorageProvider:                   StorageProvider{Type: "redis", ConnectionName: "DURANGO_REDIS", PartitionCount: 16, Durability: "memory"},
			DefaultAsyncRequestSleepTime:      30 * time.Second,
			MaxEntityOperationBatchSize:       5000,
			RollbackEntityOperations:          true,
			LocalRPCEndpointEnabled:           true,
			MaxOrchestrationActions:           100_000,
			OverridableExistingInstanceStates: NonRunningStates,
			StartTimeout:                      30 * time.Second,
			MaxPayloadSize:                    16 << 20,
			MaxCachedBytes:                    256 << 20,
			MaxWorkerCachedBytes:              64 << 20,
		},
	}
}
