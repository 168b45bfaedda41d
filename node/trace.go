package node

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/talk"
	"github.com/caucus-project/caucus/internal/waist"
)

// Tracer follows writes on their way across the nodes (Config.Tracer). Its methods are called from many
// goroutines at once, and must not wait: what they do, clients and the whole node wait for.
type Tracer interface {
	// Sample says whether a write that begins here is traced. It is asked for every one, so it should cost
	// next to nothing when it says no. Asked says that its client traces it: its spans are then parts of the
	// client's trace. A client that has a trace and does not record it is not asked about.
	Sample(asked bool) bool
	// Span takes a part of the way of a traced write, once it is over. The tracer may keep it.
	Span(s Span)
}

// Span is a part of the way of a traced write. A write is one pipeline of a client, or as much of it as goes
// through the log at once. The node of the client tells of
//
//   - "write", from when the pipeline was read to its answer; within it, one after the other,
//   - "wait", until it left for the leader, which may be this node,
//   - "replicate", until this node had applied it,
//   - "answer", until the client was answered.
//
// The leader, which the write tells of its trace, tells of parts of "replicate" by its own clock:
//
//   - "gather", until it became part of an entry of the log,
//   - "sync", until that was on the leader's own disk, and beside it
//   - "commit", until it was on a majority of all disks.
type Span struct {
	Trace    [16]byte
	ID       [8]byte
	Parent   [8]byte // the span of the same trace of which it is a part; zero: of none
	Name     string
	Node     string // the name of the node that tells of it
	Begin    time.Time
	End      time.Time
	Commands []string // of "write": the names of what it writes by, each once; never what that is about
	Error    string   // the word of the error that ended it (TRYAGAIN, UNCERTAIN); "" when it did not fail
	Term     uint64   // of "commit": the term of the entry and
	Index    uint64   // its place in the log
}

// trail is a traced write of one of this node's clients. Its span in the Track is "replicate".
type trail struct {
	replica.Track
	root, parent [8]byte
	commands     []string
	begun        time.Time
}

// follow begins to trace the batch of a plan, or gives nil.
func (n *Node) follow(ctx context.Context, p *talk.Plan, b *replica.Batch, begun time.Time) *trail {
	if n.cfg.Tracer == nil || !p.Writes() {
		return nil
	}
	from, asked := waist.TraceOf(ctx)
	if asked && !from.Sampled || !n.cfg.Tracer.Sample(asked) {
		return nil
	}
	t := &trail{root: spanID(), parent: from.Span, commands: n.written(p.Steps), begun: begun}
	t.Trace = replica.Trace{ID: from.ID, Span: spanID()}
	if !asked {
		t.Trace.ID = randomID()
	}
	b.Track = &t.Track
	return t
}

// written gives the names of the commands that write, as the table of commands has them.
func (n *Node) written(steps []entry.Step) (names []string) {
	add := func(cmd caucus.Command) {
		spec, err := n.table.Lookup(cmd)
		if err != nil {
			return
		}
		if name := strings.ToUpper(strings.ReplaceAll(spec.Name, "|", " ")); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, s := range steps {
		if s.Write {
			add(s.Op.Args)
			for _, cmd := range s.Op.Queue {
				add(cmd)
			}
		}
	}
	return names
}

// arrived tells of a traced write that was answered, or of one for whose answer nobody waits any longer: then
// the replica may still be at its track.
func (n *Node) arrived(t *trail, err *caucus.Error) {
	if t == nil {
		return
	}
	over, now, word := time.Now(), n.cfg.clock(), ""
	if err != nil {
		word = err.Word
	}
	n.span(t.Trace.ID, Span{Name: "write", ID: t.root, Parent: t.parent, Begin: t.begun, End: over,
		Commands: t.commands, Error: word})
	begin := t.begun
	part := func(name string, id [8]byte, until int64) (done bool) {
		s := Span{Name: name, ID: id, Parent: t.root, Begin: begin, End: over}
		if done = until > 0; done {
			s.End = between(moment(now, until), begin, over)
		} else {
			s.Error = word
		}
		n.span(t.Trace.ID, s)
		begin = s.End
		return done
	}
	if err != errAbandoned && part("wait", spanID(), t.Sent) && part("replicate", t.Trace.Span, t.Applied) {
		n.span(t.Trace.ID, Span{Name: "answer", ID: spanID(), Parent: t.root, Begin: begin, End: over})
	}
}

// led tells of traced writes that this node led.
func (n *Node) led(list []replica.Led) {
	if n.cfg.Tracer == nil || len(list) == 0 {
		return
	}
	now := n.cfg.clock()
	for _, l := range list {
		tell := func(name string, begin, end int64, term, index uint64) {
			n.span(l.Trace.ID, Span{Name: name, ID: spanID(), Parent: l.Trace.Span, Begin: moment(now, begin),
				End: moment(now, end), Term: term, Index: index})
		}
		tell("gather", l.Taken, l.Proposed, 0, 0)
		tell("sync", l.Proposed, l.Stored, 0, 0)
		tell("commit", l.Proposed, l.Applied, l.Term, l.Index)
	}
}

func (n *Node) span(trace [16]byte, s Span) {
	s.Trace, s.Node = trace, n.me.Name
	n.cfg.Tracer.Span(s)
}

// moment gives a time of the monotonic clock as the wall clock has it now.
func moment(now replica.Time, mono int64) time.Time {
	return time.UnixMicro(now.Wall - now.Mono + mono)
}

// between gives a time, or the nearest one between two others: clocks are read one after the other.
func between(t, first, last time.Time) time.Time {
	switch {
	case t.Before(first):
		return first
	case t.After(last):
		return last
	}
	return t
}

func spanID() (id [8]byte) {
	random := randomID()
	copy(id[:], random[:])
	return id
}
