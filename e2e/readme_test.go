package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestReadmes types the commands of each README into a shell, beside a host on the app that the README is about, and compares
// the answers with what the README prints.
func TestReadmes(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		readme, sample string
		answers        int // at least so many: a README that the test can no longer read must not pass
	}{
		{filepath.Join("..", "README.md"), "hello", 4},
		{filepath.Join("..", "samples", "hello", "README.md"), "hello", 3},
		{filepath.Join("..", "samples", "manage-instances", "README.md"), "manage-instances", 8},
		{filepath.Join("..", "samples", "patterns", "README.md"), "patterns", 5},
		{filepath.Join("..", "samples", "v4-typescript", "README.md"), "v4-typescript", 4},
		{filepath.Join("..", "samples", "entities", "README.md"), "entities", 5},
		{filepath.Join("..", "samples", "go-hello", "README.md"), "go-hello", 3},
		{filepath.Join("..", "samples", "go-order", "README.md"), "go-order", 12},
	} {
		t.Run(r.readme, func(t *testing.T) {
			t.Parallel()
			commands := readmeCommands(t, r.readme)
			answered := 0
			for _, c := range commands {
				if c.answer != "" {
					answered++
				}
			}
			require.GreaterOrEqual(t, answered, r.answers, "commands with answers in %s: %+v", r.readme, commands)

			o := sampleOptions(t, r.sample)
			o.Env = []string{"MonitorDB=" + startRedis(t).URL}
			h := startHost(t, o)
			for _, c := range commands {
				c.check(t, h, o.Root)
			}
		})
	}
}

// readmeCommand is a command of a README and what it prints there; an answer "" is not shown.
type readmeCommand struct{ line, answer string }

// readmeCommands reads the lines "$ command" of the console blocks with the lines that follow them, and the calls of the bash blocks,
// which show no answers.
func readmeCommands(t *testing.T, file string) []readmeCommand {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var commands []readmeCommand
	block := ""
	for line := range strings.SplitSeq(string(text), "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		command, isPrompt := strings.CutPrefix(line, "$ ")
		switch {
		case isFence:
			block = fence
		case block == "console" && isPrompt, block == "bash" && strings.HasPrefix(line, "curl "):
			commands = append(commands, readmeCommand{line: command})
		case block == "console" && len(commands) > 0:
			commands[len(commands)-1].answer += line + "\n"
		}
	}
	return commands
}

// readmePort is the port that READMEs name.
const readmePort = "localhost:7071"

// wait begins a command that lets time pass first. The test looks at once, and again until the answer is there.
var wait = regexp.MustCompile(`^sleep \d+; `)

// check runs the command until its answer is the README's: an orchestration may need a moment. What changes something runs once.
func (c readmeCommand) check(t *testing.T, h *host, root string) {
	t.Helper()
	address := strings.TrimPrefix(h.appURL(), "http://")
	line := strings.ReplaceAll(wait.ReplaceAllString(c.line, ""), readmePort, address)
	write(t, "silent\nshow-error\n", h.Dir, ".curlrc") // no progress, as on a terminal
	once := !strings.HasPrefix(line, "curl localhost") && !strings.HasPrefix(line, "curl 'localhost")
	want := answerPattern(t, c.answer)
	run := func() (string, bool) {
		shell := exec.Command("bash", "-c", line)
		shell.Dir = root
		shell.Env = append(environment(), "PATH="+filepath.Dir(durango)+string(os.PathListSeparator)+os.Getenv("PATH"), "CURL_HOME="+h.Dir)
		out, err := shell.CombinedOutput()
		require.NoError(t, err, "%s\nprints: %s\n(curl is needed: install the package curl)", c.line, out)
		got := masked(strings.ReplaceAll(string(out), address, readmePort))
		return got, c.answer == "" || want.MatchString(got)
	}
	if once {
		got, ok := run()
		require.True(t, ok, "%s\nprints:\n%s\nand in the README:\n%s", c.line, got, masked(c.answer))
		return
	}
	eventuallyWithin(t, 15*time.Second, c.line+"\nprinting, as in the README:\n"+masked(c.answer), func() (bool, any) {
		got, ok := run()
		return ok, "\n" + got
	})
}

// answerPattern matches an answer of a README; "..." stands for any text.
func answerPattern(t *testing.T, answer string) *regexp.Regexp {
	t.Helper()
	pattern, err := regexp.Compile(`^` + strings.ReplaceAll(regexp.QuoteMeta(masked(answer)), `\.\.\.`, `(?s:.*)`) + `$`)
	require.NoError(t, err)
	return pattern
}

// masks hide what differs from one run to the next.
var masks = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b`), "ID"},
	{regexp.MustCompile(`\d+ ms`), "N ms"},
	// How often something was done in some seconds, on a machine that may be busy.
	{regexp.MustCompile(`"(polls|round|removed)":\d+`), `"$1":N`},
	// The length of URLs depends on the port.
	{regexp.MustCompile(`(?m)^Content-Length: [1-9]\d+$`), "Content-Length: N"},
}

// masked is an answer as it is compared: without what differs from run to run, headers in order and without Date, ends trimmed.
func masked(answer string) string {
	answer = strings.ReplaceAll(answer, "\r\n", "\n")
	for _, m := range masks {
		answer = m.what.ReplaceAllString(answer, m.with)
	}
	if strings.HasPrefix(answer, "HTTP/") {
		head, body, _ := strings.Cut(answer, "\n\n")
		headers := strings.Split(strings.TrimSpace(head), "\n")
		headers = slices.DeleteFunc(headers, func(h string) bool { return strings.HasPrefix(h, "Date: ") })
		slices.Sort(headers[1:])
		answer = strings.Join(headers, "\n") + "\n\n" + body
	}
	return strings.TrimSpace(answer)
}

// citedTest is a test that docs/compatibility.md names: its package's folder, its name, and perhaps a subtest.
var citedTest = regexp.MustCompile("`([a-z0-9/]+) ((?:Test|Fuzz)\\w+)(?:/([^`]+))?`")

// TestCitedTests wants the tests that docs/compatibility.md names to exist.
func TestCitedTests(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "docs", "compatibility.md"))
	require.NoError(t, err)
	cited := citedTest.FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(cited), 100)
	var missing []string
	for _, c := range cited {
		files, err := filepath.Glob(filepath.Join("..", c[1], "*_test.go"))
		require.NoError(t, err)
		var text strings.Builder
		for _, f := range files {
			data, err := os.ReadFile(f)
			require.NoError(t, err)
			text.Write(data)
		}
		found := strings.Contains(text.String(), "func "+c[2]+"(")
		if c[3] != "" { // a case of a table; yields names it by its orchestrator
			name := regexp.QuoteMeta(strings.ReplaceAll(c[3], "_", " "))
			found = found && regexp.MustCompile(`(name:\s+|yields\(|Run\(|\{)"`+name+`"`).MatchString(text.String())
		}
		if !found {
			missing = append(missing, c[0])
		}
	}
	require.Empty(t, missing, "tests that docs/compatibility.md names")
}
