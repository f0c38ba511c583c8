package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/durango-functions/durango"
	"github.com/durango-functions/durango/durable"
)

// Parcel is the input of the orchestrator Parcel.
type Parcel struct {
	Number string `json:"number"`
	Item   Item   `json:"item"`
}

// ship sends all parcels at the same time, and waits for each of them. WhenAll would return with the first failure, when nobody knows yet which of
// the others must be recalled.
func ship(o *durable.Orchestration, order Order, done *saga) ([]string, error) {
	if err := stage(o, "sending %d parcels", len(order.Items)); err != nil {
		return nil, err
	}
	sent := make([]*durable.Task[string], len(order.Items))
	for n, item := range order.Items {
		number := fmt.Sprintf("%s-%d", o.InstanceID(), n+1)
		sent[n] = durable.CallSubOrchestrator[string](o, "Parcel", Parcel{Number: number, Item: item}, durable.WithInstanceID(number))
	}
	var numbers []string
	var failures []error
	for _, parcel := range sent {
		number, err := parcel.Await()
		if err != nil {
			failures = append(failures, err)
			continue
		}
		done.undoBy("RecallParcel", number)
		numbers = append(numbers, number)
	}
	return numbers, errors.Join(failures...)
}

// sendParcel is the orchestrator Parcel: an instance with a history of its own, which can be looked at by the parcel's number.
func sendParcel(o *durable.Orchestration, p Parcel) (string, error) {
	if _, err := durable.CallActivity[any](o, "PackParcel", p).Await(); err != nil {
		return "", err
	}
	if _, err := durable.CallActivity[any](o, "CollectParcel", p.Number, durable.WithRetry(patient)).Await(); err != nil {
		return "", err
	}
	return p.Number, nil
}

func packParcel(ctx context.Context, p Parcel) error {
	durango.Logger(ctx).Info("parcel packed", "parcel", p.Number, "sku", p.Item.SKU, "quantity", p.Item.Quantity)
	return nil
}

func collectParcel(ctx context.Context, number string) error {
	durango.Logger(ctx).Info("parcel collected", "parcel", number)
	return nil
}

// recallParcel undoes sendParcel.
func recallParcel(ctx context.Context, number string) error {
	durango.Logger(ctx).Info("parcel recalled", "parcel", number)
	return nil
}
