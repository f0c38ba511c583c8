package hostjson

import (
	"log/slog"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/internal/jsonpos"
)

var (
	hubName    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	notInHub   = regexp.MustCompile(`[^A-Za-z0-9]`)
)

// logLevels are the level names of the original, in rising order.
var logLevels = []struct {
	name  string
	level slog.Level
}{
	{"Trace", LevelTrace}, {"Debug", slog.LevelDebug}, {"Information", slog.LevelInfo}, {"Warning", slog.LevelWarn},
	{"Error", slog.LevelError}, {"Critical", LevelCritical}, {"None", LevelNone},
}

// ParseLevel returns the level of a name such as "Information", in any case.
func ParseLevel(name string) (slog.Level, bool) {
	for _, l := range logLevels {
		if strings.EqualFold(name, l.name) {
			return l.level, true
		}
	}
	return 0, false
}

func (d *decoder) logging(s *section, l *Logging) {
	s.table("logLevel", func(name, value string, at *jsonpos.Node) {
		level, ok := ParseLevel(value)
		if !ok {
			d.fail(at.Expected("one of Trace, Debug, Information, Warning, Error, Critical, None"))
			return
		}
		if strings.EqualFold(name, "default") {
			name = "default"
		}
		l.LogLevel[name] = level
	})
	s.accept("fileLoggingMode", "console", "applicationInsights", "openTelemetry", "isDefaultHostConfig")
	s.close()
}

func (d *decoder) http(s *section, h *HTTP) {
	s.text("routePrefix", &h.RoutePrefix)
	h.RoutePrefix = strings.Trim(h.RoutePrefix, "/")
	d.limit(s, "maxOutstandingRequests", &h.MaxOutstandingRequests)
	d.limit(s, "maxConcurrentRequests", &h.MaxConcurrentRequests)
	s.boolean("dynamicThrottlesEnabled", &h.DynamicThrottlesEnabled)
	s.table("customHeaders", func(name, value string, at *jsonpos.Node) {
		switch {
		case !headerName.MatchString(name):
			d.fail(at.Problem(at.Key() + ": " + jsonpos.Quote(name) + " is no name of an HTTP header"))
		case strings.ContainsAny(value, "\r\n\x00"):
			d.fail(at.Expected("a header value in one line"))
		default:
			if h.CustomHeaders == nil {
				h.CustomHeaders = map[string]string{}
			}
			h.CustomHeaders[name] = value
		}
	})
	hsts := s.sub("hsts")
	hsts.boolean("isEnabled", &h.HSTS.Enabled)
	hsts.span("maxAge", &h.HSTS.MaxAge)
	hsts.boolean("includeSubDomains", &h.HSTS.IncludeSubDomains)
	hsts.boolean("preload", &h.HSTS.Preload)
	hsts.list("excludedHosts", &h.HSTS.ExcludedHosts)
	hsts.close()
	s.close()
}

// limit reads a number of requests; -1 is no limit.
func (d *decoder) limit(s *section, key string, dst *int) {
	n := s.get(key)
	if n == nil {
		return
	}
	v, err := n.Int(-1, math.MaxInt32)
	if err != nil || v == 0 {
		d.fail(n.Expected("a whole number, 1 or more, or -1 for no limit"))
		return
	}
	*dst = int(v)
}

func (d *decoder) durableTask(s *section, t *DurableTask, base *jsonpos.File, lookup func(string) (string, bool)) {
	d.hubName(s, &t.HubName, base, lookup)
	s.text("defaultVersion", &t.DefaultVersion)
	d.storageProvider(s.sub("storageProvider"), &t.StorageProvider)
	h := s.sub("httpSettings")
	millis := int(t.DefaultAsyncRequestSleepTime.Milliseconds())
	h.integer("defaultAsyncRequestSleepTimeMilliseconds", &millis, 1, math.MaxInt32)
	t.DefaultAsyncRequestSleepTime = time.Duration(millis) * time.Millisecond
	h.accept("useDefaultHttpClientHandler")
	h.close()
	s.integer("maxConcurrentActivityFunctions", &t.MaxConcurrentActivityFunctions, 0, math.MaxInt32)
	s.integer("maxConcurrentOrchestratorFunctions", &t.MaxConcurrentOrchestratorFunctions, 0, math.MaxInt32)
	s.integer("maxConcurrentEntityFunctions", &t.MaxConcurrentEntityFunctions, 0, math.MaxInt32)
	s.integer("maxEntityOperationBatchSize", &t.MaxEntityOperationBatchSize, 1, math.MaxInt32)
	s.boolean("rollbackEntityOperationsOnExceptions", &t.RollbackEntityOperations)
	s.boolean("localRpcEndpointEnabled", &t.LocalRPCEndpointEnabled)
	s.integer("maxOrchestrationActions", &t.MaxOrchestrationActions, 1, math.MaxInt32)
	s.oneOf("overridableExistingInstanceStates", &t.OverridableExistingInstanceStates, NonRunningStates, AnyState)
	s.span("startTimeout", &t.StartTimeout)
	s.integer("maxPayloadSize", &t.MaxPayloadSize, 1024, 512<<20)
	s.integer("maxCachedBytes", &t.MaxCachedBytes, -1, 1<<40)
	s.integer("maxWorkerCachedBytes", &t.MaxWorkerCachedBytes, -1, 1<<40)
	s.accept("extendedSessionsEnabled", "extendedSessionIdleTimeoutInSeconds", "entityMessageReorderWindowInMinutes",
		"useGracefulShutdown", "useAppLease", "appLeaseOptions",
		"storeInputsInOrchestrationHistory", "throwStatusExceptionsOnRaiseEvent", "tracing", "notifications",
		// Options that stood here in the generation of 2018.
		"controlQueueBatchSize", "controlQueueBufferThreshold", "partitionCount", "controlQueueVisibilityTimeout",
		"workItemQueueVisibilityTimeout", "azureStorageConnectionStringName", "trackingStoreConnectionStringName",
		"trackingStoreNamePrefix", "maxQueuePollingInterval", "traceInputsAndOutputs", "logReplayEvents", "eventGridTopicEndpoint",
		"eventGridKeySettingName", "eventGridPublishRetryCount", "eventGridPublishRetryInterval", "eventGridPublishRetryHttpStatus",
		"eventGridPublishEventTypes", "notificationUrl")
	s.close()
}

// hubName reads the name of the task hub. Nobody having named it, it is the name of the site, as far as a hub may be called so
// (azure-functions-durable-extension DurableTaskOptions.cs:40-64).
func (d *decoder) hubName(s *section, dst *string, base *jsonpos.File, lookup func(string) (string, bool)) {
	n := s.get("hubName")
	if n == nil || n == base.Root.Get("extensions").Get("durableTask").Get("hubName") {
		site, _ := lookup("WEBSITE_SITE_NAME")
		if site = notInHub.ReplaceAllString(site, ""); site != "" {
			*dst = site[:min(len(site), 64)]
			return
		}
	}
	if n == nil {
		return
	}
	const expected = `1 to 64 letters, digits, "-" and "_"`
	text, err := n.Text()
	if err != nil {
		d.fail(n.Expected(expected))
		return
	}
	name, missing := functions.ResolveSettings(text, lookup)
	for _, m := range missing {
		d.fail(n.Problem("'%" + m + "%' does not resolve to a value. " + n.Key() + " is " + n.Shown() + ", set the app setting " + m))
	}
	switch {
	case missing != nil:
	case !hubName.MatchString(name) && name != text:
		e := n.Expected(expected)
		e.Value += ", which resolves to " + jsonpos.Quote(name)
		d.fail(e)
	case !hubName.MatchString(name):
		d.fail(n.Expected(expected))
	default:
		*dst = name
	}
}

// otherBackends are the storage providers of the original. An app made for them runs on Redis here.
var otherBackends = []string{"azureStorage", "AzureStorage", "mssql", "netherite", "azureManaged", "emulator"}

func (d *decoder) storageProvider(s *section, p *StorageProvider) {
	s.accept("controlQueueBatchSize", "controlQueueBufferThreshold", "controlQueueVisibilityTimeout", "workItemQueueVisibilityTimeout",
		"trackingStoreConnectionName", "trackingStoreConnectionStringName", "trackingStoreNamePrefix", "fetchLargeMessagesAutomatically",
		"maxQueuePollingInterval", "connectionStringName", "useLegacyPartitionManagement", "useTablePartitionManagement",
		"queueClientMessageEncoding")
	if n := s.node.Get("type"); !n.IsNull() {
		if text, err := n.Text(); err == nil && containsFold(otherBackends, text) {
			s.known = append(s.known, "type")
			d.warn(n.Problem(n.Key() + " is " + n.Shown() + `; the task hub of durango is Redis, so this section has no effect. Set "type" to ` +
				`"redis" to configure it`))
			return
		}
	}
	s.oneOf("type", &p.Type, "redis")
	name := p.ConnectionName
	if n := s.text("connectionName", &name); n != nil {
		switch {
		case name == "":
			d.fail(n.Expected("the name of an app setting"))
		case strings.EqualFold(name, "AzureWebJobsStorage"), strings.EqualFold(name, "Storage"):
			d.warn(n.Problem(n.Key() + " is " + n.Shown() + ", the storage account of the app; the address of Redis is still taken from " +
				"the app setting " + p.ConnectionName))
		default:
			p.ConnectionName = name
		}
	}
	s.integer("partitionCount", &p.PartitionCount, 1, 256)
	s.oneOf("durability", &p.Durability, "memory")
	d.reserved(s)
	s.close()
}

// reserved refuses the keys that are kept for Redis Sentinel and Redis Cluster.
func (d *decoder) reserved(s *section) {
	var master string
	var sentinels []string
	var cluster bool
	s.text("masterName", &master)
	s.list("sentinelAddresses", &sentinels)
	s.boolean("cluster", &cluster)
	for _, k := range []struct {
		key string
		set bool
	}{{"masterName", master != ""}, {"sentinelAddresses", len(sentinels) > 0}, {"cluster", cluster}} {
		if k.set {
			n := s.node.Get(k.key)
			d.fail(n.Problem(n.Key() + " is " + n.Shown() + ": Redis Sentinel and Redis Cluster are not supported yet, remove the key"))
		}
	}
}
