package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/durango-functions/durango"
	"github.com/durango-functions/durango/durable"
)

// placeOrder is PUT orders/{id}: the caller chooses the number, and a request that is sent twice places one order.
func placeOrder(ctx context.Context, req *durango.Request[Order]) (*durango.Response[durango.ManagementURLs], error) {
	if len(req.Input.Items) == 0 || req.Input.Card == "" {
		return nil, durango.HTTPError{Status: http.StatusBadRequest, Message: "an order needs items and a card"}
	}
	client, number := durango.Client(ctx), req.PathValue("id")
	// StartNew refuses the ID of an instance that runs, and replaces one that has finished. A number is for one order, so we look first.
	_, err := client.Status(ctx, number, durable.StatusOptions{})
	switch {
	case err == nil:
		return nil, errNumberTaken
	case !errors.Is(err, durable.ErrInstanceNotFound):
		return nil, err
	}
	id, err := client.StartNew(ctx, "Order", req.Input, durable.StartOptions{InstanceID: number})
	if err != nil {
		return nil, told(err)
	}
	return durango.CheckStatusResponse(ctx, id)
}

var errNumberTaken = durango.HTTPError{Status: http.StatusConflict, Message: "there is an order of that number"}

// View is what customers see of an order.
type View struct {
	Order  string          `json:"order"`
	Status string          `json:"status"`
	Stage  json.RawMessage `json:"stage"`
	Output json.RawMessage `json:"output,omitempty"`
}

func orderStatus(ctx context.Context, in struct {
	ID string `path:"id"`
}) (View, error) {
	s, err := durango.Client(ctx).Status(ctx, in.ID, durable.StatusOptions{})
	if err != nil {
		return View{}, told(err)
	}
	return View{Order: s.InstanceID, Status: s.RuntimeStatus.String(), Stage: s.CustomStatus, Output: s.Output}, nil
}

func approve(ctx context.Context, req *durango.Request[Approval]) (*durango.Response[any], error) {
	if err := durango.Client(ctx).RaiseEvent(ctx, req.PathValue("id"), "Approval", req.Input); err != nil {
		return nil, told(err)
	}
	return &durango.Response[any]{Status: http.StatusAccepted}, nil
}

// told makes the answer of an error that is the caller's business. Of others the log tells.
func told(err error) error {
	var exists *durable.InstanceExistsError
	switch {
	case errors.As(err, &exists):
		return errNumberTaken
	case errors.Is(err, durable.ErrInstanceNotFound):
		return durango.HTTPError{Status: http.StatusNotFound, Message: "there is no order of that number"}
	case errors.Is(err, durable.ErrInstanceFinished):
		return durango.HTTPError{Status: http.StatusGone, Message: "the order waits for nothing any more"}
	default:
		return err
	}
}
