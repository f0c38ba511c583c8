package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func echo(_ context.Context, value any) (any, error) { return value, nil }

func square(_ context.Context, n int) (int, error) { return n * n, nil }

func fail(_ context.Context, message string) (any, error) { return nil, errors.New(message) }

// file is a file of the test.
func file(name string) string { return filepath.Join(os.Getenv("E2E_DIR"), name) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// addLine appends to a file in one write, so that lines of several hosts do not mix.
func addLine(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

type marking struct {
	File string `json:"file"`
	Line string `json:"line"`
}

// mark leaves a line for each execution in the file of the given name, for the test to count: the line, and which host ran it.
func mark(_ context.Context, in marking) (string, error) {
	line := in.Line
	if name := os.Getenv("E2E_NAME"); name != "" {
		line += " " + name
	}
	return in.Line, addLine(file(in.File), line+"\n")
}

// gate waits until the test makes a file of this name.
func gate(ctx context.Context, name string) (string, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 6000 {
		if exists(file(name)) {
			return name, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
	return "", fmt.Errorf("nobody opened the gate %s", name)
}

type flakiness struct {
	Key      string `json:"key"`
	Failures int    `json:"failures"`
}

// flaky fails the given number of times, then answers the number of the attempt.
func flaky(_ context.Context, in flakiness) (int, error) {
	path := file("flaky-" + in.Key)
	if err := addLine(path, "x"); err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	if attempt := int(info.Size()); attempt > in.Failures {
		return attempt, nil
	}
	return 0, fmt.Errorf("attempt %d fails", info.Size())
}

// fixable fails until the test makes a file of this name.
func fixable(_ context.Context, name string) (string, error) {
	if !exists(file(name)) {
		return "", fmt.Errorf("%s is broken", name)
	}
	return name + " works", nil
}
