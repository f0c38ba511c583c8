package node

import (
	"bytes"
	"errors"

	"github.com/durango-functions/durango/worker"
)

// A process keeps the histories of the orchestrations that it runs, parsed, and gets only what has been added since. Each side knows what it
// needs to know: the process answers with frameMissing when it has dropped what it was thought to have.

// errForgotten tells that a process has not kept the history that an invocation relied on.
var errForgotten = errors.New("the node process has not kept the history")

// keptHistory is what a process has of an execution. It is not changed.
type keptHistory struct {
	events int    // how many events of the history
	rest   []byte // of the trigger's value
}

// episodeValue is the part of an inputValue that an episode has. Numbers of attachments are -1 for those that are not there.
type episodeValue struct {
	generation uint64
	have       int // number of events that the process is to have, -1: this is the whole history
	past       int // attachment: the events that follow these, as a JSON array
	fresh      int // attachment: the events that are new in the episode, as a JSON array
	input      int // attachment: the input; sent with the whole history
}

// episodeOf returns the episode that an invocation is, nil for any other one.
func episodeOf(inv *worker.Invocation) *worker.Episode {
	if len(inv.Inputs) == 0 || inv.Inputs[0].Value.Kind != worker.Orchestration {
		return nil
	}
	return inv.Inputs[0].Value.Episode
}

// encodeEpisode makes the value of an orchestrationTrigger for a process that has kept what kept says.
func encodeEpisode(e *worker.Episode, kept *keptHistory, attachments [][]byte) (*inputValue, [][]byte) {
	attach := func(data []byte) int {
		attachments = append(attachments, data)
		return len(attachments) - 1
	}
	v := &inputValue{Kind: kindEpisode, Attachment: -1, episode: &episodeValue{generation: e.Generation, have: -1, past: -1, fresh: -1, input: -1}}
	past := e.Past
	if kept != nil && kept.events <= len(past) {
		v.episode.have = kept.events
		past = past[kept.events:]
	} else if kept = nil; e.Input != nil {
		v.episode.input = attach(e.Input)
	}
	if kept == nil || !bytes.Equal(kept.rest, e.Rest) {
		v.Attachment = attach(e.Rest)
	}
	if len(past) > 0 {
		v.episode.past = attach(joinArray(past))
	}
	if len(e.New) > 0 {
		v.episode.fresh = attach(joinArray(e.New))
	}
	return v, attachments
}

// joinArray makes a JSON array.
func joinArray(values [][]byte) []byte {
	n := 1 + len(values)
	for _, v := range values {
		n += len(v)
	}
	array := append(make([]byte, 0, n), '[')
	for i, v := range values {
		if i > 0 {
			array = append(array, ',')
		}
		array = append(array, v...)
	}
	return append(array, ']')
}

// noteKept notes after an episode whether the process has kept its history. p.mu is held.
func (p *process) noteKept(e *worker.Episode, isKept bool) {
	if !isKept {
		delete(p.kept, e.Generation)
		return
	}
	p.kept[e.Generation] = &keptHistory{events: len(e.Past), rest: e.Rest}
}

// keeps reports whether the process has kept the history.
func (p *process) keeps(generation uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept[generation] != nil
}
