package taskhub

import (
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
	"strings"

	"github.com/redis/go-redis/v9"
)

// script is one Lua script; its file's head documents keys, arguments and replies.
type script struct {
	source string
	sha    string
}

func newScript(source string) *script {
	sum := sha1.Sum([]byte(source)) // the name that Redis gives a script
	return &script{source: source, sha: hex.EncodeToString(sum[:])}
}

var (
	//go:embed lua/heartbeat.lua
	heartbeatSource string
	//go:embed lua/acquire.lua
	acquireSource string
	//go:embed lua/open.lua
	openSource string
	//go:embed lua/load.lua
	loadSource string
	//go:embed lua/commit.lua
	commitSource string
	//go:embed lua/create.lua
	createSource string
	//go:embed lua/send.lua
	sendSource string
	//go:embed lua/purge.lua
	purgeSource string
	//go:embed lua/query.lua
	querySource string
	//go:embed lua/deliver.lua
	deliverSource string
	//go:embed lua/claim.lua
	claimSource string
	//go:embed lua/renew.lua
	renewSource string
	//go:embed lua/complete.lua
	completeSource string

	heartbeatScript = newScript(heartbeatSource)
	acquireScript   = newScript(acquireSource)
	openScript      = newScript(openSource)
	loadScript      = newScript(loadSource)
	commitScript    = newScript(commitSource)
	createScript    = newScript(createSource)
	sendScript      = newScript(sendSource)
	purgeScript     = newScript(purgeSource)
	queryScript     = newScript(querySource)
	deliverScript   = newScript(deliverSource)
	claimScript     = newScript(claimSource)
	renewScript     = newScript(renewSource)
	completeScript  = newScript(completeSource)

	allScripts = []*script{
		heartbeatScript, acquireScript, openScript, loadScript, commitScript, createScript, sendScript, purgeScript, queryScript,
		deliverScript, claimScript, renewScript, completeScript,
	}
)

// run calls one script, giving the server its source when it does not know it (a new or restarted server).
func (h *Hub) run(ctx context.Context, s *script, key string, args ...any) *redis.Cmd {
	cmd := h.client.EvalSha(ctx, s.sha, []string{key}, args...)
	if isNoScript(cmd.Err()) {
		return h.client.Eval(ctx, s.source, []string{key}, args...)
	}
	return cmd
}

// pipe is a call of a script in a pipeline.
type pipeCall struct {
	script *script
	key    string
	args   []any
}

// runAll calls scripts in one round trip and in order. A call that the server does not know is repeated with its source after the
// others; since the server forgets all scripts at once, that keeps the order too.
func (h *Hub) runAll(ctx context.Context, calls []pipeCall) ([]*redis.Cmd, error) {
	if len(calls) == 1 {
		c := calls[0]
		return []*redis.Cmd{h.run(ctx, c.script, c.key, c.args...)}, nil
	}
	cmds := make([]*redis.Cmd, len(calls))
	pipe := h.client.Pipeline()
	for i, c := range calls {
		cmds[i] = pipe.EvalSha(ctx, c.script.sha, []string{c.key}, c.args...)
	}
	_, _ = pipe.Exec(ctx) // each command carries its own error
	for i, c := range calls {
		if isNoScript(cmds[i].Err()) {
			cmds[i] = h.run(ctx, c.script, c.key, c.args...)
		}
	}
	return cmds, ctx.Err()
}

// loadScripts gives the server all scripts, so that the first calls need no second round trip.
func (h *Hub) loadScripts(ctx context.Context) error {
	pipe := h.client.Pipeline()
	for _, s := range allScripts {
		pipe.ScriptLoad(ctx, s.source)
	}
	_, err := pipe.Exec(ctx)
	return err
}

func isNoScript(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), "NOSCRIPT")
}
