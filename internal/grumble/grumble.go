package grumble

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Voice is a logger that says only so much. Its methods may be called from any goroutine.
type Voice struct {
	log *slog.Logger

	mu    sync.Mutex
	since time.Time
	said  int
	kept  int
}

// Lines in a spell.
const (
	spell = 10 * time.Second
	lines = 10
)

// New makes a Voice that logs to log. Nil: it logs nothing.
func New(log *slog.Logger) *Voice {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Voice{log: log}
}

// Warn logs a warning, if there is room for it in this spell.
func (v *Voice) Warn(text string, args ...any) { v.say(slog.LevelWarn, text, args) }

// Info logs a piece of information, if there is room for it in this spell.
func (v *Voice) Info(text string, args ...any) { v.say(slog.LevelInfo, text, args) }

func (v *Voice) say(level slog.Level, text string, args []any) {
	kept, ok := v.allow(time.Now())
	if !ok {
		return
	}
	if kept > 0 {
		args = append(args, "unsaid", kept)
	}
	v.log.Log(context.Background(), level, text, args...)
}

// allow says whether a line may be logged now and how many were not before it.
func (v *Voice) allow(now time.Time) (kept int, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now.Sub(v.since) >= spell {
		v.since, v.said = now, 0
	}
	if v.said >= lines {
		v.kept++
		return 0, false
	}
	v.said++
	kept, v.kept = v.kept, 0
	return kept, true
}
