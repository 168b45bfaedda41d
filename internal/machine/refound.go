package machine

// Refound makes the state that of a new ensemble, which has one node: the survivor, whose record this is,
// under a raft id that no node has had, which it gives. Keys, sessions and groups stay.
//
// The lost nodes may have acknowledged more than the survivor knows. So no term, epoch, revision or number of
// an event that they may have given is given again (SAFETY A16), who reads events or changes of keys finds a
// gap, and everything that is held in a group is revoked, to be granted anew under new tokens as if it were
// taken from the living (SAFETY A3).
func (m *Machine) Refound(cluster [16]byte, survivor Node) (id uint64) {
	former := survivor.ID
	survivor.ID, survivor.Boots, survivor.Boot = m.nextNode, 0, [16]byte{}
	m.cluster, m.now, m.quorum = cluster, m.stamp, 0
	m.counter += restoreRaise
	m.nodes.Clear()
	m.origins.Clear()
	m.reserved.Clear()
	m.leaving.Clear()
	m.digests = digests{stamp: m.stamp}
	m.Admit(m.index, m.term, survivor)
	m.rehash()
	m.forsakeAll()
	m.forgetHistory()
	m.sessions.ScanMut(func(_ string, s *session) bool {
		if s.node == former {
			s.node = survivor.ID
		}
		return true
	})
	m.groups.ScanMut(func(_ string, g *group) bool {
		m.reissue(g)
		return true
	})
	m.out = Output{}
	return survivor.ID
}

// rehash puts the keys into the order of the present cluster id (SAFETY B10). Removals are known by the
// hashes of before, so they count as forgotten.
func (m *Machine) rehash() {
	old := m.keys
	m.keys = newKeyspace(m.cluster)
	m.keys.removals.forgotten = m.counter
	old.from(0, func(_ uint64, it *item) bool {
		if it.kind.hasBody() {
			m.keys.adopt(it.id(), old.bodyOf(it.value).rehashed(m.keys.hashing))
		}
		m.keys.set(it)
		return true
	})
}

// rehashed gives a body with the same elements in the order of another hash.
func (b *body) rehashed(h hashing) *body {
	again := newBody(b.is, h)
	again.large = b.large
	b.each(func(e element) bool {
		again.add(e)
		return true
	})
	return again
}

// forsakeAll ends all waits for elements, of which nobody is told.
func (m *Machine) forsakeAll() {
	m.pops.waits.Scan(func(_ uint64, w *popWait) bool {
		m.disarm(w.deadline())
		return true
	})
	m.pops = popLine{}
}

// reissue begins a new life of a group with the same members. Its polls end with the old life: they may have
// been decided in a way that the survivor has not heard of.
func (m *Machine) reissue(g *group) {
	g.life = m.next()
	g.seq = g.life
	m.forgetPolls(g)
	g.kept.Clear()
	g.size = 0
	if g.leader != 0 {
		g.heir = g.leader
		m.revokeLead(g)
		g.unsaid = true
	} else if g.revokedFrom != 0 {
		g.leadToken = m.next()
		g.revoked = g.leadToken
	}
	for _, order := range g.members.Keys() {
		g.vacate(order)
	}
	g.freed = false // slots may be held also where no index is
	if g.members.Len() > 0 {
		m.unsettle(g)
	}
	m.counter = max(m.counter, g.seq)
}
