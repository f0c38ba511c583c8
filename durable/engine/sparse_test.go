package engine

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSparseLogsOneOfASwarm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&out, nil))
		var s sparse
		for range 100 {
			s.warn(logger, "no hub")
		}
		s.warn(logger, "something else")
		require.Equal(t, 2, strings.Count(out.String(), "\n"))
		time.Sleep(sparseEvery)
		s.warn(logger, "no hub", "partition", 3)
		require.Contains(t, out.String(), `msg="no hub" partition=3 omitted=99`)
	})
}
