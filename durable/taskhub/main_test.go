package taskhub_test

import (
	"testing"

	"github.com/durango-functions/durango/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }
