package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/durabletest"
)

var activities = map[string]any{
	"ReserveStock": reserveStock, "ReleaseStock": releaseStock, "ChargeCard": chargeCard, "RefundCard": refundCard,
	"PackParcel": packParcel, "CollectParcel": collectParcel, "RecallParcel": recallParcel,
}

// newShop is a world with the functions of the app, some of whose activities are replaced.
func newShop(t *testing.T, instead map[string]any) *durabletest.Env {
	t.Helper()
	env := durabletest.New(t)
	env.Orchestrator("Order", fulfil)
	env.Orchestrator("Parcel", sendParcel)
	for name, activity := range activities {
		if other, ok := instead[name]; ok {
			activity = other
		}
		env.Activity(name, activity)
	}
	return env
}

func place(env *durabletest.Env, o Order) *durabletest.Run {
	return env.StartWith("Order", o, durable.StartOptions{InstanceID: "42"})
}

// undone is what has been undone for order 42, in order.
func undone(t *testing.T, run *durabletest.Run) []string {
	t.Helper()
	var names []string
	for _, ev := range run.History() {
		if slices.Contains([]string{"ReleaseStock", "RefundCard", "RecallParcel"}, ev.Name) {
			names = append(names, ev.Name)
		}
	}
	return names
}

var (
	pens  = Order{Card: "4000 0001", Items: []Item{{SKU: "pen", Quantity: 3, Price: 150}, {SKU: "ink", Quantity: 1, Price: 600}}}
	desks = Order{Card: "4000 0001", Items: []Item{{SKU: "desk", Quantity: 5, Price: 40_000}}}
)

func TestOrder(t *testing.T) {
	env := newShop(t, nil)
	run := place(env, pens)

	receipt, err := durabletest.Output[Receipt](run)
	require.NoError(t, err)
	require.Equal(t, Receipt{Paid: 1050, Parcels: []string{"42-1", "42-2"}}, receipt)
	require.Equal(t, []Charge{{Order: "42", Card: "4000 0001", Cents: 1050}}, durabletest.Inputs[Charge](env, "ChargeCard"))
	require.Equal(t, "done", durabletest.CustomStatus[string](run))
	require.Empty(t, undone(t, run))
}

func TestBigOrderIsApproved(t *testing.T) {
	env := newShop(t, nil)
	run := place(env, desks)
	require.Equal(t, durable.Running, run.Status())
	require.Equal(t, "waiting for an approval", durabletest.CustomStatus[string](run))
	require.Empty(t, env.Calls("PackParcel"))

	env.Advance(23 * time.Hour)
	env.Restart() // it waits for longer than a host runs
	run.RaiseEvent("Approval", Approval{Approved: true, By: "Ann"})
	receipt, err := durabletest.Output[Receipt](run)
	require.NoError(t, err)
	require.Equal(t, Receipt{Paid: 200_000, Parcels: []string{"42-1"}}, receipt)
}

func TestBigOrderIsRefused(t *testing.T) {
	run := place(newShop(t, nil), desks)
	run.RaiseEvent("Approval", Approval{By: "Ann"})
	_, err := durabletest.Output[Receipt](run)
	require.ErrorContains(t, err, "Ann has not approved the order")
	require.Equal(t, []string{"RefundCard", "ReleaseStock"}, undone(t, run))
}

func TestNobodyApproves(t *testing.T) {
	env := newShop(t, nil)
	run := place(env, desks)
	env.Advance(24 * time.Hour)

	_, err := durabletest.Output[Receipt](run)
	require.ErrorIs(t, err, durable.ErrTimeout)
	require.ErrorContains(t, err, "nobody has approved the order")
	require.Equal(t, []string{"RefundCard", "ReleaseStock"}, undone(t, run), "the last step is undone first")
	require.Equal(t, "undone", durabletest.CustomStatus[string](run))
}

func TestDeclinedCard(t *testing.T) {
	env := newShop(t, nil)
	order := pens
	order.Card = "4000 0002"
	run := place(env, order)

	_, err := durabletest.Output[Receipt](run)
	require.ErrorIs(t, err, ErrCardDeclined)
	require.Len(t, env.Calls("ChargeCard"), 1, "a declined card is not tried again")
	require.Equal(t, []string{"ReleaseStock"}, undone(t, run), "nothing was charged")
}

func TestOutOfStock(t *testing.T) {
	run := place(newShop(t, nil), Order{Card: "4000 0001", Items: []Item{{SKU: "pen", Quantity: 1000, Price: 1}}})
	_, err := durabletest.Output[Receipt](run)
	require.ErrorIs(t, err, ErrOutOfStock)
	require.Empty(t, undone(t, run))
}

// A bank that is away for a moment is asked again, after two seconds, and after four more.
func TestBankIsAway(t *testing.T) {
	var asked []time.Duration
	var env *durabletest.Env
	var began time.Time
	env = newShop(t, map[string]any{"ChargeCard": func(context.Context, Charge) error {
		if asked = append(asked, env.Now().Sub(began)); len(asked) < 3 {
			return errors.New("connection refused")
		}
		return nil
	}})
	began = env.Now()

	_, err := durabletest.Output[Receipt](place(env, pens))
	require.NoError(t, err)
	require.Equal(t, []time.Duration{0, 2 * time.Second, 6 * time.Second}, asked)
}

// When the bank stays away, nobody knows what it has done: the refund is asked for, and the stock is free again whatever becomes of that.
func TestBankStaysAway(t *testing.T) {
	away := func() error { return errors.New("connection refused") }
	env := newShop(t, map[string]any{
		"ChargeCard": func(context.Context, Charge) error { return away() },
		"RefundCard": func(context.Context, string) error { return away() },
	})
	run := place(env, pens)

	_, err := durabletest.Output[Receipt](run)
	require.ErrorContains(t, err, "Activity function 'ChargeCard' failed: connection refused")
	require.ErrorContains(t, err, "Activity function 'RefundCard' failed: connection refused")
	require.Len(t, env.Calls("ChargeCard"), 5)
	require.Len(t, env.Calls("RefundCard"), 5)
	require.Len(t, env.Calls("ReleaseStock"), 1)
}

// One of two parcels cannot be collected: the other one is recalled, and then all is undone that came before.
func TestLostParcel(t *testing.T) {
	env := newShop(t, map[string]any{"CollectParcel": func(_ context.Context, number string) error {
		if number == "42-2" {
			return durable.NonRetriable(errors.New("the van is full"))
		}
		return nil
	}})
	run := place(env, pens)

	_, err := durabletest.Output[Receipt](run)
	require.ErrorContains(t, err, "the van is full")
	require.Equal(t, []string{"RecallParcel", "RefundCard", "ReleaseStock"}, undone(t, run))
	require.Equal(t, []string{"42-1"}, durabletest.Inputs[string](env, "RecallParcel"))
}

// The parcels may be sent in any order.
func TestAnyOrder(t *testing.T) {
	for seed := range uint64(20) {
		env := newShop(t, nil)
		env.Shuffle(seed)
		receipt, err := durabletest.Output[Receipt](place(env, pens))
		require.NoError(t, err)
		require.Equal(t, []string{"42-1", "42-2"}, receipt.Parcels)
	}
}
