package host

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDefaultProcessCount(t *testing.T) {
	t.Parallel()
	for cores, want := range map[int]int{1: 1, 2: 1, 4: 1, 7: 1, 8: 2, 16: 4, 40: 10, 256: 10} {
		require.Equal(t, want, defaultProcessCount(cores, nil), "%d cores", cores)
	}
	require.Equal(t, 1, defaultProcessCount(16, []string{"--max-old-space-size=100", "--inspect=9230"}), "a debugger finds one process")
}
