// Command goscenarios has the functions of testdata/scenarios in Go, under the same names and with the same results.
package main

import (
	"os"

	"github.com/durango-functions/durango"
)

func main() {
	app := durango.NewApp()
	for name, f := range activities {
		app.Activity(name, f)
	}
	for name, f := range orchestrators {
		app.Orchestrator(name, f)
	}
	os.Exit(app.Main())
}

var activities = map[string]any{
	"Echo": echo, "Fail": fail, "Fixable": fixable, "Flaky": flaky, "Gate": gate, "Mark": mark, "Square": square,
}

var orchestrators = map[string]any{
	"Caught": caught, "Child": child, "Collect": collect, "Counter": counter, "Custom": custom, "Deterministic": deterministic,
	"EarlyEvent": earlyEvent, "EarlyEvents": earlyEvents, "Event": event, "EventRace": eventRace, "EventSum": eventSum, "Family": family,
	"FanOut": fanOut, "FanOutFailFast": fanOutFailFast, "FixableChild": fixableChild, "FlakySub": flakySub, "Gated": gated, "Long": long,
	"Nested": nested, "RetriesSideBySide": retriesSideBySide, "Retry": retry, "RetryBackoff": retryBackoff,
	"RetryExhausted": retryExhausted, "Sequence": sequence, "Steps": steps, "Sub": sub, "SubFails": subFails, "SubFanOut": subFanOut,
	"SubFixable": subFixable, "SubRetry": subRetry, "SubWaits": subWaits, "ThrowError": throwError, "TimerLoses": timerLoses,
	"TimerWins": timerWins, "TwoEvents": twoEvents, "TwoTimers": twoTimers, "Uncaught": uncaught, "UnknownActivity": unknownActivity,
	"Values": values,
}
