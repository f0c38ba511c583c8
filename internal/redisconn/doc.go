// Package redisconn reads Redis connection strings, connects with patience, and finds out what a server will survive. Nothing it
// returns or logs shows a password.
package redisconn

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// ClientName is the name under which a host's connections appear in CLIENT LIST: "durango/" and the host's id.
func ClientName(hostID string) string {
	// Redis takes printable ASCII without spaces.
	return "durango/" + strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '-'
		}
		return r
	}, hostID)
}

// LogTo sends what go-redis itself says (reconnects, mostly, that callers get as errors as well) to logger at debug level, for the whole
// process.
func LogTo(logger *slog.Logger) { redis.SetLogger(logTo{logger}) }

type logTo struct{ logger *slog.Logger }

func (l logTo) Printf(ctx context.Context, format string, args ...any) {
	l.logger.DebugContext(ctx, fmt.Sprintf(format, args...))
}

// withDefaults sets what all our connections have in common.
func withDefaults(o *redis.Options) *redis.Options {
	o.ContextTimeoutEnabled = true // a context's deadline counts, not only the client's timeouts
	o.DisableIdentity = true       // saves a command per connection; ClientName says who we are
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return o
}
