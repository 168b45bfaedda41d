package sim

import (
	"fmt"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// mostSlots is how many slots a group may be given while the world goes on.
const mostSlots = 9

// most is how many slots the group may have had at any time.
func (g *groupPlan) most() int {
	if g.sets {
		return mostSlots
	}
	return int(g.slots)
}

// setOptions lets a member change what its group was made with, while everybody is at work.
func (m *member) setOptions(p *place) {
	option := pick(m.w, []string{"SLOTS", "SLOTS", "SLOTS", "SETTLE", "MIN"})
	values := map[string][]int64{"SLOTS": {0, 1, 3, 4, 7, mostSlots}, "SETTLE": {0, 20, 200}, "MIN": {1, 1, 2}}
	cmd := caucus.Command{"GROUP", "SET", p.group.name, option, number(pick(m.w, values[option]))}
	m.order("GROUP SET "+option, func(replies []caucus.Reply) {
		if !m.failed(replies[0]) {
			m.w.checks.count("GROUP SET " + option)
		}
	}, cmd)
}

// info reads a number of GROUP INFO from the first node's own state, 0 when there is no such group.
func (w *World) info(group, name string) int64 {
	op := &entry.Op{Args: caucus.Command{"GROUP", "INFO", group}}
	return w.nodes[0].r.State().Read(op, 0, false, nobody{}).Field(name).Int
}

// living counts the members of a group that live.
func (w *World) living(g *groupPlan) (n int) {
	for _, m := range w.members {
		for _, p := range m.places {
			if !m.dead && p.group == g {
				n++
			}
		}
	}
	return n
}

// enough says whether these are as many as the group needs to do anything.
func (w *World) enough(g *groupPlan) bool {
	n := w.living(g)
	return n > 0 && n >= int(w.info(g.name, "min"))
}

// unshared says what is wrong with the slots of a group at rest: all are held, evenly, and none is moving.
func (w *World) unshared(g *groupPlan) string {
	slots := int(w.info(g.name, "slots"))
	sum, most, fewest := 0, 0, slots
	for _, m := range w.members {
		for _, p := range m.places {
			if m.dead || p.group != g {
				continue
			}
			held := 0
			for n := range g.most() {
				if m.lease.Believes(p.slot(n), m.clock.reading()) {
					held++
				}
			}
			sum, most, fewest = sum+held, max(most, held), min(fewest, held)
		}
	}
	if moving := w.info(g.name, "moving"); moving != 0 {
		return fmt.Sprintf("%d slots of %s are moving", moving, g.name)
	}
	if sum == slots && most-fewest <= 1 {
		return ""
	}
	return fmt.Sprintf("%d of %d slots of %s are held, from %d to %d by one", sum, slots, g.name, fewest, most)
}
