package redisconn

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersions(t *testing.T) {
	t.Parallel()
	for version, ok := range map[string]bool{
		"": true, "6.2.0": true, "6.0.16": false, "5.0.7": false, "7.0.15": true, "10.1": true, "6": true, "unstable": true, "255.255.255": true,
	} {
		err := Report{Version: version}.check()
		require.Equal(t, ok, err == nil, version)
		if err != nil {
			require.ErrorIs(t, err, ErrOldServer)
			require.ErrorContains(t, err, version)
		}
	}
	require.ErrorIs(t, Report{MaxMemory: -1, MaxMemoryPolicy: "allkeys-lru"}.check(), ErrEvicts)
}
