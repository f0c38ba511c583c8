package devloop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/durango-functions/durango/internal/redisserver/child"
)

// program is a built program of the app.
type program struct {
	path string
	sum  [sha256.Size]byte
	took time.Duration
}

// remove deletes the program; a process that runs it goes on.
func (p *program) remove() { _ = os.RemoveAll(filepath.Dir(p.path)) }

// buildError is a failure of the compiler, or of what it needs.
type buildError struct{ lines string }

func (e *buildError) Error() string { return e.lines }

// builder builds an app's program, each time in a folder of its own.
type builder struct {
	goTool  string
	root    string // the app's folder
	environ []string
	number  int
}

// bin is the folder of the programs.
func (b *builder) bin() string { return filepath.Join(b.root, ".durango", "bin") }

// sweep removes the programs of supervisors that were killed.
func (b *builder) sweep() {
	entries, err := os.ReadDir(b.bin())
	if err != nil {
		return // there are none
	}
	for _, e := range entries {
		pid, _, _ := strings.Cut(e.Name(), "-")
		if n, err := strconv.Atoi(pid); err == nil && n != os.Getpid() && errors.Is(syscall.Kill(n, 0), syscall.ESRCH) {
			_ = os.RemoveAll(filepath.Join(b.bin(), e.Name()))
		}
	}
}

// build builds the program. When ctx ends, so does the compiler.
func (b *builder) build(ctx context.Context) (*program, error) {
	began := time.Now()
	b.number++
	p := &program{path: filepath.Join(b.bin(), fmt.Sprintf("%d-%d", os.Getpid(), b.number), "app")}
	if err := os.MkdirAll(filepath.Dir(p.path), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for the app's program: %w", err)
	}
	var output bytes.Buffer
	// The state of version control is no part of what is tried out, and may be one that the go command does not understand.
	cmd := exec.Command(b.goTool, "build", "-buildvcs=false", "-o", p.path, ".")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = b.root, b.environ, &output, &output
	err := runToEnd(ctx, cmd)
	if err == nil {
		p.sum, err = sum(p.path)
	}
	if err != nil {
		p.remove()
		if text := strings.TrimSpace(output.String()); text != "" && ctx.Err() == nil {
			return nil, &buildError{text}
		}
		return nil, fmt.Errorf("running go build: %w", errors.Join(context.Cause(ctx), err))
	}
	p.took = time.Since(began)
	return p, nil
}

// runToEnd runs a command and the processes that it starts, until ctx ends.
func runToEnd(ctx context.Context, cmd *exec.Cmd) error {
	process, err := child.Start(cmd, syscall.SIGKILL)
	if err != nil {
		return err
	}
	select {
	case <-process.Done():
	case <-ctx.Done():
		_ = syscall.Kill(-process.PID(), syscall.SIGKILL) // its group
		<-process.Done()
	}
	return process.Err()
}

func sum(path string) (s [sha256.Size]byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return s, err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return s, err
	}
	return [sha256.Size]byte(hash.Sum(nil)), nil
}
