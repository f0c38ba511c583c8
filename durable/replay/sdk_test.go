package replay

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The SDKs that the tests run orchestrators with.
const (
	sdk2 = "sdk214" // durable-functions 2.1.4
	sdk1 = "sdk154" // durable-functions 1.5.4
	sdk3 = "sdk350" // durable-functions 3.5.0
)

var (
	bothSDKs = []string{sdk1, sdk2}
	allSDKs  = []string{sdk1, sdk2, sdk3}
)

// install makes sure that the SDK's folder has its packages.
var install = func() func(sdk string) error {
	var mu sync.Mutex
	return func(sdk string) error {
		mu.Lock()
		defer mu.Unlock()
		dir := filepath.Join("testdata", sdk)
		if _, err := os.Stat(filepath.Join(dir, "node_modules", "durable-functions", "package.json")); err == nil {
			return nil
		}
		cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("npm ci in %s: %w\n%s", dir, err, out)
		}
		return nil
	}
}()

// sdk is a Node.js process with one of the SDKs.
type sdk struct {
	t     *testing.T
	name  string
	in    io.Writer
	out   *bufio.Reader
	calls int
}

// startSDK starts a process that ends with the test.
func startSDK(t *testing.T, name string) *sdk {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is not on PATH; the tests with the real SDKs need Node.js 18 or newer")
	}
	require.NoError(t, install(name))
	cmd := exec.Command(node, filepath.Join("testdata", "runner.js"), filepath.Join("testdata", name))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	})
	return &sdk{t: t, name: name, in: in, out: bufio.NewReaderSize(out, 1<<20)}
}

// replay runs the orchestrator once. raw is the result or the failure message, for comparison.
func (s *sdk) replay(orchestrator string, payload []byte) (r *Result, raw string) {
	s.t.Helper()
	s.calls++
	line, err := json.Marshal(map[string]any{"name": orchestrator, "payload": json.RawMessage(payload)})
	require.NoError(s.t, err)
	_, err = s.in.Write(append(line, '\n'))
	require.NoError(s.t, err)
	answer, err := s.out.ReadBytes('\n')
	require.NoError(s.t, err)
	var a struct {
		Result  json.RawMessage
		Failure *string
		Crash   string
	}
	require.NoError(s.t, json.Unmarshal(answer, &a))
	if a.Failure != nil {
		r, ok := ParseFailure(*a.Failure)
		require.True(s.t, ok, "failure without the label: %s", *a.Failure)
		return r, *a.Failure
	}
	require.Empty(s.t, a.Crash, "the SDK crashed on %s", payload)
	r, err = ParseResult(a.Result)
	require.NoError(s.t, err)
	return r, string(a.Result)
}
