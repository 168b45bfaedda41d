package machine

import (
	"strings"

	"github.com/caucus-project/caucus/internal/fields"
)

// saveSession appends a session's bytes to dst; they stand in snapshots.
func saveSession(dst []byte, s *session) []byte {
	dst = append(dst, s.id[:]...)
	dst = fields.Varint(dst, s.ttl)
	dst = fields.Varint(dst, s.grace)
	dst = fields.Uvarint(dst, s.attach)
	dst = fields.Uvarint(dst, s.node)
	dst = append(dst, s.boot[:]...)
	dst = fields.String(dst, s.user)
	dst = fields.Bool(dst, s.bound)
	dst = fields.Bool(dst, s.inside)
	dst = fields.Bool(dst, s.drop)
	dst = fields.Bool(dst, s.evicted)
	dst = fields.Uvarint(dst, uint64(s.mark))
	dst = fields.Uvarint(dst, uint64(s.places.Len()))
	s.places.Scan(func(group string, order uint64) bool {
		dst = fields.Uvarint(fields.String(dst, group), order)
		return true
	})
	return s.once.save(dst)
}

// loadSession takes what saveSession wrote, and keeps none of the reader's memory. Whether the
// bytes were damaged is the reader's error.
func loadSession(r *fields.Reader) *session {
	s := &session{id: r.ID(), ttl: r.Varint(), grace: r.Varint(), attach: r.Uvarint(),
		node: r.Uvarint(), boot: r.ID(), user: strings.Clone(r.String()),
		bound: r.Bool(), inside: r.Bool(), drop: r.Bool(), evicted: r.Bool()}
	s.mark = int(min(r.Uvarint(), 3))
	for range r.Count(2) {
		group := strings.Clone(r.String())
		s.places.Set(group, r.Uvarint())
	}
	s.once.load(r)
	return s
}
