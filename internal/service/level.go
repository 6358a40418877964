package service

import (
	"context"
	"log/slog"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// levelCritical is what the option logging_level calls critical; nothing is
// logged at it, so it silences the log.
const levelCritical = slog.LevelError + 4

var levels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warning": slog.LevelWarn, "error": slog.LevelError, "critical": levelCritical,
}

// setLevel takes the option logging_level over. One that is not known, which
// the API would not have taken, leaves the level as it is.
func (s *Service) setLevel(o bos.Options) {
	level, ok := levels[strings.ToLower(o.LoggingLevel)]
	if !ok || level == s.level.Level() {
		return
	}
	s.level.Set(level)
	s.loud.Warn("the option logging_level says what is logged from now on", "logging_level", o.LoggingLevel)
}

// levelled passes on what is at least at a level that may change.
type levelled struct {
	slog.Handler
	level *slog.LevelVar
}

// Enabled reports whether the level, and the handler behind, let a record pass.
func (l levelled) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= l.level.Level() && l.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the level.
func (l levelled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return levelled{l.Handler.WithAttrs(attrs), l.level}
}

// WithGroup keeps the level.
func (l levelled) WithGroup(name string) slog.Handler {
	return levelled{l.Handler.WithGroup(name), l.level}
}
