package host

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// inheritance names the environment variable in which a supervisor tells its host what it has opened for it.
const inheritance = "DURANGO_SUPERVISOR"

// The words of the pipes between a supervisor and its host, one a line.
const (
	// WordReady: the host runs, and serves the port.
	WordReady = "ready"
	// WordLeft: the host has given its partitions away.
	WordLeft = "left"
	// WordRetire asks the host to finish what it has begun, and to end.
	WordRetire = "retire"
	// WordLook asks the host to look for free partitions.
	WordLook = "look"
)

// legacy is what the variable holds, as JSON. The numbers are file descriptors.
type legacy struct {
	Listeners []int         `json:"listeners"`
	Reports   int           `json:"reports"` // the host writes
	Orders    int           `json:"orders"`  // the host reads; it ends with the supervisor
	Redis     *redisAddress `json:"redis,omitempty"`
}

// redisAddress tells how to connect to an embedded Redis.
type redisAddress struct {
	Network  string `json:"network"`
	Address  string `json:"address"`
	Password string `json:"password,omitempty"`
}

func (a *redisAddress) options() *redis.Options {
	return &redis.Options{
		Network: a.Network, Addr: a.Address, Password: a.Password, ContextTimeoutEnabled: true, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// Inherited is what a host has from its supervisor: the open port, perhaps a Redis, and pipes for orders and reports.
type Inherited struct {
	open            []net.Listener
	redis           *redisAddress
	reports, orders *os.File
}

// IsSupervised reports whether a supervisor has started this process, by its environment.
func IsSupervised(environ []string) bool {
	_, _, found := takeVariable(environ)
	return found
}

// takeVariable returns the value of the variable, and the environment without it.
func takeVariable(environ []string) (value string, rest []string, found bool) {
	rest = make([]string, 0, len(environ))
	for _, e := range environ {
		if v, ok := strings.CutPrefix(e, inheritance+"="); ok {
			value, found = v, true
			continue
		}
		rest = append(rest, e)
	}
	return value, rest, found
}

// Inherit takes what the supervisor of this process has opened for it, nil when it has no supervisor. It returns the environment without
// that, since it is not for the processes that the host starts. It may be called once in a process.
func Inherit(environ []string) (*Inherited, []string, error) {
	value, rest, found := takeVariable(environ)
	if !found {
		return nil, environ, nil
	}
	if err := os.Unsetenv(inheritance); err != nil {
		return nil, nil, fmt.Errorf("clearing %s: %w", inheritance, err)
	}
	var l legacy
	if err := json.Unmarshal([]byte(value), &l); err != nil || len(l.Listeners) == 0 {
		return nil, nil, fmt.Errorf("the environment variable %s is not what durango start sets: clear it", inheritance)
	}
	in := &Inherited{redis: l.Redis}
	for _, fd := range l.Listeners {
		file := os.NewFile(uintptr(fd), "port")
		listener, err := net.FileListener(file) // a copy, which processes started from here do not get
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("taking over the port from the supervisor: %w", err), in.Close())
		}
		in.open = append(in.open, listener)
	}
	for fd, file := range map[int]**os.File{l.Reports: &in.reports, l.Orders: &in.orders} {
		syscall.CloseOnExec(fd)
		if err := syscall.SetNonblock(fd, true); err != nil { // so that Close ends a Read
			return nil, nil, errors.Join(fmt.Errorf("taking over a pipe from the supervisor: %w", err), in.Close())
		}
		*file = os.NewFile(uintptr(fd), "supervisor")
	}
	return in, rest, nil
}

// listeners are those of the host's port, and of ::1 if there is one.
func (in *Inherited) listeners() (port, alsoIPv6 net.Listener) {
	port = in.open[0]
	if len(in.open) > 1 {
		alsoIPv6 = in.open[1]
	}
	return port, alsoIPv6
}

// Report tells the supervisor a word. One that has ended need not know.
func (in *Inherited) Report(word string) { _, _ = io.WriteString(in.reports, word+"\n") }

// Orders calls on with each word from the supervisor; it returns when the supervisor has ended, or after Close.
func (in *Inherited) Orders(on func(word string)) {
	lines := bufio.NewScanner(in.orders)
	for lines.Scan() {
		on(lines.Text())
	}
}

// Close closes the pipes, and the port as far as no host has closed it.
func (in *Inherited) Close() error {
	for _, l := range in.open {
		_ = l.Close() // the host has closed it, mostly
	}
	var errs []error
	for _, f := range []*os.File{in.reports, in.orders} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// Retire ends a host whose place another one has taken: it gives its partitions away at once and calls left, then stops when all that it has
// begun has finished. When ctx ends, what still runs is cut off.
func (h *Host) Retire(ctx context.Context, left func()) error {
	h.intake.leaveToOthers.Store(true)
	h.durable.handOver.Go(func() {
		if err := h.durable.engine.HandOver(ctx); err != nil {
			h.logger.Debug("giving the partitions away", "error", err)
			return
		}
		left()
	})
	return h.Stop(ctx)
}

// LookForPartitions makes a running host look for partitions that it may take, as it does by itself from time to time.
func (h *Host) LookForPartitions() {
	if h.currentState() == stateRunning {
		h.durable.engine.Look()
	}
}
