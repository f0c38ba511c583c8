package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// marks waits until that many activities have run in all.
func marks(t *testing.T, dir string, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d activities done", n), func() (bool, any) {
		found := len(lines(t, dir, "marks"))
		return found >= n, found
	})
}

// TestKillAndRestart kills a host while clients start orchestrations, and starts another one on the same task hub.
func TestKillAndRestart(t *testing.T) {
	t.Parallel()
	for _, hub := range []string{"redis", "embedded"} {
		t.Run(hub, func(t *testing.T) {
			t.Parallel()
			onEachApp(t, func(t *testing.T, app scenarioApp) {
				o := app.options(t, "")
				if hub == "redis" {
					o.Redis = startRedis(t).URL
				}
				first := startHost(t, o)
				c := startCrowd(t, "crowd", app.crowd, first)
				marks(t, o.Dir, app.crowd*crowdSteps/4)
				first.kill()
				require.Less(t, len(lines(t, o.Dir, "marks")), app.crowd*crowdSteps, "the host must die in the middle")

				began := time.Now()
				second := startHost(t, o)
				c.check(second)
				t.Logf("%d orchestrations were complete %v after the restart", len(c.soFar()), time.Since(began).Round(time.Millisecond))
			})
		})
	}
}

// pair starts two hosts on one task hub, whose names are a and b, and waits until both have work.
func pair(t *testing.T, o options) (a, b *host) {
	t.Helper()
	a, b = startHost(t, o.named("a")), startHost(t, o.named("b"))
	// Partitions move to the second host within a few renewals of the leases; then both work.
	bothWork(t, o.Dir, a)
	return a, b
}

// bothWork waits until the hosts a and b have both run activities, starting orchestrations at the hosts.
func bothWork(t *testing.T, dir string, hosts ...*host) {
	t.Helper()
	eventually(t, "work on both hosts", func() (bool, any) {
		for _, h := range hosts {
			id := h.start("Steps", "", object{"steps": 1, "file": "warm-up"})
			h.waitFor(id, "Completed")
		}
		text := strings.Join(lines(t, dir, "warm-up"), "\n") + "\n"
		return strings.Contains(text, " a\n") && strings.Contains(text, " b\n"), text
	})
}

// TestTwoHostsOneKilled kills one of two hosts while clients start orchestrations at both: each start goes to the owner of its partition or to the
// other host.
func TestTwoHostsOneKilled(t *testing.T) {
	t.Parallel()
	onEachApp(t, func(t *testing.T, app scenarioApp) {
		o := app.options(t, startRedis(t).URL)
		a, b := pair(t, o)
		c := startCrowd(t, "pair", app.crowd, a, b)
		marks(t, o.Dir, app.crowd*crowdSteps/4)
		a.kill()
		began := time.Now()
		c.check(b)
		t.Logf("the other host had all %d orchestrations complete %v after the kill", len(c.soFar()), time.Since(began).Round(time.Millisecond))
	})
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(h *host){"kill": (*host).kill, "stop": func(h *host) { h.stop() }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachApp(t, func(t *testing.T, app scenarioApp) { takeOver(t, app, name, end) })
		})
	}
}

func takeOver(t *testing.T, app scenarioApp, name string, end func(h *host)) {
	t.Helper()
	o := app.options(t, startRedis(t).URL)
	a := startHost(t, o)
	var all []string
	for i := range 48 { // some in each partition
		all = append(all, a.start("Event", fmt.Sprintf("waiting-%d", i), nil))
	}
	for _, id := range all {
		a.waitCustom(id, "waiting")
	}
	b := startHost(t, o)
	for i := range 48 { // these go through a host that owns nothing yet, or not all
		all = append(all, b.start("Event", fmt.Sprintf("more-%d", i), nil))
	}
	end(a)
	began := time.Now()
	for i, id := range all {
		b.raise(id, "Go", i)
	}
	for i, id := range all {
		require.EqualValues(t, i, b.waitFor(id, "Completed").Output)
	}
	took := time.Since(began)
	t.Logf("after %s of the owner all 16 partitions worked again within %v", name, took.Round(time.Millisecond))
	require.Less(t, took, 15*time.Second, "a dead host's partitions are taken over within 8 s")
}

// TestFrozenHost stops a host in the middle of its work for longer than its leases last. When it goes on, its partitions have another
// owner, and what it still has in hand must not get into any history. The requests that it has taken get their answers only then, and those
// must be true.
func TestFrozenHost(t *testing.T) {
	t.Parallel()
	onEachApp(t, func(t *testing.T, app scenarioApp) {
		o := app.options(t, startRedis(t).URL)
		a := startHost(t, o.named("a"))
		c := startCrowd(t, "frozen", app.crowd, a)
		marks(t, o.Dir, app.crowd*crowdSteps/4)
		require.NoError(t, syscall.Kill(-a.cmd.Process.Pid, syscall.SIGSTOP)) // its worker too
		require.Less(t, len(lines(t, o.Dir, "marks")), app.crowd*crowdSteps, "the host must freeze in the middle")

		b := startHost(t, o.named("b"))
		began := time.Now()
		before := c.soFar()
		checkCrowd(t, b, before)
		took := time.Since(began)
		t.Logf("the other host had all %d orchestrations complete %v after the freeze", len(before), took.Round(time.Millisecond))
		require.Less(t, took, 20*time.Second, "a frozen host's partitions are taken over within 8 s")

		require.NoError(t, syscall.Kill(-a.cmd.Process.Pid, syscall.SIGCONT))
		more := startCrowd(t, "thawed", app.crowd, a, b)
		c.check(a)
		more.check(b)
		checkCrowd(t, a, before)
		a.stop()
	})
}

func TestTwoHostsShareWork(t *testing.T) {
	t.Parallel()
	onEachApp(t, func(t *testing.T, app scenarioApp) {
		o := app.options(t, startRedis(t).URL)
		var hosts []*host
		var wg sync.WaitGroup
		for _, name := range []string{"a", "b"} { // both at once, into an empty Redis
			h := launch(t, o.named(name))
			hosts = append(hosts, h)
			wg.Go(func() {
				eventually(t, "host "+name, func() (bool, any) {
					if h.URL = printedURL.FindString(h.log.String()); h.URL == "" {
						return false, h.log.String()
					}
					state, err := h.state()
					return err == nil && state == "Running", err
				})
			})
		}
		wg.Wait()
		bothWork(t, o.Dir, hosts...)
		round := 0
		// Half of the partitions are on their way to the second host by now, one after the other.
		eventually(t, "a tenth of the work on each host", func() (bool, any) {
			round++
			prefix := fmt.Sprintf("round-%d", round)
			checkCrowd(t, hosts[1], startCrowd(t, prefix, app.crowd, hosts...).all())
			count := map[string]int{}
			for _, line := range lines(t, o.Dir, "marks") {
				if strings.HasPrefix(line, prefix+"-") {
					count[line[strings.LastIndexByte(line, ' ')+1:]]++
				}
			}
			t.Logf("activities by host: %v", count)
			return min(count["a"], count["b"]) > app.crowd*crowdSteps/10, count
		})
	})
}

// TestRedisRestart takes Redis away for a while in the middle of work.
func TestRedisRestart(t *testing.T) {
	t.Parallel()
	onEachApp(t, func(t *testing.T, app scenarioApp) {
		redis := startRedis(t, "always") // what it has acknowledged is in its file
		h := startHost(t, app.options(t, redis.URL))
		waiting := h.start("Event", "waiting", nil)
		h.waitCustom(waiting, "waiting")
		c := startCrowd(t, "outage", app.crowd, h)
		marks(t, h.Dir, app.crowd*crowdSteps/4)

		redis.kill()
		a, err := h.tryCall(http.MethodPost, webhooks+"/orchestrators/Sequence", nil)
		require.NoError(t, err)
		require.GreaterOrEqual(t, a.Status, 500, "without Redis nothing may be acknowledged: %s", a.Body)
		h.mustLive()

		redis.start()
		// For a moment yet, a request may meet a connection pool that has not tried again.
		for _, id := range c.acknowledged() {
			eventually(t, "the end of "+id, func() (bool, any) {
				a := h.call(http.MethodGet, instance(id, ""), nil)
				return a.Status == http.StatusOK, string(a.Body)
			})
		}
		c.check(h)
		h.raise(waiting, "Go", "back")
		require.Equal(t, "back", h.waitFor(waiting, "Completed").Output)
		require.Equal(t, "Completed", h.waitFor(h.start("Sequence", "", nil), "Completed").RuntimeStatus)
	})
}

// TestTimerOfTwoHosts has a timer that fires each second on two hosts: one of them runs it, each time.
func TestTimerOfTwoHosts(t *testing.T) {
	t.Parallel()
	redis, root, dir := startRedis(t), scenarios(t, "app21"), t.TempDir()
	write(t, `{"bindings": [{"name": "timer", "type": "timerTrigger", "direction": "in", "schedule": "* * * * * *", "useMonitor": false}]}`, root, "Tick", "function.json")
	write(t, `const fs = require("fs");
module.exports = async function (context, timer) {
    if (typeof timer.isPastDue !== "boolean") throw new Error("no timer: " + JSON.stringify(timer));
    fs.appendFileSync(process.env.E2E_DIR + "/ticks", Math.round(Date.now() / 1000) + "\n");
};`, root, "Tick", "index.js")
	for range 2 {
		startHost(t, options{Root: root, Redis: redis.URL, Dir: dir})
	}
	var ticks []string
	eventually(t, "five seconds of ticks", func() (bool, any) {
		ticks = lines(t, dir, "ticks")
		return len(ticks) >= 5, ticks
	})
	seen := map[string]bool{}
	for _, tick := range ticks {
		require.False(t, seen[tick], "two ticks in one second: %v", ticks)
		seen[tick] = true
	}
}
