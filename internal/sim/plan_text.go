package sim

import (
	"fmt"
	"strings"
)

// text tells what the seed is about: who takes part, by which limits. What goes wrong is told as it comes.
func (p *plan) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d voters, faults for %s s; %d writers with %d keys, %d clerks, %d porters, who think "+
		"up to %d ms; %d members", p.voters, clockText(p.length), p.writers, p.keys, p.clerks, p.porters,
		p.think/millisecond, p.members)
	for _, g := range p.groups {
		fmt.Fprintf(&b, "; group %s: settle %d ms, min %d, %d slots", g.name, g.settle, g.min, g.slots)
		if g.sets {
			b.WriteString(", changed by its members")
		}
	}
	fmt.Fprintf(&b, "\na snapshot each %d entries, %d kept behind it, a digest each %d, entries up to %d bytes",
		p.snapshotEntries, p.keepEntries, p.digestEntries, p.maxEntry)
	if p.ahead > 0 {
		fmt.Fprintf(&b, "; %d %% of the nodes come with the next version", p.ahead)
	}
	for _, has := range []struct {
		what string
		is   bool
	}{{"votes", p.votes}, {"a lock", p.locks}, {"letters at rest", p.letters},
		{"nodes in their group", p.insiders},
		{"old versions that stay", p.stays},
		{"users among the writers", p.users},
		{"a follower of changes", p.follows}, {"frames through the codec", p.codec}} {
		if has.is {
			b.WriteString("; " + has.what)
		}
	}
	return b.String()
}

// standingText tells what goes wrong all the time, a line each.
func (p *plan) standingText() (lines []string) {
	for i, s := range p.standing.list() {
		if *s.percent > 0 {
			lines = append(lines, fmt.Sprintf("#%d all the time %s, %d %%", i+1, s.what, *s.percent))
		}
	}
	return lines
}
