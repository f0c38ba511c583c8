// Package durabletest tests orchestrators in Go: in memory, without Redis, and without waiting for anything.
//
//	func TestOrder(t *testing.T) {
//		env := durabletest.New(t)
//		env.Orchestrator("Order", Order)
//		env.Orchestrator("Ship", Ship) // sub-orchestrations run, or are faked with FakeOrchestrator
//		env.Activity("Charge", func(ctx context.Context, in Charge) (Receipt, error) {
//			return Receipt{Amount: in.Amount}, nil
//		})
//
//		run := env.Start("Order", order)  // until it waits for an external event, or has ended
//		run.RaiseEvent("Approval", true)  // and on
//
//		receipt, err := durabletest.Output[Receipt](run)
//		...
//	}
//
// # Model
//
// An Env is a world with functions, a clock and orchestration instances. It runs orchestrators in the same sessions as the host does,
// and does with their decisions what the host does: activities are called, timers put into a queue, histories kept. But for the goroutines of
// the orchestrators, everything happens on the test's goroutine, one thing after another, in the methods that let something happen: Start,
// RaiseEvent, Advance and their like. They return when nothing more can happen:
//
//	do what can be done now: call activities, show orchestrators what has come for them
//	nothing left: move the clock to the next timer, result of an activity or function of After, and go on
//
// The clock stands still when an orchestration waits for an external event, alone or beside others, or is suspended: the test has the choice
// to raise the event, or to Advance the clock until the timeout. After ManualTime it stands still but for Advance.
//
// Activities are functions of an activity's signature: the real ones, or closures in their place. There are no mocks: a function counts, fails at the second
// attempt or raises an event as it likes, and Calls and Inputs tell what it was called with. Values go through JSON, as in a host.
//
// # What is checked besides
//
// After each episode the orchestrator is run a second time over its history, as after a restart of the host. It must ask for the same actions with
// the same inputs and times, and stand at the same place; else the test fails and shows both sides. An orchestrator that blocks on
// something that is not its orchestration's fails the test within seconds, with the place where it blocks. Its code therefore runs more often than
// once, deferred functions included.
//
// Shuffle looks for orchestrators that rely on the order in which things happen; Restart takes them out of memory in between. Replay runs changed code
// over recorded histories. AssertHistory compares a history with one in the readable form of Format.
//
// # What is not there
//
// Durable HTTP calls, rewinding, cascading terminations, limits on the size of payloads, functions of other languages, and what a host puts into the
// context of an activity (its bindings and its client).
package durabletest
