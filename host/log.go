package host

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/durango-functions/durango/host/hostjson"
	"github.com/durango-functions/durango/worker"
)

// LogFormat is the form of the log lines.
type LogFormat string

// The log formats.
const (
	// TextLog prints "[2026-11-23T10:00:00.000Z] message key=value".
	TextLog LogFormat = "text"
	// JSONLog prints one JSON object a line, as slog does.
	JSONLog LogFormat = "json"
)

// categoryKey is the attribute that names the category of a logger, for the levels of host.json.
const categoryKey = "category"

// Categories of log lines, as in host.json (azure-functions-host LogCategories.cs).
const (
	categoryHost    = "Host"
	categoryDurable = "DurableTask.Core"
)

// functionCategory is the category of the host's lines about a function; the lines of its own code have ".User" behind it.
func functionCategory(name string) string { return "Function." + name }

// ParseLogLevel reads a log level by its name in host.json (Trace, Debug, Information, Warning, Error, Critical, None) or its usual short
// form, in any case.
func ParseLogLevel(s string) (slog.Level, error) {
	name := s
	switch strings.ToLower(s) {
	case "info":
		name = "Information"
	case "warn":
		name = "Warning"
	case "verbose":
		name = "Trace"
	case "off":
		name = "None"
	}
	level, ok := hostjson.ParseLevel(name)
	if !ok {
		return 0, fmt.Errorf("%q is no log level: expected trace, debug, information, warning, error, critical or none", s)
	}
	return level, nil
}

// LogLevels decides which lines are logged. Safe for concurrent use.
type LogLevels struct {
	override *slog.Level
	logging  atomic.Pointer[hostjson.Logging]
}

// NewLogLevels returns levels that log information and above until host.json says more. With override, its level is that of the
// categories that host.json does not name, whatever "default" is there.
func NewLogLevels(override *slog.Level) *LogLevels { return &LogLevels{override: override} }

// set takes the levels of host.json.
func (l *LogLevels) set(logging hostjson.Logging) {
	if l.override != nil {
		levels := maps.Clone(logging.LogLevel)
		maps.DeleteFunc(levels, func(category string, _ slog.Level) bool { return strings.EqualFold(category, "default") })
		if levels == nil {
			levels = map[string]slog.Level{}
		}
		levels["default"] = *l.override
		logging.LogLevel = levels
	}
	l.logging.Store(&logging)
}

// level is the lowest level that is logged for a category.
func (l *LogLevels) level(category string) slog.Level {
	if logging := l.logging.Load(); logging != nil {
		return logging.Level(category)
	}
	if l.override != nil {
		return *l.override
	}
	return slog.LevelInfo
}

// NewLogger returns a logger that writes to out, one line at a time.
func NewLogger(out io.Writer, format LogFormat, levels *LogLevels) *slog.Logger {
	out = &lineWriter{out: out}
	var next slog.Handler = &textHandler{out: out}
	if format == JSONLog {
		next = slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.Level(math.MinInt32), ReplaceAttr: jsonAttr})
	}
	return slog.New(&levelHandler{Handler: next, levels: levels, category: categoryHost})
}

// lineWriter keeps the writes of several handlers apart.
type lineWriter struct {
	mu  sync.Mutex
	out io.Writer
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}

// levelHandler drops what the levels of the logger's category do not want.
type levelHandler struct {
	slog.Handler
	levels   *LogLevels
	category string
	// known is the category's level, as long as the levels of host.json are the same.
	known atomic.Pointer[knownLevel]
}

type knownLevel struct {
	logging *hostjson.Logging
	level   slog.Level
}

func (h *levelHandler) Enabled(_ context.Context, level slog.Level) bool {
	logging := h.levels.logging.Load()
	known := h.known.Load()
	if known == nil || known.logging != logging {
		known = &knownLevel{logging, h.levels.level(h.category)}
		h.known.Store(known)
	}
	return level >= known.level
}

func (h *levelHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	category := h.category
	for _, a := range attrs {
		if a.Key == categoryKey {
			category = a.Value.String()
		}
	}
	return &levelHandler{Handler: h.Handler.WithAttrs(attrs), levels: h.levels, category: category}
}

func (h *levelHandler) WithGroup(name string) slog.Handler {
	return &levelHandler{Handler: h.Handler.WithGroup(name), levels: h.levels, category: h.category}
}

// data is an attribute value for machines only: in text lines the message says it already.
type data struct{ value any }

// LogValue implements slog.LogValuer.
func (d data) LogValue() slog.Value { return slog.AnyValue(d.value) }

// textHandler writes text lines.
type textHandler struct {
	out      io.Writer
	attrs    []slog.Attr
	group    string
	category string
}

func (h *textHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "[%s] ", r.Time.UTC().Format("2006-01-02T15:04:05.000Z"))
	b.WriteString(h.levelWord(r.Level))
	b.WriteString(strings.TrimRight(r.Message, "\n"))
	for _, a := range h.attrs {
		writeAttr(&b, "", a)
	}
	r.Attrs(func(a slog.Attr) bool {
		writeAttr(&b, h.group, a)
		return true
	})
	b.WriteByte('\n')
	_, err := h.out.Write(b.Bytes())
	return err
}

// levelWord says that a line tells of something wrong, where its own words do not: user code's lines are left as they are, and so are
// those about an invocation that has failed.
func (h *textHandler) levelWord(level slog.Level) string {
	ofFunction := strings.HasPrefix(h.category, "Function.")
	switch {
	case level < slog.LevelWarn, ofFunction && strings.HasSuffix(h.category, ".User"), h.category == worker.ConsoleCategory:
		return ""
	case level < slog.LevelError:
		return "Warning: "
	case ofFunction:
		return ""
	}
	return "Error: "
}

func writeAttr(b *bytes.Buffer, group string, a slog.Attr) {
	if _, hidden := a.Value.Any().(data); hidden || a.Equal(slog.Attr{}) || a.Key == categoryKey {
		return
	}
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		for _, inner := range v.Group() {
			writeAttr(b, join(group, a.Key), inner)
		}
		return
	}
	text := v.String()
	if v.Kind() == slog.KindTime {
		text = v.Time().UTC().Format(time.RFC3339Nano)
	}
	if text == "" || strings.ContainsAny(text, " \t\r\n\"=") {
		text = fmt.Sprintf("%q", text)
	}
	fmt.Fprintf(b, " %s=%s", join(group, a.Key), text)
}

func join(group, key string) string {
	if group == "" || key == "" {
		return group + key
	}
	return group + "." + key
}

func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.attrs = append([]slog.Attr(nil), h.attrs...)
	for _, a := range attrs {
		if a.Key == categoryKey {
			next.category = a.Value.String()
			continue
		}
		if h.group != "" {
			a.Key = join(h.group, a.Key)
		}
		next.attrs = append(next.attrs, a)
	}
	return &next
}

func (h *textHandler) WithGroup(name string) slog.Handler {
	next := *h
	next.group = join(h.group, name)
	return &next
}

// jsonAttr makes JSON lines uniform: levels by their names in host.json, errors as texts, durations in milliseconds.
func jsonAttr(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.LevelKey {
		if level, ok := a.Value.Any().(slog.Level); ok {
			return slog.String(slog.LevelKey, levelName(level))
		}
	}
	switch v := a.Value.Any().(type) {
	case time.Duration:
		return slog.Float64(a.Key, float64(v)/float64(time.Millisecond))
	case json.RawMessage:
		return slog.String(a.Key, string(v))
	}
	return a
}

func levelName(level slog.Level) string {
	switch {
	case level >= hostjson.LevelCritical:
		return "Critical"
	case level >= slog.LevelError:
		return "Error"
	case level >= slog.LevelWarn:
		return "Warning"
	case level >= slog.LevelInfo:
		return "Information"
	case level >= slog.LevelDebug:
		return "Debug"
	}
	return "Trace"
}

var (
	_ slog.Handler   = (*levelHandler)(nil)
	_ slog.Handler   = (*textHandler)(nil)
	_ slog.LogValuer = data{}
)
