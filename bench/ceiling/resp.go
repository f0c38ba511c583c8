package ceiling

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// command is a client's command as it came over the wire.
type command struct {
	raw  []byte
	args [][]byte // parts of raw
}

// readCommand reads one command, an array of bulk strings.
func readCommand(r *bufio.Reader) (*command, error) {
	header, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	n, err := length(header, '*')
	if err != nil {
		return nil, err
	}
	c := &command{raw: bytes.Clone(header)}
	var ends []int
	var sizes []int
	for range n {
		header, err := r.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		size, err := length(header, '$')
		if err != nil {
			return nil, err
		}
		c.raw = append(c.raw, header...)
		if c.raw, err = appendN(c.raw, r, size+2); err != nil {
			return nil, err
		}
		ends, sizes = append(ends, len(c.raw)-2), append(sizes, size)
	}
	for i, end := range ends {
		c.args = append(c.args, c.raw[end-sizes[i]:end])
	}
	return c, nil
}

// readReply appends one reply, RESP2 or RESP3, to b.
func readReply(b []byte, r *bufio.Reader) ([]byte, error) {
	header, err := r.ReadBytes('\n')
	if err != nil {
		return b, err
	}
	b = append(b, header...)
	parts := 0
	switch kind := header[0]; kind {
	case '+', '-', ':', ',', '#', '_', '(':
	case '$', '=', '!':
		size, err := length(header, kind)
		if err != nil || size < 0 {
			return b, err
		}
		return appendN(b, r, size+2)
	case '*', '~', '>':
		if parts, err = length(header, kind); err != nil {
			return b, err
		}
	case '%', '|':
		if parts, err = length(header, kind); err != nil {
			return b, err
		}
		parts *= 2
		if kind == '|' { // attributes come before the reply that they are about
			parts++
		}
	default:
		return b, fmt.Errorf("a reply begins with %q", header)
	}
	for range parts {
		if b, err = readReply(b, r); err != nil {
			return b, err
		}
	}
	if header[0] == '>' { // a push stands between replies, it is none
		return readReply(b, r)
	}
	return b, nil
}

func length(header []byte, kind byte) (int, error) {
	if header[0] != kind {
		return 0, fmt.Errorf("%q instead of a length after %q", header, kind)
	}
	return strconv.Atoi(string(bytes.TrimRight(header[1:], "\r\n")))
}

func appendN(b []byte, r *bufio.Reader, n int) ([]byte, error) {
	at := len(b)
	b = append(b, make([]byte, n)...)
	_, err := io.ReadFull(r, b[at:])
	return b, err
}

// arg is the i-th argument in upper case, "" when there is none.
func (c *command) arg(i int) string {
	if i >= len(c.args) {
		return ""
	}
	return string(bytes.ToUpper(c.args[i]))
}

// kind tells commands apart that may behave differently: the name, and for a script which one.
func (c *command) kind() string {
	switch name := c.arg(0); name {
	case "EVALSHA", "EVALSHA_RO", "FCALL", "FCALL_RO":
		return name + " " + string(c.args[1])
	case "EVAL", "EVAL_RO":
		return name + " " + shaOf(c.args[1])
	default:
		return name
	}
}

// waits reports whether the command may keep its connection waiting.
func (c *command) waits() bool {
	switch c.arg(0) {
	case "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT", "WAITAOF":
		return true
	case "XREAD", "XREADGROUP":
		for i := range c.args {
			if c.arg(i) == "BLOCK" {
				return true
			}
		}
	}
	return false
}

// subscribes reports whether from now on the server speaks unasked.
func (c *command) subscribes() bool {
	switch c.arg(0) {
	case "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR":
		return true
	}
	return false
}
