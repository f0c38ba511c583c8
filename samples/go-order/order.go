package main

import (
	"errors"
	"fmt"

	"github.com/durango-functions/durango/durable"
)

// Order is the input of the orchestrator Order.
type Order struct {
	Items []Item `json:"items"`
	Card  string `json:"card"`
	// ApproveWithinSeconds is how long a big order waits for its approval. 0: a day.
	ApproveWithinSeconds float64 `json:"approveWithinSeconds,omitempty"`
}

// Item is a line of an order. Each is sent in a parcel of its own.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
	// Price is that of one piece, in cents.
	Price int `json:"price"`
}

// Total is the price of all, in cents.
func (o Order) Total() int {
	total := 0
	for _, i := range o.Items {
		total += i.Quantity * i.Price
	}
	return total
}

// Receipt is what becomes of an order.
type Receipt struct {
	Paid    int      `json:"paid"`
	Parcels []string `json:"parcels"`
}

// fulfil is the orchestrator Order. Its instance ID is the order's number.
func fulfil(o *durable.Orchestration, order Order) (Receipt, error) {
	done := &saga{o: o}
	receipt, err := forward(o, order, done)
	if err == nil {
		return receipt, stage(o, "done")
	}
	o.Logger().Warn("the order fails", "error", err)
	// What cannot be undone is told together with what has failed: somebody must look after it.
	return Receipt{}, errors.Join(err, done.undo())
}

// forward takes the steps of an order, and notes in the saga how each is undone.
func forward(o *durable.Orchestration, order Order, done *saga) (Receipt, error) {
	id := o.InstanceID()

	if err := stage(o, "reserving the stock"); err != nil {
		return Receipt{}, err
	}
	if _, err := durable.CallActivity[any](o, "ReserveStock", Reservation{Order: id, Items: order.Items}).Await(); err != nil {
		return Receipt{}, err
	}
	done.undoBy("ReleaseStock", id)

	if err := stage(o, "charging the card"); err != nil {
		return Receipt{}, err
	}
	charge := Charge{Order: id, Card: order.Card, Cents: order.Total()}
	_, err := durable.CallActivity[any](o, "ChargeCard", charge, durable.WithRetry(patient)).Await()
	// Of any other failure nobody knows whether the card has been charged. A refund of nothing does no harm.
	if !errors.Is(err, ErrCardDeclined) {
		done.undoBy("RefundCard", id)
	}
	if err != nil {
		return Receipt{}, err
	}

	if err := awaitApproval(o, order); err != nil {
		return Receipt{}, err
	}

	parcels, err := ship(o, order, done)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Paid: order.Total(), Parcels: parcels}, nil
}

// stage tells those who look at the order where it is.
func stage(o *durable.Orchestration, format string, args ...any) error {
	return o.SetCustomStatus(fmt.Sprintf(format, args...))
}
