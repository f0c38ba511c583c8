package hostjson

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/internal/jsonpos"
)

// rootFile is the host.json that is built into the binary.
func rootFile(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("../../host.json")
	require.NoError(t, err)
	return b
}

// try loads an app whose host.json has the given text.
func try(t *testing.T, text string, environ ...string) (*Config, []Warning, error) {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, FileName), []byte(text), 0o644))
	return Load(root, rootFile(t), environ)
}

func TestBuiltInFileIsTheDefaults(t *testing.T) {
	t.Parallel()
	cfg, d, err := load(t.TempDir(), rootFile(t), nil, nil)
	require.NoError(t, err)
	require.Empty(t, d.warnings)
	file, err := jsonpos.Parse(FileName, rootFile(t))
	require.NoError(t, err)
	require.Equal(t, string(file.Root.Raw()), string(cfg.Effective))
	cfg.Effective = nil
	require.Equal(t, Default(), cfg)

	for _, key := range d.used {
		n := file.Root
		for name := range strings.SplitSeq(key, ".") {
			n = n.Get(name)
		}
		require.NotNilf(t, n, "the key %s has an effect but is not in the built-in host.json", key)
	}
}

func TestDocumentationHasEveryKey(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	_, d, err := load(t.TempDir(), rootFile(t), nil, nil)
	require.NoError(t, err)
	for _, key := range d.used {
		parts := strings.Split(key, ".")
		require.Truef(t, bytes.Contains(doc, []byte("`"+parts[len(parts)-1]+"`")) || bytes.Contains(doc, []byte("`"+key+"`")),
			"docs/configuration.md does not mention %s", key)
	}
}

func TestLoadTakesEverySetting(t *testing.T) {
	t.Parallel()
	cfg, warnings, err := try(t, `{
		"version": "2.0", // the schema
		"Functions": ["A", "b"],
		"functionTimeout": "-1",
		"watchDirectories": ["node_modules"], "watchFiles": ["x.db"],
		"retry": {"strategy": "ExponentialBackoff", "maxRetryCount": -1, "minimumInterval": "00:00:01", "maximumInterval": "00:01:00"},
		"logging": {"fileLoggingMode": "always", "logLevel": {"Default": "warning", "Function.Hello": "Trace", "Host": "None"}, "applicationInsights": {"x": 1}},
		"extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"},
		"httpWorker": {"description": {"defaultExecutablePath": "x"}},
		"extensions": {
			"queues": {"batchSize": 3},
			"HTTP": {"routePrefix": "/v1/", "maxOutstandingRequests": 200, "maxConcurrentRequests": "100", "dynamicThrottlesEnabled": "true",
				"customHeaders": {"X-Frame-Options": "DENY"}, "hsts": {"isEnabled": true, "maxAge": "10", "includeSubDomains": true, "preload": true, "excludedHosts": ["a"]}},
			"durableTask": {"HubName": "%SITE%_hub", "defaultVersion": "1.0",
				"storageProvider": {"type": "Redis", "connectionName": "MyRedis", "partitionCount": 32, "durability": "Memory", "controlQueueBatchSize": 1},
				"httpSettings": {"defaultAsyncRequestSleepTimeMilliseconds": 500},
				"maxConcurrentActivityFunctions": 1, "maxConcurrentOrchestratorFunctions": 2, "maxConcurrentEntityFunctions": 3, "maxEntityOperationBatchSize": 4, "rollbackEntityOperationsOnExceptions": false,
				"localRpcEndpointEnabled": false, "extendedSessionsEnabled": true, "maxOrchestrationActions": 5, "overridableExistingInstanceStates": "anystate",
				"tracing": {"traceInputsAndOutputs": true}, "startTimeout": "00:00:05", "maxPayloadSize": 1e6},
		},
	}`, "SITE=my")
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.JSONEq(t, `{"description": {"defaultExecutablePath": "x"}}`, string(cfg.CustomHandler))
	cfg.Effective, cfg.CustomHandler = nil, nil
	require.Equal(t, &Config{
		Version: "2.0", Functions: []string{"A", "b"}, WatchDirectories: []string{"node_modules"}, WatchFiles: []string{"x.db"},
		Retry:   &functions.RetryPolicy{Strategy: functions.ExponentialBackoff, MaxRetryCount: -1, MinimumInterval: time.Second, MaximumInterval: time.Minute},
		Logging: Logging{LogLevel: map[string]slog.Level{"default": slog.LevelWarn, "Function.Hello": LevelTrace, "Host": LevelNone}},
		HTTP: HTTP{RoutePrefix: "v1", MaxOutstandingRequests: 200, MaxConcurrentRequests: 100, DynamicThrottlesEnabled: true,
			CustomHeaders: map[string]string{"X-Frame-Options": "DENY"},
			HSTS:          HSTS{Enabled: true, MaxAge: 240 * time.Hour, IncludeSubDomains: true, Preload: true, ExcludedHosts: []string{"a"}}},
		DurableTask: DurableTask{HubName: "my_hub", DefaultVersion: "1.0",
			StorageProvider:              StorageProvider{Type: "redis", ConnectionName: "MyRedis", PartitionCount: 32, Durability: "memory"},
			DefaultAsyncRequestSleepTime: 500 * time.Millisecond, MaxConcurrentActivityFunctions: 1, MaxConcurrentOrchestratorFunctions: 2,
			MaxConcurrentEntityFunctions: 3, MaxEntityOperationBatchSize: 4, MaxOrchestrationActions: 5,
			OverridableExistingInstanceStates: AnyState, StartTimeout: 5 * time.Second, MaxPayloadSize: 1_000_000, MaxCachedBytes: 256 << 20, MaxWorkerCachedBytes: 64 << 20},
	}, cfg)
	require.Equal(t, LevelTrace, cfg.Logging.Level("function.hello.User"))
	require.Equal(t, LevelNone, cfg.Logging.Level("host"))
	require.Equal(t, slog.LevelWarn, cfg.Logging.Level("Function.HelloWorld"))
	require.Equal(t, slog.LevelInfo, Logging{}.Level("x"))
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	durable := func(s string) string {
		return "{\"version\": \"2.0\", \"extensions\": {\"durableTask\": {\n" + s + "}}}"
	}
	provider := func(s string) string { return durable(`"storageProvider": {` + s + `}`) }
	http := func(s string) string { return "{\"version\": \"2.0\", \"extensions\": {\"http\": {\n" + s + "}}}" }
	top := func(s string) string { return "{\"version\": \"2.0\",\n" + s + "}" }
	tests := map[string]struct{ text, want string }{
		"syntax":          {"{\n  \"version\": \"2.0\",\n  \"http\" {}\n}", `host.json:3:10: syntax error: found '{', expected ':' after the key`},
		"bad escape":      {"{\"version\": \"a\\qb\"}", `host.json:1:15: syntax error: invalid escape in a string, write a backslash as '\\'`},
		"bad unicode":     {"{\"version\": \"\\u12x4\"}", `host.json:1:14: syntax error: invalid escape in a string, expected four hexadecimal digits after '\u'`},
		"open string":     {"{\"version\": \"2.0\n}", `host.json:2:2: syntax error: the file ends inside a string, a closing '"' is missing`},
		"broken string":   {"{\"version\": \"2.0\n\"}", `host.json:1:17: syntax error: a string does not end in its line, a closing '"' is missing`},
		"tab in a string": {"{\"version\": \"2\t0\"}", `host.json:1:15: syntax error: character U+0009 in a string, write it as \u0009`},
		"open comment":    {"{} /* x", `host.json:1:8: syntax error: the file ends inside a comment, a closing '*/' is missing`},
		"two values":      {"{} {}", `host.json:1:4: syntax error: found '{', expected nothing more after the end of the value`},
		"bare word":       {"{\"version\": yes}", `host.json:1:13: syntax error: found 'yes', expected a value: an object, an array, a string in double quotes, a number, true, false or null`},
		"single quotes":   {"{'version': 1}", `host.json:1:2: syntax error: found ''', expected a value: an object, an array, a string in double quotes, a number, true, false or null`},
		"bare key":        {"{version: 1}", `host.json:1:2: syntax error: found 'version', expected a value: an object, an array, a string in double quotes, a number, true, false or null`},
		"number as key":   {"{1: 1}", `host.json:1:2: syntax error: found '1', expected a key in double quotes`},
		"array":           {"[]", `host.json:1:1: the value is [], expected an object`},
		"no version":      {`{"extensions": {}}`, "host.json:1:1: " + missingVersion},
		"version 1.0": {`{"version": "1.0"}`, "host.json:1:13: '1.0' is an invalid value for host.json 'version' property. We recommend you set the 'version' property to '2.0'. " +
			moreOnVersion},
		"version 3": {`{"version": "3.0"}`, "host.json:1:13: '3.0' is an invalid value for host.json 'version' property. We recommend you set the 'version' property to '2.0'. " +
			schemaNotHost + moreOnVersion},
		"version as number": {`{"version": 2.0}`, "host.json:1:13: '2.0' is an invalid value for host.json 'version' property. We recommend you set the 'version' property to '2.0'. " +
			moreOnVersion},
		"functions":           {top(`"functions": "A"`), `host.json:2:14: functions is "A", expected an array of strings`},
		"functions elements":  {top(`"functions": ["A", 5]`), `host.json:2:20: functions[1] is 5, expected a string`},
		"functionTimeout":     {top(`"functionTimeout": "5 min"`), `host.json:2:20: functionTimeout is "5 min", expected a time span "hh:mm:ss", or "-1" for no limit`},
		"functionTimeout 0":   {top(`"functionTimeout": "00:00:00.5"`), `host.json:2:20: ` + timeoutTooShort + ` functionTimeout is "00:00:00.5"`},
		"functionTimeout int": {top(`"functionTimeout": 300`), `host.json:2:20: functionTimeout is 300, expected a time span "hh:mm:ss", or "-1" for no limit`},
		"watchFiles":          {top(`"watchFiles": {"0": "a"}`), `host.json:2:15: watchFiles is {"0":"a"}, expected an array of strings`},
		"retry":               {top(`"retry": {"strategy": "fixedDelay", "maxRetryCount": "many"}`), "host.json:2:10: retry.delayInterval is missing, expected a time span of 0 or more, \"hh:mm:ss\"\nhost.json:2:54: retry.maxRetryCount is \"many\", expected a whole number, -1 or more"},
		"retry text":          {top(`"retry": "never"`), `host.json:2:10: retry is "never", expected an object with "strategy" and "maxRetryCount"`},
		"logLevel":            {top(`"logging": {"logLevel": {"Function": "Loud"}}`), `host.json:2:38: logging.logLevel.Function is "Loud", expected one of Trace, Debug, Information, Warning, Error, Critical, None`},
		"logLevel text":       {top(`"logging": {"logLevel": "Debug"}`), `host.json:2:25: logging.logLevel is "Debug", expected an object with strings as values`},
		"logging":             {top(`"logging": true`), `host.json:2:12: logging is true, expected an object`},
		"customHandler":       {top(`"customHandler": "x"`), `host.json:2:18: customHandler is "x", expected an object`},
		"extensions":          {top(`"extensions": []`), `host.json:2:15: extensions is [], expected an object`},
		"routePrefix":         {http(`"routePrefix": 5`), `host.json:2:16: extensions.http.routePrefix is 5, expected a string`},
		"maxOutstanding":      {http(`"maxOutstandingRequests": 0`), `host.json:2:27: extensions.http.maxOutstandingRequests is 0, expected a whole number, 1 or more, or -1 for no limit`},
		"maxConcurrent":       {http(`"maxConcurrentRequests": 1.5`), `host.json:2:26: extensions.http.maxConcurrentRequests is 1.5, expected a whole number, 1 or more, or -1 for no limit`},
		"throttles":           {http(`"dynamicThrottlesEnabled": "maybe"`), `host.json:2:28: extensions.http.dynamicThrottlesEnabled is "maybe", expected true or false`},
		"header name":         {http(`"customHeaders": {"a b": "x"}`), `host.json:2:26: extensions.http.customHeaders.a b: "a b" is no name of an HTTP header`},
		"header value":        {http(`"customHeaders": {"a": "x\r\ny"}`), `host.json:2:24: extensions.http.customHeaders.a is "x\u000d\u000ay", expected a header value in one line`},
		"hsts":                {http(`"hsts": {"maxAge": "1 year"}`), `host.json:2:20: extensions.http.hsts.maxAge is "1 year", expected a time span greater than zero, "hh:mm:ss"`},
		"hubName":             {durable(`"hubName": "my hub"`), `host.json:2:12: extensions.durableTask.hubName is "my hub", expected 1 to 64 letters, digits, "-" and "_"`},
		"hubName number":      {durable(`"hubName": 5`), `host.json:2:12: extensions.durableTask.hubName is 5, expected 1 to 64 letters, digits, "-" and "_"`},
		"hubName unresolved":  {durable(`"hubName": "%NO%"`), `host.json:2:12: '%NO%' does not resolve to a value. extensions.durableTask.hubName is "%NO%", set the app setting NO`},
		"hubName resolved":    {durable(`"hubName": "%BAD%"`), `host.json:2:12: extensions.durableTask.hubName is "%BAD%", which resolves to "a/b", expected 1 to 64 letters, digits, "-" and "_"`},
		"type":                {provider(`"type": "sqlite"`), `host.json:2:29: extensions.durableTask.storageProvider.type is "sqlite", expected "redis"`},
		"connectionName":      {provider(`"connectionName": ""`), `host.json:2:39: extensions.durableTask.storageProvider.connectionName is "", expected the name of an app setting`},
		"partitionCount":      {provider(`"partitionCount": 0`), `host.json:2:39: extensions.durableTask.storageProvider.partitionCount is 0, expected a whole number from 1 to 256`},
		"partitionCount text": {provider(`"partitionCount": "sixteen"`), `host.json:2:39: extensions.durableTask.storageProvider.partitionCount is "sixteen", expected a whole number from 1 to 256`},
		"durability":          {provider(`"durability": "aof"`), `host.json:2:35: extensions.durableTask.storageProvider.durability is "aof", expected "memory"`},
		"cluster":             {provider(`"cluster": true`), `host.json:2:32: extensions.durableTask.storageProvider.cluster is true: Redis Sentinel and Redis Cluster are not supported yet, remove the key`},
		"sentinels": {provider(`"masterName": "m", "sentinelAddresses": ["a:1"]`), `host.json:2:35: extensions.durableTask.storageProvider.masterName is "m": Redis Sentinel and Redis Cluster are not supported yet, remove the key` +
			"\n" + `host.json:2:61: extensions.durableTask.storageProvider.sentinelAddresses is ["a:1"]: Redis Sentinel and Redis Cluster are not supported yet, remove the key`},
		"sleep time":     {durable(`"httpSettings": {"defaultAsyncRequestSleepTimeMilliseconds": "00:00:01"}`), `host.json:2:62: extensions.durableTask.httpSettings.defaultAsyncRequestSleepTimeMilliseconds is "00:00:01", expected a whole number, 1 or more`},
		"concurrency":    {durable(`"maxConcurrentActivityFunctions": -1`), `host.json:2:35: extensions.durableTask.maxConcurrentActivityFunctions is -1, expected a whole number, 0 or more`},
		"overridable":    {durable(`"overridableExistingInstanceStates": "All"`), `host.json:2:38: extensions.durableTask.overridableExistingInstanceStates is "All", expected "NonRunningStates" or "AnyState"`},
		"startTimeout":   {durable(`"startTimeout": "00:00:00"`), `host.json:2:17: extensions.durableTask.startTimeout is "00:00:00", expected a time span greater than zero, "hh:mm:ss"`},
		"maxPayloadSize": {durable(`"maxPayloadSize": 1e30`), `host.json:2:19: extensions.durableTask.maxPayloadSize is 1e30, expected a whole number from 1024 to 536870912`},
		"all at once":    {top("\"functions\": 1,\n\"watchFiles\": 2"), "host.json:2:14: functions is 1, expected an array of strings\nhost.json:3:15: watchFiles is 2, expected an array of strings"},
		"top level http": {top(`"http": {"routePrefix": []}`), `host.json:2:25: http.routePrefix is [], expected a string`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, _, err := try(t, tt.text, "BAD=a/b")
			require.Nil(t, cfg)
			require.EqualError(t, err, tt.want)
			require.NotNil(t, jsonpos.AsError(err))
		})
	}
}

func TestLoadWarns(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want []Warning
	}{
		"top":           {"{\"version\": \"2.0\",\n\"fonctions\": []}", []Warning{`host.json:2:1: unknown key fonctions (did you mean "functions"?)`}},
		"far from all":  {`{"version": "2.0", "zzzzzzzz": 1}`, []Warning{`host.json:1:20: unknown key zzzzzzzz`}},
		"http":          {`{"version": "2.0", "extensions": {"http": {"routePrefx": ""}}}`, []Warning{`host.json:1:44: unknown key extensions.http.routePrefx (did you mean "routePrefix"?)`}},
		"extension":     {`{"version": "2.0", "extensions": {"durabletasks": {}, "kafka": {"x": 1}}}`, []Warning{`host.json:1:35: unknown key extensions.durabletasks (did you mean "durableTask"?)`}},
		"durableTask":   {`{"version": "2.0", "extensions": {"durableTask": {"hubNme": "x"}}}`, []Warning{`host.json:1:51: unknown key extensions.durableTask.hubNme (did you mean "hubName"?)`}},
		"provider":      {`{"version": "2.0", "extensions": {"durableTask": {"storageProvider": {"partitions": 3}}}}`, []Warning{`host.json:1:71: unknown key extensions.durableTask.storageProvider.partitions`}},
		"retry":         {`{"version": "2.0", "retry": {"strategy": "fixedDelay", "maxRetryCount": 1, "delayInterval": "1", "maxRetries": 1}}`, []Warning{`host.json:1:98: unknown key retry.maxRetries`}},
		"duplicate":     {"{\"version\": \"2.0\",\n\"version\": \"2.0\"}", []Warning{`host.json:2:1: the key "version" is given twice, first in line 1; the last one counts`}},
		"2018":          {"{\"http\": {\"routePrefix\": \"\"}}", []Warning{`host.json:1:1: there is no "version", the file is read in the form of 2018; add "version": "2.0"`}},
		"2018 in today": {"{\"version\": \"2.0\", \"http\": {\"routePrefix\": \"\"}}", []Warning{`host.json:1:20: http at the top level is the form of 2018, today its place is under "extensions"`}},
		"other backend": {`{"version": "2.0", "extensions": {"durableTask": {"storageProvider": {"type": "mssql", "connectionStringName": "x", "whatever": 1}}}}`,
			[]Warning{`host.json:1:79: extensions.durableTask.storageProvider.type is "mssql"; the task hub of durango is Redis, so this section has no effect. Set "type" to "redis" to configure it`}},
		"storage account": {`{"version": "2.0", "extensions": {"durableTask": {"storageProvider": {"connectionName": "AzureWebJobsStorage"}}}}`,
			[]Warning{`host.json:1:89: extensions.durableTask.storageProvider.connectionName is "AzureWebJobsStorage", the storage account of the app; the address of Redis is still taken from the app setting DURANGO_REDIS`}},
		"empty file": {"{}", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, warnings, err := try(t, tt.text)
			require.NoError(t, err)
			require.Equal(t, tt.want, warnings)
			require.Equal(t, "DURANGO_REDIS", cfg.DurableTask.StorageProvider.ConnectionName)
		})
	}
}

func TestLoadReadsTheFormOf2018(t *testing.T) {
	t.Parallel()
	cfg, warnings, err := try(t, `{"durableTask": {"HubName": "Old", "partitionCount": 4, "traceInputsAndOutputs": true, "logReplayEvents": true},
		"http": {"routePrefix": ""}, "functionTimeout": "00:05:00", "queues": {"batchSize": 1}, "id": "x"}`)
	require.NoError(t, err)
	require.Len(t, warnings, 1)
	require.Equal(t, "Old", cfg.DurableTask.HubName)
	require.Empty(t, cfg.HTTP.RoutePrefix)
	require.Equal(t, 5*time.Minute, cfg.FunctionTimeout)
	require.Equal(t, 16, cfg.DurableTask.StorageProvider.PartitionCount, "partitions of the old backend are none of ours")

	cfg, _, err = try(t, `{"version": "2.0", "durableTask": {"HubName": "Old", "maxOrchestrationActions": 7}, "extensions": {"durableTask": {"hubName": "New"}}}`)
	require.NoError(t, err)
	require.Equal(t, "New", cfg.DurableTask.HubName, "today's place prevails")
	require.Equal(t, 7, cfg.DurableTask.MaxOrchestrationActions)
}

func TestEnvironmentOverlaysTheFile(t *testing.T) {
	t.Parallel()
	cfg, warnings, err := try(t, `{"version": "2.0", "functions": ["X", "Y"], "functionTimeout": "00:01:00", "extensions": {"http": {"routePrefix": "file"}}}`,
		"AzureFunctionsJobHost__functions__0=A", "AzureFunctionsJobHost__functions__2=C", "azurefunctionsjobhost__EXTENSIONS__Http__RoutePrefix=",
		"AzureFunctionsJobHost__extensions__durableTask__storageProvider__partitionCount=4", "AzureFunctionsJobHost__logging__logLevel__Function.X=Debug",
		"AzureFunctionsJobHost__watchFiles__1=b", "AzureFunctionsJobHost__watchFiles__0=a", "AzureFunctionsJobHost:functionTimeout=00:02:00",
		"AzureFunctionsJobHost__extensions__durableTask__localRpcEndpointEnabled=False", "AzureFunctionsJobHost__=x", "AzureFunctionsJobHostX__functions__0=Z",
		"AzureFunctionsJobHost__retry__strategy=fixedDelay", "AzureFunctionsJobHost__retry__maxRetryCount=2", "AzureFunctionsJobHost__retry__delayInterval=00:00:01",
		"AzureFunctionsJobHost__a____b=x", "no equals sign")
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.Equal(t, []string{"A", "Y", "C"}, cfg.Functions)
	require.Equal(t, []string{"a", "b"}, cfg.WatchFiles)
	require.Empty(t, cfg.HTTP.RoutePrefix)
	require.Equal(t, 2*time.Minute, cfg.FunctionTimeout)
	require.Equal(t, 4, cfg.DurableTask.StorageProvider.PartitionCount)
	require.False(t, cfg.DurableTask.LocalRPCEndpointEnabled)
	require.Equal(t, slog.LevelDebug, cfg.Logging.LogLevel["Function.X"])
	require.Equal(t, &functions.RetryPolicy{Strategy: functions.FixedDelay, MaxRetryCount: 2, DelayInterval: time.Second}, cfg.Retry)

	for variable, want := range map[string]string{
		"AzureFunctionsJobHost__extensions__http__maxConcurrentRequests=many": `environment variable AzureFunctionsJobHost__extensions__http__maxConcurrentRequests: extensions.http.maxConcurrentRequests is "many", expected a whole number, 1 or more, or -1 for no limit`,
		"AzureFunctionsJobHost__extensions=x":                                 `environment variable AzureFunctionsJobHost__extensions: extensions is "x", expected an object`,
		"AzureFunctionsJobHost__functions=A":                                  `environment variable AzureFunctionsJobHost__functions: functions is "A", expected an array of strings`,
		"AzureFunctionsJobHost__functions__x=A":                               `environment variable AzureFunctionsJobHost__functions__x: functions is {"x":"A"}, expected an array of strings`,
	} {
		_, _, err := try(t, `{}`, variable)
		require.EqualError(t, err, want)
	}
	_, warnings, err = try(t, `{}`, "AzureFunctionsJobHost__functionTimout=00:00:10")
	require.NoError(t, err)
	require.Equal(t, []Warning{`environment variable AzureFunctionsJobHost__functionTimout: unknown key functionTimout (did you mean "functionTimeout"?)`}, warnings)
}

func TestHubNameOfTheSite(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, site, want string }{
		{`{}`, "", "TestHubName"},
		{`{}`, "my-site.x", "mysitex"},
		{`{}`, "---", "TestHubName"},
		{`{}`, strings.Repeat("a", 100), strings.Repeat("a", 64)},
		{`{"version": "2.0", "extensions": {"durableTask": {"hubName": "TestHubName"}}}`, "site", "TestHubName"},
		{`{"version": "2.0", "extensions": {"durableTask": {"hubName": null}}}`, "site", "site"},
	} {
		cfg, _, err := try(t, tt.text, "WEBSITE_SITE_NAME="+tt.site)
		require.NoError(t, err)
		require.Equal(t, tt.want, cfg.DurableTask.HubName, tt)
	}
}

func TestLoadWithoutDefaults(t *testing.T) {
	t.Parallel()
	cfg, _, err := Load(t.TempDir(), []byte("{}"), nil)
	require.NoError(t, err)
	cfg.Effective = nil
	require.Equal(t, Default(), cfg)
	_, _, err = Load(t.TempDir(), []byte("{"), nil)
	require.ErrorContains(t, err, "the built-in host.json:1:2")

	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, FileName), 0o755))
	_, _, err = Load(root, []byte("{}"), nil)
	require.EqualError(t, err, "host.json: is a directory, expected a file")
}
