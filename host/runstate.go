package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
)

// stateDir is the host's own folder in an app's folder.
const stateDir = ".durango"

// RunState tells where the host of an app runs. It is kept in the file .durango/host.json while the host runs.
type RunState struct {
	URL string `json:"url"`
	PID int    `json:"pid"`
}

func runStateFile(root string) string { return filepath.Join(root, stateDir, "host.json") }

// ReadRunState returns where the host of the app in root runs, as it has written. The error is os.ErrNotExist when none runs. A host
// that was killed leaves its file behind: what it says may be out of date.
func ReadRunState(root string) (RunState, error) {
	var s RunState
	file := runStateFile(root)
	raw, err := os.ReadFile(file)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(raw, &s); err != nil || s.URL == "" {
		return s, fmt.Errorf("%s is damaged: expected an object with url and pid", file)
	}
	return s, nil
}

// writeState tells durango run where this host is. It is no failure of the host when that does not work.
func (h *Host) writeState() {
	if h.root == "" || h.listener == nil {
		return
	}
	raw, err := json.Marshal(RunState{URL: h.URL(), PID: os.Getpid()})
	if err == nil {
		err = os.MkdirAll(filepath.Join(h.root, stateDir), 0o700)
	}
	if err == nil {
		err = replaceFile(runStateFile(h.root), raw)
	}
	if err != nil {
		h.logger.Warn("durango run will not find this host by itself", "error", err)
	}
}

// removeState removes the file, unless another host on the same folder has written it since.
func (h *Host) removeState() {
	if h.root == "" || h.listener == nil {
		return
	}
	s, err := ReadRunState(h.root)
	if err != nil || s.PID != os.Getpid() || s.URL != h.URL() {
		return
	}
	if err := os.Remove(runStateFile(h.root)); err != nil && !errors.Is(err, os.ErrNotExist) {
		h.logger.Debug("removing the file that names this host", "error", err)
	}
}

// hostID names an app on a machine, as the original does (azure-functions-host ScriptHostIdProvider.cs): at most 32 characters.
func hostID(computer, root string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(computer))
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(root)) // never fails
	return fmt.Sprintf("%s-%d", name[:min(len(name), 21)], hash.Sum32())
}

// replaceFile writes a file in one step.
func replaceFile(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(content)
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
