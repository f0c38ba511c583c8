package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/durango-functions/durango/durable"
)

// bigOrder is the total, in cents, from which on a human must agree.
const bigOrder = 100_000

// Approval is the data of the event Approval.
type Approval struct {
	Approved bool   `json:"approved"`
	By       string `json:"by"`
}

// awaitApproval waits for a human if the order is a big one.
func awaitApproval(o *durable.Orchestration, order Order) error {
	if order.Total() < bigOrder {
		return nil
	}
	if err := stage(o, "waiting for an approval"); err != nil {
		return err
	}
	within := 24 * time.Hour
	if order.ApproveWithinSeconds > 0 {
		within = time.Duration(order.ApproveWithinSeconds * float64(time.Second))
	}
	approval, err := durable.WaitForEventWithin[Approval](o, "Approval", within)
	switch {
	case errors.Is(err, durable.ErrTimeout):
		return fmt.Errorf("nobody has approved the order: %w", err)
	case err != nil:
		return err
	case !approval.Approved:
		return fmt.Errorf("%s has not approved the order", approval.By)
	default:
		return nil
	}
}
