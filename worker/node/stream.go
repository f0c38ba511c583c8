package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/durango-functions/durango/worker"
)

// invocationHeader tells the programming model which invocation a forwarded request belongs to.
const invocationHeader = "X-Ms-Invocation-Id"

// breakOffPatience is how long a response may take that ends in the middle: its caller may read slowly.
const breakOffPatience = time.Second

// errBrokenOff tells that the worker has not ended a response that it had begun.
var errBrokenOff = errors.New("receiving the response from the worker")

// hopByHop are headers of a connection rather than of a message (RFC 9110, section 7.6.1).
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// liveOf returns the HTTP exchange that an invocation takes part in, nil for none.
func liveOf(inv *worker.Invocation) *worker.LiveHTTP {
	if len(inv.Inputs) == 0 || inv.Inputs[0].Value.Request == nil {
		return nil
	}
	return inv.Inputs[0].Value.Request.Live
}

// streamByHand is stream for a function that is run by hand: request and response are in memory.
func (p *process) streamByHand(ctx context.Context, fn *loaded, inv *worker.Invocation) (*worker.Result, error) {
	in := *inv.Inputs[0].Value.Request
	r, err := http.NewRequestWithContext(ctx, in.Method, in.URL, bytes.NewReader(in.Body))
	if err != nil {
		return nil, fmt.Errorf("making the request of an invocation by hand: %w", err)
	}
	for name, value := range in.Headers {
		r.Header.Set(name, value)
	}
	w := &responseBuffer{header: http.Header{}}
	in.Live = &worker.LiveHTTP{Writer: w, Request: r}
	live := *inv
	live.Inputs = slices.Clone(inv.Inputs)
	live.Inputs[0].Value.Request = &in
	result, err := p.stream(ctx, fn, &live, in.Live)
	if err == nil && w.status != 0 {
		result.ReturnValue = worker.Value{Kind: worker.HTTP, Response: &worker.HTTPResponse{
			Status: strconv.Itoa(w.status), Header: w.header, Body: worker.Value{Kind: worker.Bytes, Data: w.body.Bytes()},
		}}
	}
	return result, err
}

// responseBuffer keeps a response.
type responseBuffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (w *responseBuffer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *responseBuffer) WriteHeader(status int) { w.status = status }

func (w *responseBuffer) Write(p []byte) (int, error) { return w.body.Write(p) }

// stream runs an invocation whose request and response do not go through frames: they are forwarded to the HTTP server of the process as
// they come, and back (azure-functions-host DefaultHttpProxyService.cs).
func (p *process) stream(ctx context.Context, fn *loaded, inv *worker.Invocation, live *worker.LiveHTTP) (*worker.Result, error) {
	p.entry.mu.Lock()
	target := p.entry.httpURI
	p.entry.mu.Unlock()
	base, err := url.Parse(target)
	if err != nil || base.Port() == "" {
		return nil, fmt.Errorf("the worker process has opened no server for streamed requests (%q)", target)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f := &forward{inv: inv, live: live, host: net.JoinHostPort("127.0.0.1", base.Port()), done: make(chan struct{})}
	result, err := p.call(ctx, fn, streamed(inv, live), func() {
		go func() {
			f.err = f.run(ctx, p.cfg.transport)
			close(f.done)
			if errors.Is(f.err, errBrokenOff) { // the reason is about to come as the answer
				await(ctx.Done(), breakOffPatience)
			}
			if f.err != nil {
				cancel(f.err)
			}
		}()
	})
	if errors.Is(err, errNotSent) {
		return nil, err
	}
	if failed := new(worker.FunctionError); errors.As(err, &failed) && failed.Began {
		await(f.done, breakOffPatience) // what was written before the failure is on its way
	}
	if err != nil || !result.Streamed {
		cancel(err) // no response will come, or no more of it
	}
	<-f.done
	if f.err != nil && !f.began.Load() && live.Request.ContentLength != 0 {
		live.Writer.Header().Set("Connection", "close") // part of the body is still to come
	}
	switch {
	case err != nil && errors.Is(err, context.Canceled) && f.err != nil && !errors.Is(f.err, context.Canceled):
		return nil, f.err
	case err == nil && result.Streamed && f.err != nil:
		return nil, f.err
	}
	return result, err
}

// streamed is the invocation as the worker gets it: the request is empty, its headers and route parameters are in the metadata.
func streamed(inv *worker.Invocation, live *worker.LiveHTTP) *worker.Invocation {
	r := live.Request
	headers := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	metadata := map[string]json.RawMessage{} // the model takes whatever else there were for a route parameter
	for name, value := range inv.Inputs[0].Value.Request.Params {
		metadata[name] = asJSON(value)
	}
	metadata["Headers"] = asJSON(headers)
	wire := *inv
	wire.TriggerMetadata = metadata
	wire.Inputs = slices.Clone(inv.Inputs)
	wire.Inputs[0].Value = worker.Value{Kind: worker.HTTP, Request: &worker.HTTPRequest{}}
	return &wire
}

// asJSON encodes strings and maps of strings, which cannot fail.
func asJSON[T string | map[string]string](v T) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}

// forward is a request on its way to the worker, and the response on its way back.
type forward struct {
	inv   *worker.Invocation
	live  *worker.LiveHTTP
	host  string
	began atomic.Bool   // the response has begun
	done  chan struct{} // closed when err is set
	err   error
}

// await waits until a channel is closed, but not for longer than that.
func await(done <-chan struct{}, limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

func (f *forward) run(ctx context.Context, transport http.RoundTripper) error {
	w, r := f.live.Writer, f.live.Request
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // a function may answer while it reads; where that is not possible it may not
	defer context.AfterFunc(ctx, func() {
		// Neither a caller that sends nothing nor one that takes nothing is waited for. The connection is of no use after that.
		if r.ContentLength != 0 {
			_ = control.SetReadDeadline(time.Now())
		}
		if f.began.Load() {
			_ = control.SetWriteDeadline(time.Now())
		}
	})()
	resp, err := transport.RoundTrip(f.request(ctx, r))
	if err != nil {
		return fmt.Errorf("forwarding the request to the worker: %w", err)
	}
	defer resp.Body.Close()
	f.began.Store(true)
	copyHeaders(w.Header(), resp.Header)
	w.Header().Del(invocationHeader)
	w.WriteHeader(resp.StatusCode)
	if err := flush(control); err != nil {
		return err
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return fmt.Errorf("sending the response: %w", err)
			}
			if err := flush(control); err != nil { // what the function has written is seen at once
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errBrokenOff, err)
		}
	}
}

func flush(control *http.ResponseController) error {
	if err := control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("sending the response: %w", err)
	}
	return nil
}

// request is the caller's request, for the worker.
func (f *forward) request(ctx context.Context, r *http.Request) *http.Request {
	out := r.Clone(ctx)
	out.URL.Scheme, out.URL.Host = "http", f.host
	out.RequestURI, out.Close = "", false
	if r.ContentLength == 0 {
		out.Body = http.NoBody
	}
	out.Header = http.Header{}
	copyHeaders(out.Header, r.Header)
	out.Header.Del("Expect")
	proto := "http"
	if r.TLS != nil {
		proto = "https"
	}
	out.Header.Set(invocationHeader, f.inv.ID)
	out.Header.Set("X-Forwarded-Host", r.Host)
	out.Header.Set("X-Forwarded-Proto", proto)
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header.Set("User-Agent", "") // keeps net/http from naming itself
	}
	return out
}

// copyHeaders adds the headers of a message to another, in place of those of the same names.
func copyHeaders(to, from http.Header) {
	var named []string
	for _, value := range from.Values("Connection") {
		for name := range strings.SplitSeq(value, ",") {
			named = append(named, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	for name, values := range from {
		switch {
		case slices.Contains(hopByHop, name), slices.Contains(named, name):
		case name == "Vary":
			to[name] = append(slices.Clone(to[name]), values...) // what CORS has put there stays true
		default:
			to[name] = values
		}
	}
}

// newTransport makes the connections to the HTTP servers of worker processes on this machine.
func newTransport() *http.Transport {
	return &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64, IdleConnTimeout: 3 * time.Second}
}
