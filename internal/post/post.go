package post

import (
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// Post is what one node knows of plain messages: how many its own clients sent, and how far it has let out
// those of everybody. It is not safe for concurrent use.
type Post struct {
	sent map[uint64]*counts // by connection
	// heard says how far each sender was heard on each feed. Those that were not heard for long are
	// forgotten, a generation at a time: nothing of theirs is on its way any more.
	heard, before map[line]place
}

// counts are the messages of a connection under one attachment, by feed.
type counts struct {
	part  uint64
	feeds map[string]uint64
}

// line is one sender's messages on one feed, place the last of them.
type (
	line struct {
		from entry.Session
		life uint64
		feed string
	}
	place struct{ part, n uint64 }
)

// generation is how many lines one generation remembers.
const generation = 1 << 16

// New gives the post of a node that has just started.
func New() *Post { return &Post{sent: map[uint64]*counts{}, heard: map[line]place{}} }

// Number counts a message of a client of this node, and writes its number into it: 1, 2, 3 ... for each
// attachment and set of receivers.
func (p *Post) Number(m *machine.Message) {
	c := p.sent[m.Conn]
	if c == nil || c.part != m.Part {
		c = &counts{part: m.Part, feeds: map[string]uint64{}}
		p.sent[m.Conn] = c
	}
	c.feeds[m.Feed()]++
	m.N = c.feeds[m.Feed()]
}

// Forget lets go of the counts of a connection that is closed.
func (p *Post) Forget(conn uint64) { delete(p.sent, conn) }

// Admit says whether a message, of whatever node's client, may be let out here now, and notes that it was.
// It may not once one that was sent later has been: of a later part, or of a later number. So what comes
// over two connections of a peer at once is in order too.
func (p *Post) Admit(m *machine.Message) bool {
	l, at := line{m.Session, m.Life, m.Feed()}, place{m.Part, m.N}
	last, ok := p.heard[l]
	if !ok {
		last = p.before[l]
	}
	if at.part < last.part || at.part == last.part && at.n <= last.n {
		return false
	}
	if len(p.heard) >= generation {
		p.heard, p.before = map[line]place{}, p.heard
	}
	p.heard[l] = at
	return true
}
