package node

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/durango-functions/durango/worker"
)

const (
	tailLines = 20
	maxLine   = 1 << 20

	// systemPrefix marks a line that a worker, not an app, has written (azure-functions-host WorkerConstants.cs:44-56).
	systemPrefix   = "LanguageWorkerConsoleLog"
	toolingPrefix  = "azfuncjsonlog:" // lines for tools, not for people
	systemCategory = "Worker.node"
)

var (
	warningWord  = regexp.MustCompile(`(?i)\bwarn`)
	inspectorSay = regexp.MustCompile(`^(Debugger (listening|attached|ending)|Starting inspector on |For help, see: https://nodejs\.org|Waiting for the debugger)`)
)

// tail keeps the last lines of stderr for the reason of a crash.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == tailLines {
		t.lines = append(t.lines[:0], t.lines[1:]...)
	}
	t.lines = append(t.lines, line)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}

// readLines calls emit for each line of r until r ends, a last one without newline included. Longer lines than maxLine are cut.
func readLines(r io.Reader, emit func(string)) {
	br := bufio.NewReaderSize(r, 64<<10)
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		line = append(line, part...)
		full := errors.Is(err, bufio.ErrBufferFull)
		if full && len(line) < maxLine {
			continue
		}
		if err == nil || full || len(line) > 0 {
			emit(strings.ToValidUTF8(strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r"), "\uFFFD"))
			line = line[:0]
		}
		if err != nil && !full {
			return
		}
	}
}

// consoleRecord makes a record of a line of stdout or stderr.
func consoleRecord(line string, isStderr bool) worker.LogRecord {
	r := worker.LogRecord{Time: time.Now(), Level: slog.LevelInfo, Message: line, Category: worker.ConsoleCategory}
	if rest, ok := strings.CutPrefix(line, systemPrefix); ok {
		r.Category = systemCategory
		switch {
		case strings.HasPrefix(rest, "[error]"):
			r.Level, rest = slog.LevelError, rest[len("[error]"):]
		case strings.HasPrefix(rest, "[warn]"):
			r.Level, rest = slog.LevelWarn, rest[len("[warn]"):]
		}
		r.Message = strings.TrimSpace(rest)
		return r
	}
	if strings.HasPrefix(line, toolingPrefix) {
		r.Level, r.Category = slog.LevelDebug, systemCategory
		return r
	}
	if isStderr {
		switch {
		case inspectorSay.MatchString(line):
		case warningWord.MatchString(line):
			r.Level = slog.LevelWarn
		default:
			r.Level = slog.LevelError
		}
	}
	return r
}
