package replay

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable/history"
	"github.com/stretchr/testify/require"
)

// sim is an engine in small: it drives one instance to its end with a real SDK, with a world whose timing is random, and takes up the
// books from the stored history at random moments.
type sim struct {
	*sdk
	rng          *rand.Rand
	orchestrator string
	input        json.RawMessage

	orch     *Orchestration
	stored   [][]byte
	arrived  []history.Event
	clock    time.Time // of the last episode
	now      time.Time
	started  bool
	run      int // number of executions so far
	episodes int

	work     []history.Event    // outcomes on their way, by random order
	timers   map[int]time.Time  // open ones
	attempts map[string]int     // by tag
	slow     map[string]bool    // functions that finish only when nothing else is left
	late     []history.Event    // their outcomes
	events   []history.Event    // external events still to be raised
	requests []map[string]any   // inputs of the HTTP activity
	activity []Activity         // all that were started
	subs     []SubOrchestration // all that were started
	signals  int                // to entities
	sent     []string           // all requests to entities
	lastLog  []any              // custom status so far

	outcome  Outcome
	output   any
	failure  string
	err      error
	noSwap   bool // never take up the books from the history
	eager    bool // an episode after each event
	punctual bool // timers fire when nothing else can happen before
	patience bool // put off episodes that cannot wake the orchestrator
}

var epoch = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

func newSim(s *sdk, seed uint64, orchestrator string, input any) *sim {
	raw, err := json.Marshal(input)
	require.NoError(s.t, err)
	rng := rand.New(rand.NewPCG(seed, 7))
	return &sim{
		sdk: s, rng: rng, orchestrator: orchestrator, input: raw,
		orch: New(Config{}), now: epoch, timers: map[int]time.Time{}, attempts: map[string]int{}, slow: map[string]bool{},
		eager: rng.IntN(3) == 0, patience: rng.IntN(3) == 0,
	}
}

func (s *sim) raise(name string, data any) {
	raw, err := json.Marshal(data)
	require.NoError(s.t, err)
	s.events = append(s.events, history.Event{Type: history.EventRaised, ID: -1, Name: name, Input: text(raw), Action: history.NoAction})
}

// finish drives the instance to its end.
func (s *sim) finish() {
	s.t.Helper()
	for i := 0; s.outcome != Completed && s.outcome != Failed && s.err == nil; i++ {
		require.Less(s.t, i, 5000, "the orchestration does not end")
		s.pump()
		if s.outcome == Completed || s.outcome == Failed || s.err != nil {
			return
		}
		s.happen()
		for !s.eager && s.rng.IntN(2) == 0 && s.more() {
			s.happen()
		}
	}
}

func (s *sim) more() bool { return len(s.work)+len(s.timers)+len(s.events)+len(s.late) > 0 }

// happen lets one thing happen in the world.
func (s *sim) happen() {
	s.t.Helper()
	var options []func()
	if len(s.work) > 0 {
		options = append(options, func() { s.arrive(&s.work, s.rng.IntN(len(s.work))) })
	}
	if len(s.events) > 0 {
		options = append(options, func() { s.arrive(&s.events, 0) })
	}
	if len(s.timers) > 0 && (len(options) == 0 || !s.punctual && s.rng.IntN(3) == 0) {
		options = append(options, s.fireNext)
	}
	if len(options) == 0 && len(s.late) > 0 {
		options = append(options, func() { s.arrive(&s.late, 0) })
	}
	require.NotEmpty(s.t, options, "stalled: %s waits, nothing is open; held back: %v\nhistory:\n%s", s.orchestrator, s.arrived, s.dump())
	options[s.rng.IntN(len(options))]()
	if s.rng.IntN(20) == 0 && len(s.arrived) > 0 { // a duplicate delivery
		if e := s.arrived[s.rng.IntN(len(s.arrived))]; s.orch.completes(&e) {
			s.arrived = append(s.arrived, e)
		}
	}
}

func (s *sim) arrive(from *[]history.Event, i int) {
	e := (*from)[i]
	*from = slices.Delete(*from, i, i+1)
	s.now = s.now.Add(time.Duration(s.rng.IntN(300)) * tick)
	e.Timestamp = s.now
	s.arrived = append(s.arrived, e)
}

// fireNext lets the clock go on to the next timer.
func (s *sim) fireNext() {
	ids := make([]int, 0, len(s.timers))
	for id := range s.timers {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool {
		a, b := s.timers[ids[i]], s.timers[ids[j]]
		return a.Before(b) || a.Equal(b) && ids[i] < ids[j]
	})
	id := ids[0]
	at := s.timers[id]
	delete(s.timers, id)
	if at.After(s.now) {
		s.now = at
	}
	s.arrived = append(s.arrived, history.Event{Type: history.TimerFired, ID: -1, Timestamp: s.now, TaskID: id, FireAt: at, Action: history.NoAction})
}

// pump runs episodes as long as there is something to show.
func (s *sim) pump() {
	s.t.Helper()
	for s.outcome == Waiting && s.err == nil {
		kept := s.arrived[:0:0]
		for _, e := range s.arrived {
			if !s.orch.Stale(e) {
				kept = append(kept, e)
			}
		}
		s.arrived = kept
		if s.orch.NeedsReplay(s.arrived) {
			s.learn(s.orch)
		}
		chosen := s.orch.Select(s.arrived)
		if s.started && len(chosen) == 0 {
			return
		}
		if s.patience && s.started && !s.orch.Wakes(eventsOf(chosen)) {
			return
		}
		s.episode(chosen)
	}
}

func eventsOf(chosen []Choice) []history.Event {
	out := make([]history.Event, len(chosen))
	for i := range chosen {
		out[i] = chosen[i].Event
	}
	return out
}

func (s *sim) payload(fresh []history.Event) []byte {
	all := slices.Clone(s.stored)
	for i := range fresh {
		all = append(all, fresh[i].AppendJSON(nil, false))
	}
	return BuildPayload(nil, PayloadInput{History: history.JoinArray(all), Input: s.input, InstanceID: "inst", IsReplaying: s.started})
}

func (s *sim) own(shown []history.Event, now time.Time) []history.Event {
	out := []history.Event{{Type: history.OrchestratorStarted, ID: -1, Timestamp: now, Action: history.NoAction}}
	if !s.started {
		out = append(out, history.Event{
			Type: history.ExecutionStarted, ID: -1, Timestamp: now, Name: s.orchestrator, OwnInstanceID: "inst",
			ExecutionID: fmt.Sprintf("x%d", s.run), Input: text(s.input), Action: history.NoAction,
		})
	}
	return append(out, shown...)
}

func (s *sim) episode(chosen []Choice) {
	s.t.Helper()
	s.episodes++
	s.now = s.now.Add(time.Duration(1+s.rng.IntN(30000)) * tick)
	if !s.now.After(s.clock) {
		s.now = s.clock.Add(tick)
	}
	now := s.now
	shown := eventsOf(chosen)
	result, raw := s.replay(s.orchestrator, s.payload(s.own(shown, now)))
	for n := range shown { // what came after the new start belongs to the new execution
		if !result.ContinuesAsNew() {
			break
		}
		if r, text := s.replay(s.orchestrator, s.payload(s.own(shown[:n], now))); r.ContinuesAsNew() {
			result, raw, shown, chosen = r, text, shown[:n], chosen[:n]
			break
		}
	}
	if !s.started {
		s.orch.instanceID, s.orch.executionID = "inst", fmt.Sprintf("x%d", s.run)
	}
	shadow := s.shadow(chosen)
	again := slices.Clone(shown)
	dec, err := s.orch.Apply(now, shown, result)
	if err != nil {
		s.err = err
		return
	}
	if shadow != nil {
		other, err := shadow.Apply(now, again, result)
		require.NoError(s.t, err, "after Restore\n%s", s.dump())
		require.Equal(s.t, shown, again, "the events went to other waits")
		s.compare(dec, other, shadow)
		s.orch = shadow
	}
	var taken []int
	for _, c := range chosen {
		taken = append(taken, c.Index)
	}
	rest := s.arrived[:0:0]
	for i, e := range s.arrived {
		if !slices.Contains(taken, i) {
			rest = append(rest, e)
		}
	}
	s.arrived = rest
	s.store(append(s.own(shown, now), dec.Events...))
	s.store([]history.Event{{Type: history.OrchestratorCompleted, ID: -1, Timestamp: now, Action: history.NoAction}})
	s.started, s.clock = true, now
	s.checkLog(dec.CustomStatus)
	if dec.Outcome != Failed {
		s.checkReplay(raw)
	}
	s.act(dec)
}

// checkReplay replays the stored history, with and without the played flag, and expects the same result.
func (s *sim) checkReplay(raw string) {
	s.t.Helper()
	if s.rng.IntN(4) == 0 {
		_, again := s.replay(s.orchestrator, s.payload(nil))
		require.JSONEq(s.t, raw, again, "another replay of the same history")
	}
}

// checkLog expects the log in the custom status to grow only.
func (s *sim) checkLog(status json.RawMessage) {
	s.t.Helper()
	var log []any
	if status == nil || json.Unmarshal(status, &log) != nil {
		return
	}
	require.GreaterOrEqual(s.t, len(log), len(s.lastLog))
	require.Equal(s.t, append([]any{}, s.lastLog...), log[:len(s.lastLog)], "the orchestrator's past has changed\n%s", s.dump())
	s.lastLog = log
}

func (s *sim) store(events []history.Event) {
	for i := range events {
		s.stored = append(s.stored, events[i].AppendJSON(nil, true))
	}
}

func (s *sim) decoded() []history.Event {
	events := make([]history.Event, len(s.stored))
	for i, raw := range s.stored {
		e, err := history.Decode(raw)
		require.NoError(s.t, err)
		events[i] = e
	}
	return events
}

// learn gives restored books the result of a replay of the stored history.
func (s *sim) learn(o *Orchestration) {
	s.t.Helper()
	r, _ := s.replay(s.orchestrator, s.payload(nil))
	require.NoError(s.t, o.Learn(r), "%s", s.dump())
}

// shadow sometimes takes up the books from the stored history; they must choose what the live ones chose.
func (s *sim) shadow(chosen []Choice) *Orchestration {
	s.t.Helper()
	if s.noSwap || !s.started || s.rng.IntN(3) != 0 {
		return nil
	}
	o, err := Restore(Config{}, s.decoded())
	require.NoError(s.t, err)
	require.False(s.t, o.Learned())
	require.Equal(s.t, s.orch.nextID, o.nextID)
	for id, t := range s.orch.tasks {
		if t.leaf == nil || t.leaf.action.Type != CreateTimer {
			require.Equal(s.t, t.closed, o.tasks[id].closed, "task %d", id)
		}
	}
	if s.rng.IntN(2) == 0 {
		s.learn(o)
		if len(chosen) > 0 && s.orch.Learned() {
			got := o.Select(s.arrived)
			require.GreaterOrEqual(s.t, len(got), len(chosen))
			require.Equal(s.t, chosen, got[:len(chosen)], "%s", s.dump())
		}
	}
	return o
}

func (s *sim) compare(live, restored *Decisions, o *Orchestration) {
	s.t.Helper()
	for _, id := range live.CancelTimers {
		require.Contains(s.t, restored.CancelTimers, id)
	}
	restored.CancelTimers = live.CancelTimers // the others are cancelled once more
	for i := range restored.Events {
		if e := &restored.Events[i]; e.Type == history.SubOrchestrationCreated && live.Events[i].InstanceID == "" {
			e.InstanceID = ""
		}
	}
	for i := range restored.SubOrchestration {
		if live.SubOrchestration[i].InstanceID == "" {
			restored.SubOrchestration[i].InstanceID = ""
		}
	}
	require.Equal(s.t, live, restored, "the restored books decided something else\n%s", s.dump())
	require.Equal(s.t, s.orch.nextID, o.nextID)
	for i, l := range s.orch.leaves {
		m := o.leaves[i]
		require.Equal(s.t, []any{l.state, l.attempts, l.expired, l.polled, l.dormant}, []any{m.state, m.attempts, m.expired, m.polled, m.dormant}, "leaf %d (%s)\n%s", i, &l.action, s.dump())
	}
}

// act does what an episode decided.
func (s *sim) act(d *Decisions) {
	s.t.Helper()
	for _, e := range d.Events {
		require.Equal(s.t, d.Events[0].Timestamp, e.Timestamp)
		require.NotEqual(s.t, history.NoAction, e.Action)
	}
	s.activity = append(s.activity, d.Activities...)
	s.subs = append(s.subs, d.SubOrchestration...)
	for _, a := range d.Activities {
		e := s.perform(a.Name, a.Input)
		e.TaskID = a.ID
		if s.slow[a.Name] {
			s.late = append(s.late, e)
		} else {
			s.work = append(s.work, e)
		}
	}
	for _, sub := range d.SubOrchestration {
		e := s.perform(sub.Name, sub.Input)
		e.TaskID = sub.ID
		if e.Type++; e.Type == history.TaskFailed {
			e.Type = history.SubOrchestrationCompleted
		} else {
			e.Type = history.SubOrchestrationFailed
		}
		s.work = append(s.work, e)
	}
	for _, timer := range d.Timers {
		s.timers[timer.ID] = timer.FireAt
	}
	for _, id := range d.CancelTimers {
		delete(s.timers, id)
	}
	for i := range d.Requests {
		s.askEntity(&d.Requests[i])
	}
	s.arrived = append(s.arrived, d.Followups...)
	switch d.Outcome {
	case Waiting:
	case ContinuedAsNew:
		s.startOver(d.NewInput)
	default:
		s.outcome, s.failure = d.Outcome, d.FailureReason
		if d.Output != nil {
			require.NoError(s.t, json.Unmarshal(d.Output, &s.output))
		}
	}
}

func (s *sim) startOver(input json.RawMessage) {
	s.run++
	s.input, s.started, s.stored = input, false, nil
	s.orch = New(Config{})
	s.work, s.late, s.timers, s.lastLog = nil, nil, map[int]time.Time{}, nil
	s.arrived = slices.DeleteFunc(s.arrived, func(e history.Event) bool { return e.Type != history.EventRaised || strings.Contains(e.Name, ":") })
}

func (s *sim) dump() string {
	lines := make([]string, len(s.stored))
	for i, raw := range s.stored {
		lines[i] = string(raw)
	}
	return strings.Join(lines, "\n")
}
