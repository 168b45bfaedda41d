package sim

import (
	"slices"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/lease"
)

func (p *place) slot(n int) lease.Key {
	return lease.Key{Group: p.group.name, Kind: lease.Slots, Slot: n}
}

// tendSlots does what the member's slots need, or says when to look again: it reads which it holds, and
// releases those that it is asked for once it has stopped working on them.
func (m *member) tendSlots(p *place) int64 {
	if p.group.most() == 0 {
		return second
	}
	if len(p.asked) > 0 && m.clock.mono() >= p.stopped {
		m.release(p)
		return 0
	}
	at := p.reads[lease.Slots] - m.clock.mono()
	if at <= 0 {
		m.readSlots(p)
		return 0
	}
	if len(p.asked) > 0 {
		at = min(at, p.stopped-m.clock.mono())
	}
	return at
}

func (m *member) readSlots(p *place) {
	asked := m.lease.Ask(m.clock.reading())
	m.send("GROUP SLOTS "+p.group.name, func(replies []caucus.Reply) {
		m.gotSlots(asked, p, replies[0], replies[1])
	}, caucus.Command{"GROUP", "SLOTS", p.group.name},
		caucus.Command{"GROUP", "SLOTS", p.group.name, "REVOKING"})
}

// gotSlots takes what is held. Nothing that was believed in may be missing: a slot is taken from nobody.
func (m *member) gotSlots(asked lease.Asked, p *place, held, revoking caucus.Reply) {
	p.reads[lease.Slots] = m.clock.mono() + m.w.between(10*millisecond, 150*millisecond)
	if m.failed(held) || m.failed(revoking) || p.leaving {
		return
	}
	has := numbers(held)
	for n := range p.group.most() {
		if !slices.Contains(has, n) && m.lease.Believes(p.slot(n), m.clock.reading()) {
			m.w.fail("SAFETY A17: %s believes in slot %d of %s and holds it no more", m.name, n, p.group.name)
		}
	}
	for _, n := range has {
		if m.lease.Grant(asked, p.slot(n), lease.Value{}) {
			m.w.checks.count("slots")
		}
	}
	if wanted := numbers(revoking); len(p.asked) == 0 && len(wanted) > 0 {
		p.asked, p.stopped = wanted, m.clock.mono()+m.w.between(0, 300*millisecond)
	}
}

// numbers reads the first part of the answer to GROUP SLOTS.
func numbers(r caucus.Reply) (list []int) {
	for _, item := range r.Items[0].Items {
		list = append(list, int(item.Int))
	}
	return list
}

// release stops believing before it is sent, and again when the answer has come. An answer that leaves
// open what became of it is followed by a RESUME: what was sent before that is void from then on (SAFETY
// A4).
func (m *member) release(p *place) {
	cmd := caucus.Command{"GROUP", "RELEASE", p.group.name}
	list := p.asked
	p.asked = nil
	for _, n := range list {
		cmd = append(cmd, number(int64(n)))
	}
	giveUp := func() {
		for _, n := range list {
			m.lease.GiveUp(p.slot(n))
		}
	}
	giveUp()
	m.send("GROUP RELEASE "+p.group.name, func(replies []caucus.Reply) {
		giveUp()
		if !m.failed(replies[0]) {
			m.w.note(m.name, "released slots of "+p.group.name, uint64(replies[0].Int))
			m.w.checks.count("released")
		} else if m.word(replies[0]) == caucus.ErrUncertain.Word {
			m.attached = false
		}
		p.reads[lease.Slots] = 0
	}, cmd)
}

// holders sees that no slot has two holders by their own belief (SAFETY A3).
func (c *checks) holders(w *World, g *groupPlan) {
	for n := range g.most() {
		var holder *member
		for _, m := range w.members {
			key := lease.Key{Group: g.name, Kind: lease.Slots, Slot: n}
			if m.dead || !m.lease.Believes(key, m.clock.reading()) {
				continue
			}
			if holder != nil {
				w.fail("SAFETY A3: %s and %s both believe in slot %d of %s", holder.name, m.name, n, g.name)
			}
			holder = m
		}
	}
}
