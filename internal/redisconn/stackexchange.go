package redisconn

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// stackExchangeKeys are the keys of StackExchange.Redis (docs/Configuration.md there), in lower case. Those without a meaning for us are
// accepted, so that existing settings work.
var stackExchangeKeys = map[string]func(p *stackExchange, value string) error{
	"password":        func(p *stackExchange, v string) error { p.options.Password = v; return nil },
	"user":            func(p *stackExchange, v string) error { p.options.Username = v; return nil },
	"name":            func(p *stackExchange, v string) error { p.options.ClientName = v; return nil },
	"sslhost":         func(p *stackExchange, v string) error { p.sslHost = v; return nil },
	"ssl":             func(p *stackExchange, v string) (err error) { p.ssl, err = boolean(v); return },
	"defaultdatabase": func(p *stackExchange, v string) (err error) { p.options.DB, err = number(v, 0); return },
	"connecttimeout":  func(p *stackExchange, v string) error { return milliseconds(v, &p.options.DialTimeout) },
	"synctimeout":     func(p *stackExchange, v string) error { return milliseconds(v, &p.options.ReadTimeout) },
	"asynctimeout":    func(*stackExchange, string) error { return nil },
	"servicename":     func(*stackExchange, string) error { return errors.New("Sentinel is not supported here yet") },
	"tunnel":          func(*stackExchange, string) error { return errors.New("tunnels are not supported") },
	"proxy":           ignored, "abortconnect": ignored, "allowadmin": ignored, "channelprefix": ignored, "checkcertificaterevocation": ignored,
	"connectretry": ignored, "configcheckseconds": ignored, "configchannel": ignored, "highintegrity": ignored, "keepalive": ignored,
	"heartbeatconsistencychecks": ignored, "protocol": ignored, "resolvedns": ignored, "setclientlibrary": ignored, "sslprotocols": ignored,
	"tiebreaker": ignored, "version": ignored, "writebuffer": ignored, "responsetimeout": ignored, "preserveasyncorder": ignored,
}

func ignored(*stackExchange, string) error { return nil }

// stackExchange collects what a connection string of StackExchange.Redis says.
type stackExchange struct {
	options redis.Options
	ssl     bool
	sslHost string
}

func parseStackExchange(s string) (*redis.Options, error) {
	p := &stackExchange{}
	address := ""
	for i, part := range strings.Split(s, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		key, value, found := strings.Cut(part, "=")
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		set := stackExchangeKeys[key]
		switch {
		case !found && i == 0:
			address = part
		case !found:
			return nil, fmt.Errorf("its part %d (the parts are separated by commas) is no key=value; only the first part is a host, for one server, and a password cannot hold a comma in this form: %s", i+1, forms)
		case set == nil:
			return nil, fmt.Errorf("its part %d (the parts are separated by commas) has an unknown key, expected one of %s", i+1, knownKeys())
		default:
			if err := set(p, value); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	if address == "" {
		return nil, errors.New("it has no host: " + forms)
	}
	return p.finish(address)
}

// finish sets what depends on several parts: the port's default and TLS.
func (p *stackExchange) finish(address string) (*redis.Options, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = strings.Trim(address, "[]"), "6379"
		if p.ssl {
			port = "6380"
		}
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || host == "" || strings.ContainsAny(host, "@/ ") {
		return nil, errors.New("its first part is no host:port: " + forms)
	}
	p.options.Network, p.options.Addr = "tcp", net.JoinHostPort(host, port)
	if p.ssl {
		name := p.sslHost
		if name == "" {
			name = host
		}
		p.options.TLSConfig = &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}
	}
	return &p.options, nil
}

func knownKeys() string {
	return "password, user, ssl, sslHost, defaultDatabase, name, connectTimeout, syncTimeout, or another one of StackExchange.Redis"
}

func boolean(v string) (bool, error) {
	switch strings.ToLower(v) {
	case "true", "yes":
		return true, nil
	case "false", "no":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", v)
}

func number(v string, least int) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < least {
		return 0, fmt.Errorf("%q is no number from %d", v, least)
	}
	return n, nil
}

func milliseconds(v string, d *time.Duration) error {
	n, err := number(v, 1)
	if err == nil {
		*d = time.Duration(n) * time.Millisecond
	}
	return err
}

func redactStackExchange(s string) string {
	parts := strings.Split(s, ",")
	for i, part := range parts {
		key, _, found := strings.Cut(part, "=")
		key = strings.TrimSpace(key)
		_, known := stackExchangeKeys[strings.ToLower(key)]
		switch {
		case i == 0 && !found && !strings.Contains(part, "@"):
		case strings.EqualFold(key, "password"):
			parts[i] = key + "=***"
		case !found || !known:
			parts[i] = "***" // perhaps the rest of a password with a comma
		}
	}
	return strings.Join(slices.Compact(parts), ",")
}
