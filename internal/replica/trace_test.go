package replica_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/caucus-project/caucus/internal/replica"
)

// traced is a write with a trace of its own.
func traced(id byte, args ...string) *replica.Batch {
	b := write(args...)
	b.Track = &replica.Track{Trace: replica.Trace{ID: [16]byte{id}, Span: [8]byte{id, 1}}}
	return b
}

// led gives what all nodes have told of traced batches.
func (w *trio) led() (list []replica.Led) {
	for _, s := range w.nodes {
		list = append(list, s.led...)
	}
	return list
}

// traces counts the frames that tell of traces.
func traces(list []replica.Envelope) (n int) {
	for _, e := range list {
		if e.Frame.Traces != nil {
			n++
		}
	}
	return n
}

// The times of a traced write are those at which things happened, at both nodes.
func TestATracedWriteTellsItsTimes(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	for i, s := range []*seat{w.others(lead)[0], lead} {
		w.pass(heartbeat)
		lead.led, w.seen = nil, nil
		lead.stuck = true
		w.stall(lead, true)
		begun, b := w.now, w.ask(s, traced(byte(i+1), "SET", "k", "v"))
		w.settle()
		w.pass(2 * millisecond)
		lead.stuck = false
		w.store(lead)
		w.drain(lead)
		w.pass(3 * millisecond)
		w.stall(lead, false)
		w.must(b)
		if b.Track.Sent != begun || b.Track.Applied != begun+5*millisecond {
			t.Errorf("client's node %d: it began at %d and says %+v", s.id, begun, b.Track)
		}
		want := replica.Led{Trace: b.Track.Trace, Taken: begun, Proposed: begun, Stored: begun + 2*millisecond,
			Applied: begun + 5*millisecond}
		if len(lead.led) != 1 {
			t.Fatalf("the leader tells %+v", lead.led)
		}
		got := lead.led[0]
		if got.Index == 0 || got.Term == 0 {
			t.Errorf("no place in the log: %+v", got)
		}
		if got.Index, got.Term = 0, 0; got != want {
			t.Errorf("at the leader it went\n%+v, want\n%+v", got, want)
		}
	}
}

// A write that is gathered while an entry is being written is told with the entry that it went into.
func TestATracedWriteThatWaitsForAnEntry(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	w.pass(heartbeat)
	lead.led, lead.stuck = nil, true
	before := w.now
	first := w.ask(lead, write("SET", "a", "1"))
	second, third := w.ask(lead, write("SET", "b", "1")), w.ask(lead, traced(1, "SET", "c", "1"))
	w.pass(4 * millisecond)
	lead.stuck = false
	w.store(lead)
	w.drain(lead)
	for _, b := range []*replica.Batch{first, second, third} {
		w.must(b)
	}
	if len(lead.led) != 1 || lead.led[0].Taken != before || lead.led[0].Proposed < before+4*millisecond {
		t.Fatalf("it came at %d, and the leader tells %+v", before, lead.led)
	}
}

// What is traced is sent as what is not, with a frame before it; without a trace there is no such frame.
func TestATraceTravelsBesideTheBatches(t *testing.T) {
	batches := func(b *replica.Batch) (payload []byte, told int) {
		w := newTrio(t)
		w.seen = nil
		w.must(w.ask(w.others(w.leader())[0], b))
		for _, e := range w.seen {
			if e.Frame.Batches != nil {
				_, payload, _ = e.Frame.Encode()
			}
		}
		return payload, traces(w.seen)
	}
	with, told := batches(traced(1, "SET", "k", "v"))
	without, none := batches(write("SET", "k", "v"))
	if !bytes.Equal(with, without) || len(with) == 0 {
		t.Errorf("traced %x, not traced %x", with, without)
	}
	if told != 1 || none != 0 {
		t.Errorf("%d frames told of the trace, and %d of none", told, none)
	}
}

// Whatever is lost on the way, also whenever the leader does not know the frame of traces, every write is
// applied once, and what is told of traced ones is true.
func TestLostTracesCostNothing(t *testing.T) {
	for seed := range uint64(20) {
		w, rng := newTrio(t), rand.New(rand.NewPCG(seed, 0))
		w.hold = func(_, _ uint64, f replica.Frame) bool {
			return (f.Traces != nil || f.Batches != nil) && rng.IntN(3) == 0
		}
		var list []*replica.Batch
		own := map[replica.Trace]bool{}
		for i := range 30 {
			b := write("APPEND", "journal", "x")
			if rng.IntN(2) == 0 {
				b = traced(byte(i+1), "APPEND", "journal", "x")
				own[b.Track.Trace] = true
			}
			list = append(list, w.ask(w.node(1+rng.Uint64N(3)), b))
			w.pass(rng.Int64N(10) * millisecond)
		}
		w.pass(4 * election) // for what is sent again
		for _, b := range list {
			w.must(b)
			if b.Track != nil && (b.Track.Sent == 0 || b.Track.Applied < b.Track.Sent) {
				t.Errorf("seed %d: %+v", seed, b.Track)
			}
		}
		if r := w.must(w.ask(w.leader(), read("STRLEN", "journal"))); r.Int != 30 {
			t.Errorf("seed %d: %d of 30 writes", seed, r.Int)
		}
		for _, l := range w.led() {
			if !own[l.Trace] || l.Taken > l.Proposed || l.Proposed > l.Stored || l.Stored > l.Applied {
				t.Errorf("seed %d: told twice, of no write, or in no order: %+v", seed, l)
			}
			delete(own, l.Trace)
		}
	}
}

// A write that goes to another leader, because the first one was lost, takes its trace along.
func TestATraceGoesToTheNextLeader(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	s := w.others(lead)[0]
	w.cut(lead)
	b := w.ask(s, traced(1, "SET", "k", "v"))
	first := b.Track.Sent
	w.pass(4 * election)
	w.must(b)
	if b.Track.Sent <= first || first == 0 {
		t.Errorf("it left at %d and at %d", first, b.Track.Sent)
	}
	if list := w.led(); len(list) != 1 || list[0].Trace != b.Track.Trace || len(lead.led) != 0 {
		t.Errorf("told: %+v", list)
	}
}

// Who floods the leader with traces of batches that never come keeps it from nothing, and has it hold one
// frame's worth at most.
func TestTracesOfNothing(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	s := w.others(lead)[0]
	_, term, _ := lead.r.Standing()
	for n := range uint64(100) {
		f := replica.Frame{Traces: &replica.Traces{Term: term, List: []replica.Traced{{Number: 1000 + n}}}}
		w.input(lead, func(r *replica.Replica) { r.Receive(w.time(), s.id, f) })
	}
	w.must(w.ask(s, write("SET", "k", "v")))
	if list := w.led(); len(list) != 0 {
		t.Errorf("told: %+v", list)
	}
	long := replica.Frame{Traces: &replica.Traces{List: make([]replica.Traced, 1025)}}
	kind, payload, err := long.Encode()
	if _, refused := replica.Decode(kind, payload); err != nil || refused == nil {
		t.Error("a frame of more than 1,024 traces was taken", err)
	}
}

// However many traced writes leave at once, one frame tells of as many as a leader takes.
func TestManyTracedWritesAtOnce(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	s := w.others(lead)[0]
	w.input(s, func(r *replica.Replica) {
		for i := range 2000 {
			b := traced(1, "SET", fmt.Sprint(i), "v")
			b.Deadline = w.now + 5_000_000
			r.Submit(w.time(), b)
		}
	})
	w.pass(heartbeat)
	if n := len(lead.led); n != 1024 {
		t.Errorf("%d were told of", n)
	}
}
