package host

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/host/hostjson"
)

func TestTextLog(t *testing.T) {
	t.Parallel()
	log := &syncBuffer{}
	logger := NewLogger(log, TextLog, NewLogLevels(nil))
	host := logger.With(categoryKey, categoryHost)
	host.Info("plain")
	host.Info("with attributes", "hub", "H", "text", "two words", "error", errors.New("oh no"), "hidden", data{1}, "after", 2*time.Second)
	host.Warn("careful")
	host.Error("bad")
	host.WithGroup("g").With("a", 1).Info("grouped", "b", 2, slog.Group("c", "d", 3))
	host.Debug("not shown")
	function := logger.With(categoryKey, functionCategory("F"))
	function.Error("Executed 'Functions.F' (Failed)\n  oh no")
	function.Warn("nothing is started")
	logger.With(categoryKey, functionCategory("F")+".User").Error("user's words")

	var lines []string
	for line := range strings.Lines(log.String()) {
		if strings.HasPrefix(line, "[") {
			require.Regexp(t, `^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] `, line)
			_, line, _ = strings.Cut(line, "] ")
		}
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	require.Equal(t, []string{
		"plain",
		`with attributes hub=H text="two words" error="oh no" after=2s`,
		"Warning: careful",
		"Error: bad",
		"grouped g.a=1 g.b=2 g.c.d=3",
		"Executed 'Functions.F' (Failed)", "  oh no",
		"Warning: nothing is started",
		"user's words",
	}, lines)
}

func TestJSONLog(t *testing.T) {
	t.Parallel()
	log := &syncBuffer{}
	logger := NewLogger(log, JSONLog, NewLogLevels(nil)).With(categoryKey, functionCategory("F"))
	logger.Error("failed\nbadly", "invocation_id", data{"77"}, "took", 1500*time.Microsecond, "error", errors.New("oh no"))
	var line map[string]any
	require.NoError(t, json.Unmarshal([]byte(log.String()), &line))
	require.Equal(t, "Error", line["level"])
	require.Equal(t, "failed\nbadly", line["msg"])
	require.Equal(t, "Function.F", line["category"])
	require.Equal(t, "77", line["invocation_id"])
	require.InDelta(t, 1.5, line["took"], 1e-9)
	require.Equal(t, "oh no", line["error"])
}

func TestLogLevels(t *testing.T) {
	t.Parallel()
	logging := hostjson.Logging{LogLevel: map[string]slog.Level{"default": slog.LevelWarn, "Function.Loud.User": slog.LevelDebug, "Host": slog.LevelError}}
	log := &syncBuffer{}
	levels := NewLogLevels(nil)
	logger := NewLogger(log, TextLog, levels)
	quiet, loud := logger.With(categoryKey, "Function.Other"), logger.With(categoryKey, "Function.Loud.User")
	quiet.Info("before host.json is read")
	levels.set(logging)
	quiet.Info("no")
	quiet.Warn("yes")
	loud.Debug("loud")
	logger.With(categoryKey, "Host.Startup").Warn("no")
	require.Contains(t, log.String(), "before host.json is read")
	require.Contains(t, log.String(), "yes")
	require.Contains(t, log.String(), "loud")
	require.NotContains(t, log.String(), "no\n")

	// The command line replaces the default of host.json, not its categories.
	debug := slog.LevelDebug
	levels = NewLogLevels(&debug)
	require.Equal(t, slog.LevelDebug, levels.level("Anything"))
	levels.set(logging)
	require.Equal(t, slog.LevelDebug, levels.level("Anything"))
	require.Equal(t, slog.LevelError, levels.level("Host"))
	require.Equal(t, slog.LevelWarn, logging.LogLevel["default"], "the configuration itself stays")
}

func TestParseLogLevel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]slog.Level{
		"trace": hostjson.LevelTrace, "Debug": slog.LevelDebug, "information": slog.LevelInfo, "info": slog.LevelInfo, "WARN": slog.LevelWarn,
		"warning": slog.LevelWarn, "error": slog.LevelError, "critical": hostjson.LevelCritical, "none": hostjson.LevelNone,
	} {
		level, err := ParseLogLevel(text)
		require.NoError(t, err)
		require.Equal(t, want, level, text)
	}
	_, err := ParseLogLevel("loud")
	require.EqualError(t, err, `"loud" is no log level: expected trace, debug, information, warning, error, critical or none`)
}
