package replay

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// A result is read by a scanner that knows the form in which the SDKs write it, since an orchestrator that has asked for thousands of tasks hands over
// thousands of actions, in each episode. What has any other form is left to encoding/json.

// maxDepth is how deep the values may be nested that the scanner reads.
const maxDepth = 200

// scanner reads JSON. Its methods return false when it is not what they look for, or no JSON.
type scanner struct {
	data []byte
	at   int
	name string // the last function name, of which there are many in a row
}

// parsePlain reads a result into w. It returns false when it cannot read it, which says nothing about its being valid.
func (w *wireResult) parsePlain(raw []byte) bool {
	s := &scanner{data: raw}
	hasDone := false
	ok := s.object(func(name []byte) bool {
		switch string(name) {
		case "isDone":
			hasDone = true
			return s.boolean(&w.IsDone)
		case "actions":
			return s.array(func() bool {
				list, ok := s.actions(0)
				w.Actions = append(w.Actions, list)
				return ok
			})
		case "output":
			return s.raw(&w.Output)
		case "customStatus":
			return s.raw(&w.CustomStatus)
		case "schemaVersion":
			n, ok := s.number()
			w.SchemaVersion = wireSchema(n)
			return ok && n <= 3
		default:
			return false
		}
	})
	return ok && hasDone && s.at == len(s.data)
}

// actions reads a list of actions.
func (s *scanner) actions(depth int) (list []wireAction, ok bool) {
	ok = depth < maxDepth && s.array(func() bool {
		if list == nil {
			list = make([]wireAction, 0, 8)
		}
		list = append(list, wireAction{})
		return s.action(&list[len(list)-1], depth)
	})
	return list, ok
}

func (s *scanner) action(a *wireAction, depth int) bool {
	return s.object(func(name []byte) bool {
		switch string(name) {
		case "actionType":
			n, ok := s.number()
			if !ok || n >= len(actionNames) {
				return false
			}
			t := wireType(n)
			a.ActionType = &t
		case "actionRef":
			n, ok := s.number()
			a.ActionRef = &n
			return ok
		case "functionName":
			return s.functionName(&a.FunctionName)
		case "input":
			return s.raw(&a.Input)
		case "instanceId":
			a.InstanceID = new(string)
			return s.plain(a.InstanceID)
		case "fireAt":
			var text string
			if !s.plain(&text) {
				return false
			}
			a.FireAt = new(time.Time)
			return a.FireAt.UnmarshalText([]byte(text)) == nil
		case "isCanceled":
			return s.boolean(&a.IsCanceled)
		case "externalEventName":
			return s.plain(&a.ExternalEventName)
		case "operation":
			return s.plain(&a.Operation)
		case "version":
			a.Version = new(string)
			return s.plain(a.Version)
		case "reason":
			var reason string // of no interest
			return s.plain(&reason)
		case "retryOptions":
			var raw json.RawMessage
			return s.raw(&raw) && json.Unmarshal(raw, &a.RetryOptions) == nil
		case "httpRequest":
			return s.raw(&a.HTTPRequest)
		case "compoundActions":
			var ok bool
			a.CompoundActions, ok = s.actions(depth + 1)
			return ok
		default:
			return false
		}
		return true
	})
}

func (s *scanner) byte(b byte) bool {
	if s.at < len(s.data) && s.data[s.at] == b {
		s.at++
		return true
	}
	return false
}

// object reads an object; value is called at each value and reads it.
func (s *scanner) object(value func(name []byte) bool) bool {
	if !s.byte('{') {
		return false
	}
	if s.byte('}') {
		return true
	}
	for {
		from := s.at
		if !s.text() || s.data[from] != '"' || !s.byte(':') {
			return false
		}
		if !value(s.data[from+1 : s.at-2]) {
			return false
		}
		if s.byte('}') {
			return true
		}
		if !s.byte(',') {
			return false
		}
	}
}

// array reads an array; value is called at each value and reads it.
func (s *scanner) array(value func() bool) bool {
	if !s.byte('[') {
		return false
	}
	if s.byte(']') {
		return true
	}
	for {
		if !value() {
			return false
		}
		if s.byte(']') {
			return true
		}
		if !s.byte(',') {
			return false
		}
	}
}

func (s *scanner) literal(text string) bool {
	if len(s.data)-s.at < len(text) || string(s.data[s.at:s.at+len(text)]) != text {
		return false
	}
	s.at += len(text)
	return true
}

func (s *scanner) boolean(b *bool) bool {
	*b = s.literal("true")
	return *b || s.literal("false")
}

// number reads an integer of few digits that is not negative.
func (s *scanner) number() (n int, ok bool) {
	from := s.at
	for s.at < len(s.data) && s.at-from < 9 && s.data[s.at] >= '0' && s.data[s.at] <= '9' {
		s.at++
	}
	n, err := strconv.Atoi(string(s.data[from:s.at]))
	return n, err == nil && (s.at == from+1 || s.data[from] != '0')
}

// plain reads a string without escapes.
func (s *scanner) plain(text *string) bool {
	raw, ok := s.plainBytes()
	*text = string(raw)
	return ok
}

func (s *scanner) functionName(name *string) bool {
	raw, ok := s.plainBytes()
	if string(raw) != s.name {
		s.name = string(raw)
	}
	*name = s.name
	return ok
}

func (s *scanner) plainBytes() (raw []byte, ok bool) {
	if !s.byte('"') {
		return nil, false
	}
	from := s.at
	for ; s.at < len(s.data); s.at++ {
		switch b := s.data[s.at]; {
		case b == '"':
			raw = s.data[from:s.at]
			s.at++
			return raw, utf8.Valid(raw)
		case b < ' ' || b == '\\':
			return nil, false
		}
	}
	return nil, false
}

// raw reads any value. It shares the scanner's memory.
func (s *scanner) raw(raw *json.RawMessage) bool {
	from := s.at
	if !s.value(0) {
		return false
	}
	*raw = s.data[from:s.at:s.at]
	return true
}

// value reads any value without spaces between its parts.
func (s *scanner) value(depth int) bool {
	if s.at == len(s.data) || depth > maxDepth {
		return false
	}
	switch s.data[s.at] {
	case '"':
		return s.text()
	case '{':
		return s.object(func([]byte) bool { return s.value(depth + 1) })
	case '[':
		return s.array(func() bool { return s.value(depth + 1) })
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	from := s.at
	for s.at < len(s.data) && isOfNumber(s.data[s.at]) {
		s.at++
	}
	return s.at > from && json.Valid(s.data[from:s.at])
}

func isOfNumber(b byte) bool {
	return b >= '0' && b <= '9' || b == '-' || b == '+' || b == '.' || b == 'e' || b == 'E'
}

// text reads a string, with escapes.
func (s *scanner) text() bool {
	if !s.byte('"') {
		return false
	}
	for s.at < len(s.data) {
		b := s.data[s.at]
		s.at++
		switch {
		case b == '"':
			return true
		case b < ' ':
			return false
		case b == '\\':
			if !s.escape() {
				return false
			}
		}
	}
	return false
}

// escape reads what follows a backslash.
func (s *scanner) escape() bool {
	if s.at == len(s.data) {
		return false
	}
	b := s.data[s.at]
	s.at++
	switch b {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			if s.at == len(s.data) || !isHex(s.data[s.at]) {
				return false
			}
			s.at++
		}
		return true
	}
	return false
}

func isHex(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}
