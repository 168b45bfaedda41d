package machine

import (
	"maps"
	"slices"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/assign"
	"github.com/tidwall/btree"
)

// sharing is who holds which of a group's slots. A slot that nobody holds has no hold. Slots are planned
// anew when the group settles. Whoever keeps a slot is not touched by that, nor by joins and departures;
// what moves is asked for, and granted to its heir only when its holder has released it or is gone
// (SAFETY A17).
type sharing struct {
	holds    btree.Map[uint64, hold]     // by slot
	byHolder btree.Map[uint64, struct{}] // by holder and slot (see ofHolder); follows from holds
	moving   int                         // slots that their holders are asked to release; follows from holds
}

// hold is that a member holds a slot.
type hold struct {
	holder uint64 // join order
	heir   uint64 // join order of who gets it at its release: the holder while it stays, 0 for nobody
	epoch  uint64 // under which it was granted
}

// asked says whether the holder is asked to release the slot.
func (h hold) asked() bool { return h.heir != h.holder }

// ofHolder orders slots by who holds them.
func ofHolder(order, slot uint64) uint64 { return order<<16 | slot }

// shares is what a member has to do with slots beside its holds.
type shares struct {
	epoch  uint64 // of the last grant to it or release by it, 0 before the first: what GROUP SLOTS answers
	asked  int64  // stamp since when it is asked for slots and has released none, 0 while it is asked for none
	moving int    // slots that it is asked to release; follows from the holds
}

// slotsOf visits the slots that a member holds, from the lowest up.
func (g *group) slotsOf(order uint64, visit func(slot uint64, h hold)) {
	g.byHolder.Ascend(ofHolder(order, 0), func(key uint64, _ struct{}) bool {
		if key>>16 != order {
			return false
		}
		slot := key & 0xffff
		h, _ := g.holds.Get(slot)
		visit(slot, h)
		return true
	})
}

// slotsHeld lists the slots that a member holds.
func (g *group) slotsHeld(order uint64) (list []uint64) {
	g.slotsOf(order, func(slot uint64, _ hold) { list = append(list, slot) })
	return list
}

// setHold lets a member hold a slot that is free, or changes the heir of one that it holds.
func (g *group) setHold(slot uint64, h hold) {
	old, held := g.holds.Set(slot, h)
	g.byHolder.Set(ofHolder(h.holder, slot), struct{}{})
	g.countMoving(h, 1)
	if held {
		g.countMoving(old, -1)
	}
}

// free takes a slot from its holder.
func (g *group) free(slot uint64, h hold) {
	g.holds.Delete(slot)
	g.byHolder.Delete(ofHolder(h.holder, slot))
	g.countMoving(h, -1)
}

func (g *group) countMoving(h hold, by int) {
	if !h.asked() {
		return
	}
	g.moving += by
	if mb, ok := g.members.GetMut(h.holder); ok {
		mb.moving += by
		if mb.moving == 0 {
			mb.asked = 0
		}
	}
}

// bequest is a slot that its holder has let go of, and who was to get it.
type bequest struct{ slot, heir uint64 }

// vacate takes all its slots from a member that goes.
func (g *group) vacate(order uint64) (left []bequest) {
	for _, slot := range g.slotsHeld(order) {
		h, _ := g.holds.Get(slot)
		g.free(slot, h)
		if h.asked() {
			left = append(left, bequest{slot, h.heir})
		}
	}
	return left
}

// slotNews collects what becomes of slots in one step, by join order of the member that it concerns.
type slotNews map[uint64]*slotChange

type slotChange struct{ granted, revoking, released []uint64 }

func (n slotNews) of(order uint64) *slotChange {
	if n[order] == nil {
		n[order] = &slotChange{}
	}
	return n[order]
}

// grantSlot lets a member hold a free slot.
func (m *Machine) grantSlot(g *group, slot, order, epoch uint64, news slotNews) {
	g.setHold(slot, hold{holder: order, heir: order, epoch: epoch})
	c := news.of(order)
	c.granted = append(c.granted, slot)
}

// spread plans all slots anew: what is free is granted under the epoch, what is to move is asked for, and
// what was asked for and stays after all is asked for no more.
func (m *Machine) spread(g *group, epoch uint64, news slotNews) {
	orders := g.members.Keys()
	for slot, next := range assign.Spread(len(orders), g.slotHolders(orders)) {
		if h, held := g.holds.Get(uint64(slot)); held {
			g.leaveTo(uint64(slot), h, orders[next], news)
		} else {
			m.grantSlot(g, uint64(slot), orders[next], epoch, news)
		}
	}
	for _, slot := range g.surplus() {
		h, _ := g.holds.Get(slot)
		g.leaveTo(slot, h, 0, news)
	}
}

// slotHolders gives the place in orders of who holds each slot.
func (g *group) slotHolders(orders []uint64) []int {
	holders := slices.Repeat([]int{assign.Nobody}, int(g.slots))
	g.holds.Scan(func(slot uint64, h hold) bool {
		if slot >= uint64(g.slots) {
			return false
		}
		holders[slot], _ = slices.BinarySearch(orders, h.holder)
		return true
	})
	return holders
}

// surplus gives the slots that are held though the group has fewer by now.
func (g *group) surplus() (list []uint64) {
	g.holds.Ascend(uint64(g.slots), func(slot uint64, _ hold) bool {
		list = append(list, slot)
		return true
	})
	return list
}

// leaveTo names who gets a slot when its holder releases it.
func (g *group) leaveTo(slot uint64, h hold, heir uint64, news slotNews) {
	if h.heir == heir {
		return
	}
	was := h.asked()
	h.heir = heir
	g.setHold(slot, h)
	if h.asked() && !was {
		c := news.of(h.holder)
		c.revoking = append(c.revoking, slot)
	}
}

// inherit grants slots that were let go of to those who were to get them. Where an heir is gone, or the group
// has too few members or slots, they are free until the group settles.
func (m *Machine) inherit(g *group, left []bequest, epoch uint64, news slotNews) {
	for _, b := range left {
		_, there := g.members.Get(b.heir)
		if _, held := g.holds.Get(b.slot); there && !held && g.enough() && b.slot < uint64(g.slots) {
			m.grantSlot(g, b.slot, b.heir, epoch, news)
		}
	}
}

// bequeath grants what members that are gone were asked for to those who were to get it.
func (m *Machine) bequeath(g *group, left []bequest) {
	if len(left) == 0 {
		return
	}
	epoch, news := m.next(), slotNews{}
	m.inherit(g, left, epoch, news)
	m.tellSlots(g, epoch, news)
}

// tellSlots tells of what became of slots under an epoch, releases first, then by join order. It notes since
// when somebody who is asked for slots has released none.
func (m *Machine) tellSlots(g *group, epoch uint64, news slotNews) {
	orders := slices.Sorted(maps.Keys(news))
	slices.SortStableFunc(orders, func(a, b uint64) int {
		return min(len(news[b].released), 1) - min(len(news[a].released), 1)
	})
	for _, order := range orders {
		mb, ok := g.members.GetMut(order)
		if !ok {
			continue
		}
		c := news[order]
		if len(c.granted)+len(c.released) > 0 {
			mb.shares.epoch = epoch
		}
		if mb.moving > 0 && (mb.asked == 0 || len(c.released) > 0) {
			mb.asked = m.now
		}
		m.tell(g, "slots").text("member", mb.name).number("epoch", mb.shares.epoch).
			text("granted", caucus.SlotRanges(c.granted)).text("revoking", caucus.SlotRanges(c.revoking)).
			text("released", caucus.SlotRanges(c.released)).done()
	}
}

// stuck gives the member that was asked for slots, and has released none of them for longer than its TTL, of
// several the one that was asked first. Nil for nobody. Nothing follows from it but that people are told: a
// slot is never taken by time alone.
func (s *state) stuck(g *group, now int64) (longest *member) {
	if g.moving == 0 {
		return nil
	}
	g.members.Scan(func(_ uint64, mb *member) bool {
		of, ok := s.session(mb.session)
		if ok && mb.moving > 0 && now-mb.asked > of.ttl*1000 && (longest == nil || mb.asked < longest.asked) {
			longest = mb
		}
		return true
	})
	return longest
}
