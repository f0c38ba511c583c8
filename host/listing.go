package host

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/durango-functions/durango/functions"
)

// listedFunction is one line of the listing.
type listedFunction struct {
	Name string
	// How tells how to call the function: methods and URL, or its trigger.
	How string
}

// appListing is what was found in an app, for people.
type appListing struct {
	HTTP, Others, Manual []listedFunction
	Broken               []*functions.LoadError
	Disabled             []string
	Management           string
}

func (l *appListing) all() []listedFunction {
	return append(append(append([]listedFunction(nil), l.HTTP...), l.Manual...), l.Others...)
}

// listing sorts an app's functions for people.
func (h *Host) listing(a *app) *appListing {
	base := h.URL()
	l := &appListing{Management: managementURL(base), Broken: a.functions.Errors}
	for _, fn := range a.functions.Functions {
		if fn.Disabled {
			l.Disabled = append(l.Disabled, fn.Name)
			continue
		}
		if e := a.unloadable[strings.ToLower(fn.Name)]; e != nil {
			l.Broken = append(l.Broken[:len(l.Broken):len(l.Broken)], &functions.LoadError{Function: fn.Name, Reasons: []string{e.Error()}})
			continue
		}
		trigger := fn.Trigger()
		switch strings.ToLower(trigger.Type) {
		case httpTrigger:
			l.HTTP = append(l.HTTP, listedFunction{fn.Name, httpHow(base, a.config.HTTP.RoutePrefix, fn.Name, trigger)})
		case manualTrigger:
			l.Manual = append(l.Manual, listedFunction{fn.Name, trigger.Type})
		case timerTrigger:
			l.Others = append(l.Others, listedFunction{fn.Name, trigger.Type + " " + trigger.StringProperty("schedule")})
		default:
			l.Others = append(l.Others, listedFunction{fn.Name, trigger.Type})
		}
	}
	return l
}

// httpHow is "[GET,POST] http://localhost:7071/api/hello/{name?}".
func httpHow(base, prefix, name string, trigger *functions.Binding) string {
	if base == "" {
		return trigger.Type + ", which is not served: the host listens on no port"
	}
	route := trigger.StringProperty("route")
	if strings.Trim(route, "/ ") == "" {
		route = name
	}
	var methods []string
	if raw := trigger.Property("methods"); raw != nil && json.Unmarshal(raw, &methods) != nil {
		methods = nil
	}
	how := templateURL(base, prefix, route)
	if len(methods) > 0 {
		how = "[" + strings.ToUpper(strings.Join(methods, ",")) + "] " + how
	}
	return how
}

// announceAddress tells where the host listens, before anything else, for people and programs.
func (h *Host) announceAddress() {
	if h.listener == nil {
		return
	}
	if h.cfg.Out == nil {
		h.logger.Info("Listening on "+h.URL(), "url", data{h.URL()}, "version", data{h.cfg.Version})
		return
	}
	fmt.Fprintf(h.cfg.Out, "durango %s\nListening on %s\n", h.cfg.Version, h.URL())
}

// printListing tells what was found.
func (h *Host) printListing() {
	a := h.current.Load()
	if a == nil {
		return
	}
	l := h.listing(a)
	h.reportBroken(l.Broken)
	if h.cfg.Out == nil {
		h.reportEntry(a)
		h.logListing(l)
		return
	}
	var b strings.Builder
	b.WriteString("\nFunctions:\n\n")
	for _, fn := range l.HTTP {
		fmt.Fprintf(&b, "\t%s: %s\n\n", fn.Name, fn.How)
	}
	for _, fn := range l.Others {
		fmt.Fprintf(&b, "\t%s: %s\n\n", fn.Name, fn.How)
	}
	for _, fn := range l.Manual {
		fmt.Fprintf(&b, "\t%s: %s\n\t\t%s\n\t\t%s\n\n", fn.Name, fn.How, h.runCommand(fn.Name), h.curlCommand(fn.Name))
	}
	if len(l.HTTP)+len(l.Others)+len(l.Manual) == 0 {
		fmt.Fprintf(&b, "\tNone.%s\n\n", h.whereFunctionsAre(a))
	}
	for i := range a.entryFaults {
		fmt.Fprintf(&b, "\tFunctions in code are missing:\n\t\t%s\n\n", strings.ReplaceAll(a.entryFaults[i].detail(), "\n", "\n\t\t"))
	}
	for _, e := range l.Broken {
		fmt.Fprintf(&b, "\t%s: broken\n", e.Function)
		for _, reason := range e.Reasons {
			fmt.Fprintf(&b, "\t\t%s\n", strings.ReplaceAll(plainReason(e.Function, reason), "\n", "\n\t\t"))
		}
		b.WriteByte('\n')
	}
	for _, name := range l.Disabled {
		fmt.Fprintf(&b, "Function %s is disabled.\n", name)
	}
	fmt.Fprintf(&b, "Management API: %s\n\n", l.Management)
	if h.cfg.EnableAuth {
		fmt.Fprintf(&b, "Keys are demanded; they are in %s\n\n", filepath.Join(stateDir, "keys.json"))
	}
	fmt.Fprint(h.cfg.Out, b.String())
}

// runCommand is the command that triggers a manual function.
func (h *Host) runCommand(name string) string {
	command := "durango run " + name
	if h.cfg.Root != "" && h.cfg.Root != "." {
		command += " --root " + h.cfg.Root
	}
	return command
}

func (h *Host) curlCommand(name string) string {
	key := ""
	if h.cfg.EnableAuth {
		key = ` -H "x-functions-key: <master key>"`
	}
	return fmt.Sprintf(`curl -X POST%s -H "Content-Type: application/json" -d '{"input":"..."}' %s/admin/functions/%s`, key, h.URL(), name)
}

// logListing is the listing for logs that programs read.
func (h *Host) logListing(l *appListing) {
	for _, fn := range l.all() {
		h.logger.Info(fmt.Sprintf("Found function %s: %s", fn.Name, fn.How), "function", data{fn.Name})
	}
	for _, name := range l.Disabled {
		h.logger.Info(fmt.Sprintf("Function %s is disabled.", name), "function", data{name})
	}
}

// reportBroken logs why functions do not work.
func (h *Host) reportBroken(broken []*functions.LoadError) {
	if h.cfg.Out != nil && h.currentState() != stateRunning {
		return // the listing says it
	}
	for _, e := range broken {
		reasons := make([]string, len(e.Reasons))
		for i, reason := range e.Reasons {
			reasons[i] = plainReason(e.Function, reason)
		}
		h.logger.Error(fmt.Sprintf("Function %s is broken: %s", e.Function, strings.Join(reasons, " ")), "function", data{e.Function})
	}
}

// plainReason is a reason without the words that a line which names the function has said already.
func plainReason(function, reason string) string {
	if message, found := strings.CutPrefix(reason, "Worker was unable to load function "+function+": '"); found {
		reason = strings.TrimSuffix(message, "'")
	}
	return strings.TrimRight(reason, "\n")
}

// whereFunctionsAre says what makes a function of an app that has none.
func (h *Host) whereFunctionsAre(a *app) string {
	if h.root == "" {
		return ""
	}
	return fmt.Sprintf(" Each folder of %s with a function.json is a function%s, and so is what the files that \"main\" of package.json names register.", h.root, h.unlessExcluded(a))
}

// unlessExcluded says that a function allow list is in force.
func (h *Host) unlessExcluded(a *app) string {
	if len(h.cfg.Functions) == 0 && len(a.config.Functions) == 0 {
		return ""
	}
	return " if the function allow list names it"
}
