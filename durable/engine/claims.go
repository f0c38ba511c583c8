package engine

// adopt takes care of an activity that the partition's last owner left outstanding.
func (p *partition) adopt(a *Outstanding) {
	if p.e.pool.holds(p.id, a.Key) {
		// Its outcome may go to the partition as this host had it before, so look again.
		p.claims[a.Key] = p.e.now().Add(claimRenewal)
		return
	}
	dead := ""
	if !p.e.isLive(a.ClaimedBy) || a.ClaimedBy == p.e.hub.HostID() {
		dead = a.ClaimedBy
	}
	p.claim(a.Key, dead)
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
					p.mail.put(func() { p.claims[key] = c.Until })
				}
				return
			}
			if !p.pause(backoff(attempt)) {
				return
			}
		}
	})
}

// askForClaims asks for activities whose claims should have ended.
func (p *partition) askForClaims() {
	now := p.e.now()
	for key, at := range p.claims {
		if !at.After(now) {
			if p.e.pool.holds(p.id, key) {
				p.claims[key] = now.Add(claimRenewal)
				continue
			}
			delete(p.claims, key)
			p.claim(key, "")
		}
	}
}
