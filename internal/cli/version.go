package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (p Program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of durango, Go and Node.js",
		Args:  exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintf(p.Stdout, "durango %s\ngo      %s %s/%s\nnode    %s\n", p.Version, strings.TrimPrefix(runtime.Version(), "go"),
				runtime.GOOS, runtime.GOARCH, nodeVersion(cmd.Context()))
			return nil
		},
	}
}

// nodeVersion asks the node on PATH.
func nodeVersion(ctx context.Context) string {
	path, err := exec.LookPath("node")
	if errors.Is(err, exec.ErrNotFound) {
		return "not found on PATH (JavaScript functions need Node.js 18 or newer)"
	}
	if err != nil {
		return err.Error()
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return fmt.Sprintf("%s does not tell its version: %v", path, err)
	}
	return fmt.Sprintf("%s (%s)", strings.TrimPrefix(strings.TrimSpace(string(out)), "v"), path)
}
