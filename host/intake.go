package host

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// intake knows the connections of a host whose port another one goes on serving.
type intake struct {
	leaveToOthers atomic.Bool    // another host accepts what comes
	accepting     sync.WaitGroup // the accept loops
	connections   sync.WaitGroup // counted only for a host with a supervisor
}

// count is the server's ConnState.
func (in *intake) count(_ net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		in.connections.Add(1)
	case http.StateClosed, http.StateHijacked:
		in.connections.Done()
	case http.StateActive, http.StateIdle:
	}
}

// finishConnections accepts nothing more, and answers what has been accepted. Server.Shutdown alone would cut off connections whose first request it
// has not read yet, which is right when nobody serves the port any more, and a failed request when somebody does.
func (h *Host) finishConnections(ctx context.Context) {
	for _, l := range []net.Listener{h.listener, h.alsoIPv6} {
		if l != nil {
			_ = l.Close() // the socket stays open at the other host
		}
	}
	h.intake.accepting.Wait()
	h.server.SetKeepAlivesEnabled(false)
	finished := make(chan struct{})
	go func() { // ends at the latest when the server is closed
		h.intake.connections.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
	}
}
