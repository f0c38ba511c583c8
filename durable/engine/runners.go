package engine

// runEpisode runs f on a goroutine that has run an episode before, if one rests: its stack has grown to what it needs.
func (e *Engine) runEpisode(f func()) {
	select {
	case e.runners <- f:
		return
	default:
	}
	e.wg.Go(func() {
		for f != nil {
			f()
			f = e.nextEpisode()
		}
	})
}

// nextEpisode waits for the next episode. It returns nil when there are enough who wait, or the engine ends.
func (e *Engine) nextEpisode() (f func()) {
	defer e.resting.Add(-1)
	if int(e.resting.Add(1)) > e.cfg.MaxOrchestrators {
		return nil
	}
	select {
	case f = <-e.runners:
	case <-e.ctx.Done():
	}
	return f
}
