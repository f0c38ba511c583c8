package devloop

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/durango-functions/durango/internal/redisserver/child"
)

// generation is a process that runs the app's program.
type generation struct {
	program *program
	process *child.Process
	orders  *os.File
	began   time.Time
	stderr  tail

	// What follows is the loop's.
	ready   bool
	retired bool
	left    bool // it has given its partitions away
}

// event is what happens to a generation: one of the host's words, or "" for its end.
type event struct {
	of   *generation
	word string
}

// launch starts the program on what the supervisor holds open. What happens to it goes to events, its end last.
func (l *loop) launch(p *program) (*generation, error) {
	g := &generation{program: p, began: time.Now(), stderr: tail{out: l.cfg.Stderr}}
	reports, reportsEnd, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe for the app's program: %w", err)
	}
	ordersEnd, orders, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making a pipe for the app's program: %w", err), reports.Close(), reportsEnd.Close())
	}
	defer reportsEnd.Close()
	defer ordersEnd.Close()
	g.orders = orders
	files, variable, err := l.base.Bequest(reportsEnd, ordersEnd)
	if err == nil {
		cmd := exec.Command(p.path, l.cfg.Args...)
		cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = l.cfg.Stdout, &g.stderr, files
		cmd.Env = append(l.cfg.Environ[:len(l.cfg.Environ):len(l.cfg.Environ)], variable)
		g.process, err = child.Start(cmd, syscall.SIGTERM)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the app's program: %w", err), reports.Close(), orders.Close())
	}
	go func() { // ends after its process; the loop takes events until all have ended
		var reading sync.WaitGroup
		reading.Go(func() {
			for lines := bufio.NewScanner(reports); lines.Scan(); {
				l.events <- event{g, lines.Text()}
			}
		})
		<-g.process.Done()
		_ = reports.Close() // a process that the app has left behind may hold the other end
		reading.Wait()
		l.events <- event{g, ""}
	}()
	return g, nil
}

// order tells the process a word. One that has ended need not know.
func (g *generation) order(word string) { _, _ = io.WriteString(g.orders, word+"\n") }

// exitCode is that of the ended process; 1 when a signal has ended it, other than one that asks to stop: it may come before the program
// has begun to care.
func (g *generation) exitCode() int {
	err := g.process.Err()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return 0
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return 1
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && (status.Signal() == syscall.SIGTERM || status.Signal() == syscall.SIGINT) {
		return 0
	}
	return max(exit.ExitCode(), 1)
}

// reason tells why the process has ended.
func (g *generation) reason() string {
	text := cmp.Or(g.process.Err(), errors.New("exit status 0")).Error()
	if words := lastWords(g.stderr.last()); words != "" {
		text += ": " + words
	}
	return text
}

// tail passes a process's error output on, and keeps its end.
type tail struct {
	out io.Writer

	mu   sync.Mutex
	kept []byte
}

// maxTail is how many bytes are kept; a panic's first line comes before the stacks of all goroutines.
const maxTail = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.kept = append(t.kept, p...)
	if extra := len(t.kept) - maxTail; extra > 0 {
		t.kept = append([]byte(nil), t.kept[extra:]...)
	}
	t.mu.Unlock()
	return t.out.Write(p)
}

func (t *tail) last() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]byte(nil), t.kept...)
}
