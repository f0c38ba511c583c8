package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/durango-functions/durango"
	"github.com/durango-functions/durango/durable"
)

// ErrCardDeclined is the type of the failure when the bank says no.
const ErrCardDeclined = durable.ErrorType("CardDeclined")

// Charge is the input of ChargeCard.
type Charge struct {
	Order string `json:"order"`
	Card  string `json:"card"`
	Cents int    `json:"cents"`
}

// chargeCard declines cards that end in 0002. A real one would hand the order's number to the bank as the idempotency key, so that an activity
// that runs twice charges once.
func chargeCard(ctx context.Context, c Charge) error {
	if strings.HasSuffix(c.Card, "0002") {
		// The bank says the same tomorrow: no retry.
		return durable.NonRetriable(fmt.Errorf("%w: the bank declines %d cents", ErrCardDeclined, c.Cents))
	}
	durango.Logger(ctx).Info("card charged", "order", c.Order, "cents", c.Cents)
	return nil
}

// refundCard gives back what has been charged for an order, if anything has.
func refundCard(ctx context.Context, order string) error {
	durango.Logger(ctx).Info("card refunded", "order", order)
	return nil
}
