package machine

import (
	"strings"

	"github.com/caucus-project/caucus/internal/ballot"
	"github.com/caucus-project/caucus/internal/fields"
)

// pollRow is the fewest bytes that a poll takes in a snapshot.
const pollRow = 14

// savePolls appends the polls of a group; they stand in its row of a snapshot.
func savePolls(dst []byte, g *group) []byte {
	dst = fields.Uvarint(dst, uint64(g.called.Len()))
	g.called.Scan(func(_ uint64, p *poll) bool {
		dst = savePoll(dst, p)
		return true
	})
	return dst
}

func savePoll(dst []byte, p *poll) []byte {
	dst = fields.String(fields.Uvarint(dst, p.id), p.topic)
	for _, n := range []int64{p.at, p.deadline, p.due} {
		dst = fields.Varint(dst, n)
	}
	for _, n := range []uint64{p.last, uint64(p.count.Kind), uint64(p.count.Electorate), uint64(p.count.Yes),
		uint64(p.count.No), uint64(p.count.Gone), uint64(p.outcome), uint64(p.votes.Len())} {
		dst = fields.Uvarint(dst, n)
	}
	p.votes.Scan(func(order uint64, yes bool) bool {
		dst = fields.Bool(fields.Uvarint(dst, order), yes)
		return true
	})
	return fields.Bool(dst, p.done)
}

func loadPoll(r *fields.Reader) *poll {
	p := &poll{id: r.Uvarint(), topic: strings.Clone(r.String()), at: r.Varint(), deadline: r.Varint(),
		due: r.Varint(), last: r.Uvarint()}
	kind := r.Uvarint()
	for _, n := range []*int{&p.count.Electorate, &p.count.Yes, &p.count.No, &p.count.Gone} {
		*n = int(r.Uvarint())
	}
	p.count.Kind, p.outcome = ballot.Kind(kind), ballot.Outcome(r.Uvarint())
	for range r.Count(2) {
		order := r.Uvarint()
		p.votes.Set(order, r.Bool())
	}
	p.done = r.Bool()
	return p
}
