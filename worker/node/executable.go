package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	minMajor = 18
	install  = "Install Node.js 18 or newer from https://nodejs.org/ (Debian and Ubuntu: apt-get install nodejs; Homebrew: brew install node)."
)

// MissingError tells that there is no node to run.
type MissingError struct {
	Path   string // the executable that was asked for, "" when PATH was searched
	Reason string // why it is of no use
}

func (e *MissingError) Error() string {
	if e.Path == "" {
		return "Node.js is missing: there is no 'node' on PATH. " + install
	}
	return fmt.Sprintf("Node.js is missing: %s %s. %s", e.Path, e.Reason, install)
}

// VersionError tells that the node which was found is too old.
type VersionError struct {
	Path    string
	Version string // such as "v16.20.2"
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("Node.js %s is too old: %s has this version, and %d or newer is needed. %s", e.Version, e.Path, minMajor, install)
}

// findNode returns the path of the node executable.
func (c *Config) findNode() (string, error) {
	if c.NodePath != "" && strings.ContainsRune(c.NodePath, filepath.Separator) {
		if reason := notExecutable(c.NodePath); reason != "" {
			return "", &MissingError{Path: c.NodePath, Reason: reason}
		}
		return c.NodePath, nil
	}
	name := "node"
	if c.NodePath != "" {
		name = c.NodePath
	}
	for _, dir := range filepath.SplitList(lookupEnv(c.Env, "PATH")) {
		if path := filepath.Join(dir, name); dir != "" && notExecutable(path) == "" {
			return filepath.Abs(path)
		}
	}
	if c.NodePath != "" {
		return "", &MissingError{Path: c.NodePath, Reason: "is not on PATH"}
	}
	return "", &MissingError{}
}

func notExecutable(path string) string {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "does not exist"
	case info.IsDir():
		return "is a folder"
	case info.Mode()&0o111 == 0:
		return "is not executable"
	}
	return ""
}

func lookupEnv(env []string, key string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(env[i], "="); ok && k == key {
			return v
		}
	}
	return ""
}

// askVersion asks node for its version. It is called when a process ended before it was ready: an old node may not even be able to read
// the worker script. It returns a *VersionError, or nil when the version is new enough or cannot be told.
func askVersion(ctx context.Context, path string, env []string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.Env = env
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return nil // the failed start has a reason of its own, which is reported
	}
	return checkVersion(path, strings.TrimSpace(string(out)))
}

// checkVersion returns a *VersionError when version is that of a node which is too old.
func checkVersion(path, version string) error {
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if n, err := strconv.Atoi(major); err == nil && n < minMajor {
		return &VersionError{Path: path, Version: version}
	}
	return nil
}
