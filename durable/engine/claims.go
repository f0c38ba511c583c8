package engine

import "time"

// adopt takes care of an activity that the partition's last owner left outstanding. Its instance tells whether it is: the last owner may have
// died before it removed what was done.
func (p *partition) adopt(a *Outstanding) {
	in := p.instance(a.InstanceID)
	in.adopted = append(in.adopted, *a)
	p.advance(in)
}

// lookAtAdopted removes the activities whose outcome is in the instance's history, and has the others run.
func (p *partition) lookAtAdopted(in *instance) {
	adopted := in.adopted
	in.adopted = nil
	for i := range adopted {
		a := &adopted[i]
		switch {
		case in.rec != nil && in.rec.ExecutionID == a.ExecutionID && !in.tasks[a.TaskID]:
			in.ackActs = append(in.ackActs, a.Key)
			in.ackClaim = append(in.ackClaim, a.Key)
		case p.e.pool.holds(p.id, a.Key):
			// Its outcome may go to the partition as this host had it before, so look again.
			p.askAt(a.Key, p.e.now().Add(claimRenewal))
		case p.e.isLive(a.ClaimedBy) && a.ClaimedBy != p.e.hub.HostID():
			p.claim(a.Key, "")
		default:
			p.claim(a.Key, a.ClaimedBy)
		}
	}
}

// claim asks for an activity; the answer comes to the owner.
func (p *partition) claim(key, dead string) {
	p.wg.Go(func() {
		for attempt := 1; ; attempt++ {
			c, err := p.e.hub.Reclaim(p.ctx, p.id, key, dead)
			if err == nil {
				if c.Taken {
					p.e.pool.submit(&c.Activity)
				} else if !c.Gone {
					p.mail.put(func() { p.askAt(key, c.Until) })
				}
				return
			}
			if !p.pause(backoff(attempt)) {
				return
			}
		}
	})
}

// askAt remembers to ask for an activity.
func (p *partition) askAt(key string, at time.Time) {
	p.claims[key] = at
	if p.claimsAt.IsZero() || at.Before(p.claimsAt) {
		p.claimsAt = at
	}
}

// askForClaims asks for activities whose claims should have ended.
func (p *partition) askForClaims() {
	now := p.e.now()
	if p.claimsAt.IsZero() || p.claimsAt.After(now) {
		return
	}
	p.claimsAt = time.Time{}
	for key, at := range p.claims {
		switch {
		case at.After(now):
			p.askAt(key, at)
		case p.e.pool.holds(p.id, key):
			p.askAt(key, now.Add(claimRenewal))
		default:
			delete(p.claims, key)
			p.claim(key, "")
		}
	}
}
