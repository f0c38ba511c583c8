// Package keys holds the keys that callers show when authorization is on: the master key, host keys that open all functions, keys of
// single functions, and system keys of extensions. They live in one JSON file that only its owner can read.
package keys

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
)

// The names of keys that the host makes itself.
const (
	// MasterName is the name of the master key among the system keys.
	MasterName = "_master"
	// DefaultName is the name of the first host key, and of the first key of each function.
	DefaultName = "default"
	// DurableName is the name of the system key of the durable HTTP API.
	DurableName = "durabletask_extension"
)

// The errors that callers tell apart.
var (
	// ErrNotFound means that there is no key of that name.
	ErrNotFound = errors.New("there is no such key")
	// ErrMaster means that the master key was to be deleted, or set in a place where it is not.
	ErrMaster = errors.New("the master key cannot be deleted")
	// ErrInvalid means that the name or the value of a key cannot be used.
	ErrInvalid = errors.New("invalid key")
)

// Level is what a presented key allows.
type Level int

// The levels, from nothing to everything.
const (
	Anonymous Level = iota
	Function        // the function's own key, or a host key
	System          // a key of an extension
	Admin           // the master key
)

func (l Level) String() string {
	switch l {
	case Function:
		return "function"
	case System:
		return "system"
	case Admin:
		return "admin"
	case Anonymous:
	}
	return "anonymous"
}

// Satisfies reports whether the level is enough for what a function asks for in authLevel. Admin is enough for all; the other levels
// stand beside each other, so that a system key opens no function (azure-functions-host AuthUtility.cs).
func (l Level) Satisfies(required string) bool {
	return strings.EqualFold(required, "anonymous") || l == Admin || l != Anonymous && strings.EqualFold(required, l.String())
}

// FromRequest returns the key that a request presents: the header x-functions-key, else the query parameter code; "" when there is none
// (azure-functions-host AuthenticationLevelHandler.cs:89-104).
func FromRequest(r *http.Request) string {
	if values := r.Header.Values("X-Functions-Key"); len(values) > 0 {
		return values[0]
	}
	return r.URL.Query().Get("code")
}

// keyBytes is the number of random bytes in a generated key.
const keyBytes = 40

// generate returns a new key: random bytes in URL-safe base64.
func generate() string {
	b := make([]byte, keyBytes)
	rand.Read(b) // never fails
	return base64.URLEncoding.EncodeToString(b)
}

// equal compares two keys in a time that depends on neither.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
