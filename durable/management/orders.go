package management

import (
	"errors"
	"fmt"
	"mime"
	"net/http"

	"github.com/durango-functions/durango/durable"
)

// raiseEvent serves POST /instances/{instanceId}/raiseEvent/{eventName}. An empty body is an event without data.
func (h *handler) raiseEvent(r *request, segments []string) error {
	name := ""
	if len(segments) > 3 {
		name = segments[3]
	}
	data, err := h.body(r)
	if err != nil {
		return err
	}
	if contentType := r.http.Header.Get("Content-Type"); len(data) > 0 {
		if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "application/json" {
			return badRequest("Only application/json request content is supported, and the Content-Type is '%s'.", contentType)
		}
	}
	if err := h.client.RaiseEvent(r.http.Context(), segments[1], name, data); err != nil {
		return err
	}
	return accepted(r)
}

// terminate serves POST /instances/{instanceId}/terminate.
func (h *handler) terminate(r *request, segments []string) error {
	cascade, err := r.query.flag("cascade", false)
	if err != nil {
		return err
	}
	err = h.client.Terminate(r.http.Context(), segments[1], r.query.reason(), durable.TerminateOptions{Cascade: cascade})
	if err != nil {
		return err
	}
	return accepted(r)
}

// suspend serves POST /instances/{instanceId}/suspend.
func (h *handler) suspend(r *request, segments []string) error {
	if err := h.client.Suspend(r.http.Context(), segments[1], r.query.reason()); err != nil {
		return err
	}
	return accepted(r)
}

// resume serves POST /instances/{instanceId}/resume.
func (h *handler) resume(r *request, segments []string) error {
	if err := h.client.Resume(r.http.Context(), segments[1], r.query.reason()); err != nil {
		return err
	}
	return accepted(r)
}

// rewind serves POST /instances/{instanceId}/rewind. What it refuses has a text as its body, because durable-functions 3.x shows it as such.
func (h *handler) rewind(r *request, segments []string) error {
	err := h.client.Rewind(r.http.Context(), segments[1], r.query.reason())
	switch {
	case errors.Is(err, durable.ErrInstanceNotFound):
		h.answer(r, http.StatusNotFound, fmt.Sprintf("No instance with ID '%s' found.", segments[1]))
		return nil
	case errors.Is(err, durable.ErrInstanceNotFailed):
		h.answer(r, http.StatusPreconditionFailed, "The rewind operation is only supported on failed orchestration instances: "+err.Error()+".")
		return nil
	case err != nil:
		return err
	}
	return accepted(r)
}

func accepted(r *request) error {
	r.w.WriteHeader(http.StatusAccepted)
	return nil
}
