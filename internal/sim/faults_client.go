package sim

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/machine"
)

func clientFaults() []faultKind {
	return []faultKind{
		onMember("a member stands still", func(f *fault, m *member) {
			d, suspended := f.between(millisecond, 2*f.w.plan.pause), f.chance(30)
			f.tell("%s stands still for %s s, suspended %v", m.name, clockText(d), suspended)
			m.pause(d, suspended)
		}),
		onMember("a member is cut off", func(f *fault, m *member) {
			d := f.while(3)
			f.tell("%s reaches no node for %s s", m.name, clockText(d))
			m.cutOff(d)
		}),
		onMember("a member dies", (*fault).death),
		onMember("a member leaves", func(f *fault, m *member) {
			if p := pick(f, m.places); p.name != "" {
				f.tell("%s leaves %s", m.name, p.group.name)
				p.leaving = true
				m.next()
			}
		}),
		onMember("a member resigns", func(f *fault, m *member) {
			if p := pick(f, m.places); m.lease.Believes(p.key(1), m.clock.reading()) {
				f.tell("%s resigns in %s", m.name, p.group.name)
				p.resign = true
				m.next()
			}
		}),
		onMember("a member moves to another node", func(f *fault, m *member) {
			f.tell("%s moves", m.name)
			m.move()
		}),
		onMember("a member is handed the lead", func(f *fault, m *member) { f.talkAbout(m, "TRANSFER") }),
		onMember("a member is evicted", func(f *fault, m *member) { f.talkAbout(m, "EVICT") }),
		onNode("a client's connection is stuck", func(f *fault, n *node) {
			if c := pick(f, n.conns); c != nil {
				d := f.between(10*millisecond, 2*second)
				f.tell("connection %d of %s is stuck for %s s", c.id, n.name, clockText(d))
				c.stuck = f.w.now + d
			}
		}),
		onNode("a client's connection is reset", func(f *fault, n *node) {
			if c := pick(f, n.conns); c != nil {
				f.tell("connection %d of %s is reset", c.id, n.name)
				c.reset()
			}
		}),
		onNode("a node closes a client's connection", func(f *fault, n *node) {
			if c := pick(f, n.conns); c != nil {
				f.tell("%s closes connection %d", n.name, c.id)
				c.shut()
			}
		}),
	}
}

// death ends a member's process. It is born again after a while, or never.
func (f *fault) death(m *member) {
	rudely, again, after := f.chance(40), f.chance(70), f.between(0, second)
	f.tell("%s dies, with its host %v, born again %v", m.name, rudely, again)
	m.crash(rudely)
	f.w.checks.count("deaths")
	if again {
		f.w.after(after, m.born)
	}
}

// talkAbout lets a member send an order about another one of its group.
func (f *fault) talkAbout(m *member, verb string) {
	p := pick(f, m.places)
	if f.w.plan.insiders && f.chance(30) {
		f.order(m, p, verb, machine.NodesGroup, pick(f, f.w.nodes).name)
		return
	}
	for _, other := range pick(f, f.w.members).places {
		if other.group == p.group && other.name != "" {
			f.order(m, p, verb, p.group.name, other.name)
			return
		}
	}
}

func (f *fault) order(m *member, p *place, verb, group, about string) {
	f.tell("%s says %s of %s in %s", m.name, verb, about, group)
	p.order = caucus.Command{"GROUP", verb, group, about}
	m.next()
}
