package httptrigger

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/durango-functions/durango/worker"
)

// sniff takes a JSON object that has a property "body" for a response object: {"status", "headers", "cookies", "body"}; nil for anything
// else (azure-functions-host HttpBinding.cs:64-143). Names are compared without case; statusCode goes before status.
func sniff(data []byte) *worker.HTTPResponse {
	if !isObject(data) {
		return nil
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(data, &object) != nil {
		return nil
	}
	body, ok := property(object, "body")
	if !ok {
		return nil
	}
	resp := &worker.HTTPResponse{Body: worker.JSONValue(body)}
	for _, name := range []string{"statusCode", "status"} {
		if raw, ok := property(object, name); ok {
			if text := scalarText(raw); resp.Status == "" && text != "" {
				resp.Status = text
			}
		}
	}
	if raw, ok := property(object, "headers"); ok {
		resp.Headers = sniffHeaders(raw)
	}
	if raw, ok := property(object, "cookies"); ok && json.Unmarshal(raw, &resp.Cookies) != nil {
		resp.Cookies = nil
	}
	return resp
}

// property returns a property in any case, the one with the exact name first.
func property(object map[string]json.RawMessage, name string) (json.RawMessage, bool) {
	if v, ok := object[name]; ok {
		return v, true
	}
	for n, v := range object {
		if strings.EqualFold(n, name) {
			return v, true
		}
	}
	return nil, false
}

// sniffHeaders reads an object of header values; null ones are left out.
func sniffHeaders(raw json.RawMessage) map[string]string {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return nil
	}
	headers := map[string]string{}
	for name, v := range object {
		if string(v) != "null" {
			headers[strings.ToLower(name)] = scalarText(v)
		}
	}
	return headers
}

// scalarText returns a JSON string's text, and of other values the JSON, integers without a fraction.
func scalarText(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil || v == nil {
		return ""
	}
	switch v := v.(type) {
	case string:
		return v
	case float64:
		if v == float64(int64(v)) {
			return strconv.FormatInt(int64(v), 10)
		}
		return fmt.Sprint(v)
	}
	return string(raw)
}
