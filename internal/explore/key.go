package explore

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// key tells states apart: the first half of the SHA-256 of what the future of a state depends on.
type key [16]byte

// writer gathers that. Terms, epochs, versions and attachments are drawn from one counter and only ever
// compared with each other, so they stand as their ranks among all that occur.
type writer struct {
	words  []uint64
	tokens []int // places of tokens in words
	ranks  []uint64
	bytes  []byte
}

func (k *writer) put(list ...uint64) { k.words = append(k.words, list...) }

func (k *writer) flag(list ...bool) {
	for _, b := range list {
		n := uint64(0)
		if b {
			n = 1
		}
		k.words = append(k.words, n)
	}
}

func (k *writer) token(list ...uint64) {
	for _, v := range list {
		k.tokens = append(k.tokens, len(k.words))
		k.words = append(k.words, v)
	}
}

// age puts for how long something has been so, as far as that matters.
func (k *writer) age(w *world, since, most int64) { k.put(uint64(min(w.now-since, most))) }

// of gives the key of a world.
func (k *writer) of(w *world) key {
	k.words, k.tokens, k.ranks = k.words[:0], k.tokens[:0], k.ranks[:0]
	for i := range w.groups {
		k.group(&w.groups[i])
		k.token(w.newest[i].term, w.newest[i].epoch)
		k.who(w.newest[i].leader)
	}
	for i := range w.members {
		k.session(w, i)
		k.member(w, &w.members[i])
	}
	k.leader(w)
	k.put(uint64(w.left.Crashes), uint64(w.left.Elections), uint64(w.left.Evictions),
		uint64(w.left.Transfers), uint64(w.left.Moves), uint64(w.locks))
	return k.sum()
}

func (k *writer) sum() (sum key) {
	for _, i := range k.tokens {
		k.ranks = append(k.ranks, k.words[i])
	}
	slices.Sort(k.ranks)
	k.ranks = slices.Compact(k.ranks)
	for _, i := range k.tokens {
		if rank, _ := slices.BinarySearch(k.ranks, k.words[i]); k.words[i] != 0 {
			k.words[i] = uint64(rank) + 1
		}
	}
	k.bytes = k.bytes[:0]
	for _, v := range k.words {
		k.bytes = binary.AppendUvarint(k.bytes, v)
	}
	all := sha256.Sum256(k.bytes)
	copy(sum[:], all[:])
	return sum
}

func (k *writer) who(ids ...entry.Session) {
	for _, id := range ids {
		k.put(uint64(id[0]))
	}
}

func (k *writer) group(g *machine.GroupState) {
	k.token(g.Term, g.LeadToken, g.Epoch, g.Token, g.Revoked)
	k.who(g.Leader, g.Former, g.Heir)
	k.flag(g.Untold, g.Settled, g.Freed, g.Announced)
	k.put(uint64(len(g.Members)), uint64(len(g.Slots)))
	for _, mb := range g.Members {
		k.who(mb.Session)
		k.put(uint64(mb.Index))
		k.flag(mb.Waits)
	}
	for _, s := range g.Slots {
		k.put(uint64(s.Slot))
		k.who(s.Holder, s.Heir)
		k.token(s.Epoch)
	}
}

func (k *writer) session(w *world, who int) {
	s, seen := &w.sessions[who], &w.leader.watched[who]
	k.flag(w.lives[who], s.Drop, s.Evicted, seen.ending, seen.clear)
	k.token(s.Attach, seen.attach)
	k.put(uint64(s.Mark), uint64(seen.marking))
	k.age(w, seen.heard, ttlTicks)
	if s.Drop {
		k.age(w, seen.dropped, graceTicks)
	}
}

func (k *writer) member(w *world, m *member) {
	k.token(m.attach, m.former, m.seen)
	k.flag(m.dead, m.ended, m.acted, m.joined, m.inLine[1], m.inLine[2])
	k.put(uint64(m.asked))
	k.lease(w, m)
	if l := m.looking; l != nil {
		k.flag(true, l.answered, m.lease.Fresh(l.asked), l.gone)
		k.age(w, l.sent, ttlTicks)
		k.token(l.attach, l.seen, l.version, l.index.Token)
		k.token(l.terms[:]...)
		k.put(uint64(l.promise), uint64(l.index.Index), uint64(l.held), uint64(l.wanted))
		k.counts(m, l)
	}
	if e := m.writing; e != nil {
		k.flag(true, e.answered, m.lease.Counts(e.asked, leadOf(e.place)), ended(e.reply))
		k.put(uint64(e.act), uint64(e.place), uint64(e.slots), uint64(e.reply.Kind))
		k.token(e.attach, e.term, e.attached)
		if e.act == acquire && e.reply.Kind == caucus.KindInt {
			k.token(uint64(e.reply.Int))
		}
	}
}

// counts puts of what the answer to a look will tell anything.
func (k *writer) counts(m *member, l *look) {
	for _, key := range everything {
		k.flag(m.lease.Counts(l.asked, key))
	}
}

func (k *writer) lease(w *world, m *member) {
	o := m.lease.Outline(w.reading())
	k.flag(o.Gone, o.Known)
	k.token(o.Version)
	k.put(uint64(o.PromiseMillis), uint64(min(o.Age, ttlTicks*tickMillis*1000)), uint64(len(o.Grants)))
	for _, g := range o.Grants {
		k.put(uint64(g.Group[len(g.Group)-1]), uint64(g.Kind), uint64(g.Key.Slot), uint64(g.Index), uint64(g.Total))
		k.token(g.Token)
	}
}

func (k *writer) leader(w *world) {
	k.put(uint64(len(w.leader.waits)), uint64(len(w.leader.log)))
	for i := range w.leader.waits {
		p := &w.leader.waits[i]
		k.put(uint64(w.placeOf(i)))
		k.flag(p.Lead)
		k.flag(p.left[:]...)
		k.token(p.Token, p.first, p.Granted)
		k.put(uint64(max(0, p.believe-w.now)))
	}
	for i := range w.leader.log {
		k.decision(&w.leader.log[i])
	}
}

// decision puts an operation of the log. Its numbers are tokens, except in the words of a mark.
func (k *writer) decision(op *entry.Op) {
	k.who(op.Session)
	k.token(op.Attach)
	for i, arg := range op.Args {
		if n, ok := number(arg); ok && i == 2 && op.Args[0] == grantName {
			k.token(n)
			continue
		}
		for _, b := range []byte(arg) {
			k.put(uint64(b))
		}
		k.put(0)
	}
}
