package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// zeros is a reader of so many bytes.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// open makes a request whose response is read by the caller.
func (h *host) open(ctx context.Context, method, path string, body io.Reader) *http.Response {
	h.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, h.URL+path, body)
	require.NoError(h.t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func readText(t *testing.T, r io.Reader, n int) string {
	t.Helper()
	buf := make([]byte, n)
	_, err := io.ReadFull(r, buf)
	require.NoError(t, err)
	return string(buf)
}

// TestV4Stream streams requests and responses to and from the worker.
func TestV4Stream(t *testing.T) {
	t.Parallel()
	h, _ := startV4(t, "v4stream")

	a := h.call(http.MethodGet, "/api/plain/7?a=1&a=2", nil, "User-Agent", "test", "X-Ms-Invocation-Id", "forged").want(http.StatusCreated)
	require.Equal(t, "application/json", a.Header.Get("Content-Type"))
	require.Equal(t, "test", a.Header.Get("X-Agent"))
	require.Equal(t, "c=v", a.Header.Get("Set-Cookie"))
	require.Empty(t, a.Header.Get("X-Ms-Invocation-Id"))
	var plain object
	a.json(&plain)
	require.Equal(t, object{"id": "7", "a": []any{"1", "2"}, "url": h.URL + "/api/plain/7?a=1&a=2", "forwarded": "forged"}, plain)
	h.logged("plain in Plain")

	// The first chunk is seen while the function waits.
	slow := h.open(t.Context(), http.MethodGet, "/api/slow", nil)
	require.Equal(t, "first ", readText(t, slow.Body, 6))
	h.openGate("slow")
	rest, err := io.ReadAll(slow.Body)
	require.NoError(t, err)
	require.Equal(t, "last", string(rest))

	// A response that begins before the request has ended.
	reader, writer := io.Pipe()
	go func() { _, _ = writer.Write([]byte("ping ")) }()
	echo := h.open(t.Context(), http.MethodPost, "/api/echo", reader)
	require.Equal(t, "ping ", readText(t, echo.Body, 5))
	go func() { _, _ = writer.Write([]byte("pong")); writer.Close() }()
	rest, err = io.ReadAll(echo.Body)
	require.NoError(t, err)
	require.Equal(t, "pong", string(rest))

	const size = 100_000_000
	before := h.peak()
	var upload struct{ Bytes, Most int64 }
	(&answer{t: t, what: "the upload", Body: mustRead(t, h.open(t.Context(), http.MethodPost, "/api/upload", zeros(size)).Body)}).json(&upload)
	require.EqualValues(t, size, upload.Bytes)
	require.Less(t, upload.Most, int64(40_000_000), "the worker holds no more than some chunks")
	require.Less(t, h.peak()-before, int64(60_000_000), "nor does the host")
	require.Equal(t, http.StatusRequestEntityTooLarge, h.open(t.Context(), http.MethodPost, "/api/upload", bytes.NewReader(make([]byte, 100<<20+1))).StatusCode)
	require.Equal(t, http.StatusRequestEntityTooLarge, h.open(t.Context(), http.MethodPost, "/api/upload", zeros(100<<20+1)).StatusCode, "of unknown length")
	require.Equal(t, "ignored", string(mustRead(t, h.open(t.Context(), http.MethodPost, "/api/ignores", strings.NewReader(strings.Repeat("x", 1_000_000))).Body)))

	h.call(http.MethodGet, "/api/nothing", nil).want(http.StatusNoContent)
	h.call(http.MethodGet, "/api/throws", nil).want(http.StatusInternalServerError)
	h.logged("thrown in Throws")
	broken := h.open(t.Context(), http.MethodGet, "/api/breaksOff", nil)
	half, err := io.ReadAll(broken.Body)
	require.Error(t, err, "the caller must not take it for whole")
	require.Equal(t, "half ", string(half))
	h.logged("thrown in the middle")

	stalled, feed := io.Pipe()
	require.Equal(t, http.StatusInternalServerError, h.open(t.Context(), http.MethodPost, "/api/refuses", stalled).StatusCode, "the rest of the body is not waited for")
	require.NoError(t, feed.Close())

	// Who hangs up ends the function's stream.
	ctx, cancel := context.WithCancel(t.Context())
	endless := h.open(ctx, http.MethodGet, "/api/endless", nil)
	require.Equal(t, "0\n1\n", readText(t, endless.Body, 4))
	cancel()
	eventually(t, "the end of the stream", func() (bool, any) { return exists(filepath.Join(h.Dir, "endless")), nil })

	ctx, cancel = context.WithCancel(t.Context())
	part, more := io.Pipe()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL+"/api/upload", part)
	require.NoError(t, err)
	gone := make(chan error, 1)
	go func() {
		_, err := http.DefaultClient.Do(req)
		gone <- err
	}()
	_, err = more.Write(make([]byte, 1000))
	require.NoError(t, err)
	eventually(t, "the upload to run", func() (bool, any) { return strings.Count(h.log.String(), "Executing 'Functions.Upload'") == 3, nil })
	cancel()
	require.NoError(t, more.CloseWithError(context.Canceled))
	require.ErrorIs(t, <-gone, context.Canceled)
	eventually(t, "the end of the upload", func() (bool, any) { return exists(filepath.Join(h.Dir, "upload")), nil })

	ctx, cancel = context.WithCancel(t.Context())
	waits := h.open(ctx, http.MethodGet, "/api/waits", nil)
	require.Equal(t, "begin", readText(t, waits.Body, 5))
	cancel()
	eventually(t, "the end of the stream that waits", func() (bool, any) { return exists(filepath.Join(h.Dir, "waits")), nil })

	// Who reads slowly slows the function down.
	fast := h.open(t.Context(), http.MethodGet, "/api/fast", nil)
	readText(t, fast.Body, 10_000_000)
	h.call(http.MethodGet, "/api/plain/8", nil).want(http.StatusCreated)
	require.False(t, exists(filepath.Join(h.Dir, "fast")), "half of it is 100 MB")
	n, err := io.Copy(io.Discard, fast.Body)
	require.NoError(t, err)
	require.EqualValues(t, 190_000_000, n)

	for name, want := range map[string]string{"Nothing": "Succeeded", "Throws": "Failed", "Ignores": "Succeeded"} {
		var outcome struct{ Status string }
		h.call(http.MethodPost, "/admin/functions/"+name+"?wait=true", object{"input": "by hand"}).want(http.StatusOK).json(&outcome)
		require.Equal(t, want, outcome.Status, "%s, run by hand", name)
	}
}

// peak is the most memory that the host has had, in bytes.
func (h *host) peak() int64 {
	h.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.cmd.Process.Pid))
	require.NoError(h.t, err)
	_, after, found := strings.Cut(string(data), "VmHWM:")
	require.True(h.t, found)
	kilobytes, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
	require.NoError(h.t, err)
	return kilobytes << 10
}

func mustRead(t *testing.T, r io.Reader) []byte {
	t.Helper()
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	return data
}
