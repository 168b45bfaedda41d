package peer

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// grumble logs what strangers can provoke, a few lines per spell, and counts the rest, so that nobody can
// fill a disk from outside.
type grumble struct {
	log *slog.Logger

	mu    sync.Mutex
	since time.Time
	said  int
	kept  int
}

const (
	grumbleSpell = 10 * time.Second
	grumbleLines = 10
)

func (g *grumble) warn(text string, args ...any) { g.say(slog.LevelWarn, text, args) }

func (g *grumble) info(text string, args ...any) { g.say(slog.LevelInfo, text, args) }

func (g *grumble) say(level slog.Level, text string, args []any) {
	kept, ok := g.allow(time.Now())
	if !ok {
		return
	}
	if kept > 0 {
		args = append(args, "unsaid", kept)
	}
	g.log.Log(context.Background(), level, text, args...)
}

// allow says whether a line may be logged now and how many were not before it.
func (g *grumble) allow(now time.Time) (kept int, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Sub(g.since) >= grumbleSpell {
		g.since, g.said = now, 0
	}
	if g.said >= grumbleLines {
		g.kept++
		return 0, false
	}
	g.said++
	kept, g.kept = g.kept, 0
	return kept, true
}
