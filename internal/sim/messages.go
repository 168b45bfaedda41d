package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/lease"
	"github.com/caucus-project/caucus/internal/machine"
)

// mail is what is known of messages: how many were said and what became of each. That the ordered ones are
// one sequence for everybody, checks.event sees, as of all events.
type mail struct {
	said    int
	acked   map[string]bool // ordered ones
	told    map[string]int
	refused map[string]bool // plain ones that were certainly not sent
	heard   map[string][]string
	sent    map[sequence]uint64
}

// sequence is within what plain messages are counted: an attachment, a life of the group, and receivers.
type sequence struct {
	part, life uint64
	feed       string
}

func newMail() mail {
	return mail{acked: map[string]bool{}, told: map[string]int{}, refused: map[string]bool{},
		heard: map[string][]string{}, sent: map[sequence]uint64{}}
}

// payload is what the next message holds; no two are alike.
func (m *member) payload() string {
	m.w.checks.mail.said++
	return fmt.Sprintf("%s says %d", m.name, m.w.checks.mail.said)
}

// ordinal says which of all messages a payload is.
func (ml *mail) ordinal(payload string) int {
	_, number, _ := strings.Cut(payload, " says ")
	n, _ := strconv.Atoi(number)
	return n
}

// speak lets a member send a message to one of its groups, its leader or another member, or change the group.
func (m *member) speak(p *place) {
	switch n := m.w.rng.IntN(10); {
	case p.eager:
		p.eager = false
		m.utter(p, &letter{})
	case n < 4:
		m.say(p)
	case n == 4 && p.group.sets:
		m.setOptions(p)
	case n < 7:
		m.utter(p, &letter{})
	case n < 8:
		m.utter(p, &letter{words: caucus.Command{"LEADER"}})
	default:
		if other := m.companion(p); other != "" {
			m.utter(p, &letter{words: caucus.Command{"TO", other}})
		} else {
			m.readAgain(p)
		}
	}
}

// say sends an ordered message.
func (m *member) say(p *place) {
	payload := m.payload()
	m.send("GROUP SEND "+p.group.name, func(replies []caucus.Reply) {
		if !m.failed(replies[0]) {
			m.w.checks.mail.acked[payload] = true
			m.w.checks.count("ordered messages")
		}
	}, caucus.Command{"GROUP", "SEND", p.group.name, payload, "ORDERED"})
}

// letter is a plain message and, when that is known, who must get it.
type letter struct {
	words   caucus.Command // that say to whom
	payload string
	to      []string // names of processes
	done    bool
}

// utter sends a plain message, sometimes in a transaction.
func (m *member) utter(p *place, l *letter) {
	l.payload = m.payload()
	cmds := []caucus.Command{append(caucus.Command{"GROUP", "SEND", p.group.name, l.payload}, l.words...)}
	if m.w.chance(20) {
		cmds = []caucus.Command{{"MULTI"}, cmds[0], {"EXEC"}}
	}
	m.send("GROUP SEND "+p.group.name, func(replies []caucus.Reply) {
		r := replies[len(replies)-1]
		if r.Kind == caucus.KindArray && len(r.Items) == 1 {
			r = r.Items[0]
		}
		m.uttered(l, r)
		if l.done && !m.w.calm && m.w.chance(15) { // what it says next may overtake what it said here
			p.eager = true
			m.move()
		}
	}, cmds...)
}

// uttered takes the answer. Only UNCERTAIN leaves open whether the message was sent.
func (m *member) uttered(l *letter, r caucus.Reply) {
	word := m.word(r)
	switch word {
	case "":
		m.w.checks.count("plain messages")
		l.done = true
		if l.to != nil && r.Int != int64(len(l.to)) {
			m.w.fail("%q was addressed to %d, not %d", l.payload, r.Int, len(l.to))
		}
		return
	case caucus.ErrNoLeader.Word, caucus.ErrNoMember.Word: // there is nobody to address
	default:
		m.failed(r)
	}
	if word != caucus.ErrUncertain.Word {
		m.w.checks.mail.refuse(m, l.payload)
	}
}

// numbered sees that plain messages are counted without gaps, from 1.
func (ml *mail) numbered(n *node, m *machine.Message) {
	s := sequence{m.Part, m.Life, m.Feed()}
	if ml.sent[s]++; m.N != ml.sent[s] {
		n.w.fail("SAFETY A11: %q has number %d of part %d, not %d", m.Payload, m.N, m.Part, ml.sent[s])
	}
}

// refuse notes a message that its sender was told not to be sent.
func (ml *mail) refuse(m *member, payload string) {
	ml.refused[payload] = true
	if len(ml.heard[payload]) > 0 {
		m.w.fail("SAFETY A9: %q was refused, and %v heard it", payload, ml.heard[payload])
	}
}

// hears notes who heard a message: nobody twice, and nobody what was refused.
func (ml *mail) hears(m *member, msg *machine.Message) {
	switch by := ml.heard[msg.Payload]; {
	case ml.refused[msg.Payload]:
		m.w.fail("SAFETY A9: %q was refused, and %s hears it", msg.Payload, m.name)
	case slices.Contains(by, m.name):
		m.w.fail("SAFETY A11: %s hears %q twice", m.name, msg.Payload)
	}
	ml.heard[msg.Payload] = append(ml.heard[msg.Payload], m.name)
	m.w.checks.count("messages heard")
}

// message takes note of an ordered message when the first node tells it.
func (c *checks) message(n *node, e entry.Event) {
	_, rest, ok := strings.Cut(e.JSON, `"payload":"`)
	if !ok {
		return
	}
	payload, _, _ := strings.Cut(rest, `"`)
	if c.mail.told[payload]++; c.mail.told[payload] > 1 {
		n.w.fail("an ordered message is told twice: %s", e.JSON)
	}
}

// compareMessages sees that what was acknowledged was told.
func (w *World) compareMessages() {
	for payload := range w.checks.mail.acked {
		if w.checks.mail.told[payload] != 1 {
			w.fail("%q was acknowledged and never told", payload)
		}
	}
}

// exchange lets the members of a world at rest write to each other: as long as no node, link or reader fails,
// each message arrives at everybody it is for, and nobody else.
func (w *World) exchange() {
	var all []*letter
	for _, m := range w.members {
		for _, p := range m.places {
			if !m.dead && w.enough(p.group) {
				p.letters = m.letters(p)
				all = append(all, p.letters...)
			}
		}
		m.input(m.next)
	}
	unsent := func(l *letter) bool { return !l.done }
	if !w.runUntil(w.now+5*second, func() bool { return !slices.ContainsFunc(all, unsent) }) && w.failed == nil {
		l := all[slices.IndexFunc(all, unsent)]
		w.fail("%q with %v for %v cannot be sent at rest", l.payload, l.words, l.to)
	}
	w.runUntil(w.now+second/10, func() bool { return false })
	w.runUntil(w.now+second, func() bool { return w.unrestOfNodes() == "" })
	for _, l := range all {
		got := slices.Sorted(slices.Values(w.checks.mail.heard[l.payload]))
		if w.failed == nil && !slices.Equal(got, l.to) {
			w.fail("SAFETY A11: %q was for %v and reached %v", l.payload, l.to, got)
		}
	}
}

// letters are what a member writes to its group at rest.
func (m *member) letters(p *place) []*letter {
	everybody, leader := &letter{}, &letter{words: caucus.Command{"LEADER"}}
	list := []*letter{everybody, leader}
	for _, other := range m.w.members {
		for _, q := range other.places {
			if other.dead || q.group != p.group {
				continue
			}
			everybody.to = append(everybody.to, other.name)
			if other.lease.Believes(q.key(lease.Leadership), other.clock.reading()) {
				leader.to = append(leader.to, other.name)
			}
			if m.w.chance(40) {
				list = append(list, &letter{words: caucus.Command{"TO", q.name}, to: []string{other.name}})
			}
		}
	}
	return list
}

// write sends the next letter.
func (m *member) write(p *place) {
	l := p.letters[0]
	p.letters = p.letters[1:]
	m.utter(p, l)
}
