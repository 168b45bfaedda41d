package sim

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
)

// alter changes a node's state behind its back, as a bit that flips in memory does.
func (n *node) alter(t *testing.T, value string) {
	t.Helper()
	m := n.r.State()
	boot, term, number := m.Origin(n.id)
	e := &entry.Entry{Stamp: m.Stamp(), Batches: []entry.Batch{{Node: n.id, Boot: boot, Number: number + 1000,
		Ops: []entry.Op{{Conn: 1, Args: caucus.Command{"SET", "k0", value}}}}}}
	if out, err := m.Apply(m.Index(), term, e, silent{}); err != nil || out.Batches[0].Duplicate {
		t.Fatal("the state could not be altered", err)
	}
	n.altered = true
}

// silent is a host without clients.
type silent struct{}

func (silent) Steps(*entry.Batch) []entry.Step { return nil }
func (silent) Publish(string, string) int      { return 0 }
func (silent) Send(*machine.Message)           {}
func (silent) Panicked(string, any)            {}

func (n *node) askDigest() { n.input(func(now replica.Time) { n.r.AskDigest(now) }) }

// SAFETY A13: all is well: every node has the table, with as many rows as there are nodes, whoever asked.
func TestA13EverybodyHasTheTable(t *testing.T) {
	s := newScene(t)
	var last uint64
	for _, asks := range s.nodes {
		asks.askDigest()
		s.until(second, func() bool {
			for _, n := range s.nodes {
				if table, _ := n.r.State().Digests(); table.Index <= last || len(table.Rows) != 3 {
					return false
				}
			}
			return true
		})
		table, _ := s.nodes[0].r.State().Digests()
		for _, row := range table.Rows {
			if row.Sum != table.Rows[0].Sum || row.Sum == 0 || row.Format == 0 {
				t.Fatalf("the table is %+v", table)
			}
		}
		last = table.Index
	}
}

// SAFETY A13: one node's state was altered silently, be it the leader's: that node stops and says what the
// digests are, and the others serve on.
func TestA13OnlyTheAlteredStops(t *testing.T) {
	for name, leads := range map[string]bool{"the leader": true, "a follower": false} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			bad := s.leader()
			if !leads {
				bad = s.others(bad)[1]
			}
			s.call(s.nodes[0]).must("SET", "k0", "good")
			s.until(second, s.agreed)
			bad.alter(t, "bad")
			s.others(bad)[0].askDigest()
			s.until(5*second, func() bool { return bad.ended != nil && s.agreed() })
			if text := bad.ended.Error(); !strings.Contains(text, bad.name+" has digest") ||
				!strings.Contains(text, "move its data directory away") {
				t.Errorf("it says %q", text)
			}
			for _, n := range s.up() {
				if r := s.call(n).must("GET", "k0"); r.Text() != "good" || n.ended != nil {
					t.Errorf("%s has %v", n.name, r)
				}
			}
			if len(s.up()) != 2 {
				t.Errorf("%d nodes run", len(s.up()))
			}
			bad.start()
			s.until(5*second, func() bool { return bad.r == nil }) // the log tells it again
		})
	}
}

// SAFETY A13: two of three were altered differently, so nobody knows who is right: all stop.
func TestA13NoMajorityAllStop(t *testing.T) {
	s := newScene(t)
	s.nodes[0].alter(t, "x")
	s.nodes[1].alter(t, "y")
	s.nodes[2].askDigest()
	s.until(5*second, func() bool { return s.nodes[0].r == nil && s.nodes[1].r == nil && s.nodes[2].r == nil })
	for _, n := range s.nodes {
		for _, other := range s.nodes {
			if !strings.Contains(n.ended.Error(), other.name+" has digest") {
				t.Errorf("%s says %q", n.name, n.ended)
			}
		}
	}
}

// SAFETY A13: nobody waits for the digest of a node that is cut off, and when it comes back it goes on.
func TestA13WhoIsCutOffIsNotWaitedFor(t *testing.T) {
	s := newScene(t)
	lead := s.leader()
	late := s.others(lead)[0]
	s.net.blocked[[2]uint64{lead.id, late.id}] = true
	lead.askDigest()
	s.until(second, func() bool {
		table, _ := lead.r.State().Digests()
		return len(table.Rows) == 2
	})
	delete(s.net.blocked, [2]uint64{lead.id, late.id})
	s.reconnect(lead, late)
	s.until(5*second, func() bool {
		table, _ := late.r.State().Digests()
		return table.Index > 0 && s.agreed()
	})
}
