// Package channels has orchestrators that use channels and locks.
package channels

import (
	"context"
	"sync"

	"github.com/durango-functions/durango/durable"
)

func Channels(o *durable.Orchestration) {
	ch := make(chan int, 1) // want `orchestrator Channels makes a channel: what goes through a channel, and when, is not in the history; await tasks, several with durable\.WhenAll or durable\.WhenAny`
	ch <- 1                 // want `sends to a channel`
	<-ch                    // want `receives from a channel`
	close(ch)               // want `closes a channel`
	for range ch {          // want `ranges over a channel`
	}
}

func Select(o *durable.Orchestration, in <-chan int, out chan<- int) {
	select { // want `orchestrator Select selects among channels`
	case v := <-in:
		<-in // want `receives from a channel`
		_ = v
	case out <- 1:
	default:
	}
}

func Done(o *durable.Orchestration, ctx context.Context) {
	<-ctx.Done() // want `orchestrator Done receives from a channel`
}

type cache struct {
	sync.RWMutex
	entries map[string]int
}

func (c *cache) get(k string) int {
	c.RLock() // want `orchestrator Locks calls cache\.get, which calls sync\.RWMutex\.RLock: who gets a lock first is not in the history; keep the state in variables of the orchestrator, which need no lock`
	defer c.RUnlock()
	return c.entries[k]
}

func Locks(o *durable.Orchestration) {
	var mu sync.Mutex
	mu.Lock() // want `orchestrator Locks calls sync\.Mutex\.Lock`
	defer mu.Unlock()
	cond := sync.NewCond(&mu)
	cond.Wait() // want `calls sync\.Cond\.Wait`
	_ = (&cache{}).get("a")
}

func generic[T chan int](o *durable.Orchestration, ch T) {
	for range ch { // want `orchestrator generic ranges over a channel`
	}
}

func Fine(o *durable.Orchestration) error {
	var once sync.Once
	once.Do(func() {})
	_, err := durable.WhenAny(o.WaitForEvent("Approved"), o.CallActivity("Ask", nil)).Await()
	x := -1
	for range []int{x} {
	}
	return err
}
