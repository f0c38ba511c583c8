package host

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// heir is what a host inherits of a base, in this process.
func heir(t *testing.T, b *Base) *Inherited {
	t.Helper()
	reports, reportsEnd, err := os.Pipe()
	require.NoError(t, err)
	ordersEnd, orders, err := os.Pipe()
	require.NoError(t, err)
	in := &Inherited{reports: reportsEnd, orders: ordersEnd}
	for _, f := range b.files {
		l, err := net.FileListener(f)
		require.NoError(t, err)
		in.open = append(in.open, l)
	}
	t.Cleanup(func() {
		require.NoError(t, in.Close())
		require.NoError(t, reports.Close())
		require.NoError(t, orders.Close())
	})
	return in
}

// TestRetire replaces a host: one that had connected to it is still answered, and the next one serves the port.
func TestRetire(t *testing.T) {
	t.Parallel()
	cfg, _ := testConfig(t, testApp(t, nil), &channels{next: echoing})
	base, err := OpenBase(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, base.Close(context.Background())) })
	cfg.Inherited = heir(t, base)
	first := startHost(t, cfg)
	silent, err := net.Dial("tcp", first.Addr().String())
	require.NoError(t, err)
	defer silent.Close()
	status, _ := get(t, first.URL()+"/admin/host/status")
	require.Equal(t, http.StatusOK, status, "who connected before has been accepted now")

	cfg.Inherited = heir(t, base)
	second := startHost(t, cfg)
	require.Equal(t, first.URL(), second.URL())
	var left atomic.Bool
	retired := make(chan error, 1)
	go func() { retired <- first.Retire(context.Background(), func() { left.Store(true) }) }()
	waitFor(t, "the first host's partitions to be free", left.Load)
	_, err = fmt.Fprint(silent, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.NoError(t, err)
	require.NoError(t, silent.SetReadDeadline(time.Now().Add(10*time.Second)))
	answer, err := io.ReadAll(bufio.NewReader(silent))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(answer), "HTTP/1.1 200 OK"), "%s", answer)
	require.NoError(t, <-retired)
	status, _ = get(t, second.URL()+"/")
	require.Equal(t, http.StatusOK, status)
}
