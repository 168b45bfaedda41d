package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/overview"
)

// lookPatience is how long one look may take; without a quorum a node takes a few seconds to say so.
const lookPatience = 10 * time.Second

// lookout shows an ensemble again and again: in a terminal a picture that is drawn anew, and everywhere a
// line for each change that matters.
type lookout struct {
	screen *screen
	last   *overview.Ensemble // nil before the first
	seen   time.Time          // when last was
	lost   bool               // nobody answered the last time
}

// watch looks until it is ended or nobody reads any more what it writes. It fails only if nobody answers at
// its start.
func (c *statusCmd) watch(ctx context.Context) error {
	ctx, stop := untilUnread(ctx, os.Stdout)
	defer stop()
	cfg, err := c.config()
	if err != nil {
		return err
	}
	cfg.Once, cfg.Timeout = true, lookPatience
	cl, err := c.dialAs(ctx, cfg)
	if err != nil {
		return err
	}
	defer cl.Close()
	l := &lookout{screen: newScreen(os.Stdout)}
	if c.JSON {
		l.screen = newScreen(os.Stderr) // for who reads what cannot be told in JSON
	}
	for ctx.Err() == nil {
		if err := c.look(ctx, cl, l); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(c.Every):
		}
	}
	return nil
}

// look asks once and shows what came.
func (c *statusCmd) look(ctx context.Context, cl *client.Client, l *lookout) error {
	s, err := overviewBy(ctx, cl)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		l.lose(err)
		return nil
	case c.JSON:
		return json.NewEncoder(os.Stdout).Encode(s)
	}
	return l.show(s, time.Now())
}

// lose says, once, that nobody answers.
func (l *lookout) lose(why error) {
	if !l.lost {
		l.say(time.Now(), l.screen.bad("nobody answers")+": "+why.Error()+"; trying on")
	}
	l.lost = true
}

func (l *lookout) say(at time.Time, line string) {
	l.screen.plain(at.Format("15:04:05") + "  " + line)
}

// show tells what has changed and draws the picture.
func (l *lookout) show(s *overview.Ensemble, now time.Time) error {
	if l.last == nil || l.lost {
		l.say(now, inShort(s))
	} else {
		for _, line := range changesBetween(l.last, s) {
			l.say(now, line)
		}
	}
	var text bytes.Buffer
	if l.screen.live {
		if l.last != nil && s.Commit > l.last.Commit {
			fmt.Fprintf(&text, "%.0f entries/s, ", float64(s.Commit-l.last.Commit)/now.Sub(l.seen).Seconds())
		}
		if err := writeStatus(&text, s); err != nil {
			return err
		}
		l.screen.show(strings.Split(strings.TrimRight(l.screen.heed(text.String()), "\n"), "\n"))
	}
	l.last, l.seen, l.lost = s, now, false
	return nil
}

// inShort says in a line how an ensemble is.
func inShort(s *overview.Ensemble) string {
	leader := "nobody leads"
	if s.Leader != nil {
		leader = *s.Leader + " leads"
	}
	away := 0
	for _, n := range s.Nodes {
		if n.Role == "unreachable" {
			away++
		}
	}
	return fmt.Sprintf("%d nodes, %d of them unreachable; %s; quorum: %s; %d groups", len(s.Nodes), away, leader,
		map[bool]string{true: "yes", false: "NONE"}[s.Quorum], len(s.Groups))
}

// changesBetween tells what a person would want to know of what has changed.
func changesBetween(old, s *overview.Ensemble) (lines []string) {
	tell := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if old.Cluster != s.Cluster {
		tell("another ensemble answers: %s", s.Cluster)
	}
	if old.Quorum != s.Quorum {
		tell("%s", map[bool]string{true: "there is a quorum again", false: "the quorum is LOST"}[s.Quorum])
	}
	switch {
	case s.Leader == nil && old.Leader != nil:
		tell("nobody leads any more")
	case s.Leader != nil && (old.Leader == nil || *old.Leader != *s.Leader):
		tell("%s leads, term %d", *s.Leader, s.Term)
	}
	lines = append(lines, nodesBetween(old, s)...)
	return append(lines, groupsBetween(old, s)...)
}

func nodesBetween(old, s *overview.Ensemble) (lines []string) {
	before := map[string]overview.Node{}
	for _, n := range old.Nodes {
		before[n.Name] = n
	}
	for _, n := range s.Nodes {
		was, known := before[n.Name]
		delete(before, n.Name)
		switch {
		case !known:
			lines = append(lines, n.Name+" has come, as "+n.Role)
		case was.Role == n.Role:
		case n.Role == "unreachable":
			lines = append(lines, n.Name+" cannot be reached")
		case was.Role == "unreachable":
			lines = append(lines, n.Name+" is back, as "+n.Role)
		case was.Role == "learner":
			lines = append(lines, n.Name+" votes now")
		}
		if known && was.Version != n.Version {
			lines = append(lines, fmt.Sprintf("%s runs %s now, and ran %s", n.Name, n.Version, was.Version))
		}
	}
	for _, n := range old.Nodes {
		if _, gone := before[n.Name]; gone {
			lines = append(lines, n.Name+" was removed")
		}
	}
	return lines
}

func groupsBetween(old, s *overview.Ensemble) (lines []string) {
	before := map[string]overview.Group{}
	for _, g := range old.Groups {
		before[g.Name] = g
	}
	for _, g := range s.Groups {
		was, known := before[g.Name]
		delete(before, g.Name)
		switch {
		case !known:
			lines = append(lines, "group "+g.Name+" was made")
		case was.Size != g.Size || was.State != g.State:
			lines = append(lines, fmt.Sprintf("group %s is %s, with %d members", g.Name, g.State, g.Size))
		}
	}
	for _, g := range old.Groups {
		if _, gone := before[g.Name]; gone {
			lines = append(lines, "group "+g.Name+" has ended")
		}
	}
	return lines
}
