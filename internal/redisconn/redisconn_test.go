package redisconn_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/internal/redisconn"
	"github.com/durango-functions/durango/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in                                    string
		network, addr, user, password, server string
		db                                    int
	}{
		{in: "redis://", network: "tcp", addr: "localhost:6379"},
		{in: " redis://example.org ", network: "tcp", addr: "example.org:6379"},
		{in: "redis://example.org:7000/3", network: "tcp", addr: "example.org:7000", db: 3},
		{in: "redis://:pass%40word@example.org", network: "tcp", addr: "example.org:6379", password: "pass@word"},
		{in: "redis://me:p%2Fw@[::1]:7000?db=2", network: "tcp", addr: "[::1]:7000", user: "me", password: "p/w", db: 2},
		{in: "REDISS://me:pw@example.org:7000/1", network: "tcp", addr: "example.org:7000", user: "me", password: "pw", db: 1, server: "example.org"},
		{in: "unix:///run/redis.sock?db=4", network: "unix", addr: "/run/redis.sock", db: 4},
		{in: "unix://me:pw@/run/redis.sock", network: "unix", addr: "/run/redis.sock", user: "me", password: "pw"},
		{in: "localhost", network: "tcp", addr: "localhost:6379"},
		{in: "localhost:7000", network: "tcp", addr: "localhost:7000"},
		{in: "[::1]:7000", network: "tcp", addr: "[::1]:7000"},
		{
			in:      "cache.example.org:6380,password=a=b://c=,ssl=True,abortConnect=False,user=me, defaultDatabase=5 ",
			network: "tcp", addr: "cache.example.org:6380", user: "me", password: "a=b://c=", db: 5, server: "cache.example.org",
		},
		{in: "cache.example.org,ssl=true,sslHost=other.example.org", network: "tcp", addr: "cache.example.org:6380", server: "other.example.org"},
	} {
		t.Run(test.in, func(t *testing.T) {
			t.Parallel()
			o, err := redisconn.Parse(test.in)
			require.NoError(t, err)
			require.Equal(t, test.network, o.Network)
			require.Equal(t, test.addr, o.Addr)
			require.Equal(t, test.user, o.Username)
			require.Equal(t, test.password, o.Password)
			require.Equal(t, test.db, o.DB)
			require.Equal(t, test.server != "", o.TLSConfig != nil)
			if o.TLSConfig != nil {
				require.Equal(t, test.server, o.TLSConfig.ServerName)
			}
			require.True(t, o.ContextTimeoutEnabled)
		})
	}
}

func TestParseParameters(t *testing.T) {
	t.Parallel()
	o, err := redisconn.Parse("redis://h?read_timeout=2s&pool_size=7")
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, o.ReadTimeout)
	require.Equal(t, 7, o.PoolSize)
	o, err = redisconn.Parse("h,syncTimeout=1500,connectTimeout=250,name=me")
	require.NoError(t, err)
	require.Equal(t, 1500*time.Millisecond, o.ReadTimeout)
	require.Equal(t, 250*time.Millisecond, o.DialTimeout)
	require.Equal(t, "me", o.ClientName)
}

// TestParseErrors also sees that no error and no redacted form shows a password: all passwords here hold SECRET.
func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want string }{
		{"", "is empty"},
		{"http://me:SECRET@h", `the scheme "http" is unknown`},
		{"redis://:SE/SECRET@h", "write"},
		{"redis://:SE#SECRET@h", "write"},
		{"redis://:SE?SECRET@h", "write"},
		{"redis://:12/SECRET@h:6379", "write"},
		{"redis://:12#SECRET", `write "#" as %23`},
		{"redis://:12?SECRET@h:6379", "write"},
		{"redis://:SECRET%zz@h", "write"},
		{"redis:// :SECRET @h", "write"},
		{"redis://me:SECRET@h:port", "write"},
		{"redis://me:SECRET@h:70000", `the port "70000" is none`},
		{"redis://me:SECRET@h/one", `the database "one" is none`},
		{"redis://me:SECRET@h/-1", `the database "-1" is none`},
		{"redis://me:SECRET@h/1/2", `the database "1/2" is none`},
		{"redis://me:SECRET@h?db=x", `the database "x" is none`},
		{"redis://me:SECRET@h?pol_size=3", "unexpected option: pol_size"},
		{"redis://me:SECRET@h?pool_size=many", "pool_size"},
		{"unix://me:SECRET@h/run/sock", "it has a host"},
		{"unix://me:SECRET@", "it has no path"},
		{"unix://me:SE/SECRET@/run/sock", "write"},
		{"unix://run/sock", "it has a host"},
		{"h,password=a,SECRET", "its part 3"},
		{"h,password=a,SECRET=b", "its part 3"},
		{"h,i,password=SECRET", "its part 2"},
		{"password=SECRET", "it has no host"},
		{"h:port,password=SECRET", "its first part is no host:port"},
		{"me:SECRET@h", "its first part is no host:port"},
		{"h,ssl=perhaps,password=SECRET", `ssl: "perhaps" is neither true nor false`},
		{"h,defaultDatabase=-1,password=SECRET", `defaultdatabase: "-1" is no number from 0`},
		{"h,connectTimeout=soon,password=SECRET", `connecttimeout: "soon"`},
		{"h,serviceName=x,password=SECRET", "Sentinel"},
	} {
		t.Run(test.in, func(t *testing.T) {
			t.Parallel()
			_, err := redisconn.Parse(test.in)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "SECRET")
			require.NotContains(t, redisconn.Redact(test.in), "SECRET")
		})
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"redis://h:1/2":                         "redis://h:1/2",
		"redis://me:SECRET@h:1/2":               "redis://me:***@h:1/2",
		"rediss://:SECRET@h":                    "rediss://:***@h",
		"redis://SECRET@h":                      "redis://***@h",
		"redis://a:SE@SECRET@h":                 "redis://***@h",
		"unix:///run/sock":                      "unix:///run/sock",
		"h:1,password=SE=SECRET,ssl=true":       "h:1,password=***,ssl=true",
		"h:1, Password =SE,SECRET,ssl=true":     "h:1,Password=***,***,ssl=true",
		"h:1,password=SE,SECRET,SECRET,name=me": "h:1,password=***,***,name=me",
	} {
		require.Equal(t, want, redisconn.Redact(in))
	}
}

func FuzzParse(f *testing.F) {
	f.Add("redis://me:pw@h:1/2?x=y")
	f.Add("h:1,password=x,ssl=true")
	f.Add("unix:///x")
	f.Fuzz(func(t *testing.T, s string) {
		if o, err := redisconn.Parse(s); err == nil {
			require.NotEmpty(t, o.Addr)
			if len(o.Password) > 8 && strings.Count(s, o.Password) == 1 {
				require.NotContains(t, redisconn.Redact(s), o.Password)
			}
		}
		redisconn.Redact(s)
	})
}

func TestClientName(t *testing.T) {
	t.Parallel()
	options := redistest.Real(t)
	options.ClientName = redisconn.ClientName("my host\n\u00fc~1")
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	name, err := client.ClientGetName(t.Context()).Result()
	require.NoError(t, err)
	require.Equal(t, "durango/my-host--~1", name)
}

type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
	hit chan struct{}
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	select {
	case j.hit <- struct{}{}:
	default:
	}
	return j.buf.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func newJournal() (*journal, *slog.Logger) {
	j := &journal{hit: make(chan struct{}, 1)}
	return j, slog.New(slog.NewTextHandler(j, nil))
}

func dial(t *testing.T, s string, wait time.Duration) (*redis.Client, string, error) {
	t.Helper()
	options, err := redisconn.Parse(s)
	require.NoError(t, err)
	j, logger := newJournal()
	client, err := redisconn.Dial(t.Context(), options, wait, logger)
	if client != nil {
		t.Cleanup(func() { _ = client.Close() })
	}
	return client, j.String(), err
}

func TestDialWaitsForTheServer(t *testing.T) {
	t.Parallel()
	s := redistest.NewServer(t)
	s.Kill()
	options, err := redisconn.Parse(s.URL())
	require.NoError(t, err)
	j, logger := newJournal()
	type outcome struct {
		client *redis.Client
		err    error
	}
	done := make(chan outcome)
	go func() {
		client, err := redisconn.Dial(t.Context(), options, 30*time.Second, logger)
		done <- outcome{client, err}
	}()
	<-j.hit
	s.Restart()
	o := <-done
	require.NoError(t, o.err)
	defer func() { _ = o.client.Close() }()
	require.NoError(t, o.client.Ping(t.Context()).Err())
	require.Contains(t, j.String(), s.Addr())
	require.Contains(t, j.String(), "connection refused")
}

func TestDialGivesUp(t *testing.T) {
	t.Parallel()
	s := redistest.NewServer(t)
	s.Kill()
	_, log, err := dial(t, s.URL(), 200*time.Millisecond)
	require.ErrorContains(t, err, "Redis at "+s.Addr()+" cannot be reached")
	require.ErrorContains(t, err, "connection refused")
	require.Equal(t, 1, strings.Count(log, "\n"), "an unchanged cause is logged once")
	_, _, err = dial(t, s.URL(), 0)
	require.ErrorContains(t, err, "cannot be reached")
}

func TestDialGivesUpOnASilentServer(t *testing.T) {
	t.Parallel()
	s := redistest.NewServer(t)
	s.Pause()
	began := time.Now()
	_, _, err := dial(t, s.URL(), 100*time.Millisecond)
	require.ErrorContains(t, err, "cannot be reached")
	require.Less(t, time.Since(began), 2500*time.Millisecond)
}

func TestDialEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := redistest.NewServer(t)
	s.Kill()
	options, err := redisconn.Parse(s.URL())
	require.NoError(t, err)
	j, logger := newJournal()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-j.hit
		cancel()
	}()
	_, err = redisconn.Dial(ctx, options, time.Minute, logger)
	require.ErrorIs(t, err, context.Canceled)
}

func TestDialRefusals(t *testing.T) {
	t.Parallel()
	s := redistest.NewServer(t, "--user", "nobody", "on", ">pw", "-@all")
	require.NoError(t, s.Client(t).ConfigSet(t.Context(), "requirepass", "right").Err())
	for url, want := range map[string]string{
		"redis://":             "refuses the user name or password",
		"redis://:SECRET@":     "refuses the user name or password",
		"redis://me:SECRET@":   "refuses the user name or password",
		"redis://nobody:pw@":   "may not use it",
		"redis://:right@/999?": "does not have the database",
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			in := strings.Replace(url, "://", "://"+s.Addr(), 1)
			if strings.Contains(url, "@") {
				in = strings.Replace(url, "@", "@"+s.Addr(), 1)
			}
			began := time.Now()
			_, _, err := dial(t, in, time.Minute)
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, s.Addr())
			require.NotContains(t, err.Error(), "SECRET")
			require.Less(t, time.Since(began), 20*time.Second)
		})
	}
	_, _, err := dial(t, "redis://:right@"+s.Addr(), time.Minute)
	require.NoError(t, err)
	// A server that does not know TLS takes the handshake for the beginning of a command and waits for the rest.
	_, _, err = dial(t, "rediss://:right@"+s.Addr(), 300*time.Millisecond)
	require.ErrorContains(t, err, "does it speak TLS on this port")
}

func TestDialUntrustedCertificate(t *testing.T) {
	t.Parallel()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}})
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if c, ok := conn.(*tls.Conn); ok {
				_ = c.Handshake()
			}
			_ = conn.Close()
		}
	})
	defer wg.Wait()
	defer func() { _ = listener.Close() }()
	_, _, err = dial(t, "rediss://"+listener.Addr().String(), time.Minute)
	require.ErrorContains(t, err, "its certificate is not trusted")
}
