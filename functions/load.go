package functions

import (
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/durango-functions/durango/internal/jsonpos"
)

// configKeys are the keys of function.json that mean something to durango, or once did to a tool.
var configKeys = []string{"bindings", "scriptFile", "entryPoint", "retry", "configurationSource", "disabled", "generatedBy", "language",
	"$schema", "functionTimeout", "excluded", "name"}

// loader collects what is wrong with one function while it is read.
type loader struct {
	opts     *Options
	code     *codeIndex
	fn       *Function
	reasons  []string
	warnings []string
	// nodes are the bindings' places, in step with fn.Bindings.
	nodes []*jsonpos.Node
	// partial is true when a binding could not be read, so that rules about all bindings together say nothing.
	partial bool
	// registered is the function as an entry file has registered it; nil: a folder or Go code declares it.
	registered *Registered
}

// reason notes a fault of the function: one of the contract's sentences, and the place at fault unless at is nil.
func (l *loader) reason(sentence string, at *jsonpos.Node, hints ...string) {
	var notes []string
	if at != nil {
		notes = append(notes, at.Where())
	}
	for _, h := range hints {
		if h != "" {
			notes = append(notes, h)
		}
	}
	if len(notes) > 0 {
		sentence += " (" + strings.Join(notes, "; ") + ")"
	}
	l.reasons = append(l.reasons, sentence)
}

// fail notes an error, or each of joined errors, as a fault.
func (l *loader) fail(err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			l.fail(e)
		}
		return
	}
	l.reasons = append(l.reasons, sentence(err.Error()))
}

func (l *loader) warn(err *jsonpos.Error) {
	l.warnings = append(l.warnings, sentence(err.Error()))
}

func sentence(s string) string {
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// load reads the function in root/name. It returns nil when the folder holds no function, and an error when that cannot be told.
func load(root, name string, opts *Options, code *codeIndex) (*loader, error) {
	dir := filepath.Join(root, name)
	if ok, err := hasConfig(dir); !ok {
		return nil, err
	}
	l := newLoader(name, name+"/"+ConfigFile, opts, code)
	l.fn.Dir = dir
	l.readFile(jsonpos.ReadFile(filepath.Join(dir, ConfigFile), l.fn.Source))
	return l, nil
}

func newLoader(name, source string, opts *Options, code *codeIndex) *loader {
	l := &loader{opts: opts, code: code, fn: &Function{Name: name, Source: source}}
	if !validFunctionName(name) {
		l.reason("'"+name+"' is not a valid function name.", nil, "expected a letter, then up to 127 letters, digits, _ and -; host is reserved")
	}
	return l
}

// readFile fills the function from a function.json, unless err says that there is none to read.
func (l *loader) readFile(file *jsonpos.File, err error) {
	if err != nil {
		l.fail(err)
		return
	}
	for _, w := range file.Warnings {
		l.warn(w)
	}
	if file.Root.Kind != jsonpos.Object {
		l.fail(file.Root.Expected("an object"))
		return
	}
	l.read(file.Root)
}

// read fills the function from the root of its function.json.
func (l *loader) read(root *jsonpos.Node) {
	l.fn.Config = root.Raw()
	for _, m := range root.Members {
		if near := jsonpos.Nearest(m.Name, configKeys); near != "" && !containsFold(configKeys, m.Name) {
			l.warn(m.At.Problem("unknown key " + jsonpos.Quote(m.Name) + ` (did you mean "` + near + `"?)`))
		}
	}
	l.readDisabled(root.Get("disabled"))
	l.readBindings(root)
	l.readSource(root.Get("configurationSource"))
	if n := root.Get("entryPoint"); !n.IsNull() {
		text, err := n.Text()
		l.fail(err)
		l.fn.EntryPoint = text
	}
	switch {
	case l.registered != nil: // the worker has its code already
	case l.fn.Dir == "":
		l.fn.Language, l.fn.Handler = Go, l.fn.Name
	default:
		l.readScript(root.Get("scriptFile"))
	}
	retry, warnings, err := ReadRetry(root.Get("retry"))
	for _, w := range warnings {
		l.warn(w)
	}
	l.fail(err)
	if l.fn.Retry = retry; retry == nil {
		l.fn.Retry = l.opts.DefaultRetry
	}
	l.validateBindings(root)
}

// readSource checks configurationSource (azure-functions-host HostFunctionMetadataProvider.cs:151-162).
func (l *loader) readSource(n *jsonpos.Node) {
	if n.IsNull() {
		return
	}
	text, err := n.Text()
	if err != nil {
		l.fail(n.Expected(`"config" or "attributes"`))
	} else if !strings.EqualFold(text, "attributes") && !strings.EqualFold(text, "config") {
		l.reason("Illegal value '"+text+"' for 'configurationSource' property in "+l.fn.Name+".", n)
	}
}

// readDisabled evaluates both switches: "disabled" in function.json, which is a boolean or names an app setting, and the setting
// AzureWebJobs.<function>.Disabled.
func (l *loader) readDisabled(n *jsonpos.Node) {
	if !n.IsNull() {
		switch text, err := n.Text(); {
		case n.Kind == jsonpos.Bool:
			l.fn.Disabled, _ = n.Bool()
		case err != nil:
			l.fail(n.Expected("true, false or the name of an app setting"))
		default:
			if v, literal := switchValue(text); literal {
				l.fn.Disabled = v
			} else {
				l.disabledBySetting(strings.Trim(text, "%"))
			}
		}
	}
	l.disabledBySetting("AzureWebJobs." + l.fn.Name + ".Disabled")
	l.disabledBySetting("AzureWebJobs__" + l.fn.Name + "__Disabled") // where names with dots cannot be set
}

func (l *loader) disabledBySetting(name string) {
	value, ok := l.opts.lookup(name)
	if !ok {
		return
	}
	on, valid := switchValue(value)
	if !valid && strings.TrimSpace(value) != "" {
		l.warnings = append(l.warnings, "The app setting "+name+" is "+jsonpos.Quote(value)+
			`, expected "true" or "1" to disable the function, "false" or "0" to leave it enabled.`)
	}
	l.fn.Disabled = l.fn.Disabled || on
}

// switchValue reads the text of a switch.
func switchValue(s string) (on, valid bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

func (l *loader) readBindings(root *jsonpos.Node) {
	list := root.Get("bindings")
	switch {
	case !list.IsNull() && list.Kind != jsonpos.Array:
		l.partial = true
		l.fail(list.Expected("an array of objects"))
		return
	case list.IsNull() || len(list.Elements) == 0:
		at := list
		if at == nil {
			at = root
		}
		l.partial = true
		l.reason("At least one binding must be declared.", at)
		return
	}
	for _, n := range list.Elements {
		if n.Kind != jsonpos.Object {
			l.partial = true
			l.fail(n.Expected("an object"))
			continue
		}
		l.fn.Bindings = append(l.fn.Bindings, l.readBinding(n))
		l.nodes = append(l.nodes, n)
	}
}

// readBinding reads one binding object (azure-functions-host BindingMetadata.cs:77-128). Enumerations compare without regard to case; a
// missing direction is "in".
func (l *loader) readBinding(n *jsonpos.Node) Binding {
	b := Binding{Direction: In, Properties: make(map[string]json.RawMessage, len(n.Members))}
	text := func(key string) (string, *jsonpos.Node) {
		v := n.Get(key)
		if v.IsNull() {
			return "", nil
		}
		s, err := v.Text()
		if err != nil {
			l.partial = true
			l.fail(err)
			return "", nil
		}
		return s, v
	}
	b.Name, _ = text("name")
	b.Type, _ = text("type")
	if s, at := text("direction"); at != nil {
		switch d := Direction(strings.ToLower(s)); d {
		case In, Out, InOut:
			b.Direction = d
		default:
			l.partial = true
			l.reason("'"+s+"' is not a valid binding direction.", at, "expected in, out or inout")
		}
	}
	enum := func(key string, values ...string) string {
		s, at := text(key)
		if at != nil && !containsFold(values, s) {
			l.fail(at.Expected("one of " + strings.Join(values, ", ")))
		}
		return strings.ToLower(s)
	}
	b.DataType = enum("dataType", "undefined", "string", "binary", "stream")
	b.Cardinality = enum("cardinality", "one", "many")
	for _, m := range n.Members {
		b.Properties[m.Name] = l.resolve(m)
	}
	if n.Get("connection") != nil {
		if _, at := text("connection"); at != nil {
			b.Connection = b.StringProperty("connection")
			l.checkConnection(b.Connection, at)
		}
	}
	return b
}

// checkConnection warns about a connection that names a setting which is not there. What needs the connection fails on its own.
func (l *loader) checkConnection(name string, at *jsonpos.Node) {
	if l.opts.Lookup == nil || name == "" {
		return
	}
	for _, candidate := range []string{name, "AzureWebJobs" + name, "ConnectionStrings:" + name} {
		if _, ok := l.opts.lookup(candidate); ok {
			return
		}
	}
	l.warn(at.Problem("the connection names the app setting " + jsonpos.Quote(name) + ", which is not set"))
}
