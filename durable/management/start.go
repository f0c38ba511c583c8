package management

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/durango-functions/durango/durable"
)

// start serves POST /orchestrators/{functionName}/{instanceId?}.
func (h *handler) start(r *request, segments []string) error {
	wait, err := r.query.wait()
	if err != nil {
		return err
	}
	input, err := h.body(r)
	if err != nil {
		return err
	}
	// The SDKs send "" for no input, and an orchestrator that was given none expects undefined, not a text.
	if string(input) == `""` {
		input = nil
	}
	opts := durable.StartOptions{Version: r.query.get("version")}
	if len(segments) > 2 {
		opts.InstanceID = segments[2]
	}
	id, err := h.client.Start(r.http.Context(), segments[1], input, opts)
	var syntax *durable.InvalidJSONError
	if errors.As(err, &syntax) {
		return fmt.Errorf("Invalid JSON content: %w", err)
	}
	if err != nil {
		return err
	}
	return h.started(r, id, wait)
}

// restart serves POST /instances/{instanceId}/restart.
func (h *handler) restart(r *request, segments []string) error {
	wait, err := r.query.wait()
	if err != nil {
		return err
	}
	newID, err := r.query.flag("restartWithNewInstanceId", true)
	if err != nil {
		return err
	}
	id, err := h.client.Restart(r.http.Context(), segments[1], durable.RestartOptions{SameID: !newID})
	if errors.Is(err, durable.ErrInstanceNotFound) {
		return badRequest("InstanceId does not match a valid orchestration instance.")
	}
	if err != nil {
		return err
	}
	return h.started(r, id, wait)
}

// wait reads timeout and pollingInterval: how long to wait for the end, 0 not at all. Both must be there for a wait, as in the
// original. pollingInterval has no other meaning: the end is told, not asked for.
func (q query) wait() (time.Duration, error) {
	timeout, bounded, err := q.seconds("timeout")
	if err != nil {
		return 0, err
	}
	interval, polled, err := q.seconds("pollingInterval")
	if err != nil {
		return 0, err
	}
	if !bounded || !polled {
		return 0, nil
	}
	if interval > timeout {
		return 0, badRequest("Total timeout %g seconds should be bigger than the polling interval of %g seconds.", timeout.Seconds(), interval.Seconds())
	}
	return timeout, nil
}

// started answers a start: at once, or when the instance has finished if the caller waits.
func (h *handler) started(r *request, id string, wait time.Duration) error {
	failureCode, err := r.query.flag("returnInternalServerErrorOnFailure", false)
	if err != nil {
		return err
	}
	if wait > 0 {
		ctx, cancel := context.WithTimeout(r.http.Context(), wait)
		defer cancel()
		st, err := h.client.WaitForCompletion(ctx, id)
		switch {
		case err == nil && st.RuntimeStatus == durable.Completed:
			p, err := st.Payload(durable.PayloadOptions{})
			if err != nil {
				return err
			}
			h.answer(r, http.StatusOK, p.Output)
			return nil
		case err == nil:
			return h.show(r, st, durable.PayloadOptions{})
		case ctx.Err() == nil:
			return err
		}
	}
	m := h.urls(r).Management(id)
	if failureCode {
		m.StatusQueryGetURI += "&returnInternalServerErrorOnFailure=true"
	}
	r.w.Header().Set("Location", m.StatusQueryGetURI)
	r.w.Header().Set("Retry-After", "10")
	h.answer(r, http.StatusAccepted, m) // in the order of azure-functions-durable-extension HttpApiHandler.cs:1211-1240
	return nil
}

// body reads the request's body, nil when there is none.
func (h *handler) body(r *request) (json.RawMessage, error) {
	limited := http.MaxBytesReader(r.w, r.http.Body, h.opts.MaxBodyBytes)
	raw, err := io.ReadAll(limited)
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return nil, err
	case err != nil:
		return nil, badRequest("The request body cannot be read: %v.", err)
	}
	raw = bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\xEF\xBB\xBF")))
	if len(raw) == 0 {
		return nil, nil
	}
	return raw, nil
}
