// Package durango is for function apps in Go: programs whose functions run on triggers, and whose orchestrations survive any crash.
//
// An App takes the functions. What starts a function is declared in the file function.json of a folder with its name, as for functions in
// other languages, or in code:
//
//	func main() {
//		app := durango.NewApp()
//		app.Orchestrator("HelloSequence", HelloSequence) // func(*durable.Orchestration, In) (Out, error)
//		app.Activity("SayHello", SayHello)               // func(context.Context, In) (Out, error)
//		app.Function("Hello", hello, durango.HTTPTrigger{Route: "hello/{name?}"})
//		os.Exit(app.Main())
//	}
//
// App.Main is the command line, the same as that of the program durango; App.Start runs the app inside of another program. Package durable
// has what orchestrators use, and the client that starts and manages them.
package durango

import (
	"context"
	_ "embed"
	"os"
	"runtime/debug"

	"github.com/durango-functions/durango/internal/cli"
)

// Version is the version of this release.
const Version = "0.1.0"

// defaults is host.json with every setting at its default.
//
//go:embed host.json
var defaults []byte

// Main runs the command line of a program without functions of its own, and returns the exit code of the process: 0 when all went well, 1 for
// a failure, 2 for a mistake in the command line. A function app in Go calls App.Main.
func Main() int {
	p := cli.Program{Defaults: defaults, Version: version()}
	return p.Run(context.Background(), os.Args[1:])
}

// version is the release, and the commit when the binary was built of one that is no release.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Path != modulePath {
		return Version // the commit is that of the app
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			revision = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	if revision == "" {
		return Version
	}
	return Version + " (" + revision + dirty + ")"
}

const modulePath = "github.com/durango-functions/durango"
