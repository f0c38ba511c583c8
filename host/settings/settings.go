// Package settings gives the app settings of a host: the environment of the process, and below it the values of local.settings.json.
package settings

import (
	"slices"
	"strings"
)

// FileName is the name of the file in an app's folder.
const FileName = "local.settings.json"

// Warning is a sentence, with its place, about what is accepted but probably not meant.
type Warning string

// Settings are the app settings. They are read only and safe for concurrent use.
type Settings struct {
	// Values are the values of the file that are in effect: those that the environment does not define itself.
	Values map[string]string
	// ConnectionStrings are the connection strings of the file, by name.
	ConnectionStrings map[string]string
	// Host are the defaults of the command line that the file sets.
	Host Host

	environ []string
	index   map[string]string
}

// Host is the section Host of local.settings.json. Flags of the command line prevail.
type Host struct {
	// LocalHTTPPort is the port to listen on, 0 when the file names none.
	LocalHTTPPort int
	// LocalHTTPAddress is the address to listen on, "" when the file names none.
	LocalHTTPAddress string
	// CORS are the origins that may call from a browser, "*" for all; nil when the file names none.
	CORS []string
	// CORSCredentials allows such calls to carry credentials.
	CORSCredentials bool
}

// New returns the settings that environ ("NAME=value") holds, and those of values where environ has none.
func New(environ []string, values map[string]string) *Settings {
	s := &Settings{Values: map[string]string{}, ConnectionStrings: map[string]string{}, index: map[string]string{}}
	for _, v := range environ {
		if name, value, ok := strings.Cut(v, "="); ok && name != "" {
			s.index[name] = value
			s.environ = append(s.environ, v)
		}
	}
	for name, value := range values {
		s.add(name, value)
	}
	return s
}

// add sets a value unless the environment defines it; it reports whether it did.
func (s *Settings) add(name, value string) bool {
	if _, defined := s.index[name]; defined {
		return false
	}
	s.Values[name] = value
	s.index[name] = value
	return true
}

// Lookup returns the setting called name. A name with ":" is also found in the spelling of environment variables, with "__"; and when
// there is no setting spelled exactly so, one that differs only in case.
func (s *Settings) Lookup(name string) (string, bool) {
	if name == "" {
		return "", false
	}
	spellings := []string{name}
	if strings.Contains(name, ":") {
		spellings = append(spellings, strings.ReplaceAll(name, ":", "__"))
	}
	for _, n := range spellings {
		if v, ok := s.index[n]; ok {
			return v, true
		}
	}
	best := ""
	for k := range s.index {
		for _, n := range spellings {
			if strings.EqualFold(k, n) && (best == "" || k < best) {
				best = k
			}
		}
	}
	v, ok := s.index[best]
	return v, ok
}

// Environ returns the environment for a worker process: that of this process, the values of the file, and its connection strings as
// ConnectionStrings:<name>.
func (s *Settings) Environ() []string {
	out := slices.Clone(s.environ)
	names := make([]string, 0, len(s.Values)+len(s.ConnectionStrings))
	for n := range s.Values {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		out = append(out, n+"="+s.Values[n])
	}
	return out
}
