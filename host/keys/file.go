package keys

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// contents is the form of the file.
type contents struct {
	MasterKey  string         `json:"masterKey"`
	HostKeys   []Key          `json:"hostKeys"`
	SystemKeys []Key          `json:"systemKeys"`
	Functions  []functionKeys `json:"functions"`
}

type functionKeys struct {
	Function string `json:"function"`
	Keys     []Key  `json:"keys"`
}

// keys returns the keys of a scope, nil for a function that has none yet.
func (c *contents) keys(scope Scope) *[]Key {
	switch {
	case scope.system:
		return &c.SystemKeys
	case scope.function == "":
		return &c.HostKeys
	}
	for i := range c.Functions {
		if strings.EqualFold(c.Functions[i].Function, scope.function) {
			return &c.Functions[i].Keys
		}
	}
	return nil
}

// declare returns the keys of a scope, an empty list for a function that has none yet.
func (c *contents) declare(scope Scope) *[]Key {
	if keys := c.keys(scope); keys != nil {
		return keys
	}
	c.Functions = append(c.Functions, functionKeys{Function: scope.function, Keys: []Key{}})
	return &c.Functions[len(c.Functions)-1].Keys
}

func (c *contents) clone() *contents {
	next := *c
	next.HostKeys, next.SystemKeys, next.Functions = slices.Clone(c.HostKeys), slices.Clone(c.SystemKeys), slices.Clone(c.Functions)
	for i := range next.Functions {
		next.Functions[i].Keys = slices.Clone(next.Functions[i].Keys)
	}
	return &next
}

// create makes the file when there is none. When several processes do so at once, the first one's keys stay.
func (s *Store) create() error {
	if _, err := os.Lstat(s.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	temp, err := s.temp(&contents{
		MasterKey: generate(), HostKeys: []Key{{Name: DefaultName, Value: generate()}}, SystemKeys: []Key{}, Functions: []functionKeys{},
	})
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	if err := os.Link(temp, s.path); err != nil && !errors.Is(err, fs.ErrExist) {
		if _, statErr := os.Lstat(s.path); statErr == nil {
			return nil
		}
		return os.Rename(temp, s.path) // a file system without hard links
	}
	return syncDir(filepath.Dir(s.path))
}

// write replaces the file and takes the new contents over.
func (s *Store) write(c *contents) error {
	temp, err := s.temp(c)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	info, err := os.Stat(temp)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, s.path); err != nil {
		return err
	}
	s.data, s.stamp = c, info
	return syncDir(filepath.Dir(s.path))
}

// temp writes the contents to a new file beside the store's, of mode 0600, and returns its path.
func (s *Store) temp(c *contents) (string, error) {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(s.path), ".keys-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// syncDir makes a new name in a folder durable. Where folders cannot be synced, as on Windows, there is nothing to do.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// refresh takes over a changed file. While it cannot be read, the keys known before stay valid.
func (s *Store) refresh() { _ = s.reloadIfChanged() }

func (s *Store) reloadIfChanged() error {
	info, err := os.Stat(s.path)
	if err != nil {
		return fmt.Errorf("reading the key file: %w", err)
	}
	if os.SameFile(info, s.stamp) && info.ModTime().Equal(s.stamp.ModTime()) && info.Size() == s.stamp.Size() && info.Mode() == s.stamp.Mode() {
		return nil
	}
	return s.reload()
}

// reload reads the file.
func (s *Store) reload() error {
	f, err := os.Open(s.path)
	if err != nil {
		return fmt.Errorf("reading the key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("reading the key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("the key file %s is no regular file", s.path)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return fmt.Errorf("the key file %s can be read by others (mode %04o): make it private with 'chmod 600 %s', and replace its keys "+
			"if somebody may have seen them", s.path, mode, s.path)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("reading the key file %s: %w", s.path, err)
	}
	c, err := parse(data)
	if err != nil {
		return fmt.Errorf("the key file %s cannot be used: %w. Mend it, or delete it to have new keys made", s.path, err)
	}
	s.data, s.stamp = c, info
	return nil
}

// parse reads the contents of a file. Its errors never repeat a value.
func parse(data []byte) (*contents, error) {
	c := &contents{}
	if err := json.Unmarshal(data, c); err != nil {
		var syntax *json.SyntaxError
		var typ *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			return nil, fmt.Errorf("line %d: it is no valid JSON", lineOf(data, syntax.Offset))
		case errors.As(err, &typ):
			return nil, fmt.Errorf("line %d: %s has the wrong type, expected %s", lineOf(data, typ.Offset), typ.Field, typ.Type.Kind())
		}
		return nil, errors.New("it is no valid JSON")
	}
	if c.MasterKey == "" {
		return nil, errors.New(`"masterKey" is missing or empty`)
	}
	lists := map[string][]Key{"hostKeys": c.HostKeys, "systemKeys": c.SystemKeys}
	for i, f := range c.Functions {
		if f.Function == "" {
			return nil, fmt.Errorf(`functions[%d]: "function" is missing or empty`, i)
		}
		lists[fmt.Sprintf("functions[%d].keys", i)] = f.Keys
	}
	for where, list := range lists {
		for i, k := range list {
			// An empty value would be the key of everybody who shows none.
			if k.Name == "" || k.Value == "" {
				return nil, fmt.Errorf(`%s[%d]: "name" and "value" must not be empty`, where, i)
			}
		}
	}
	return c, nil
}

func lineOf(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(int64(len(data)), max(0, offset))], []byte("\n"))
}
