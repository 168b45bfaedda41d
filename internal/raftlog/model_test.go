package raftlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"go.etcd.io/raft/v3/raftpb"
	"pgregory.net/rapid"
)

// model is what the log should hold: the naive log that the real one is compared with.
type model struct {
	term, vote, commit uint64
	snapIndex          uint64
	snapTerm           uint64
	entries            []*raftpb.Entry // behind the snapshot
}

func (m model) last() uint64 { return m.snapIndex + uint64(len(m.entries)) }

func (m model) termAt(i uint64) uint64 {
	if i == m.snapIndex {
		return m.snapTerm
	}
	return m.entries[i-m.snapIndex-1].GetTerm()
}

func (m model) append(r raftlog.Record) model {
	if r.Snapshot != nil {
		m.snapIndex, m.snapTerm, m.entries = r.Snapshot.GetIndex(), r.Snapshot.GetTerm(), nil
	}
	for _, e := range r.Entries {
		kept := m.entries[:e.GetIndex()-m.snapIndex-1]
		m.entries = append(kept[:len(kept):len(kept)], e)
	}
	if h := r.HardState; h != nil {
		m.term, m.vote, m.commit = h.GetTerm(), h.GetVote(), h.GetCommit()
	}
	return m
}

// snapshot is a durable snapshot that the log may not have named yet.
func (m model) snapshot(index, term uint64) model {
	if index <= m.snapIndex {
		return m
	}
	if index <= m.last() && m.termAt(index) == term {
		m.entries = m.entries[index-m.snapIndex:]
	} else {
		m.entries = nil
	}
	m.snapIndex, m.snapTerm = index, term
	m.commit = max(m.commit, index)
	if term > m.term {
		m.term, m.vote = term, 0
	}
	return m
}

func (m model) recovered() raftlog.Recovered {
	return raftlog.Recovered{HardState: hard(m.term, m.vote, m.commit),
		Snapshot: snapMeta(m.snapIndex, m.snapTerm), Entries: m.entries}
}

// like says whether r is m, where the commit index, which needs no sync, may be any from low to m's.
func (m model) like(r raftlog.Recovered, low uint64) bool {
	c := r.HardState.GetCommit()
	if c < max(low, m.snapIndex) || c > max(m.commit, m.snapIndex) {
		return false
	}
	m.commit = c
	return describe(r) == describe(m.recovered())
}

// machine drives a log and its model side by side.
type machine struct {
	disk  *vfs.Mem
	log   *raftlog.Log
	acked model // what was acknowledged
	low   uint64
	tried *model // an append or snapshot that failed, and may be there all the same
	n     int
}

func snapBytes(index, term uint64) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("state %d/%d ", index, term)), 40)
}

func (s *machine) data(t *rapid.T) string {
	s.n++
	size := rapid.SampledFrom([]int{0, 1, 30, 480, 700, 1500, 6000}).Draw(t, "size")
	fill := rapid.SampledFrom([]string{"\x00", "\x01", "x"}).Draw(t, "fill")
	if size == 0 {
		return ""
	}
	return fmt.Sprint(s.n) + strings.Repeat(fill, size)
}

func (s *machine) entries(t *rapid.T, from, term uint64) (es []*raftpb.Entry) {
	for i := range uint64(rapid.IntRange(1, 4).Draw(t, "entries")) {
		es = append(es, entry(from+i, term, s.data(t)))
	}
	return es
}

func (s *machine) put(t *rapid.T, r raftlog.Record) {
	next := s.acked.append(r)
	if err := s.log.Append([]raftlog.Record{r}); err != nil {
		s.tried = &next
		return
	}
	s.acked = next
	if len(r.Entries) > 0 || r.Snapshot != nil {
		s.low = next.commit
	}
}

func (s *machine) Append(t *rapid.T) {
	if s.tried != nil {
		return
	}
	m := s.acked
	from := rapid.Uint64Range(max(m.commit, m.snapIndex)+1, m.last()+1).Draw(t, "from")
	term := m.term + uint64(rapid.IntRange(0, 1).Draw(t, "newer"))
	term = max(term, 1)
	es := s.entries(t, from, term)
	last := es[len(es)-1].GetIndex()
	commit := rapid.Uint64Range(m.commit, last).Draw(t, "commit")
	s.put(t, raftlog.Record{Entries: es, HardState: hard(term, 1, commit)})
}

func (s *machine) CommitOnly(t *rapid.T) {
	if m := s.acked; s.tried == nil && m.last() > 0 {
		commit := rapid.Uint64Range(m.commit, m.last()).Draw(t, "commit")
		s.put(t, raftlog.Record{HardState: hard(m.term, m.vote, commit)})
	}
}

func (s *machine) Vote(t *rapid.T) {
	if m := s.acked; s.tried == nil {
		s.put(t, raftlog.Record{HardState: hard(m.term+1, rapid.Uint64Range(1, 3).Draw(t, "vote"), m.commit)})
		if s.tried == nil {
			s.low = m.commit
		}
	}
}

// Snapshot takes one of committed entries, or installs one from the leader, with or without naming it.
func (s *machine) Snapshot(t *rapid.T) {
	m := s.acked
	if s.tried != nil {
		return
	}
	index, term := m.commit, uint64(0)
	received := rapid.Bool().Draw(t, "received")
	if received {
		index = rapid.Uint64Range(max(m.snapIndex, m.commit)+1, m.last()+3).Draw(t, "index")
		term = m.term + 1
	} else if index > m.snapIndex {
		term = m.termAt(index)
	}
	if index <= m.snapIndex {
		return
	}
	next := m.snapshot(index, term)
	w, err := s.log.CreateSnapshot(snapMeta(index, term))
	if err == nil {
		_, err = w.Write(snapBytes(index, term))
	}
	if err == nil && rapid.IntRange(0, 9).Draw(t, "abort") == 0 {
		if err := w.Abort(); err != nil {
			t.Fatalf("abort: %v", err)
		}
		return
	}
	if err == nil {
		err = w.Commit()
	}
	if err != nil {
		s.tried = &next
		return
	}
	if !received {
		s.acked = next
		return
	}
	if rapid.Bool().Draw(t, "crash before it is named") {
		s.acked, s.low = next, max(s.low, index)
		s.Crash(t)
		return
	}
	s.put(t, raftlog.Record{Snapshot: snapMeta(index, term), HardState: hard(term, 0, index)})
	if s.tried != nil { // the snapshot itself is durable
		s.acked = next
	}
}

func (s *machine) Compact(t *rapid.T) {
	if err := s.log.Compact(s.acked.snapIndex); err != nil && s.disk.FailSync == nil {
		t.Fatalf("compact: %v", err)
	}
}

// FailNext makes some later write or sync fail; the node then stops, as one does.
func (s *machine) FailNext(t *rapid.T) {
	n := rapid.IntRange(1, 8).Draw(t, "calls until it fails")
	fail := func(string) error {
		if n--; n <= 0 {
			return errors.New("input/output error")
		}
		return nil
	}
	if rapid.Bool().Draw(t, "sync") {
		s.disk.FailSync = fail
	} else {
		s.disk.FailWrite = fail
	}
}

func (s *machine) Crash(t *rapid.T) {
	s.disk.Crash()
	s.reopen(t)
}

func (s *machine) Kill(t *rapid.T) {
	s.disk.Kill()
	s.reopen(t)
}

func (s *machine) CloseAndOpen(t *rapid.T) {
	if s.tried == nil && s.disk.FailSync == nil && s.disk.FailWrite == nil {
		mustClose(t, s.log)
		s.low = s.acked.commit
		s.reopen(t)
	}
}

func (s *machine) reopen(t *rapid.T) {
	s.disk.FailSync, s.disk.FailWrite = nil, nil
	l, r := mustOpen(t, s.disk)
	switch {
	case s.acked.like(r, s.low):
	case s.tried != nil && s.tried.like(r, s.low):
		s.acked = *s.tried
	default:
		t.Fatalf("recovered %s\nwant      %s (commit from %d)\nor        %v",
			describe(r), describe(s.acked.recovered()), s.low, s.tried)
	}
	s.acked.commit, s.acked.snapIndex = r.HardState.GetCommit(), r.Snapshot.GetIndex()
	s.log, s.tried, s.low = l, nil, min(s.low, r.HardState.GetCommit())
	if i := r.Snapshot.GetIndex(); i > 0 {
		if got := snapshotData(t, l, i); !bytes.Equal(got, snapBytes(i, r.Snapshot.GetTerm())) {
			t.Fatalf("snapshot %d holds %q", i, got)
		}
	}
}

// TestModel: whatever is appended, overwritten, snapshot, compacted and cut off by crashes, the log
// comes back as it was at the last acknowledged call, or at the one that was under way.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &machine{disk: vfs.NewMem(rapid.Uint64().Draw(t, "seed"))}
		s.log, _ = mustOpen(t, s.disk)
		t.Repeat(map[string]func(*rapid.T){
			"append": s.Append, "append more": s.Append, "commit": s.CommitOnly, "vote": s.Vote,
			"snapshot": s.Snapshot, "compact": s.Compact, "fail": s.FailNext,
			"crash": s.Crash, "kill": s.Kill, "close": s.CloseAndOpen,
		})
		s.Crash(t)
	})
}
