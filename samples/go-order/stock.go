package main

import (
	"context"
	"fmt"

	"github.com/durango-functions/durango"
	"github.com/durango-functions/durango/durable"
)

// ErrOutOfStock is the type of the failure when a shelf has not enough.
const ErrOutOfStock = durable.ErrorType("OutOfStock")

// Reservation is the input of ReserveStock.
type Reservation struct {
	Order string `json:"order"`
	Items []Item `json:"items"`
}

// onShelf is how much there is of everything, in this warehouse without a database.
const onShelf = 100

// reserveStock is an activity, and runs at least once: a real one would take note of the order's number, and reserve nothing for an order that
// has its reservation.
func reserveStock(ctx context.Context, r Reservation) error {
	for _, i := range r.Items {
		if i.Quantity > onShelf {
			return fmt.Errorf("%w: %d of %s are wanted, %d are there", ErrOutOfStock, i.Quantity, i.SKU, onShelf)
		}
	}
	durango.Logger(ctx).Info("stock reserved", "order", r.Order)
	return nil
}

// releaseStock undoes reserveStock.
func releaseStock(ctx context.Context, order string) error {
	durango.Logger(ctx).Info("stock released", "order", order)
	return nil
}
