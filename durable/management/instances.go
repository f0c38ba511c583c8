package management

import (
	"bufio"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable"
)

// continuationHeader is the name of the request and response header that carries the place of the next page.
const continuationHeader = "x-ms-continuation-token"

// deleted is the answer to a purge.
type deleted struct {
	InstancesDeleted int `json:"instancesDeleted"`
}

// status serves GET /instances/{instanceId}.
func (h *handler) status(r *request, segments []string) error {
	var opts durable.PayloadOptions
	showInput, err := r.query.flag("showInput", true)
	if err != nil {
		return err
	}
	opts.HideInput = !showInput
	if opts.History, err = r.query.flag("showHistory", false); err != nil {
		return err
	}
	if opts.HistoryOutput, err = r.query.flag("showHistoryOutput", false); err != nil {
		return err
	}
	st, err := h.client.Status(r.http.Context(), segments[1], durable.StatusOptions{History: opts.History})
	if errors.Is(err, durable.ErrInstanceNotFound) {
		// null, not a message: durable-functions 2.x hands the body of 404 to the caller, who asks whether it is falsy.
		h.answer(r, http.StatusNotFound, nil)
		return nil
	}
	if err != nil {
		return err
	}
	return h.show(r, st, opts)
}

// show answers an instance's status with the code that tells whether it is finished.
func (h *handler) show(r *request, st *durable.Status, opts durable.PayloadOptions) error {
	failureCode, err := r.query.flag("returnInternalServerErrorOnFailure", false)
	if err != nil {
		return err
	}
	p, err := st.Payload(opts)
	if err != nil {
		return err
	}
	code := http.StatusOK
	switch {
	case !st.RuntimeStatus.IsFinished():
		code = http.StatusAccepted
		r.w.Header().Set("Location", h.ownURL(r))
		r.w.Header().Set("Retry-After", "5")
	case st.RuntimeStatus == durable.Failed && failureCode:
		code = http.StatusInternalServerError
	}
	h.answer(r, code, p)
	return nil
}

// list serves GET /instances: one page of the matching instances.
func (h *handler) list(r *request, _ []string) error {
	q := durable.Query{
		InstanceIDPrefix: r.query.get("instanceIdPrefix"), FunctionName: r.query.get("functionName"),
		ContinuationToken: r.http.Header.Get(continuationHeader),
	}
	var err error
	if q.CreatedFrom, err = r.query.time("createdTimeFrom"); err != nil {
		return err
	}
	if q.CreatedTo, err = r.query.time("createdTimeTo"); err != nil {
		return err
	}
	if q.Top, err = r.query.pageSize(); err != nil {
		return err
	}
	showInput, err := r.query.flag("showInput", true)
	if err != nil {
		return err
	}
	var unknown []string
	q.RuntimeStatus, unknown = r.query.statuses()
	page := &durable.Page{}
	if len(q.RuntimeStatus) > 0 || len(unknown) == 0 { // no instance has an unknown status
		if page, err = h.client.Query(r.http.Context(), q); err != nil {
			return err
		}
	}
	header := r.w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	if page.ContinuationToken != "" {
		header.Set(continuationHeader, page.ContinuationToken)
	}
	r.w.WriteHeader(http.StatusOK)
	h.write(r, func(enc *json.Encoder, raw *bufio.Writer) error {
		separator := byte('[')
		for _, st := range page.Instances {
			p, err := st.Payload(durable.PayloadOptions{HideInput: !showInput})
			if err != nil {
				return err
			}
			if err := raw.WriteByte(separator); err != nil {
				return err
			}
			if err := enc.Encode(p); err != nil {
				return err
			}
			separator = ','
		}
		if len(page.Instances) == 0 {
			_, err := raw.WriteString("[]")
			return err
		}
		return raw.WriteByte(']')
	})
	return nil
}

// purge serves DELETE /instances/{instanceId}.
func (h *handler) purge(r *request, segments []string) error {
	if err := h.client.Purge(r.http.Context(), segments[1]); err != nil {
		return err
	}
	h.answer(r, http.StatusOK, deleted{1})
	return nil
}

// purgeWhere serves DELETE /instances. What it cannot read, it refuses: it deletes.
func (h *handler) purgeWhere(r *request, _ []string) error {
	if r.query.get("createdTimeFrom") == "" {
		h.answer(r, http.StatusBadRequest, "Please provide value for 'createdTimeFrom' parameter.")
		return nil
	}
	from, err := r.query.time("createdTimeFrom")
	if err != nil {
		return err
	}
	to, err := r.query.time("createdTimeTo")
	if err != nil {
		return err
	}
	if to.IsZero() {
		to = time.Now().UTC()
	}
	statuses, unknown := r.query.statuses()
	if len(unknown) > 0 {
		return badRequest("The query parameter runtimeStatus has '%s', which is no status; expected Completed, Failed, Canceled or Terminated, "+
			"or Pending, Running, Suspended or ContinuedAsNew for instances that have not finished.", strings.Join(unknown, "', '"))
	}
	n, err := h.client.PurgeWhere(r.http.Context(), durable.PurgeFilter{CreatedFrom: from, CreatedTo: to, RuntimeStatus: statuses})
	if err != nil {
		return err
	}
	code := http.StatusOK
	if n == 0 {
		code = http.StatusNotFound
	}
	h.answer(r, code, deleted{n})
	return nil
}
