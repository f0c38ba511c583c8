package timer

import (
	"context"
	_ "embed" // the scripts
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	//go:embed lua/head.lua
	headLua string
	//go:embed lua/plan.lua
	planLua string
	//go:embed lua/claim.lua
	claimLua string
	//go:embed lua/renew.lua
	renewLua string
	//go:embed lua/finish.lua
	finishLua string

	lookScript   = redis.NewScript(headLua + "return reply(1)")
	planScript   = redis.NewScript(headLua + planLua)
	claimScript  = redis.NewScript(headLua + claimLua)
	renewScript  = redis.NewScript(headLua + renewLua)
	finishScript = redis.NewScript(headLua + finishLua)
)

// recordKey is the HASH with the record of a function's timer.
func recordKey(hub, function string) string {
	return "{" + hub + "}:timer:" + strings.ToLower(function)
}

// redisStore is the record of a timer that all hosts share.
type redisStore struct {
	client redis.UniversalClient
	key    string
	clock  func() time.Time // nil: Redis's own
}

// run runs a script and reads its reply.
func (r *redisStore) run(ctx context.Context, script *redis.Script, args ...any) (bool, snapshot, error) {
	now := ""
	if r.clock != nil {
		now = strconv.FormatInt(r.clock().UnixMilli(), 10)
	}
	reply, err := script.Run(ctx, r.client, []string{r.key}, append([]any{now}, args...)...).Slice()
	if err != nil {
		return false, snapshot{}, fmt.Errorf("timer record %s: %w", r.key, err)
	}
	if len(reply) != 8 {
		return false, snapshot{}, fmt.Errorf("timer record %s: the script replied with %d values, expected 8", r.key, len(reply))
	}
	text := func(i int) string {
		s, _ := reply[i].(string) // a script's strings; anything else reads as none
		return s
	}
	s := snapshot{
		now: parseMilliseconds(text(1)), local: time.Now(), last: parseMilliseconds(text(2)), next: parseMilliseconds(text(3)),
		updated: parseMilliseconds(text(4)), schedule: text(5), owner: text(6), leaseEnd: parseMilliseconds(text(7)),
	}
	return reply[0] == int64(1), s, nil
}

func (r *redisStore) look(ctx context.Context) (snapshot, error) {
	_, s, err := r.run(ctx, lookScript)
	return s, err
}

func (r *redisStore) plan(ctx context.Context, expect time.Time, schedule string, next time.Time) (bool, snapshot, error) {
	return r.run(ctx, planScript, milliseconds(expect), schedule, milliseconds(next))
}

func (r *redisStore) claim(ctx context.Context, c claim) (bool, snapshot, error) {
	early := "0"
	if c.early {
		early = "1"
	}
	return r.run(ctx, claimScript, milliseconds(c.expect), c.owner, c.ttl.Milliseconds(), milliseconds(c.next), early)
}

func (r *redisStore) renew(ctx context.Context, owner string, ttl time.Duration) (bool, error) {
	done, _, err := r.run(ctx, renewScript, owner, ttl.Milliseconds())
	return done, err
}

func (r *redisStore) finish(ctx context.Context, owner string, next time.Time) (bool, snapshot, error) {
	return r.run(ctx, finishScript, owner, milliseconds(next))
}

func milliseconds(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

func parseMilliseconds(s string) time.Time {
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil || ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
