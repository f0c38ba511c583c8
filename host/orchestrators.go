package host

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/durango-functions/durango/durable/inproc"
	"github.com/durango-functions/durango/functions"
)

// watchOrchestrator logs the beginning and the end of the orchestrations of an orchestrator in Go, once each.
func (h *Host) watchOrchestrator(fn *functions.Function, run inproc.Function) inproc.Function {
	logger := h.cfg.Logger.With(categoryKey, functionCategory(fn.Name))
	return func(s *inproc.Session, input json.RawMessage) (json.RawMessage, error) {
		id := s.Info().InstanceID
		log := func(level slog.Level, format string, more ...any) {
			if ctx := context.Background(); !s.Replaying() && logger.Enabled(ctx, level) {
				logger.Log(ctx, level, fmt.Sprintf(format, append([]any{fn.Name, id}, more...)...), "function", data{fn.Name}, "instance_id", data{id})
			}
		}
		log(slog.LevelInfo, "Started orchestration '%s' (Instance='%s')")
		output, err := run(s, input)
		switch {
		case s.Continues(err):
			log(slog.LevelInfo, "Orchestration '%s' continues as new (Instance='%s')")
		case err != nil:
			log(slog.LevelError, "Orchestration '%s' failed (Instance='%s')\n%s", indent(err.Error()))
		default:
			log(slog.LevelInfo, "Orchestration '%s' completed (Instance='%s')")
		}
		return output, err
	}
}
