package taskhub

import (
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"time"

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
	//go:embed lua/signal.lua
	signalSource string
	//go:embed lua/entities.lua
	entitiesSource string
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
	signalScript    = newScript(signalSource)
	entitiesScript  = newScript(entitiesSource)
	purgeScript     = newScript(purgeSource)
	queryScript     = newScript(querySource)
	deliverScript   = newScript(deliverSource)
	claimScript     = newScript(claimSource)
	renewScript     = newScript(renewSource)
	completeScript  = newScript(completeSource)

	allScripts = []*script{
		heartbeatScript, acquireScript, openScript, loadScript, commitScript, createScript, sendScript, purgeScript, queryScript,
		deliverScript, claimScript, renewScript, completeScript, signalScript, entitiesScript,
	}
)

// run calls one script, giving the server its source when it does not know it (a new or restarted server). A call that never left,
// because there was no connection, is tried again for a moment: the server may be restarting.
func (h *Hub) run(ctx context.Context, s *script, key string, args ...any) *redis.Cmd {
	return h.runWhile(ctx, neverLeft, s, key, args...)
}

// read is run for scripts that change nothing: they are tried again after any fault of the connection.
func (h *Hub) read(ctx context.Context, s *script, key string, args ...any) *redis.Cmd {
	return h.runWhile(ctx, isConnectionFault, s, key, args...)
}

func (h *Hub) runWhile(ctx context.Context, again func(error) bool, s *script, key string, args ...any) *redis.Cmd {
	r := retrier{}
	for {
		cmd := h.client.EvalSha(ctx, s.sha, []string{key}, args...)
		if isNoScript(cmd.Err()) {
			cmd = h.client.Eval(ctx, s.source, []string{key}, args...)
		}
		if !again(cmd.Err()) || !r.wait(ctx) {
			return cmd
		}
	}
}

// retrier spaces the repetitions of a call and ends them after some seconds, about as long as a server needs to restart.
type retrier struct{ since time.Time }

const (
	retryFor   = 3 * time.Second
	retryEvery = 50 * time.Millisecond
)

// wait waits for the next repetition; false when there is none.
func (r *retrier) wait(ctx context.Context) bool {
	if r.since.IsZero() {
		r.since = time.Now()
	}
	if time.Since(r.since) > retryFor {
		return false
	}
	t := time.NewTimer(retryEvery)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// neverLeft reports whether a call failed for want of a connection, so that it had no effect.
func neverLeft(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" || err != nil && strings.HasPrefix(err.Error(), "LOADING")
}

// isConnectionFault reports whether a call failed because of the connection, not because of what it asked for.
func isConnectionFault(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || neverLeft(err)
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
