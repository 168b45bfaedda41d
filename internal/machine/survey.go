package machine

import "github.com/caucus-project/caucus/internal/entry"

// GroupState is what a group has granted and revoked, for those who compare it with what its members
// believe. A session that is zero stands for nobody.
type GroupState struct {
	Name string

	Term      uint64        // of the last leader, 0 before the first
	Leader    entry.Session // who leads
	Former    entry.Session // from whom the leadership is revoked and who may still believe in it
	Heir      entry.Session // whom a TRANSFER named
	LeadToken uint64        // what the decision to grant the leadership anew must name, 0 for none
	Untold    bool          // no event has said yet that Former leads no more

	Settled, Freed, Announced bool
	Epoch                     uint64 // of the last settling, 0 before the first
	Token                     uint64 // what the decision to settle must name, 0 while settled
	Revoked                   uint64 // the group's part of the version of its members' sessions

	Members []MemberState // in join order
	Slots   []SlotState   // those that are held, ascending
}

// MemberState is a member of a group. Index is that of the last settling that it was part of, 0 for a
// newcomer; whether it is in force, or revoked and perhaps still believed in, says Settled.
type MemberState struct {
	Name    string
	Session entry.Session
	Index   int
	Waits   bool // it has asked for a lock and is to be told when it has it
}

// SlotState is a slot that somebody holds. The heir gets it at its release: the holder itself while it stays.
type SlotState struct {
	Slot         int
	Holder, Heir entry.Session
	Epoch        uint64 // under which it was granted
}

// Group gives what is granted and revoked in a group. It visits all members and slots.
func (s *state) Group(name string) (GroupState, bool) {
	g, ok := s.groups.Get(name)
	if !ok {
		return GroupState{Name: name}, false
	}
	of := func(order uint64) (id entry.Session) {
		if mb, ok := g.members.Get(order); ok {
			id = mb.session
		}
		return id
	}
	all := GroupState{Name: g.name, Term: g.term, Leader: of(g.leader), Former: of(g.revokedFrom),
		Heir: of(g.heir), LeadToken: g.leadToken, Untold: g.unsaid, Settled: g.settled, Freed: g.freed,
		Announced: g.announced, Epoch: g.epoch, Token: g.token, Revoked: g.revoked}
	g.members.Scan(func(_ uint64, mb *member) bool {
		all.Members = append(all.Members, MemberState{mb.name, mb.session, mb.index, mb.wait.on})
		return true
	})
	g.holds.Scan(func(slot uint64, h hold) bool {
		all.Slots = append(all.Slots, SlotState{int(slot), of(h.holder), of(h.heir), h.epoch})
		return true
	})
	return all, true
}
