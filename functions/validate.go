package functions

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/durango-functions/durango/internal/jsonpos"
)

var (
	functionName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_\-]{0,127}$`)
	bindingName  = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9]{0,127}|\$return)$`)
)

// knownTypeNames are the binding types that a message may suggest.
var knownTypeNames = []string{"httpTrigger", "http", "manualTrigger", "timerTrigger", "orchestrationTrigger", "activityTrigger",
	"entityTrigger", "orchestrationClient", "durableClient", "redis"}

// validFunctionName reports whether name may name a function (azure-functions-host Utility.cs:59).
func validFunctionName(name string) bool {
	return functionName.MatchString(name) && !strings.EqualFold(name, "host")
}

// validateBindings applies the rules about a function's bindings in the order of the original (azure-functions-host
// FunctionDescriptorProvider.cs:182-269, Utility.cs:590-601).
func (l *loader) validateBindings(root *jsonpos.Node) {
	seen := map[string]bool{}
	for i := range l.fn.Bindings {
		b, n := &l.fn.Bindings[i], l.nodes[i]
		if !bindingName.MatchString(b.Name) && (n.Get("name").IsNull() || n.Get("name").Kind == jsonpos.String) {
			l.badName(b, n)
		}
		if b.Name == ReturnBinding && b.Direction != Out {
			l.reason("$return bindings must specify a direction of 'out'.", place(n, "direction"))
		}
		if b.Type == "" && (n.Get("type").IsNull() || n.Get("type").Kind == jsonpos.String) {
			l.partial = true
			l.reason("Binding '"+b.Name+"' is invalid. Bindings must specify a Type.", place(n, "type"))
		}
		if key := strings.ToLower(b.Name); b.Name != "" && seen[key] {
			l.reason("Multiple bindings with name '"+b.Name+"' discovered. Binding names must be unique.", place(n, "name"))
		} else {
			seen[key] = true
		}
	}
	l.validateTrigger(root)
	l.validateTypes()
	for i := range l.fn.Bindings {
		if strings.EqualFold(l.fn.Bindings[i].Type, "httpTrigger") {
			l.validateHTTP(&l.fn.Bindings[i], l.nodes[i])
		}
	}
}

func (l *loader) badName(b *Binding, n *jsonpos.Node) {
	hint := "expected a letter followed by letters and digits, or $return"
	if n.Get("name").IsNull() {
		hint = `"name" is missing`
	}
	l.reason("The binding name "+b.Name+" is invalid. Please assign a valid name to the binding.", place(n, "name"), hint)
}

// place returns the node of a binding's key, or the binding when it has no such key.
func place(n *jsonpos.Node, key string) *jsonpos.Node {
	if v := n.Get(key); v != nil {
		return v
	}
	return n
}

// validateTrigger looks for the one trigger among the input bindings.
func (l *loader) validateTrigger(root *jsonpos.Node) {
	triggers := 0
	hint := ""
	for i := range l.fn.Bindings {
		b := &l.fn.Bindings[i]
		switch {
		case !b.IsTrigger():
		case !b.IsInput():
			hint = "the direction of " + b.Name + " is out, a trigger's is in"
		default:
			triggers++
			if triggers == 2 {
				l.reason("Multiple trigger bindings defined. A function can only have a single trigger binding.", l.nodes[i])
			}
		}
	}
	if triggers == 0 && !l.partial {
		l.reason("No trigger binding specified. A function must have a trigger input binding.", place(root, "bindings"), hint)
	}
}

// validateTypes reports the binding types that nothing implements, and those that do not support the binding's direction.
func (l *loader) validateTypes() {
	if l.opts.KnownTypes == nil {
		return
	}
	var unknown, notes []string
	var at *jsonpos.Node
	for i := range l.fn.Bindings {
		b := &l.fn.Bindings[i]
		if b.Type == "" || l.opts.KnownTypes(b.Type, b.Direction) {
			continue
		}
		if supported := l.directions(b.Type); len(supported) > 0 {
			hint := ""
			if l.nodes[i].Get("direction").IsNull() {
				hint = `"direction" is missing, which means in`
			}
			l.reason(fmt.Sprintf("The binding type '%s' of '%s' cannot be used with direction '%s', expected '%s'.", b.Type, b.Name,
				b.Direction, strings.Join(supported, "' or '")), place(l.nodes[i], "direction"), hint)
			continue
		}
		unknown = append(unknown, b.Type)
		if near := jsonpos.Nearest(b.Type, l.suggestions()); near != "" {
			notes = append(notes, fmt.Sprintf("did you mean %q?", near))
		}
		if at == nil {
			at = place(l.nodes[i], "type")
		} else {
			notes = append(notes, place(l.nodes[i], "type").Where())
		}
	}
	if len(unknown) > 0 {
		l.reason("The binding type(s) '"+strings.Join(unknown, ", ")+"' are not registered. Please ensure the type is correct and the "+
			"binding extension is installed.", at, notes...)
	}
}

// directions returns the directions with which a type can be used.
func (l *loader) directions(typ string) []string {
	var ds []string
	for _, d := range []Direction{In, Out, InOut} {
		if l.opts.KnownTypes(typ, d) {
			ds = append(ds, string(d))
		}
	}
	return ds
}

func (l *loader) suggestions() []string {
	return slices.DeleteFunc(slices.Concat(knownTypeNames, l.opts.TypeNames), func(t string) bool { return len(l.directions(t)) == 0 })
}
