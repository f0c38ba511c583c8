package engine

import (
	"encoding/json"
	"strings"

	"github.com/google/uuid"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/durable/replay"
)

// failureText is a failure as an instance's output.
func failureText(reason string) json.RawMessage {
	raw, err := json.Marshal(reason)
	if err != nil {
		panic(err) // a string always encodes
	}
	return raw
}

// plain is the text of a failure's output.
func plain(output json.RawMessage) string {
	var s string
	if json.Unmarshal(output, &s) != nil {
		return string(output)
	}
	return s
}

// finish commits the end of an execution. dec may be nil.
func (p *partition) finish(in *instance, ep *episode, dec *replay.Decisions, status durable.RuntimeStatus, output json.RawMessage) {
	p.finishWith(in, ep, dec, status, output, nil)
}

// finishWith is finish with something more in the commit. ep may be nil as well: the end came from outside.
func (p *partition) finishWith(
	in *instance, ep *episode, dec *replay.Decisions, status durable.RuntimeStatus, output json.RawMessage, more func(*draft),
) {
	d := in.newDraft(p.e.now())
	now := in.rec.Updated
	if ep != nil {
		now = ep.now
		p.record(in, ep, dec, d)
	}
	if dec != nil {
		// What was asked for in the last episode is done, though nobody waits for it.
		p.schedule(in, &replay.Decisions{Activities: dec.Activities, SubOrchestration: dec.SubOrchestration, Requests: dec.Requests}, d)
	}
	done := history.Event{
		Type: history.ExecutionCompleted, ID: -1, Timestamp: now, Action: history.NoAction, Status: int(status), Result: text(output),
	}
	d.append(&done)
	if ep != nil && in.local == nil {
		d.append(&history.Event{Type: history.OrchestratorCompleted, ID: -1, Timestamp: now, Action: history.NoAction})
	}
	in.local.close(inproc.ErrEvicted)
	p.releaseLocks(in, d)
	p.setReady(in, d, false)
	in.setFinal(d, status, output)
	for _, a := range in.arrived.list {
		in.drop(a, d)
	}
	in.arrived = arrivals{}
	p.tellParent(in, d)
	if more != nil {
		more(d)
	}
	switch status {
	case durable.Failed:
		p.logger.Warn("orchestration failed", "function", in.rec.Name, "instance_id", in.id, "reason", firstLine(plain(output)))
	default:
		p.logger.Debug("orchestration ended", "function", in.rec.Name, "instance_id", in.id, "status", status)
	}
	p.put(d)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// tellParent sends the outcome of a finished sub-orchestration to the orchestration that waits for it.
func (p *partition) tellParent(in *instance, d *draft) {
	if parent := in.rec.Parent; parent != nil {
		d.change.Send = append(d.change.Send, outcomeMessage(in.rec, parent, p.e.now().UnixMilli()))
	}
}

// outcomeMessage tells a parent how its sub-orchestration ended.
func outcomeMessage(rec *Record, parent *Parent, at int64) Message {
	m := Message{Kind: MessageSubDone, InstanceID: parent.InstanceID, ExecutionID: parent.ExecutionID, TaskID: parent.TaskID, At: at}
	if rec.Status == durable.Completed {
		m.Data = rec.Output
		return m
	}
	m.Failed, m.Reason = true, plain(rec.Output)
	if m.Reason == "" {
		m.Reason = "the sub-orchestration '" + rec.InstanceID + "' ended as " + rec.Status.String()
	}
	return m
}

// continueAsNew commits the end of one execution and the begin of the next, under the same instance ID.
func (p *partition) continueAsNew(in *instance, ep *episode, dec *replay.Decisions, more func(*draft)) {
	in.setStatus(durable.Running)
	d := in.newDraft(p.e.now())
	for i := range ep.shown {
		in.drop(ep.shown[i], d)
	}
	if dec.CustomStatus != nil {
		status := dec.CustomStatus
		in.rec.CustomStatus = status
		d.change.Fields.CustomStatus = &status
	}
	p.schedule(in, &replay.Decisions{Activities: dec.Activities, SubOrchestration: dec.SubOrchestration, Requests: dec.Requests}, d)
	for i := range dec.Events {
		if ev := &dec.Events[i]; ev.Type == history.EventSent {
			in.noteSent(ev)
		}
	}
	p.releaseLocks(in, d)
	for _, t := range in.timers {
		d.change.TimersRemove = append(d.change.TimersRemove, t)
	}
	// Events that nobody has awaited go on into the new execution; completions of the old one do not.
	var carried []arrival
	for _, a := range in.arrived.list {
		if a.event.Type == history.EventRaised && !in.isAnswer(&a.event) {
			in.store(&a, d)
			carried = append(carried, a)
		} else {
			in.drop(a, d)
		}
	}
	in.arrived.set(carried)
	in.removeLag(d)
	execution, input := newExecutionID(), dec.NewInput
	d.change.Fields.ExecutionID, d.change.Fields.Input = &execution, &input
	d.change.ResetHistory, d.change.Append = true, nil
	p.setReady(in, d, true)
	in.rec.ExecutionID, in.rec.Input = execution, input
	in.rec.History, in.cached.history = nil, 0
	in.generation = p.e.generations.Add(1)
	in.local.close(inproc.ErrEvicted)
	in.orch, in.local = replay.New(p.e.replayConfig()), nil
	in.started = false
	in.timers, in.subs, in.tasks, in.entityBook = nil, nil, nil, entityBook{}
	if more != nil {
		more(d)
	}
	p.put(d)
}

// newExecutionID makes the ID of a run: 32 hexadecimal digits.
func newExecutionID() string { return strings.ReplaceAll(uuid.NewString(), "-", "") }

// committed follows a change that is durable now.
func (p *partition) committed(d *draft, res CommitResult) {
	p.letters.put(res.Outbox...)
	for _, reply := range d.replies {
		reply(nil)
	}
	in := d.in
	if in == nil {
		p.timers.add(d.change.TimersAdd...)
		if d.then != nil {
			d.then()
		}
		return
	}
	in.busy = in.storing && in.running
	p.active--
	in.rec.Revision = d.change.Revision + 1
	if status := d.change.Fields.Status; status != nil {
		in.storedStatus = *status
	}
	if d.change.Start {
		in.rec.Revision = res.Revision
		in.start.reply(nil)
		if in.start.patience != nil {
			in.start.patience.Stop()
		}
		in.start = nil
	}
	switch {
	case d.change.ResetHistory || len(d.change.Append) == 0:
	case in.local != nil:
		in.rec.History, in.cached.history = nil, 0 // it is not kept up to date
	default:
		in.rec.History = append(in.rec.History, d.change.Append...)
		for _, raw := range d.change.Append {
			in.cached.history += len(raw)
		}
	}
	p.timers.add(d.change.TimersAdd...)
	p.e.pool.submit(d.activities...)
	for _, key := range d.spilled {
		// Somebody should have taken it by then.
		p.askAt(key, p.e.now().Add(3*claimRenewal))
	}
	for _, key := range d.change.ActivitiesRemove {
		delete(p.claims, key)
	}
	p.tellWaiters(in)
	if in.local != nil {
		d.giveBack()
	}
	ended := in.ended
	in.storing, in.ended = false, nil
	if ended != nil {
		p.episodeDone(in, ended)
		return
	}
	p.advance(in)
}
