package sim

import (
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// readAgain lets a member read some of the last events of a group: they are what the nodes told, without a
// gap, up to the last that had been told when it asked.
func (m *member) readAgain(p *place) {
	s := m.w.checks.story(p.group.name)
	life, last := s.life, s.last
	from := max(life, last-min(last, uint64(m.w.between(0, 30)))) + 1
	m.send("GROUP EVENTS "+p.group.name, func(replies []caucus.Reply) {
		if m.word(replies[0]) == caucus.ErrGap.Word || m.failed(replies[0]) {
			return
		}
		next := from
		for _, item := range replies[0].Items {
			if seq := uint64(item.Items[0].Int); seq != next || s.events[seq] != item.Items[1].Str {
				m.w.fail("%s reads event %d of %s where event %d is due: %s", m.name, seq, p.group.name, next,
					item.Items[1].Str)
			}
			next++
		}
		if s.life == life && next <= last {
			m.w.fail("%s reads the events of %s up to %d, and %d was told before", m.name, p.group.name, next-1, last)
		}
		m.w.checks.count("events read again")
	}, caucus.Command{"GROUP", "EVENTS", p.group.name, "FROM", strconv.FormatUint(from, 10)})
}

// result reads what a poll came to: what its event told, once any node had told it.
func (m *member) result(p *place, id uint64) {
	s := m.w.checks.story(p.group.name)
	poll := s.polls[id]
	was := poll.outcome
	m.send("VOTE RESULT", func(replies []caucus.Reply) {
		r := replies[0]
		switch {
		case m.word(r) == caucus.ErrNoPoll.Word && (poll.outcome != "" || s.life != poll.life):
			// it is forgotten after ten minutes, by which a clock may have been set, or ended with the group
		case m.failed(r):
		case r.IsNil():
			if was != "" {
				m.w.fail("SAFETY B14: %s is told that poll %d of %s is open, after it had come to %s", m.name, id,
					p.group.name, was)
			}
		default:
			m.w.checks.ended(m, p, id, r.Items[0].Str, r.Items[1].Int, r.Items[2].Int)
			m.w.checks.count("results read")
		}
	}, caucus.Command{"VOTE", "RESULT", p.group.name, strconv.FormatUint(id, 10)})
}

// groupOf gives the channel of the group that a member's own channel belongs to.
func groupOf(feed string) string {
	group, _, _ := strings.Cut(strings.TrimPrefix(feed, waist.PrivateChannels), ":")
	return caucus.EventChannel(group)
}
