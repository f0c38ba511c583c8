// Command durangovet checks that orchestrators written in Go are deterministic: durangovet ./..., or go vet -vettool=$(which durangovet) ./...
//
// Package durangovet says what it looks for.
package main

import (
	"golang.org/x/tools/go/analysis/singlechecker"

	"github.com/durango-functions/durango/durable/durangovet"
)

func main() {
	// It is a unitchecker too: go vet hands it a file of its own making, which singlechecker recognises.
	singlechecker.Main(durangovet.Analyzer)
}
