package machine

import (
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
)

// groupSlots answers the slots that a member holds, or those of them that it is asked to release, and the
// epoch under which GUARD holds for them.
func groupSlots(q *query) caucus.Reply {
	name, revoking, err := slotOptions(q.args[3:])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	mb, g, err := q.memberOr(name)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	list := []caucus.Reply{}
	g.slotsOf(mb.order, func(slot uint64, h hold) {
		if !revoking || h.asked() {
			list = append(list, caucus.Int(int64(slot)))
		}
	})
	return caucus.Array(caucus.Array(list...), caucus.Int(int64(mb.shares.epoch)))
}

func slotOptions(args caucus.Command) (member *string, revoking bool, err *caucus.Error) {
	for len(args) > 0 {
		switch {
		case strings.EqualFold(args[0], "REVOKING") && !revoking:
			revoking, args = true, args[1:]
		case strings.EqualFold(args[0], "MEMBER") && len(args) > 1 && member == nil:
			member, args = &args[1], args[2:]
		default:
			return nil, false, usage("GROUP SLOTS group [MEMBER member] [REVOKING]")
		}
	}
	return member, revoking, nil
}

// releaseSlots takes slots from the member that speaks, which has stopped working on them, and grants each to
// whom it was asked for. What nobody asked for is given out anew at once while the group is settled, else
// when it settles.
func releaseSlots(c *call) caucus.Reply {
	slots, err := slotNumbers(c.args[3:])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	p, err := c.find()
	if err == nil {
		err = slotRange(slots)
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	g, _ := c.m.groups.GetMut(p.group.name)
	return caucus.Int(int64(c.m.release(g, p.member.order, slots)))
}

// slotNumbers reads the slots that are named, sorted, each once.
func slotNumbers(args caucus.Command) ([]int64, *caucus.Error) {
	slots := make([]int64, len(args))
	for i, arg := range args {
		n, err := number("slot", arg)
		if err != nil {
			return nil, err
		}
		slots[i] = n
	}
	slices.Sort(slots)
	return slices.Compact(slots), nil
}

func slotRange(slots []int64) *caucus.Error {
	for _, slot := range slots {
		if err := within("a slot", &slot, 0, maxSlots-1); err != nil {
			return err
		}
	}
	return nil
}

// release takes from a member those of the slots that it holds, and says how many.
func (m *Machine) release(g *group, order uint64, slots []int64) int {
	news := slotNews{}
	c := news.of(order)
	var left []bequest
	for _, slot := range slots {
		h, held := g.holds.Get(uint64(slot))
		if !held || h.holder != order {
			continue
		}
		g.free(uint64(slot), h)
		c.released = append(c.released, uint64(slot))
		if h.asked() {
			left = append(left, bequest{uint64(slot), h.heir})
		}
	}
	if len(c.released) == 0 {
		return 0
	}
	epoch := m.next()
	m.inherit(g, left, epoch, news)
	if len(left) < len(c.released) && g.settled {
		m.spread(g, epoch, news)
	}
	m.tellSlots(g, epoch, news)
	return len(c.released)
}
