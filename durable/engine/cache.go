package engine

import (
	"container/list"

	"github.com/durango-functions/durango/durable/inproc"
)

// Instances stay in memory between episodes, the least recently used going first when all of them take more than Config.CacheBytes. Each
// partition's owner evicts its own; the sum is the engine's. What an evicted instance needs is read again when something comes for it.

// cached is an instance's place among those in memory.
type cached struct {
	place *list.Element // nil: it is not among them
	bytes int           // as counted in Engine.cached
	// history is how many bytes of history are in memory.
	history int
}

// instanceBytes is about what an instance takes without its history and its session.
const instanceBytes = 1 << 10

// size is about what the instance takes in memory.
func (in *instance) size() int {
	n := instanceBytes + in.cached.history + 200*(len(in.tasks)+len(in.timers)+len(in.subs)+len(in.arrived.list))
	if in.rec != nil {
		n += len(in.rec.Input)
	}
	if in.local != nil {
		n += 150 * len(in.local.stored)
		if in.local.session != nil {
			n += in.local.session.Bytes()
		}
	}
	return n
}

// rest notes that the instance waits for something, and evicts what has waited longest when there is not enough room.
func (p *partition) rest(in *instance) {
	c := &in.cached
	in.lags = p.e.cfg.CacheBytes > 0
	bytes := in.size()
	p.e.cached.Add(int64(bytes - c.bytes))
	c.bytes = bytes
	if c.place == nil {
		c.place = p.lru.PushBack(in)
	} else {
		p.lru.MoveToBack(c.place)
	}
	p.makeRoom()
	p.makeEntityRoom()
}

// makeRoom evicts instances until what is in memory keeps within its bounds, or there is nothing to evict here.
func (p *partition) makeRoom() {
	for tries := p.lru.Len(); tries > 0 && p.e.cached.Load() > int64(max(p.e.cfg.CacheBytes, 0)); tries-- {
		in, ok := p.lru.Front().Value.(*instance)
		if !ok {
			return
		}
		if in.evictable() {
			if len(in.lag) == 0 {
				p.forget(in)
				continue
			}
			p.hold(in) // it can go when that is removed
		}
		if in.local != nil && in.local.session != nil && !in.busy {
			in.local.needs = in.local.session.Needs()
			in.local.close(inproc.ErrEvicted)
		}
		p.lru.MoveToBack(in.cached.place)
	}
}

// evictable reports whether the hub has all that is known of the instance.
func (in *instance) evictable() bool {
	return !in.busy && !in.loading && !in.delayed && !in.create && !in.gathered() && in.terminate == nil &&
		in.arrived.unstored == 0 && len(in.inbox)+len(in.fired)+len(in.adopted) == 0
}

// forget drops the instance from memory.
func (p *partition) forget(in *instance) {
	in.local.close(inproc.ErrEvicted)
	p.e.cached.Add(-int64(in.cached.bytes))
	if in.cached.place != nil {
		p.lru.Remove(in.cached.place)
	}
	in.cached = cached{}
	if p.instances[in.id] == in { // else it was forgotten before, and there is another by now
		delete(p.instances, in.id)
	}
}
