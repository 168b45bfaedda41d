package command

import (
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// Guard is what a GUARD makes a transaction depend on.
type Guard struct {
	Group string
	Kind  GuardKind
	Slot  uint64 // for GuardSlot
	Token uint64 // a term, or an epoch
}

// GuardKind says what the token of a Guard is of.
type GuardKind uint8

// The kinds.
const (
	GuardTerm  GuardKind = iota // of the present leader
	GuardEpoch                  // of the assignment in force
	GuardSlot                   // of one slot
)

// ReadGuard reads a GUARD. Its error is one of syntax.
func ReadGuard(cmd caucus.Command) (g Guard, err *caucus.Error) {
	wrong := caucus.Errorf(caucus.ErrBad,
		"syntax error: GUARD group TERM term | EPOCH epoch | SLOT slot EPOCH epoch")
	if len(cmd) < 4 || !caucus.ValidGroup(cmd[1]) {
		return g, wrong
	}
	g.Group = cmd[1]
	token := cmd[3]
	switch word := strings.ToUpper(cmd[2]); {
	case word == "TERM" && len(cmd) == 4:
		g.Kind = GuardTerm
	case word == "EPOCH" && len(cmd) == 4:
		g.Kind = GuardEpoch
	case word == "SLOT" && len(cmd) == 6 && strings.EqualFold(cmd[4], "EPOCH"):
		g.Kind, token = GuardSlot, cmd[5]
		if g.Slot, err = guardNumber("SLOT", cmd[3]); err != nil {
			return g, err
		}
	default:
		return g, wrong
	}
	g.Token, err = guardNumber("the token", token)
	return g, err
}

func guardNumber(what, text string) (uint64, *caucus.Error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, caucus.Errorf(caucus.ErrBad, "value is not an integer or out of range: %s '%.32s'", what, text)
	}
	return n, nil
}
