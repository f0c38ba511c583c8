// Package child runs a helper process that ends with this one.
package child

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Process is a running child process. The goroutine that started it waits for it and ends with it.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Start starts cmd in a process group of its own, so that a Ctrl-C in the terminal does not reach it. When this process ends in any
// way, the child gets the signal last; where the system cannot do that (all but Linux), the child lives on.
func Start(cmd *exec.Cmd, last syscall.Signal) (*Process, error) {
	cmd.SysProcAttr = attributes(last)
	if cmd.WaitDelay == 0 {
		cmd.WaitDelay = time.Second // a grandchild, such as one that rewrites a file, must not keep us waiting for the end of its output
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// run starts and awaits the process on one OS thread: Linux sends the parent-death signal when the thread ends that forked, which
// may be long before the process ends, so that thread is kept for as long as the child lives.
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	err := p.cmd.Start()
	started <- err
	if err == nil {
		p.err = p.cmd.Wait()
	}
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal; one that comes too late is no error.
func (p *Process) Signal(s os.Signal) { _ = p.cmd.Process.Signal(s) }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err tells how the process ended, nil for exit code 0. It is meaningful once Done is closed.
func (p *Process) Err() error { return p.err }

// Kill ends the process at once and waits until it has ended.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.done
}
