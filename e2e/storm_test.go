package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// stormSetting says how long TestStorm goes on, as "10m". "make storm" sets it.
const stormSetting = "E2E_STORM"

// storm is two hosts of an app in Go, one of which is killed now and then, and what clients did meanwhile.
type storm struct {
	t     *testing.T
	o     options
	hosts [2]atomic.Pointer[host]
	// until is when clients begin nothing more.
	until time.Time
	next  atomic.Int64

	mu sync.Mutex
	// started are the instances whose start was acknowledged, by orchestrator; unknown those whose start was not.
	started, unknown map[string][]string
	collections      []*collected
}

// collected is what a client has sent to one orchestration Collect.
type collected struct {
	id          string
	renew       int
	sent, acked []string
}

// TestStorm kills the one or the other of two hosts with kill -9 again and again, or freezes it for longer than its lease lasts, while clients
// start orchestrations, raise events and wait for results at whichever host answers. Afterwards everything that was acknowledged is there once.
func TestStorm(t *testing.T) {
	t.Parallel()
	length, err := time.ParseDuration(stormLength())
	require.NoError(t, err, stormSetting)
	for _, app := range scenarioApps {
		if app.sdk == "go" {
			t.Run(app.name, func(t *testing.T) {
				t.Parallel()
				s := &storm{
					t: t, o: app.options(t, startRedis(t).URL), until: time.Now().Add(length),
					started: map[string][]string{}, unknown: map[string][]string{},
				}
				s.run(length)
			})
		}
	}
}

func stormLength() string {
	if length := os.Getenv(stormSetting); length != "" {
		return length
	}
	return "8s"
}

func (s *storm) run(length time.Duration) {
	for i := range s.hosts {
		s.hosts[i].Store(startHost(s.t, s.o))
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { s.repeat(s.start) })
		wg.Go(func() { s.repeat(s.startAndWait) })
		wg.Go(func() { s.repeat(s.collect) })
	}
	s.wreck(length)
	wg.Wait()
	s.check()
}

func (s *storm) repeat(work func(n int64)) {
	for time.Now().Before(s.until) && !s.t.Failed() {
		work(s.next.Add(1))
	}
}

// wreck kills and restarts hosts until the end of the storm. In a long one it freezes some, too.
func (s *storm) wreck(length time.Duration) {
	kills, freezes := 0, 0
	for time.Now().Before(s.until) && !s.t.Failed() {
		<-time.After(time.Duration(100+rand.IntN(900)) * time.Millisecond) // the storm's pace
		i := rand.IntN(len(s.hosts))
		h := s.hosts[i].Load()
		if length > time.Minute && kills%5 == 4 {
			freezes++
			h.freeze(7 * time.Second)
		}
		if kills++; kills%7 == 0 { // the other one as well: all memory is lost
			s.hosts[1-i].Load().kill()
			s.hosts[1-i].Store(startHost(s.t, s.o))
		}
		h.kill()
		s.hosts[i].Store(startHost(s.t, s.o))
	}
	s.t.Logf("killed %d hosts, froze %d", kills, freezes)
}

// freeze stops the host's process for a while.
func (h *host) freeze(d time.Duration) {
	h.t.Helper()
	require.NoError(h.t, syscall.Kill(-h.cmd.Process.Pid, syscall.SIGSTOP))
	<-time.After(d) // the freeze itself
	require.NoError(h.t, syscall.Kill(-h.cmd.Process.Pid, syscall.SIGCONT))
}

// post sends a request to any host and reports whether it was acknowledged; a host that dies gives no answer.
func (s *storm) post(path string, body any, fine ...int) (a *answer, ok bool) {
	a, err := s.hosts[rand.IntN(len(s.hosts))].Load().tryCall(http.MethodPost, path, body)
	if err != nil {
		<-time.After(5 * time.Millisecond) // spares the processor while nobody answers; nothing depends on it
		return nil, false
	}
	if !slices.Contains(fine, a.Status) && a.Status < 500 {
		s.t.Errorf("%s: %d %s", path, a.Status, a.Body)
	}
	return a, slices.Contains(fine, a.Status)
}

// note keeps what came of a start.
func (s *storm) note(orchestrator, id string, acknowledged bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if acknowledged {
		s.started[orchestrator] = append(s.started[orchestrator], id)
	} else {
		s.unknown[orchestrator] = append(s.unknown[orchestrator], id)
	}
}

// start starts an orchestration that nobody waits for.
func (s *storm) start(n int64) {
	name, id := "Steps", fmt.Sprintf("steps-%d", n)
	if n%5 == 0 {
		name, id = "Family", fmt.Sprintf("family-%d", n)
	}
	_, ok := s.post(webhooks+"/orchestrators/"+name+"/"+id, object{"steps": crowdSteps, "file": "marks"}, http.StatusAccepted)
	s.note(name, id, ok)
}

// startAndWait starts an orchestration and waits at that host for its end.
func (s *storm) startAndWait(n int64) {
	id := fmt.Sprintf("waited-%d", n)
	a, ok := s.post(webhooks+"/orchestrators/Steps/"+id+"?timeout=20&pollingInterval=1",
		object{"steps": crowdSteps, "file": "marks"}, http.StatusOK, http.StatusAccepted)
	if ok && a.Status == http.StatusOK && strings.TrimSpace(a.text()) != fmt.Sprint(crowdSteps+14) {
		s.t.Errorf("%s answers %s", id, a.Body)
	}
	s.note("Steps", id, ok)
}

// collect starts an orchestration Collect, sends it some events, each until it is acknowledged, waits until it has got them, and ends it.
func (s *storm) collect(n int64) {
	c := &collected{id: fmt.Sprintf("collect-%d", n), renew: int(n%2) * 3}
	if _, ok := s.post(webhooks+"/orchestrators/Collect/"+c.id, object{"renew": c.renew}, http.StatusAccepted); !ok {
		return // it is not ended, so that it may or may not be there
	}
	for event := range 8 {
		for attempt, ok := 0, false; !ok && !s.t.Failed(); attempt++ {
			name := fmt.Sprintf("%d/%d", event, attempt)
			c.sent = append(c.sent, name)
			if _, ok = s.post(instance(c.id, "/raiseEvent/Add"), toJSON(s.t, name), http.StatusAccepted); ok {
				c.acked = append(c.acked, name)
			}
		}
	}
	s.mu.Lock()
	s.collections = append(s.collections, c)
	s.mu.Unlock()
}

// check looks at all that the clients have begun.
func (s *storm) check() {
	h := s.hosts[0].Load()
	s.t.Logf("acknowledged: %d Steps, %d Family, %d Collect", len(s.started["Steps"]), len(s.started["Family"]), len(s.collections))
	for _, c := range s.collections {
		s.checkCollected(h, c)
	}
	checkCrowd(s.t, h, s.started["Steps"])
	checkMaybe(s.t, h, s.unknown["Steps"])
	for _, id := range s.started["Family"] {
		require.EqualValues(s.t, 5+14+30, h.waitFor(id, "Completed").Output)
		history := h.status(id, "showHistory=true")
		require.Equal(s.t, 3, history.count("SubOrchestrationInstanceCompleted"), "%s: %v", id, history.HistoryEvents)
		require.Equal(s.t, 1, history.count("TimerFired"), "%s: %v", id, history.HistoryEvents)
		require.Equal(s.t, 1, history.count("ExecutionCompleted"), id)
	}
}

// checkCollected wants each acknowledged event counted once, and no event that was not sent.
func (s *storm) checkCollected(h *host, c *collected) {
	s.t.Helper()
	// The events through the one host may be shown before those through the other: the end comes when all are there.
	eventually(s.t, "all acknowledged events of "+c.id, func() (bool, any) {
		got, _ := h.status(c.id).CustomStatus.([]any)
		missing := slices.DeleteFunc(slices.Clone(c.acked), func(name string) bool { return slices.Contains(got, any(name)) })
		return len(missing) == 0, fmt.Sprint("missing ", missing, " of ", c.sent, ", got ", got)
	})
	h.raise(c.id, "Add", "end")
	got, ok := h.waitFor(c.id, "Completed").Output.([]any)
	require.True(s.t, ok, c.id)
	seen := map[any]bool{}
	for _, name := range got {
		require.False(s.t, seen[name], "%s: %v twice: %v", c.id, name, got)
		require.Contains(s.t, c.sent, name, c.id)
		seen[name] = true
	}
	history := h.status(c.id, "showHistory=true")
	require.Equal(s.t, 1, history.count("ExecutionStarted"), c.id)
	if c.renew == 0 {
		require.Equal(s.t, len(got), history.count("TaskCompleted"), "%s: each completion once: %v", c.id, history.HistoryEvents)
		require.Equal(s.t, len(got)+1, history.count("EventRaised"), "%s: each event once: %v", c.id, history.HistoryEvents)
	}
}
