package machine

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/entry"
)

// pairOf gives a machine of a version and a table of two nodes, which support these levels.
func pairOf(t *testing.T, version uint16, levels ...uint16) *Machine {
	t.Helper()
	m := New([16]byte{1}, 1)
	m.Support(version)
	for i, level := range levels {
		if !m.Admit(1, 1, Node{ID: uint64(i + 1), Name: string(rune('a' + i)), Level: level}) {
			t.Fatal("a node was not admitted")
		}
	}
	return m
}

func raise(m *Machine, index uint64, level uint16) error {
	_, err := m.Apply(index, 1, &entry.Entry{Level: m.Level(), Notes: []entry.Op{RaiseLevel(level)}}, deaf{})
	return err
}

// refers says whether an error sends the operator to a newer version, with these words.
func refers(err error, words string) bool {
	return errors.Is(err, ErrNewer) && strings.Contains(err.Error(), words)
}

// SAFETY B20: the level rises when every node of the table supports it, not before, and never falls, whatever
// the leader had seen when it logged the note.
func TestB20TheNoteIsJudgedWhenItIsApplied(t *testing.T) {
	for _, c := range []struct {
		levels []uint16
		notes  []uint16
		want   uint16
	}{
		{[]uint16{1, 1}, []uint16{1}, 1},
		{[]uint16{1, 0}, []uint16{1}, 0},
		{[]uint16{Next, Next}, []uint16{Next, 1, 0}, Next},
		{[]uint16{Next, 1}, []uint16{1, Next}, 1},
	} {
		m := pairOf(t, Next, c.levels...)
		for i, level := range c.notes {
			if err := raise(m, uint64(i+2), level); err != nil {
				t.Fatal(err)
			}
		}
		if m.Level() != c.want {
			t.Errorf("nodes of levels %v, notes %v: level %d, not %d", c.levels, c.notes, m.Level(), c.want)
		}
	}
}

// SAFETY B20: a version stops at the entry that raises the level beyond it, with its state as it was before.
// Else it would apply what follows in the old way, since the leader's entries say the old level until it has
// applied that entry itself.
func TestB20AnOldVersionStopsAtTheRise(t *testing.T) {
	m := pairOf(t, entry.Level, Next, Next)
	before, _ := m.View().Digest()
	err := raise(m, 2, Next)
	if !refers(err, "entry 2: it raises the ensemble to feature level 2, this version has 1: start") {
		t.Errorf("it says %v", err)
	}
	if after, _ := m.View().Digest(); after != before {
		t.Error("the state has changed")
	}
	m.Support(Next) // as the next version, which goes on from there
	if err := raise(m, 2, Next); err != nil || m.Level() != Next {
		t.Errorf("the next version: level %d, %v", m.Level(), err)
	}
	m.Support(entry.Level)
	_, err = m.Apply(3, 1, &entry.Entry{Level: Next}, deaf{})
	if !refers(err, "entry 3: it needs feature level 2, this version has 1: start the version") {
		t.Errorf("of an entry of the next level it says %v", err)
	}
}

// A note that is passed over stops nobody.
func TestB20AnOldVersionGoesOnBesideANote(t *testing.T) {
	m := pairOf(t, entry.Level, entry.Level, Next)
	if err := raise(m, 2, Next); err != nil || m.Level() != 0 {
		t.Errorf("level %d, %v", m.Level(), err)
	}
}

// SAFETY B20: who does not support the level in force does not come in.
func TestB20WhoIsTooOldIsNotAdmitted(t *testing.T) {
	m := pairOf(t, Next, Next)
	if err := raise(m, 2, Next); err != nil {
		t.Fatal(err)
	}
	if m.Admit(3, 1, Node{ID: 2, Level: entry.Level}) {
		t.Error("a node of the old version was admitted")
	}
	if !m.Admit(4, 1, Node{ID: 2, Level: Next}) {
		t.Error("a node of the next version was not admitted")
	}
}

// Versions of two levels write the same bytes while the lower one is in force, each reads the other's, and
// the old one refuses what comes after.
func TestB20SnapshotsOfTwoVersions(t *testing.T) {
	bytesAt := func(version, level uint16) []byte {
		m := pairOf(t, version, Next, Next)
		if err := raise(m, 2, level); err != nil {
			t.Fatal(err)
		}
		m.Skip(3, 1)
		if _, err := m.Apply(4, 1, &entry.Entry{Level: level}, deaf{}); err != nil {
			t.Fatal(err)
		}
		return save(t, m)
	}
	old := bytesAt(entry.Level, entry.Level)
	if !bytes.Equal(old, bytesAt(Next, entry.Level)) {
		t.Error("at the old level the versions write different snapshots")
	}
	m, err := LoadFor(Next, bytes.NewReader(old))
	if err != nil || m.View().Format() != New([16]byte{}, 0).View().Format() {
		t.Errorf("the next version does not go on in the old format: %v", err)
	}
	next := bytesAt(Next, Next)
	m, err = LoadFor(Next, bytes.NewReader(next))
	if err != nil || m.beyond != 1 || m.View().Format() == New([16]byte{}, 0).View().Format() {
		t.Errorf("the next version loads its own with %v", err)
	}
	if !bytes.Equal(save(t, m), next) {
		t.Error("saved again it differs")
	}
	_, err = LoadFor(entry.Level, bytes.NewReader(next))
	if !refers(err, "it needs feature level 2, this version has 1") {
		t.Errorf("the old version says %v", err)
	}
}
