package hostjson

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/internal/jsonpos"
)

// Warning is a sentence, with its place, about what is accepted but probably not meant.
type Warning string

// The files and keys that are accepted without effect: sections of the original host that durango has no use for.
var (
	ignoredTop = []string{"queues", "serviceBus", "eventHub", "eventHubs", "blobs", "documentDB", "sendGrid", "singleton", "aggregator",
		"healthMonitor", "extensionBundle", "managedDependencies", "managedDependency", "concurrency", "sendCanceledInvocationsToWorker",
		"metadataProviderTimeout", "telemetryMode", "applicationInsights", "tracing", "logger", "swagger", "id", "isDefaultHostConfig",
		"$schema"}
	// topOf2018 are the keys that a host.json had before it had a version.
	topOf2018 = []string{"http", "durableTask", "functions", "functionTimeout", "watchDirectories", "queues", "serviceBus", "eventHub",
		"blobs", "documentDB", "sendGrid", "singleton", "aggregator", "healthMonitor", "applicationInsights", "tracing", "logger",
		"swagger", "id"}
)

const (
	missingVersion = "The host.json file is missing the required 'version' property. See https://aka.ms/functions-hostjson for steps to " +
		"migrate the configuration file."
	moreOnVersion   = "See https://aka.ms/functions-hostjson for more information on this configuration file."
	schemaNotHost   = "This does not correspond to the function runtime version, only to the schema version of the host.json file. "
	timeoutTooShort = "FunctionTimeout must be greater than 00:00:01 and less than 10675199.02:48:05.4775807."
)

// Load returns the configuration of the app in root: defaults (the text of a host.json), overlaid by root/host.json if there is one,
// overlaid by the variables AzureFunctionsJobHost__a__b in environ ("NAME=value"). %NAME% in the hub's name is replaced from environ
// as well. root "" is an app without a folder; overrides prevail over all of these. The error joins everything that is wrong, each an error
// with file, line, key, value and what was expected.
func Load(root string, defaults []byte, environ []string, overrides ...Override) (*Config, []Warning, error) {
	cfg, d, err := load(root, defaults, environ, overrides)
	if err != nil {
		return nil, d.warnings, err
	}
	return cfg, d.warnings, nil
}

// Override is a setting that a program makes.
type Override struct {
	// Path is the setting's place: "extensions.durableTask.hubName".
	Path string
	// Source is what messages call the override: "Config.HubName".
	Source string
	// Value is the setting's value as text.
	Value string
}

func load(root string, defaults []byte, environ []string, overrides []Override) (*Config, *decoder, error) {
	d := &decoder{}
	base, err := jsonpos.Parse("the built-in host.json", defaults)
	if err != nil {
		return nil, d, err
	}
	merged := base.Root
	var file *jsonpos.File
	if root != "" {
		file, err = jsonpos.ReadFile(filepath.Join(root, FileName), FileName)
	}
	switch {
	case root == "", errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, d, err
	default:
		app, err := d.appFile(file)
		if err != nil {
			return nil, d, err
		}
		merged = merge(merged, app)
	}
	variables, _ := modernize(environment(environ))
	merged = merge(merged, variables)
	program := jsonpos.ObjectNode("program", "")
	for _, o := range overrides {
		plant(program, strings.Split(o.Path, "."), o.Source, o.Value)
	}
	merged = merge(merged, program)

	cfg := Default()
	d.decode(cfg, merged, base, lookupIn(environ))
	if err := d.err(); err != nil {
		return nil, d, err
	}
	cfg.Effective = merged.Raw()
	return cfg, d, nil
}

// appFile checks what concerns the app's file alone, and returns it in today's form.
func (d *decoder) appFile(file *jsonpos.File) (*jsonpos.Node, error) {
	for _, w := range file.Warnings {
		d.warn(w)
	}
	root := file.Root
	if root.Kind != jsonpos.Object {
		return nil, root.Expected("an object")
	}
	if err := d.checkVersion(root); err != nil {
		return nil, err
	}
	hasVersion := root.Get("version") != nil
	app, moved := modernize(root)
	for _, at := range moved {
		if hasVersion {
			d.warn(at.Problem(at.Key() + ` at the top level is the form of 2018, today its place is under "extensions"`))
		}
	}
	return app, nil
}

// checkVersion applies the rules about "version" (azure-functions-host HostJsonFileConfigurationSource.cs:177-194). An empty object needs
// none; a file of the first schema, which had none, is accepted too.
func (d *decoder) checkVersion(root *jsonpos.Node) error {
	n := root.Get("version")
	if n.IsNull() {
		if len(root.Members) == 0 {
			return nil
		}
		for _, m := range root.Members {
			if !slices.ContainsFunc(topOf2018, func(k string) bool { return strings.EqualFold(k, m.Name) }) {
				return root.Problem(missingVersion)
			}
		}
		d.warn(root.Problem(`there is no "version", the file is read in the form of 2018; add "version": "2.0"`))
		return nil
	}
	version, err := n.Text()
	if err == nil && version == "2.0" {
		return nil
	}
	if err != nil {
		version = string(n.Raw())
	}
	text := "'" + version + "' is an invalid value for host.json 'version' property. We recommend you set the 'version' property to '2.0'. "
	if strings.HasPrefix(version, "3") {
		text += schemaNotHost
	}
	return n.Problem(text + moreOnVersion)
}

// lookupIn returns the function that finds variables in environ; the last of equal names counts.
func lookupIn(environ []string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, v := range slices.Backward(environ) {
			if k, value, ok := strings.Cut(v, "="); ok && k == name {
				return value, true
			}
		}
		return "", false
	}
}

// decode fills cfg from the merged tree.
func (d *decoder) decode(cfg *Config, root *jsonpos.Node, base *jsonpos.File, lookup func(string) (string, bool)) {
	s := d.section(root, "")
	s.oneOf("version", &cfg.Version, "2.0")
	s.list("functions", &cfg.Functions)
	d.functionTimeout(s, &cfg.FunctionTimeout)
	s.list("watchDirectories", &cfg.WatchDirectories)
	s.list("watchFiles", &cfg.WatchFiles)
	retry, warnings, err := functions.ReadRetry(s.get("retry"))
	d.fail(err)
	for _, w := range warnings {
		d.warn(w)
	}
	cfg.Retry = retry
	d.logging(s.sub("logging"), &cfg.Logging)
	s.accept("httpWorker")
	if s.node.Get("customHandler").IsNull() && !s.node.Get("httpWorker").IsNull() {
		s.raw("httpWorker", &cfg.CustomHandler)
	}
	s.raw("customHandler", &cfg.CustomHandler)
	d.extensions(s.sub("extensions"), cfg, base, lookup)
	s.accept(ignoredTop...)
	s.close()
}

// functionTimeout reads the limit of an invocation (azure-functions-host ScriptJobHostOptionsSetup.cs:97-137).
func (d *decoder) functionTimeout(s *section, dst *time.Duration) {
	n := s.get("functionTimeout")
	if n == nil {
		return
	}
	text, err := n.Text()
	if err != nil && string(n.Raw()) == "-1" {
		text, err = "-1", nil
	}
	v, perr := functions.ParseTimeSpan(text)
	switch {
	case err != nil || perr != nil:
		d.fail(n.Expected(`a time span "hh:mm:ss", or "-1" for no limit`))
	case v == -24*time.Hour:
		*dst = 0
	case v < time.Second:
		d.fail(n.Problem(timeoutTooShort + " functionTimeout is " + n.Shown()))
	default:
		*dst = v
	}
}

// extensions reads http and durableTask; the sections of other extensions are none of our business, but for a name that looks like one
// of ours misspelt.
func (d *decoder) extensions(s *section, cfg *Config, base *jsonpos.File, lookup func(string) (string, bool)) {
	d.http(s.sub("http"), &cfg.HTTP)
	d.durableTask(s.sub("durableTask"), &cfg.DurableTask, base, lookup)
	if s.node == nil {
		return
	}
	for _, m := range s.node.Members {
		if near := jsonpos.Nearest(m.Name, s.known); near != "" && !containsFold(s.known, m.Name) {
			d.warn(m.At.Problem("unknown key " + m.At.Key() + ` (did you mean "` + near + `"?)`))
		}
	}
}
