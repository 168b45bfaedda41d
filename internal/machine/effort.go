package machine

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/waist"
)

// effort is what has been done for an entry, or for the reads of a pipeline: bytes that were built, and so
// many for each element that was visited or put into an answer. What clients may ask for at once is bounded
// by it, so that no entry has every node stand still, or build more than there is memory for, and again at
// each start. For what changes the state it decides on all nodes alike, so only that is counted there.
type effort struct{ spent int64 }

const (
	// mostEffort is from where on nothing laborious is begun any more. It is one or two seconds' worth.
	mostEffort = 1 << 30
	stepEffort = 128 // an element, whatever is done with it, takes as long as to copy so many bytes
)

func (e *effort) steps(n int) { e.spent += int64(n) * stepEffort }

// over says whether nothing laborious is begun any more.
func (e *effort) over() bool { return e.spent > mostEffort }

// errEffort is the answer to what is not begun any more. Nothing of it was done, so it can be asked again.
var errEffort = caucus.Errorf(caucus.ErrTryAgain, "what came together with this has the nodes do too "+
	"much at once; nothing of this was done; ask for less at a time")

// laborious are the commands that change the state and may take long, or build much, without being long.
var laborious = map[string]bool{
	"append": true, "setrange": true, "copy": true, "sort": true,
	"linsert": true, "lrem": true, "ltrim": true, "lpop": true, "rpop": true, "lmpop": true, "blmpop": true,
	"spop": true, "sinterstore": true, "sunionstore": true, "sdiffstore": true,
	"zpopmin": true, "zpopmax": true, "zmpop": true, "bzmpop": true, "zinterstore": true, "zunionstore": true,
	"zdiffstore": true, "zrangestore": true, "zremrangebyrank": true, "zremrangebyscore": true,
	"zremrangebylex": true,
}

func isLaborious(spec *command.Spec) bool {
	return laborious[spec.Name] || spec.IsCustom() || !spec.Writes() && !spec.Has(command.Fast)
}

// defaultReply is how large a reply may be at first: what Redis takes for the longest string, so that
// whatever is in one key can be read at once unless it is very large.
const (
	defaultReply = 512 << 20
	mostReply    = 1 << 30 // whatever the setting is
)

// replyLimit gives the bytes that a reply may have, as waist.Weight counts them.
func (s *state) replyLimit() int64 {
	if s.limits.reply == 0 {
		return mostReply
	}
	return min(s.limits.reply, mostReply)
}

func tooLarge(most int64) *caucus.Error {
	return caucus.Errorf(caucus.ErrBad, "the reply would be larger than %d bytes (max-reply-bytes); ask for "+
		"less at a time", most)
}

// room refuses an answer that has so many items, before it is made.
func (q *query) room(items int) *caucus.Error {
	if most := q.s.replyLimit(); int64(items) > most/waist.ItemBytes {
		return tooLarge(most)
	}
	return nil
}

// checked gives an answer unless it is larger than a reply may be. A single string is bounded by what is in
// one key.
func (q *query) checked(reply caucus.Reply) caucus.Reply {
	if len(reply.Items) == 0 {
		return reply
	}
	most := q.s.replyLimit()
	items, text := waist.Weigh(&reply, most)
	q.work.steps(int(items))
	if items*waist.ItemBytes+text > most {
		return caucus.ErrorReply(tooLarge(most))
	}
	return reply
}

// carryOut runs the handler of a command that changes the state, within the limits.
func (m *Machine) carryOut(spec *command.Spec, c *call) caucus.Reply {
	if err := m.exceeds(spec, c.args); err != nil {
		return caucus.ErrorReply(err)
	}
	if m.work.over() && isLaborious(spec) {
		return caucus.ErrorReply(errEffort)
	}
	before := c.precaution(spec)
	counter := m.counter
	reply := m.handler(spec).write(c)
	large := c.checked(reply)
	switch {
	case before != nil && large.Kind != reply.Kind:
		m.rollBack(before)
	case m.counter != counter:
		return reply // it has happened, and is no larger than what it has taken
	}
	return large
}

// precaution takes the state as it is when a command takes out so much that its answer may be too large,
// which is known only when it is made.
func (c *call) precaution(spec *command.Spec) *restore {
	if len(c.args) < 3 || spec.Has(command.DenyOOM) || !laborious[spec.Name] {
		return nil
	}
	for _, key := range spec.Keys(c.args) {
		it, ok := c.s.keys.find(key)
		if ok && it.kind.hasBody() && 2*c.s.keys.bodyOf(it.value).weight() > c.s.replyLimit() {
			return c.m.restore()
		}
	}
	return nil
}
