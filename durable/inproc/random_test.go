package inproc_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

// source is where random programs and worlds come from.
type source struct {
	data []byte
	pos  int
}

// n is a number below limit, 0 when nothing is left.
func (s *source) n(limit int) int {
	if s.pos >= len(s.data) || limit <= 1 {
		return 0
	}
	s.pos++
	return int(s.data[s.pos-1]) % limit
}

func (s *source) empty() bool { return s.pos >= len(s.data) }

// op is a step of a random program; its numbers choose among what there is.
type op struct {
	kind int
	args [3]int
}

const (
	opActivity = iota
	opRetry
	opTimer
	opWait
	opSub
	opAll
	opAny
	opAwait // three times, so that programs wait for most of what they begin
	opAwaitAgain
	opAwaitOnceMore
	opCancel
	opGiveUp
	opEffect
	opGUID
	opDetach
	opStatus
	opDone
	opKinds
)

func randomProgram(src *source) []op {
	program := make([]op, 4+src.n(30))
	for i := range program {
		program[i] = op{src.n(opKinds), [3]int{src.n(8), src.n(8), src.n(8)}}
	}
	return program
}

// interpreter runs a program, and notes all that the orchestrator can see.
type interpreter struct {
	s     *inproc.Session
	tasks []*inproc.Task
	trace []string
}

func (in *interpreter) note(format string, args ...any) {
	in.trace = append(in.trace, in.s.Now().Format("04:05.999999999 ")+fmt.Sprintf(format, args...))
}

// pick returns some task; there is one.
func (in *interpreter) pick(n int) *inproc.Task {
	if len(in.tasks) == 0 {
		in.tasks = append(in.tasks, in.s.Wait("a"))
	}
	return in.tasks[n%len(in.tasks)]
}

func (in *interpreter) do(o op) {
	s, name := in.s, string(rune('a'+o.args[0]%2))
	switch o.kind {
	case opActivity:
		in.tasks = append(in.tasks, s.Activity(inproc.Call{Name: name, Input: json.RawMessage(fmt.Sprint(o.args[1]))}))
	case opRetry:
		in.tasks = append(in.tasks, s.Activity(inproc.Call{Name: name, Retry: &inproc.Retry{
			First: time.Second, MaxAttempts: 1 + o.args[1]%4, Coefficient: 2, Timeout: time.Duration(o.args[2]%3) * 5 * time.Minute,
			Handle: func(ev *history.Event) bool { in.note("handles %s", ev.Reason); return o.args[2] != 1 },
		}}))
	case opTimer:
		in.tasks = append(in.tasks, s.Timer(time.Duration(o.args[0])*time.Minute))
	case opWait:
		in.tasks = append(in.tasks, s.Wait(name))
	case opSub:
		in.tasks = append(in.tasks, sub(s, name, ""))
	case opAll:
		in.tasks = append(in.tasks, s.All(tasks{in.pick(o.args[0]), in.pick(o.args[1]), in.pick(o.args[2])}[:o.args[0]%4%3+1]))
	case opAny:
		in.tasks = append(in.tasks, s.Any(tasks{in.pick(o.args[0]), in.pick(o.args[1]), in.pick(o.args[2])}[:o.args[0]%4%3+1]))
	case opAwait, opAwaitAgain, opAwaitOnceMore:
		t := in.pick(o.args[0])
		s.Await(t)
		in.note("#%d %q failed %v: %s %s", t.ID(), t.Name(), t.Failed(), t.Result(), t.Event().Reason)
	case opCancel:
		s.Cancel(in.pick(o.args[0]))
	case opGiveUp:
		s.GiveUp(in.pick(o.args[0]))
	case opEffect:
		value, err := s.SideEffect(func() (json.RawMessage, error) {
			if o.args[0] == 0 {
				return nil, errStop
			}
			return json.Marshal(s.Now())
		})
		in.note("effect %s %v", value, err)
	case opGUID:
		in.note("guid %s %d", s.NewGUID(), s.NewRand().IntN(1000))
	case opDetach:
		in.note("started %s", s.Detach(inproc.Call{Name: name}))
	case opStatus:
		s.SetCustomStatus(json.RawMessage(fmt.Sprint(o.args[0])))
	case opDone:
		in.note("done %v", in.pick(o.args[0]).Done())
	}
}

// function runs the program and hands what it has seen to seen, when it comes to its end.
func function(program []op, seen func(trace []string)) inproc.Function {
	return func(s *inproc.Session, _ json.RawMessage) (json.RawMessage, error) {
		in := &interpreter{s: s}
		for _, o := range program {
			in.do(o)
		}
		seen(in.trace)
		switch last := program[len(program)-1].args[0]; {
		case last < 2:
			return nil, s.ContinueAsNew(json.RawMessage(fmt.Sprint(last)))
		case last == 2:
			return nil, errStop
		default:
			return output(in.trace)
		}
	}
}

// world decides what comes for an orchestrator.
type world struct {
	src    *source
	open   []history.Event // completions that may come
	raised int
}

// learn adds the completions of what an episode has asked for.
func (w *world) learn(dec *replay.Decisions) {
	for _, a := range dec.Activities {
		w.open = append(w.open, completed(a.ID, fmt.Sprint(a.ID)))
	}
	for _, t := range dec.Timers {
		w.open = append(w.open, fired(t.ID)) // though it may be canceled
	}
	for _, s := range dec.SubOrchestration {
		ev := completed(s.ID, `"sub"`)
		ev.Type = history.SubOrchestrationCompleted
		w.open = append(w.open, ev)
	}
}

// offers are what comes before the next episode, in any order.
func (w *world) offers(at time.Time) []history.Event {
	var out []history.Event
	for range 1 + w.src.n(4) {
		if len(w.open) == 0 || w.src.n(4) == 0 {
			w.raised++
			out = append(out, raised([]string{"a", "B", "A", "c"}[w.src.n(4)], fmt.Sprint(w.raised)))
			continue
		}
		i := w.src.n(len(w.open))
		ev := w.open[i]
		if w.src.n(8) > 0 { // else it comes once more
			w.open = append(w.open[:i], w.open[i+1:]...)
		}
		if ev.Type == history.TaskCompleted && w.src.n(3) == 0 {
			ev = failed(ev.TaskID, fmt.Sprintf("no %d", ev.TaskID))
			if w.src.n(3) == 0 {
				ev.Failure = &history.FailureDetails{ErrorType: "T", IsNonRetriable: true}
			}
		}
		out = append(out, ev)
	}
	for i := range out {
		out[i].Timestamp = at
	}
	return out
}

// checkRandom runs a random program in a random world, and then from each cut of its history on.
func checkRandom(t *testing.T, data []byte) replay.Outcome {
	src := &source{data: data}
	program := randomProgram(src)
	var trace []string
	r := newRig(t, function(program, func(seen []string) { trace = seen }))
	defer r.close(nil)
	w := &world{src: src}
	out := r.step()
	for range 40 {
		require.NoError(t, out.Err)
		if out.Decisions.Outcome != replay.Waiting {
			break
		}
		require.GreaterOrEqual(t, r.session.Needs(), 1)
		for _, ev := range r.waiting {
			if slices.ContainsFunc(program, func(o op) bool { return o.kind == opGiveUp }) {
				break // it may await what it has given up
			}
			require.NotContains(t, strings.ToLower(r.session.Awaited()), "event '"+strings.ToLower(ev.Name)+"'", "it is there")
		}
		w.learn(out.Decisions)
		if src.empty() && len(w.open) == 0 {
			break
		}
		if src.n(5) == 0 {
			r.evict() // in the middle
		}
		out = r.step(w.offers(r.now)...)
	}
	requireOrder(t, r, out)
	want := trace
	for cut := range r.steps {
		trace = nil
		replayFrom(t, r, cut)
		require.Equal(t, want, trace, "cut before episode %d", cut+1)
	}
	s := inproc.New(r.fn, r.start) // all of it
	last := await(t, s, &inproc.Step{Now: r.now, Replay: r.history})
	require.NoError(t, last.Err)
	require.Equal(t, out.Decisions.Outcome, last.Decisions.Outcome)
	require.Equal(t, string(out.Decisions.Output), string(last.Decisions.Output))
	require.Equal(t, out.Carry, last.Carry)
	s.Close(nil)
	gone(t, s)
	return out.Decisions.Outcome
}

// requireOrder checks that external events of one name came in their order, and that none was lost.
func requireOrder(t *testing.T, r *rig, out *inproc.Outcome) {
	last, shown := map[string]int{}, map[string]bool{}
	for _, ev := range r.history {
		if ev.Type == history.EventRaised {
			n, name := number(t, &ev), strings.ToLower(ev.Name)
			require.Greater(t, n, last[name], "events of one name come in their order")
			last[name] = n
			shown[*ev.Input] = true
		}
	}
	carried := map[string]int{}
	for _, ev := range out.Carry {
		require.True(t, shown[*ev.Input])
		name := strings.ToLower(ev.Name)
		require.Greater(t, number(t, &ev), carried[name], "and go on in their order")
		carried[name] = number(t, &ev)
	}
	for _, ev := range r.waiting {
		if ev.Type == history.EventRaised {
			require.Greater(t, number(t, &ev), max(last[strings.ToLower(ev.Name)], carried[strings.ToLower(ev.Name)]), "those that wait are later ones")
		}
	}
}

func number(t *testing.T, ev *history.Event) int {
	n, err := strconv.Atoi(*ev.Input)
	require.NoError(t, err)
	return n
}

// replayFrom rebuilds a session before an episode and lets it go on: it must decide the same.
func replayFrom(t *testing.T, r *rig, cut int) {
	s := inproc.New(r.fn, r.start)
	for i := cut; i < len(r.steps); i++ {
		step := r.steps[i].step
		step.Replay = nil
		if i == cut {
			step.Replay = r.history[:r.steps[i].before]
		}
		require.Equal(t, r.steps[i].outcome, await(t, s, &step), "episode %d, rebuilt before episode %d", i+1, cut+1)
	}
	s.Close(nil)
	gone(t, s)
}

func TestRandomPrograms(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(2026, 11))
	ends := map[replay.Outcome]int{}
	n := 600
	if testing.Short() {
		n = 200
	}
	for range n {
		data := make([]byte, 300)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		ends[checkRandom(t, data)]++
	}
	t.Log("ends:", ends)
	require.Greater(t, ends[replay.Completed], n/10, "programs that come to their end")
	require.Greater(t, ends[replay.ContinuedAsNew], n/20)
}

// FuzzEvents runs the programs and orders of events that the fuzzer thinks of.
func FuzzEvents(f *testing.F) {
	random := rand.New(rand.NewPCG(7, 7))
	for range 30 {
		data := make([]byte, 40+random.IntN(300))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkRandom(t, data[:min(len(data), 2000)]) // more would show nothing else
	})
}
