package management

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/durango-functions/durango/durable"
)

// refusal is an error that says itself how it is answered.
type refusal struct {
	status  int
	message string
}

func (e *refusal) Error() string { return e.message }

func badRequest(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// message is the body of a refusal (azure-functions-durable-extension HttpRequestMessageExtensions.cs:33-60). It never has a stack trace.
type message struct {
	Message string
}

// fail answers an error: the one place that maps errors to status codes.
func (h *handler) fail(r *request, err error) {
	var own *refusal
	var tooLong *http.MaxBytesError
	var exists *durable.InstanceExistsError
	var status int
	text := err.Error()
	switch {
	case errors.As(err, &own):
		status = own.status
	case errors.As(err, &tooLong):
		status, text = http.StatusRequestEntityTooLarge, fmt.Sprintf("The request body is larger than %d bytes.", tooLong.Limit)
	case errors.As(err, &exists):
		status, text = http.StatusConflict, exists.Error()
	case isArgumentError(err), errors.Is(err, durable.ErrBadContinuationToken):
		status = http.StatusBadRequest
	case errors.Is(err, durable.ErrPayloadTooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, durable.ErrInstanceNotFound), errors.Is(err, durable.ErrEntityNotFound):
		status = http.StatusNotFound
	case errors.Is(err, durable.ErrInstanceFinished):
		status = http.StatusGone
	case errors.Is(err, durable.ErrInstanceSuspended), errors.Is(err, durable.ErrInstanceNotSuspended):
		status = http.StatusConflict
	case r.http.Context().Err() != nil:
		// The caller has gone, or the host is stopping.
		status, text = http.StatusServiceUnavailable, "The request was broken off, and its outcome is unknown."
	default:
		h.logger.Error("management API: request failed", "method", r.http.Method, "path", r.http.URL.Path, "error", err)
		status, text = http.StatusInternalServerError,
			"Something went wrong while processing the request, and its outcome is unknown. The host's log tells what."
	}
	h.refuse(r, status, text)
}

// isArgumentError reports whether the caller's arguments are at fault.
func isArgumentError(err error) bool {
	var unknown *durable.UnknownFunctionError
	var id *durable.InvalidInstanceIDError
	var event *durable.InvalidEventNameError
	var syntax *durable.InvalidJSONError
	var entityID *durable.InvalidEntityIDError
	var unknownEntity *durable.UnknownEntityError
	return errors.As(err, &entityID) || errors.As(err, &unknownEntity) || errors.As(err, &unknown) || errors.As(err, &id) || errors.As(err, &event) || errors.As(err, &syntax)
}

func (h *handler) refuse(r *request, status int, text string) {
	h.answer(r, status, message{text})
}

// answer writes one JSON value as the body.
func (h *handler) answer(r *request, status int, body any) {
	r.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	r.w.WriteHeader(status)
	h.write(r, func(enc *json.Encoder, _ *bufio.Writer) error { return enc.Encode(body) })
}

// write writes a body piece by piece.
func (h *handler) write(r *request, body func(enc *json.Encoder, raw *bufio.Writer) error) {
	out := bufio.NewWriterSize(r.w, 32<<10)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	err := body(enc, out)
	if err == nil {
		err = out.Flush()
	}
	if err != nil && r.http.Context().Err() == nil {
		h.logger.Warn("management API: writing the answer failed", "method", r.http.Method, "path", r.http.URL.Path, "error", err)
	}
}
