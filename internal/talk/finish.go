package talk

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// Finish takes what the plan's steps came to, one result each, and gives one reply for each used command.
// Unless the replies have been handed to the client before the next Plan, that one is told so by Unread.
func (t *Talk) Finish(p *Plan, results []entry.Result) []caucus.Reply {
	replies := make([]caucus.Reply, len(p.items))
	for i := range p.items {
		it := &p.items[i]
		switch {
		case it.kind == said:
			replies[i] = p.said[it.step]
		case it.kind == ofNode:
			replies[i] = t.node(it.extra.cmd)
		case !it.hasStep(): // a transaction without any
			replies[i] = t.merge(it.extra.tx, caucus.Array())
		case it.step < len(results):
			replies[i] = t.conclude(p, it, results[it.step])
		default:
			replies[i] = caucus.Fail(caucus.ErrUncertain, "the outcome is not known")
		}
	}
	return replies
}

// Opened takes over a session that a plan has opened under this attachment number, when what it was opened
// for then failed. It comes before Fail. Else nobody would know of the session, and it would live on for its
// TTL.
func (t *Talk) Opened(p *Plan, attach uint64) {
	if it := &p.items[0]; it.kind == opened && attach != 0 && !t.detached() {
		it.extra.carry.attach = attach
		t.take(it.extra.carry)
	}
}

// Orphan gives the operation that ends the session which a plan may have opened, when the plan's outcome is
// not known. Nobody was told its id, so it would keep what it was given, be it a lock that its client asks
// for again, from everybody for a TTL. It comes before the next Plan.
func (t *Talk) Orphan(p *Plan) (op entry.Op, ok bool) {
	it := &p.items[len(p.items)-1]
	if it.kind != opened || it.extra.carry.session == t.carry.session {
		return entry.Op{}, false
	}
	id := it.extra.carry.session
	return entry.Op{Args: caucus.Command{"SESSION", "CLOSE", string(id[:])}}, true
}

// Fail gives the replies when the steps were refused, or their outcome is unknown, as err says. What is
// for the node itself and stands behind the first of them is not tried. An EXEC among them ends its
// transaction, as every EXEC does.
func (t *Talk) Fail(p *Plan, err *caucus.Error) []caucus.Reply { return t.fail(p, err, false) }

// Skip gives the replies when what stood before the plan in its pipeline was refused, so that nothing of
// it is tried: steps would be applied without what they may rest on, and a node would be stopped whose
// client has asked for something to be written first (SAFETY A10). The conversation's own commands are
// answered.
func (t *Talk) Skip(p *Plan) []caucus.Reply { return t.fail(p, errSkipped, true) }

var errSkipped = caucus.Errorf(caucus.ErrTryAgain,
	"an earlier part of the pipeline failed; this was not tried")

func (t *Talk) fail(p *Plan, err *caucus.Error, behind bool) []caucus.Reply {
	for i := range p.items {
		it := &p.items[i]
		if behind && it.asksNode() {
			*it = p.known(caucus.ErrorReply(errSkipped))
		}
		behind = behind || it.hasStep()
	}
	results := make([]entry.Result, len(p.Steps))
	for i := range results {
		results[i].Reply = caucus.ErrorReply(err)
	}
	return t.Finish(p, results)
}

// conclude takes the result of one step.
func (t *Talk) conclude(p *Plan, it *item, r entry.Result) caucus.Reply {
	op := p.Steps[it.step].Op
	failed := r.Reply.Kind == caucus.KindError
	if failed {
		t.noteLoss(it.kind, op, r.Reply)
	}
	switch it.kind {
	case watched:
		return t.noteWatch(op.Args[1:], r.Reply)
	case executed:
		return t.merge(it.extra.tx, r.Reply)
	case read:
		return it.extra.changes.over(r.Reply)
	}
	if failed {
		return r.Reply
	}
	return t.succeed(it, r)
}

// succeed takes the result of a step about a session.
func (t *Talk) succeed(it *item, r entry.Result) caucus.Reply {
	switch it.kind {
	case opened, resumed:
		if r.Attach != 0 && !t.detached() {
			it.extra.carry.attach = r.Attach
			t.take(it.extra.carry)
		}
		return openedReply(it, r)
	case closed:
		if it.extra.carry.session == t.carry.session && !t.detached() {
			t.take(carried{})
		}
	case promised:
		if len(r.Reply.Items) == 3 && t.hears() {
			t.seen = uint64(r.Reply.Items[2].Int)
		}
	case informed:
		return withID(r.Reply, it.extra.carry.id)
	}
	return r.Reply
}

// openedReply gives the id to who opened a session, OK to who resumed one, and the member's name to a JOIN.
func openedReply(it *item, r entry.Result) caucus.Reply {
	switch {
	case it.kind == resumed:
		return caucus.OK()
	case it.extra.reply.Kind == caucus.KindBulk && r.Attach != 0:
		return it.extra.reply
	}
	return r.Reply
}

// noteLoss lets go of a session that has ended. A command that names a session says nothing of the carried
// one.
func (t *Talk) noteLoss(k kind, op *entry.Op, r caucus.Reply) {
	switch k {
	case foreign, resumed, opened:
		return
	case informed, closed:
		if len(op.Args) > 2 {
			return
		}
	}
	isLost := caucus.ParseError(r.Str).Word == caucus.ErrNoSession.Word
	if isLost && !t.detached() && op.Session == t.carry.session {
		t.take(carried{})
	}
}

// withID gives a description of a session with the id as the client knows it, which the state does not.
func withID(r caucus.Reply, id string) caucus.Reply {
	items := append([]caucus.Reply{}, r.Items...)
	for i := 0; i+1 < len(items); i += 2 {
		if items[i].Str == "id" && id != "" {
			items[i+1] = caucus.Bulk(id)
		}
	}
	r.Items = items
	return r
}
