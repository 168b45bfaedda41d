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
	lines = append(lines, between(old.Nodes, s.Nodes, nameOfNode, nodeChanged, "%s was removed")...)
	return append(lines, between(old.Groups, s.Groups, nameOfGroup, groupChanged, "group %s has ended")...)
}

// between tells of each of what has a name how it has changed since it was looked at last, and of what is
// gone.
func between[T any](old, now []T, name func(T) string, changed func(was *T, is T) []string,
	gone string) (lines []string) {
	before := map[string]*T{}
	for i := range old {
		before[name(old[i])] = &old[i]
	}
	for _, is := range now {
		lines = append(lines, changed(before[name(is)], is)...)
		delete(before, name(is))
	}
	for _, was := range old {
		if before[name(was)] != nil {
			lines = append(lines, fmt.Sprintf(gone, name(was)))
		}
	}
	return lines
}

func nameOfNode(n overview.Node) string { return n.Name }

// nodeChanged tells how a node has changed; was is nil for one that was not there.
func nodeChanged(was *overview.Node, is overview.Node) (lines []string) {
	switch {
	case was == nil:
		return []string{is.Name + " has come, as " + is.Role}
	case was.Role == is.Role:
	case is.Role == "unreachable":
		lines = append(lines, is.Name+" cannot be reached")
	case was.Role == "unreachable":
		lines = append(lines, is.Name+" is back, as "+is.Role)
	case was.Role == "learner":
		lines = append(lines, is.Name+" votes now")
	}
	if was.Version != is.Version {
		lines = append(lines, fmt.Sprintf("%s runs %s now, and ran %s", is.Name, is.Version, was.Version))
	}
	return lines
}

func nameOfGroup(g overview.Group) string { return g.Name }

// groupChanged tells how a group has changed; was is nil for one that was not there.
func groupChanged(was *overview.Group, is overview.Group) []string {
	switch {
	case was == nil:
		return []string{"group " + is.Name + " was made"}
	case was.Size != is.Size || was.State != is.State:
		return []string{fmt.Sprintf("group %s is %s, with %d members", is.Name, is.State, is.Size)}
	}
	return nil
}
