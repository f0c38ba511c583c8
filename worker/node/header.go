package node

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// The two headers that each invocation needs are written and read without reflection, which would take longer than all else that the host does
// for a quick function.

// appendJSON appends the header as JSON.
func (h *invokeHeader) appendJSON(dst []byte) ([]byte, error) {
	var err error
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendUint(dst, h.ID, 10)
	dst = append(dst, `,"fn":`...)
	dst = strconv.AppendInt(dst, int64(h.Function), 10)
	dst = append(dst, `,"invocationId":`...)
	dst = appendString(dst, h.InvocationID)
	dst = append(dst, `,"inputs":[`...)
	for i := range h.Inputs {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = h.Inputs[i].appendJSON(dst); err != nil {
			return nil, err
		}
	}
	dst = append(dst, ']')
	if len(h.Metadata) > 0 {
		dst = append(dst, `,"metadata":`...)
		if dst, err = appendObject(dst, h.Metadata); err != nil {
			return nil, err
		}
	}
	dst = append(dst, `,"traceparent":`...)
	dst = appendString(dst, h.TraceParent)
	dst = append(dst, `,"tracestate":`...)
	dst = appendString(dst, h.TraceState)
	if h.Retry != nil {
		dst = append(dst, `,"retry":`...)
		if dst, err = appendAny(dst, h.Retry); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func (h *inputHeader) appendJSON(dst []byte) ([]byte, error) {
	dst = append(dst, `{"n":`...)
	dst = appendString(dst, h.Name)
	v := h.Value
	if v == nil {
		return append(dst, '}'), nil
	}
	dst = append(dst, `,"v":`...)
	if v.Kind == kindHTTP {
		var err error
		if dst, err = appendAny(dst, v); err != nil {
			return nil, err
		}
		return append(dst, '}'), nil
	}
	dst = append(dst, `{"k":`...)
	dst = appendString(dst, v.Kind)
	dst = appendNumber(dst, `,"a":`, v.Attachment)
	if e := v.episode; e != nil {
		dst = append(dst, `,"g":`...)
		dst = strconv.AppendUint(dst, e.generation, 10)
		dst = appendNumber(dst, `,"have":`, e.have)
		dst = appendNumber(dst, `,"past":`, e.past)
		dst = appendNumber(dst, `,"new":`, e.fresh)
		dst = appendNumber(dst, `,"input":`, e.input)
	}
	return append(dst, "}}"...), nil
}

func appendNumber(dst []byte, name string, n int) []byte {
	return strconv.AppendInt(append(dst, name...), int64(n), 10)
}

// appendObject appends raw JSON values by name. One that is no JSON is an error.
func appendObject(dst []byte, values map[string]json.RawMessage) ([]byte, error) {
	if len(values) > 4 {
		return appendAny(dst, values)
	}
	dst = append(dst, '{')
	for name, raw := range values {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, name), ':')
		if isPlainString(raw) {
			dst = append(dst, raw...)
			continue
		}
		var err error
		if dst, err = appendAny(dst, raw); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// isPlainString reports whether raw is a JSON string without any escape.
func isPlainString(raw []byte) bool {
	n := len(raw)
	return n >= 2 && raw[0] == '"' && raw[n-1] == '"' && isPlain(raw[1:n-1])
}

func appendAny(dst []byte, v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return append(dst, raw...), nil
}

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
	if isPlain(s) {
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"')
	}
	raw, err := json.Marshal(s)
	if err != nil { // a string always has a JSON form
		return append(dst, `""`...)
	}
	return append(dst, raw...)
}

// isPlain reports whether text is the same inside a JSON string.
func isPlain[T string | []byte](text T) bool {
	for i := range len(text) {
		if b := text[i]; b < ' ' || b == '"' || b == '\\' || b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// parsePlain reads the header that the most frequent results have:
//
//	{"id":N,"ret":{"k":"K","a":N},"kept":true}
//
// where ret and kept may be missing. It returns false for any other.
func (h *resultHeader) parsePlain(raw []byte) bool {
	raw, ok := bytes.CutPrefix(raw, []byte(`{"id":`))
	if !ok {
		return false
	}
	var n uint64
	if n, raw, ok = cutNumber(raw); !ok {
		return false
	}
	h.ID = n
	const ret, second = `,"ret":{"k":"`, `","a":`
	if bytes.HasPrefix(raw, []byte(ret)) {
		raw = raw[len(ret):]
		if len(raw) < 1+len(second) || string(raw[1:1+len(second)]) != second {
			return false
		}
		kind := kindOf(raw[0])
		if n, raw, ok = cutNumber(raw[1+len(second):]); !ok || kind == "" || len(raw) == 0 || raw[0] != '}' {
			return false
		}
		raw = raw[1:]
		h.Return = &outputValue{Kind: kind, Attachment: int(n)}
	}
	switch string(raw) {
	case "}":
		return true
	case `,"kept":true}`:
		h.Kept = true
		return true
	}
	return false
}

func kindOf(b byte) string {
	switch b {
	case 's':
		return kindString
	case 'j':
		return kindJSON
	case 'b':
		return kindBytes
	}
	return ""
}

// cutNumber reads a number of at most 18 digits without leading zeros.
func cutNumber(raw []byte) (n uint64, rest []byte, ok bool) {
	i := 0
	for ; i < len(raw) && i < 18 && raw[i] >= '0' && raw[i] <= '9'; i++ {
		n = 10*n + uint64(raw[i]-'0')
	}
	return n, raw[i:], i > 0 && (i == 1 || raw[0] != '0')
}
