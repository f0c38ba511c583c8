// Package goroutines has orchestrators that start goroutines.
package goroutines

import (
	"context"
	"sync"

	"github.com/durango-functions/durango/durable"
	"golang.org/x/sync/errgroup"
)

func Statement(o *durable.Orchestration) {
	go func() {}() // want `orchestrator Statement starts a goroutine: the order in which goroutines run is not in the history; start several tasks and await durable\.WhenAll`
	go work()      // want `orchestrator Statement starts a goroutine`
}

func work() {}

func Groups(o *durable.Orchestration) {
	var wg sync.WaitGroup
	wg.Go(work) // want `orchestrator Groups calls sync\.WaitGroup\.Go`
	wg.Wait()   // want `calls sync\.WaitGroup\.Wait`

	var g errgroup.Group
	g.Go(func() error { return nil }) // want `calls errgroup\.Group\.Go`
	_ = g.Wait()                      // want `calls errgroup\.Group\.Wait`
}

func Helped(o *durable.Orchestration, ctx context.Context) {
	spread()
}

func spread() {
	go work() // want `orchestrator Helped calls spread, which starts a goroutine`
}

func Fine(o *durable.Orchestration) error {
	var tasks []*durable.Task[any]
	for i := range 3 {
		tasks = append(tasks, o.CallActivity("Work", i))
	}
	_, err := durable.WhenAll(tasks...).Await()
	return err
}
