package replay

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	firstSeed = flag.Uint64("seed", 0, "the first seed of TestPrograms")
	seedCount = flag.Uint64("seeds", 80, "how many seeds TestPrograms tries")
)

// part is a tree of tasks in the language of the orchestrator "program".
type part map[string]any

type step struct {
	Await  part     `json:"await"`
	Cancel []string `json:"cancel,omitempty"`
	// Signals are sent before.
	Signals []string `json:"signals,omitempty"`
}

// author writes random programs.
type author struct {
	rng     *rand.Rand
	sdk     string
	n       int
	tags    []string          // of all tasks so far
	open    map[string]bool   // timers that were not cancelled
	used    map[string]bool   // in the current step
	names   map[string]string // of waits by tag
	waits   map[string]int    // how many events to raise, by name
	dead    map[string]bool   // cancelled timers
	signals int               // how many the program sends
}

func (a *author) leaf() part {
	// In 3.5 a Task.all over tasks that are complete already never completes.
	if len(a.tags) > 0 && a.sdk != sdk3 && a.rng.IntN(4) == 0 {
		if tag := a.tags[a.rng.IntN(len(a.tags))]; !a.used[tag] && !a.dead[tag] {
			a.used[tag] = true
			if name, ok := a.names[tag]; ok {
				a.waits[name]++ // the SDK may give an event to a wait that is complete and yielded again
			}
			return part{"ref": tag}
		}
	}
	a.n++
	tag := fmt.Sprintf("t%dz", a.n)
	a.used[tag] = true
	p := part{"tag": tag}
	switch kind := a.rng.IntN(22); {
	case kind < 6:
		p["kind"] = "activity"
	case kind < 7:
		p["kind"] = "failing"
	case kind < 11:
		p["kind"] = "retry"
		a.retry(p)
	case kind < 12:
		p["kind"] = "sub"
	case kind < 13:
		p["kind"] = "sub"
		if a.sdk == sdk2 { // 1.x takes the event of one for that of another
			p["kind"] = "subRetry"
			a.retry(p)
		}
	case kind < 14:
		p["kind"], p["polls"] = "http", a.rng.IntN(4)
	case kind < 17:
		p["kind"] = "entity"
	case kind < 18:
		p["kind"] = "failingEntity"
	case kind < 20:
		p["kind"], p["ms"] = "timer", 1+a.rng.IntN(100000)
		a.open[tag] = true
	default:
		name := fmt.Sprintf("event%d", a.rng.IntN(2))
		p["kind"], p["name"] = "wait", name
		a.names[tag] = name
		a.waits[name]++
	}
	a.tags = append(a.tags, tag)
	return p
}

func (a *author) retry(p part) {
	p["max"] = 1 + a.rng.IntN(4)
	p["failures"] = a.rng.IntN(p["max"].(int) + 2)
	p["first"] = 1 + a.rng.IntN(50000)
	more := map[string]any{}
	if a.rng.IntN(3) == 0 {
		more["backoffCoefficient"] = 1.5
	}
	if a.rng.IntN(4) == 0 {
		more["maxRetryIntervalInMilliseconds"] = 1 + a.rng.IntN(50000)
	}
	if a.rng.IntN(4) == 0 {
		more["retryTimeoutInMilliseconds"] = 1 + a.rng.IntN(50000)
	}
	p["more"] = more
}

func (a *author) tree(depth int) part {
	if depth == 0 || a.rng.IntN(3) == 0 {
		return a.leaf()
	}
	p := part{"kind": []string{"all", "any"}[a.rng.IntN(2)]}
	var parts []part
	for range 1 + a.rng.IntN(4) {
		parts = append(parts, a.tree(depth-1))
	}
	p["parts"] = parts
	return p
}

func (a *author) write() (steps []step) {
	for range 1 + a.rng.IntN(6) {
		a.used = map[string]bool{}
		s := step{Await: a.tree(2)}
		for _, tag := range a.tags {
			if a.open[tag] && a.rng.IntN(3) == 0 {
				s.Cancel = append(s.Cancel, tag)
			}
		}
		for _, tag := range s.Cancel {
			delete(a.open, tag)
			a.dead[tag] = true
		}
		for a.sdk != sdk1 && a.rng.IntN(3) == 0 {
			a.n++
			s.Signals = append(s.Signals, fmt.Sprintf("t%dz", a.n))
		}
		a.signals += len(s.Signals)
		steps = append(steps, s)
	}
	return steps
}

// TestPrograms runs random orchestrators in a world of random timing: whatever comes in whatever order, the ids that the SDK awaits are
// ours, so the orchestrator ends and each task has its own result; the past never changes; and books that were taken up from the stored
// history decide as the live ones do.
func TestPrograms(t *testing.T) {
	t.Parallel()
	from, seeds := *firstSeed, *seedCount
	if testing.Short() {
		seeds = 40
	}
	for _, name := range allSDKs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			process := startSDK(t, name)
			for seed := range seeds {
				runProgram(t, process, from+seed)
			}
		})
	}
}

func runProgram(t *testing.T, process *sdk, seed uint64) {
	t.Helper()
	a := &author{
		rng: rand.New(rand.NewPCG(seed, 1)), sdk: process.name,
		open: map[string]bool{}, names: map[string]string{}, waits: map[string]int{}, dead: map[string]bool{},
	}
	steps := a.write()
	s := newSim(process, seed, "program", map[string]any{"steps": steps})
	for i := range 2 {
		name := fmt.Sprintf("event%d", i)
		for n := range a.waits[name] {
			spelling := name
			if s.rng.IntN(3) == 0 {
				spelling = strings.ToUpper(name)
			}
			s.raise(spelling, map[string]any{"name": name, "n": n})
		}
	}
	s.rng.Shuffle(len(s.events), func(i, j int) { s.events[i], s.events[j] = s.events[j], s.events[i] })
	defer func() {
		if t.Failed() {
			t.Logf("%s, seed %d: program %s", process.name, seed, s.input)
		}
	}()
	s.finish()
	require.NoError(t, s.err, "seed %d\n%s", seed, s.dump())
	require.Equal(t, Completed, s.outcome, "seed %d: %s\n%s", seed, s.failure, s.dump())
	require.Len(t, s.output, len(steps))
	require.Equal(t, a.signals, s.signals)
}
