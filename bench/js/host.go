package js

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/durango-functions/durango/bench/redisserver"
)

// durangoHost is the host under measurement.
type durangoHost struct {
	url    string
	log    string
	cmd    *exec.Cmd
	client *http.Client
}

var printedURL = regexp.MustCompile(`http://[A-Za-z0-9.\[\]:-]+:\d+`)

func startHost(ctx context.Context, p *plan, app, redisURL, log string) (*durangoHost, error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	h := &durangoHost{log: log, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: p.inFlight}}}
	h.cmd = exec.Command(p.durango, "start", "--root", app, "--port", "0", "--redis", redisURL, "--log-level", "warn")
	h.cmd.Stdout, h.cmd.Stderr = file, file
	if err := h.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the host: %w", err)
	}
	err = redisserver.Poll(ctx, 30*time.Second, func() error {
		if h.url = printedURL.FindString(h.lastLog()); h.url == "" {
			return errors.New("no URL in its output")
		}
		resp, err := h.client.Get(h.url + "/admin/host/status")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var status struct{ State string }
		if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
			return err
		}
		if status.State != "Running" {
			return errors.New("it is " + status.State)
		}
		return nil
	})
	if err != nil {
		text := h.lastLog()
		h.stop()
		return nil, fmt.Errorf("waiting for the host: %w\n%s", err, text)
	}
	return h, nil
}

func (h *durangoHost) stop() {
	_ = h.cmd.Process.Signal(syscall.SIGTERM)
	_ = h.cmd.Wait()
}

func (h *durangoHost) lastLog() string {
	data, err := os.ReadFile(h.log)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-4000):])
}

// cpu is the processor time that the host itself has used, and that of its worker processes.
func (h *durangoHost) cpu() (host, workers time.Duration, err error) {
	if host, _, err = processCPU(h.cmd.Process.Pid); err != nil {
		return 0, 0, fmt.Errorf("reading the host's processor time (Linux only): %w", err)
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, 0, err
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		used, parent, err := processCPU(pid)
		if err == nil && parent == h.cmd.Process.Pid { // one that cannot be read has ended
			workers += used
		}
	}
	return host, workers, nil
}

// processCPU reads a process's processor time and its parent.
func processCPU(pid int) (used time.Duration, parent int, err error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0, err
	}
	const ppid, utime, stime, tick = 1, 11, 12, 10 * time.Millisecond // after the name in brackets
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	for _, i := range []int{utime, stime} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, 0, err
		}
		used += time.Duration(n) * tick
	}
	parent, err = strconv.Atoi(fields[ppid])
	return used, parent, err
}

// runMany runs an orchestrator count times, that many at once, and returns how long each took, from the request that starts it to the
// answer with its output.
func (h *durangoHost) runMany(ctx context.Context, count, inFlight int, orchestrator string, input any) ([]time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	times := make([]time.Duration, count)
	next := make(chan int)
	var wg sync.WaitGroup
	for range inFlight {
		wg.Go(func() {
			for i := range next {
				began := time.Now()
				if _, err := h.runOne(ctx, orchestrator, input); err != nil {
					cancel(err)
				}
				times[i] = time.Since(began)
			}
		})
	}
	for i := range count {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return times, context.Cause(ctx)
}

// runOne runs an orchestrator and returns its output.
func (h *durangoHost) runOne(ctx context.Context, orchestrator string, input any) (json.RawMessage, error) {
	body, err := json.Marshal(input)
	if err != nil {
		return nil, err
	}
	url := h.url + "/runtime/webhooks/durabletask/orchestrators/" + orchestrator + "?timeout=120&pollingInterval=1"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK || bytes.HasPrefix(text, []byte("{")) {
		return nil, fmt.Errorf("%s has not completed: %s: %s", orchestrator, resp.Status, text)
	}
	return text, nil
}
