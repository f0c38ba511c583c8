package engine

// Idle reports whether no activity waits or runs at the engine's host.
func Idle(e *Engine) bool {
	return len(e.pool.heldKeys()) == 0
}

// Quiet reports whether no partition of the engine begins episodes.
func Quiet(e *Engine) bool {
	for _, p := range e.owned() {
		if !p.quiet.Load() {
			return false
		}
	}
	return true
}

// Partitions are those that the engine owns.
func Partitions(e *Engine) []int {
	var ids []int
	for _, p := range e.owned() {
		ids = append(ids, p.id)
	}
	return ids
}

// EntitiesInMemory counts the entities in the memory of the engine's partitions.
func EntitiesInMemory(e *Engine) int {
	n := 0
	for _, p := range e.owned() {
		counted := make(chan int, 1)
		p.mail.put(func() { counted <- len(p.entities) })
		n += <-counted
	}
	return n
}
