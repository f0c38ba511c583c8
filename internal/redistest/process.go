package redistest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/internal/redisserver/child"
)

// startTimeout is how long a redis-server may take to answer; the machine may be busy with other tests.
const startTimeout = 20 * time.Second

var errPortTaken = errors.New("another redis-server got the port first")

// process is a running redis-server on a port of the loopback address.
type process struct {
	*child.Process
	port int
	out  *output
}

// startProcess starts a redis-server on a free port. Another process may take the port before redis-server does, so it tries again.
func startProcess(dir string, args ...string) (*process, error) {
	var failures []error
	for range 5 {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		p, err := startProcessOn(port, dir, args...)
		if err == nil {
			return p, nil
		}
		failures = append(failures, err)
		if !errors.Is(err, errPortTaken) && !strings.Contains(err.Error(), "in use") {
			break
		}
	}
	return nil, errors.Join(failures...)
}

func startProcessOn(port int, dir string, args ...string) (*process, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("these tests need redis-server: apt-get install redis-server: %w", err)
	}
	if dir == "" {
		dir = os.TempDir() // a server that persists nothing writes nothing there
	}
	p := &process{port: port, out: &output{}}
	cmd := exec.Command(path, append([]string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--loglevel", "warning"}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, p.out, p.out
	if p.Process, err = child.Start(cmd, syscall.SIGKILL); err != nil {
		return nil, fmt.Errorf("starting redis-server: %w", err)
	}
	if err := p.awaitReady(); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// awaitReady waits until the server answers, and makes sure that it is this one and no other that got the port first.
func (p *process) awaitReady() error {
	client := redis.NewClient(p.options())
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		info, err := p.info(ctx, client)
		switch {
		case err == nil && !strings.Contains(info, fmt.Sprintf("process_id:%d\r\n", p.PID())):
			return fmt.Errorf("port %d: %w", p.port, errPortTaken)
		case err == nil && strings.Contains(info, "\r\nloading:0\r\n"):
			return nil
		}
		select {
		case <-p.Done():
			return fmt.Errorf("redis-server on port %d ended: %w\n%s", p.port, p.Err(), p.out)
		case <-ctx.Done():
			return fmt.Errorf("redis-server on port %d does not answer after %s: %w\n%s", p.port, startTimeout, err, p.out)
		case <-tick.C:
		}
	}
}

// info asks the server who it is, once its port is open: go-redis would log each refused connection.
func (p *process) info(ctx context.Context, client *redis.Client) (string, error) {
	conn, err := net.Dial("tcp", address(p.port))
	if err != nil {
		return "", err
	}
	_ = conn.Close()
	return client.Info(ctx, "server", "persistence").Result()
}

func (p *process) options() *redis.Options { return optionsFor(address(p.port)) }

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// output keeps what a server logs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
