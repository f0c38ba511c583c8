package settings

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func try(t *testing.T, text string, environ ...string) (*Settings, []Warning, error) {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, FileName), []byte(text), 0o600))
	return Load(root, environ)
}

func TestLoad(t *testing.T) {
	t.Parallel()
	s, warnings, err := try(t, "\xef\xbb\xbf"+`{
		"IsEncrypted": false, // plain
		"Values": {"FUNCTIONS_WORKER_RUNTIME": "node", "Taken": "file", "Empty": ""},
		"Host": {"LocalHttpPort": "7072", "LocalHttpAddress": "127.0.0.2", "CORS": "http://a, http://b", "CORSCredentials": true},
		"ConnectionStrings": {"Sql": "server=x", "Long": {"ConnectionString": "y", "ProviderName": "z"}},
	}`, "Taken=env", "PATH=/bin", "broken", "Section__Key=nested")
	require.NoError(t, err)
	require.Equal(t, []Warning{"Skipping 'Taken' from local settings as it's already defined in current environment variables."}, warnings)
	require.Equal(t, Host{LocalHTTPPort: 7072, LocalHTTPAddress: "127.0.0.2", CORS: []string{"http://a", "http://b"}, CORSCredentials: true}, s.Host)
	require.Equal(t, map[string]string{"Sql": "server=x", "Long": "y"}, s.ConnectionStrings)
	require.Equal(t, []string{"Taken=env", "PATH=/bin", "Section__Key=nested", "ConnectionStrings:Long=y", "ConnectionStrings:Sql=server=x", "Empty=",
		"FUNCTIONS_WORKER_RUNTIME=node"}, s.Environ())
	for name, want := range map[string]string{
		"Taken": "env", "functions_worker_runtime": "node", "Empty": "", "ConnectionStrings:Sql": "server=x", "Section:Key": "nested", "section:key": "nested",
	} {
		got, ok := s.Lookup(name)
		require.True(t, ok, name)
		require.Equal(t, want, got, name)
	}
	for _, name := range []string{"", "nope", "broken"} {
		_, ok := s.Lookup(name)
		require.False(t, ok, name)
	}
}

func TestLoadWithoutFile(t *testing.T) {
	t.Parallel()
	s, warnings, err := Load(t.TempDir(), []string{"A=1"})
	require.NoError(t, err)
	require.Empty(t, warnings)
	v, ok := s.Lookup("A")
	require.True(t, ok)
	require.Equal(t, "1", v)
}

func TestLoadKeepsWhatIsGood(t *testing.T) {
	t.Parallel()
	s, warnings, err := try(t, `{"Vals": {}, "Values": {
"Good": "yes",
"Number": 5,
"Bool": true,
"Null": null,
"Nested": {"password": "secret"},
"List": ["secret"],
"": "no name",
"A=B": "x",
"Nul": "a\u0000b",
"Good": "again"
}, "Host": {"LocalHttpPrt": 1}, "ConnectionStrings": {"Bad": 5}}`)
	require.NoError(t, err)
	require.Equal(t, []Warning{
		`local.settings.json:11:1: the key "Good" is given twice, first in line 2; the last one counts`,
		`local.settings.json:1:2: unknown key Vals (did you mean "Values"?)`,
		`local.settings.json:3:11: Values.Number is a number, expected a string; its text is taken`,
		`local.settings.json:4:9: Values.Bool is true or false, expected a string; its text is taken`,
		`local.settings.json:5:9: Values.Null is null, expected a string; it is left out`,
		`local.settings.json:6:11: Values.Nested is an object, expected a string; it is left out`,
		`local.settings.json:7:9: Values.List is an array, expected a string; it is left out`,
		`local.settings.json:8:5: a setting with an empty name is left out`,
		`local.settings.json:9:8: the setting "A=B" is left out, a name cannot contain "=" or a NUL`,
		`local.settings.json:10:8: Values.Nul is left out, a value cannot contain a NUL`,
		`local.settings.json:12:62: ConnectionStrings.Bad is a number, expected a string; its text is taken`,
		`local.settings.json:12:13: unknown key Host.LocalHttpPrt (did you mean "LocalHttpPort"?)`,
	}, warnings)
	require.Equal(t, map[string]string{"Good": "again", "Number": "5", "Bool": "true", "ConnectionStrings:Bad": "5"}, s.Values)
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"encrypted": {`{"IsEncrypted": true, "Values": {}}`, `local.settings.json:1:17: IsEncrypted is true: the values are encrypted with a key of the ` +
			`machine that wrote the file, which only the original tool can read. Decrypt the file with "func settings decrypt", or write the ` +
			`values in plain text and set IsEncrypted to false`},
		"encrypted, perhaps": {`{"IsEncrypted": "perhaps"}`, `local.settings.json:1:17: IsEncrypted is "perhaps", expected true or false`},
		"syntax":             {"{\"Values\": {\n\"Password\" \"secret\"}}", `local.settings.json:2:12: syntax error: found a string, expected ':' after the key`},
		"bad path":           {`{"Values": {"Path": "C:\secret"}}`, `local.settings.json:1:24: syntax error: invalid escape in a string, write a backslash as '\\'`},
		"no object":          {`"x"`, `local.settings.json:1:1: the value is "x", expected an object`},
		"values":             {`{"Values": []}`, `local.settings.json:1:12: Values is [], expected an object with strings as values`},
		"connection strings": {`{"ConnectionStrings": true}`, `local.settings.json:1:23: ConnectionStrings is true, expected an object with strings as values`},
		"host":               {`{"Host": "x"}`, `local.settings.json:1:10: Host is "x", expected an object`},
		"port":               {`{"Host": {"LocalHttpPort": 70000}}`, `local.settings.json:1:28: Host.LocalHttpPort is 70000, expected a whole number from 0 to 65535`},
		"address":            {`{"Host": {"LocalHttpAddress": 1}}`, `local.settings.json:1:31: Host.LocalHttpAddress is 1, expected a string`},
		"CORS":               {`{"Host": {"CORS": ["*"]}}`, `local.settings.json:1:19: Host.CORS is ["*"], expected a string`},
		"credentials":        {`{"Host": {"CORSCredentials": "x"}}`, `local.settings.json:1:30: Host.CORSCredentials is "x", expected true or false`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, err := try(t, tt.text)
			require.Nil(t, s)
			require.EqualError(t, err, tt.want)
		})
	}
}
