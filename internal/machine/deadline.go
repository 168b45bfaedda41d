package machine

import "github.com/tidwall/btree"

// deadline is a promise to do something when the ensemble's clock has reached a stamp, whoever leads
// (SAFETY B6). There is one queue for all kinds.
type deadline struct {
	at     int64 // microseconds since 1970
	kind   deadlineKind
	name   string
	number uint64
}

type deadlineKind uint8

const (
	keyExpires deadlineKind = iota + 1 // name is the key
	pollDue                            // name is the group, number the poll
	waitEnds                           // name is the group of a lock, number the join order of who waits for it
	popEnds                            // number is that of a wait for elements
)

func newDeadlines() *btree.BTreeG[deadline] {
	less := func(a, b deadline) bool {
		if a.at != b.at {
			return a.at < b.at
		}
		if a.kind != b.kind {
			return a.kind < b.kind
		}
		if a.name != b.name {
			return a.name < b.name
		}
		return a.number < b.number
	}
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
}

// arm and disarm put a deadline into the queue and take it out again.
func (s *state) arm(d deadline)    { s.deadlines.Set(d) }
func (s *state) disarm(d deadline) { s.deadlines.Delete(d) }

// settleDeadlines does what has fallen due by the given stamp.
func (m *Machine) settleDeadlines(stamp int64) {
	for {
		d, ok := m.deadlines.Min()
		if !ok || d.at > stamp {
			return
		}
		m.deadlines.Delete(d)
		switch d.kind {
		case keyExpires:
			m.expireKey(d.name)
		case pollDue:
			m.pollIsDue(d.name, d.number)
		case waitEnds:
			m.timeOut(d)
		case popEnds:
			m.popIsOver(d.number)
		}
	}
}

// NextDeadline gives the stamp at which something falls due next. The leader sees to it that an entry is
// logged then, so that it happens also without traffic (SAFETY B11).
func (m *Machine) NextDeadline() (stamp int64, ok bool) {
	d, ok := m.deadlines.Min()
	return d.at, ok
}
