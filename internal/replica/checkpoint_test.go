package replica_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
)

// askSave asks a node for a snapshot.
func (w *trio) askSave(s *seat, tag string) {
	w.t.Helper()
	w.input(s, func(r *replica.Replica) { r.AskCheckpoint(w.at(s), tag) })
}

// endSave says how the writing of the oldest snapshot that is due ended, and gives its index.
func (w *trio) endSave(s *seat, err error) (index uint64) {
	w.t.Helper()
	if len(s.due) == 0 {
		w.t.Fatal("no snapshot is due")
	}
	index = s.due[0].Meta.GetIndex()
	s.due = s.due[1:]
	w.input(s, func(r *replica.Replica) { r.Checkpointed(w.at(s), index, err) })
	return index
}

// told checks who was answered since the last call, and with which state.
func (s *seat) told(t *testing.T, index uint64, failed error, tags ...string) {
	t.Helper()
	if len(s.saved) != len(tags) {
		t.Fatalf("%d were answered, want %v", len(s.saved), tags)
	}
	for i, tag := range tags {
		if a := s.saved[i]; a.Tag != tag || a.View.Index() != index || !errors.Is(a.Err, failed) {
			t.Errorf("%v was told of %d, %v; want %s, %d, %v", a.Tag, a.View.Index(), a.Err, tag, index, failed)
		}
	}
	s.saved = nil
}

// retuned gives three nodes that were started anew with something stated.
func retuned(t *testing.T, tune func(*replica.Config)) *trio {
	t.Helper()
	w := newTrio(t)
	w.tune = tune
	for _, s := range w.nodes {
		w.crash(s)
	}
	for _, s := range w.nodes {
		w.start(s)
	}
	w.pass(election)
	return w
}

// SAFETY B13: a snapshot is due after so many entries or so many bytes of log, whichever is first.
func TestB13SnapshotsAreDueByEntriesAndByBytes(t *testing.T) {
	for name, c := range map[string]struct {
		entries, bytes uint64
		size, writes   int
	}{"entries": {50, 1 << 20, 1, 50}, "bytes": {1000, 100 << 10, 10 << 10, 10}} {
		t.Run(name, func(t *testing.T) {
			w := retuned(t, func(cfg *replica.Config) { cfg.SnapshotEntries, cfg.SnapshotBytes = c.entries, c.bytes })
			lead, n := w.leader(), 0
			for ; len(lead.due) == 0 && n <= c.writes; n++ {
				w.must(w.ask(lead, write("SET", "k", strings.Repeat("x", c.size))))
			}
			if n > c.writes || n < c.writes/2 {
				t.Errorf("after %d writes of %d bytes %d snapshots were due", n, c.size, len(lead.due))
			}
		})
	}
}

// SAFETY B13: behind a snapshot so many entries stay in memory, and no more bytes than may, or else large
// values that nobody can read any more would fill it.
func TestB13TheLogBehindASnapshotIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		entries, bytes, size int
		kept                 uint64
	}{"entries": {20, 1 << 20, 1, 20}, "bytes": {1000, 100 << 10, 30 << 10, 3},
		"none": {1000, 1 << 10, 30 << 10, 0}} {
		t.Run(name, func(t *testing.T) {
			w := retuned(t, func(cfg *replica.Config) {
				cfg.KeepEntries, cfg.KeepBytes = uint64(c.entries), uint64(c.bytes)
			})
			lead := w.leader()
			for range 30 {
				w.must(w.ask(lead, write("SET", "k", strings.Repeat("x", c.size))))
			}
			w.askSave(lead, "now")
			index := w.endSave(lead, nil)
			if st := lead.r.Status(); index+1-st.First != c.kept {
				t.Errorf("from %d on are kept behind the snapshot at %d, want %d of them", st.First, index, c.kept)
			}
		})
	}
}

// A node that has much to apply does so in many steps, and hears its disk and its peers between them.
func TestB5_CatchingUpIsNoSilence(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	for range 16 {
		w.must(w.ask(lead, write("SET", "k", strings.Repeat("x", 1<<20))))
	}
	late := w.others(lead)[0]
	w.crash(late)
	found := late.disk
	found.State, found.Entries = machine.New([16]byte{1}, 0), slices.Clone(late.disk.Entries)
	var err error
	if found.State, err = machine.Load(bytes.NewReader(late.base)); err != nil {
		t.Fatal(err)
	}
	r, err := replica.Open(replica.Config{Node: record(late.id, 2), Seed: 1}, found, w.at(late))
	if err != nil {
		t.Fatal(err)
	}
	steps, commit := 0, found.HardState.GetCommit()
	for ; r.State().Index() < commit; steps++ {
		before := r.State().Index()
		out := r.Output()
		now := r.State().Index()
		if now < commit && out.Wake > w.now+1 || now == before {
			t.Fatalf("it goes on at %d, it is %d; applied %d to %d of %d", out.Wake, w.now, before, now, commit)
		}
	}
	if steps < 4 {
		t.Errorf("16 MiB were applied in %d steps", steps)
	}
}

// SAFETY A13: digests are due after so many entries or ten minutes.
func TestA13DigestsAreDueByEntriesAndByTime(t *testing.T) {
	asked := func(s *seat) uint64 {
		index, _, _ := s.r.State().Digesting()
		return index
	}
	w := retuned(t, func(cfg *replica.Config) { cfg.DigestEntries = 50 })
	n := 0
	for ; asked(w.leader()) == 0 && n <= 50; n++ {
		w.must(w.ask(w.leader(), write("SET", "k", "x")))
	}
	if n > 50 || n < 25 {
		t.Errorf("digests were taken after %d writes", n)
	}
	w = newTrio(t)
	stride := func(until int64) {
		for w.now < until {
			w.now += 2*heartbeat - millisecond
			w.pass(millisecond)
		}
	}
	stride(590_000 * millisecond)
	if asked(w.leader()) != 0 {
		t.Fatal("digests were taken before ten minutes were over")
	}
	stride(610_000 * millisecond)
	if asked(w.leader()) == 0 {
		t.Fatal("digests were not taken after ten minutes")
	}
}

func TestWhoAsksForASnapshotIsToldWhenItIsDurable(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	w.must(w.ask(lead, write("SET", "k", "1")))
	w.askSave(lead, "a")
	lead.told(t, 0, nil)
	first := w.endSave(lead, nil)
	lead.told(t, first, nil, "a")
	if last := lead.r.Status().Last; last != first {
		t.Errorf("the last snapshot is %d, want %d", last, first)
	}
	w.askSave(lead, "nothing new")
	lead.told(t, first, nil, "nothing new")
	if len(lead.due) != 0 {
		t.Error("a second snapshot of one state is due")
	}
}

// Who asks while one is being written waits for the next, which has what he has seen.
func TestWhoAsksDuringASnapshotWaitsForTheNext(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	w.must(w.ask(lead, write("SET", "k", "1")))
	w.askSave(lead, "a")
	w.askSave(lead, "same state")
	w.must(w.ask(lead, write("SET", "k", "2")))
	w.askSave(lead, "b")
	if len(lead.due) != 1 {
		t.Fatalf("%d snapshots are being written at once", len(lead.due))
	}
	first := w.endSave(lead, nil)
	lead.told(t, first, nil, "a", "same state")
	if second := w.endSave(lead, nil); second <= first {
		t.Errorf("the second snapshot is at %d, the first at %d", second, first)
	} else {
		lead.told(t, second, nil, "b")
	}
}

// A failure is told to those whose snapshot it was, and nobody else; the index of the last durable one stays,
// and who asks again is tried for again.
func TestAFailedSnapshotIsToldAndTriedAgainWhenAsked(t *testing.T) {
	w := newTrio(t)
	lead, full := w.leader(), errors.New("the disk is full")
	before := lead.r.Status().Last
	w.must(w.ask(lead, write("SET", "k", "1")))
	w.askSave(lead, "a")
	w.must(w.ask(lead, write("SET", "k", "2")))
	w.askSave(lead, "b")
	first := w.endSave(lead, full)
	lead.told(t, first, full, "a")
	second := w.endSave(lead, full)
	lead.told(t, second, full, "b")
	w.pass(election)
	if len(lead.due) != 0 || lead.r.Status().Last != before {
		t.Errorf("%d due without being asked for, last %d, before %d", len(lead.due), lead.r.Status().Last, before)
	}
	w.askSave(lead, "c")
	lead.told(t, w.endSave(lead, nil), nil, "c")
}
