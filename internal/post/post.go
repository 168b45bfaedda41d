package post

import (
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// Post is what one node knows of plain messages: how many its own clients sent, and how far it has let out
// those of everybody. It is not safe for concurrent use.
type Post struct {
	sendable func(*machine.Message) bool
	sent     map[series]uint64
	sweepAt  int // as soon as so many series are counted, those that are over are forgotten
	// heard says how far each sender was heard on each feed. Those that were not heard for long are
	// forgotten, a generation at a time: nothing of theirs is on its way any more.
	heard, before map[line]place
}

type (
	// line is one sender's messages to one set of receivers.
	line struct {
		from, heir entry.Session
		group, to  string
	}
	// place is how far a line has come. Part and life only rise while it goes on, n begins anew with each.
	place struct{ part, life, n uint64 }
	// series is what of a line is numbered in one go: under one attachment, in one life of the group.
	series struct {
		line
		part, life uint64
	}
)

// The sizes of what is remembered: lines of one generation, and series that are not looked through.
const (
	generation = 1 << 16
	fewSeries  = 64
)

// New gives the post of a node that has just started. Sendable says whether there may still be messages like
// this one: of that sender under that attachment, to those receivers, in that life of the group. Once it says
// no it does so for ever.
func New(sendable func(*machine.Message) bool) *Post {
	return &Post{sendable: sendable, sent: map[series]uint64{}, sweepAt: fewSeries, heard: map[line]place{}}
}

func lineOf(m *machine.Message) line {
	return line{from: m.Session, heir: m.Heir, group: m.Group, to: m.To}
}

// Number counts a message of a client of this node, and writes its number into it: 1, 2, 3 ... in its series.
func (p *Post) Number(m *machine.Message) {
	s := series{lineOf(m), m.Part, m.Life}
	p.sent[s]++
	m.N = p.sent[s]
	if len(p.sent) >= p.sweepAt {
		p.sweep()
	}
}

// sweep forgets the series that are over. It is due only when there are twice as many as it left the last
// time, so that it costs each message a constant.
func (p *Post) sweep() {
	for s := range p.sent {
		if !p.sendable(&machine.Message{Session: s.from, Heir: s.heir, Group: s.group, To: s.to, Part: s.part,
			Life: s.life}) {
			delete(p.sent, s)
		}
	}
	p.sweepAt = 2*len(p.sent) + fewSeries
}

// Admit says whether a message, of whatever node's client, may be let out here now, and notes that it was.
// It may not once one that was sent later has been: of a later part, in a later life, or of a later number.
// So what comes over two connections of a peer at once is in order too.
func (p *Post) Admit(m *machine.Message) bool {
	l, at := lineOf(m), place{m.Part, m.Life, m.N}
	last, ok := p.heard[l]
	if !ok {
		last = p.before[l]
	}
	if !last.less(at) {
		return false
	}
	if len(p.heard) >= generation {
		p.heard, p.before = map[line]place{}, p.heard
	}
	p.heard[l] = at
	return true
}

func (p place) less(q place) bool {
	if p.part != q.part {
		return p.part < q.part
	}
	if p.life != q.life {
		return p.life < q.life
	}
	return p.n < q.n
}
