package bindings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// maxExpression bounds the name inside braces.
const maxExpression = 256

// Resolve replaces the {expressions} of a binding's property. A name is looked up in data, in any case; dots lead into its JSON value
// ("{order.lines.0.sku}"). Also known: {sys.utcNow}, {sys.randGuid}, {rand-guid} with the formats N, D, B and P ("{rand-guid:N}"), and
// {datetime}, in UTC, with a format such as "{datetime:yyyy-MM-dd}". "{{" and "}}" are braces. An unknown name is an error that lists the known ones.
func Resolve(template string, data map[string]json.RawMessage) (string, error) {
	var out strings.Builder
	for i := 0; i < len(template); {
		switch c := template[i]; {
		case c != '{' && c != '}':
			out.WriteByte(c)
			i++
		case i+1 < len(template) && template[i+1] == c:
			out.WriteByte(c)
			i += 2
		case c == '}':
			return "", fmt.Errorf("%q has a closing brace at position %d that nothing opened; write }} for a brace", template, i+1)
		default:
			end := strings.IndexAny(template[i+1:], "{}")
			if end < 0 || template[i+1+end] == '{' {
				return "", fmt.Errorf("%q has an opening brace at position %d that nothing closes; write {{ for a brace", template, i+1)
			}
			value, err := resolveName(strings.TrimSpace(template[i+1:i+1+end]), data)
			if err != nil {
				return "", fmt.Errorf("%q: %w", template, err)
			}
			out.WriteString(value)
			i += end + 2
		}
	}
	return out.String(), nil
}

func resolveName(expression string, data map[string]json.RawMessage) (string, error) {
	if expression == "" || len(expression) > maxExpression {
		return "", fmt.Errorf("an expression in braces has %d characters, expected 1 to %d", len(expression), maxExpression)
	}
	root, path, _ := strings.Cut(expression, ".")
	if raw, ok := lookup(data, expression); ok {
		return textOf(raw), nil // a name that holds dots itself
	}
	if raw, ok := lookup(data, root); ok {
		return walk(root, raw, path)
	}
	name, format, _ := strings.Cut(expression, ":")
	switch strings.ToLower(name) {
	case "sys.utcnow", "datetime":
		return formatTime(time.Now().UTC(), format)
	case "rand-guid", "sys.randguid":
		return formatGUID(uuid.New(), format)
	}
	known := append(slices.Sorted(maps.Keys(data)), "sys.utcNow", "rand-guid", "datetime")
	return "", fmt.Errorf("nothing is called {%s}; known are %s", expression, strings.Join(known, ", "))
}

// lookup finds a name, exactly or else in any case.
func lookup(values map[string]json.RawMessage, name string) (json.RawMessage, bool) {
	if raw, ok := values[name]; ok {
		return raw, true
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if strings.EqualFold(key, name) {
			return values[key], true
		}
	}
	return nil, false
}

// walk follows a dotted path into a JSON value.
func walk(where string, raw json.RawMessage, path string) (string, error) {
	for path != "" {
		var step string
		step, path, _ = strings.Cut(path, ".")
		var object map[string]json.RawMessage
		var array []json.RawMessage
		switch {
		case json.Unmarshal(raw, &object) == nil && object != nil:
			value, ok := lookup(object, step)
			if !ok {
				return "", fmt.Errorf("{%s} has no property %s; it has %s", where, step, strings.Join(slices.Sorted(maps.Keys(object)), ", "))
			}
			raw = value
		case json.Unmarshal(raw, &array) == nil && array != nil:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(array) {
				return "", fmt.Errorf("{%s} is an array of %d, %s is no index into it", where, len(array), step)
			}
			raw = array[n]
		default:
			return "", fmt.Errorf("{%s} is no object, so it has no property %s", where, step)
		}
		where += "." + step
	}
	return textOf(raw), nil
}

// textOf is a string's text, "" for null, and otherwise the JSON.
func textOf(raw json.RawMessage) string {
	var s string
	if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) || json.Unmarshal(raw, &s) == nil {
		return s
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return string(raw)
	}
	return compact.String()
}

func formatGUID(id uuid.UUID, format string) (string, error) {
	switch strings.ToUpper(format) {
	case "", "D":
		return id.String(), nil
	case "N":
		return strings.ReplaceAll(id.String(), "-", ""), nil
	case "B":
		return "{" + id.String() + "}", nil
	case "P":
		return "(" + id.String() + ")", nil
	}
	return "", fmt.Errorf("%q is no format of {rand-guid}, expected N, D, B or P", format)
}

// timeParts are the parts of a .NET date format that are supported, the longest first.
var timeParts = []struct{ dotNet, layout string }{
	{"yyyy", "2006"}, {"fff", "000"}, {"yy", "06"}, {"MM", "01"}, {"dd", "02"}, {"HH", "15"}, {"mm", "04"}, {"ss", "05"},
}

// formatTime writes a time as yyyy-MM-ddTHH-mm-ssZ, which is fit for names of files, or as the format says.
func formatTime(at time.Time, format string) (string, error) {
	if format == "" {
		return at.Format("2006-01-02T15-04-05Z"), nil
	}
	var out strings.Builder
next:
	for i := 0; i < len(format); {
		for _, part := range timeParts {
			if strings.HasPrefix(format[i:], part.dotNet) {
				text := at.Format(part.layout)
				if part.layout == "000" { // a layout of fractions needs a point before it
					text = at.Format(".000")[1:]
				}
				out.WriteString(text)
				i += len(part.dotNet)
				continue next
			}
		}
		if c := format[i]; c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' && c != 'T' && c != 'Z' {
			return "", fmt.Errorf("the format %q of a time has %q, expected yyyy, yy, MM, dd, HH, mm, ss, fff and signs between them", format, c)
		}
		out.WriteByte(format[i])
		i++
	}
	return out.String(), nil
}
