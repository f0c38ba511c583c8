package settings

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/durango-functions/durango/internal/jsonpos"
)

// Load returns the app settings: environ ("NAME=value"), and below it the values of root/local.settings.json, if there is such a file and
// root is not "". A
// value that is no plain string costs that value, with a warning, and never the others. The error is that of a file that is no JSON or
// is encrypted, or of a wrong value in Host; it tells file, line, key, value and what was expected.
func Load(root string, environ []string) (*Settings, []Warning, error) {
	l := &loader{s: New(environ, nil)}
	if root == "" {
		return l.s, nil, nil
	}
	file, err := jsonpos.ReadFile(filepath.Join(root, FileName), FileName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return l.s, nil, nil
	case err != nil:
		return nil, nil, err
	}
	for _, w := range file.Warnings {
		l.warn(w)
	}
	if err := l.read(file.Root); err != nil {
		return nil, l.warnings, err
	}
	return l.s, l.warnings, nil
}

type loader struct {
	s        *Settings
	warnings []Warning
	errs     []error
}

func (l *loader) warn(err *jsonpos.Error) { l.warnings = append(l.warnings, Warning(err.Error())) }

func (l *loader) fail(err error) {
	if err != nil {
		l.errs = append(l.errs, err)
	}
}

// topKeys are the sections of the file.
var topKeys = []string{"IsEncrypted", "Values", "Host", "ConnectionStrings"}

func (l *loader) read(root *jsonpos.Node) error {
	if root.Kind != jsonpos.Object {
		return root.Expected("an object")
	}
	l.unknown(root, topKeys)
	if n := root.Get("IsEncrypted"); !n.IsNull() {
		encrypted, err := n.Bool()
		if err != nil {
			return err
		}
		if encrypted {
			return n.Problem("IsEncrypted is true: the values are encrypted with a key of the machine that wrote the file, which only the " +
				`original tool can read. Decrypt the file with "func settings decrypt", or write the values in plain text and set ` +
				`IsEncrypted to false`)
		}
	}
	l.strings(root.Get("Values"), l.value)
	l.strings(root.Get("ConnectionStrings"), l.connectionString)
	l.host(root.Get("Host"))
	return errors.Join(l.errs...)
}

func (l *loader) unknown(n *jsonpos.Node, known []string) {
	for _, m := range n.Members {
		found := false
		for _, k := range known {
			found = found || strings.EqualFold(k, m.Name)
		}
		if !found {
			l.warn(m.At.Problem("unknown key " + m.At.Key() + jsonpos.DidYouMean(m.Name, known)))
		}
	}
}

// strings visits the members of a section whose values are strings, or nearly so.
func (l *loader) strings(n *jsonpos.Node, visit func(name, value string, at *jsonpos.Node)) {
	if n.IsNull() {
		return
	}
	if n.Kind != jsonpos.Object {
		l.fail(n.Expected("an object with strings as values"))
		return
	}
	for _, m := range n.Members {
		if value, ok := l.text(m.Value); ok {
			visit(m.Name, value, m.Value)
		}
	}
}

// text returns the value of a setting as text, with a warning when it is none. Messages do not show values: they may be secrets.
func (l *loader) text(v *jsonpos.Node) (string, bool) {
	switch v.Kind {
	case jsonpos.String:
		s, err := v.Text()
		return s, err == nil
	case jsonpos.Number, jsonpos.Bool:
		text := string(v.Raw())
		l.warn(v.Problem(v.Key() + " is " + v.Kind.String() + ", expected a string; its text is taken"))
		return text, true
	case jsonpos.Object:
		// The longer form of a connection string.
		if c := v.Get("ConnectionString"); c != nil && c.Kind == jsonpos.String {
			return l.text(c)
		}
	default:
	}
	l.warn(v.Problem(v.Key() + " is " + v.Kind.String() + ", expected a string; it is left out"))
	return "", false
}

func (l *loader) value(name, value string, at *jsonpos.Node) {
	switch {
	case name == "":
		l.warn(at.Problem("a setting with an empty name is left out"))
	case strings.ContainsAny(name, "=\x00"):
		l.warn(at.Problem("the setting " + jsonpos.Quote(name) + ` is left out, a name cannot contain "=" or a NUL`))
	case strings.Contains(value, "\x00"):
		l.warn(at.Problem(at.Key() + " is left out, a value cannot contain a NUL"))
	case !l.s.add(name, value):
		l.warnings = append(l.warnings, Warning("Skipping '"+name+"' from local settings as it's already defined in current environment variables."))
	}
}

// connectionString makes a connection string a setting called ConnectionStrings:<name>.
func (l *loader) connectionString(name, value string, at *jsonpos.Node) {
	l.value("ConnectionStrings:"+name, value, at)
	l.s.ConnectionStrings[name] = value
}

var hostKeys = []string{"LocalHttpPort", "LocalHttpAddress", "CORS", "CORSCredentials"}

func (l *loader) host(n *jsonpos.Node) {
	if n.IsNull() {
		return
	}
	if n.Kind != jsonpos.Object {
		l.fail(n.Expected("an object"))
		return
	}
	l.unknown(n, hostKeys)
	h := &l.s.Host
	if v := n.Get("LocalHttpPort"); !v.IsNull() {
		port, err := v.Int(0, 65535)
		l.fail(err)
		h.LocalHTTPPort = int(port)
	}
	if v := n.Get("LocalHttpAddress"); !v.IsNull() {
		address, err := v.Text()
		l.fail(err)
		h.LocalHTTPAddress = address
	}
	if v := n.Get("CORS"); !v.IsNull() {
		origins, err := v.Text()
		l.fail(err)
		for o := range strings.SplitSeq(origins, ",") {
			if o = strings.TrimSpace(o); o != "" {
				h.CORS = append(h.CORS, o)
			}
		}
	}
	if v := n.Get("CORSCredentials"); !v.IsNull() {
		allowed, err := v.Bool()
		l.fail(err)
		h.CORSCredentials = allowed
	}
}
