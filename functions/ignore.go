package functions

import (
	"path/filepath"
	"strings"
)

// ignoredFolders are never an app's own files, wherever they are.
var ignoredFolders = map[string]bool{
	".git": true, ".hg": true, ".svn": true, ".idea": true, ".vscode": true, ".durango": true,
}

// modulesFolder holds installed packages. Of it only the coming and going of entries counts.
const modulesFolder = "node_modules"

// isTemporary reports whether a file is the leftover or the work in progress of an editor or of the system.
func isTemporary(name string) bool {
	lower := strings.ToLower(name)
	switch {
	case strings.HasSuffix(lower, "~"), // emacs, gedit, vim backups
		strings.HasPrefix(lower, ".#"),                                 // emacs locks
		strings.HasPrefix(lower, "#") && strings.HasSuffix(lower, "#"), // emacs auto-save
		lower == "4913", // vim's probe whether it may write
		strings.HasPrefix(lower, ".goutputstream-"), // glib
		strings.Contains(lower, "___jb_"),           // JetBrains safe write
		lower == ".ds_store", lower == "thumbs.db", lower == "desktop.ini":
		return true
	}
	switch filepath.Ext(lower) {
	case ".swp", ".swo", ".swx", ".swpx", ".tmp", ".crswap", ".bak":
		return true
	}
	return false
}

// isTypeScript reports whether a file is a source that a compiler makes JavaScript of.
func isTypeScript(name string) bool {
	switch filepath.Ext(strings.ToLower(name)) {
	case ".ts", ".mts", ".cts", ".tsx":
		return true
	}
	return false
}

// isByproduct reports whether a file is what the TypeScript compiler writes beside JavaScript. Nothing loads it, but it tells that the compiler is
// at work.
func isByproduct(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasSuffix(lower, "js.map") || strings.HasSuffix(lower, ".tsbuildinfo") || strings.HasSuffix(lower, ".d.ts")
}

// isOutput reports whether a file is what a running app writes rather than what its author writes: a change of it reloads nothing.
func isOutput(name string) bool {
	lower := strings.ToLower(name)
	switch filepath.Ext(lower) {
	case ".log", ".pid", ".sock", ".db", ".sqlite", ".sqlite3", ".rdb", ".aof":
		return true
	}
	return strings.HasSuffix(lower, "-journal") || strings.HasSuffix(lower, "-wal") || strings.HasSuffix(lower, "-shm")
}
