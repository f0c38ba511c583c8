package hostjson

import (
	"slices"
	"strconv"
	"strings"

	"github.com/durango-functions/durango/internal/jsonpos"
)

// envPrefix begins the names of the environment variables that overlay host.json (azure-functions-host
// ScriptEnvironmentVariablesConfigurationSource.cs:315-333).
const envPrefix = "AzureFunctionsJobHost"

// merge returns base with over laid over it. Objects merge key by key without regard to case, everything else is replaced; a null
// leaves base as it is. Indexes from environment variables replace or append elements of an array.
func merge(base, over *jsonpos.Node) *jsonpos.Node {
	switch {
	case over.IsNull():
		return base
	case base.IsNull():
		return over
	case base.Kind == jsonpos.Array && over.Kind == jsonpos.Object && over.FromText:
		return mergeElements(base, over)
	case base.Kind != jsonpos.Object || over.Kind != jsonpos.Object:
		return over
	}
	members := slices.Clone(base.Members)
	index := make(map[string]int, len(members)+len(over.Members))
	for i, m := range members {
		index[strings.ToLower(m.Name)] = i
	}
	for _, m := range over.Members {
		key := strings.ToLower(m.Name)
		i, ok := index[key]
		if !ok {
			index[key] = len(members)
			members = append(members, m)
			continue
		}
		if m.Value.IsNull() {
			continue
		}
		members[i] = jsonpos.Member{Name: members[i].Name, Value: merge(members[i].Value, m.Value), At: m.At}
	}
	return over.WithMembers(members)
}

// mergeElements lays an object of indexes over an array.
func mergeElements(base, over *jsonpos.Node) *jsonpos.Node {
	indexes, ok := elements(over)
	if !ok {
		return over
	}
	list := slices.Clone(base.Elements)
	for _, e := range indexes {
		if e.index < len(list) {
			list[e.index] = merge(list[e.index], e.value)
		} else {
			list = append(list, e.value)
		}
	}
	return base.WithElements(list)
}

type element struct {
	index int
	value *jsonpos.Node
}

// elements returns the members of an object whose keys are all indexes, in their order.
func elements(n *jsonpos.Node) ([]element, bool) {
	var list []element
	for _, m := range n.Members {
		i, err := strconv.Atoi(m.Name)
		if err != nil || i < 0 {
			return nil, false
		}
		list = append(list, element{i, m.Value})
	}
	slices.SortStableFunc(list, func(a, b element) int { return a.index - b.index })
	return list, true
}

// environment makes a tree of the variables AzureFunctionsJobHost__a__b__0=value.
func environment(environ []string) *jsonpos.Node {
	vars := slices.Clone(environ)
	slices.Sort(vars)
	root := jsonpos.ObjectNode("environment", "")
	for _, v := range vars {
		name, value, ok := strings.Cut(v, "=")
		if !ok || len(name) <= len(envPrefix) || !strings.EqualFold(name[:len(envPrefix)], envPrefix) {
			continue
		}
		segments := strings.Split(strings.ReplaceAll(name[len(envPrefix):], "__", ":"), ":")
		if len(segments) < 2 || segments[0] != "" || len(segments) > jsonpos.MaxDepth || slices.Contains(segments[1:], "") {
			continue
		}
		plant(root, segments[1:], "environment variable "+name, value)
	}
	return root
}

// plant puts a value into a tree of objects, making those that are missing.
func plant(n *jsonpos.Node, path []string, source, value string) {
	for i, name := range path {
		key := strings.Join(path[:i+1], ".")
		at := slices.IndexFunc(n.Members, func(m jsonpos.Member) bool { return strings.EqualFold(m.Name, name) })
		if at < 0 {
			at = len(n.Members)
			n.Members = append(n.Members, jsonpos.Member{Name: name, At: jsonpos.TextNode(source, key, name)})
		}
		m := &n.Members[at]
		if i == len(path)-1 {
			if m.Value == nil || m.Value.Kind != jsonpos.Object {
				m.Value = jsonpos.TextNode(source, key, value)
			}
			return
		}
		if m.Value == nil || m.Value.Kind != jsonpos.Object {
			m.Value = jsonpos.ObjectNode(source, key)
		}
		n = m.Value
	}
}

// modernize moves the sections http and durableTask, which stood at the top level in 2018, to extensions. What extensions says itself
// prevails. It returns the places of the moved keys.
func modernize(root *jsonpos.Node) (*jsonpos.Node, []*jsonpos.Node) {
	var moved []*jsonpos.Node
	var rest, old []jsonpos.Member
	var extensions *jsonpos.Member
	for _, m := range root.Members {
		switch {
		case strings.EqualFold(m.Name, "http"), strings.EqualFold(m.Name, "durableTask"):
			moved = append(moved, m.At)
			old = append(old, m)
		case strings.EqualFold(m.Name, "extensions"):
			extensions = &m
		default:
			rest = append(rest, m)
		}
	}
	if len(moved) == 0 {
		return root, nil
	}
	merged := jsonpos.Member{Name: "extensions", Value: root.WithMembers(old), At: moved[0]}
	if extensions != nil {
		merged.Value, merged.At = merge(merged.Value, extensions.Value), extensions.At
	}
	return root.WithMembers(append(rest, merged)), moved
}
