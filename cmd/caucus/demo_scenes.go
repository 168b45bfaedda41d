package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
)

// until waits until ok, and fails when time is up or a child has died that should not have.
func (s *story) until(ctx context.Context, what string, ok func() bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if err := s.deaths(); err != nil {
			return fmt.Errorf("while waiting until %s: %w", what, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("while waiting until %s: %w", what, context.Cause(ctx))
		}
	}
	return nil
}

// deaths names the children that ended without having been told to.
func (s *story) deaths() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	look := func(c *child) {
		select {
		case <-c.gone:
			if !c.killed {
				err = errors.Join(err, fmt.Errorf("%s ended by itself: %s", c.name, c.lastWords()))
			}
		default:
		}
	}
	for _, n := range s.nodes {
		look(n.child)
	}
	for _, w := range s.workers {
		look(w.child)
	}
	return err
}

// killChild is kill -9 of one child. It says when that was, and from when on the child was surely gone: what
// it still did in between proves nothing.
func (s *story) killChild(ctx context.Context, c *child) (at, gone int64, err error) {
	s.mu.Lock()
	at, err = c.kill()
	s.mu.Unlock()
	if err != nil {
		return 0, 0, err
	}
	select {
	case <-c.gone:
		return at, ticks(), nil
	case <-ctx.Done():
		return 0, 0, fmt.Errorf("kill %s: %w", c.name, context.Cause(ctx))
	}
}

// unsettle says that the division is about to change.
func (s *story) unsettle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = false
}

// awaitDivision waits until the workers hold all lines between them under a new epoch, and says since when.
func (s *story) awaitDivision(ctx context.Context, what string) (since int64, err error) {
	err = s.until(ctx, what, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		epoch, at, ok := s.check.divided(s.active(), s.epoch)
		if ok {
			s.epoch, since, s.settled = epoch, at, true
		}
		return ok
	})
	return since, err
}

// work lets the workers work until every line was worked on since a moment, and a little longer for the eye.
// On a slow machine it goes on without: who owns the lines is checked either way.
func (s *story) work(ctx context.Context, since int64, who string) error {
	begun := time.Now()
	covered, all := 0, len(s.check.items)
	err := s.until(ctx, who+" are through with all lines", func() bool {
		s.mu.Lock()
		covered = s.check.covered(since)
		s.mu.Unlock()
		passed := time.Since(begun)
		return covered == all && passed >= sceneTime || passed >= coverTime
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	_, _, one := s.check.divided(s.active(), s.epoch-1)
	s.mu.Unlock()
	s.claim(one, "%s: every line has exactly one owner; %s of %s worked on meanwhile", who,
		thousands(covered), thousands(all))
	return nil
}

// division says who holds how many lines.
func (s *story) division() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var parts []string
	for _, name := range s.active() {
		if held, ok := s.check.held(name); ok {
			parts = append(parts, fmt.Sprintf("%s %s", name, thousands(len(s.check.share(held.Index, held.Total)))))
		}
	}
	return strings.Join(parts, ", ")
}

func (s *story) setRoles(found map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nodes {
		if role, ok := found[n.name]; ok {
			n.role = role
		}
		if n.killed {
			n.role = "killed"
		}
	}
}

// leader gives the name of the node that leads, as far as is known.
func (s *story) leader() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nodes {
		if n.role == "leader" && !n.killed {
			return n.name
		}
	}
	return "nobody"
}

func (s *story) node(name string) *nodeChild {
	for _, n := range s.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

// watchRoles keeps the nodes' roles on the screen up to date. What it cannot learn stays as it was.
func (s *story) watchRoles(ctx context.Context) {
	for ctx.Err() == nil {
		if found, err := roles(ctx, s.client); err == nil {
			s.setRoles(found)
		}
		idle(ctx, 100*time.Millisecond)
	}
}

func (s *story) redraw(ctx context.Context) {
	for s.screen.live && ctx.Err() == nil {
		s.screen.draw(s.picture())
		idle(ctx, 100*time.Millisecond)
	}
}

func idle(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// picture looks at everything at once. Who owns what is as last worked on; a worker that has done nothing for
// a while owns nothing as far as one can see.
func (s *story) picture() picture {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := picture{title: "  " + s.title, acked: s.writes.count()}
	for _, n := range s.nodes {
		role := n.role
		if n.killed {
			role = "killed"
		}
		p.nodes = append(p.nodes, nodeView{n.name, role})
	}
	shares := map[int]int{} // index to worker
	total := 0
	for i, w := range s.workers {
		view := workerView{name: w.name, pieces: w.pieces, state: "settling"}
		held, ok := s.check.held(w.name)
		switch {
		case w.killed:
			view.state = "killed"
			if s.over() {
				view.state = "done"
			}
		case ok && ticks()-w.last < int64(seenLately):
			view.state = fmt.Sprintf("%d of %d, epoch %d", held.Index, held.Total, held.Epoch)
			view.lines = len(s.check.share(held.Index, held.Total))
			shares[held.Index], total = i, held.Total
		}
		p.workers = append(p.workers, view)
	}
	p.owners = s.owners(shares, total)
	return p
}

const seenLately = 150 * time.Millisecond

// over says whether the workers have been dismissed: then none is left.
func (s *story) over() bool { return len(s.active()) == 0 }

// owners gives the worker of some items from all over the file.
func (s *story) owners(shares map[int]int, total int) []int {
	items := s.check.items
	n := min(2*stripMost, len(items))
	owners := make([]int, n)
	for i := range owners {
		owners[i] = -1
		if total > 0 {
			if worker, ok := shares[caucus.IndexOf(items[i*len(items)/n].Key, total)]; ok {
				owners[i] = worker
			}
		}
	}
	return owners
}

// conclude says which claims held. Its error is that one did not.
func (s *story) conclude(broken error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.check.judgeSpans()
	s.claim(s.check.failed == 0, "no line was ever worked on by two at once (%s pieces of work looked at)",
		thousands(s.check.pieces))
	failed := 0
	s.screen.plain("")
	if broken != nil {
		s.screen.plain("The demo did not come to its end. Until then:")
	}
	for _, c := range s.claims {
		if c.held {
			s.screen.plain("  " + s.screen.good("held   ") + " " + c.text)
			continue
		}
		failed++
		s.screen.plain("  " + s.screen.bad("BROKEN ") + " " + c.text)
	}
	for _, fault := range s.check.faults {
		s.screen.plain("          " + fault)
	}
	switch {
	case failed > 0:
		return fmt.Errorf("%d of %d claims did not hold", failed, len(s.claims))
	case broken == nil:
		s.screen.plain("", fmt.Sprintf("All claims held, in %.1f s.", time.Since(s.screen.start).Seconds()))
	}
	return nil
}
