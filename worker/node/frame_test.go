package node

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

func encodeFrame(t testing.TB, f *frame) []byte {
	t.Helper()
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	require.NoError(t, f.write(w))
	require.NoError(t, w.Flush())
	return b.Bytes()
}

func mustFrame(t testing.TB, typ frameType, header any, attachments ...[]byte) *frame {
	t.Helper()
	f, err := newFrame(typ, header, attachments...)
	require.NoError(t, err)
	return f
}

func TestFrameRoundTrip(t *testing.T) {
	t.Parallel()
	large := bytes.Repeat([]byte("x"), 3*trustedSize)
	for _, f := range []*frame{
		mustFrame(t, frameDrain, struct{}{}),
		mustFrame(t, frameResult, map[string]int{"id": 1}, []byte("a"), nil, []byte("c")),
		mustFrame(t, frameLog, map[string]int{}, large, []byte("end")),
	} {
		r := bytes.NewReader(append(encodeFrame(t, f), 'x'))
		got, err := readFrame(r)
		require.NoError(t, err)
		require.Equal(t, f.typ, got.typ)
		require.Equal(t, f.header, got.header)
		require.Len(t, got.attachments, len(f.attachments))
		for i := range f.attachments {
			require.True(t, bytes.Equal(f.attachments[i], got.attachments[i]))
		}
		require.Equal(t, 1, r.Len(), "nothing after the frame is read")
	}
	_, err := readFrame(bytes.NewReader(nil))
	require.Equal(t, io.EOF, err)
}

func TestFrameErrors(t *testing.T) {
	t.Parallel()
	valid := encodeFrame(t, mustFrame(t, frameResult, struct{}{}, []byte("abc")))
	change := func(at int, n uint32) []byte {
		b := bytes.Clone(valid)
		binary.LittleEndian.PutUint32(b[at:], n)
		return b
	}
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"ends in length":         {valid[:2], "frame ends within its length"},
		"ends in body":           {valid[:len(valid)-1], "frame of 18 bytes ends early"},
		"too small":              {change(0, 8), "frame of 8 bytes: 9 to 268435456 are possible"},
		"too large":              {change(0, 1<<31), "frame of 2147483648 bytes: 9 to 268435456 are possible"},
		"lying length":           {change(0, maxFrame), "frame of 268435456 bytes ends early"},
		"header too long":        {change(5, 1<<32-1), "frame of type 66: header of 4294967295 bytes, but 5 are left"},
		"too many attachments":   {change(9, 1<<32-1), "frame of type 66 with 4294967295 attachments has only 18 bytes"},
		"attachment too long":    {change(13, 1<<32-1), "frame of type 66: attachment 0 of 4294967295 bytes, but 3 are left"},
		"attachments leave rest": {change(13, 1), "frame of type 66: 2 bytes too many"},
	} {
		_, err := readFrame(bytes.NewReader(tt.data))
		require.EqualError(t, err, tt.want, name)
	}
}

func TestLyingLengthTakesNoMemory(t *testing.T) {
	data := binary.LittleEndian.AppendUint32(nil, maxFrame)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := readFrame(bytes.NewReader(append(data, make([]byte, 100)...)))
	runtime.ReadMemStats(&after)
	require.Error(t, err)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8*trustedSize))
}

func TestDecodeResultErrors(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		`[`:                          "header of frame of type 66: unexpected end of JSON input",
		`{"id":-1}`:                  "header of frame of type 66: json: cannot unmarshal number -1",
		`{"ret":{"k":"x"}}`:          `return value: value of unknown kind "x"`,
		`{"ret":{"k":"s","a":1}}`:    "return value: frame of type 66 refers to attachment 1, but has 1",
		`{"ret":{"k":"s","a":-1}}`:   "return value: frame of type 66 refers to attachment -1, but has 1",
		`{"out":[{"n":"a","v":{}}]}`: `output "a": value of unknown kind ""`,
		`{"ret":{"k":"h","body":{"k":"h","body":{"k":"h"}}}}`: "return value: the body of an HTTP response is an HTTP response",
	} {
		_, _, err := decodeResult(&frame{typ: frameResult, header: []byte(header), attachments: [][]byte{nil}})
		require.ErrorContains(t, err, want)
	}
}

func TestInvokeFrameErrors(t *testing.T) {
	t.Parallel()
	inv := func(v worker.Value) *worker.Invocation {
		return &worker.Invocation{Function: &functions.Function{Name: "F"}, Inputs: []worker.Input{{Name: "a", Value: v}}}
	}
	_, err := invokeFrame(1, 1, inv(worker.Value{Kind: worker.HTTP}), nil)
	require.EqualError(t, err, `input "a" of function F: an HTTP value needs a Request`)
	_, err = invokeFrame(1, 1, inv(worker.Value{Kind: 99}), nil)
	require.EqualError(t, err, `input "a" of function F: value of unknown kind 99`)
	_, err = invokeFrame(1, 1, inv(worker.Value{Kind: worker.Bytes, Data: make([]byte, maxFrame)}), nil)
	require.ErrorContains(t, err, "invocation of function F: the data of the invocation is 2684")
	bad := inv(worker.Value{})
	bad.TriggerMetadata = map[string]json.RawMessage{"x": json.RawMessage("{")}
	_, err = invokeFrame(1, 1, bad, nil)
	require.ErrorContains(t, err, "invocation of function F: encoding frame header")
}

func FuzzFrame(f *testing.F) {
	f.Add(encodeFrame(f, mustFrame(f, frameReady, readyHeader{Version: "v20.0.0", PID: 1})))
	f.Add(encodeFrame(f, mustFrame(f, frameLoaded, loadedHeader{ID: 1}, []byte("message"), []byte("stack"))))
	f.Add(encodeFrame(f, mustFrame(f, frameFailure, failureHeader{ID: 1}, []byte("message"))))
	f.Add(encodeFrame(f, mustFrame(f, frameLog, logHeader{Level: 2, Function: "F"}, []byte("message"))))
	result := &frame{typ: frameResult, header: []byte(`{"id":1,"out":[{"n":"res","v":{"k":"h","status":"200","headers":{"a":"b"},` +
		`"cookies":[{"name":"a","value":"b","maxAge":1.5}],"body":{"k":"j","a":0}}}],"ret":{"k":"s","a":1}}`), attachments: [][]byte{[]byte("{}"), []byte("x")}}
	f.Add(encodeFrame(f, result))
	f.Add(encodeFrame(f, &frame{typ: frameEntry, header: []byte(`{"file":"index.js"}`)}))
	f.Add(encodeFrame(f, &frame{typ: frameIndexed, header: []byte(`{"functions":[{"name":"F","source":"index.js:1","config":{}}],"errors":[{"file":"x.js","message":"m"}],"httpUri":"http://127.0.0.1:1"}`)}))
	f.Add(binary.LittleEndian.AppendUint32(nil, maxFrame))
	f.Fuzz(func(t *testing.T, data []byte) {
		var cfg Config
		cfg.fill()
		p := &process{
			cfg: &cfg, ready: make(chan struct{}), idle: make(chan struct{}), calls: map[uint64]*call{1: {answer: make(chan answer, 1)}},
			abandoned: map[uint64]string{}, loads: map[int]*load{}, script: t.Name(), kept: map[uint64]*keptHistory{},
			entry: entryState{done: make(chan struct{})},
		}
		r := bytes.NewReader(data)
		for {
			at := len(data) - r.Len()
			fr, err := readFrame(r)
			if err != nil {
				return
			}
			// A frame that was read is the frame that was written.
			end := len(data) - r.Len()
			if again := encodeFrame(t, fr); !bytes.Equal(again, data[at:end]) {
				t.Fatalf("%x was read as %+v, which is %x", data[at:end], fr, again)
			}
			if p.receive(fr) != nil {
				return
			}
		}
	})
}
