package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// options say how to start a host.
type options struct {
	// Program is the command to start; "" is durango.
	Program string
	// Root is the app's folder.
	Root string
	// Redis is the address of the task hub, "" for the embedded one.
	Redis string
	// Env is added to the environment, as NAME=value.
	Env []string
	// Args are further arguments of durango start.
	Args []string
	// Dir is the folder that the functions of testdata/scenarios see as E2E_DIR; "" makes one.
	Dir string
}

// host is a running durango start.
type host struct {
	t   testing.TB
	URL string
	Dir string
	// Ready is how long the host took from its start to answering that it runs.
	Ready time.Duration
	log   *log
	cmd   *exec.Cmd
	// exited is closed when the process has ended; err is then its outcome.
	exited chan struct{}
	err    error
}

var printedURL = regexp.MustCompile(`http://[A-Za-z0-9.\[\]:-]+:\d+`)

// startHost starts a host and returns when it answers that it runs. The host is killed at the end of the test.
func startHost(t testing.TB, o options) *host {
	t.Helper()
	return startHostWith(t, o, func(h *host) bool {
		state, err := h.state()
		return err == nil && state == "Running"
	})
}

// startHostWith is startHost with another way to tell that the host is ready.
func startHostWith(t testing.TB, o options, ready func(h *host) bool) *host {
	t.Helper()
	began := time.Now()
	h := launch(t, o)
	eventually(t, "the host's URL in its output", func() (bool, any) {
		h.mustLive()
		h.URL = printedURL.FindString(h.log.String())
		return h.URL != "", h.log.String()
	})
	eventually(t, "a running host", func() (bool, any) {
		h.mustLive()
		return ready(h), h.log.String()
	})
	h.Ready = time.Since(began)
	return h
}

// in is the host for a subtest: its failures are the subtest's.
func (h *host) in(t testing.TB) *host {
	local := *h
	local.t = t
	return &local
}

// launch starts a host without waiting for anything.
func launch(t testing.TB, o options) *host {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	args := []string{"start", "--root", o.Root, "--port", "0"}
	if o.Redis != "" {
		args = append(args, "--redis", o.Redis)
	}
	h := &host{t: t, Dir: o.Dir, log: &log{}, exited: make(chan struct{})}
	h.cmd = exec.Command(cmp.Or(o.Program, durango), append(args, o.Args...)...)
	// Temporary files of a host that is killed go with those of the test run.
	h.cmd.Env = append(environment(), "E2E_DIR="+o.Dir, "TMPDIR="+filepath.Dir(durango))
	h.cmd.Env = append(h.cmd.Env, o.Env...)
	h.cmd.Stdout, h.cmd.Stderr = h.log, h.log
	// A group of its own, so that whatever a killed host leaves behind can be ended with the test.
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	h.cmd.WaitDelay = 5 * time.Second
	require.NoError(t, h.cmd.Start())
	go func() {
		h.err = h.cmd.Wait()
		close(h.exited)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-h.cmd.Process.Pid, syscall.SIGKILL)
		<-h.exited
		if strings.Contains(h.log.String(), "WARNING: DATA RACE") {
			t.Error("the race detector has found something in the host")
		}
		if t.Failed() {
			t.Logf("log of the host at %s:\n%s", h.URL, tail(h.log.String(), 20000))
		}
	})
	return h
}

// environment is ours without what would change the host's mind.
func environment() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "DURANGO_") && !strings.HasPrefix(e, "AzureFunctionsJobHost__") && !strings.HasPrefix(e, "WEBSITE_") {
			env = append(env, e)
		}
	}
	return env
}

func tail(s string, n int) string {
	if len(s) > n {
		return "[...]" + s[len(s)-n:]
	}
	return s
}

func (h *host) mustLive() {
	h.t.Helper()
	select {
	case <-h.exited:
		require.FailNow(h.t, "the host has ended: "+errText(h.err), h.log.String())
	default:
	}
}

func errText(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// state asks the admin API for the host's state.
func (h *host) state() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+"/admin/host/status", nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var status struct {
		State string `json:"state"`
	}
	err = json.NewDecoder(resp.Body).Decode(&status)
	return status.State, err
}

// appURL is the host's address as functions know it: WEBSITE_HOSTNAME is localhost and the port.
func (h *host) appURL() string {
	return "http://localhost" + h.URL[strings.LastIndexByte(h.URL, ':'):]
}

// kill is kill -9 of the host alone; its children are left to find out.
func (h *host) kill() {
	h.t.Helper()
	require.NoError(h.t, h.cmd.Process.Kill())
	<-h.exited
}

// stop sends SIGTERM and returns how long the host took to end; it must end well, and within 10 s.
func (h *host) stop() time.Duration {
	h.t.Helper()
	began := time.Now()
	require.NoError(h.t, h.cmd.Process.Signal(syscall.SIGTERM))
	h.waitExit(15 * time.Second)
	took := time.Since(began)
	require.NoError(h.t, h.err, "the host must end well after SIGTERM")
	require.Less(h.t, took, 10*time.Second, "the host must end within 10 s of SIGTERM")
	return took
}

func (h *host) waitExit(limit time.Duration) {
	h.t.Helper()
	select {
	case <-h.exited:
	case <-time.After(limit):
		require.FailNow(h.t, "the host has not ended after "+limit.String(), h.log.String())
	}
}

// logged waits for a text in the host's output.
func (h *host) logged(text string) {
	h.t.Helper()
	eventually(h.t, "the text '"+text+"' in the host's output", func() (bool, any) {
		return strings.Contains(h.log.String(), text), tail(h.log.String(), 4000)
	})
}

// openGate lets the activity Gate with this name, or the function Slow, go on.
func (h *host) openGate(name string) { write(h.t, "", h.Dir, name) }
