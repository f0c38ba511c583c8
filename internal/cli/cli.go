// Package cli is the command line of durango: start, run and version. The program in cmd/durango and Go programs that are function apps
// themselves have the same commands.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/durango-functions/durango/internal/jsonpos"
	"github.com/durango-functions/durango/worker/gofunc"
)

// The exit codes of the command.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// Program is what the commands need to know of the program that they are part of.
type Program struct {
	// Defaults is the text of the host.json that holds every setting at its default.
	Defaults []byte
	// Version is the version of durango.
	Version string
	// Name is what the usage calls the program. Defaults to durango.
	Name string
	// Stdout and Stderr take the output. They default to those of the process.
	Stdout, Stderr io.Writer
	// Environ is the environment as "NAME=value". Defaults to that of the process.
	Environ []string
	// Handlers are the functions in Go of a program that is an app itself; nil: the program is none.
	Handlers []gofunc.Registration

	args []string // of the command line
}

// usageError is a mistake in the command line itself.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// exitError ends the process with the exit code of another one, which has told the reason itself.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// Run runs a command and returns the exit code of the process: 0 when all went well, 1 for a failure, 2 for a mistake in the command line.
func (p Program) Run(ctx context.Context, args []string) int {
	if p.Stdout == nil {
		p.Stdout = os.Stdout
	}
	if p.Stderr == nil {
		p.Stderr = os.Stderr
	}
	if p.Environ == nil {
		p.Environ = os.Environ()
	}
	p.Name = cmp.Or(p.Name, "durango")
	p.args = args
	root := p.rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit.code
	}
	fmt.Fprintf(p.Stderr, "%s: %s\n", p.Name, strings.TrimSpace(err.Error()))
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailure
}

func (p Program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           p.Name,
		Short:         "Runs function apps and durable orchestrations on Redis",
		Long:          p.Name + " runs an app made of function folders (function.json and code), and durable orchestrations with Redis as the task hub.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          unknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%s: see %s --help", trimFlagError(err), cmd.CommandPath())}
	})
	root.AddCommand(p.startCommand(), p.runCommand(), p.versionCommand())
	return root
}

// unknownCommand names the nearest command.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	hint := "the commands are " + strings.Join(names, ", ")
	if near := jsonpos.Nearest(args[0], names); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	return &usageError{fmt.Errorf("unknown command %q: %s", args[0], hint)}
}

// trimFlagError takes the words of Go's number parser out of a message.
func trimFlagError(err error) string {
	return strings.NewReplacer(`strconv.ParseInt: parsing `, "", `strconv.ParseBool: parsing `, "", ": invalid syntax", " is not of the expected type").Replace(err.Error())
}

// given names the arguments of a command line.
func given(args []string) string {
	if len(args) == 0 {
		return "none"
	}
	return strconv.Quote(strings.Join(args, " "))
}

// exactArgs refuses another number of arguments, saying what is expected.
func exactArgs(n int, expected string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return &usageError{fmt.Errorf("%s takes %s, but was given %s: see %s --help", cmd.CommandPath(), expected, given(args), cmd.CommandPath())}
		}
		return nil
	}
}
