package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// maxEntryCrashes is the number of processes that the entry files may end while they are loaded. One end can be an accident.
const maxEntryCrashes = 2

type indexHeader struct {
	Files []string `json:"files"`
}

type enteringHeader struct {
	File string `json:"file"`
}

type indexedHeader struct {
	Functions []struct {
		Name   string          `json:"name"`
		Source string          `json:"source"`
		Script string          `json:"script"`
		Config json.RawMessage `json:"config"`
	} `json:"functions"`
	Errors []struct {
		File    string `json:"file"`
		Message string `json:"message"`
		Stack   string `json:"stack"`
	} `json:"errors"`
	HTTPURI    string `json:"httpUri"`
	Terminates bool   `json:"terminates"`
}

// entryState is what a process has told of the app's entry files.
type entryState struct {
	done chan struct{} // closed when index is set

	mu         sync.Mutex
	file       string // that is being loaded
	index      *worker.Index
	httpURI    string // where the process takes streamed HTTP requests; "" for none
	terminates bool   // there are appTerminate hooks
}

func (e *entryState) receive(f *frame) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f.typ == frameEntry {
		var h enteringHeader
		err := f.decode(&h)
		e.file = h.File
		return err
	}
	var h indexedHeader
	if err := f.decode(&h); err != nil {
		return err
	}
	if e.index != nil {
		return errors.New("the entry files were loaded twice")
	}
	e.index, e.httpURI, e.terminates = &worker.Index{}, h.HTTPURI, h.Terminates
	for _, fn := range h.Functions {
		e.index.Functions = append(e.index.Functions, functions.Registered{
			Name: fn.Name, Source: filepath.ToSlash(fn.Source), Script: fn.Script, Config: fn.Config, Stream: h.HTTPURI != "",
		})
	}
	for _, err := range h.Errors {
		e.index.Errors = append(e.index.Errors, worker.EntryError{File: err.File, Message: err.Message, Stack: err.Stack})
	}
	close(e.done)
	return nil
}

// loading returns the entry file that is being loaded, "" for none.
func (e *entryState) loading() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.index != nil {
		return ""
	}
	return e.file
}

// exitGrace is how long the process may take for its end.
func (p *process) exitGrace() time.Duration {
	p.entry.mu.Lock()
	defer p.entry.mu.Unlock()
	if p.entry.terminates {
		return max(p.cfg.ExitGrace, p.cfg.HookGrace)
	}
	return p.cfg.ExitGrace
}

// Index returns what the entry files of the app have registered, once Start has returned; it is empty for an app without any.
func (c *Channel) Index() *worker.Index {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.index == nil {
		return &worker.Index{}
	}
	return c.index
}

// loadEntry has a process load the entry files. What goes wrong in them is in the index; the error is the process's end or ctx's.
func (s *slot) loadEntry(ctx context.Context, p *process) error {
	cfg := &s.ch.cfg
	if len(cfg.Entry) == 0 || s.ch.entryBlamed() {
		return nil
	}
	f, err := newFrame(frameIndex, indexHeader{Files: cfg.Entry})
	if err != nil {
		return err
	}
	if err := p.post(ctx, f); err != nil && !errors.Is(err, errNotSent) {
		return err
	}
	if !cfg.debugged() {
		limit := time.AfterFunc(cfg.LoadTimeout, func() {
			p.kill(fmt.Sprintf("it took longer than %v to load the app's entry files", cfg.LoadTimeout))
		})
		defer limit.Stop()
	}
	select {
	case <-p.entry.done:
		s.ch.mu.Lock()
		defer s.ch.mu.Unlock()
		s.ch.crashes = 0
		if s.ch.index == nil {
			s.ch.index = p.entry.index
		}
		return nil
	case <-p.exited:
		return p.crash
	case <-s.ch.stopping:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// blameEntry takes note of a process that ended while it loaded the entry files. After some such ends the app goes on without them, so that its
// function folders can run. It reports whether another start is worth while at once.
func (s *slot) blameEntry(p *process) bool {
	<-p.exited
	if s.ch.isStopping() || s.ch.hard.Err() != nil {
		return false
	}
	s.ch.mu.Lock()
	defer s.ch.mu.Unlock()
	if s.ch.crashes++; s.ch.crashes >= maxEntryCrashes && s.ch.index == nil {
		e := worker.EntryError{File: p.entry.loading(), Message: "the worker process ended while it loaded the file: " + p.crash.Reason}
		if e.File == "" {
			e.Message = "the worker process ended while its appStart hooks ran: " + p.crash.Reason
		}
		s.ch.index = &worker.Index{Errors: []worker.EntryError{e}}
	}
	return s.ch.crashes <= maxEntryCrashes
}

// entryBlamed reports whether the entry files end the processes that load them.
func (c *Channel) entryBlamed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.crashes >= maxEntryCrashes
}
