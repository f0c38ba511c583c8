package engine

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/replay"
)

// record puts the episode's events into the draft and removes what stood for the shown ones.
func (p *partition) record(in *instance, ep *episode, dec *replay.Decisions, d *draft) {
	if !ep.learn {
		started := ep.started()
		in.note(&started)
		d.append(&started)
		for i := range ep.show {
			in.note(&ep.show[i])
			d.append(&ep.show[i])
		}
	}
	for i := range ep.shown {
		in.drop(ep.shown[i], d)
	}
	if dec == nil {
		return
	}
	for i := range dec.Events {
		ev := &dec.Events[i]
		if ev.Type == history.SubOrchestrationCreated && ev.InstanceID == "" {
			ev.InstanceID = in.subOrchestrationID(ev.ID)
		}
		in.note(ev)
		d.append(ev)
	}
	in.storeLocks(d)
	if dec.CustomStatus != nil && string(dec.CustomStatus) != string(in.rec.CustomStatus) {
		status := dec.CustomStatus
		in.rec.CustomStatus = status
		d.change.Fields.CustomStatus = &status
	}
}

// subOrchestrationID is the instance ID of a sub-orchestration that was given none (DurableTask.Core TaskOrchestrationContext.cs:185-225).
func (in *instance) subOrchestrationID(taskID int) string {
	return fmt.Sprintf("%s:%d", in.rec.ExecutionID, taskID)
}

// append adds an event to the history.
func (d *draft) append(ev *history.Event) {
	if d.buffer == nil {
		d.buffer = make([]byte, 0, 512)
		d.change.Append = slices.Grow(d.change.Append, 4)
	}
	from := len(d.buffer)
	d.buffer = d.in.encode(d.buffer, ev)
	d.change.Append = append(d.change.Append, d.buffer[from:len(d.buffer):len(d.buffer)])
}

// setReady says in the draft whether the instance's next episode is due although no message says so, if the hub has it otherwise.
func (p *partition) setReady(in *instance, d *draft, ready bool) {
	switch {
	case ready == p.ready[in.id]:
	case ready:
		p.ready[in.id] = true
		d.change.Ready = ReadySet
	default:
		delete(p.ready, in.id)
		d.change.Ready = ReadyClear
	}
}

// schedule puts the work that the episode asked for into the draft.
func (p *partition) schedule(in *instance, dec *replay.Decisions, d *draft) {
	spill := p.e.liveHosts.Load() > 1 && p.e.pool.backlogged()
	for _, a := range dec.Activities {
		act := Outstanding{
			Partition: p.id, Key: in.activityKey(a.ID), InstanceID: in.id, ExecutionID: in.rec.ExecutionID, TaskID: a.ID, Name: a.Name, Input: a.Input,
		}
		d.change.ActivitiesAdd = append(d.change.ActivitiesAdd, ActivityAdd{act, spill})
		if spill {
			d.spilled = append(d.spilled, act.Key)
		} else {
			d.activities = append(d.activities, &act)
		}
	}
	for _, t := range dec.Timers {
		d.change.TimersAdd = append(d.change.TimersAdd, in.timer(t.ID, t.FireAt))
	}
	for _, id := range dec.CancelTimers {
		d.change.TimersRemove = append(d.change.TimersRemove, in.timer(id, time.Time{}))
		delete(in.timers, id)
	}
	p.sendRequests(in, dec.Requests, d)
	now := p.e.now().UnixMilli()
	for _, s := range dec.SubOrchestration {
		id := s.InstanceID
		if id == "" {
			id = in.subOrchestrationID(s.ID)
		}
		d.change.Send = append(d.change.Send, Message{
			Kind: MessageStartSub, InstanceID: id, Name: s.Name, Data: s.Input, At: now, Version: cmp.Or(s.Version, in.rec.Version),
			Parent: &Parent{Name: in.rec.Name, InstanceID: in.id, ExecutionID: in.rec.ExecutionID, TaskID: s.ID},
		})
	}
}
