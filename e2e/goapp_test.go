package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// goProgram builds the app of testdata/goapp as a user does, in a module of its own, once for all tests.
var goProgram = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(filepath.Dir(durango), "goapp-build")
	if err := goModule(dir, "goapp"); err != nil {
		return "", err
	}
	program := filepath.Join(dir, "goapp")
	build := exec.Command("go", "build", "-mod=mod", "-o", program, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, nil
})

// goModule makes a module of an app's main.go in testdata.
func goModule(dir, app string) error {
	repo, err := filepath.Abs("..")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	code, err := os.ReadFile(filepath.Join("testdata", app, "main.go"))
	if err != nil {
		return err
	}
	module, err := os.ReadFile(filepath.Join(repo, "go.mod"))
	if err != nil {
		return err
	}
	sums, err := os.ReadFile(filepath.Join(repo, "go.sum"))
	if err != nil {
		return err
	}
	// The modules are those of the repository, which are on the machine already.
	module = regexp.MustCompile(`(?m)^module .*$`).ReplaceAll(module, []byte("module example.com/"+app))
	module = fmt.Appendf(module, "\nrequire github.com/durango-functions/durango v0.0.0\n\nreplace github.com/durango-functions/durango => %s\n", repo)
	for name, text := range map[string][]byte{"main.go": code, "go.mod": module, "go.sum": sums} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// goApp is the folder of the app with its npm packages, and its program.
func goApp(t testing.TB) (program, root string) {
	t.Helper()
	program, err := goProgram()
	require.NoError(t, err)
	return program, app(t, filepath.Join("testdata", "goapp"), filepath.Join("testdata", "app21"))
}

func TestGoApp(t *testing.T) {
	t.Parallel()
	program, root := goApp(t)
	h := startHost(t, options{Program: program, Root: root, Redis: startRedis(t).URL})

	require.Equal(t, `"Hello Ada"`, h.call(http.MethodGet, "/api/Hello?name=Ada", nil).text())
	require.Equal(t, "JavaScript greets Ada", h.call(http.MethodGet, "/api/Web?name=Ada", nil).text())
	require.Equal(t, "HELLO ADA!", h.complete("GoThenJS", "Ada"))
	require.Equal(t, "HELLO ADA!", h.complete("JSThenGo", "Ada"))
	require.Equal(t, "HELLO ADA!", h.complete("Parent", "Ada"))

	begun := h.call(http.MethodPost, "/api/begin/gothenjs?name=Eve", nil)
	require.Equal(t, http.StatusAccepted, begun.Status)
	id := regexp.MustCompile(`"id":"([^"]+)"`).FindStringSubmatch(begun.text())
	require.Len(t, id, 2, begun.text())
	require.Equal(t, "HELLO EVE!", h.waitFor(id[1], "Completed").Output)
	require.Equal(t, http.StatusBadRequest, h.call(http.MethodPost, "/api/begin/nobody", nil).Status)

	// The program has the same commands.
	var out, errs bytes.Buffer
	cmd := exec.Command(program, "run", "Seed", "--input", "3", "--url", h.URL)
	cmd.Stdout, cmd.Stderr = &out, &errs
	require.NoError(t, cmd.Run(), errs.String())
	require.Equal(t, "3 rows\n", out.String())
	require.Contains(t, errs.String(), "Function Seed succeeded in ")
	require.Contains(t, h.log.String(), "seeding rows=3")
	version, err := exec.Command(program, "version").CombinedOutput()
	require.NoError(t, err)
	require.Contains(t, string(version), "durango ")

	// function.json is reloaded, and Go code is not.
	write(t, "package main\n", root, "more.go")
	h.logged("Go code has changed: it takes effect when the program is built and started anew")
	write(t, strings.Replace(`{"bindings": [{"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous", "route": "hi"},
		{"name": "$return", "type": "http", "direction": "out"}]}`, "\n", "", 1), root, "Hello", "function.json")
	eventually(t, "the new route", func() (bool, any) {
		a := h.call(http.MethodGet, "/api/hi?name=Bob", nil)
		return string(a.Body) == `"Hello Bob"`, a
	})
	h.stop()
}

// TestGoAppSurvives kills a host in the middle of orchestrations of both languages, and another one finishes them.
func TestGoAppSurvives(t *testing.T) {
	t.Parallel()
	program, root := goApp(t)
	redis := startRedis(t).URL
	first := startHost(t, options{Program: program, Root: root, Redis: redis})
	var ids []string
	for i := range 20 {
		for _, name := range []string{"GoThenJS", "JSThenGo", "Parent"} {
			ids = append(ids, first.start(name, fmt.Sprintf("%s-%d", name, i), "x"))
		}
	}
	first.kill()
	second := startHost(t, options{Program: program, Root: root, Redis: redis})
	for _, id := range ids {
		require.Equal(t, "HELLO X!", second.waitFor(id, "Completed").Output)
	}
}

func TestGoAppRefusals(t *testing.T) {
	t.Parallel()
	program, root := goApp(t)

	h := launch(t, options{Program: program, Root: root, Env: []string{"WRONG=1"}})
	h.waitExit(patience)
	require.Equal(t, 1, h.cmd.ProcessState.ExitCode())
	require.Regexp(t, `goapp: function Wrong \(main.go:\d+\): the handler is func\(string\) string: its first parameter is not context.Context; expected func\(ctx context.Context, in In\) \(Out, error\)`,
		h.log.String())

	// The program durango cannot run the functions in Go, and says what can; the others run.
	h = startHost(t, options{Root: root})
	require.Equal(t, "JavaScript greets Ada", h.call(http.MethodGet, "/api/Web?name=Ada", nil).text())
	h.logged(`The function is written in Go (../main.go), and Go functions are part of a program of their own: start the app with "go run . start"`)
	h.stop()
}
