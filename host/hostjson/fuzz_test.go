package hostjson

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/durango-functions/durango/internal/jsonpos"
)

// FuzzHostJSON checks that whatever stands in host.json makes either a configuration that keeps its bounds, or errors that say where.
func FuzzHostJSON(f *testing.F) {
	defaults := rootFile(f)
	f.Add(defaults, "")
	for _, seed := range []string{
		"", "{}", "{", "[]", "null", `{"version": "2.0"}`, `{"version": 2}`, `{"http": {"routePrefix": ""}, "durableTask": {"HubName": "x"}}`,
		`{"version": "2.0", "functionTimeout": "-1", "retry": {"strategy": "fixedDelay", "maxRetryCount": 1, "delayInterval": "1"}}`,
		`{"version": "2.0", "extensions": {"durableTask": {"hubName": "%A%", "maxPayloadSize": 1e5, "storageProvider": {"cluster": "true"}}}}`,
		`{"version": "2.0", "extensions": {"http": {"customHeaders": {"a": "b"}, "hsts": {"maxAge": "1"}}}, "logging": {"logLevel": {"default": "None"}}}`,
		"\xef\xbb\xbf{\"version\": \"2.0\",} // x", "{\"a\": {\"a\": {\"A\": 1}}}", `{"version":"2.0","functions":{"0":"a"},"extensions":{"extensions":1}}`,
	} {
		f.Add([]byte(seed), "AzureFunctionsJobHost__functions__0=A")
		f.Add([]byte(seed), "AzureFunctionsJobHost__extensions__durableTask__hubName=x")
	}
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte, variable string) {
		if err := os.WriteFile(filepath.Join(root, FileName), data, 0o644); err != nil {
			t.Fatal(err)
		}
		cfg, warnings, err := Load(root, defaults, []string{variable})
		for _, w := range warnings {
			if !strings.HasPrefix(string(w), FileName+":") && !strings.HasPrefix(string(w), "environment variable ") {
				t.Fatalf("no place in %q", w)
			}
		}
		if err != nil {
			checkErrors(t, err)
			return
		}
		checkConfig(t, cfg)
	})
}

func checkErrors(t *testing.T, err error) {
	t.Helper()
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	for _, e := range list {
		var p *jsonpos.Error
		if !errors.As(e, &p) {
			t.Fatalf("%q has no position", e)
		}
		env := strings.HasPrefix(p.File, "environment variable ")
		whole := strings.Contains(p.Problem, "UTF-16")
		if p.Line == 0 && !env && !whole {
			t.Fatalf("%q has no line", e)
		}
		if p.Problem == "" && (p.Expected == "" || p.Value == "") {
			t.Fatalf("%q lacks value or expectation", e)
		}
	}
}

func checkConfig(t *testing.T, cfg *Config) {
	t.Helper()
	d := &cfg.DurableTask
	p := &d.StorageProvider
	ok := cfg.Version == "2.0" && cfg.FunctionTimeout >= 0 && hubName.MatchString(d.HubName) && p.Type == "redis" && p.ConnectionName != "" &&
		p.PartitionCount >= 1 && p.PartitionCount <= 256 && d.MaxPayloadSize >= 1024 && d.StartTimeout > 0 && d.MaxOrchestrationActions > 0 &&
		d.MaxConcurrentActivityFunctions >= 0 && d.DefaultAsyncRequestSleepTime > 0 && cfg.HTTP.MaxConcurrentRequests != 0 &&
		cfg.HTTP.MaxConcurrentRequests >= -1 && cfg.HTTP.HSTS.MaxAge > 0
	if !ok || !json.Valid(cfg.Effective) {
		t.Fatalf("accepted %+v", cfg)
	}
}
