package host

import (
	"cmp"
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/durango-functions/durango/host/settings"
	"github.com/durango-functions/durango/worker"
	"github.com/durango-functions/durango/worker/node"
)

// Names of app settings that concern the worker.
const (
	processCountSetting = "FUNCTIONS_WORKER_PROCESS_COUNT"
	nodeArgsSetting     = "languageWorkers:node:arguments"
)

// maxProcesses is the largest number of worker processes (azure-functions-host WorkerProcessCountOptions.cs).
const maxProcesses = 10

// coresPerProcess is how many cores there are for each worker process unless the app settings say otherwise: the host and Redis need as much as
// the worker does, and a process holds a copy of the app and what its modules keep in memory.
const coresPerProcess = 4

// newNodeChannel makes the channel that runs JavaScript functions, those of entry files among them.
func newNodeChannel(h *Host, s *settings.Settings, entry []string) channel {
	args := h.cfg.NodeArgs
	if text, ok := s.Lookup(nodeArgsSetting); ok {
		args = append(args[:len(args):len(args)], strings.Fields(text)...)
	}
	return node.New(node.Config{
		Root: h.root, Entry: entry, Env: h.workerEnviron(s), NodeArgs: args, Processes: h.processCount(s, args), KeepBytes: cmp.Or(h.config.DurableTask.MaxWorkerCachedBytes, -1),
		Logger: h.cfg.Logger.With(categoryKey, "Worker.node"),
		OnLog:  h.logOfWorker,
	})
}

// processCount is the number of worker processes.
func (h *Host) processCount(s *settings.Settings, nodeArgs []string) int {
	text, ok := s.Lookup(processCountSetting)
	if !ok {
		return defaultProcessCount(runtime.NumCPU(), nodeArgs)
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 1 || n > maxProcesses {
		h.logger.Warn("setting "+processCountSetting+" is of no use: expected a number from 1 to 10; one worker process runs", "value", text)
		return 1
	}
	return n
}

// defaultProcessCount is one process per coresPerProcess cores, and one alone while it is debugged.
func defaultProcessCount(cores int, nodeArgs []string) int {
	if slices.ContainsFunc(nodeArgs, func(arg string) bool { return strings.HasPrefix(arg, "--inspect") }) {
		return 1
	}
	return min(max(cores/coresPerProcess, 1), maxProcesses)
}

// workerEnviron is the environment of the app's code: that of this process, the app settings, and what the contracts put into it
// (azure-functions-core-tools StartHostAction.cs:296-345).
func (h *Host) workerEnviron(s *settings.Settings) []string {
	// The SDKs take their URLs' origin from WEBSITE_HOSTNAME, and know no other name for this machine than localhost.
	own := map[string]string{
		"WEBSITE_HOSTNAME":            h.authority(h.websiteName()),
		"AzureWebJobsScriptRoot":      h.root,
		"AZURE_FUNCTIONS_ENVIRONMENT": "Development",
		"FUNCTIONS_EXTENSION_VERSION": "~4",
	}
	environ := make([]string, 0, len(own)+64)
	for _, e := range s.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if _, replaced := own[name]; !replaced {
			environ = append(environ, e)
		}
	}
	for name, value := range own {
		environ = append(environ, name+"="+value)
	}
	return environ
}

// websiteName is the name of this host in URLs that functions hand out.
func (h *Host) websiteName() string {
	if isLoopback(h.cfg.Address) || h.reachableName() != h.cfg.Address {
		return "localhost"
	}
	return h.cfg.Address
}

// logOfWorker puts a line of a worker into the host's log.
func (h *Host) logOfWorker(r worker.LogRecord) {
	logger := h.cfg.Logger.With(categoryKey, r.Category)
	var attrs []slog.Attr
	if r.Function != "" {
		attrs = append(attrs, slog.Any("function", data{r.Function}))
	}
	if r.InvocationID != "" {
		attrs = append(attrs, slog.Any("invocation_id", data{r.InvocationID}))
	}
	logger.LogAttrs(context.Background(), r.Level, r.Message, attrs...)
}
