package taskhub

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/internal/redistest"
)

func openOwn(t *testing.T, opts *redis.Options) *Hub {
	t.Helper()
	own := *opts
	own.MaxRetries = -1
	client := redis.NewClient(&own)
	h, err := Open(t.Context(), Config{
		Client: client, Dial: func() redis.UniversalClient { o := own; return redis.NewClient(&o) }, Name: redistest.HubName(t), Partitions: 4,
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, h.Close())
		require.NoError(t, client.Close())
	})
	return h
}

// TestLaneKeepsOrder has calls that tell at which place the server performed them.
func TestLaneKeepsOrder(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		h := openOwn(t, opts)
		push := newScript(`return redis.call('RPUSH', KEYS[1] .. 'test', ARGV[1])`)
		require.NoError(t, h.client.ScriptLoad(t.Context(), push.source).Err())
		const callers, each = 8, 300
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				var last int64
				var answered sync.WaitGroup
				for j := range each {
					c := &call{script: push, key: h.prefix(0)}
					c.args.text(fmt.Sprint(i, " ", j))
					answered.Add(1)
					h.lane.submit([]*call{c}, func() {
						defer answered.Done()
						place, ok := c.reply.(int64)
						if c.err != nil || !ok || place <= last {
							t.Errorf("call %d of caller %d: place %v after %d, error %v", j, i, c.reply, last, c.err)
						}
						last = place
					})
				}
				answered.Wait()
			})
		}
		all.Wait()
		require.EqualValues(t, callers*each, h.client.LLen(t.Context(), h.prefix(0)+"test").Val())
	})
}

func TestServerThatForgetsScripts(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, opts *redis.Options) {
		h := openOwn(t, opts)
		var all sync.WaitGroup
		created := make(chan struct{}, 400)
		for i := range 8 {
			all.Go(func() {
				for j := range 50 {
					id := fmt.Sprint(i, "-", j)
					if err := h.Create(t.Context(), durable.CreateRequest{Name: "F", InstanceID: id, ExecutionID: id}); err != nil {
						t.Error(err)
					}
					created <- struct{}{}
				}
			})
		}
		for n := range 400 {
			<-created
			if n%3 == 0 {
				require.NoError(t, h.client.ScriptFlush(t.Context()).Err())
			}
		}
		all.Wait()
		page, err := h.Query(t.Context(), durable.Query{Top: 1000})
		require.NoError(t, err)
		require.Len(t, page.Instances, 400)
	})
}

// server answers commands as reply tells it, one connection after the other; a nil answer ends the connection.
func server(t *testing.T, reply func(command []any) []byte) *redis.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { serve(conn, reply) })
		}
	})
	client := redis.NewClient(&redis.Options{Addr: listener.Addr().String(), Protocol: 2, DisableIdentity: true, MaxRetries: -1})
	t.Cleanup(func() {
		_ = client.Close()
		_ = listener.Close()
		all.Wait()
	})
	return client
}

func serve(conn net.Conn, reply func(command []any) []byte) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	for {
		v, err := readReply(r)
		command, _ := v.([]any)
		if err != nil || len(command) == 0 {
			return
		}
		answer := []byte("+OK\r\n")
		switch name, _ := command[0].(string); strings.ToUpper(name) {
		case "EVALSHA":
			answer = reply(command)
		case "HELLO":
			answer = []byte("-ERR unknown command\r\n")
		}
		if answer == nil {
			return
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

// TestLostAnswers has a server that hangs up instead of answering: what was under way fails, and the next call has a new connection.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	h := &Hub{name: "h", client: server(t, func(command []any) []byte {
		switch command[4] {
		case "hang up":
			return nil
		case "nothing":
			return []byte("$-1\r\n")
		case "fail":
			return []byte("-ERR no\r\n")
		}
		return []byte(":1\r\n")
	})}
	h.lane = newLane(h)
	ask := func(what string) error { return h.share(t.Context(), 0, sendScript, what).Err() }
	require.NoError(t, ask("ok"))
	require.EqualError(t, ask("fail"), "ERR no")
	require.ErrorIs(t, ask("nothing"), errNilReply)
	for range 3 {
		err := ask("hang up")
		require.ErrorContains(t, err, "reading the task hub's answer")
		require.True(t, isConnectionFault(err))
		require.False(t, neverLeft(err))
		require.NoError(t, ask("ok"))
	}
	h.lane.close()
	require.ErrorIs(t, ask("ok"), errLaneClosed)
}

// TestBrokenWireIsSeenWhileIdle has a server that hangs up between calls: no call fails for that.
func TestBrokenWireIsSeenWhileIdle(t *testing.T) {
	t.Parallel()
	hangUp := make(chan struct{})
	client := server(t, func(command []any) []byte {
		if command[4] == "first" {
			return []byte(":1\r\n")
		}
		<-hangUp
		return nil
	})
	w, err := openWire(t.Context(), client)
	require.NoError(t, err)
	answers := make(chan error, 2)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.read(func(t *trip, err error) {
			if err == nil {
				err = t.commands[0].err
			}
			answers <- err
		})
	}()
	send := func(what string) bool {
		c := &call{script: sendScript, key: "k"}
		c.args.text(what)
		tr := &trip{commands: together([]*call{c}), due: time.Now().Add(10 * time.Second)}
		return w.send(tr, tr.commands[0].append(nil))
	}
	require.True(t, send("first"))
	require.NoError(t, <-answers)
	require.True(t, send("second"))
	close(hangUp)
	require.Error(t, <-answers)
	<-ended
	require.False(t, send("first"), "nothing is sent on a connection that has ended")
	w.close()
}

// TestHangUpIsSeenBeforeTheReaderHasBeenTold has no reader at all.
func TestHangUpIsSeenBeforeTheReaderHasBeenTold(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	other, err := listener.Accept()
	require.NoError(t, err)
	require.False(t, hasHungUp(conn))
	require.NoError(t, other.Close())
	_, err = conn.Read(make([]byte, 1)) // waits for the other side's end
	require.ErrorIs(t, err, io.EOF)
	require.True(t, hasHungUp(conn))
	require.NoError(t, conn.Close())
	require.True(t, hasHungUp(conn))
}
