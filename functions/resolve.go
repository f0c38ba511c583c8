package functions

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/durango-functions/durango/internal/jsonpos"
)

// unresolvedKeys are the keys of a binding whose values are never looked through for %NAME%.
var unresolvedKeys = []string{"name", "type", "direction", "dataType", "cardinality"}

// resolve returns a binding's property with each %NAME% in its strings replaced by the app setting of that name. A setting that is not
// there is a fault of the function; of a disabled function, which may well lack its settings, just a warning.
func (l *loader) resolve(m jsonpos.Member) json.RawMessage {
	raw := m.Value.Raw()
	if !bytes.ContainsRune(raw, '%') || containsFold(unresolvedKeys, m.Name) {
		return raw
	}
	var b bytes.Buffer
	l.resolveNode(&b, m.Value)
	return b.Bytes()
}

// resolveNode writes the value with its strings resolved.
func (l *loader) resolveNode(b *bytes.Buffer, n *jsonpos.Node) {
	switch n.Kind {
	case jsonpos.Object:
		b.WriteByte('{')
		for i, m := range n.Members {
			if i > 0 {
				b.WriteByte(',')
			}
			name, _ := json.Marshal(m.Name)
			b.Write(name)
			b.WriteByte(':')
			l.resolveNode(b, m.Value)
		}
		b.WriteByte('}')
	case jsonpos.Array:
		b.WriteByte('[')
		for i, e := range n.Elements {
			if i > 0 {
				b.WriteByte(',')
			}
			l.resolveNode(b, e)
		}
		b.WriteByte(']')
	case jsonpos.String:
		text, _ := n.Text()
		resolved, missing := ResolveSettings(text, l.opts.lookup)
		for _, name := range missing {
			if l.fn.Disabled {
				l.warn(n.Problem("'%" + name + "%' does not resolve to a value"))
				continue
			}
			l.reason("'%"+name+"%' does not resolve to a value.", n, n.Key()+": set the app setting "+name)
		}
		if resolved == text {
			b.Write(n.Raw())
			return
		}
		raw, _ := json.Marshal(resolved)
		b.Write(raw)
	default:
		b.Write(n.Raw())
	}
}

// ResolveSettings replaces each %NAME% in text by the setting that lookup returns, and returns the names that have none; those stay as
// they are. A name consists of letters, digits and "_.:-"; what stands in {braces}, and a % that encloses no name, is left alone.
// Values are not looked through again.
func ResolveSettings(text string, lookup func(name string) (string, bool)) (resolved string, missing []string) {
	if strings.Count(text, "%") < 2 {
		return text, nil
	}
	var b strings.Builder
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == '%' && depth == 0:
			name := settingName(text[i+1:])
			if name == "" {
				break
			}
			value, ok := lookup(name)
			if !ok {
				missing = append(missing, name)
				value = "%" + name + "%"
			}
			b.WriteString(value)
			i += len(name) + 1
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String(), missing
}

// settingName returns the name that text begins with when a % follows it.
func settingName(text string) string {
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '%':
			return text[:i]
		case c >= 0x80, c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte("_.:-", c) >= 0:
		default:
			return ""
		}
	}
	return ""
}
