package node

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"strings"
	"sync"
)

//go:embed js/*.js
var scripts embed.FS

// bundle joins the worker's scripts to one file that node can run: a table of CommonJS modules, of which main.js is run.
var bundle = sync.OnceValue(func() []byte {
	entries, err := scripts.ReadDir("js")
	if err != nil {
		panic(err) // the folder is part of the binary
	}
	var b bytes.Buffer
	b.WriteString("'use strict';\n" +
		"const modules = {}, defined = {};\n" +
		"const load = (name) => {\n" +
		"  if (!defined[name]) return require(name);\n" +
		"  if (!modules[name]) defined[name](modules[name] = { exports: {} }, load);\n" +
		"  return modules[name].exports;\n" +
		"};\n")
	for _, entry := range entries {
		source, err := scripts.ReadFile("js/" + entry.Name())
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&b, "defined['./%s'] = function (module, require) {\n%s};\n", strings.TrimSuffix(entry.Name(), ".js"), source)
	}
	b.WriteString("load('./main');\n")
	return b.Bytes()
})

// writeBundle writes the worker script to a file of its own, which the caller removes once a process has read it. The name ends in
// .cjs so that no package.json near it makes an ES module of it.
func writeBundle() (string, error) {
	f, err := os.CreateTemp("", "durango-node-worker-*.cjs")
	if err != nil {
		return "", fmt.Errorf("writing the worker script for node (set TMPDIR to a folder that can be written): %w", err)
	}
	_, err = f.Write(bundle())
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("writing the worker script for node (set TMPDIR to a folder that can be written): %w", err)
	}
	return f.Name(), nil
}
