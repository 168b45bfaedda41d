package machine

import (
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/fields"
)

// Node is what the ensemble knows of one of its nodes. A node is who its data directory says: the
// incarnation is random and new for every directory, addresses are announced anew at every start.
type Node struct {
	ID          uint64   // raft id, used once
	Incarnation [16]byte // of its data directory
	Name        string
	Client      string // host:port of the RESP door
	Peer        string // host:port of the peer door
	HTTP        string // host:port of the HTTP door
	Metadata    string // JSON by convention
	Version     string
	Level       uint16 // highest feature level that it supports
	Boots       uint64 // how often it has started
	Boot        entry.Boot
}

// Append adds the node's bytes to dst; they stand in configuration entries, snapshots and peer frames.
func (n *Node) Append(dst []byte) []byte {
	dst = fields.Uvarint(dst, n.ID)
	dst = append(dst, n.Incarnation[:]...)
	for _, s := range []string{n.Name, n.Client, n.Peer, n.HTTP, n.Metadata, n.Version} {
		dst = fields.String(dst, s)
	}
	dst = fields.Uvarint(dst, uint64(n.Level))
	dst = fields.Uvarint(dst, n.Boots)
	return append(dst, n.Boot[:]...)
}

// ReadNode takes what Append wrote.
func ReadNode(r *fields.Reader) Node {
	n := Node{ID: r.Uvarint(), Incarnation: r.ID()}
	for _, s := range []*string{&n.Name, &n.Client, &n.Peer, &n.HTTP, &n.Metadata, &n.Version} {
		*s = r.String()
	}
	n.Level, n.Boots, n.Boot = uint16(r.Uvarint()), r.Uvarint(), r.ID()
	return n
}

// Node finds a node by raft id.
func (s *state) Node(id uint64) (Node, bool) {
	n, ok := s.nodes.Get(id)
	if !ok {
		return Node{}, false
	}
	return *n, true
}

// Nodes gives all nodes by raft id.
func (s *state) Nodes() []Node {
	all := make([]Node, 0, s.nodes.Len())
	s.nodes.Scan(func(_ uint64, n *Node) bool {
		all = append(all, *n)
		return true
	})
	return all
}

// NextNode gives the raft id that the next node will get.
func (s *state) NextNode() uint64 { return s.nextNode }

// Admit adds a node, as the configuration entry that adds it to raft says (SAFETY B2: members and addresses
// never differ, because one entry writes both). It says no to an id other than the next one, and to a version
// that does not support the level in force (SAFETY B20).
func (m *Machine) Admit(index, term uint64, n Node) bool {
	m.Skip(index, term)
	if n.ID != m.nextNode || n.Level < m.level {
		return false
	}
	m.nextNode++
	m.nodes.Set(n.ID, &n)
	m.reserved.Delete(n.Name)
	return true
}

// Await has nobody served before so many nodes vote: a majority of those that found together (SAFETY A12).
func (m *Machine) Await(voters uint64) { m.quorum = voters }

// Awaits says how many nodes must vote before anybody is served, 0 when enough of them did.
func (s *state) Awaits() uint64 { return s.quorum }

// Vote notes how many nodes vote from a configuration entry on. Once they were enough they stay so: a node
// that is removed later stops nobody.
func (m *Machine) Vote(voters int) {
	if uint64(voters) >= m.quorum {
		m.quorum = 0
	}
}

// Dismiss takes a node out; its configuration entry removed it from raft. It is leaving until Gone: a node of
// which it is not yet durable that the entry is committed would, after a crash, still need its vote.
func (m *Machine) Dismiss(index, term, id uint64) {
	m.Skip(index, term)
	if n, ok := m.nodes.Delete(id); ok {
		m.leaving.Set(id, n.Name)
	}
	m.origins.Delete(id)
}

// Gone is the leader's note that a removed node is needed no more. Whoever has this entry on its disk has the
// commit index of the removal there, too.
func Gone(id uint64) entry.Op {
	return entry.Op{Args: caucus.Command{opGone, strconv.FormatUint(id, 10)}}
}

func nodeGone(c *call) caucus.Reply {
	if id, err := strconv.ParseUint(c.args[len(c.args)-1], 10, 64); err == nil {
		c.m.leaving.Delete(id)
		c.m.quitLinesAt(id, entry.Boot{})
		c.m.quitPopsAt(id, func(entry.Boot) bool { return true })
	}
	return caucus.OK()
}

// Leaving gives the raft ids of the nodes that were removed and are not yet Gone, and their names.
func (s *state) Leaving() (ids []uint64, names []string) { return s.leaving.Keys(), s.leaving.Values() }

// Reserve is the leader's note that a node of that name is expected at a client address, or, if that is
// empty, no longer.
func Reserve(name, addr string) entry.Op {
	return entry.Op{Args: caucus.Command{opReserve, name, addr}}
}

func reserveName(c *call) caucus.Reply {
	if len(c.args) == 3 && c.args[2] != "" {
		c.m.reserved.Set(strings.Clone(c.args[1]), strings.Clone(c.args[2]))
	} else if len(c.args) == 3 {
		c.m.reserved.Delete(c.args[1])
	}
	return caucus.OK()
}

// Reserved gives the client address at which a node of that name is expected.
func (s *state) Reserved(name string) (addr string, ok bool) { return s.reserved.Get(name) }

// Reservations gives all names that are reserved, in order, with the client address of each.
func (s *state) Reservations() (list [][2]string) {
	s.reserved.Scan(func(name, addr string) bool {
		list = append(list, [2]string{name, addr})
		return true
	})
	return list
}
