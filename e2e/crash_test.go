package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	crowd      = 200 // orchestrations in a test that kills hosts
	crowdSteps = 3   // activities Mark of each, then three Squares side by side
)

// startCrowd starts the orchestrations, several at a time, over the hosts in turn.
func startCrowd(t *testing.T, prefix string, hosts ...*host) []string {
	t.Helper()
	all := make([]string, crowd)
	var wg sync.WaitGroup
	next := make(chan int)
	for range 8 {
		wg.Go(func() {
			for i := range next {
				h := hosts[i%len(hosts)]
				a, err := h.tryCall(http.MethodPost, webhooks+"/orchestrators/Steps/"+all[i], object{"steps": crowdSteps, "file": "marks"})
				if err != nil || a.Status != http.StatusAccepted {
					t.Errorf("start of %s: %v %+v", all[i], err, a)
				}
			}
		})
	}
	for i := range all {
		all[i] = fmt.Sprintf("%s-%03d", prefix, i)
		next <- i
	}
	close(next)
	wg.Wait()
	return all
}

// checkCrowd waits for all of them and checks that nothing was lost or counted twice.
func checkCrowd(t *testing.T, h *host, all []string) {
	t.Helper()
	ran := map[string]bool{}
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
	for _, line := range lines(t, h.Dir, "marks") {
		f := strings.Fields(line)
		ran[f[0]+" "+f[1]] = true
	}
	require.Len(t, ran, len(all)*crowdSteps, "each activity ran at least once")
}

// marks waits until that many activities have run in all.
func marks(t *testing.T, dir string, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d activities done", n), func() (bool, any) {
		found := len(lines(t, dir, "marks"))
		return found >= n, found
	})
}

func TestKillAndRestart(t *testing.T) {
	t.Parallel()
	for _, hub := range []string{"redis", "embedded"} {
		t.Run(hub, func(t *testing.T) {
			t.Parallel()
			o := options{Root: scenarios(t, "app21"), Dir: t.TempDir()}
			if hub == "redis" {
				o.Redis = startRedis(t).URL
			}
			first := startHost(t, o)
			all := startCrowd(t, "crowd", first)
			marks(t, o.Dir, crowd/4)
			first.kill()
			require.Less(t, len(lines(t, o.Dir, "marks")), crowd*crowdSteps, "the host must die in the middle")

			began := time.Now()
			second := startHost(t, o)
			checkCrowd(t, second, all)
			t.Logf("%d orchestrations were complete %v after the restart", crowd, time.Since(began).Round(time.Millisecond))
		})
	}
}

func TestTwoHostsOneKilled(t *testing.T) {
	t.Parallel()
	redis, root, dir := startRedis(t), scenarios(t, "app21"), t.TempDir()
	a := startHost(t, options{Root: root, Redis: redis.URL, Dir: dir, Env: []string{"E2E_NAME=a"}})
	b := startHost(t, options{Root: root, Redis: redis.URL, Dir: dir, Env: []string{"E2E_NAME=b"}})

	// Partitions move to the second host within a few renewals of the leases; then both work.
	eventually(t, "work on both hosts", func() (bool, any) {
		id := a.start("Steps", "", object{"steps": 1, "file": "warm-up"})
		a.waitFor(id, "Completed")
		text := strings.Join(lines(t, dir, "warm-up"), "\n") + "\n"
		return strings.Contains(text, " a\n") && strings.Contains(text, " b\n"), text
	})

	all := startCrowd(t, "pair", a, b)
	marks(t, dir, crowd/4)
	a.kill()
	began := time.Now()
	checkCrowd(t, b, all)
	t.Logf("the other host had all %d orchestrations complete %v after the kill", crowd, time.Since(began).Round(time.Millisecond))
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(h *host){"kill": (*host).kill, "stop": func(h *host) { h.stop() }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis, root := startRedis(t), scenarios(t, "app21")
			a := startHost(t, options{Root: root, Redis: redis.URL})
			var all []string
			for i := range 48 { // some in each partition
				all = append(all, a.start("Event", fmt.Sprintf("waiting-%d", i), nil))
			}
			for _, id := range all {
				a.waitCustom(id, "waiting")
			}
			b := startHost(t, options{Root: root, Redis: redis.URL})
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
		})
	}
}

// TestFrozenHost stops a host in the middle of its work for longer than its leases last. When it goes on, its partitions have another
// owner, and what it still has in hand must not get into any history.
func TestFrozenHost(t *testing.T) {
	t.Parallel()
	redis, root, dir := startRedis(t), scenarios(t, "app21"), t.TempDir()
	a := startHost(t, options{Root: root, Redis: redis.URL, Dir: dir, Env: []string{"E2E_NAME=a"}})
	all := startCrowd(t, "frozen", a)
	marks(t, dir, crowd/4)
	require.NoError(t, syscall.Kill(-a.cmd.Process.Pid, syscall.SIGSTOP)) // its worker too
	require.Less(t, len(lines(t, dir, "marks")), crowd*crowdSteps, "the host must freeze in the middle")

	b := startHost(t, options{Root: root, Redis: redis.URL, Dir: dir, Env: []string{"E2E_NAME=b"}})
	began := time.Now()
	checkCrowd(t, b, all)
	took := time.Since(began)
	t.Logf("the other host had all %d orchestrations complete %v after the freeze", crowd, took.Round(time.Millisecond))
	require.Less(t, took, 20*time.Second, "a frozen host's partitions are taken over within 8 s")

	require.NoError(t, syscall.Kill(-a.cmd.Process.Pid, syscall.SIGCONT))
	more := startCrowd(t, "thawed", a, b)
	checkCrowd(t, a, append(all, more...))
	a.stop()
}

func TestTwoHostsShareWork(t *testing.T) {
	t.Parallel()
	redis, root, dir := startRedis(t), scenarios(t, "app21"), t.TempDir()
	var hosts []*host
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b"} { // both at once, into an empty Redis
		h := launch(t, options{Root: root, Redis: redis.URL, Dir: dir, Env: []string{"E2E_NAME=" + name}})
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
	eventually(t, "work on both hosts", func() (bool, any) {
		for _, h := range hosts {
			id := h.start("Steps", "", object{"steps": 1, "file": "warm-up"})
			h.waitFor(id, "Completed")
		}
		text := strings.Join(lines(t, dir, "warm-up"), "\n") + "\n"
		return strings.Contains(text, " a\n") && strings.Contains(text, " b\n"), text
	})
	checkCrowd(t, hosts[1], startCrowd(t, "shared", hosts...))
	count := map[string]int{}
	for _, line := range lines(t, filepath.Join(dir), "marks") {
		count[line[strings.LastIndexByte(line, ' ')+1:]]++
	}
	t.Logf("activities by host: %v", count)
	require.Greater(t, count["a"], crowd*crowdSteps/10)
	require.Greater(t, count["b"], crowd*crowdSteps/10)
}

// TestRedisRestart takes Redis away for a while in the middle of work.
func TestRedisRestart(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	h := startHost(t, options{Root: scenarios(t, "app21"), Redis: redis.URL})
	all := startCrowd(t, "outage", h)
	waiting := h.start("Event", "waiting", nil)
	h.waitCustom(waiting, "waiting")
	marks(t, h.Dir, crowd/4)

	redis.kill()
	a, err := h.tryCall(http.MethodPost, webhooks+"/orchestrators/Sequence", nil)
	require.NoError(t, err)
	require.GreaterOrEqual(t, a.Status, 500, "without Redis nothing may be acknowledged: %s", a.Body)
	h.mustLive()

	redis.start()
	// For a moment yet, a request may meet a connection pool that has not tried again.
	for _, id := range all {
		eventually(t, "the end of "+id, func() (bool, any) {
			a := h.call(http.MethodGet, instance(id, ""), nil)
			return a.Status == http.StatusOK, string(a.Body)
		})
	}
	checkCrowd(t, h, all)
	h.raise(waiting, "Go", "back")
	require.Equal(t, "back", h.waitFor(waiting, "Completed").Output)
	require.Equal(t, "Completed", h.waitFor(h.start("Sequence", "", nil), "Completed").RuntimeStatus)
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
