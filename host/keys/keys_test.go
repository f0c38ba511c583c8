package keys_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/host/keys"
)

func open(t *testing.T) *keys.Store {
	t.Helper()
	s, err := keys.Open(filepath.Join(t.TempDir(), "secrets", "keys.json"))
	require.NoError(t, err)
	return s
}

func TestCreate(t *testing.T) {
	t.Parallel()
	s := open(t)
	info, err := os.Stat(s.Path())
	require.NoError(t, err)
	dir, err := os.Stat(filepath.Dir(s.Path()))
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		require.Equal(t, os.FileMode(0o700), dir.Mode().Perm())
	}
	require.Len(t, s.Master(), 56) // 40 bytes in base64
	require.Regexp(t, `^[A-Za-z0-9_-]+=*$`, s.Master())
	host, err := s.Get(keys.HostKeys, "default")
	require.NoError(t, err)
	require.NotEqual(t, s.Master(), host.Value)

	again, err := keys.Open(s.Path())
	require.NoError(t, err)
	require.Equal(t, s.Master(), again.Master())
	files, err := os.ReadDir(filepath.Dir(s.Path()))
	require.NoError(t, err)
	require.Len(t, files, 1, "temporary files must be gone")
}

// TestLevels is the matrix of keys and what they open.
func TestLevels(t *testing.T) {
	t.Parallel()
	s := open(t)
	host, err := s.Get(keys.HostKeys, "default")
	require.NoError(t, err)
	own, err := s.Get(keys.FunctionKeys("Hello"), "default")
	require.NoError(t, err)
	other, err := s.Get(keys.FunctionKeys("Other"), "default")
	require.NoError(t, err)
	system, err := s.Ensure(keys.SystemKeys, keys.DurableName)
	require.NoError(t, err)
	for _, c := range []struct {
		name, key string
		level     keys.Level
		opens     map[string]bool // anonymous, function, system, admin
	}{
		{"none", "", keys.Anonymous, map[string]bool{"anonymous": true}},
		{"wrong", "wrong", keys.Anonymous, map[string]bool{"anonymous": true}},
		{"other function's", other.Value, keys.Anonymous, map[string]bool{"anonymous": true}},
		{"own", own.Value, keys.Function, map[string]bool{"anonymous": true, "function": true}},
		{"host", host.Value, keys.Function, map[string]bool{"anonymous": true, "Function": true}},
		{"system", system.Value, keys.System, map[string]bool{"anonymous": true, "system": true}},
		{"master", s.Master(), keys.Admin, map[string]bool{"anonymous": true, "function": true, "system": true, "admin": true, "user": true}},
	} {
		require.Equal(t, c.level, s.Level(c.key, "hello"), c.name)
		for _, required := range []string{"anonymous", "function", "system", "admin", "user"} {
			want := c.opens[required] || required == "function" && c.opens["Function"]
			r := httptest.NewRequest("GET", "/x", nil)
			r.Header.Set("X-Functions-Key", c.key)
			require.Equal(t, want, s.Allows(r, "HELLO", required), "%s key for level %s", c.name, required)
		}
	}
	require.Equal(t, keys.Anonymous, s.Level(own.Value, ""))

	// A key that is there twice has the higher level.
	_, _, err = s.Set(keys.HostKeys, "copy", s.Master())
	require.NoError(t, err)
	require.Equal(t, keys.Admin, s.Level(s.Master(), "hello"))
}

func TestFromRequest(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/x?code=query", nil)
	require.Equal(t, "query", keys.FromRequest(r))
	r.Header.Set("x-functions-key", "header")
	require.Equal(t, "header", keys.FromRequest(r))
	r.Header.Set("x-functions-key", "")
	require.Equal(t, "", keys.FromRequest(r), "the header wins even when it is empty")
	require.Equal(t, "", keys.FromRequest(httptest.NewRequest("GET", "/x", nil)))
}

func TestChange(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, scope := range []keys.Scope{keys.HostKeys, keys.SystemKeys, keys.FunctionKeys("f")} {
		key, created, err := s.Generate(scope, "One")
		require.NoError(t, err)
		require.True(t, created)
		again, created, err := s.Generate(scope, "one")
		require.NoError(t, err)
		require.False(t, created)
		require.Equal(t, "One", again.Name)
		require.NotEqual(t, key.Value, again.Value)
		same, err := s.Ensure(scope, "ONE")
		require.NoError(t, err)
		require.Equal(t, again, same)
		_, _, err = s.Set(scope, "one", "chosen")
		require.NoError(t, err)

		reopened, err := keys.Open(s.Path())
		require.NoError(t, err)
		got, err := reopened.Get(scope, "one")
		require.NoError(t, err)
		require.Equal(t, "chosen", got.Value)

		require.NoError(t, s.Delete(scope, "oNE"))
		_, err = s.Get(scope, "one")
		require.ErrorIs(t, err, keys.ErrNotFound)
		require.ErrorIs(t, s.Delete(scope, "one"), keys.ErrNotFound)
		require.ErrorIs(t, s.Delete(scope, "_master"), keys.ErrMaster)
	}
	require.ErrorIs(t, s.Delete(keys.FunctionKeys("none"), "x"), keys.ErrNotFound)

	// A function has a default key from the first look; once all are deleted, it stays without.
	list, err := s.List(keys.FunctionKeys("G"))
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "default", list[0].Name)
	require.NoError(t, s.Delete(keys.FunctionKeys("g"), "default"))
	list, err = s.List(keys.FunctionKeys("g"))
	require.NoError(t, err)
	require.Empty(t, list)

	list, err = s.List(keys.SystemKeys)
	require.NoError(t, err)
	require.Empty(t, list, "the master key is not listed")
}

func TestMaster(t *testing.T) {
	t.Parallel()
	s := open(t)
	old := s.Master()
	got, err := s.Get(keys.SystemKeys, "_MASTER")
	require.NoError(t, err)
	require.Equal(t, old, got.Value)
	key, created, err := s.Generate(keys.SystemKeys, "_master")
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, key.Value, s.Master())
	require.Equal(t, keys.Anonymous, s.Level(old, ""))
	require.Equal(t, keys.Admin, s.Level(key.Value, ""))
	_, _, err = s.Set(keys.HostKeys, "_master", "x")
	require.ErrorIs(t, err, keys.ErrInvalid)
}

func TestInvalid(t *testing.T) {
	t.Parallel()
	s := open(t)
	long := string(make([]byte, 2000))
	for _, c := range [][2]string{{"", "v"}, {"a b", "v"}, {"a/b", "v"}, {"a\x00", "v"}, {long, "v"}, {"a", ""}, {"a", "x\ny"}, {"a", long}} {
		_, _, err := s.Set(keys.HostKeys, c[0], c[1])
		require.ErrorIs(t, err, keys.ErrInvalid, "%q", c[0])
	}
}

func TestBrokenFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ content, want string }{
		{"", "no valid JSON"},
		{"{\n\"masterKey\": \"m\",\n}", "line 3"},
		{`{"masterKey": 5}`, "masterKey has the wrong type, expected string"},
		{`{"hostKeys": []}`, `"masterKey" is missing`},
		{`{"masterKey": "m", "hostKeys": [{"name": "a"}]}`, "hostKeys[0]"},
		{`{"masterKey": "m", "systemKeys": [{"value": "secret"}]}`, "systemKeys[0]"},
		{`{"masterKey": "m", "functions": [{"keys": []}]}`, "functions[0]"},
		{`{"masterKey": "m", "functions": [{"function": "f", "keys": [{"name": "a", "value": ""}]}]}`, "functions[0].keys[0]"},
	} {
		path := filepath.Join(t.TempDir(), "keys.json")
		require.NoError(t, os.WriteFile(path, []byte(c.content), 0o600))
		_, err := keys.Open(path)
		require.ErrorContains(t, err, c.want)
		require.ErrorContains(t, err, path)
		require.NotContains(t, err.Error(), "secret")
	}
	_, err := keys.Open(t.TempDir())
	require.ErrorContains(t, err, "no regular file")
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = keys.Open(filepath.Join(file, "keys.json"))
	require.ErrorContains(t, err, "creating the key file")
}

func TestTooOpen(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no modes")
	}
	s := open(t)
	require.NoError(t, os.Chmod(s.Path(), 0o640))
	_, err := keys.Open(s.Path())
	require.ErrorContains(t, err, "can be read by others (mode 0640)")
	require.ErrorContains(t, err, "chmod 600")
}

// TestOutside changes the file behind the store's back.
func TestOutside(t *testing.T) {
	t.Parallel()
	s := open(t)
	other, err := keys.Open(s.Path())
	require.NoError(t, err)
	key, _, err := other.Generate(keys.HostKeys, "new")
	require.NoError(t, err)
	require.Equal(t, keys.Function, s.Level(key.Value, "f"))

	// While the file is broken, the known keys stay valid, and nothing is written over it.
	require.NoError(t, os.WriteFile(s.Path(), []byte("{half"), 0o600))
	require.Equal(t, keys.Function, s.Level(key.Value, "f"))
	_, _, err = s.Generate(keys.HostKeys, "x")
	require.ErrorContains(t, err, "no valid JSON")
	raw, err := os.ReadFile(s.Path())
	require.NoError(t, err)
	require.Equal(t, "{half", string(raw))

	require.NoError(t, os.WriteFile(s.Path(), []byte(`{"masterKey": "mended"}`), 0o600))
	require.Equal(t, keys.Admin, s.Level("mended", "f"))
}

// TestConcurrent opens and changes a store from many sides at once.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "keys.json")
	masters := make([]string, 8)
	var wg sync.WaitGroup
	for i := range masters {
		wg.Go(func() {
			if s, err := keys.Open(path); err == nil {
				masters[i] = s.Master()
			}
		})
	}
	wg.Wait()
	for _, m := range masters {
		require.NotEmpty(t, m)
		require.Equal(t, masters[0], m)
	}
	s, err := keys.Open(path)
	require.NoError(t, err)
	for i := range 8 {
		wg.Go(func() {
			_, _, _ = s.Generate(keys.HostKeys, string(rune('a'+i)))
			s.Level("x", "f")
		})
	}
	wg.Wait()
	list, err := s.List(keys.HostKeys)
	require.NoError(t, err)
	require.Len(t, list, 9)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, json.Valid(raw))
}
