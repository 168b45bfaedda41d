package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/caucus-project/caucus/client"
)

// demoCmd shows the main job: three nodes, four workers that divide a file, and what happens when some are
// killed. It checks what it claims, and fails when a claim did not hold.
type demoCmd struct {
	Items string `help:"File whose lines are divided, - for stdin; else *.go below here." placeholder:"FILE"`
}

const (
	demoTime   = time.Minute             // by when it is over, whatever happens; it takes a quarter of that
	sceneTime  = 2200 * time.Millisecond // how long each division of the work is looked at, at least
	coverTime  = 4 * time.Second         // how long at most until every line was worked on
	workersNow = 4
	demoSettle = 300 * time.Millisecond // settle period of the workers' group
)

// Run tells the whole story.
func (c *demoCmd) Run(ctx context.Context) (err error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	late := fmt.Errorf("the demo was not done within %v", demoTime)
	ctx, cancel := context.WithTimeoutCause(ctx, demoTime, late)
	defer cancel()
	ctx, abandon := context.WithCancelCause(ctx)
	defer abandon(nil)
	signal.Ignore(syscall.SIGPIPE) // whose end would leave files behind; the failed write ends the demo
	screen := newScreen(os.Stdout)
	screen.lost = abandon
	items, from, err := gatherItems(ctx, c.Items)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "caucus-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	nursery, err := newNursery()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, nursery.end()) }()
	s := &story{dir: dir, nursery: nursery, screen: screen, check: newChecker(items)}
	s.title = fmt.Sprintf("%s lines of %s", thousands(len(items)), from)
	screen.plain("caucus demo: "+s.title, "")
	err = s.tell(ctx)
	return errors.Join(err, s.conclude(err))
}

// story is the demo while it runs.
type story struct {
	dir     string
	title   string
	nursery *nursery
	screen  *screen
	client  *client.Client
	writes  writer
	asides  sync.WaitGroup

	mu      sync.Mutex // guards check, the workers' counts and the nodes' roles
	check   *checker
	nodes   []*nodeChild
	workers []*workerChild
	settled bool // the epoch below is that of the present workers
	epoch   uint64

	claims []claim
}

// claim is something that the demo shows, and whether it held.
type claim struct {
	held bool
	text string
}

func (s *story) claim(held bool, format string, args ...any) {
	s.claims = append(s.claims, claim{held, fmt.Sprintf(format, args...)})
}

// tell goes through the scenes.
func (s *story) tell(ctx context.Context) error {
	if err := s.found(ctx); err != nil {
		return err
	}
	defer s.client.Close()
	behind, cancel := context.WithCancel(ctx)
	s.asides.Go(func() { s.writes.write(behind, s.client) })
	s.asides.Go(func() { s.watchRoles(behind) })
	s.asides.Go(func() { s.redraw(behind) })
	err := s.scenes(ctx)
	cancel()
	s.asides.Wait()
	if err != nil {
		return err
	}
	return s.checkWrites(ctx)
}

func (s *story) scenes(ctx context.Context) error {
	for _, scene := range []func(context.Context) error{
		s.divideWork, s.loseWorker, s.loseLeader, s.replaceWorker, s.dismiss,
	} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return nil
}

// found starts three nodes: the first founds an ensemble, the others join it and get a vote.
func (s *story) found(ctx context.Context) error {
	join := ""
	for _, name := range []string{"n1", "n2", "n3"} {
		n, err := s.startNode(ctx, name, join)
		if err != nil {
			return err
		}
		s.nodes = append(s.nodes, n)
		join = s.nodes[0].addr
	}
	cfg := client.Config{}
	for _, n := range s.nodes {
		cfg.Addrs = append(cfg.Addrs, n.addr)
	}
	c, err := client.Dial(ctx, cfg)
	if err != nil {
		return fmt.Errorf("reach the nodes: %w", err)
	}
	s.client = c
	err = s.until(ctx, "all three nodes vote", func() bool {
		found, err := roles(ctx, c)
		voters := 0
		for _, role := range found {
			if role == "leader" || role == "follower" {
				voters++
			}
		}
		s.setRoles(found)
		return err == nil && voters == 3
	})
	if err != nil {
		return errors.Join(err, c.Close())
	}
	s.screen.say("three nodes, processes with files of their own, are one ensemble; %s leads", s.leader())
	return nil
}

// divideWork hires four workers and lets them work.
func (s *story) divideWork(ctx context.Context) error {
	start := ticks()
	for range workersNow {
		if err := s.hire(); err != nil {
			return err
		}
	}
	since, err := s.awaitDivision(ctx, "four workers have divided the lines")
	if err != nil {
		return err
	}
	s.screen.say("four workers joined and divided the lines in %s: %s", span2text(start, since), s.division())
	return s.work(ctx, since, "four workers")
}

// loseWorker kills one of them.
func (s *story) loseWorker(ctx context.Context) error {
	victim := s.workers[1]
	s.unsettle()
	at, _, err := s.killChild(ctx, victim.child)
	if err != nil {
		return err
	}
	s.screen.say("%s killed (kill -9)", victim.name)
	since, err := s.awaitDivision(ctx, "the other three have divided the lines anew")
	if err != nil {
		return err
	}
	s.screen.say("its lines were divided anew %s after the kill: %s", span2text(at, since), s.division())
	s.claim(true, "killed worker: work divided anew %s after kill -9, of which the group was told to wait %v",
		span2text(at, since), demoSettle)
	return s.work(ctx, since, "three workers")
}

// loseLeader kills the leading node. Nobody's session ends by that, so the division stays.
func (s *story) loseLeader(ctx context.Context) error {
	found, err := roles(ctx, s.client)
	if err != nil {
		return fmt.Errorf("ask who leads: %w", err)
	}
	s.setRoles(found)
	leader := s.node(s.leader())
	if leader == nil {
		return fmt.Errorf("no node leads: %v", found)
	}
	s.mu.Lock()
	before, pieces := s.epoch, s.check.pieces
	s.mu.Unlock()
	at, gone, err := s.killChild(ctx, leader.child)
	if err != nil {
		return err
	}
	s.screen.say("%s, the leading node, killed (kill -9)", leader.name)
	var acked int64
	if err := s.until(ctx, "a write is acknowledged again", func() (ok bool) {
		acked, ok = s.writes.firstAfter(gone)
		return ok
	}); err != nil {
		return err
	}
	s.screen.say("the next write was acknowledged %s after the kill", span2text(at, acked))
	s.claim(true, "killed leader: next write acknowledged %s after kill -9", span2text(at, acked))
	if err := s.work(ctx, acked, "the workers, on two nodes"); err != nil {
		return err
	}
	s.mu.Lock()
	epoch, _, same := s.check.divided(s.active(), before-1)
	done := s.check.pieces - pieces
	s.mu.Unlock()
	if !same {
		return errors.New("after the loss of a node the workers do not hold all lines between them")
	}
	if epoch == before {
		s.screen.say("nobody's session ended, so nothing was divided anew; %s lines worked on since; %s leads",
			thousands(done), s.leader())
	}
	return nil
}

// replaceWorker hires one more, through the two nodes that are left.
func (s *story) replaceWorker(ctx context.Context) error {
	start := ticks()
	s.unsettle()
	if err := s.hire(); err != nil {
		return err
	}
	since, err := s.awaitDivision(ctx, "the new worker has its share")
	if err != nil {
		return err
	}
	s.screen.say("a new worker, %s, joined through the nodes left; divided anew in %s: %s",
		s.workers[len(s.workers)-1].name, span2text(start, since), s.division())
	return s.work(ctx, since, "four workers again")
}

// dismiss lets the workers end by themselves.
func (s *story) dismiss(ctx context.Context) error {
	s.unsettle()
	for _, w := range s.workers {
		if w.killed {
			continue
		}
		s.mu.Lock()
		w.killed = true // its end is wanted from here on
		s.mu.Unlock()
		if err := w.in.Close(); err != nil {
			return fmt.Errorf("dismiss %s: %w", w.name, err)
		}
	}
	for _, w := range s.workers {
		select {
		case <-w.told:
		case <-ctx.Done():
			return fmt.Errorf("%s did not end when told to: %w", w.name, context.Cause(ctx))
		}
	}
	return nil
}

// span2text writes the time between two moments.
func span2text(from, to int64) string {
	return time.Duration(to - from).Round(time.Millisecond).String()
}
