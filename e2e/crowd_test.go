package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// crowdSteps is how many activities Mark each orchestration of a crowd has; then three Squares side by side.
const crowdSteps = 3

// crowd are orchestrations that several clients start over some hosts, a few at a time.
type crowd struct {
	t    *testing.T
	wg   sync.WaitGroup
	mu   sync.Mutex
	acks []string
	// unknown are those whose start has not been acknowledged: they may be there or not.
	unknown []string
}

// startCrowd begins to start n orchestrations, over the hosts in turn.
func startCrowd(t *testing.T, prefix string, n int, hosts ...*host) *crowd {
	t.Helper()
	c := &crowd{t: t}
	next := make(chan int)
	for range 8 {
		c.wg.Go(func() {
			for i := range next {
				c.start(hosts[i%len(hosts)], fmt.Sprintf("%s-%04d", prefix, i))
			}
		})
	}
	c.wg.Go(func() {
		defer close(next)
		for i := range n {
			next <- i
		}
	})
	t.Cleanup(c.wg.Wait)
	return c
}

func (c *crowd) start(h *host, id string) {
	a, err := h.tryCall(http.MethodPost, webhooks+"/orchestrators/Steps/"+id, object{"steps": crowdSteps, "file": "marks"})
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && a.Status == http.StatusAccepted {
		c.acks = append(c.acks, id)
		return
	}
	c.unknown = append(c.unknown, id)
	if err == nil && a.Status < 500 {
		c.t.Errorf("start of %s: %+v %s", id, a.Status, a.Body)
	}
}

// all waits until the clients are done, none of whom must have failed, and returns whom they have started.
func (c *crowd) all() []string {
	c.t.Helper()
	acks := c.acknowledged()
	require.Empty(c.t, c.unknown, "starts must not fail")
	return acks
}

// acknowledged waits until the clients are done and returns whom they know to have started.
func (c *crowd) acknowledged() []string {
	c.wg.Wait()
	return c.soFar()
}

// soFar are those that are acknowledged now.
func (c *crowd) soFar() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.acks)
}

// check waits for the clients and for all that they have started, and checks that nothing was lost or counted twice.
func (c *crowd) check(h *host) {
	c.t.Helper()
	checkCrowd(c.t, h, c.acknowledged())
	c.mu.Lock()
	defer c.mu.Unlock()
	checkMaybe(c.t, h, c.unknown)
}

// checkMaybe checks those whose start is not known to have happened: they are not there, or they are complete.
func checkMaybe(t *testing.T, h *host, unknown []string) {
	t.Helper()
	var there []string
	for _, id := range unknown {
		if h.call(http.MethodGet, instance(id, ""), nil).Status != http.StatusNotFound {
			there = append(there, id)
		}
	}
	t.Logf("of %d starts that were not acknowledged, %d happened", len(unknown), len(there))
	checkCrowd(t, h, there)
}

// checkCrowd waits for orchestrations Steps and checks that nothing of them was lost or counted twice.
func checkCrowd(t *testing.T, h *host, all []string) {
	t.Helper()
	for _, id := range all {
		s := h.waitFor(id, "Completed")
		require.EqualValues(t, crowdSteps+14, s.Output)
		s = h.status(id, "showHistory=true", "showHistoryOutput=true")
		require.Equal(t, 1, s.count("ExecutionStarted"), id)
		require.Equal(t, crowdSteps+3, s.count("TaskCompleted"), "%s: each completion once: %v", id, s.HistoryEvents)
		require.Equal(t, 1, s.count("ExecutionCompleted"), id)
		require.Zero(t, s.count("TaskScheduled"), "%s: nothing outstanding", id)
		results := map[any]int{}
		for _, e := range s.HistoryEvents {
			if e["EventType"] == "TaskCompleted" {
				results[e["Result"]]++
			}
		}
		require.Len(t, results, crowdSteps+3, "%s: the completions are those of different activities: %v", id, results)
	}
	ran := map[string]bool{}
	for _, line := range lines(t, h.Dir, "marks") {
		if f := strings.Fields(line); len(f) > 1 {
			ran[f[0]+" "+f[1]] = true
		}
	}
	for _, id := range all {
		for i := range crowdSteps {
			require.True(t, ran[fmt.Sprintf("%s %d", id, i)], "activity %d of %s ran at least once", i, id)
		}
	}
}
