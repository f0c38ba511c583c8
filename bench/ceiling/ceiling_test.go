package ceiling

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/bench/engine"
)

// toy is an engine of one partition: clients put messages into a stream, the owner commits what it makes of them, fenced by its epoch.
type toy struct {
	rdb    *redis.Client
	cancel context.CancelFunc
	wg     sync.WaitGroup
	done   engine.Waiters[struct{}]
}

var (
	createScript = redis.NewScript(`
redis.call('HSET', KEYS[1] .. ARGV[1], 's', 'Pending', 'c', redis.call('TIME')[1])
return redis.call('XADD', KEYS[1] .. 'in', '*', 'm', ARGV[1])`)
	commitScript = redis.NewScript(`
if redis.call('HGET', KEYS[1] .. 'owner', 'epoch') ~= ARGV[1] then return {-1} end
redis.call('HSET', KEYS[1] .. ARGV[2], 's', 'Running')
redis.call('RPUSH', KEYS[1] .. 'h:' .. ARGV[2], ARGV[4])
return {0, redis.call('XDEL', KEYS[1] .. 'in', ARGV[3])}`)
	heartbeatScript = redis.NewScript(`return redis.call('HINCRBY', KEYS[1] .. 'owner', 'beats', 1)`)
)

const prefix = "{toy}:"

func toyKind() engine.Kind {
	return engine.Kind{Name: "toy", Redis: true, Begin: func(ctx context.Context, store engine.Store, _ *engine.Functions) (engine.Engine, error) {
		e := &toy{rdb: redis.NewClient(&redis.Options{Addr: store.Redis})}
		if err := e.rdb.HSet(ctx, prefix+"owner", "epoch", 7).Err(); err != nil {
			return nil, err
		}
		ctx, e.cancel = context.WithCancel(ctx)
		e.wg.Go(func() { e.own(ctx) })
		e.wg.Go(func() { e.beat(ctx) })
		return e, nil
	}}
}

func (e *toy) own(ctx context.Context) {
	last := "0"
	for ctx.Err() == nil {
		streams, err := e.rdb.XRead(ctx, &redis.XReadArgs{Streams: []string{prefix + "in", last}, Block: 50 * time.Millisecond}).Result()
		if err != nil {
			continue // nothing there
		}
		for _, m := range streams[0].Messages {
			last = m.ID
			id := m.Values["m"].(string)
			for _, fact := range []string{"", "done"} {
				if err := commitScript.Run(ctx, e.rdb, []string{prefix}, 7, id, m.ID, fact).Err(); err != nil {
					return
				}
			}
			e.done.Done(id, struct{}{})
		}
	}
}

func (e *toy) beat(ctx context.Context) {
	for ctx.Err() == nil {
		_ = heartbeatScript.Run(ctx, e.rdb, []string{prefix}).Err()
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (e *toy) Create(ctx context.Context, id, _ string, _ any) error {
	e.done.Expect(id)
	return createScript.Run(ctx, e.rdb, []string{prefix}, id).Err()
}

func (e *toy) Await(ctx context.Context, id string, _ any) error {
	_, err := e.done.Wait(ctx, id)
	return errors.Join(err, e.rdb.HGetAll(ctx, prefix+id).Err())
}

func (e *toy) Raise(context.Context, string, string, any) error {
	return errors.New("a toy has no events")
}

func (e *toy) Stop(context.Context) error {
	e.cancel()
	e.wg.Wait()
	return e.rdb.Close()
}

func toyLoad() Load {
	next := 0
	return func(ctx context.Context, e engine.Engine, n, inFlight int) error {
		var wg sync.WaitGroup
		errs := make(chan error, n)
		places := make(chan struct{}, inFlight)
		for range n {
			next++
			id := fmt.Sprint("i", next)
			places <- struct{}{}
			wg.Go(func() {
				errs <- errors.Join(e.Create(ctx, id, "", nil), e.Await(ctx, id, nil))
				<-places
			})
		}
		wg.Wait()
		close(errs)
		var all error
		for err := range errs {
			all = errors.Join(all, err)
		}
		return all
	}
}

func TestReplayDoesTheSameCommits(t *testing.T) {
	t.Parallel()
	r, err := Record(t.Context(), t.TempDir(), toyKind(), toyLoad(), 40, 8)
	require.NoError(t, err)
	require.Len(t, r.Commits, 3*40, "a start and two commits each; neither heartbeats nor reads")
	for _, d := range []engine.Durability{engine.Off, engine.Always} {
		costs, gap, err := r.Replay(t.Context(), t.TempDir(), d)
		require.NoError(t, err)
		require.Positive(t, gap)
		require.EqualValues(t, 3*40, costs.Redis.Calls["evalsha"])
		require.EqualValues(t, 40*2, costs.Redis.Calls["xdel"])
	}
}

func TestReplayFailsWhenACommitIsRefused(t *testing.T) {
	t.Parallel()
	r, err := Record(t.Context(), t.TempDir(), toyKind(), toyLoad(), 5, 1)
	require.NoError(t, err)
	r.state = slices.DeleteFunc(r.state, func(e entry) bool { return e.key == prefix+"owner" })
	_, _, err = r.Replay(t.Context(), t.TempDir(), engine.Off)
	require.ErrorContains(t, err, "was answered", "without an owner all commits are fenced")
}

func TestReplayFailsWhenCommitsAreMissing(t *testing.T) {
	t.Parallel()
	r, err := Record(t.Context(), t.TempDir(), toyKind(), toyLoad(), 5, 1)
	require.NoError(t, err)
	r.Commits = nil
	_, _, err = r.Replay(t.Context(), t.TempDir(), engine.Off)
	require.ErrorContains(t, err, "commits are missing")
}

func TestReadReply(t *testing.T) {
	t.Parallel()
	for _, reply := range []string{
		"+OK\r\n", "-ERR no\r\n", ":12\r\n", "$3\r\na\r\n\r\n", "$-1\r\n", "*-1\r\n", "*2\r\n:1\r\n*1\r\n$1\r\nx\r\n", "_\r\n", "#t\r\n", ",1.5\r\n",
		"%1\r\n+a\r\n:1\r\n", "~2\r\n:1\r\n:2\r\n", ">2\r\n+pubsub\r\n+x\r\n:1\r\n", "|1\r\n+ttl\r\n:1\r\n:7\r\n", "=5\r\ntxt:a\r\n",
	} {
		r := bufio.NewReader(bytes.NewBufferString(reply + "+next\r\n"))
		got, err := readReply(nil, r)
		require.NoError(t, err, reply)
		require.Equal(t, reply, string(got))
	}
}

func TestReadCommand(t *testing.T) {
	t.Parallel()
	raw := "*3\r\n$7\r\nevalsha\r\n$2\r\nab\r\n$4\r\n\r\n\r\n\r\n"
	c, err := readCommand(bufio.NewReader(bytes.NewBufferString(raw)))
	require.NoError(t, err)
	require.Equal(t, raw, string(c.raw))
	require.Equal(t, "EVALSHA ab", c.kind())
	require.Equal(t, "\r\n\r\n", string(c.args[2]))
	_, err = readCommand(bufio.NewReader(bytes.NewBufferString("PING\r\n")))
	require.Error(t, err)
}
