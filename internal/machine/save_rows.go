package machine

import (
	"math"
	"strings"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/fields"
)

// The rows of a snapshot's sections, each way beside the other.

func saveMeta(w *saver, s *state) { w.row(metaRow(w, s), "") }

func metaRow(w *saver, s *state) []byte {
	row := append(w.head, s.cluster[:]...)
	row = fields.Uvarint(row, s.index)
	row = fields.Uvarint(row, s.term)
	row = fields.Uvarint(fields.Varint(row, s.stamp), s.begun)
	row = fields.Uvarint(row, s.counter)
	row = fields.Uvarint(row, s.nextNode)
	row = fields.Uvarint(row, s.quorum)
	row = fields.Uvarint(fields.Uvarint(row, s.keys.removals.forgotten), s.history.floor)
	for _, name := range limitNames {
		row = fields.Uvarint(row, uint64(*s.limits.named(name)))
	}
	return fields.String(row, s.notify)
}

func loadMeta(r *fields.Reader, s *state) error {
	s.cluster = r.ID()
	s.index, s.term = r.Uvarint(), r.Uvarint()
	s.stamp, s.begun = r.Varint(), r.Uvarint()
	s.counter, s.nextNode, s.quorum = r.Uvarint(), r.Uvarint(), r.Uvarint()
	s.keys = newKeyspace(s.cluster)
	s.keys.removals.forgotten, s.history.floor = r.Uvarint(), r.Uvarint()
	for _, name := range limitNames {
		*s.limits.named(name) = int64(min(r.Uvarint(), math.MaxInt64))
	}
	s.notify = strings.Clone(r.String())
	return nil
}

func saveNextMeta(w *saver, s *state) { w.row(fields.Uvarint(metaRow(w, s), s.beyond), "") }

func loadNextMeta(r *fields.Reader, s *state) error {
	err := loadMeta(r, s)
	s.beyond = r.Uvarint()
	return err
}

func saveNodes(w *saver, s *state) {
	s.nodes.Scan(func(_ uint64, n *Node) bool {
		w.row(n.Append(w.head), "")
		return w.err == nil
	})
}

func loadNode(r *fields.Reader, s *state) error {
	n := ReadNode(r)
	s.nodes.Set(n.ID, &n)
	return nil
}

func saveLeaving(w *saver, s *state) {
	s.leaving.Scan(func(id uint64, name string) bool {
		w.row(fields.String(fields.Uvarint(w.head, id), name), "")
		return w.err == nil
	})
}

func loadLeaving(r *fields.Reader, s *state) error {
	s.leaving.Set(r.Uvarint(), strings.Clone(r.String()))
	return nil
}

func saveReserved(w *saver, s *state) {
	s.reserved.Scan(func(name, addr string) bool {
		w.row(fields.String(fields.String(w.head, name), addr), "")
		return w.err == nil
	})
}

func loadReserved(r *fields.Reader, s *state) error {
	s.reserved.Set(strings.Clone(r.String()), strings.Clone(r.String()))
	return nil
}

func saveOrigins(w *saver, s *state) {
	s.origins.Scan(func(id uint64, o origin) bool {
		row := append(fields.Uvarint(w.head, id), o.Boot[:]...)
		w.row(fields.Uvarint(fields.Uvarint(row, o.Term), o.Number), "")
		return w.err == nil
	})
}

func loadOrigin(r *fields.Reader, s *state) error {
	s.origins.Set(r.Uvarint(), origin{Boot: entry.Boot(r.ID()), Term: r.Uvarint(), Number: r.Uvarint()})
	return nil
}

func saveRemovals(w *saver, s *state) {
	s.keys.removals.byRevision.Scan(func(revision, hash uint64) bool {
		w.row(fields.Uint64(fields.Uvarint(w.head, revision), hash), "")
		return w.err == nil
	})
}

func loadRemoval(r *fields.Reader, s *state) error {
	revision := r.Uvarint()
	if hash := r.Uint64(); r.Err() == nil {
		s.keys.removals.note(hash, revision)
	}
	return nil
}

func saveSessions(w *saver, s *state) {
	s.sessions.Scan(func(_ string, of *session) bool {
		w.row(saveSession(w.head, of), "")
		return w.err == nil
	})
}

func loadSessionRow(r *fields.Reader, s *state) error {
	of := loadSession(r)
	s.sessions.Set(string(of.id[:]), of)
	s.count(of.node, 1)
	return nil
}

func saveGroups(w *saver, s *state) {
	s.groups.Scan(func(_ string, g *group) bool {
		w.row(saveGroup(w.head, g), "")
		return w.err == nil
	})
}

func loadGroupRow(r *fields.Reader, s *state) error {
	g := loadGroup(r)
	s.groups.Set(g.name, g)
	g.called.Scan(func(id uint64, p *poll) bool {
		s.arm(dueOf(g, p))
		return true
	})
	g.members.Scan(func(order uint64, mb *member) bool {
		if mb.wait.until > 0 {
			s.arm(mb.wait.deadline(g.name, order))
		}
		return true
	})
	return nil
}
