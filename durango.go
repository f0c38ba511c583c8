// Package durango is the function host as a program: its commands, and the settings that it starts from. The command durango is Main and
// nothing else.
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

// Main runs the command line of the process and returns its exit code: 0 when all went well, 1 for a failure, 2 for a mistake in the
// command line.
func Main() int {
	p := cli.Program{Defaults: defaults, Version: version()}
	return p.Run(context.Background(), os.Args[1:])
}

// version is the release, and the commit when the binary was built of one that is no release.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Version
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
