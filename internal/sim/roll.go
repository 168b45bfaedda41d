package sim

import (
	"maps"
	"slices"

	"github.com/caucus-project/caucus/internal/entry"
)

// roll is who is in a group, as its events tell it: the order in which each member joined, by name.
type roll struct {
	members map[string]uint64 // who is in it now
	joined  map[string]uint64 // whoever bore the name last
}

func newRoll() roll { return roll{members: map[string]uint64{}, joined: map[string]uint64{}} }

// register follows who comes and goes. Nobody comes twice, and whoever leads a lock's line is the one that
// has stood there longest: waiting is fair.
func (s *groupStory) register(n *node, e entry.Event) {
	name := text(e.JSON, "member")
	switch kind := text(e.JSON, "event"); kind {
	case "joined":
		order, there := s.members[name]
		if there || field(e.JSON, "order") <= order {
			n.w.fail("somebody who is a member joins %s, or under an old number: %s", e.Group, e.JSON)
		}
		s.members[name] = field(e.JSON, "order")
		s.joined[name] = s.members[name]
	case "left":
		if _, there := s.members[name]; !there {
			n.w.fail("somebody who is no member leaves %s: %s", e.Group, e.JSON)
		}
		delete(s.members, name)
	case "leader":
		first := slices.Min(slices.Collect(maps.Values(s.members)))
		if order := s.members[name]; order != first && s.inTurn(n.w, e) {
			n.w.fail("%s is led out of turn, by number %d before number %d: %s", e.Group, order, first, e.JSON)
		}
	default:
		return
	}
	if size := field(e.JSON, "size"); name != "" && size != 0 && size != uint64(len(s.members)) {
		n.w.fail("%s has %d members by its events, not %d: %s", e.Group, len(s.members), size, e.JSON)
	}
}

// inTurn says whether whoever leads now must be the one who has been a member for longest: of a lock always,
// of a group when the leader before left or was lost, and nobody was named.
func (s *groupStory) inTurn(w *World, e entry.Event) bool {
	if e.Group == theLockKey.Group {
		return true
	}
	reason := text(e.JSON, "reason")
	return w.plan.members > 0 && (reason == "left" || reason == "lost")
}

// present gives those who were members at a call and are still.
func (s *groupStory) present(electors map[uint64]bool) map[uint64]bool {
	here := map[uint64]bool{}
	for _, order := range s.members {
		if electors[order] {
			here[order] = true
		}
	}
	return here
}

// both counts who is in two sets.
func both(a, b map[uint64]bool) (n uint64) {
	for order := range a {
		if b[order] {
			n++
		}
	}
	return n
}
