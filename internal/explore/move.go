package explore

import "fmt"

// move is one thing that happens. An exchange, or a decision, that nothing comes between is one move as a
// whole, beside its parts.
type move struct {
	kind  kind
	who   uint8 // member, or place of what is granted
	act   act
	place uint8 // of the lock; of a grant: which of the group's waits
	whole bool
}

type kind uint8

const (
	tick kind = iota
	say
	doWrite
	hearAnswer
	ask
	doLook
	hearLook
	crash
	seeClose
	seeFormer
	end
	mark
	clear
	grant
	apply
	elect
	evict
	transfer
)

// String says what happens, in the words of golden stories where there are any.
func (v move) String() string {
	name := fmt.Sprintf("m%d", v.who+1)
	what := actNames[v.act]
	if v.act == acquire || v.act == unlock {
		what += lockName(int(v.place))
	}
	decided := " is proposed"
	if v.whole {
		decided = " is proposed and applied"
	}
	switch v.kind {
	case tick:
		return "a tick passes"
	case say:
		if v.whole {
			return name + "> " + what + ", done and answered at once"
		}
		return name + "> " + what
	case doWrite:
		return name + "'s command is applied, and answered"
	case hearAnswer:
		return name + "< the answer to its command"
	case ask:
		if v.whole {
			return name + "> SESSION KEEPALIVE and reads, answered at once"
		}
		return name + "> SESSION KEEPALIVE and reads"
	case doLook:
		return name + "'s heartbeat is recorded, confirmed and answered"
	case hearLook:
		return name + "< the answer to its heartbeat"
	case crash:
		return name + " crashes"
	case seeClose:
		return "the drop of " + name + decided
	case seeFormer:
		return "the drop of " + name + "'s former connection" + decided
	case end:
		return "the end of " + name + decided
	case mark:
		return "a mark of " + name + "'s silence" + decided
	case clear:
		return "that " + name + " was heard again" + decided
	case grant:
		return fmt.Sprintf("the grant of what was revoked in %s (%d)%s", places[v.who], v.place+1, decided)
	case apply:
		return "what was proposed is applied"
	case elect:
		return "another node is elected"
	case evict:
		return "an operator> GROUP EVICT g m" + fmt.Sprint(v.who+1)
	}
	return "an operator> GROUP TRANSFER g m" + fmt.Sprint(v.who+1)
}
