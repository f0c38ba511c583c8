package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/durango-functions/durango/durable/entity"
)

// batchOutcome is what became of a batch of operations.
type batchOutcome struct {
	state   entity.State
	results []entity.OperationResult
	signals []entity.Signal
}

// batchRun runs a batch, in as many invocations as it takes.
type batchRun struct {
	p   *partition
	id  entity.ID
	out batchOutcome
}

// runBatch hands operations to the entity function, on a goroutine of its own.
func (p *partition) runBatch(en *entityInstance, batch []waitingMessage) {
	id, err := entity.Parse(en.id)
	if err == nil && !p.e.cfg.Executor.HasEntity(id.Name) {
		err = errors.New(missingFunction(id.Name, "an entity"))
	}
	if err != nil {
		p.refuseBatch(en, batch, err.Error())
		return
	}
	ops := make([]entity.Operation, len(batch))
	for i := range batch {
		m := &batch[i]
		ops[i] = entity.Operation{Name: m.Name, Input: m.Data, Signal: m.Request == "", ID: m.Request}
	}
	run := &batchRun{p: p, id: id, out: batchOutcome{state: en.state}}
	en.busy = true
	p.active++
	p.wg.Go(func() {
		err := run.begin(ops)
		p.mail.put(func() {
			en.busy = false
			p.active--
			p.batchDone(en, batch, &run.out, err)
		})
	})
}

// refuseBatch answers operations that nothing can handle. Signals are set aside, since nobody hears of them otherwise.
func (p *partition) refuseBatch(en *entityInstance, batch []waitingMessage, reason string) {
	p.logger.Error("operations of an entity were refused", "entity_id", en.id, "operations", len(batch), "reason", reason)
	for i := range batch {
		m := &batch[i]
		en.next.done(m)
		if m.Request == "" {
			en.next.aside = append(en.next.aside, AsideMessage{Message: m.stored(), Reason: reason})
		} else {
			p.answerCall(en, m, &entity.OperationResult{Failed: true, Message: reason})
		}
	}
	p.commitEntity(en)
}

// answerCall puts the outcome of a call into the next commit.
func (p *partition) answerCall(en *entityInstance, m *waitingMessage, r *entity.OperationResult) {
	en.next.send = append(en.next.send, Message{
		Kind: MessageEntityDone, InstanceID: m.Parent.InstanceID, ExecutionID: m.Parent.ExecutionID, TaskID: m.Parent.TaskID, Request: m.Request,
		Data: r.Value, Failed: r.Failed, Reason: r.Message, At: p.e.now().UnixMilli(),
	})
}

// begin waits for a place and runs the batch.
func (b *batchRun) begin(ops []entity.Operation) error {
	select {
	case b.p.e.entities <- struct{}{}:
		defer func() { <-b.p.e.entities }()
	case <-b.p.ctx.Done():
		return context.Cause(b.p.ctx)
	}
	return b.run(ops)
}

// run adds the outcome of the operations to the run's. An error means that the outcome is unknown.
//
// The SDK runs a batch in one go, and hands back the state after the last operation only. When one of several has failed, those before it are
// run again, which gives the state before the failed one; those after it are run one by one.
func (b *batchRun) run(ops []entity.Operation) error {
	r, err := b.invoke(ops)
	var failure *TaskFailure
	switch {
	case errors.As(err, &failure):
		if len(ops) > 1 {
			return b.runEach(ops)
		}
		b.out.results = append(b.out.results, entity.OperationResult{Failed: true, Message: failure.Reason})
		return nil
	case err != nil:
		return err
	}
	failed := -1
	for i := range r.Results {
		if r.Results[i].Failed {
			failed = i
			break
		}
	}
	if failed < 0 || b.p.e.cfg.KeepFailedState {
		b.out.state = r.State
		b.out.results = append(b.out.results, r.Results...)
		b.out.signals = append(b.out.signals, r.Signals...)
		return nil
	}
	if failed > 0 {
		if err := b.run(ops[:failed]); err != nil {
			return err
		}
	}
	b.out.results = append(b.out.results, r.Results[failed])
	return b.runEach(ops[failed+1:])
}

// runEach runs operations one by one.
func (b *batchRun) runEach(ops []entity.Operation) error {
	for i := range ops {
		if err := b.run(ops[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// invoke hands operations to the entity function. What the hub does not take is a failure of the code.
func (b *batchRun) invoke(ops []entity.Operation) (*entity.Result, error) {
	r, err := b.p.e.cfg.Executor.ExecuteEntity(b.p.ctx, &EntityWork{ID: b.id, State: b.out.state, Batch: ops})
	if err != nil {
		return nil, err
	}
	refuse := func(err error) (*entity.Result, error) { return nil, &TaskFailure{Reason: err.Error()} }
	if err := b.p.tooLarge("the state of entity", b.id.String(), r.State.Value); err != nil {
		return refuse(err)
	}
	for i := range r.Results {
		if err := b.p.tooLarge("the result of operation", ops[i].Name, r.Results[i].Value); err != nil {
			return refuse(err)
		}
	}
	for i := range r.Signals {
		s := &r.Signals[i]
		if err := errors.Join(s.Target.Validate(), b.p.tooLarge("the input of signal", s.Name, s.Input)); err != nil {
			return refuse(err)
		}
	}
	return r, nil
}

// batchDone turns the outcome of a batch into a commit.
func (p *partition) batchDone(en *entityInstance, batch []waitingMessage, out *batchOutcome, err error) {
	if p.ctx.Err() != nil {
		return
	}
	if err != nil && !p.giveUp(en, batch, out, err) {
		return
	}
	en.crashes, en.stalls, en.careful = 0, 0, max(en.careful-len(batch), 0)
	now := p.e.now()
	for i := range batch {
		m, r := &batch[i], &out.results[i]
		en.next.done(m)
		if m.Request != "" {
			p.answerCall(en, m, r)
		}
		if r.Failed {
			p.logger.Warn("operation of an entity failed", "entity_id", en.id, "operation", m.Name, "error", r.Message, "stack", r.Stack)
		}
	}
	for i := range out.signals {
		s := &out.signals[i]
		en.next.send = append(en.next.send, Message{
			Kind: MessageOperation, InstanceID: s.Target.String(), Name: s.Name, Data: s.Input, At: now.UnixMilli(),
		})
	}
	en.state, en.updated = out.state, now
	p.commitEntity(en)
}

// giveUp looks at a batch that had no outcome: it is run again after a while, unless its one operation has ended its worker too often, which then fails.
func (p *partition) giveUp(en *entityInstance, batch []waitingMessage, out *batchOutcome, err error) bool {
	var unavailable *FunctionUnavailableError
	delay := time.Second
	switch {
	case errors.Is(err, ErrNotReady):
	case errors.As(err, &unavailable):
		en.stalls++
		delay = backoff(en.stalls)
	default:
		en.crashes++
		en.careful = max(en.careful, len(batch))
		delay = backoff(en.crashes)
		if en.crashes >= p.e.cfg.MaxCrashes && len(batch) == 1 {
			*out = batchOutcome{state: en.state, results: []entity.OperationResult{{
				Failed: true, Message: fmt.Sprintf("%d attempts to run it had no outcome: %v", p.e.cfg.MaxCrashes, err),
			}}}
			return true
		}
	}
	p.e.troubles.warn(p.logger, "operations of an entity had no outcome, running them again", "entity_id", en.id, "operations", len(batch), "error", err)
	en.queue = append(batch, en.queue...)
	en.pausing = true
	p.wg.Go(func() {
		if p.pause(delay) {
			p.mail.put(func() {
				en.pausing = false
				p.advanceEntity(en)
			})
		}
	})
	return false
}
