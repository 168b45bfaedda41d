package machine

import (
	"reflect"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// What watches over a node counts what there is and what has ended, and the state does not change by it.
func TestCensusAndCounts(t *testing.T) {
	m := full(t) // a session, a member of a settling group with an open poll, two keys of which one ends
	want := Census{Sessions: 1, Groups: 2, Settling: 1, Members: 2, Keys: 2, Expiring: 1, Memory: m.Memory(),
		Limit: m.limits.memory, Polls: 1, MaxSessions: m.limits.sessions, MaxGroups: defaultGroups,
		MaxMembers: defaultMembers}
	if got := m.View().Census(m.stamp); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	ops := []entry.Op{
		{Fresh: entry.Session{1}, Bound: true, Args: caucus.Command{"SESSION", "OPEN", "GRACE", "0"}},
		{Fresh: entry.Session{2}, Args: caucus.Command{"SESSION", "OPEN"}},
		{Session: entry.Session{2}, Args: caucus.Command{"SESSION", "CLOSE"}},
	}
	apply := func(index uint64, e *entry.Entry) {
		t.Helper()
		if _, err := m.Apply(index, 1, e, deaf{}); err != nil {
			t.Fatal(err)
		}
	}
	apply(3, &entry.Entry{Stamp: 1_700_000_020_000_000, // by now the key has ended
		Batches: []entry.Batch{{Node: 1, Boot: entry.Boot{3}, Number: 2, Ops: ops}}})
	if c := m.View().Census(m.stamp); c.Polls != 0 {
		t.Errorf("its poll is over, and %d are open", c.Polls)
	}
	first, _ := m.session(entry.Session{9})
	second, _ := m.session(entry.Session{1})
	apply(4, &entry.Entry{Stamp: m.stamp, Notes: []entry.Op{End(first.id, first.attach, 1, Expired)},
		Batches: []entry.Batch{{Node: 1, Boot: entry.Boot{3}, Number: 3,
			Ops: []entry.Op{Drop(second.id, second.attach)}}}})
	if got, want := m.Counts(), (Counts{Lost: 1, Expired: 1, Closed: 1, Keys: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	m.SetCounts(Counts{Keys: 5})
	if got := m.Counts(); got != (Counts{Keys: 5}) {
		t.Errorf("set: %+v", got)
	}
}

// Who was asked for slots and does not release them is named, once that takes longer than its TTL.
func TestA17_CensusNamesTheStuck(t *testing.T) {
	m := full(t)
	set := entry.Op{Args: caucus.Command{"GROUP", "SET", "shared", "SLOTS", "5"}}
	apply := func(index uint64, e *entry.Entry) {
		if _, err := m.Apply(index, 1, e, deaf{}); err != nil {
			t.Fatal(err)
		}
	}
	batch := entry.Batch{Node: 1, Boot: entry.Boot{3}, Number: 2, Ops: []entry.Op{set}}
	apply(3, &entry.Entry{Batches: []entry.Batch{batch}})
	apply(4, &entry.Entry{Stamp: m.stamp + 7, Notes: []entry.Op{Grant("shared", m.Pending("shared")[0].Token)}})
	late := m.stamp + 10_000_000
	if c := m.View().Census(late); c.Moving != 3 || c.Stuck != nil {
		t.Errorf("within its TTL: %+v", c)
	}
	want := []Stuck{{"shared", "m1", 3}}
	if c := m.View().Census(late + 1); c.Moving != 3 || !reflect.DeepEqual(c.Stuck, want) {
		t.Errorf("after it: %+v", c)
	}
}
