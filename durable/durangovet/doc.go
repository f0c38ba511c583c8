// Package durangovet checks orchestrators written in Go: it finds what would go another way when they are replayed.
//
// An orchestrator is a function with a parameter of type *durable.Orchestration. It is run from its beginning each time something has
// happened to its instance, and has to ask for the same things in the same order each time; so nothing but its input and its history may
// decide what it does. The analyzer follows an orchestrator into the functions of its package that it calls, and knows of those in other
// packages of the module what they come to.
//
// # Rules
//
// The name is the category of the diagnostic.
//
//	time       the host's clock and its timers                         o.Now(), o.Sleep, o.CreateTimer
//	random     math/rand, crypto/rand, random UUIDs                    o.Rand(), o.NewGUID()
//	goroutine  go statements, sync.WaitGroup.Go, errgroup              tasks and durable.WhenAll
//	channel    channels, select, locks                                 tasks, durable.WhenAny
//	maporder   the order of a map decides the order of actions         slices.Sorted(maps.Keys(m))
//	io         files, network, databases, environment, standard logs   an activity, durable.SideEffect, o.Logger()
//	global     package variables that are written                      local variables, the input
//
// Not checked are function literals that are passed to durable.SideEffect, since their result is recorded once, and activities: functions
// whose first parameter is a context.Context. An activity may be handed over as a value, but a direct call of one that is not
// deterministic is reported where it is called.
//
// # Example
//
//	func Invoice(o *durable.Orchestration, orders map[string]Order) (time.Time, error) {
//		started := time.Now() // orchestrator Invoice calls time.Now: each replay gets another time; use o.Now()
//		for _, order := range orders { // orchestrator Invoice ranges over a map and calls o.CallActivity in the loop: a map has
//			o.CallActivity("Bill", order) // another order on each replay; range over slices.Sorted(maps.Keys(m))
//		}
//		return started, nil
//	}
//
// # Exceptions
//
// A comment on the line of the diagnostic, or alone on the line above it, keeps it from being reported. It must say why:
//
//	//durangovet:ignore the cache holds pure results, so a miss costs time and changes nothing
//
// At a call of a function it keeps the analyzer from following the call.
//
// # Running it
//
//	go run github.com/durango-functions/durango/cmd/durangovet@latest ./...
//	go vet -vettool=$(which durangovet) ./...
//
// Other drivers of golang.org/x/tools/go/analysis take [Analyzer].
package durangovet
