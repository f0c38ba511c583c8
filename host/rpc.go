package host

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// rpcPath is the path of the local endpoint that SDKs call (azure-functions-durable-extension LocalHttpListener.cs:23).
const rpcPath = "/durabletask/"

// rpcServer serves the management API to this machine's own function code, without keys, on a port of its own: so the SDKs reach it
// whatever the address, keys and proxies of the host are.
type rpcServer struct {
	listener net.Listener
	server   *http.Server
}

// openRPC opens the port. There is none when host.json turns the endpoint off, and without a folder, where no functions in JavaScript are.
func (h *Host) openRPC() (*rpcServer, error) {
	if !h.config.DurableTask.LocalRPCEndpointEnabled || h.root == "" {
		return &rpcServer{}, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &rpcServer{listener: l}, nil
}

// url is the base URL for SDKs; it ends with a slash, because they join paths to it. "" when there is no endpoint.
func (s *rpcServer) url() string {
	if s == nil || s.listener == nil {
		return ""
	}
	return "http://" + s.listener.Addr().String() + rpcPath
}

func (s *rpcServer) serve(h *Host, wg *sync.WaitGroup) {
	if s.listener == nil {
		return
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !under(r.URL.Path, strings.TrimSuffix(rpcPath, "/")) {
			http.NotFound(w, r)
			return
		}
		// A reload's or a start's code may call before the host says that it runs; only the hub must be open.
		select {
		case <-h.durable.ready:
			h.durable.serveRPC(w, r)
		case <-h.work.Done():
			http.Error(w, "Function host is not running.", http.StatusServiceUnavailable)
		case <-r.Context().Done():
		}
	})
	s.server = &http.Server{
		Handler: handler, ReadHeaderTimeout: 30 * time.Second, BaseContext: func(net.Listener) context.Context { return h.work },
	}
	wg.Go(func() {
		if err := s.server.Serve(s.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			h.logger.Error("serving the local endpoint ended", "error", err)
		}
	})
}

// stop ends the endpoint once the calls under way have ended, or ctx has.
func (s *rpcServer) stop(ctx context.Context) error {
	if s == nil || s.listener == nil {
		return nil
	}
	if s.server == nil {
		return s.listener.Close()
	}
	if err := s.server.Shutdown(ctx); err != nil {
		return errors.Join(err, s.server.Close())
	}
	return nil
}
