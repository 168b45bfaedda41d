package talk

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// send plans GROUP SEND. Only what is ordered goes through the log; else it is a read of who is there,
// which an old state cannot answer (SAFETY A11).
func (t *Talk) send(p *Plan, cmd caucus.Command) verdict {
	cmd = t.dated(cmd)
	ordered := false
	for i := 4; i < len(cmd); i++ {
		if strings.EqualFold(cmd[i], "TO") {
			i++
		} else if strings.EqualFold(cmd[i], "ORDERED") {
			ordered = true
		}
	}
	if !ordered {
		cmd[0] = ".send"
		p.guarded = true
	}
	t.firmStep(p, ordered, cmd)
	return p.last(plain, nil)
}

// dated gives a SEND with when it was sent, as far as the node knows.
func (t *Talk) dated(cmd caucus.Command) caucus.Command {
	args := append(make(caucus.Command, 0, len(cmd)+2), cmd...)
	if t.cfg.Clock == nil {
		return args
	}
	return slices.Insert(args, 4, ".SENT", strconv.FormatInt(t.cfg.Clock(), 10))
}

// Feed plans the question under which name the node's feed has the messages for a member. Its one answer is
// that name, or NOPERM.
func (t *Talk) Feed(channel string) *Plan {
	group, member, _ := strings.Cut(strings.TrimPrefix(channel, waist.PrivateChannels), ":")
	p := newPlan(1)
	t.firmStep(p, false, caucus.Command{".ownfeed", group, member, string(t.knows[:])})
	p.last(plain, nil)
	p.guarded = true
	t.request++
	t.seal(p, t.carry, t.seen)
	return p
}
