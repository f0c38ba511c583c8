package redisconn

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

const forms = "expected redis://[user:password@]host[:port][/db], rediss://... for TLS, unix://[user:password@]/path/to/socket[?db=n] or host:port,password=...,ssl=true"

// errEscape is what is wrong with most URLs that hold a password. It quotes nothing, for any part may be part of the password.
var errEscape = errors.New(`it is no valid URL; in user name and password, write "@" as %40, "/" as %2F, "#" as %23, "?" as %3F, ":" as %3A and "%" as %25`)

// Parse reads a connection string: redis://, rediss:// (TLS) or unix:// with the query parameters of go-redis, or the
// "host:port,password=...,ssl=true,user=...,defaultDatabase=n" form of StackExchange.Redis that the Redis bindings' settings hold. Its
// errors quote nothing that could be part of a password.
func Parse(s string) (*redis.Options, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, errors.New("the Redis connection string is empty: " + forms)
	}
	scheme, _, isURL := strings.Cut(s, "://")
	var o *redis.Options
	var err error
	switch {
	case !isURL || strings.ContainsAny(scheme, ",=@ "):
		o, err = parseStackExchange(s)
	case strings.EqualFold(scheme, "unix"):
		o, err = parseUnix(s)
	case strings.EqualFold(scheme, "redis"), strings.EqualFold(scheme, "rediss"):
		o, err = parseTCP(s)
	default:
		err = fmt.Errorf("the scheme %q is unknown: %s", scheme, forms)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the Redis connection string: %w", err)
	}
	return withDefaults(o), nil
}

func parseTCP(s string) (*redis.Options, error) {
	u, err := url.Parse(s)
	if err != nil || strings.Contains(u.Path+u.RawQuery+u.Fragment, "@") || u.Opaque != "" {
		return nil, errEscape
	}
	if u.Fragment != "" {
		return nil, errors.New(`it has a part behind "#", which means nothing here; in a password, write "#" as %23`)
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, fmt.Errorf("the port %q is none, expected 1 to 65535", port)
		}
	}
	if db := strings.Trim(u.Path, "/"); db != "" {
		if err := checkDB(db); err != nil {
			return nil, err
		}
	}
	return parseParams(u)
}

func parseUnix(s string) (*redis.Options, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errEscape
	case u.Host != "":
		return nil, errors.New("it has a host, which a unix socket has not: expected unix:///path/to/socket or unix://user:password@/path/to/socket, with the path absolute")
	case strings.Trim(u.Path, "/") == "":
		return nil, errors.New("it has no path: expected unix:///path/to/socket")
	case strings.Contains(u.RawQuery, "@"), u.Fragment != "":
		return nil, errEscape
	}
	return parseParams(u)
}

// parseParams lets go-redis read the URL, whose parts have been checked, with its parameters.
func parseParams(u *url.URL) (*redis.Options, error) {
	if db := u.Query().Get("db"); db != "" {
		if err := checkDB(db); err != nil {
			return nil, err
		}
	}
	o, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "redis: "))
	}
	return o, nil
}

func checkDB(db string) error {
	if n, err := strconv.Atoi(db); err != nil || n < 0 {
		return fmt.Errorf("the database %q is none, expected a number from 0", db)
	}
	return nil
}

// Redact returns a connection string fit for a log: what is or may be a password is replaced by "***".
func Redact(s string) string {
	s = strings.TrimSpace(s)
	scheme, rest, isURL := strings.Cut(s, "://")
	if !isURL || strings.ContainsAny(scheme, ",=@ ") {
		return redactStackExchange(s)
	}
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		if u, err := url.Parse(s); err == nil && u.Fragment == "" {
			return u.Redacted()
		}
		return scheme + "://***"
	}
	tail := rest[at+1:]
	userinfo := "***"
	if user, _, found := strings.Cut(rest[:at], ":"); found && !strings.ContainsAny(rest[:at], "/?#@") {
		userinfo = user + ":***"
	}
	return scheme + "://" + userinfo + "@" + tail
}
