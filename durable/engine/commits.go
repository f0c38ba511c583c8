package engine

import (
	"context"
	"fmt"
	"time"
)

// put hands a change to the committer.
func (p *partition) put(d *draft) {
	if d.in != nil {
		d.in.busy = true
		p.active++
	}
	p.commits.put(d)
}

// commitCap is how many changes go to the hub together.
const commitCap = 256

// commit is the committer goroutine.
func (p *partition) commit() {
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-p.commits.C():
		}
		for drafts := p.commits.take(); len(drafts) > 0; {
			n := min(len(drafts), commitCap)
			if !p.commitBatch(drafts[:n]) {
				return
			}
			drafts = drafts[n:]
		}
	}
}

// commitTimeout bounds a commit; a host that cannot reach the hub for so long has lost its lease anyway.
const commitTimeout = 10 * time.Second

func (p *partition) commitBatch(drafts []*draft) bool {
	changes := make([]*Change, len(drafts))
	for i, d := range drafts {
		changes[i] = &d.change
	}
	ctx, cancel := context.WithTimeout(p.ctx, commitTimeout)
	defer cancel()
	results, err := p.e.hub.Commit(ctx, p.id, p.epoch, changes)
	if err != nil {
		p.fail(err)
		return false
	}
	p.mail.put(func() {
		for i, d := range drafts {
			if err := results[i].Err; err != nil {
				p.fail(fmt.Errorf("instance %q: %w", d.change.InstanceID, err))
				return
			}
			p.committed(d, results[i])
		}
	})
	return true
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
		for _, m := range p.letters.take() {
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
