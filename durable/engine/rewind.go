package engine

import (
	"encoding/json"
	"strings"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
)

// rewind takes a failed instance back to before the failure and lets it run again.
//
// The failure that ended the execution is looked for: the last failed activity or sub-orchestration that the last episode showed, or whose
// text the instance's failure holds, or whose retries the last episode saw exhausted. The history is cut before the episode that showed
// it. What that episode and later ones showed of work begun before the cut is kept, and shown again; the failed work is run again; what was begun after the cut is begun
// again if the orchestrator asks for it again. Without such a failure only the last episode is run again, for the case that the code was mended.
func (p *partition) rewind(in *instance, reason string) {
	if in.rec == nil {
		return
	}
	events, failed := p.decode(in)
	if !failed {
		return
	}
	cut := rewindTo(events)
	kept, undone := events[:cut], events[cut:]
	raw := append([][]byte(nil), in.rec.History[:cut]...)

	marker := p.eventAt(history.GenericEvent)
	marker.Data = "Rewound: " + reason
	raw = append(raw, marker.AppendJSON(nil, true))
	in.rec.History = raw
	if err := in.restore(p.e); err != nil {
		p.logger.Error("rewinding failed", "instance_id", in.id, "error", err)
		return
	}
	// The clock must not go back behind what was undone.
	for i := range undone {
		if undone[i].Timestamp.After(in.clock) {
			in.clock = undone[i].Timestamp
		}
	}

	in.rec.Status, in.notify = durable.Running, true
	in.rec.Output = nil
	d := in.newDraft(p.e.now())
	var none json.RawMessage
	d.change.Fields.Output = &none
	d.change.ResetHistory, d.change.Append = true, raw
	p.setReady(in, d, true)
	shownAgain := p.showAgain(in, undone, d)
	p.beginAgain(in, kept, shownAgain, reason, d)
	p.logger.Info("orchestration rewound", "function", in.rec.Name, "instance_id", in.id, "reason", reason, "events_undone", len(undone))
	p.put(d)
}

// decode returns the history and whether it ends with a failure.
func (p *partition) decode(in *instance) (events []history.Event, failed bool) {
	events = make([]history.Event, len(in.rec.History))
	for i, raw := range in.rec.History {
		ev, err := history.Decode(raw)
		if err != nil {
			p.logger.Error("rewinding failed", "instance_id", in.id, "error", err)
			return nil, false
		}
		events[i] = ev
		if ev.Type == history.ExecutionCompleted {
			failed = durable.RuntimeStatus(ev.Status) == durable.Failed
		}
	}
	return events, failed
}

// rewindTo returns the index of the episode before which the history is cut.
func rewindTo(events []history.Event) int {
	last := episodeOf(events, len(events)-1)
	cause := -1
	var outcome string
	for i := len(events) - 1; i >= 0 && outcome == ""; i-- {
		if events[i].Type == history.ExecutionCompleted && events[i].Result != nil {
			outcome = plain(json.RawMessage(*events[i].Result))
		}
	}
	for i := range events {
		ev := &events[i]
		switch {
		case ev.Type != history.TaskFailed && ev.Type != history.SubOrchestrationFailed:
		case i > last, ev.Reason != "" && strings.Contains(outcome, ev.Reason), exhausted(events, i, last):
			cause = i
		}
	}
	if cause < 0 {
		return last
	}
	return episodeOf(events, cause)
}

// episodeOf returns the index of the OrchestratorStarted that the event at i belongs to, 0 when there is none before it.
func episodeOf(events []history.Event, i int) int {
	for ; i > 0; i-- {
		if events[i].Type == history.OrchestratorStarted {
			break
		}
	}
	return i
}

// exhausted reports whether the last episode showed the end of the delay that followed the failure at i.
func exhausted(events []history.Event, i, last int) bool {
	action, scheduled := history.NoAction, events[i].TaskID
	for j := range events[:i] {
		if (events[j].Type == history.TaskScheduled || events[j].Type == history.SubOrchestrationCreated) && events[j].ID == scheduled {
			action = events[j].Action
		}
	}
	if action == history.NoAction {
		return false
	}
	delays := map[int]bool{}
	for j := i; j < last; j++ {
		if events[j].Type == history.TimerCreated && events[j].Action == action {
			delays[events[j].ID] = true
		}
	}
	for j := last; j < len(events); j++ {
		if events[j].Type == history.TimerFired && delays[events[j].TaskID] {
			return true
		}
	}
	return false
}

// showAgain makes arrivals of what the undone episodes had shown of work begun before them, and returns the task ids it concerns.
func (p *partition) showAgain(in *instance, undone []history.Event, d *draft) map[int]bool {
	ids := map[int]bool{}
	asked := requestsOf(undone)
	for i := range undone {
		ev := undone[i]
		switch ev.Type {
		case history.EventRaised:
			if asked[ev.Name] {
				continue // the request is made again
			}
			if id, open := in.requests[ev.Name]; open {
				ids[id] = true
			}
		case history.TaskCompleted:
			if !in.tasks[ev.TaskID] {
				continue
			}
			ids[ev.TaskID] = true
		case history.SubOrchestrationCompleted:
			if _, open := in.subs[ev.TaskID]; !open {
				continue
			}
			ids[ev.TaskID] = true
		case history.TimerFired:
			if _, open := in.timers[ev.TaskID]; !open {
				continue
			}
			ids[ev.TaskID] = true
		default:
			continue
		}
		a := arrival{event: ev, seq: -1}
		in.store(&a, d)
		in.arrive(a)
	}
	return ids
}

// beginAgain puts the work into the draft that was begun before the cut and has no outcome.
func (p *partition) beginAgain(in *instance, kept []history.Event, shownAgain map[int]bool, reason string, d *draft) {
	now := p.e.now().UnixMilli()
	for i := range kept {
		ev := &kept[i]
		if ev.ID < 0 || shownAgain[ev.ID] {
			continue
		}
		switch ev.Type {
		case history.TaskScheduled:
			if !in.tasks[ev.ID] {
				continue
			}
			act := Outstanding{
				Partition: p.id, Key: in.activityKey(ev.ID), InstanceID: in.id, ExecutionID: in.rec.ExecutionID, TaskID: ev.ID, Name: ev.Name,
			}
			if ev.Input != nil {
				act.Input = json.RawMessage(*ev.Input)
			}
			d.change.ActivitiesAdd = append(d.change.ActivitiesAdd, ActivityAdd{Outstanding: act})
			d.activities = append(d.activities, &act)
		case history.EventSent:
			p.askAgain(in, ev, reason, d)
		case history.TimerCreated:
			if t, open := in.timers[ev.ID]; open {
				d.change.TimersAdd = append(d.change.TimersAdd, t)
			}
		case history.SubOrchestrationCreated:
			if child, open := in.subs[ev.ID]; open {
				m := Message{
					Kind: MessageNudge, InstanceID: child, Name: ev.Name, Reason: reason, At: now,
					Parent: &Parent{Name: in.rec.Name, InstanceID: in.id, ExecutionID: in.rec.ExecutionID, TaskID: ev.ID},
				}
				d.change.Send = append(d.change.Send, m)
			}
		default: // no work
		}
	}
}

// nudge answers a rewound parent that asks for this sub-orchestration's outcome.
func (p *partition) nudge(in *instance, m *Message) {
	mine := in.rec != nil && in.rec.Parent != nil && *in.rec.Parent == *m.Parent
	switch {
	case mine && in.rec.Status == durable.Failed:
		acks := in.acks
		in.acks = append(in.acks, m.ID)
		p.rewind(in, m.Reason)
		if in.busy {
			return
		}
		in.acks = acks
	case mine && in.runs():
		in.acks = append(in.acks, m.ID)
		return // its outcome will come
	}
	answer := Message{
		Kind: MessageSubDone, InstanceID: m.Parent.InstanceID, ExecutionID: m.Parent.ExecutionID, TaskID: m.Parent.TaskID, At: p.e.now().UnixMilli(),
		Failed: true, Reason: "the sub-orchestration '" + in.id + "' is no longer there",
	}
	if mine {
		answer = outcomeMessage(in.rec, m.Parent, answer.At)
	}
	p.answer(m, answer)
}
