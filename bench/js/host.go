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

func startHost(ctx context.Context, p *plan, redisURL, log string) (*durangoHost, error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	h := &durangoHost{log: log, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: p.inFlight}}}
	h.cmd = exec.Command(p.durango, "start", "--root", p.app, "--port", "0", "--redis", redisURL, "--log-level", "warn")
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

// cpu is the processor time that the host itself has used, its worker not counted.
func (h *durangoHost) cpu() (time.Duration, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(h.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("reading the host's processor time (Linux only): %w", err)
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	const utime, stime, tick = 11, 12, 10 * time.Millisecond
	user, err := strconv.ParseInt(fields[utime], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[stime], 10, 64)
	if err != nil {
		return 0, err
	}
	return time.Duration(user+system) * tick, nil
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
				if err := h.runOne(ctx, orchestrator, input); err != nil {
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

func (h *durangoHost) runOne(ctx context.Context, orchestrator string, input any) error {
	body, err := json.Marshal(input)
	if err != nil {
		return err
	}
	url := h.url + "/runtime/webhooks/durabletask/orchestrators/" + orchestrator + "?timeout=120&pollingInterval=1"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || bytes.HasPrefix(text, []byte("{")) {
		return fmt.Errorf("%s has not completed: %s: %s", orchestrator, resp.Status, text)
	}
	return nil
}
