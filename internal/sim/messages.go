package sim

import (
	"fmt"
	"strings"

	"github.com/caucus-project/caucus"
)

// post is what is known of ordered messages: how many were said, which were acknowledged, how often each was
// told. That they are one sequence for everybody, checks.event sees, as of all events.
type post struct {
	said  int
	acked map[string]bool
	told  map[string]int
}

func newPost() post { return post{acked: map[string]bool{}, told: map[string]int{}} }

// say lets a member send an ordered message to one of its groups.
func (m *member) say(p *place) {
	m.w.checks.post.said++
	payload := fmt.Sprintf("%s says %d", m.name, m.w.checks.post.said)
	m.send("GROUP SEND "+p.group.name, func(replies []caucus.Reply) {
		if !m.failed(replies[0]) {
			m.w.checks.post.acked[payload] = true
			m.w.checks.count("ordered messages")
		}
	}, caucus.Command{"GROUP", "SEND", p.group.name, payload, "ORDERED"})
}

// message takes note of an ordered message when the first node tells it.
func (c *checks) message(n *node, e caucus.Event) {
	_, rest, ok := strings.Cut(e.JSON, `"payload":"`)
	if !ok {
		return
	}
	payload, _, _ := strings.Cut(rest, `"`)
	if c.post.told[payload]++; c.post.told[payload] > 1 {
		n.w.fail("an ordered message is told twice: %s", e.JSON)
	}
}

// compareMessages sees that what was acknowledged was told.
func (w *World) compareMessages() {
	for payload := range w.checks.post.acked {
		if w.checks.post.told[payload] != 1 {
			w.fail("%q was acknowledged and never told", payload)
		}
	}
}
