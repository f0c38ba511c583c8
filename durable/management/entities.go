package management

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"time"

	"github.com/durango-functions/durango/durable"
)

// entityOf returns the entity that the path names. "$" stands for an empty key (azure-functions-durable-extension HttpApiHandler.cs:1022-1092).
func entityOf(segments []string) durable.EntityID {
	id := durable.EntityID{Name: segments[1]}
	if len(segments) > 2 && segments[2] != "$" {
		id.Key = segments[2]
	}
	return id
}

// listedEntity is one element of a list of entities.
type listedEntity struct {
	EntityID          durable.EntityID `json:"entityId"`
	LastOperationTime string           `json:"lastOperationTime"`
	State             json.RawMessage  `json:"state"`
}

// listEntities serves GET /entities/{entityName?}: one page of the entities.
func (h *handler) listEntities(r *request, segments []string) error {
	q := durable.EntityQuery{ContinuationToken: r.http.Header.Get(continuationHeader)}
	if len(segments) > 1 {
		q.Name = segments[1]
	}
	var err error
	if q.LastOperationFrom, err = r.query.time("lastOperationTimeFrom"); err != nil {
		return err
	}
	if q.LastOperationTo, err = r.query.time("lastOperationTimeTo"); err != nil {
		return err
	}
	if q.Top, err = r.query.pageSize(); err != nil {
		return err
	}
	fetchState, err := r.query.flag("fetchState", false)
	if err != nil {
		return err
	}
	page, err := h.client.ListEntities(r.http.Context(), q)
	if err != nil {
		return err
	}
	list := make([]listedEntity, len(page.Entities))
	for i, st := range page.Entities {
		list[i] = listedEntity{EntityID: st.Entity, LastOperationTime: st.LastOperation.UTC().Format(time.RFC3339Nano)}
		if fetchState {
			list[i].State = st.State
		}
	}
	if page.ContinuationToken != "" {
		r.w.Header().Set(continuationHeader, page.ContinuationToken)
	}
	h.answer(r, http.StatusOK, list)
	return nil
}

// entityState serves GET /entities/{entityName}/{entityKey}: the state.
func (h *handler) entityState(r *request, segments []string) error {
	st, err := h.client.ReadEntityState(r.http.Context(), entityOf(segments))
	if err != nil {
		return err
	}
	h.answer(r, http.StatusOK, st.State)
	return nil
}

// signalEntity serves POST /entities/{entityName}/{entityKey?}. A body that is not application/json is a text.
func (h *handler) signalEntity(r *request, segments []string) error {
	raw, err := h.body(r)
	if err != nil {
		return err
	}
	var input any
	if len(raw) > 0 {
		input = raw
		if media, _, err := mime.ParseMediaType(r.http.Header.Get("Content-Type")); err != nil || media != "application/json" {
			input = string(raw)
		}
	}
	err = h.client.SignalEntity(r.http.Context(), entityOf(segments), r.query.get("op"), input, durable.SignalOptions{})
	var syntax *durable.InvalidJSONError
	if errors.As(err, &syntax) {
		return badRequest("Could not parse JSON content: %v", err)
	}
	if err != nil {
		return err
	}
	return accepted(r)
}

// deleteEntity serves DELETE /entities/{entityName}/{entityKey?}.
func (h *handler) deleteEntity(r *request, segments []string) error {
	if err := h.client.DeleteEntity(r.http.Context(), entityOf(segments)); err != nil {
		return err
	}
	return accepted(r)
}
