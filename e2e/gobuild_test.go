package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
)

// goPrograms are the apps in Go that have been built, by the names of their folders in testdata.
var goPrograms sync.Map

type goBuild func() (program string, err error)

// goProgram builds an app in Go of testdata as a user does, in a module of its own, once for all tests.
func goProgram(name string) (string, error) {
	build, _ := goPrograms.LoadOrStore(name, goBuild(sync.OnceValues(func() (string, error) { return buildGo(name) })))
	return build.(goBuild)()
}

func buildGo(name string) (string, error) {
	dir := filepath.Join(filepath.Dir(durango), name+"-build")
	if err := goModule(dir, name); err != nil {
		return "", err
	}
	program := filepath.Join(dir, name)
	args := []string{"build", "-mod=mod", "-o", program}
	if withRace {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, ".")...)
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, nil
}

// goModule makes a module of the Go files of an app in testdata.
func goModule(dir, name string) error {
	repo, err := filepath.Abs("..")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	module, sums, err := moduleFiles(repo)
	if err != nil {
		return err
	}
	texts := map[string][]byte{"go.mod": module, "go.sum": sums}
	files, err := filepath.Glob(filepath.Join("testdata", name, "*.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if texts[filepath.Base(file)], err = os.ReadFile(file); err != nil {
			return err
		}
	}
	for file, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// moduleFiles are the go.mod and go.sum of a module of a user's, which needs the repository's. Its other modules are those of the repository,
// which are on the machine already.
func moduleFiles(repo string) (module, sums []byte, err error) {
	if module, err = os.ReadFile(filepath.Join(repo, "go.mod")); err != nil {
		return nil, nil, err
	}
	if sums, err = os.ReadFile(filepath.Join(repo, "go.sum")); err != nil {
		return nil, nil, err
	}
	module = regexp.MustCompile(`(?m)^module .*$`).ReplaceAll(module, []byte("module example.com/goapp"))
	module = fmt.Appendf(module, "\nrequire github.com/durango-functions/durango v0.0.0\n\nreplace github.com/durango-functions/durango => %s\n", repo)
	return module, sums, nil
}
