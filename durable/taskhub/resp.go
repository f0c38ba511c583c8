package taskhub

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// The part of Redis's protocol (RESP 2, https://redis.io/docs/latest/develop/reference/protocol-spec/) that calls of scripts need.

// words are arguments of a command in the form in which they are sent.
type words struct {
	b []byte
	n int // how many there are
}

func (w *words) text(values ...string) {
	for _, v := range values {
		w.b = appendHead(w.b, '$', len(v))
		w.b = append(append(w.b, v...), '\r', '\n')
	}
	w.n += len(values)
}

func (w *words) bytes(values ...[]byte) {
	for _, v := range values {
		w.b = appendHead(w.b, '$', len(v))
		w.b = append(append(w.b, v...), '\r', '\n')
	}
	w.n += len(values)
}

func (w *words) number(v int64) {
	var digits [20]byte
	w.bytes(strconv.AppendInt(digits[:0], v, 10))
}

// patchWidth is how many digits a number has that is told later.
const patchWidth = 8

// later adds a number that set tells, and returns where it is. Spaces stand before it, which Lua skips.
func (w *words) later() int {
	w.b = append(w.b, "$8\r\n        \r\n"...)
	w.n++
	return len(w.b) - patchWidth - 2
}

func (w *words) set(at, v int) {
	for i := at + patchWidth - 1; i >= at; i-- {
		w.b[i] = '0' + byte(v%10)
		v /= 10
		if v == 0 {
			return
		}
	}
}

// any adds a value of one of the kinds that scripts are called with.
func (w *words) any(v any) error {
	switch v := v.(type) {
	case string:
		w.text(v)
	case []byte:
		w.bytes(v)
	case json.RawMessage:
		w.bytes(v)
	case int:
		w.number(int64(v))
	case int64:
		w.number(v)
	default:
		return fmt.Errorf("a script's argument of type %T cannot be sent", v)
	}
	return nil
}

// appendHead appends what begins a value: its kind, and its length or number.
func appendHead(b []byte, kind byte, n int) []byte {
	return append(strconv.AppendInt(append(b, kind), int64(n), 10), '\r', '\n')
}

// replyError is an error that the server has answered with.
type replyError string

func (e replyError) Error() string { return string(e) }

// RedisError makes it a redis.Error.
func (replyError) RedisError() {}

// errNilReply stands for a missing value as the whole reply.
var errNilReply = errors.New("the server answered with nil")

// readReply reads one reply: an int64, a string, a []any of those (nil for a missing value), or a replyError as err. Any other err is the
// connection's.
func readReply(r *bufio.Reader) (reply any, err error) {
	kind, n, line, err := readHead(r)
	if err != nil {
		return nil, err
	}
	switch kind {
	case '+':
		return line, nil
	case '-':
		return nil, replyError(line)
	case ':':
		return n, nil
	case '$':
		if n < 0 {
			return nil, nil
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		return string(b[:n]), nil
	case '*':
		if n < 0 {
			return nil, nil
		}
		list := make([]any, n)
		for i := range list {
			v, err := readReply(r)
			var inner replyError
			switch {
			case errors.As(err, &inner):
				v = inner
			case err != nil:
				return nil, err
			}
			list[i] = v
		}
		return list, nil
	default:
		return nil, fmt.Errorf("the server answered in another protocol: %q", kind)
	}
}

// maxReply bounds the lengths that a reply may announce.
const maxReply = 1 << 30

// readHead reads the line that begins a value.
func readHead(r *bufio.Reader) (kind byte, n int64, line string, err error) {
	raw, err := r.ReadSlice('\n')
	if err != nil {
		return 0, 0, "", err
	}
	if len(raw) < 3 || raw[len(raw)-2] != '\r' {
		return 0, 0, "", fmt.Errorf("the server answered in another protocol: %q", raw)
	}
	kind, raw = raw[0], raw[1:len(raw)-2]
	switch kind {
	case ':', '$', '*':
		n, err = parseNumber(raw)
		if err == nil && kind != ':' && n > maxReply {
			err = fmt.Errorf("the server announced %d bytes or values", n)
		}
	default:
		line = string(raw)
	}
	return kind, n, line, err
}

func parseNumber(raw []byte) (int64, error) {
	n, digits := int64(0), raw
	if len(raw) > 0 && raw[0] == '-' {
		digits = raw[1:]
	}
	if len(digits) == 0 || len(digits) > 18 {
		return 0, fmt.Errorf("the server answered with the number %q", raw)
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("the server answered with the number %q", raw)
		}
		n = 10*n + int64(c-'0')
	}
	if len(digits) < len(raw) {
		n = -n
	}
	return n, nil
}
