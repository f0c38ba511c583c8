//go:build unix

package taskhub

import (
	"net"
	"syscall"
)

// hasHungUp reports whether the other side has ended the connection, and all that it has said has been read. It does not wait.
func hasHungUp(conn net.Conn) bool {
	if c, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		conn = c.NetConn()
	}
	c, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	var n int
	var peekErr error
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, peekErr = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	switch {
	case err != nil:
		return true // closed on this side
	case peekErr != nil:
		return peekErr != syscall.EAGAIN && peekErr != syscall.EINTR
	default:
		return n == 0
	}
}
