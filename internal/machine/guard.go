package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// guardAlone answers a GUARD outside of a transaction, where it would guard nothing.
func guardAlone(*query) caucus.Reply {
	return caucus.Fail(caucus.ErrBad, "GUARD without MULTI: it guards the transaction that it stands in")
}

// isGuard says whether a queued command is a GUARD.
func isGuard(args caucus.Command) bool { return len(args) > 0 && strings.EqualFold(args[0], "guard") }

// guardsHold says whether all that the GUARDs of a transaction name is as they say. They are looked at before
// anything of the transaction is carried out, wherever in it they stand.
func (s *state) guardsHold(queue []caucus.Command) bool {
	for _, args := range queue {
		if !isGuard(args) {
			continue
		}
		guard, err := command.ReadGuard(args)
		if g, ok := s.groups.Get(guard.Group); err != nil || !ok || !g.current(guard) {
			return false
		}
	}
	return true
}

// current says whether a token is current. That of a slot is while somebody holds it to whom it was granted
// under that epoch or before, whoever else came and went (SAFETY A17).
func (g *group) current(guard command.Guard) bool {
	switch guard.Kind {
	case command.GuardTerm:
		return g.leader != 0 && g.term == guard.Token
	case command.GuardEpoch:
		return g.settled && g.epoch == guard.Token
	case command.GuardSlot:
		h, held := g.holds.Get(guard.Slot)
		return held && h.epoch <= guard.Token
	}
	return false
}
