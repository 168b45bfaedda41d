package sim

import (
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/replica"
)

// scene is a world in which nothing happens but what a test lets happen.
type scene struct {
	t *testing.T
	*World
}

// newScene founds an ensemble of three, which has a leader.
func newScene(t *testing.T) *scene {
	t.Helper()
	s := silentScene(t)
	s.begin()
	s.until(second, func() bool { return s.leader() != nil && s.agreed() && s.raised() })
	s.pass(50 * millisecond) // nothing is on its way any more
	return s
}

// raised says whether the ensemble has come to its feature level, the last that it does by itself.
func (s *scene) raised() bool {
	for _, n := range s.nodes {
		if n.r == nil || n.r.State().Level() != entry.Level {
			return false
		}
	}
	return true
}

func silentScene(t *testing.T) *scene {
	t.Helper()
	return sceneOf(t, plan{seed: 7, voters: 3, snapshotEntries: 1000, keepEntries: 100, maxEntry: 4096,
		keys: 1, codec: true})
}

func sceneOf(t *testing.T, p plan) *scene {
	t.Helper()
	s := &scene{t: t, World: newWorld(p, 200)}
	s.calm = true
	t.Cleanup(func() {
		if s.failed != nil {
			t.Errorf("%v\n%s", s.failed, s.trace.tail())
		}
	})
	return s
}

// until lets things happen until done says so, which must be within d.
func (s *scene) until(d int64, done func() bool) {
	s.t.Helper()
	if !s.runUntil(s.now+d, done) {
		s.t.Fatalf("not so after %s s: %v\n%s", clockText(d), s.failed, s.trace.tail())
	}
}

// pass lets d pass.
func (s *scene) pass(d int64) {
	s.t.Helper()
	s.runUntil(s.now+d, func() bool { return false })
	if s.failed != nil {
		s.t.Fatalf("%v\n%s", s.failed, s.trace.tail())
	}
}

// leader gives the running node that leads the highest term.
func (s *scene) leader() *node {
	var best *node
	for _, n := range s.up() {
		if n.r.Leads() && (best == nil || n.r.Status().Term > best.r.Status().Term) {
			best = n
		}
	}
	return best
}

// agreed says whether all running nodes follow one leader, have applied the same, and are known to have
// started.
func (s *scene) agreed() bool {
	lead := s.leader()
	for _, n := range s.up() {
		if lead == nil || n.r.Status().Leader != lead.id || n.r.State().Index() != lead.r.State().Index() {
			return false
		}
		if known, ok := lead.r.State().Node(n.id); !ok || known.Boot != n.boot {
			return false
		}
	}
	return lead != nil
}

// others gives the running nodes beside one, by raft id.
func (s *scene) others(one *node) []*node {
	var list []*node
	for _, n := range s.up() {
		if n != one {
			list = append(list, n)
		}
	}
	return list
}

// caller is a client that sends one pipeline at a time.
type caller struct {
	s       *scene
	c       *conn
	replies []caucus.Reply
}

func (s *scene) call(n *node) *caller {
	c := &caller{s: s}
	if c.c = s.dial(n, c); c.c == nil {
		s.t.Fatalf("%s does not listen", n.name)
	}
	return c
}

func (c *caller) answered(_ *conn, r *request) { c.replies = r.replies }
func (c *caller) lost(*conn)                   {}
func (c *caller) vouches() bool                { return false }

// send sends a pipeline and does not wait.
func (c *caller) send(cmds ...caucus.Command) {
	c.replies = nil
	c.c.ask(cmds...)
}

// do sends a command and gives its reply.
func (c *caller) do(words ...string) caucus.Reply {
	c.s.t.Helper()
	c.send(words)
	return c.wait(2 * second)
}

func (c *caller) wait(d int64) caucus.Reply {
	c.s.t.Helper()
	c.s.until(d, func() bool { return c.replies != nil })
	return c.replies[len(c.replies)-1]
}

// must is do for what has to succeed.
func (c *caller) must(words ...string) caucus.Reply {
	c.s.t.Helper()
	r := c.do(words...)
	if r.Kind == caucus.KindError {
		c.s.t.Fatalf("%v: %s\n%s", words, r.Str, c.s.trace.tail())
	}
	return r
}

// fails says whether a reply is an error of that word.
func fails(r caucus.Reply, word *caucus.Error) bool {
	return r.Kind == caucus.KindError && caucus.ParseError(r.Str).Word == word.Word
}

// notice lets a node notice at once that another is gone.
func (n *node) notice(gone uint64) {
	n.input(func(now replica.Time) { n.r.PeerLost(now, gone) })
}
