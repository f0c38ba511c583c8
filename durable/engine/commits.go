package engine

import (
	"errors"
	"fmt"
)

// put gives a change to the next flush.
func (p *partition) put(d *draft) {
	if d.in != nil {
		d.in.busy = true
		p.active++
	}
	p.drafts = append(p.drafts, d)
}

// commitCap is how many messages go to another partition together.
const commitCap = 256

// flush gives the changes that have gathered to the hub, which sends them together with what else comes meanwhile (group commit). Their results come
// by mail, in the order in which the changes were given.
func (p *partition) flush() {
	if len(p.drafts) == 0 || p.ctx.Err() != nil {
		return
	}
	drafts := p.drafts
	p.drafts = nil
	changes := make([]*Change, len(drafts))
	for i, d := range drafts {
		changes[i] = &d.change
	}
	p.e.hub.Commit(p.id, p.epoch, changes, func(results []CommitResult, err error) {
		p.mail.put(func() { p.flushed(drafts, results, err) })
	})
}

// flushed follows changes whose outcome is known. When it is not, or one was refused that should not have been, the memory of the
// partition may be wrong.
func (p *partition) flushed(drafts []*draft, results []CommitResult, err error) {
	if err != nil {
		p.fail(err)
		return
	}
	for i, d := range drafts {
		err := results[i].Err
		switch {
		case err == nil:
			p.committed(d, results[i])
		case d.change.Start && !errors.Is(err, ErrFenced) && !errors.Is(err, ErrStale):
			p.refused(d, err)
		default:
			p.fail(fmt.Errorf("instance %q: %w", d.change.InstanceID, err))
			return
		}
	}
}

// deliver is the courier goroutine.
func (p *partition) deliver() {
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-p.letters.C():
		}
		byTarget := map[int][]OutboxMessage{}
		for _, m := range p.letters.take(nil) {
			byTarget[m.To] = append(byTarget[m.To], m)
		}
		for to, letters := range byTarget {
			for from := 0; from < len(letters); from += commitCap {
				if !p.deliverBatch(to, letters[from:min(from+commitCap, len(letters))]) {
					return
				}
			}
		}
	}
}

// deliverBatch repeats until it succeeds: order per receiver is kept, and a repetition is recognised.
func (p *partition) deliverBatch(to int, letters []OutboxMessage) bool {
	for attempt := 1; ; attempt++ {
		err := p.e.hub.Deliver(p.ctx, p.id, to, letters)
		if err == nil {
			return true
		}
		if p.ctx.Err() != nil {
			return false
		}
		p.e.troubles.warn(p.logger, "task hub: delivering messages failed, trying again", "to_partition", to, "error", err)
		if !p.pause(backoff(attempt)) {
			return false
		}
	}
}
