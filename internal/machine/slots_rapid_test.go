package machine_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"pgregory.net/rapid"
)

// What random lives of groups check of slots (SAFETY A3, A17).

// slots takes what an event says of slots: none is granted that somebody holds, none released by anybody
// else.
func (l *listener) slots(g *heardOf, h *happening) {
	l.must(g.members[h.Member] && h.Granted+h.Revoking+h.Released != "", h)
	for _, slot := range slotsIn(h.Released) {
		l.must(g.slots[slot] == h.Member, h)
		delete(g.slots, slot)
	}
	for _, slot := range slotsIn(h.Granted) {
		l.must(g.slots[slot] == "", h)
		g.slots[slot] = h.Member
	}
	for _, slot := range slotsIn(h.Revoking) {
		l.must(g.slots[slot] == h.Member, h)
	}
	if h.Granted+h.Released != "" {
		l.rises(fmt.Sprint(h.Group, h.Life, h.Member, h.Released == "", "'s slots"), h.Epoch)
	}
}

// slotsIn reads "0-127,300".
func slotsIn(ranges string) (list []int) {
	if ranges == "" {
		return nil
	}
	for part := range strings.SplitSeq(ranges, ",") {
		first, last, ok := strings.Cut(part, "-")
		if !ok {
			last = first
		}
		from, _ := strconv.Atoi(first)
		to, _ := strconv.Atoi(last)
		for slot := from; slot <= to; slot++ {
			list = append(list, slot)
		}
	}
	return list
}

// checkSlotBeliefs: no slot has two holders by their own belief.
func (w *world) checkSlotBeliefs() {
	holders := map[string]string{}
	for _, c := range slices.Sorted(maps.Keys(w.beliefs)) {
		v := w.beliefs[c]
		if !v.believes(w.now) {
			continue
		}
		for g, held := range v.slots {
			for slot := range held {
				key := fmt.Sprintf("slot %d of %s", slot, g)
				if other := holders[key]; other != "" {
					w.t.Fatalf("A3: %s and %s believe in %s", other, c, key)
				}
				holders[key] = c
			}
		}
	}
}

// checkSlots compares who holds which slots with what events said, and with what the group should be like: in
// one that is settled and has asked for nothing all slots are held, evenly.
func (w *world) checkSlots(name string, g *heardOf, info map[string]caucus.Reply) {
	asked, most, fewest, sum := 0, 0, len(g.slots), 0
	for _, member := range slices.Sorted(maps.Keys(g.members)) {
		held := slotList(w.read("GROUP", "SLOTS", name, "MEMBER", member))
		for _, slot := range held {
			if g.slots[slot] != member {
				w.t.Fatalf("A17: %s holds slot %d of %s, events say '%s'", member, slot, name, g.slots[slot])
			}
		}
		sum, most, fewest = sum+len(held), max(most, len(held)), min(fewest, len(held))
		asked += len(slotList(w.read("GROUP", "SLOTS", name, "MEMBER", member, "REVOKING")))
	}
	if sum != len(g.slots) || asked != int(info["moving"].Int) {
		w.t.Fatalf("A17: in %s %d slots are held and %d asked for, its events say %v, INFO %v", name, sum, asked,
			g.slots, info["moving"])
	}
	if g.settled && asked == 0 && (sum != int(info["slots"].Int) || most-fewest > 1) {
		w.t.Fatalf("A17: %s is settled with %d slots, they are held so: %v", name, info["slots"].Int, g.slots)
	}
}

func slotList(r caucus.Reply) (list []int) {
	if len(r.Items) != 2 {
		return nil
	}
	for _, item := range r.Items[0].Items {
		list = append(list, int(item.Int))
	}
	return list
}

// learnSlots reads which slots a client holds, under the promise that it has.
func (w *world) learnSlots(c string, v *believer, g string) {
	delete(v.slots, g)
	for _, slot := range slotList(w.Do(c, caucus.Command{"GROUP", "SLOTS", g})) {
		if v.slots[g] == nil {
			v.slots[g] = map[int]bool{}
		}
		v.slots[g][slot] = true
	}
}

// release gives up what a client is asked for, or any slot, which may not be its own.
func (w *world) release(c string, v *believer, g string) {
	list := []int{rapid.IntRange(0, 8).Draw(w.t, "slot")}
	if rapid.Bool().Draw(w.t, "asked") {
		if list = slotList(w.Do(c, caucus.Command{"GROUP", "SLOTS", g, "REVOKING"})); len(list) == 0 {
			return
		}
	}
	cmd := caucus.Command{"GROUP", "RELEASE", g}
	for _, slot := range list {
		delete(v.slots[g], slot)
		cmd = append(cmd, strconv.Itoa(slot))
	}
	w.Do(c, cmd)
	w.check()
}
