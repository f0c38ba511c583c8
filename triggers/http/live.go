package httptrigger

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/durango-functions/durango/triggers"
	"github.com/durango-functions/durango/worker"
)

// runLive invokes a function of this process, or one whose requests are streamed to the worker: it takes part in the exchange, reads the body as it
// comes and may write the response as it goes. What it returns instead is written once its outputs have taken place.
func (h *Handler) runLive(w http.ResponseWriter, r *http.Request, e *endpoint, params map[string]string) {
	if r.ContentLength > h.opts.MaxBodyBytes {
		h.answer(w, http.StatusRequestEntityTooLarge)
		return
	}
	ev := triggers.Event{Reason: "HTTP request", TraceParent: r.Header.Get("Traceparent"), TraceState: strings.Join(r.Header.Values("Tracestate"), ",")}
	live := &liveWriter{ResponseWriter: w}
	if e.bodyData {
		body, status := readBody(w, r, h.opts.MaxBodyBytes)
		if status != 0 {
			h.answer(w, status)
			return
		}
		ev.Metadata = e.event(r, params, body).Metadata
		r.Body = io.NopCloser(bytes.NewReader(body))
	} else {
		r.Body = http.MaxBytesReader(w, r.Body, h.opts.MaxBodyBytes)
	}
	ev.Value = worker.Value{Kind: worker.HTTP, Request: &worker.HTTPRequest{Params: params, Live: &worker.LiveHTTP{Writer: live, Request: r}}}
	h.addCustomHeaders(w.Header()) // the function may replace them

	result, err := h.invoker.Invoke(r.Context(), e.fn, ev)
	if err != nil {
		h.failLive(live, r, err)
		return
	}
	resp := result.ReturnValue.Response
	if resp == nil && e.fn.Stream {
		resp = &worker.HTTPResponse{Status: strconv.Itoa(http.StatusNoContent)}
	}
	if resp != nil && !live.began {
		if err := h.write(w, r, resp); err != nil {
			h.logger.Error(fmt.Sprintf("The response of function %s cannot be sent, the caller gets status 500: %s.", e.fn.Name, err), "function", e.fn.Name)
			h.answer(w, http.StatusInternalServerError)
		}
	}
}

// failLive answers for a function that has failed. A response that has begun is cut off, so that the caller does not take it for whole.
func (h *Handler) failLive(w *liveWriter, r *http.Request, err error) {
	if w.began || errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler)
	}
	for name := range w.Header() {
		// What describes a body that does not come.
		if strings.HasPrefix(name, "Content-") || name == "Etag" || name == "Last-Modified" || name == "Cache-Control" || name == "Location" {
			w.Header().Del(name)
		}
	}
	if errors.As(err, new(*http.MaxBytesError)) {
		h.answer(w, http.StatusRequestEntityTooLarge)
		return
	}
	var failed *worker.FunctionError
	if errors.As(err, &failed) && failed.Response != nil && h.write(w, r, failed.Response) == nil {
		return
	}
	h.answer(w, http.StatusInternalServerError)
}

// liveWriter knows whether the response has begun.
type liveWriter struct {
	http.ResponseWriter
	began bool
}

// WriteHeader implements http.ResponseWriter.
func (w *liveWriter) WriteHeader(status int) {
	w.began = w.began || status >= http.StatusOK || status == http.StatusSwitchingProtocols
	w.ResponseWriter.WriteHeader(status)
}

func (w *liveWriter) Write(p []byte) (int, error) {
	w.began = true
	return w.ResponseWriter.Write(p)
}

// ReadFrom implements io.ReaderFrom, by which files are sent without a detour.
func (w *liveWriter) ReadFrom(r io.Reader) (int64, error) {
	w.began = true
	return io.Copy(w.ResponseWriter, r)
}

// Flush implements http.Flusher.
func (w *liveWriter) Flush() {
	w.began = true
	_ = http.NewResponseController(w.ResponseWriter).Flush() // a Flusher has no error to return
}

// Hijack implements http.Hijacker.
func (w *liveWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffer, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.began = w.began || err == nil
	return conn, buffer, err
}

// Unwrap is for http.ResponseController.
func (w *liveWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

var (
	_ http.Flusher  = (*liveWriter)(nil)
	_ http.Hijacker = (*liveWriter)(nil)
	_ io.ReaderFrom = (*liveWriter)(nil)
)
