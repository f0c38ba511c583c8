package host

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	cfg, _ := testConfig(t, testApp(t, nil), &channels{next: echoing})
	cfg.Port = l.Addr().(*net.TCPAddr).Port
	h, err := New(cfg)
	require.NoError(t, err)
	err = h.Start(t.Context())
	var inUse *PortInUseError
	require.ErrorAs(t, err, &inUse)
	require.ErrorContains(t, err, fmt.Sprintf("port %d is in use", cfg.Port))
	if _, statErr := os.Stat("/proc/self/fd"); statErr == nil {
		require.Equal(t, os.Getpid(), inUse.PID)
		require.ErrorContains(t, err, fmt.Sprintf("by PID %d (", os.Getpid()))
	}
}

func TestPortOwner(t *testing.T) {
	t.Parallel()
	proc := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(proc, "net"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(proc, "1234", "fd"), 0o755))
	writeFile(t, "  sl  local_address rem_address   st\n"+
		"   0: 0100007F:1B9F 00000000:0000 01 00000000:00000000 00:00000000 00000000  1000        0 777 1\n"+
		"   1: 0100007F:1B9F 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1\n", proc, "net", "tcp")
	writeFile(t, "node\n", proc, "1234", "comm")
	require.NoError(t, os.Symlink("socket:[4242]", filepath.Join(proc, "1234", "fd", "7")))
	pid, name := portOwner(proc, 7071)
	require.Equal(t, 1234, pid)
	require.Equal(t, "node", name)
	pid, _ = portOwner(proc, 7072)
	require.Zero(t, pid)
	require.EqualError(t, &PortInUseError{Port: 7071, PID: 1234, Process: "node"},
		"port 7071 is in use by PID 1234 (node): end that process, or choose another port with --port (0 picks a free one)")
}
