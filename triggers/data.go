package triggers

import (
	"bytes"
	"encoding/json"
	"maps"
)

// ObjectFields returns the fields of a trigger's text that is a JSON object, without arrays and nulls: they are binding data, to which
// {expressions} in other bindings refer (azure-functions-host Utility.cs:392-420). Any other text has none.
func ObjectFields(text []byte) map[string]json.RawMessage {
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	var fields map[string]json.RawMessage
	if len(trimmed) == 0 || trimmed[0] != '{' || json.Unmarshal(trimmed, &fields) != nil {
		return map[string]json.RawMessage{}
	}
	maps.DeleteFunc(fields, func(_ string, v json.RawMessage) bool { return v[0] == '[' || string(v) == "null" })
	return fields
}
