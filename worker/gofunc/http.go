package gofunc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/durango-functions/durango/worker"
)

// serve runs an HTTP handler, on the goroutine of the request: it holds the connection, so nobody can go on without it.
func (c *Call) serve(h *Handler) (*worker.Result, error) {
	value := c.inv.Inputs[0].Value
	if value.Kind != worker.HTTP || value.Request == nil {
		return nil, fmt.Errorf("function %s was called without an HTTP request", c.inv.Function.Name)
	}
	var w http.ResponseWriter
	var by *recorder
	if live := value.Request.Live; live != nil {
		w, c.request = live.Writer, live.Request.WithContext(c)
		for name, v := range value.Request.Params {
			c.request.SetPathValue(name, v)
		}
	} else {
		r, err := newRequest(c, value.Request)
		if err != nil {
			return nil, err
		}
		by = &recorder{header: http.Header{}}
		w, c.request = by, r
	}
	response, err := c.answer(h, w)
	outputs := c.end()
	if err != nil {
		var failed *worker.FunctionError
		if !errors.As(err, &failed) {
			failed = &worker.FunctionError{Message: err.Error(), Err: err}
		}
		if c.Err() != nil {
			return nil, c.failure(err)
		}
		failed.Response = response
		return nil, failed
	}
	if response == nil && by != nil {
		response = by.response()
	}
	if response != nil && response.NoOutputs {
		outputs = nil
	}
	return &worker.Result{ReturnValue: worker.Value{Kind: worker.HTTP, Response: response}, Outputs: outputs}, nil
}

// answer calls the handler.
func (c *Call) answer(h *Handler, w http.ResponseWriter) (response *worker.HTTPResponse, err error) {
	defer func() {
		if r := recover(); r != nil {
			response, err = nil, panicked(r)
		}
	}()
	return h.Serve(w, c.request)
}

// newRequest makes the request of a function that is run by hand.
func newRequest(ctx context.Context, from *worker.HTTPRequest) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, from.Method, from.URL, bytes.NewReader(from.Body))
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	r.RequestURI = r.URL.RequestURI()
	for name, value := range from.Headers {
		if name == "host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	for name, value := range from.Params {
		r.SetPathValue(name, value)
	}
	return r, nil
}

// recorder keeps a response for a caller that is no HTTP client.
type recorder struct {
	header http.Header
	sent   http.Header // as they were when the body began
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status, w.sent = status, maps.Clone(w.header)
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush implements http.Flusher.
func (w *recorder) Flush() { w.WriteHeader(http.StatusOK) }

func (w *recorder) response() *worker.HTTPResponse {
	w.WriteHeader(http.StatusOK)
	body := worker.Value{}
	if w.body.Len() > 0 {
		body = worker.Value{Kind: worker.String, Data: w.body.Bytes()}
		if json.Valid(w.body.Bytes()) && strings.Contains(w.sent.Get("Content-Type"), "json") {
			body.Kind = worker.JSON
		}
	}
	return &worker.HTTPResponse{Status: strconv.Itoa(w.status), Header: w.sent, Body: body}
}

var (
	_ http.Flusher = (*recorder)(nil)
	_ io.Writer    = (*recorder)(nil)
)
