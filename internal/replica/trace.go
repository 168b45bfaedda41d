package replica

import (
	"fmt"

	"github.com/caucus-project/caucus/internal/fields"
)

// Trace is a place in somebody's trace: what becomes of a batch is told below it. Nothing is decided by a
// trace, and what is lost of one is lost to its reader alone. So it is in no log, and travels beside the
// batches, in a frame before theirs: a node that does not know this kind drops it and takes the batches.
type Trace struct {
	ID   [16]byte
	Span [8]byte
}

// Track is how far a traced batch of this node's clients has come. It is the caller's, who makes it with the
// trace and reads the times once the batch is answered. They are monotonic, and 0 for never.
type Track struct {
	Trace   Trace
	Sent    int64 // when it left for the leader, the last time
	Applied int64 // when this node has applied it
}

// Led is the way of a traced batch at the leader, on its monotonic clock, and the entry that it became part
// of.
type Led struct {
	Trace       Trace
	Taken       int64 // when it came
	Proposed    int64 // when it became part of an entry, whose writing began
	Stored      int64 // when the entry was on the leader's disk
	Applied     int64 // when it was on a majority of the disks, and applied here
	Term, Index uint64
}

// Traced says which trace a batch belongs to.
type Traced struct {
	Number uint64
	Trace  Trace
}

// maxTraced is how many traced batches one frame tells of.
const maxTraced = 1024

// traces notes that batches leave, and gives which of them are traced.
func (s *stream) traces(now int64, parcels []*parcel) (list []Traced) {
	for _, p := range parcels {
		if p.batch == nil || p.batch.Track == nil {
			continue
		}
		p.batch.Track.Sent = now
		if len(list) < maxTraced {
			list = append(list, Traced{p.number, p.batch.Track.Trace})
		}
	}
	return list
}

// tracing is what a leader remembers of traced batches.
type tracing struct {
	told map[uint64][]Traced // of the batches that come next, by raft id of the origin
	led  []leading           // in the order in which they were taken
}

// leading is a traced batch on its way through the log.
type leading struct {
	Led
	place int    // among the gathered batches, until it is proposed
	entry uint64 // which of the leader's entries it is in, 0 until it is proposed
}

// hear takes what a node says of the batches that it sends next.
func (t *tracing) hear(from uint64, list []Traced) {
	if t.told == nil {
		t.told = map[uint64][]Traced{}
	}
	t.told[from] = list
}

// took notes that a node's batch was gathered, at a place.
func (t *tracing) took(r *Replica, from, number uint64, place int) {
	if len(t.told) == 0 {
		return
	}
	list := t.told[from]
	for len(list) > 0 && list[0].Number < number {
		list = list[1:]
	}
	if len(list) > 0 && list[0].Number == number {
		led := Led{Trace: list[0].Trace, Taken: r.now.Mono, Term: r.term}
		t.led, list = append(t.led, leading{Led: led, place: place}), list[1:]
	}
	if t.told[from] = list; len(list) == 0 {
		delete(t.told, from)
	}
}

// proposed notes that the first n of the gathered batches became an entry.
func (t *tracing) proposed(r *Replica, n int, entry uint64) {
	for i := range t.led {
		b := &t.led[i]
		switch {
		case b.entry > 0:
		case b.place < n:
			b.Proposed, b.entry = r.now.Mono, entry
		default:
			b.place -= n
		}
	}
}

// stored notes that all that was proposed is on this node's disk.
func (t *tracing) stored(r *Replica) {
	for i := range t.led {
		if b := &t.led[i]; b.entry > 0 && b.Stored == 0 {
			b.Stored = r.now.Mono
		}
	}
}

// landed tells of those that were in an entry, which was applied.
func (t *tracing) landed(r *Replica, entry uint64) {
	for len(t.led) > 0 && t.led[0].entry == entry {
		b := t.led[0].Led
		b.Applied, b.Index = r.now.Mono, r.m.Index()
		r.out.Led, t.led = append(r.out.Led, b), t.led[1:]
	}
}

func (t *Traces) append(dst []byte) []byte {
	dst = fields.Uvarint(fields.Uvarint(dst, t.Term), uint64(len(t.List)))
	for _, one := range t.List {
		dst = fields.Uvarint(dst, one.Number)
		dst = append(append(dst, one.Trace.ID[:]...), one.Trace.Span[:]...)
	}
	return dst
}

func readTraces(r *fields.Reader) *Traces {
	t := &Traces{Term: r.Uvarint()}
	n := r.Count(25)
	if n > maxTraced {
		r.Fail(fmt.Errorf("%d traced batches; at most %d", n, maxTraced))
		return t
	}
	t.List = make([]Traced, n)
	for i := range t.List {
		one := &t.List[i]
		one.Number, one.Trace.ID = r.Uvarint(), r.ID()
		copy(one.Trace.Span[:], r.Take(len(one.Trace.Span)))
	}
	return t
}
