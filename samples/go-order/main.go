// Command go-order is a function app that takes orders: a saga, whose steps are undone in reverse order when a later one fails.
package main

import (
	"os"

	"github.com/durango-functions/durango"
)

func main() {
	app := durango.NewApp()
	app.Orchestrator("Order", fulfil)
	app.Orchestrator("Parcel", sendParcel)
	app.Activity("ReserveStock", reserveStock)
	app.Activity("ReleaseStock", releaseStock)
	app.Activity("ChargeCard", chargeCard)
	app.Activity("RefundCard", refundCard)
	app.Activity("PackParcel", packParcel)
	app.Activity("CollectParcel", collectParcel)
	app.Activity("RecallParcel", recallParcel)
	app.Function("PlaceOrder", placeOrder, durango.HTTPTrigger{Route: "orders/{id}", Methods: []string{"put"}, AuthLevel: durango.Anonymous})
	app.Function("OrderStatus", orderStatus, durango.HTTPTrigger{Route: "orders/{id}", Methods: []string{"get"}, AuthLevel: durango.Anonymous})
	app.Function("Approve", approve, durango.HTTPTrigger{Route: "orders/{id}/approval", Methods: []string{"post"}, AuthLevel: durango.Anonymous})
	os.Exit(app.Main())
}
