package devloop

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/durango-functions/durango/host"
)

// start starts a program; it takes over when it says that it is ready.
func (l *loop) start(p *program) {
	l.restart.Stop()
	if l.next != nil { // it has been overtaken
		l.next.retired = true
		l.next.process.Signal(syscall.SIGTERM)
		l.next = nil
	}
	l.again = p
	g, err := l.launch(p)
	if err != nil {
		l.cfg.Logger.Error("the app's program cannot be started", "error", err)
		if l.current == nil {
			l.startLater(p)
		}
		return
	}
	l.next = g
	l.alive[g] = true
}

// startLater starts a program again after a growing delay.
func (l *loop) startLater(p *program) {
	l.again = p
	l.delay = min(max(2*l.delay, leastDelay), mostDelay)
	l.restart.Reset(l.delay)
}

// clean removes the programs that neither run nor may run again.
func (l *loop) clean() {
	needed := map[*program]bool{l.newest: true, l.again: true}
	for g := range l.alive {
		needed[g.program] = true
	}
	for p := range l.programs {
		if !needed[p] {
			p.remove()
			delete(l.programs, p)
		}
	}
}

// told takes a word of a generation.
func (l *loop) told(g *generation, word string) {
	switch {
	case word == host.WordReady && g == l.next:
		old := l.current
		l.current, l.next = g, nil
		l.served, g.ready = true, true
		if old != nil {
			old.retired = true
			old.order(host.WordRetire)
			l.cfg.Logger.Info(fmt.Sprintf("Swapped in %d ms", time.Since(l.builtAt).Milliseconds()))
		}
	case word == host.WordLeft:
		g.left = true
		l.partitionsFree()
	}
}

// partitionsFree lets the current generation take the partitions of one that has left at once.
func (l *loop) partitionsFree() {
	if l.current != nil {
		l.current.order(host.WordLook)
	}
}

// ended takes the end of a generation. over is true when it is the end of the app as well.
func (l *loop) ended(g *generation) (exitCode int, over bool) {
	delete(l.alive, g)
	_ = g.orders.Close()
	defer l.clean()
	switch g {
	case l.next:
		return l.endedAtStart(g)
	case l.current:
		l.current = nil
		if g.exitCode() == 0 { // nobody asked it to end but itself
			return 0, true
		}
		if time.Since(g.began) > ranWell {
			l.delay = 0
		}
		if l.next != nil {
			l.cfg.Logger.Error("The app has ended (" + g.reason() + "); its next build is starting")
			break
		}
		l.startLater(g.program)
		l.cfg.Logger.Error(fmt.Sprintf("The app has ended (%s); it is started again in %s", g.reason(), l.delay))
	default:
		if g.exitCode() != 0 && g.ready {
			l.cfg.Logger.Warn("the replaced build has not ended well", "error", g.reason())
		}
		if !g.left {
			l.partitionsFree()
		}
	}
	return 0, false
}

// exitUsage is the exit code of a program that does not understand its command line: trying again does not help.
const exitUsage = 2

// endedAtStart takes the end of a generation that was never ready.
func (l *loop) endedAtStart(g *generation) (exitCode int, over bool) {
	l.next = nil
	code := g.exitCode()
	switch {
	case l.current != nil:
		l.again = l.current.program
		l.cfg.Logger.Error("The new build has not started (" + g.reason() + "), and the app goes on as it was")
	case code == 0, code == exitUsage && !l.served && !strings.HasPrefix(lastWords(g.stderr.last()), "panic: "):
		return code, true
	default:
		l.startLater(g.program)
		l.cfg.Logger.Error(fmt.Sprintf("The app has not started (%s); it is started again in %s, or when its code or configuration changes", g.reason(), l.delay))
	}
	return 0, false
}

const (
	// sameSignal is how long after a signal another one counts as the same; the app's program does so, too.
	sameSignal = 500 * time.Millisecond
	// stopPatience is how long the programs may take to stop; they give themselves less.
	stopPatience = 12 * time.Second
	// forcedPatience is the same after a second signal.
	forcedPatience = time.Second
)

// stop passes a signal on to all programs, waits for their ends, and returns the highest of their exit codes.
func (l *loop) stop(s os.Signal) (exitCode int) {
	if l.cancelBuild != nil {
		l.cancelBuild()
		if o := <-l.built; o.program != nil {
			o.program.remove()
		}
	}
	forward := func(s os.Signal) {
		for g := range l.alive {
			g.process.Signal(s)
		}
	}
	forward(s)
	first, patience := time.Now(), time.NewTimer(stopPatience)
	defer patience.Stop()
	for len(l.alive) > 0 {
		select {
		case e := <-l.events:
			if e.word == "" {
				delete(l.alive, e.of)
				_ = e.of.orders.Close()
				exitCode = max(exitCode, e.of.exitCode())
			}
		case <-l.changes:
		case s := <-l.cfg.Signals:
			if time.Since(first) > sameSignal {
				forward(s)
				patience.Reset(forcedPatience)
			}
		case <-patience.C:
			forward(syscall.SIGKILL)
		}
	}
	l.newest, l.again = nil, nil
	l.clean()
	return exitCode
}

// stopWith ends what is left, after the app's program has ended by itself.
func (l *loop) stopWith(code int) int {
	l.stop(syscall.SIGTERM)
	return code
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}
