package redisserver

import (
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// ageInterval is how late a key of an in-memory server may expire.
const ageInterval = 100 * time.Millisecond

// Age lets the keys of a miniredis expire as time goes by, which it does not do by itself. It returns a function that ends that and
// waits for it; it may be called twice.
func Age(m *miniredis.Miniredis) (stop func()) {
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(ageInterval)
		defer tick.Stop()
		last := time.Now()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				now := time.Now()
				m.FastForward(now.Sub(last))
				last = now
			}
		}
	})
	var once sync.Once
	return func() {
		once.Do(func() { close(quit) })
		wg.Wait()
	}
}
