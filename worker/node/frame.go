package node

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const (
	maxFrame       = 256 << 20
	maxAttachments = 1 << 16
	fixedPart      = 9 // type, header length, number of attachments
	trustedSize    = 1 << 20
)

type frameType uint8

// Types of frames; js/main.js has the same numbers.
const (
	frameInit   frameType = 1 // host -> worker
	frameLoad   frameType = 2
	frameInvoke frameType = 3
	frameDrain  frameType = 4
	frameIndex  frameType = 5

	frameReady   frameType = 64 // worker -> host
	frameLoaded  frameType = 65
	frameResult  frameType = 66
	frameFailure frameType = 67
	frameLog     frameType = 68
	frameIndexed frameType = 69
	frameEntry   frameType = 70
	frameMissing frameType = 71
)

// frame is one message between host and worker: a small JSON header, and attachments that are never escaped or parsed on the way.
type frame struct {
	typ         frameType
	header      []byte
	attachments [][]byte
}

// newFrame makes a frame with header as JSON.
func newFrame(typ frameType, header any, attachments ...[]byte) (*frame, error) {
	data, err := json.Marshal(header)
	if err != nil {
		return nil, fmt.Errorf("encoding frame header: %w", err)
	}
	f := &frame{typ: typ, header: data, attachments: attachments}
	if err := f.check(); err != nil {
		return nil, err
	}
	return f, nil
}

// check refuses a frame that is larger than the worker takes.
func (f *frame) check() error {
	if size := f.size(); size > maxFrame {
		return fmt.Errorf("the data of the invocation is %d bytes long; at most %d bytes can be handed to the worker", size, maxFrame)
	}
	if len(f.attachments) > maxAttachments {
		return fmt.Errorf("the invocation has %d values; at most %d can be handed to the worker", len(f.attachments), maxAttachments)
	}
	return nil
}

// size is what the frame's first field says: the number of bytes after that field.
func (f *frame) size() int {
	n := fixedPart + 4*len(f.attachments) + len(f.header)
	for _, a := range f.attachments {
		n += len(a)
	}
	return n
}

// write writes the frame to w, which the caller flushes.
func (f *frame) write(w *bufio.Writer) error {
	var few [4 + fixedPart + 4*8]byte
	prefix := few[:0]
	prefix = binary.LittleEndian.AppendUint32(prefix, uint32(f.size()))
	prefix = append(prefix, byte(f.typ))
	prefix = binary.LittleEndian.AppendUint32(prefix, uint32(len(f.header)))
	prefix = binary.LittleEndian.AppendUint32(prefix, uint32(len(f.attachments)))
	for _, a := range f.attachments {
		prefix = binary.LittleEndian.AppendUint32(prefix, uint32(len(a)))
	}
	if _, err := w.Write(prefix); err != nil {
		return err
	}
	if _, err := w.Write(f.header); err != nil {
		return err
	}
	for _, a := range f.attachments {
		if _, err := w.Write(a); err != nil {
			return err
		}
	}
	return nil
}

// readFrame reads one frame. It returns io.EOF at the end of the stream, and an error that says what is wrong with a frame that is no
// frame. Memory is taken for what arrives, not for what a length announces.
func readFrame(r io.Reader) (*frame, error) {
	var first [4]byte
	if _, err := io.ReadFull(r, first[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("frame ends within its length")
		}
		return nil, err
	}
	size := int(binary.LittleEndian.Uint32(first[:]))
	if size < fixedPart || size > maxFrame {
		return nil, fmt.Errorf("frame of %d bytes: %d to %d are possible", size, fixedPart, maxFrame)
	}
	body, err := readBody(r, size)
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("frame of %d bytes ends early", size)
		}
		return nil, err
	}
	return parseFrame(body)
}

func readBody(r io.Reader, size int) ([]byte, error) {
	body := make([]byte, min(size, trustedSize))
	for at := 0; ; {
		n, err := io.ReadFull(r, body[at:])
		if err != nil {
			return nil, err
		}
		if at += n; at == size {
			return body, nil
		}
		grown := make([]byte, min(size, 2*len(body)))
		copy(grown, body)
		body = grown
	}
}

// parseFrame takes apart what follows a frame's length. Header and attachments share body's memory.
func parseFrame(body []byte) (*frame, error) {
	if len(body) < fixedPart {
		return nil, fmt.Errorf("frame of %d bytes: at least %d are needed", len(body), fixedPart)
	}
	headerLen, count := binary.LittleEndian.Uint32(body[1:]), binary.LittleEndian.Uint32(body[5:])
	f := &frame{typ: frameType(body[0])}
	rest := body[fixedPart:]
	if count > maxAttachments || 4*int(count) > len(rest) {
		return nil, fmt.Errorf("frame of type %d with %d attachments has only %d bytes", f.typ, count, len(body))
	}
	lengths := rest[:4*count]
	rest = rest[4*count:]
	if int64(headerLen) > int64(len(rest)) {
		return nil, fmt.Errorf("frame of type %d: header of %d bytes, but %d are left", f.typ, headerLen, len(rest))
	}
	f.header, rest = rest[:headerLen:headerLen], rest[headerLen:]
	if count > 0 {
		f.attachments = make([][]byte, count)
	}
	for i := range f.attachments {
		n := binary.LittleEndian.Uint32(lengths[4*i:])
		if int64(n) > int64(len(rest)) {
			return nil, fmt.Errorf("frame of type %d: attachment %d of %d bytes, but %d are left", f.typ, i, n, len(rest))
		}
		f.attachments[i], rest = rest[:n:n], rest[n:]
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("frame of type %d: %d bytes too many", f.typ, len(rest))
	}
	return f, nil
}

// decode reads the header into v.
func (f *frame) decode(v any) error {
	if err := json.Unmarshal(f.header, v); err != nil {
		return fmt.Errorf("header of frame of type %d: %w", f.typ, err)
	}
	return nil
}

// attachment returns the i-th attachment, or an error if there is none.
func (f *frame) attachment(i int) ([]byte, error) {
	if i < 0 || i >= len(f.attachments) {
		return nil, fmt.Errorf("frame of type %d refers to attachment %d, but has %d", f.typ, i, len(f.attachments))
	}
	return f.attachments[i], nil
}
