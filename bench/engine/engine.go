// Package engine is what the measurements see of a durable engine: an interface that durango and its peers fill, the orchestrators and
// activities that each of them registers, and what those must return.
package engine

import (
	"context"
	"fmt"
	"time"
)

// Durability is when what was acknowledged reaches the disk, in Redis's words.
type Durability string

// The durabilities.
const (
	Off         Durability = "off"      // no append-only file
	EverySecond Durability = "everysec" // a file, synced each second
	Always      Durability = "always"   // a file, synced before each reply
)

// Durabilities lists them all, the weakest first.
func Durabilities() []Durability { return []Durability{Off, EverySecond, Always} }

// ParseDurability reads one of the three names.
func ParseDurability(name string) (Durability, error) {
	for _, d := range Durabilities() {
		if string(d) == name {
			return d, nil
		}
	}
	return "", fmt.Errorf("durability %q: it must be one of %v", name, Durabilities())
}

// Store is where an engine keeps its state, fresh for each measurement.
type Store struct {
	Durability Durability
	// Redis is the address, host:port, of a server that is this measurement's alone; "" for an engine that needs none.
	Redis string
	// Dir is an empty folder for an engine that keeps files.
	Dir string
	// Timers says that the workload is about timers, for engines that trade their precision for less polling.
	Timers bool
}

// Engine is one started engine with its orchestrators and its client, all in this process. Its methods are safe for concurrent use.
type Engine interface {
	// Create starts an orchestration and returns when the start is durable.
	Create(ctx context.Context, id, orchestrator string, input any) error
	// Await waits until the orchestration has completed and decodes its output.
	Await(ctx context.Context, id string, output any) error
	// Raise sends an external event and returns when it is durable.
	Raise(ctx context.Context, id, event string, data any) error
	// Stop ends everything that the start began.
	Stop(ctx context.Context) error
}

// Kind is an engine that can be started.
type Kind struct {
	Name string
	// About says in a line what was measured: version, store, settings.
	About string
	// Redis says that it keeps its state in Redis.
	Redis bool
	// MustFinish says that what does not end in time is lost, a mistake that fails the run. For a peer it is only slow.
	MustFinish bool
	// Lacks says, by the name of a workload, why the engine is not measured with it.
	Lacks map[string]string
	// Begin starts it. The orchestrators call the given functions.
	Begin func(ctx context.Context, store Store, functions *Functions) (Engine, error)
}

// The orchestrators that each engine registers under these names, with their input and output.
const (
	// HelloSequence5 awaits SayHello for each of Cities, one after the other; no input; returns the greetings.
	HelloSequence5 = "HelloSequence5"
	// FanOut runs n activities Double at once; returns the sum of their results.
	FanOut = "FanOut"
	// FanOutChildren runs n sub-orchestrations Child at once; returns the sum of their results.
	FanOutChildren = "FanOutChildren"
	// Child returns twice its input.
	Child = "Child"
	// Timers awaits the timers of a TimersInput; returns how many fired.
	Timers = "Timers"
	// CountEvents awaits n events called EventName that carry numbers; returns their sum.
	CountEvents = "CountEvents"
	// Countdown continues as new until Turn.Left is 0; returns Turn.Done.
	Countdown = "Countdown"
	// Sequence awaits Step n times, each with the result of the one before; returns the last result, n.
	Sequence = "Sequence"
	// SendPayload calls Reverse with Payload(size); returns the size when what came back was right, and -1 otherwise.
	SendPayload = "SendPayload"
)

// The activities.
const (
	SayHello = "SayHello"
	Double   = "Double"
	Step     = "Step"
	Reverse  = "Reverse"
)

// EventName is the external event that CountEvents waits for.
const EventName = "add"

// Cities are those of HelloSequence5 (Netherite's HelloCities).
func Cities() []string { return []string{"Tokyo", "Seattle", "London", "Amsterdam", "Mumbai"} }

// TimersInput is the input of Timers: Count timers, due from Lead on, evenly over Spread.
type TimersInput struct {
	Count  int
	Lead   time.Duration
	Spread time.Duration
}

// Delays are the timers' delays.
func (t TimersInput) Delays() []time.Duration {
	delays := make([]time.Duration, t.Count)
	for i := range delays {
		delays[i] = t.Lead + t.Spread*time.Duration(i)/time.Duration(t.Count)
	}
	return delays
}

// Turn is the input of Countdown.
type Turn struct{ Left, Done int }
