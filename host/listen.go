package host

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// PortInUseError tells that another process listens on the port already.
type PortInUseError struct {
	Port int
	// PID and Process tell who listens; 0 and "" when the system does not say.
	PID     int
	Process string
	Err     error
}

func (e *PortInUseError) Error() string {
	by := ""
	if e.PID != 0 {
		by = fmt.Sprintf(" by PID %d", e.PID)
		if e.Process != "" {
			by += " (" + e.Process + ")"
		}
	}
	return fmt.Sprintf("port %d is in use%s: end that process, or choose another port with --port (0 picks a free one)", e.Port, by)
}

func (e *PortInUseError) Unwrap() error { return e.Err }

// listen opens the host's port.
func listen(address string, port int) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		pid, process := portOwner("/proc", port)
		return nil, &PortInUseError{Port: port, PID: pid, Process: process, Err: err}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("address %s belongs to no network interface of this machine: use 127.0.0.1 for this machine only, or 0.0.0.0 for all interfaces: %w", address, err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("port %d may not be opened by this user: choose a port above 1023 with --port: %w", port, err)
	}
	return nil, fmt.Errorf("listening on %s, port %d: %w", address, port, err)
}

// portOwner finds the process that listens on a TCP port, as far as this system's proc file system tells.
func portOwner(proc string, port int) (pid int, process string) {
	sockets := map[string]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		raw, err := os.ReadFile(filepath.Join(proc, "net", table))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(raw)) {
			fields := strings.Fields(line)
			if len(fields) < 10 || fields[3] != "0A" { // 0A: listening
				continue
			}
			_, hex, _ := strings.Cut(fields[1], ":")
			if n, err := strconv.ParseUint(hex, 16, 16); err == nil && int(n) == port {
				sockets["socket:["+fields[9]+"]"] = true
			}
		}
	}
	if len(sockets) == 0 {
		return 0, ""
	}
	fds, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "fd", "*"))
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err != nil || !sockets[target] {
			continue
		}
		dir := filepath.Dir(filepath.Dir(fd))
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(dir, "comm"))
		return pid, strings.TrimSpace(string(name))
	}
	return 0, ""
}

// isLoopback reports whether only this machine can reach an address to listen on.
func isLoopback(address string) bool {
	if strings.EqualFold(address, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(address, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// checkAddress refuses what is no address, and an open address without authentication.
func checkAddress(address string, auth, insecure bool) error {
	if !strings.EqualFold(address, "localhost") {
		if _, err := netip.ParseAddr(strings.Trim(address, "[]")); err != nil {
			return fmt.Errorf("address %q is no IP address: expected one such as 127.0.0.1 (this machine only, the default), 0.0.0.0 or ::1", address)
		}
	}
	if !isLoopback(address) && !auth && !insecure {
		return fmt.Errorf("address %s can be reached from other machines, and without authentication anyone there could run and manage your functions: "+
			"add --enable-auth, or --insecure-no-auth if that is what you want", address)
	}
	return nil
}
