package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/durango-functions/durango/worker"
)

const (
	sendQueue  = 256
	bufferSize = 64 << 10
	// lingering is how long the output of a process is read after its end, in case a child of it has kept the other end of the pipe.
	lingering = 250 * time.Millisecond
)

// process is one node process and what runs in it. Its goroutines end with it; wait is the last of them.
type process struct {
	cfg    *Config
	cmd    *exec.Cmd
	stdin  *os.File // frames to the process
	stdout *os.File // frames from the process
	send   chan *frame
	tail   tail
	script string

	ready  chan struct{} // closed when the process has said that it is ready
	dying  chan struct{} // closed when nothing can be sent any more
	exited chan struct{} // closed when all is over; crash is set before

	loadOrder sync.Mutex // held while a load is noted and sent, so that loading has the order of sending

	mu        sync.Mutex
	version   string
	nextID    uint64
	calls     map[uint64]*call
	kept      map[uint64]*keptHistory // by generation
	abandoned map[uint64]string       // functions of invocations whose callers have gone
	loads     map[int]*load
	loading   []*load // sent and not answered, in the order of sending
	loadTimer *time.Timer
	endTimer  *time.Timer
	draining  bool
	idle      chan struct{} // closed when draining and no call is left
	reason    string        // why we have ended it ourselves
	entry     entryState
	crash     *worker.CrashError
}

// call is an invocation that runs in a process.
type call struct {
	function string
	episode  *worker.Episode // nil: it is none
	answer   chan answer     // takes one
}

type answer struct {
	result *worker.Result
	err    error
	kept   bool     // the process has kept the episode's history
	gone   []uint64 // generations of histories that it has dropped
}

// load is the loading of a function in a process.
type load struct {
	fn   *loaded
	done chan struct{} // closed when err is final
	err  error         // nil, *worker.LoadError, or *worker.CrashError when the process ended first
}

// errNotSent tells that an invocation was not given to the process, which is about to go: another one can have it.
var errNotSent = errors.New("node process takes no more invocations")

// startProcess starts a process. It is not ready yet.
func startProcess(cfg *Config, node string) (p *process, err error) {
	script, err := writeBundle()
	if err != nil {
		return nil, err
	}
	var files []*os.File
	defer func() {
		if err != nil {
			os.Remove(script)
			for _, f := range files {
				f.Close()
			}
		}
	}()
	for range 4 {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("making a pipe to node: %w", err)
		}
		files = append(files, r, w)
	}
	const toRead, toWrite, fromRead, fromWrite, outRead, outWrite, errRead, errWrite = 0, 1, 2, 3, 4, 5, 6, 7
	cmd := exec.Command(node, append(append([]string(nil), cfg.NodeArgs...), script)...)
	cmd.Dir = cfg.Root
	cmd.Env = cfg.environment()
	cmd.Stdout, cmd.Stderr = files[outWrite], files[errWrite]
	cmd.ExtraFiles = []*os.File{files[toRead], files[fromWrite]} // 3 and 4
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting node: %w", err)
	}
	for _, i := range []int{toRead, fromWrite, outWrite, errWrite} {
		files[i].Close()
	}
	p = &process{
		cfg: cfg, cmd: cmd, stdin: files[toWrite], stdout: files[fromRead], script: script,
		send:  make(chan *frame, sendQueue),
		ready: make(chan struct{}), dying: make(chan struct{}), exited: make(chan struct{}), idle: make(chan struct{}),
		calls: map[uint64]*call{}, kept: map[uint64]*keptHistory{}, abandoned: map[uint64]string{}, loads: map[int]*load{},
		entry: entryState{done: make(chan struct{})},
	}
	p.run(files[outRead], files[errRead])
	return p, nil
}

// run starts the goroutines of the process.
func (p *process) run(stdout, stderr *os.File) {
	var readers, writer sync.WaitGroup
	writer.Go(p.write)
	readers.Go(p.read)
	readers.Go(func() {
		readLines(stdout, func(line string) { p.cfg.OnLog(consoleRecord(line, false)) })
	})
	readers.Go(func() {
		readLines(stderr, func(line string) {
			p.tail.add(line)
			p.cfg.OnLog(consoleRecord(line, true))
		})
	})
	go p.wait(&readers, &writer, stdout, stderr)
}

// wait waits for the end of the process and of its other goroutines, and then fails what ran in it.
func (p *process) wait(readers, writer *sync.WaitGroup, stdout, stderr *os.File) {
	state, err := p.cmd.Process.Wait()
	p.killGroup() // children of the app's code
	close(p.dying)
	p.stdin.Close()
	deadline := time.Now().Add(lingering)
	for _, f := range []*os.File{p.stdout, stdout, stderr} {
		f.SetReadDeadline(deadline) //nolint:errcheck // a pipe has deadlines
	}
	readers.Wait()
	writer.Wait()
	for _, f := range []*os.File{p.stdout, stdout, stderr} {
		f.Close()
	}
	os.Remove(p.script)
	p.finish(state, err)
	close(p.exited)
}

// write is the goroutine that sends frames.
func (p *process) write() {
	w := bufio.NewWriterSize(p.stdin, bufferSize)
	for {
		select {
		case f := <-p.send:
			err := f.write(w)
			if err == nil && len(p.send) == 0 {
				err = w.Flush()
			}
			if err != nil {
				return // the process is going; what waits hears of it from finish
			}
		case <-p.dying:
			return
		}
	}
}

// read is the goroutine that receives frames.
func (p *process) read() {
	r := bufio.NewReaderSize(p.stdout, bufferSize)
	for {
		f, err := readFrame(r)
		if err == nil {
			err = p.receive(f)
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
			p.kill(fmt.Sprintf("protocol error: %v (does the app write to file descriptor 4?)", err))
		} else {
			p.expectEnd()
		}
		return
	}
}

func (p *process) receive(f *frame) error {
	switch f.typ {
	case frameReady:
		var h readyHeader
		if err := f.decode(&h); err != nil {
			return err
		}
		return p.becomeReady(h)
	case frameLoaded:
		var h loadedHeader
		if err := f.decode(&h); err != nil {
			return err
		}
		return p.finishLoad(h, f)
	case frameResult:
		h, result, err := decodeResult(f)
		if err != nil {
			return err
		}
		p.finishCall(h.ID, answer{result: result, kept: h.Kept, gone: h.Gone})
	case frameMissing:
		var h missingHeader
		if err := f.decode(&h); err != nil {
			return err
		}
		p.finishCall(h.ID, answer{err: errForgotten})
	case frameFailure:
		var h failureHeader
		if err := f.decode(&h); err != nil {
			return err
		}
		message, stack := f.texts()
		p.finishCall(h.ID, answer{err: &worker.FunctionError{Message: message, Stack: stack, Began: h.Began}})
	case frameLog:
		return p.log(f)
	case frameEntry, frameIndexed:
		return p.entry.receive(f)
	default:
		return fmt.Errorf("frame of unknown type %d", f.typ)
	}
	return nil
}

func (p *process) log(f *frame) error {
	var h logHeader
	if err := f.decode(&h); err != nil {
		return err
	}
	if h.Level < 0 || h.Level >= len(logLevels) {
		return fmt.Errorf("log of unknown level %d", h.Level)
	}
	message, _ := f.texts()
	category := systemCategory
	if h.Function != "" {
		category = "Function." + h.Function
		if !h.System {
			category += ".User"
		}
	}
	p.cfg.OnLog(worker.LogRecord{
		Time: time.Now(), Level: logLevels[h.Level], Message: message, Category: category,
		Function: h.Function, InvocationID: h.InvocationID,
	})
	return nil
}

func (p *process) becomeReady(h readyHeader) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.version != "" {
		return errors.New("ready twice")
	}
	p.version = h.Version
	os.Remove(p.script) // node has read it
	close(p.ready)
	return nil
}

// post queues a frame. It returns ctx's error, or errNotSent when the process takes nothing any more.
func (p *process) post(ctx context.Context, f *frame) error {
	select {
	case p.send <- f:
		return nil
	case <-p.dying:
		return errNotSent
	case <-ctx.Done():
		return ctx.Err()
	}
}

// expectEnd is called when the process cannot answer any more. As a rule it is about to end by itself, with an exit code worth knowing.
func (p *process) expectEnd() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endTimer = time.AfterFunc(p.cfg.ExitGrace, func() { p.kill("it closed its connection to the host") })
}

// kill ends the process at once. The first reason given is the one that is reported.
func (p *process) kill(reason string) {
	p.mu.Lock()
	if p.reason == "" {
		p.reason = reason
	}
	p.mu.Unlock()
	select {
	case <-p.dying: // its number may be another's by now
	default:
		p.killGroup()
	}
}

func (p *process) killGroup() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) //nolint:errcheck // it may be gone
}

// terminate has the process end itself, kills it if it does not within cfg.ExitGrace, and returns when all is over.
func (p *process) terminate(reason string) {
	p.mu.Lock()
	if p.reason == "" {
		p.reason = reason
	}
	p.mu.Unlock()
	p.stdin.Close() // the worker script exits at the end of its input
	grace := time.NewTimer(p.exitGrace())
	defer grace.Stop()
	select {
	case <-p.exited:
	case <-grace.C:
		p.kill("")
		<-p.exited
	}
}
