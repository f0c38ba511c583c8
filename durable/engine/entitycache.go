package engine

// Entities stay in memory between batches like instances (see cache.go), under the same bound.

// entityBytes is about what an entity takes without its state.
const entityBytes = 512

func (en *entityInstance) size() int {
	n := entityBytes + len(en.state.Value)
	for i := range en.queue {
		n += 300 + len(en.queue[i].Data)
	}
	for _, m := range en.scheduled {
		n += 300 + len(m.Data)
	}
	return n
}

// restEntity notes that the entity waits for something. One of which nothing is stored is forgotten.
func (p *partition) restEntity(en *entityInstance) {
	if en.evictable() && en.revision == 0 {
		p.forgetEntity(en)
		return
	}
	bytes := en.size()
	p.e.cached.Add(int64(bytes - en.cachedBytes))
	en.cachedBytes = bytes
	if en.place == nil {
		en.place = p.entityLRU.PushBack(en)
	} else {
		p.entityLRU.MoveToBack(en.place)
	}
	p.makeRoom()
	p.makeEntityRoom()
}

// makeEntityRoom evicts entities until what is in memory keeps within its bounds, or there is nothing to evict here.
func (p *partition) makeEntityRoom() {
	for tries := p.entityLRU.Len(); tries > 0 && p.e.cached.Load() > int64(max(p.e.cfg.CacheBytes, 0)); tries-- {
		en, ok := p.entityLRU.Front().Value.(*entityInstance)
		if !ok {
			return
		}
		if en.evictable() {
			p.forgetEntity(en)
			continue
		}
		p.entityLRU.MoveToBack(en.place)
		if !en.busy && !en.pausing && en.unstored() > 0 {
			p.commitEntity(en) // it can go when what waits is stored
		}
	}
}

// evictable reports whether the hub has all that is known of the entity.
func (en *entityInstance) evictable() bool {
	if en.busy || en.loading || en.pausing || !en.next.empty() || len(en.inbox)+len(en.fired) > 0 {
		return false
	}
	for i := range en.queue {
		if m := &en.queue[i]; m.seq < 0 || m.timer != nil {
			return false
		}
	}
	return true
}

// forgetEntity drops the entity from memory.
func (p *partition) forgetEntity(en *entityInstance) {
	p.e.cached.Add(-int64(en.cachedBytes))
	en.cachedBytes = 0
	if en.place != nil {
		p.entityLRU.Remove(en.place)
		en.place = nil
	}
	if p.entities[en.id] == en {
		delete(p.entities, en.id)
	}
}
