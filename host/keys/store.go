package keys

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
)

// Scope says which keys are meant: HostKeys, SystemKeys, or those of one function.
type Scope struct {
	system   bool
	function string
}

// The scopes of a whole host.
var (
	HostKeys   = Scope{}
	SystemKeys = Scope{system: true}
)

// FunctionKeys returns the scope of one function's keys. Names of functions compare case-insensitively.
func FunctionKeys(function string) Scope { return Scope{function: function} }

// Key is a key with its name.
type Key struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// The limits of keys that callers choose.
const (
	maxNameLength  = 128
	maxValueLength = 1024
)

// Store is the keys of one app. It is safe for concurrent use. What another process or an editor changes in the file is in effect at the
// next look at it; of two changes by two processes at the same instant the later one stays.
type Store struct {
	path string

	mu    sync.Mutex
	data  *contents
	stamp os.FileInfo // of the file that data was read from
}

// Open reads the keys in the file at path. A file that does not exist is made, with a master key and a host key, readable by its owner
// only, and so is its folder. A file that others can read, and one that cannot be understood, is refused.
func Open(path string) (*Store, error) {
	s := &Store{path: path}
	if err := s.create(); err != nil {
		return nil, fmt.Errorf("creating the key file %s: %w", path, err)
	}
	if err := s.reload(); err != nil {
		return nil, err
	}
	return s, nil
}

// Path returns the path of the file.
func (s *Store) Path() string { return s.path }

// Level returns what a presented key allows for a function; function "" asks about none in particular. The order is that of
// azure-functions-host SecretManager.cs:544-575: master key, system keys, host keys, the function's own keys.
func (s *Store) Level(presented, function string) Level {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	if presented == "" {
		return Anonymous
	}
	// Every key is compared, so that the time does not tell which one was near.
	level := Anonymous
	raise := func(keys []Key, to Level) {
		for _, k := range keys {
			if equal(k.Value, presented) && to > level {
				level = to
			}
		}
	}
	raise([]Key{{Value: s.data.MasterKey}}, Admin)
	raise(s.data.SystemKeys, System)
	raise(s.data.HostKeys, Function)
	if keys := s.data.keys(FunctionKeys(function)); function != "" && keys != nil {
		raise(*keys, Function)
	}
	return level
}

// Allows reports whether the request's key is enough for the level that a function asks for: anonymous, function, system or admin. It
// is what httptrigger.Options.Authorize needs.
func (s *Store) Allows(r *http.Request, function, level string) bool {
	return s.Level(FromRequest(r), function).Satisfies(level)
}

// Master returns the master key.
func (s *Store) Master() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	return s.data.MasterKey
}

// List returns the keys of a scope in the order of their names. The first list of a function's keys makes one called "default". The
// master key is not listed.
func (s *Store) List(scope Scope) ([]Key, error) {
	var list []Key
	err := s.change(func(c *contents) (bool, error) {
		changed := false
		keys := c.keys(scope)
		if keys == nil {
			keys = c.declare(scope)
			*keys = []Key{{Name: DefaultName, Value: generate()}}
			changed = true
		}
		list = slices.Clone(*keys)
		return changed, nil
	})
	slices.SortFunc(list, func(a, b Key) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return list, err
}

// Get returns the key called name (case-insensitive); ErrNotFound when there is none. Of the system keys "_master" is the master key.
func (s *Store) Get(scope Scope, name string) (Key, error) {
	if scope.system && strings.EqualFold(name, MasterName) {
		return Key{Name: MasterName, Value: s.Master()}, nil
	}
	list, err := s.List(scope)
	if err != nil {
		return Key{}, err
	}
	if i := find(list, name); i >= 0 {
		return list[i], nil
	}
	return Key{}, fmt.Errorf("key %q: %w", name, ErrNotFound)
}

// Ensure returns the key called name, which it makes when there is none: extensions get their system keys so.
func (s *Store) Ensure(scope Scope, name string) (Key, error) {
	var key Key
	err := s.change(func(c *contents) (bool, error) {
		keys := c.declare(scope)
		if i := find(*keys, name); i >= 0 {
			key = (*keys)[i]
			return false, nil
		}
		key = Key{Name: name, Value: generate()}
		*keys = append(*keys, key)
		return true, nil
	})
	return key, err
}

// Generate gives the key called name a new random value; created tells whether there was none before.
func (s *Store) Generate(scope Scope, name string) (key Key, created bool, err error) {
	return s.Set(scope, name, generate())
}

// Set gives the key called name a value; created tells whether there was none before. The error is ErrInvalid for a name or a value that
// cannot be used.
func (s *Store) Set(scope Scope, name, value string) (key Key, created bool, err error) {
	if err := check(name, value); err != nil {
		return Key{}, false, err
	}
	err = s.change(func(c *contents) (bool, error) {
		if strings.EqualFold(name, MasterName) {
			if !scope.system {
				return false, fmt.Errorf("key %q: %w: the name is that of the master key, which is a system key", name, ErrInvalid)
			}
			key, c.MasterKey = Key{Name: MasterName, Value: value}, value
			return true, nil
		}
		keys := c.declare(scope)
		if i := find(*keys, name); i >= 0 {
			(*keys)[i].Value = value
			key = (*keys)[i]
			return true, nil
		}
		key, created = Key{Name: name, Value: value}, true
		*keys = append(*keys, key)
		return true, nil
	})
	return key, created, err
}

// Delete removes the key called name; ErrNotFound when there is none, ErrMaster for the master key.
func (s *Store) Delete(scope Scope, name string) error {
	if strings.EqualFold(name, MasterName) {
		return ErrMaster
	}
	return s.change(func(c *contents) (bool, error) {
		keys := c.keys(scope)
		if keys == nil {
			return false, fmt.Errorf("key %q: %w", name, ErrNotFound)
		}
		i := find(*keys, name)
		if i < 0 {
			return false, fmt.Errorf("key %q: %w", name, ErrNotFound)
		}
		*keys = slices.Delete(*keys, i, i+1)
		return true, nil
	})
}

// change runs f on a copy of the newest contents and writes it when f says that it has changed.
func (s *Store) change(f func(c *contents) (changed bool, err error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.reloadIfChanged(); err != nil {
		return err // not written over: somebody may be mending it
	}
	next := s.data.clone()
	changed, err := f(next)
	if err != nil || !changed {
		return err
	}
	if err := s.write(next); err != nil {
		return fmt.Errorf("writing the key file %s: %w", s.path, err)
	}
	return nil
}

func find(keys []Key, name string) int {
	return slices.IndexFunc(keys, func(k Key) bool { return strings.EqualFold(k.Name, name) })
}

func check(name, value string) error {
	switch {
	case name == "" || len(name) > maxNameLength:
		return fmt.Errorf("%w: the name must have 1 to %d characters", ErrInvalid, maxNameLength)
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '/' || r == 0x7f }):
		return fmt.Errorf("%w: the name must not contain blanks, control characters or slashes", ErrInvalid)
	case value == "" || len(value) > maxValueLength:
		return fmt.Errorf("%w: the value must have 1 to %d characters", ErrInvalid, maxValueLength)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("%w: the value must not contain control characters", ErrInvalid)
	}
	return nil
}
