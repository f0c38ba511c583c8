package functions

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// watchRoot watches the root and all below it, or, when there is none, the nearest folder above it in which it would appear again.
func (w *Watcher) watchRoot() error {
	for {
		if w.awaiting != "" {
			_ = w.fs.Remove(w.awaiting)
			w.awaiting = ""
		}
		if isFolder(w.cfg.Root) {
			if err := w.add(w.cfg.Root); err != nil && !missing(err) {
				return err
			}
			if info, err := os.Lstat(w.cfg.Root); err == nil && info.Mode()&fs.ModeSymlink != 0 {
				// A link that is replaced changes nothing in the folder that it led to.
				if err := w.fs.Add(filepath.Dir(w.cfg.Root)); err != nil {
					return err
				}
			}
			w.watchTree(w.cfg.Root, false)
			return nil
		}
		up := filepath.Dir(w.cfg.Root)
		for !isFolder(up) && up != filepath.Dir(up) {
			up = filepath.Dir(up)
		}
		if err := w.fs.Add(up); err != nil {
			if missing(err) {
				continue
			}
			return err
		}
		w.awaiting = up
		// What came between the look and the watch would be missed.
		if next := childTowards(up, w.cfg.Root); !isFolder(next) {
			return nil
		}
	}
}

// childTowards returns the child of up that leads to path.
func childTowards(up, path string) string {
	rel, err := filepath.Rel(up, path)
	if err != nil {
		return path
	}
	first, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
	return filepath.Join(up, first)
}

// add watches one folder.
func (w *Watcher) add(dir string) error {
	target, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	if err := w.fs.Add(dir); err != nil {
		return err
	}
	w.dirs[dir], w.real[target] = target, true
	return nil
}

// watchTree watches path, if it is a folder, and the folders in it. With report, what is found inside is noted as changed: it may have
// been there before the watch. It tells whether something was noted.
func (w *Watcher) watchTree(path string, report bool) bool {
	rel, ok := w.relative(path)
	if !ok || !isFolder(path) || (rel != "." && !w.enters(rel)) {
		return false
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	if _, watched := w.dirs[path]; !watched {
		if w.real[target] {
			return false // a link to a folder that is watched already; following it might never end
		}
		if err := w.add(path); err != nil {
			if !missing(err) {
				w.cfg.Logger.Warn("watching a folder failed, changes in it are not noticed", "path", path, "error", explainLimit(err))
			}
			return false
		}
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return false
	}
	noted := false
	for _, e := range entries {
		child := filepath.Join(path, e.Name())
		childRel, _ := w.relative(child)
		if report && w.counts(childRel, false) {
			noted = w.note(childRel)
		}
		if e.IsDir() || e.Type()&fs.ModeSymlink != 0 {
			noted = w.watchTree(child, report) || noted
		}
	}
	return noted
}

// forget drops the watches of path and of all below it.
func (w *Watcher) forget(path string) {
	below := path + string(filepath.Separator)
	for dir, target := range w.dirs {
		if dir == path || strings.HasPrefix(dir, below) {
			_ = w.fs.Remove(dir)
			delete(w.dirs, dir)
			delete(w.real, target)
		}
	}
}

// relative returns path relative to the root, with slashes; false when it is not below the root.
func (w *Watcher) relative(path string) (string, bool) {
	rel, err := filepath.Rel(w.cfg.Root, path)
	if err != nil {
		return "", false
	}
	rel = filepath.ToSlash(rel)
	return rel, rel != ".." && !strings.HasPrefix(rel, "../")
}

// enters reports whether the folder rel is watched.
func (w *Watcher) enters(rel string) bool {
	segments := strings.Split(rel, "/")
	if slices.Contains(w.cfg.WatchDirectories, segments[0]) {
		return true
	}
	for i, s := range segments {
		if ignoredFolders[s] || (s == modulesFolder && i < len(segments)-1) {
			return false
		}
	}
	return true
}

// counts reports whether a change of the file or folder rel is one of the app; written is true for a change of content.
func (w *Watcher) counts(rel string, written bool) bool {
	segments := strings.Split(rel, "/")
	name := segments[len(segments)-1]
	if slices.Contains(w.cfg.WatchFiles, name) {
		return true
	}
	if isTemporary(name) {
		return false
	}
	if slices.Contains(w.cfg.WatchDirectories, segments[0]) {
		return true
	}
	for i, s := range segments {
		switch {
		case ignoredFolders[s]:
			return false
		case s != modulesFolder, i == len(segments)-1:
		default:
			// Only packages that come or go, not what is in them.
			return i == len(segments)-2 && !written && !strings.HasPrefix(name, ".")
		}
	}
	if isByproduct(name) || isTypeScript(name) && fileExists(filepath.Join(w.cfg.Root, "tsconfig.json")) {
		return false // what is made of it counts
	}
	return !isOutput(name)
}

// isWatchLimit reports whether the system refuses further watches.
func isWatchLimit(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EMFILE)
}
