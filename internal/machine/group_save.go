package machine

import (
	"strings"

	"github.com/caucus-project/caucus/internal/fields"
)

// saveGroup appends a group's bytes to dst; they stand in snapshots.
func saveGroup(dst []byte, g *group) []byte {
	dst = fields.String(dst, g.name)
	dst = fields.Uvarint(dst, g.life)
	dst = fields.Bool(dst, g.made)
	for _, n := range []int64{g.settle, g.ttl, g.grace, g.heartbeat, g.voteTimeout, g.min, g.slots} {
		dst = fields.Varint(dst, n)
	}
	dst = fields.Bool(dst, g.noLeader)
	dst = fields.Bool(dst, g.settled)
	dst = fields.Bool(dst, g.announced)
	dst = fields.Bool(dst, g.freed)
	dst = fields.Bool(dst, g.unsaid)
	dst = fields.Varint(dst, g.since)
	for _, n := range []uint64{g.order, g.epoch, uint64(g.total), g.token, g.leader, g.term,
		g.revokedFrom, g.leadToken, g.heir, g.revoked, g.seq} {
		dst = fields.Uvarint(dst, n)
	}
	dst = fields.Uvarint(dst, uint64(g.members.Len()))
	g.members.Scan(func(_ uint64, mb *member) bool {
		dst = saveMember(dst, mb)
		return true
	})
	return savePolls(saveKept(saveHolds(dst, g), g), g)
}

func saveMember(dst []byte, mb *member) []byte {
	dst = append(dst, mb.session[:]...)
	dst = fields.Uvarint(dst, mb.order)
	dst = fields.String(dst, mb.name)
	dst = fields.Varint(dst, mb.priority)
	dst = fields.String(dst, mb.metadata)
	dst = fields.Uvarint(dst, uint64(mb.index))
	dst = fields.Uvarint(dst, mb.shares.epoch)
	dst = fields.Varint(dst, mb.asked)
	return saveWait(dst, &mb.wait)
}

// saveHolds appends who holds which slots: runs of slots that follow each other and are held alike.
func saveHolds(dst []byte, g *group) []byte {
	type run struct {
		hold
		first, n uint64
	}
	var runs []run
	g.holds.Scan(func(slot uint64, h hold) bool {
		if last := len(runs) - 1; last >= 0 && runs[last].hold == h && runs[last].first+runs[last].n == slot {
			runs[last].n++
		} else {
			runs = append(runs, run{h, slot, 1})
		}
		return true
	})
	dst = fields.Uvarint(dst, uint64(len(runs)))
	for _, r := range runs {
		for _, n := range []uint64{r.first, r.n, r.holder, r.heir, r.epoch} {
			dst = fields.Uvarint(dst, n)
		}
	}
	return dst
}

// loadHolds takes what saveHolds wrote.
func loadHolds(r *fields.Reader, g *group) {
	end := uint64(0) // of the last run; damaged bytes never make more slots than there can be
	for range r.Count(5) {
		first, n := r.Uvarint(), r.Uvarint()
		h := hold{holder: r.Uvarint(), heir: r.Uvarint(), epoch: r.Uvarint()}
		slot := max(min(first, maxSlots), end)
		for end = slot + min(n, maxSlots-slot); slot < end; slot++ {
			g.setHold(slot, h)
		}
	}
}

func saveKept(dst []byte, g *group) []byte {
	dst = fields.Uvarint(dst, uint64(g.kept.Len()))
	g.kept.Scan(func(seq uint64, json string) bool {
		dst = fields.String(fields.Uvarint(dst, seq), json)
		return true
	})
	return dst
}

// loadGroup takes what saveGroup wrote, and keeps none of the reader's memory. Whether the bytes
// were damaged is the reader's error.
func loadGroup(r *fields.Reader) *group {
	g := &group{name: strings.Clone(r.String()), life: r.Uvarint(), made: r.Bool()}
	for _, n := range []*int64{&g.settle, &g.ttl, &g.grace, &g.heartbeat, &g.voteTimeout, &g.min, &g.slots} {
		*n = r.Varint()
	}
	g.noLeader, g.settled, g.announced, g.freed, g.unsaid = r.Bool(), r.Bool(), r.Bool(), r.Bool(), r.Bool()
	g.since = r.Varint()
	var total uint64
	for _, n := range []*uint64{&g.order, &g.epoch, &total, &g.token, &g.leader, &g.term,
		&g.revokedFrom, &g.leadToken, &g.heir, &g.revoked, &g.seq} {
		*n = r.Uvarint()
	}
	g.total = int(total)
	for range r.Count(22) {
		g.add(&member{session: r.ID(), order: r.Uvarint(), name: strings.Clone(r.String()), priority: r.Varint(),
			metadata: strings.Clone(r.String()), index: int(r.Uvarint()),
			shares: shares{epoch: r.Uvarint(), asked: r.Varint()}, wait: loadWait(r)})
	}
	loadHolds(r, g)
	for range r.Count(2) {
		seq := r.Uvarint()
		g.keep(seq, strings.Clone(r.String()))
	}
	for range r.Count(pollRow) {
		g.put(loadPoll(r))
	}
	return g
}
