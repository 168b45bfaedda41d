package sim

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/lease"
)

func (p *place) key(kind lease.Kind) lease.Key { return lease.Key{Group: p.group.name, Kind: kind} }

// tend does what the member's place in a group needs, or says when to look again.
func (m *member) tend(p *place) int64 {
	switch {
	case p.name == "" && m.w.now < p.away:
		return p.away - m.w.now
	case p.name == "":
		m.join(p)
		return 0
	case p.leaving:
		m.leave(p)
		return 0
	case p.resign:
		m.resign(p)
		return 0
	case p.order != nil:
		m.command(p)
		return 0
	case p.ear.conn != m.conn || p.ear.name != p.name:
		m.listen(p)
		return 0
	case len(p.letters) > 0:
		m.write(p)
		return 0
	}
	if !m.w.calm && (p.eager || m.w.chance(3)) {
		m.speak(p)
		return 0
	}
	wait := int64(second)
	for _, kind := range []lease.Kind{lease.Index, lease.Leadership} {
		if m.lease.Believes(p.key(kind), m.clock.reading()) {
			continue
		}
		at := p.reads[kind] - m.clock.mono()
		if at <= 0 {
			m.read(p, kind)
			return 0
		}
		wait = min(wait, at)
	}
	wait = min(wait, m.tendSlots(p))
	if m.flying == nil && m.w.plan.votes && !m.w.calm && m.told != 0 {
		wait = min(wait, m.vote(p))
	}
	return wait
}

func (m *member) join(p *place) {
	cmd := caucus.Command{"GROUP", "JOIN", p.group.name}
	if !p.plain {
		cmd = append(cmd, "SETTLE", number(p.group.settle), "MIN", number(p.group.min),
			"SLOTS", number(p.group.slots))
	}
	if m.number%2 == 0 {
		cmd = append(cmd, "AS", "p-"+m.name) // nobody else is given such a name
	}
	m.send("GROUP JOIN "+p.group.name, func(replies []caucus.Reply) {
		p.plain = p.group.sets && m.word(replies[0]) == caucus.ErrConflict.Word // somebody has changed it
		if !m.failed(replies[0]) {
			p.name, p.poll, p.known, p.ear = replies[0].Str, 0, nil, ear{}
			p.number = m.w.checks.story(p.group.name).joined[p.name]
			p.forget()
		}
	}, cmd)
}

// leave stops believing before it is sent, and again when the answer has come.
func (m *member) leave(p *place) {
	m.giveUp(p)
	m.send("GROUP LEAVE "+p.group.name, func(replies []caucus.Reply) {
		m.giveUp(p)
		switch m.word(replies[0]) {
		case caucus.ErrNoGroup.Word, caucus.ErrNoMember.Word: // an earlier LEAVE was applied after all
			p.name, p.leaving = "", false
			return
		}
		if !m.failed(replies[0]) {
			p.name, p.leaving = "", false
			p.away = m.w.now + m.w.between(0, 500*millisecond)
			m.w.checks.count("left")
		}
	}, caucus.Command{"GROUP", "LEAVE", p.group.name})
}

// forget is the end of what it knew of its place.
func (p *place) forget() {
	clear(p.reads)
	p.asked = nil
}

func (m *member) giveUp(p *place) {
	m.lease.GiveUp(p.slot(lease.AllSlots))
	m.lease.GiveUp(p.key(lease.Index))
	m.lease.GiveUp(p.key(lease.Leadership))
}

func (m *member) resign(p *place) {
	p.resign = false
	m.lease.GiveUp(p.key(lease.Leadership))
	m.order("GROUP RESIGN "+p.group.name, func(replies []caucus.Reply) {
		m.lease.GiveUp(p.key(lease.Leadership))
		if m.word(replies[0]) != caucus.ErrNoLeader.Word {
			m.failed(replies[0])
		}
	}, caucus.Command{"GROUP", "RESIGN", p.group.name})
}

// command sends an order about another member. Who hands the leadership over stops believing before.
func (m *member) command(p *place) {
	cmd := p.order
	p.order = nil
	m.lease.GiveUp(p.key(lease.Leadership))
	m.order(cmd[1]+" "+cmd[3], func(replies []caucus.Reply) {
		m.lease.GiveUp(p.key(lease.Leadership))
		switch m.word(replies[0]) {
		case "":
			m.w.checks.count(cmd[1])
		case caucus.ErrNoMember.Word: // it has left
		default:
			m.failed(replies[0])
		}
	}, cmd)
}

func (m *member) read(p *place, kind lease.Kind) {
	asked := m.lease.Ask(m.clock.reading())
	if kind == lease.Index {
		m.send("GROUP INDEX "+p.group.name, func(replies []caucus.Reply) {
			m.gotIndex(asked, p, replies[0])
		}, caucus.Command{"GROUP", "INDEX", p.group.name})
		return
	}
	m.send("GROUP LEADER "+p.group.name, func(replies []caucus.Reply) {
		m.gotLeader(asked, p, replies[0])
	}, caucus.Command{"GROUP", "LEADER", p.group.name})
}

func (m *member) gotIndex(asked lease.Asked, p *place, r caucus.Reply) {
	p.reads[lease.Index] = m.clock.mono() + m.w.between(10*millisecond, 120*millisecond)
	if m.failed(r) || len(r.Items) != 3 || p.leaving {
		return
	}
	v := lease.Value{Index: int(r.Items[0].Int), Total: int(r.Items[1].Int), Token: uint64(r.Items[2].Int)}
	if m.lease.Grant(asked, p.key(lease.Index), v) {
		m.w.checks.believed(m.believer(), "epoch", p.key(lease.Index))
		m.w.note(m.name, "holds index of "+p.group.name, uint64(v.Index), uint64(v.Total), v.Token)
		m.w.checks.count("indexes")
	}
}

func (m *member) gotLeader(asked lease.Asked, p *place, r caucus.Reply) {
	p.reads[lease.Leadership] = m.clock.mono() + m.w.between(20*millisecond, 250*millisecond)
	if m.failed(r) || len(r.Items) != 3 || r.Items[0].Str != p.name || p.leaving {
		return
	}
	v := lease.Value{Token: uint64(r.Items[1].Int)}
	if m.lease.Grant(asked, p.key(lease.Leadership), v) {
		m.w.checks.believed(m.believer(), "term", p.key(lease.Leadership))
		m.w.note(m.name, "leads "+p.group.name, v.Token)
		m.w.checks.count("leaderships")
	}
}
