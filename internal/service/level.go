package service

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

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

// levelPause is the least time between two looks at what the options say of the log.
const levelPause = time.Second

// followLevel has also a service that stands by log as the options say, whoever has changed
// them: the shell reads them while it drives. stop returns when it is over.
func (s *Service) followLevel(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var going sync.WaitGroup
	going.Go(func() {
		for ctx.Err() == nil {
			options, err := s.config.Store.Options(ctx)
			if err == nil {
				s.setLevel(options)
			}
			select {
			case <-ctx.Done():
			case <-time.After(levelPause):
			}
			if err != nil {
				continue // they are read again, with news or without
			}
			select {
			case <-ctx.Done():
			case <-s.news:
			}
		}
	})
	return func() {
		cancel()
		going.Wait()
	}
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
