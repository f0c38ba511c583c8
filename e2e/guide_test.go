package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGoGuide compiles the code in Go of docs/go.md and README.md, and types the commands of docs/go.md beside the first program in it.
func TestGoGuide(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	repo, err := filepath.Abs("..")
	require.NoError(t, err)
	module, sums, err := moduleFiles(repo)
	require.NoError(t, err)
	write(t, string(module), dir, "go.mod")
	write(t, string(sums), dir, "go.sum")
	guide := filepath.Join("..", "docs", "go.md")
	programs := 0
	for _, page := range []string{guide, filepath.Join("..", "README.md")} {
		for n, code := range goBlocks(t, page) {
			switch {
			case strings.HasPrefix(code, "package "):
				write(t, code, dir, fmt.Sprintf("program%d", programs), "main.go")
				programs++
			case strings.Contains(code, "*testing.T"):
				write(t, fragment(code), dir, "fragments", fmt.Sprintf("block%d_test.go", n))
			default:
				write(t, fragment(code), dir, "fragments", fmt.Sprintf("block%d.go", n))
			}
		}
	}
	require.Equal(t, 3, programs, "whole programs on the pages")
	vet := exec.Command("go", "vet", "-mod=mod", "./...")
	vet.Dir = dir
	out, err := vet.CombinedOutput()
	require.NoError(t, err, "go vet of the code on the pages: %s", out)

	program := filepath.Join(dir, "first")
	build := exec.Command("go", "build", "-mod=mod", "-o", program, "./program0")
	build.Dir = dir
	out, err = build.CombinedOutput()
	require.NoError(t, err, "go build: %s", out)
	h := startHost(t, options{Program: program, Root: t.TempDir()})
	commands := readmeCommands(t, guide)
	require.Len(t, commands, 2)
	for _, c := range commands {
		c.check(t, h, dir)
	}
}

// goBlocks are the blocks of a page that are marked as Go.
func goBlocks(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// imports are the packages that fragments use, by the names that they are used by.
var imports = []struct{ name, path string }{
	{"context", "context"},
	{"errors", "errors"},
	{"fmt", "fmt"},
	{"http", "net/http"},
	{"os", "os"},
	{"testing", "testing"},
	{"time", "time"},
	{"durango", "github.com/durango-functions/durango"},
	{"durable", "github.com/durango-functions/durango/durable"},
	{"durabletest", "github.com/durango-functions/durango/durable/durabletest"},
}

// fragment makes a file of declarations. All fragments are one package.
func fragment(code string) string {
	var b strings.Builder
	b.WriteString("package fragments\n\n")
	for _, i := range imports {
		if regexp.MustCompile(`\b` + i.name + `\.`).MatchString(code) {
			fmt.Fprintf(&b, "import %q\n", i.path)
		}
	}
	return b.String() + "\n" + code
}
