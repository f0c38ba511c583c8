package functions

import (
	"encoding/json"
	"strings"

	"github.com/durango-functions/durango/internal/jsonpos"
)

var (
	httpMethods = []string{"get", "post", "delete", "head", "patch", "put", "options", "trace"}
	authLevels  = []string{"anonymous", "function", "admin", "system", "user"}
)

const reservedRoute = "The specified route conflicts with one or more built in routes."

// validateHTTP checks the properties of an httpTrigger by themselves.
func (l *loader) validateHTTP(b *Binding, n *jsonpos.Node) {
	if v := n.Get("authLevel"); !v.IsNull() {
		if text, err := v.Text(); err != nil || !containsFold(authLevels, text) {
			l.fail(v.Expected("one of anonymous, function, admin"))
		}
	}
	l.validateMethods(n.Get("methods"))
	if v := n.Get("route"); !v.IsNull() && v.Kind != jsonpos.String {
		l.fail(v.Expected("a string"))
		return
	}
	route := strings.ToLower(strings.Trim(l.route(b), "/"))
	prefix := strings.ToLower(strings.Trim(l.opts.RoutePrefix, "/"))
	for _, reserved := range []string{"admin", "runtime"} {
		// The original compares prefixes of the text, so that "administration" is refused as well (ScriptHost.cs:874-946).
		if strings.HasPrefix(route, reserved) {
			l.reason(reservedRoute, place(n, "route"), "a route cannot begin with "+reserved)
		} else if prefix == reserved || strings.HasPrefix(prefix, reserved+"/") {
			l.reason(reservedRoute, place(n, "route"), "the route prefix of host.json cannot begin with "+reserved)
		}
	}
}

func (l *loader) validateMethods(v *jsonpos.Node) {
	if v.IsNull() {
		return
	}
	expected := "one of " + strings.Join(httpMethods, ", ")
	if v.Kind != jsonpos.Array {
		l.fail(v.Expected(`an array of HTTP methods such as ["get", "post"]`))
		return
	}
	for _, e := range v.Elements {
		if text, err := e.Text(); err != nil || !containsFold(httpMethods, text) {
			l.fail(e.Expected(expected))
		}
	}
}

// route returns the route of an httpTrigger: its own, or the function's name.
func (l *loader) route(b *Binding) string {
	if r := b.StringProperty("route"); r != "" {
		return r
	}
	return l.fn.Name
}

// checkTogether applies the rules between functions to those that are valid so far, in the order of their names: unique names, and no
// two functions with the same route and a method in common (azure-functions-host ScriptHost.cs:874-946).
func checkTogether(loaded []*loader) {
	type entry struct {
		name    string
		methods []string
	}
	names := map[string]bool{}
	routes := map[string][]entry{}
	for _, l := range loaded {
		if len(l.reasons) > 0 {
			continue
		}
		name := strings.ToLower(l.fn.Name)
		if names[name] {
			l.reason("The function or proxy name '"+l.fn.Name+"' must be unique within the function app.", nil,
				"names do not differ by case alone")
			continue
		}
		names[name] = true
		trigger := l.fn.Trigger()
		if trigger == nil || !strings.EqualFold(trigger.Type, "httpTrigger") {
			continue
		}
		key := strings.ToLower(strings.Trim(l.route(trigger), "/"))
		e := entry{name: l.fn.Name, methods: methodsOf(trigger)}
		for _, other := range routes[key] {
			if overlap(e.methods, other.methods) {
				l.reason("The route specified conflicts with the route defined by function '"+other.name+"'.",
					place(l.triggerNode(), "route"))
				break
			}
		}
		if len(l.reasons) == 0 {
			routes[key] = append(routes[key], e)
		}
	}
}

func (l *loader) triggerNode() *jsonpos.Node {
	for i := range l.fn.Bindings {
		if l.fn.Bindings[i].IsTrigger() {
			return l.nodes[i]
		}
	}
	return nil
}

func methodsOf(b *Binding) []string {
	var methods []string
	if raw := b.Property("methods"); raw != nil && json.Unmarshal(raw, &methods) != nil {
		return nil
	}
	return methods
}

// overlap reports whether two lists of methods have one in common; an empty list is all methods.
func overlap(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	for _, m := range a {
		if containsFold(b, m) {
			return true
		}
	}
	return false
}
