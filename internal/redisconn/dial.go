package redisconn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	firstPause  = 50 * time.Millisecond
	longestWait = time.Second
	// attemptTimeout bounds one attempt: a server that accepts connections but says nothing must not use up all the time.
	attemptTimeout = 3 * time.Second
	// repeatLog is how often an unchanged cause is logged again.
	repeatLog = 5 * time.Second
)

// Dial returns a client whose server has answered. It tries for the duration wait while the server is unreachable or loading its data, and logs address
// and cause; what will not get better by itself (wrong password, no permission, a certificate that does not hold) is returned at
// once. With wait zero or less it tries once.
func Dial(ctx context.Context, options *redis.Options, wait time.Duration, logger *slog.Logger) (*redis.Client, error) {
	probe := *options
	probe.MaxRetries, probe.DialerRetries, probe.PoolSize, probe.MinIdleConns, probe.PipelinePoolSize = -1, 1, 2, 0, -1
	began := time.Now()
	if wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, began.Add(wait))
		defer cancel()
	}
	var logged time.Time
	var last error
	for delay := firstPause; ; delay = min(2*delay, longestWait) {
		err := ping(ctx, &probe)
		if err == nil {
			return redis.NewClient(options), nil
		}
		if hint := permanent(err); hint != "" {
			return nil, fmt.Errorf("Redis at %s: %s: %w", options.Addr, hint, err)
		}
		if ctx.Err() == nil || last == nil {
			if last == nil || last.Error() != err.Error() || time.Since(logged) > repeatLog {
				logged = time.Now()
				logger.Warn("Redis is not reachable, trying on", "address", options.Addr, "error", err, "for", (wait - time.Since(began)).Round(time.Second))
			}
			last = err
		}
		t := time.NewTimer(delay)
		select {
		case <-t.C:
			if wait > 0 {
				continue
			}
		case <-ctx.Done():
			t.Stop()
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, fmt.Errorf("connecting to Redis at %s: %w (last: %w)", options.Addr, context.Cause(ctx), last)
		}
		hint := ""
		if options.TLSConfig != nil && errors.Is(last, context.DeadlineExceeded) {
			hint = "; does it speak TLS on this port?"
		}
		return nil, fmt.Errorf("Redis at %s cannot be reached (tried for %s%s): %w", options.Addr, time.Since(began).Round(time.Millisecond), hint, last)
	}
}

// ping makes one attempt with a client of its own: one that had failed more often would go on dialing by itself.
func ping(ctx context.Context, options *redis.Options) error {
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return client.Ping(ctx).Err()
}

// permanent returns what to do about an error that does not pass by itself, "" for all others.
func permanent(err error) string {
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	text := err.Error()
	switch {
	case redis.IsAuthError(err), strings.Contains(text, "WRONGPASS"), strings.Contains(text, "NOAUTH"), strings.Contains(text, "invalid password"),
		strings.Contains(text, "AUTH failed"), strings.Contains(text, "without any password configured"):
		return "it refuses the user name or password of the connection string"
	case redis.IsPermissionError(err), strings.Contains(text, "NOPERM"):
		return "the user of the connection string may not use it"
	case errors.As(err, &record):
		return "it does not speak TLS on this port, use redis:// instead of rediss://"
	case errors.As(err, &certificate), errors.As(err, &authority):
		return "its certificate is not trusted"
	case strings.Contains(text, "DB index is out of range"), strings.Contains(text, "invalid DB index"):
		return "it does not have the database of the connection string"
	}
	return ""
}
