package httpd

import (
	"slices"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// What may be stated of groups and members.
var (
	groupFields = slices.Concat([]field{
		{name: "settle", shape: number, about: "milliseconds without a change before work is divided anew"},
	}, lifeFields, []field{
		{name: "heartbeat", shape: number, about: "milliseconds between the signs of life of members"},
		{name: "votetimeout", shape: number, about: "milliseconds for which a poll is open that does not say it"},
		{name: "min", shape: number, about: "members without whom nobody leads and no work is divided"},
		{name: "slots", shape: number, about: "shares of work that the group divides"},
		{name: "noleader", shape: flag, about: "nobody leads this group"}})
	joinFields = slices.Concat([]field{
		{name: "as", about: "the member's name; one is made when it is left out"},
		{name: "metadata", shape: data, word: "META", about: "any bytes, 64 KiB at most; JSON by convention"},
		{name: "priority", shape: number, about: "who has a higher one leads first, -100 to 100"}}, groupFields)
	metadataFields = []field{{name: "metadata", shape: data, must: true, about: "in place of what there was"}}
	heirFields     = []field{{name: "member", must: true, about: "who is to lead"}}
	releaseFields  = []field{{name: "slots", shape: numbers, must: true, about: "those that are given up"}}
	sendFields     = []field{
		{name: "payload", shape: data, must: true, about: "any bytes, 1 MiB at most"},
		{name: "to", about: "the one member who is to get it"},
		{name: "leader", shape: flag, about: "it is for the leader alone"},
		{name: "ordered", shape: flag, about: "it goes through the log, so that all get all such in one order"}}
	matchFields = []field{{name: "match", about: "a pattern of names, as for KEYS"}}
	pageFields  = []field{
		{name: "after", shape: number, about: "the order of the last member that was seen"},
		{name: "count", shape: number, about: "members at most"}}
	whoFields  = []field{{name: "member", about: "about whom; the session's own member when it is left out"}}
	slotFields = slices.Concat(whoFields, []field{
		{name: "revoking", shape: flag, about: "only those that are to be given up"}})
)

// group begins a command about the group that the path names.
func (v *visit) group(sub string, args ...string) caucus.Command {
	return append(caucus.Command{"GROUP", sub, v.name("g")}, args...)
}

// listGroups is GET /v1/groups.
func (v *visit) listGroups() caucus.Reply {
	return listed(v.ask(v.given.options(caucus.Command{"GROUP", "LIST"}, matchFields...))[0], "groups")
}

// listed gives an array under a name.
func listed(r caucus.Reply, name string, truths ...string) caucus.Reply {
	if r.Kind != caucus.KindArray {
		return r
	}
	items := slices.Clone(r.Items)
	for i := range items {
		items[i] = truly(items[i], truths...)
	}
	return caucus.Map(caucus.Bulk(name), caucus.Array(items...))
}

// describeGroup is GET /v1/groups/{g}.
func (v *visit) describeGroup() caucus.Reply { return v.ask(v.group("INFO"))[0] }

// makeGroup is PUT /v1/groups/{g}.
func (v *visit) makeGroup() caucus.Reply {
	return done(v.change(v.given.options(v.group("CREATE"), groupFields...)))
}

// deleteGroup is DELETE /v1/groups/{g}.
func (v *visit) deleteGroup() caucus.Reply {
	return named(truly(v.change(v.group("DELETE"))), "deleted")
}

// listMembers is GET /v1/groups/{g}/members.
func (v *visit) listMembers() caucus.Reply {
	return listed(v.ask(v.given.options(v.group("MEMBERS"), pageFields...))[0], "members", "leader")
}

// join is POST /v1/groups/{g}/members. Without a session it opens one.
func (v *visit) join() caucus.Reply {
	return v.enter(v.given.options(v.group("JOIN"), joinFields...), "member")
}

// enter carries out a command that opens a session for who has none, and answers which it was.
func (v *visit) enter(cmd caucus.Command, name string) caucus.Reply {
	reply, id := caucus.Reply{}, v.session
	if id == "" {
		reply, id = v.open(cmd)
	} else {
		reply = v.carry(cmd)
	}
	return with(named(reply, name), sessionField(id)...)
}

// sessionField says which session it was, null for none.
func sessionField(id string) []caucus.Reply {
	if id == "" {
		return []caucus.Reply{caucus.Bulk("session"), caucus.Nil()}
	}
	return []caucus.Reply{caucus.Bulk("session"), caucus.Bulk(id)}
}

// describeMember is GET /v1/groups/{g}/members/{m}.
func (v *visit) describeMember() caucus.Reply {
	replies := v.ask(v.group("INDEX", "MEMBER", v.name("m")), v.group("MEMBERS"))
	if err, ok := firstError(replies...); !ok {
		return err
	}
	for _, m := range replies[1].Items {
		if len(m.Items) > 1 && m.Items[1].Str == v.name("m") {
			return truly(m, "leader")
		}
	}
	return caucus.Fail(caucus.ErrNoMember, "group '%s' has no member '%s'", v.name("g"), v.name("m"))
}

// removeMember is DELETE /v1/groups/{g}/members/{m}. Who names the member's own session leaves; who names
// none speaks for no member, and has it evicted.
func (v *visit) removeMember() caucus.Reply {
	if v.session == "" {
		return named(truly(v.change(v.group("EVICT", v.name("m")))), "evicted")
	}
	if err, ok := v.isOwn(); !ok {
		return err
	}
	return named(truly(v.change(v.group("LEAVE"))), "left")
}

// describeSelf is PUT /v1/groups/{g}/members/{m}/metadata.
func (v *visit) describeSelf() caucus.Reply {
	if err, ok := v.isOwn(); !ok {
		return err
	}
	return done(v.change(v.group("META", v.given.value("metadata"))))
}

// isOwn says whether the member that the path names is the session's own; its messages are for nobody else.
func (v *visit) isOwn() (err caucus.Reply, ok bool) {
	conn, problem := v.converse(waist.ConnInfo{Session: v.session})
	if problem != nil {
		return caucus.ErrorReply(known(problem)), false
	}
	defer conn.Close(false)
	replies := v.do(conn, v.group("INDEX", "MEMBER", v.name("m")), keepAlive)
	if is(replies[0], caucus.ErrNoMember) { // a session is missed before a member
		slices.Reverse(replies)
	}
	if err, ok := firstError(replies...); !ok {
		return err, false
	}
	if _, err := conn.Feed(v.ctx, caucus.MemberChannel(v.name("g"), v.name("m"))); err != nil {
		if err.Word == caucus.ErrNoPerm.Word {
			err.Message = "that is another session's member; the header " + sessionHeader + " names yours"
		}
		return caucus.ErrorReply(err), false
	}
	return caucus.Reply{}, true
}

// index is GET /v1/groups/{g}/index.
func (v *visit) index() caucus.Reply {
	return v.promised(v.given.options(v.group("INDEX"), whoFields...), "index", "total", "epoch")
}

// leader is GET /v1/groups/{g}/leader.
func (v *visit) leader() caucus.Reply {
	return v.promised(v.group("LEADER"), "member", "term", "metadata")
}

// slots is GET /v1/groups/{g}/slots.
func (v *visit) slots() caucus.Reply {
	return v.promised(v.given.options(v.group("SLOTS"), slotFields...), "slots", "epoch")
}

// shares is GET /v1/groups/{g}/shares. Who has left since the members were read has no slots.
func (v *visit) shares() caucus.Reply {
	members := v.ask(v.given.options(v.group("MEMBERS"), pageFields...))[0]
	if members.Kind != caucus.KindArray {
		return members
	}
	var cmds []caucus.Command
	for _, member := range members.Items {
		name := member.Field("name").Str
		cmds = append(cmds, v.group("SLOTS", "MEMBER", name), v.group("SLOTS", "MEMBER", name, "REVOKING"))
	}
	replies := v.ask(cmds...)
	shares := make([]caucus.Reply, len(members.Items))
	for i, member := range members.Items {
		held, revoking := replies[2*i], replies[2*i+1]
		if err, ok := firstError(held, revoking); !ok && !is(err, caucus.ErrNoMember) {
			return err
		}
		shares[i] = caucus.Map(caucus.Bulk("member"), member.Field("name"),
			caucus.Bulk("order"), member.Field("order"),
			caucus.Bulk("slots"), slotsIn(held), caucus.Bulk("revoking"), slotsIn(revoking))
	}
	return caucus.Map(caucus.Bulk("shares"), caucus.Array(shares...))
}

// slotsIn writes the slots that GROUP SLOTS answers as ranges.
func slotsIn(r caucus.Reply) caucus.Reply {
	if r.Kind != caucus.KindArray || len(r.Items) == 0 {
		return caucus.Bulk("")
	}
	slots := make([]uint64, len(r.Items[0].Items))
	for i, slot := range r.Items[0].Items {
		slots[i] = uint64(slot.Int)
	}
	return caucus.Bulk(caucus.SlotRanges(slots))
}

// resign is POST /v1/groups/{g}/resign.
func (v *visit) resign() caucus.Reply { return named(v.change(v.group("RESIGN")), "term") }

// transfer is POST /v1/groups/{g}/transfer.
func (v *visit) transfer() caucus.Reply {
	return named(v.change(v.group("TRANSFER", v.given.value("member"))), "term")
}

// release is POST /v1/groups/{g}/release.
func (v *visit) release() caucus.Reply {
	return named(v.change(v.group("RELEASE", v.given["slots"]...)), "released")
}

// send is POST /v1/groups/{g}/messages.
func (v *visit) send() caucus.Reply {
	cmd := v.given.options(v.group("SEND", v.given.value("payload")), sendFields[1:]...)
	if len(v.given) > 2 { // the payload and one of them
		return caucus.ErrorReply(wrong("'to', 'leader' and 'ordered' exclude each other; none of them is to all"))
	}
	return named(v.change(cmd), "addressed")
}
