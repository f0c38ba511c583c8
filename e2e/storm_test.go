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

// storm is two hosts of an app in Go, to which bad things happen, and what clients did meanwhile.
type storm struct {
	t     *testing.T
	o     options
	hosts [2]atomic.Pointer[host]
	// over lets clients begin nothing more.
	over atomic.Bool
	next atomic.Int64

	mu sync.Mutex
	// started are the instances whose start was acknowledged, by orchestrator; unknown those whose start was not.
	started, unknown map[string][]string
	collections      []*collected
}

// client calls some of the hosts.
type client struct {
	*storm
	hosts []int
}

// collected is what a client has sent to one orchestration Collect.
type collected struct {
	id          string
	renew       int
	sent, acked []string
}

// TestStorm kills the one or the other of two hosts with kill -9 again and again, while clients start orchestrations, raise events and wait for
// results at both. Afterwards everything that was acknowledged is there once. A long storm freezes hosts, too.
func TestStorm(t *testing.T) {
	t.Parallel()
	length := 8 * time.Second
	if text := os.Getenv(stormSetting); text != "" {
		var err error
		length, err = time.ParseDuration(text)
		require.NoError(t, err, stormSetting)
	}
	onEach(t, goApps, func(t *testing.T, app scenarioApp) {
		newStorm(t, app).run(func(s *storm) { s.wreck(length) })
	})
}

// TestFreeze stops a host for longer than its leases last while clients are at it and at another one. When it goes on, what it had in
// hand is refused by the hub, and what it answers to the clients that have waited is true.
func TestFreeze(t *testing.T) {
	t.Parallel()
	onEach(t, goApps, func(t *testing.T, app scenarioApp) {
		newStorm(t, app).run(func(s *storm) {
			s.acknowledgedMore(100)
			s.hosts[0].Load().freeze(frozen)
			s.acknowledgedMore(100)
		})
	})
}

// frozen is how long a host is stopped: its leases last 5 s, and another host has its partitions soon after.
const frozen = 7 * time.Second

func newStorm(t *testing.T, app scenarioApp) *storm {
	t.Helper()
	s := &storm{t: t, o: app.options(t, startRedis(t).URL), started: map[string][]string{}, unknown: map[string][]string{}}
	for i := range s.hosts {
		s.hosts[i].Store(startHost(t, s.o))
	}
	return s
}

// run lets clients work while wreck does harm, and then checks what they have begun.
func (s *storm) run(wreck func(s *storm)) {
	var wg sync.WaitGroup
	for i := range 4 {
		c := client{storm: s, hosts: []int{0, 1}}
		if i%2 == 0 {
			c.hosts = []int{1} // it works on when the other host gives no answer
		}
		for _, work := range []func(n int64){c.start, c.startAndWait, c.collect} {
			wg.Go(func() {
				for !s.over.Load() && !s.t.Failed() {
					work(s.next.Add(1))
					<-time.After(30 * time.Millisecond) // the clients' pace
				}
			})
		}
	}
	defer wg.Wait()
	defer s.over.Store(true)
	wreck(s)
	s.over.Store(true)
	wg.Wait()
	s.check()
}

// acknowledgedMore waits until that many more orchestrations have been started.
func (s *storm) acknowledgedMore(n int) {
	count := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.started["Steps"])
	}
	before := count()
	eventually(s.t, "more orchestrations", func() (bool, any) { c := count(); return c >= before+n, c - before })
}

// wreck kills and restarts hosts for a while.
func (s *storm) wreck(length time.Duration) {
	began, kills, freezes := time.Now(), 0, 0
	for time.Since(began) < length && !s.t.Failed() {
		<-time.After(time.Duration(100+rand.IntN(900)) * time.Millisecond) // the storm's pace
		i := rand.IntN(len(s.hosts))
		if length >= time.Minute && rand.IntN(10) == 0 {
			freezes++
			s.hosts[i].Load().freeze(frozen)
			continue
		}
		if kills++; kills%7 == 0 { // the other one as well: all memory is lost
			s.restart(1 - i)
		}
		s.restart(i)
	}
	s.t.Logf("killed %d hosts, froze %d", kills+kills/7, freezes)
}

// restart kills a host and starts another in its place.
func (s *storm) restart(i int) {
	s.hosts[i].Load().kill()
	s.hosts[i].Store(startHost(s.t, s.o))
}

// freeze stops the host's process for a while.
func (h *host) freeze(d time.Duration) {
	h.t.Helper()
	require.NoError(h.t, syscall.Kill(-h.cmd.Process.Pid, syscall.SIGSTOP))
	<-time.After(d) // the freeze itself
	require.NoError(h.t, syscall.Kill(-h.cmd.Process.Pid, syscall.SIGCONT))
}

// post sends a request to one of the hosts and reports whether it was acknowledged; a host that dies gives no answer.
func (c client) post(path string, body any, fine ...int) (a *answer, ok bool) {
	a, err := c.storm.hosts[c.hosts[rand.IntN(len(c.hosts))]].Load().tryCall(http.MethodPost, path, body)
	if err != nil {
		<-time.After(5 * time.Millisecond) // spares the processor while nobody answers; nothing depends on it
		return nil, false
	}
	if !slices.Contains(fine, a.Status) && a.Status < 500 {
		c.t.Errorf("%s: %d %s", path, a.Status, a.Body)
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
func (c client) start(n int64) {
	name, id := "Steps", fmt.Sprintf("steps-%d", n)
	if n%5 == 0 {
		name, id = "Family", fmt.Sprintf("family-%d", n)
	}
	_, ok := c.post(webhooks+"/orchestrators/"+name+"/"+id, object{"steps": crowdSteps, "file": "marks"}, http.StatusAccepted)
	c.note(name, id, ok)
}

// startAndWait starts an orchestration and waits at that host for its end.
func (c client) startAndWait(n int64) {
	id := fmt.Sprintf("waited-%d", n)
	a, ok := c.post(webhooks+"/orchestrators/Steps/"+id+"?timeout=20&pollingInterval=1",
		object{"steps": crowdSteps, "file": "marks"}, http.StatusOK, http.StatusAccepted)
	if ok && a.Status == http.StatusOK && strings.TrimSpace(a.text()) != fmt.Sprint(crowdSteps+14) {
		c.t.Errorf("%s answers %s", id, a.Body)
	}
	c.note("Steps", id, ok)
}

// collect starts an orchestration Collect and sends it some events, each again until it is acknowledged.
func (c client) collect(n int64) {
	has := &collected{id: fmt.Sprintf("collect-%d", n), renew: int(n%2) * 3}
	if _, ok := c.post(webhooks+"/orchestrators/Collect/"+has.id, object{"renew": has.renew}, http.StatusAccepted); !ok {
		return // it is not ended, so that it may or may not be there
	}
	for event := range 8 {
		for attempt, ok := 0, false; !ok && !c.t.Failed(); attempt++ {
			name := fmt.Sprintf("%d/%d", event, attempt)
			has.sent = append(has.sent, name)
			if _, ok = c.post(instance(has.id, "/raiseEvent/Add"), toJSON(c.t, name), http.StatusAccepted); ok {
				has.acked = append(has.acked, name)
			}
		}
	}
	c.mu.Lock()
	c.collections = append(c.collections, has)
	c.mu.Unlock()
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
