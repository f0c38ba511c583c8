package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/durango-functions/durango/host"
	"github.com/durango-functions/durango/internal/jsonpos"
	"github.com/durango-functions/durango/triggers/manual"
)

// runFlags are the flags of durango run.
type runFlags struct {
	root, input, url, key string
	port                  int
}

func (p Program) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run NAME",
		Short: "Run a function on the running host, and print its outcome",
		Long: "run calls a function of the host that runs the app in --root, whatever the function's trigger is, waits, and prints the outcome.\n" +
			"The exit code is 1 when the function fails.",
		Example: "  durango run HelloWorldManualStart\n  durango run GetStatus --input '\"instance-1\"'\n  durango run Import --input @data.json",
		Args:    exactArgs(1, "the name of a function"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.runFunction(cmd.Context(), args[0], &f, cmd.Flags().Changed("input"), cmd.Flags().Changed("port"))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.input, "input", "", "input of the function, usually JSON; @FILE reads a file, @- standard input")
	flags.StringVar(&f.root, "root", ".", "folder of the app whose host is called")
	flags.IntVar(&f.port, "port", host.DefaultPort, "port of the host on this machine, instead of the one that --root tells")
	flags.StringVar(&f.url, "url", "", "URL of the host, instead of --root and --port")
	flags.StringVar(&f.key, "key", "", "master key, of a host with --enable-auth")
	cmd.MarkFlagsMutuallyExclusive("url", "port")
	return cmd
}

// runFunction calls the function and prints what came of it.
func (p Program) runFunction(ctx context.Context, name string, f *runFlags, inputGiven, portGiven bool) error {
	base, err := f.base(portGiven)
	if err != nil {
		return err
	}
	var body struct {
		Input *string `json:"input,omitempty"`
	}
	if inputGiven {
		text, err := readInput(f.input)
		if err != nil {
			return err
		}
		body.Input = &text
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encoding the input: %w", err)
	}
	c := &adminClient{base: base, key: f.key}
	status, answer, err := c.call(ctx, http.MethodPost, "/admin/functions/"+url.PathEscape(name)+"?wait=true", raw)
	if err != nil {
		return err
	}
	switch status {
	case http.StatusOK:
	case http.StatusNotFound:
		return c.unknownFunction(ctx, name)
	default:
		return c.refusal(status, answer)
	}
	var outcome manual.Outcome
	if err := json.Unmarshal(answer, &outcome); err != nil {
		return fmt.Errorf("%s does not answer as a durango host does: %s", base, excerpt(answer))
	}
	return p.printOutcome(&outcome)
}

// base is the URL of the host.
func (f *runFlags) base(portGiven bool) (string, error) {
	if f.url != "" {
		u, err := url.Parse(f.url)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return "", &usageError{fmt.Errorf("--url %q: expected a URL such as http://localhost:7071", f.url)}
		}
		return strings.TrimSuffix(f.url, "/"), nil
	}
	if portGiven {
		if f.port < 1 || f.port > 65535 {
			return "", &usageError{fmt.Errorf("--port %d: expected a number from 1 to 65535", f.port)}
		}
		return fmt.Sprintf("http://127.0.0.1:%d", f.port), nil
	}
	state, err := host.ReadRunState(f.root)
	switch {
	case err == nil:
		return state.URL, nil
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fmt.Sprintf("http://127.0.0.1:%d", host.DefaultPort), nil
	}
	return "", fmt.Errorf("finding the host of the app in %s: %w", f.root, err)
}

// readInput reads the flag's file, if it names one.
func readInput(flag string) (string, error) {
	if !strings.HasPrefix(flag, "@") {
		return flag, nil
	}
	var raw []byte
	var err error
	if flag == "@-" {
		raw, err = io.ReadAll(os.Stdin)
	} else {
		raw, err = os.ReadFile(flag[1:])
	}
	if err != nil {
		return "", fmt.Errorf("--input %s: %w", flag, err)
	}
	return string(raw), nil
}

// printOutcome prints a function's result, or returns its failure.
func (p Program) printOutcome(o *manual.Outcome) error {
	if o.Status != manual.Succeeded {
		return fmt.Errorf("function %s failed after %d ms: %s", o.FunctionName, o.DurationMS, o.Error)
	}
	fmt.Fprintf(p.Stderr, "Function %s succeeded in %d ms (invocation %s)\n", o.FunctionName, o.DurationMS, o.InvocationID)
	if len(o.Output) == 0 {
		return nil
	}
	var text string
	if json.Unmarshal(o.Output, &text) == nil {
		fmt.Fprintln(p.Stdout, text)
		return nil
	}
	var indented bytes.Buffer
	if json.Indent(&indented, o.Output, "", "  ") != nil {
		indented.Reset()
		indented.Write(o.Output)
	}
	fmt.Fprintln(p.Stdout, indented.String())
	return nil
}

// adminClient calls the admin API of a host.
type adminClient struct{ base, key string }

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 256 << 20

func (c *adminClient) call(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("calling the host: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		req.Header.Set("x-functions-key", c.key)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment}}
	resp, err := client.Do(req)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return 0, nil, fmt.Errorf("no host is running at %s: start it with durango start, or say with --root, --port or --url where it is", c.base)
	case err != nil:
		return 0, nil, fmt.Errorf("calling the host at %s: %w", c.base, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("reading the host's answer: %w", err)
	}
	return resp.StatusCode, answer, nil
}

// refusal makes an error of an answer that is no outcome.
func (c *adminClient) refusal(status int, answer []byte) error {
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		if c.key == "" {
			return fmt.Errorf("the host at %s demands the master key: give it with --key; it is in the app's folder, in .durango/keys.json", c.base)
		}
		return fmt.Errorf("the host at %s refuses the key: the master key is in the app's folder, in .durango/keys.json", c.base)
	}
	return fmt.Errorf("the host at %s answers %d: %s", c.base, status, excerpt(answer))
}

// unknownFunction names the function that was probably meant, or those that there are.
func (c *adminClient) unknownFunction(ctx context.Context, name string) error {
	status, answer, err := c.call(ctx, http.MethodGet, "/admin/functions", nil)
	var found []struct {
		Name string `json:"name"`
	}
	if err != nil || status != http.StatusOK || json.Unmarshal(answer, &found) != nil {
		return fmt.Errorf("%s answers 404: it is no durango host, or has no function %s", c.base, name)
	}
	names := make([]string, 0, len(found))
	for _, fn := range found {
		names = append(names, fn.Name)
	}
	if reasons := c.reasons(ctx, name); reasons != "" {
		return fmt.Errorf("function %s is broken: %s", name, reasons)
	}
	switch near := jsonpos.Nearest(name, names); {
	case near != "":
		return fmt.Errorf("the host at %s has no function %s: did you mean %s?", c.base, name, near)
	case len(names) == 0:
		return fmt.Errorf("the host at %s has no functions", c.base)
	}
	return fmt.Errorf("the host at %s has no function %s: it has %s", c.base, name, strings.Join(names, ", "))
}

// reasons tells why a function is broken, "" when it is not.
func (c *adminClient) reasons(ctx context.Context, name string) string {
	status, answer, err := c.call(ctx, http.MethodGet, "/admin/functions/"+url.PathEscape(name)+"/status", nil)
	var s struct {
		Errors []string `json:"errors"`
	}
	if err != nil || status != http.StatusOK || json.Unmarshal(answer, &s) != nil {
		return ""
	}
	return strings.Join(s.Errors, " ")
}

func excerpt(answer []byte) string {
	const most = 500
	text := strings.TrimSpace(string(answer))
	if text == "" {
		return "nothing"
	}
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
