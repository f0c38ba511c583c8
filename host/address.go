package host

import (
	"net"
	"strconv"
	"strings"
)

// openPort opens the port, unless the host is to have none.
func (h *Host) openPort() (err error) {
	if h.cfg.NoHTTP {
		return nil
	}
	if h.cfg.Inherited != nil {
		h.listener, h.alsoIPv6 = h.cfg.Inherited.listeners()
		return nil
	}
	if h.listener, err = listen(h.cfg.Address, max(h.cfg.Port, 0)); err != nil {
		return err
	}
	if h.cfg.Address == "127.0.0.1" || strings.EqualFold(h.cfg.Address, "localhost") {
		h.alsoIPv6, _ = net.Listen("tcp6", h.authority("::1")) // a machine without IPv6 is no fault
	}
	return nil
}

// Addr is the address that the host listens on, once Start has opened it.
func (h *Host) Addr() net.Addr {
	if h.listener == nil {
		return nil
	}
	return h.listener.Addr()
}

// URL is the host's base URL, without a slash at its end, as callers on this machine use it. "" for a host that listens on no port.
func (h *Host) URL() string {
	if h.listener == nil {
		return ""
	}
	return "http://" + h.authority(h.reachableName())
}

// authority is name:port of this host.
func (h *Host) authority(name string) string {
	port := 0
	if tcp, ok := h.Addr().(*net.TCPAddr); ok {
		port = tcp.Port
	}
	return net.JoinHostPort(name, strconv.Itoa(port))
}

// reachableName is the address to call when the host listens on all interfaces: this machine's loopback.
func (h *Host) reachableName() string {
	ip := net.ParseIP(h.cfg.Address)
	switch {
	case ip == nil, ip.IsUnspecified() && ip.To4() != nil:
		return "127.0.0.1"
	case ip.IsUnspecified():
		return "::1"
	}
	return h.cfg.Address
}
