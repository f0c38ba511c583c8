package redisconn_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/internal/redisconn"
	"github.com/durango-functions/durango/internal/redistest"
)

func TestSurvey(t *testing.T) {
	t.Parallel()
	s := redistest.NewServer(t)
	client := s.Client(t)
	set := func(pairs ...string) {
		for i := 0; i < len(pairs); i += 2 {
			require.NoError(t, client.ConfigSet(t.Context(), pairs[i], pairs[i+1]).Err())
		}
	}
	for _, test := range []struct {
		settings []string
		want     string
	}{
		{nil, "Redis [0-9.]+: state survives a crash of Redis while its disk keeps up; with a slow disk, or a crash of its machine, up to two seconds are lost"},
		{[]string{"appendfsync", "always"}, "survives a crash of Redis and of its machine"},
		{[]string{"appendfsync", "no"}, "about half a minute"},
		{[]string{"appendonly", "no"}, "a restart of Redis loses all state"},
		{[]string{"save", "3600 1"}, `a crash of Redis loses what has changed since its last snapshot \(save "3600 1"\)`},
		{[]string{"maxmemory-policy", "allkeys-lru"}, "maxmemory-policy allkeys-lru would drop state if it had a memory limit"},
		{[]string{"maxmemory-policy", "noeviction", "maxmemory", "100mb"}, "since its last snapshot"},
	} {
		set(test.settings...)
		r, err := redisconn.Survey(t.Context(), client)
		require.NoError(t, err)
		require.Regexp(t, test.want, r.String())
		require.False(t, r.InMemory)
	}
	set("maxmemory-policy", "volatile-ttl")
	_, err := redisconn.Survey(t.Context(), client)
	require.ErrorIs(t, err, redisconn.ErrEvicts)
	require.ErrorContains(t, err, "maxmemory-policy is volatile-ttl and its maxmemory 104857600 bytes")
}

func TestSurveyOfAReplica(t *testing.T) {
	t.Parallel()
	master := redistest.NewServer(t)
	port, err := strconv.Atoi(master.Addr()[len("127.0.0.1:"):])
	require.NoError(t, err)
	replica := redistest.NewServer(t, "--replicaof", "127.0.0.1", strconv.Itoa(port))
	_, err = redisconn.Survey(t.Context(), replica.Client(t))
	require.ErrorIs(t, err, redisconn.ErrReplica)
	require.ErrorContains(t, err, master.Addr())
}

func TestSurveyWithoutPermission(t *testing.T) {
	t.Parallel()
	s := redistest.NewServer(t,
		"--user", "plain", "on", ">pw", "~*", "&*", "+@all", "-config", "--user", "less", "on", ">pw", "~*", "&*", "+@all", "-config", "-info")
	connect := func(user string) *redis.Client {
		options := s.Options()
		options.Username, options.Password = user, "pw"
		client := redis.NewClient(options)
		t.Cleanup(func() { _ = client.Close() })
		return client
	}
	r, err := redisconn.Survey(t.Context(), connect("plain"))
	require.NoError(t, err)
	require.Regexp(t, "survives a crash of Redis \\(appendonly yes\\); it does not tell how often", r.String())
	r, err = redisconn.Survey(t.Context(), connect("less"))
	require.NoError(t, err)
	require.Equal(t, "Redis: it does not tell what it will survive (neither INFO nor CONFIG names appendonly)", r.String())
	require.False(t, r.InMemory)
}

func TestSurveyOfMiniredis(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(redistest.Mini(t))
	defer func() { _ = client.Close() }()
	r, err := redisconn.Survey(t.Context(), client)
	require.NoError(t, err)
	require.True(t, r.InMemory)
	require.Contains(t, r.String(), "does not survive a restart")
}

func TestSurveyOfADeadServer(t *testing.T) {
	t.Parallel()
	s := redistest.NewServer(t)
	s.Kill()
	_, err := redisconn.Survey(t.Context(), s.Client(t))
	require.ErrorContains(t, err, "asking the Redis server about itself")
}

// selfSigned makes a certificate that nobody trusts.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
